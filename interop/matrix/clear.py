"""Clear packets that the map protects, forged on the wire: the machine must not take them (T101)."""
import subprocess
import sys
import time

from .core import Fault, Gateway, Row, run, wait_for
from .gateways import Pair
from .ios import quoted

#: A protected host's packets in clear, on the wire. What is sent: a datagram, one in two pieces, one behind a destination option.
FORGE = """
import sys
from scapy.all import *
mac, source, target, how, sport, dport = sys.argv[1:]
v6 = ":" in source
ip = IPv6(src=source, dst=target) if v6 else IP(src=source, dst=target, id=77)
udp = UDP(sport=int(sport), dport=int(dport)) / (b"forged" * (4 if how == "pieces" else 1))
if how == "options":
    packets = [ip / IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(4))]) / udp]
elif how == "pieces":
    packets = fragment6(ip / IPv6ExtHdrFragment(id=77) / udp, 72) if v6 else fragment(ip / udp, 16)
    assert len(packets) > 1
else:
    packets = [ip / udp]
for packet in packets:
    sendp(Ether(dst=mac) / packet, iface="wire", verbose=False)
"""
#: Prints what comes first; `connected` sockets take datagrams of one sender only.
LISTEN = """
import socket, sys
address, port, seconds, peer, peer_port = sys.argv[1:]
here = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
here.bind((address, int(port)))
here.settimeout(float(seconds))
if peer != "-":
    here.connect((peer, int(peer_port)))
print("listening", flush=True)
try:
    while True:
        what = here.recv(100)[:6].decode()
        print(what, flush=True)
        if what == "forged":
            break
except TimeoutError:
    print("nothing", flush=True)
"""
HONEST = """
import socket, sys
source, target, sport, dport = sys.argv[1:]
s = socket.socket(socket.AF_INET6 if ":" in source else socket.AF_INET, socket.SOCK_DGRAM)
s.bind((source, int(sport)))
s.sendto(b"honest", (target, int(dport)))
"""
PORTS = (4000, 4001)
#: A forged packet takes scapy so long, most of which is its start.
SECONDS = 4


def configuration(local, remote, transport, lines, inside):
    """A gateway whose map protects `lines` of either family."""
    v6 = ":" in local
    kind = "ipv6 access-list lines" if any(":" in line for line in lines) else "ip access-list extended lines"
    address = lambda text: f"ipv6 address {text}/64" if ":" in text else f"ip address {text} 255.255.255.0"
    route = f"ipv6 route ::/0 {remote}" if v6 else f"ip route 0.0.0.0 0.0.0.0 {remote}"
    if ":" in inside and not v6:
        route += "\nipv6 route ::/0 Serial0"
    return f"""version 12.4
hostname a
crypto isakmp policy 10
 encryption aes 128
 authentication pre-share
 group 2
crypto isakmp key {quoted("sharedkey")} address {f"ipv6 {remote}/128" if v6 else remote}
crypto ipsec transform-set wanted esp-aes esp-sha-hmac
 mode {'transport' if transport else 'tunnel'}
crypto map lab 10 ipsec-isakmp
 set peer {remote}
 set transform-set wanted
 match address lines
{kind}
{chr(10).join(f" {line}" for line in lines)}
interface Ethernet0
 {address(inside)}
interface Serial0
 {address(local)}
 crypto map lab
{route}
end
"""


def deaf(how, ends, lines, transport=False, connected=False, sports=PORTS):
    """A row's work: the tunnel delivers a datagram, the wire does not."""
    def check(session, row, folder):
        sides = ends(session)
        gateways = []
        for index, name in enumerate(session.namespaces):
            here, there = sides[index], sides[1 - index]
            text = configuration(here[0], there[0], transport, [line(here[1], there[1]) for line in lines], here[2])
            gateways.append(Gateway(session.options, name, folder, text, name=f"gateway-{'ab'[index]}"))
        (_, _, to), (_, _, source) = sides
        if transport:
            to, source = sides[0][0], sides[1][0]
        a, b = session.namespaces
        mac = run("ip", "netns", "exec", a, "cat", "/sys/class/net/wire/address").strip()
        peer = [source, sports[0]] if connected else ["-", "0"]
        words = [source, to, *map(str, sports)]
        with gateways[0], gateways[1]:
            # Not by echoes: a line may be about UDP only. The first datagrams go before the listener is there.
            wait_for("SAs", 20, lambda: run("ip", "netns", "exec", b, sys.executable, "-c", HONEST, *words) or "spi: 0x" in gateways[0].show("show crypto ipsec sa"))
            time.sleep(0.5)

            def heard():
                listener = subprocess.Popen(["ip", "netns", "exec", a, sys.executable, "-c", LISTEN, to, str(sports[1]), str(SECONDS), *map(str, peer)],
                                            stdout=subprocess.PIPE, text=True)
                listener.stdout.readline()
                for _ in range(2):
                    run("ip", "netns", "exec", b, sys.executable, "-c", HONEST, *words)
                run("ip", "netns", "exec", b, "/usr/bin/python3", "-c", FORGE, mac, *words[:2], how, *words[2:])
                return listener.communicate(timeout=20)[0].split()

            got = heard()
        if got.count("honest") != 2:
            raise Fault(f"not even the tunnel delivers: {got}")
        if "forged" in got:
            raise Fault("the machine took a clear packet")
        # The row can fail: without the gateway it is taken.
        if "forged" not in heard_without(a, b, mac, to, source, sports, how):
            raise Fault("the forged packet would not have been taken anyway")
        rules_gone(a)
    return check


def heard_without(a, b, mac, to, source, sports, how):
    listener = subprocess.Popen(["ip", "netns", "exec", a, sys.executable, "-c", LISTEN, to, str(sports[1]), str(SECONDS), "-", "0"], stdout=subprocess.PIPE, text=True)
    listener.stdout.readline()
    run("ip", "netns", "exec", b, "/usr/bin/python3", "-c", FORGE, mac, source, to, how, *map(str, sports))
    return listener.communicate(timeout=20)[0].split()


def rules_gone(namespace):
    """Nothing but what a machine has."""
    for family in ("-4", "-6"):
        rules = run("ip", family, "-n", namespace, "rule").splitlines()
        if any("proto 149" in rule for rule in rules) or sum(rule.endswith("lookup local") and rule.startswith("0:") for rule in rules) != 1:
            raise Fault(f"rules left behind: {rules}")


def inner4(session):
    return tuple((outer, inner.rsplit(".", 1)[0] + ".0 0.0.0.255", inner) for outer, inner in zip(session.plan[:2], session.plan[2:]))


def inner6(session):
    return tuple((f"fd20::{n + 1}", f"fd5{n}::/64", f"fd5{n}::1") for n in (0, 1))


def inner6_outer4(session):
    return tuple((session.plan[n], f"fd5{n}::/64", f"fd5{n}::1") for n in (0, 1))


def host4(session):
    return tuple((outer, f"host {outer}", inner) for outer, inner in zip(session.plan[:2], session.plan[2:]))


def host6(session):
    return tuple((f"fd20::{n + 1}", f"host fd20::{n + 1}", f"fd5{n}::1") for n in (0, 1))


def all_of(word):
    return [lambda here, there: f"permit {word} {here} {there}"]


def rows():
    session = (Pair,)
    cases = (
        ("IPv4, tunnel", "whole", inner4, all_of("ip"), {}, True),
        ("IPv4, tunnel, in pieces", "pieces", inner4, all_of("ip"), {}, False),
        ("IPv4, tunnel, to a connected socket", "whole", inner4, all_of("ip"), {"connected": True}, False),
        ("IPv6, tunnel", "whole", inner6, all_of("ipv6"), {}, True),
        ("IPv6, tunnel, behind options", "options", inner6, all_of("udp"), {}, False),
        ("IPv6, tunnel, in pieces", "pieces", inner6, all_of("udp"), {}, False),
        ("IPv6 in IPv4, tunnel", "whole", inner6_outer4, all_of("ipv6"), {}, False),
        ("IPv6, tunnel, to a connected socket", "whole", inner6, all_of("ipv6"), {"connected": True}, False),
        ("IPv4, transport", "whole", host4, all_of("ip"), {"transport": True}, True),
        ("IPv4, transport, in pieces", "pieces", host4, all_of("ip"), {"transport": True}, False),
        ("IPv6, transport", "whole", host6, all_of("ipv6"), {"transport": True}, True),
        ("IPv6, transport, in pieces", "pieces", host6, all_of("ipv6"), {"transport": True}, False),
    )
    for text, how, ends, lines, more, quick in cases:
        yield Row("own gateway", "both", "main", f"T101: forged clear packets, {text}", session, deaf(how, ends, lines, **more), quick=quick)
