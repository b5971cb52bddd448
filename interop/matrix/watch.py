"""Clear packets that the map protects, at the wire to a guest kernel: who sends them, who takes them, and how many its policies refused (T101)."""
import re

from .capture import Capture
from .core import Fault, run, wait_for

#: Prints the first octets of each datagram that comes, until one says that it is the end.
LISTEN = """
import socket, sys
here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
here.bind((sys.argv[1], 4001))
here.settimeout(60)
word = "listening"
while word != "end":
    print(word, flush=True)
    word = here.recv(100)[:6].decode()
print("end", flush=True)
"""
FORGED = 3
#: The user-space side's packets around its own tunnel.
FORGE = """
import sys
from scapy.all import Ether, IP, UDP, sendp
mac, source, target, count = sys.argv[1:]
sendp([Ether(dst=mac) / IP(src=source, dst=target) / UDP(sport=4000, dport=4001) / b"forged"] * int(count), iface="tap0", verbose=False)
"""
SEND = "import socket, sys; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((sys.argv[2], 0)); s.sendto(sys.argv[1].encode(), (sys.argv[3], 4001))"


class Wire(Capture):
    """Everything of IPv4 that crosses tap0 in a session's namespace."""

    def __init__(self, session, folder, name="wire"):
        super().__init__(session.namespace, folder / f"{name}.pcap", "-i", "tap0", "ip")

    def counts(self):
        """How many packets of the guest's inner network went in clear, and how many of the guest's were sealed."""
        return self.matching("src net 10.2.0.0/24", "esp and src host 10.9.0.2")

    def closed(self, when, least_sealed=0):
        clear, sealed = self.counts()
        if clear or sealed < least_sealed:
            raise Fault(f"{when}: the guest sent {clear} packets in clear and {sealed} sealed")
        return f"{sealed} sealed and none in clear"


class Echoes:
    """Echo requests of the guest's, all the while; any of them may be lost. But for the policies their way around the tunnel is open."""

    def __init__(self, session, source, target, least):
        self.session, self.source, self.target, self.least = session, source, target, least
        # Behind the gateway's own.
        self.route = "10.1.0.0/24 via 10.9.0.1 metric 4000"

    def __enter__(self):
        mac = run("ip", "netns", "exec", self.session.namespace, "cat", "/sys/class/net/tap0/address").strip()
        # The gateway's route is one of an interface alone, and nobody answers for an address behind a tunnel.
        self.session.inside(f"ip route replace {self.route} && ip neigh replace {self.target} lladdr {mac} dev vec0 nud permanent")
        self.session.inside(f"(setsid ping -n -q -i 0.01 -W 1 -I {self.source} {self.target} >/mnt/echoes 2>&1 </dev/null & "
                            "echo $! >/mnt/echoes.pid)")
        return self

    def __exit__(self, kind, *_):
        self.session.inside(f"kill -INT $(cat /mnt/echoes.pid); ip neigh del {self.target} dev vec0; ip route del {self.route}; true")
        if kind is None:
            said = self.session.folder / "echoes"
            sent = wait_for("an account of the echoes", 5, lambda: re.search(r"(\d+) packets transmitted", said.read_text()))
            if int(sent[1]) < self.least:
                raise Fault(f"only {sent[1]} echoes were asked for")


def refused(session):
    """How many packets the guest's policies have refused since it booted."""
    text = session.inside("grep -E 'XfrmIn(NoPols|TmplMismatch|PolBlock)' /proc/net/xfrm_stat")
    return sum(int(line.split()[1]) for line in text.splitlines())


def heard(session, source, target, honest, taken):
    """What a listener in the guest hears while our side sends honest datagrams into its tunnel, if there is one, and forged ones around it.

    Not before the forged ones were taken, or a policy refused each of them: they did arrive."""
    (session.folder / "listen.py").write_text(LISTEN)
    (session.folder / "send.py").write_text(SEND)
    said = session.folder / "heard"
    said.unlink(missing_ok=True)
    session.inside(f"setsid python3 /mnt/listen.py {target} >/mnt/heard 2>&1 </dev/null & true")
    wait_for("a listener", 10, lambda: said.exists() and "listening" in said.read_text())
    before = refused(session)
    if honest:
        run("ip", "netns", "exec", session.namespace, "python3", "-c", SEND, "honest", source, target)
    mac = session.inside("cat /sys/class/net/vec0/address").strip()
    run("ip", "netns", "exec", session.namespace, "/usr/bin/python3", "-c", FORGE, mac, source, target, FORGED)
    if taken:
        wait_for("forged packets that are taken", 10, lambda: said.read_text().count("forged") == FORGED)
    else:
        wait_for("forged packets that a policy refuses", 10, lambda: refused(session) >= before + FORGED or "forged" in said.read_text())
    session.inside(f"python3 /mnt/send.py end {target} {target}")
    return wait_for("the end of the listener", 10, lambda: "end" in said.read_text() and said.read_text().split())
