"""Two of our own gateways in namespaces, with the address plans of the document's configurations."""
import itertools
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from .core import LAB, Fault, Gateway, Row, Session, copy, judge, ping, reach, run
from .ios import Site, quoted, transforms

#: Local and remote address of the outer network, the two inner networks and their hosts: the document's three pairs.
PLANS = {
    "cl-2513-2A and -2B": ("20.20.20.21", "20.20.20.20", "50.50.50.50", "60.60.60.60"),
    "lab-isdn and lab-isdn1": ("12.12.12.12", "12.12.12.13", "20.20.20.20", "40.40.40.40"),
    "wan2511 and wan2516": ("20.20.20.21", "20.20.20.20", "50.50.50.50", "60.60.60.60"),
}
FIRST = "cl-2513-2A and -2B"
#: The same for other families, outside and inside.
FAMILIES = {
    "IPv6": ("fd20::1", "fd20::2", "fd50::1", "fd51::1"),
    "IPv6 in IPv4": ("20.20.20.21", "20.20.20.20", "fd50::1", "fd51::1"),
    "IPv4 in IPv6": ("fd20::1", "fd20::2", "50.50.50.50", "60.60.60.60"),
}
LARGEST_UDP = 65507
SIZES = sorted({*range(0, 3001), *(2 ** n + d for n in range(11, 17) for d in (-1, 0, 1) if 2 ** n + d <= LARGEST_UDP), LARGEST_UDP})


def network(address):
    return address.rsplit(":", 1)[0] + ":" if ":" in address else address.rsplit(".", 1)[0] + ".0"


class Pair(Session):
    """Two namespaces on a wire; the rows start gateways in them."""

    numbers = itertools.count(1)

    #: Empty until it has started.
    namespaces = ()

    def __init__(self, options, folder, plan=FIRST):
        super().__init__(options, folder)
        self.tag = f"{os.getpid()}x{next(self.numbers)}"
        self.plan = PLANS.get(plan) or FAMILIES[plan]

    def start(self):
        self.namespaces = [f"gw{side}{self.tag}" for side in "ab"]
        a, b = self.namespaces
        for name in self.namespaces:
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        self.connect(a, b)
        for index, name in enumerate(self.namespaces):
            run("ip", "-n", name, "link", "set", "wire", "up")
            # Some rows of an IPv4 plan go over IPv6 all the same.
            for plan in {self.plan, FAMILIES["IPv6"]}:
                for address, device in ((plan[index], "wire"), (plan[2 + index], "lo")):
                    words = (f"{address}/64", "dev", device, "nodad") if ":" in address else (f"{address}/24", "dev", device)
                    run("ip", "-n", name, "addr", "replace", *words)
        time.sleep(0.3)

    def before_row(self):
        # A gateway that was killed, be it by a row that failed, has left what keeps packets from leaving in clear.
        self.flush()

    def flush(self):
        """Takes away what gateways have made of rules and routes."""
        for name, family in itertools.product(self.namespaces, ("-4", "-6")):
            # `rule flush` spares those of number 0.
            while subprocess.run(["ip", family, "-n", name, "rule", "del", "protocol", "149"], capture_output=True).returncode == 0:
                pass
            run("ip", family, "-n", name, "route", "flush", "table", "all", "proto", "149")

    def stop(self):
        for name in self.namespaces:
            run("ip", "netns", "del", name, check=False)

    def connect(self, a, b):
        run("ip", "link", "add", "wire", "netns", a, "type", "veth", "peer", "name", "wire", "netns", b)

    def gateways(self, folder, records=True, **site):
        here, there, inside, outside = self.plan
        shared = dict(key="sharedkey", **site)
        sites = (Site(local=here, remote=there, inside=network(inside), outside=network(outside), inside_address=inside, **shared),
                 Site(local=there, remote=here, inside=network(outside), outside=network(inside), inside_address=outside, **shared))
        return [Gateway(self.options, name, folder, site.text(), name=f"gateway-{letter}", records=records)
                for name, site, letter in zip(self.namespaces, sites, "ab")]

    def ends(self, transport=False):
        return self.plan[:2] if transport else self.plan[2:]


class BadPair(Pair):
    """The same with a wire that delays, loses, doubles and reorders frames: a process of the lab, for not every kernel has netem."""
    WORDS = ("--delay", "5", "--jitter", "2", "--loss", "3", "--duplicate", "3", "--reorder", "10")

    def connect(self, a, b):
        self.said = None
        self.wire = subprocess.Popen([LAB / "wire.py", a, b, *self.WORDS], stdout=subprocess.PIPE, text=True, start_new_session=True)
        if self.wire.stdout.readline() != "ready\n":
            raise Fault("the wire was not made")

    def stop(self):
        self.told()
        super().stop()

    def told(self):
        """Ends the wire; what it says that it has done."""
        if self.said is None:
            self.wire.terminate()
            self.said = self.wire.communicate(timeout=10)[0].strip()
        return self.said


def both(work, least_esp=0, least_ah=0, ends=2, **site):
    """Starts both gateways, does some work, lets tshark and scapy look at the wire as one or both ends have it."""
    def check(session, row, folder):
        one, two = session.gateways(folder, **site)
        with one, two:
            said = work(session, one, two, session.ends(site.get("transport", False)))
        judge(*(one, two)[:ends], least_esp=least_esp, least_ah=least_ah)
        return said
    return check


def echoes(session, one, two, ends):
    (a, b), (here, there) = session.namespaces, ends
    ping(a, here, there, 3)
    ping(b, there, here, 3)
    for gateway in (one, two):
        if min(gateway.sealed_and_opened()) < 6:
            raise Fault(f"{gateway.name} counts {gateway.sealed_and_opened()} packets sealed and opened")


def datagrams(session, one, two, ends):
    (a, b), (here, there) = session.namespaces, ends
    sizes = ",".join(map(str, SIZES))
    run(sys.executable, LAB / "datagrams.py", "--from", a, here, "--to", b, there, "--sizes", sizes, timeout=240)
    return f"{len(SIZES)} sizes, each came back equal"


def streams(largest):
    def work(session, one, two, ends):
        (a, b), (here, there) = session.namespaces, ends
        seconds = 0
        for octets in (1, 2, 1000, 65536, 1_000_000, largest):
            seconds = copy(a, here, b, there, octets) + copy(b, there, a, here, octets)
        return f"{2 * 8 * largest / 1e6 / seconds:.0f} Mbit/s"
    return work


def at_once(session, one, two, ends):
    """A transfer each way at the same time."""
    (a, b), (here, there) = session.namespaces, ends
    octets = 5_000_000
    with ThreadPoolExecutor() as pool:
        there_and_back = (pool.submit(copy, a, here, b, there, octets), pool.submit(copy, b, there, a, here, octets))
        seconds = max(transfer.result() for transfer in there_and_back)
    return f"{2 * 8 * octets / 1e6 / seconds:.0f} Mbit/s"


def killed(session, row, folder):
    """One side is killed without a word and started again; traffic comes back by itself."""
    one, two = session.gateways(folder)
    with one:
        two.start()
        try:
            here, there = session.ends()
            a, b = session.namespaces
            ping(a, here, there, 2)
            two.kill()
            two.start()
            ping(b, there, here, 2, wait=20)
            ping(a, here, there, 2, wait=20)
        finally:
            two.stop()


def bad_network(session, row, folder):
    """A tunnel comes up over a bad wire, and TCP gets through it whole, in both directions."""
    one, two = session.gateways(folder)
    with one, two:
        here, there = session.ends()
        a, b = session.namespaces
        reach(a, here, there, 60)
        copy(a, here, b, there, 2_000_000)
        copy(b, there, a, here, 2_000_000)
    said = session.told()
    if min(map(int, re.findall(r"\d+", said))) == 0:
        raise Fault(f"the wire was not bad: {said}")
    judge(one, two, least_esp=4000, same_wire=True)
    return said


SETS = (
    ("esp des-sha1", dict(esp="des-sha1", ike="des-sha1-modp1024"), "esp"),
    ("ah sha1 + esp des-sha1", dict(esp="des-sha1", ah="sha1", ike="des-sha1-modp768"), "both"),
    ("ah sha1", dict(esp=None, ah="sha1"), "ah"),
    ("esp aes256-sha256, PFS", dict(esp="aes256-sha256", pfs="modp2048", ike="aes256-sha256-modp2048"), "esp"),
    ("esp des-sha1, transport", dict(esp="des-sha1", transport=True), "esp"),
    ("ah sha1 + esp des-sha1, transport", dict(esp="des-sha1", ah="sha1", transport=True), "both"),
)


def rows():
    for plan in PLANS:
        for text, site, kind in SETS:
            least = dict(least_esp=12 if kind != "ah" else 0, least_ah=12 if kind != "esp" else 0)
            yield Row("own gateway", "both", "main", f"{text}; addresses of {plan}", (Pair, plan), both(echoes, **least, **site),
                      quick=plan == FIRST and kind == "both")
    for family in FAMILIES:
        for text, site, kind in SETS:
            if site.get("transport") and " in " in family:
                continue
            least = dict(least_esp=12 if kind != "ah" else 0, least_ah=12 if kind != "esp" else 0)
            yield Row("own gateway", "both", "main", f"{family}, {text}", (Pair, family), both(echoes, **least, **site))
    yield Row("own gateway", "both", "main", "IPv6, UDP of 0 to 3000 and 2^n ± 1 octets", (Pair, "IPv6"), both(datagrams, esp="aes128-sha1"))
    yield Row("own gateway", "both", "main", "IPv6, TCP of 1 octet to 5 MB, aes128-sha1", (Pair, "IPv6"), both(streams(5_000_000), esp="aes128-sha1"))
    yield Row("own gateway", "both", "main", "TCP of 5 MB both ways at once, 3des-sha1", (Pair,), both(at_once, esp="3des-sha1"))
    yield Row("own gateway", "both", "main", "UDP of 0 to 3000 and 2^n ± 1 octets", (Pair,), both(datagrams, esp="aes128-sha1"))
    for esp in ("des-sha1", "aes128-sha1", "aes256gcm16"):
        yield Row("own gateway", "both", "main", f"TCP of 1 octet to 50 MB, {esp}", (Pair,), both(streams(50_000_000), ends=1, esp=esp))
    yield Row("own gateway", "both", "main", "TCP of 1 octet to 5 MB, aes128-sha1", (Pair,), both(streams(5_000_000), esp="aes128-sha1"), quick=True)
    yield Row("own gateway", "both", "main", "one side killed and started again", (Pair,), killed, quick=True)
    yield Row("own gateway", "both", "main", "delay, loss, duplicates, reordering", (BadPair,), bad_network)
