"""A gateway or its TUN interface that is gone, however it went: no packet that the map protects leaves in clear (T101)."""
import contextlib
import resource
import signal
import subprocess
import time
from pathlib import Path

from .capture import Capture
from .core import Fault, Row, reach, run, wait_for
from .gateways import FIRST, Pair
from .kills import begin, state

#: A peer that still has SAs of the dead gateway needs so long to notice and to negotiate anew.
SECONDS = 30
#: How long what is lost stays lost, with traffic all the while.
LOST = 1.0
#: Sealed packets that the watcher must see, the first of them before something is lost.
LEAST = 10
#: Octets that a gateway whose memory ends may still take.
ROOM = 1 << 20


class Forwarding(Pair):
    """The pair with a host behind the first gateway, whose packets that one forwards. The way around the tunnel is open on both."""

    def start(self):
        super().start()
        a, b = self.namespaces
        self.host = f"gwh{self.tag}"
        run("ip", "netns", "add", self.host)
        self.namespaces.append(self.host)
        run("ip", "link", "add", "inner", "netns", a, "type", "veth", "peer", "name", "inner", "netns", self.host)
        inside = self.plan[2]
        self.v6 = ":" in inside
        # With the whole net on lo the machine takes the host's address for its own.
        run("ip", "-n", a, "addr", "del", f"{inside}/{64 if self.v6 else 24}", "dev", "lo")
        run("ip", "-n", a, "addr", "add", f"{inside}/{128 if self.v6 else 32}", "dev", "lo", *(("nodad",) if self.v6 else ()))
        # The upper half of the inner network.
        self.inner, own, bits = ("fd50::8000:0:0:2", "fd50::8000:0:0:1", 65) if self.v6 else (f"{inside.rsplit('.', 1)[0]}.130", f"{inside.rsplit('.', 1)[0]}.129", 25)
        more = ("nodad",) if self.v6 else ()
        run("ip", "-n", a, "addr", "add", f"{own}/{bits}", "dev", "inner", *more)
        run("ip", "-n", self.host, "addr", "add", f"{self.inner}/{bits}", "dev", "inner", *more)
        run("ip", "-n", a, "link", "set", "inner", "up")
        run("ip", "-n", self.host, "link", "set", "inner", "up")
        run("ip", "-n", self.host, "route", "add", "default", "via", own)
        switch = "net.ipv6.conf.all.forwarding" if self.v6 else "net.ipv4.ip_forward"
        run("ip", "netns", "exec", a, "sysctl", "-qw", f"{switch}=1")
        for index, name in enumerate((a, b)):
            run("ip", "-n", name, "route", "add", "default", "via", self.plan[1 - index])
        time.sleep(0.2)

    def before_row(self):
        """Packets that go around the tunnel get through: the row could fail."""
        super().before_row()
        reach(self.namespaces[0], *self.ends())
        reach(self.host, self.inner, self.ends()[1])


class Watcher(Capture):
    """What crosses the wire from the first gateway's side, as the other side sees it."""

    def __init__(self, session, folder, transport):
        super().__init__(session.namespaces[1], folder / "wire.pcap", "-Q", "in", "-i", "wire")
        v6 = ":" in session.ends(transport)[0]
        echo = "icmp6 and ip6[40] == 128" if v6 else "icmp[icmptype] == icmp-echo"
        self.clear = f"src host {session.ends(transport)[0]} and {echo}"
        if not transport:
            self.clear = f"({self.clear}) or (src host {session.inner} and {echo})"

    def seals(self):
        """The last packet of a capture that goes on may be there in part."""
        with contextlib.suppress(Fault):
            return self.counts()[1] >= LEAST

    def counts(self):
        return self.matching(self.clear, "esp")


@contextlib.contextmanager
def echoes(session, transport):
    """Echo requests of the gateway's machine, and of the host behind it, all the while."""
    here, there = session.ends(transport)
    senders = [(session.namespaces[0], here)] + ([] if transport else [(session.host, session.inner)])
    pings = [subprocess.Popen(["ip", "netns", "exec", name, "ping", "-n", "-q", "-i", "0.01", "-W", "1", "-I", source, there],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for name, source in senders]
    try:
        yield
    finally:
        for ping in pings:
            ping.kill()
            ping.wait()


def ended(gateway, number, attempts=40):
    """Tries until the process has died of a signal."""
    for _ in range(attempts):
        yield
        with contextlib.suppress(subprocess.TimeoutExpired):
            gateway.process.wait(0.25)
            break
    if gateway.process.poll() != -number:
        raise Fault(f"its status is {gateway.process.poll()}: {gateway.said.read_text()[-200:]}")


def by_signal(number):
    def dies(session, gateway):
        # A handler may take the first SIGSEGV for one that it can explain.
        for _ in ended(gateway, number):
            gateway.process.send_signal(number)
    return dies


def out_of_memory(session, gateway):
    """A little more than it has; then it is to read configurations that take more and more. What is made of one is larger than its text, whose
    reading may fail."""
    text = gateway.config.read_text()
    pages = int(Path(f"/proc/{gateway.process.pid}/statm").read_text().split()[0])
    run("prlimit", "--pid", gateway.process.pid, f"--as={pages * resource.getpagesize() + ROOM}")
    count = 0
    try:
        for _ in ended(gateway, signal.SIGABRT):
            count += 1000
            lists = (f"ip access-list extended many{n}\n permit ip host 10.0.{n // 250}.{n % 250} host 10.9.9.9\n" for n in range(count))
            gateway.config.write_text(text.replace("\nend\n", "\n" + "".join(lists) + "end\n"))
            gateway.process.send_signal(signal.SIGHUP)
    finally:
        gateway.config.write_text(text)


def by_link(*words, said):
    """The interface goes, the gateway stays."""
    def goes(session, gateway):
        before = len(gateway.said.read_text())
        run("ip", "-n", gateway.namespace, "link", *words)
        wait_for("a word about it", 5, lambda: said in gateway.said.read_text()[before:])
    return goes


def by_route(session, gateway):
    """Somebody else adds a way around the tunnel to the other end alone."""
    there = session.ends()[1]
    run("ip", "-n", gateway.namespace, "route", "add", f"{there}/{128 if session.v6 else 32}", "via", session.plan[1], "dev", "wire")


def by_flush(session, gateway):
    """Somebody else takes all rules and routes of ours away while nothing is sent."""
    name = gateway.namespace
    wanted, before = state(name)[:2], len(gateway.said.read_text())
    session.flush()
    # It may be made again before the last of it is taken.
    wait_for("a word about it", 5, lambda: "are made again" in gateway.said.read_text()[before:])
    wait_for("rules and routes as they were", 5, lambda: state(name)[:2] == wanted)


def closed(loss, transport=False, quiet=False):
    """The row: with traffic, something is lost; for a while nothing comes; then all is as before, and nothing was clear."""
    def check(session, row, folder):
        gateways = session.gateways(folder, transport=transport)
        one, two = gateways
        a, b = session.namespaces[:2]
        here, there = session.ends(transport)
        before = state(a)
        try:
            for gateway in gateways:
                begin(gateway)
            reach(a, here, there, SECONDS)
            if not transport:
                reach(session.host, session.inner, there, SECONDS)
            if quiet:
                loss(session, one)
            with Watcher(session, folder, transport) as wire, echoes(session, transport):
                wait_for("sealed packets", 10, wire.seals)
                if not quiet:
                    loss(session, one)
                time.sleep(LOST)
                if one.process.poll() is not None:
                    begin(one)
                reach(a, here, there, SECONDS)
                if not transport:
                    reach(session.host, session.inner, there, SECONDS)
            clear, sealed = wire.counts()
            if clear or sealed < LEAST:
                raise Fault(f"{clear} packets in clear and {sealed} sealed")
            if loss is by_route:
                run("ip", "-n", a, "route", "del", there, "via", session.plan[1])
            one.stop()
            if state(a) != before:
                raise Fault(f"after SIGTERM it is not as before: {state(a)}, {before}")
            return f"{sealed} sealed and none in clear"
        finally:
            for gateway in gateways:
                gateway.kill()
    return check


def rows():
    losses = (("SIGKILL", by_signal(signal.SIGKILL)), ("SIGABRT, as a panic that aborts", by_signal(signal.SIGABRT)), ("SIGSEGV", by_signal(signal.SIGSEGV)),
              ("out of memory", out_of_memory), ("the TUN interface deleted", by_link("del", "ipsec0", said="is gone, and is made again")),
              ("the TUN interface set down", by_link("set", "ipsec0", "down", said="was set down, and is set up again")))
    for plan, family in ((FIRST, "IPv4"), ("IPv6", "IPv6")):
        for text, loss in losses:
            yield Row("own gateway", "both", "main", f"T101: nothing in clear, {family}: {text}", (Forwarding, plan), closed(loss), quick=text == "SIGKILL")
        yield Row("own gateway", "both", "main", f"T101: nothing in clear, {family}: a route of somebody else's around the tunnel", (Forwarding, plan), closed(by_route))
        yield Row("own gateway", "both", "main", f"rules and routes that somebody else removes are made again, {family}", (Forwarding, plan), closed(by_flush, quiet=True))
    for plan, family in ((FIRST, "IPv4"), ("IPv6", "IPv6")):
        for text, loss in (losses[0], losses[4], losses[5]):
            yield Row("own gateway", "both", "main", f"T101: nothing in clear, {family}, transport: {text}", (Forwarding, plan), closed(loss, transport=True))
