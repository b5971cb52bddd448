"""ICMP messages that somebody beside the path forges: what they claim about the path must not stop what has DF set (T106)."""
import re

from .core import Fault, Row, copy, reach, run
from .gateways import Pair

OCTETS = 5_000_000
#: A transfer between namespaces takes well under a second; one that lost its way takes the minutes of TCP's patience.
SECONDS = 30

#: "Too big" from a neighbour that is no router: it quotes a packet of the gateway's with DF, longer than the claim, whose SPI or
#: sequence number it had to guess.
FORGE = """
from scapy.all import *
mac, by, here, there, live, whose = sys.argv[1:]
v6 = ":" in by
ip = (lambda proto: IPv6(src=here, dst=there, nh=proto, plen=1440)) if v6 else (lambda proto: IP(src=here, dst=there, flags="DF", len=1480, proto=proto, id=7))
esp = lambda spi, number: Raw(spi.to_bytes(4, "big") + number.to_bytes(4, "big") + bytes(64))
quotes = []
for spi in (0x12345678, int(live, 16)):
    # Numbers that were never sent, and what else the kernel keeps sockets for.
    quotes += [ip(50) / esp(spi, n) for n in (0, 0x7fffffff, 0xfffffff0)]
    quotes += [ip(17) / UDP(sport=port, dport=port, len=1460) / esp(spi, 0x7fffffff) for port in (500, 4500)]
    quotes += [ip(51) / Raw(bytes(4) + bytes(esp(spi, 0x7fffffff)))]
if whose == "host":
    # An answer of the kernel's own: no socket of ours decides what it learns from that.
    quotes = [ip(58 if v6 else 1) / Raw(bytes([129 if v6 else 0, 0]) + bytes(70))]
packets = []
for quote in quotes:
    for claim in (0, 68, 552, 1280, 1400):
        told = ICMPv6PacketTooBig(mtu=claim) if v6 else ICMP(type=3, code=4, nexthopmtu=claim)
        outer = IPv6(src=by, dst=here) if v6 else IP(src=by, dst=here)
        packets.append(Ether(dst=mac) / outer / told / quote)
sendp(packets, iface="wire", verbose=False)
print(len(packets))
"""


def spi_of(gateway):
    """The SPI that it sends under: what only its path knows."""
    found = re.search(r"outbound esp sas:.*?spi: (0x[0-9A-Fa-f]+)", gateway.show("show crypto ipsec sa"), re.S)
    if not found:
        raise Fault("no outbound SA")
    return found[1]


def path_mtu(gateway):
    return re.search(r"path mtu (\d+)", gateway.show("show crypto ipsec sa"))[1]


def forged(**site):
    """After a burst of forged messages to both ends TCP crosses, the routers know what they knew, and so do the hosts."""
    def check(session, row, folder):
        one, two = session.gateways(folder, records=False, **site)
        (a, b), (here, there) = session.namespaces, session.ends()
        outer = session.plan[:2]
        by = re.sub(r"\d+$", "77", outer[0])
        with one, two:
            reach(a, here, there)
            known = [path_mtu(gateway) for gateway in (one, two)]

            def forge(whose):
                told = 0
                for index, (gateway, own, other) in enumerate(((one, a, b), (two, b, a))):
                    mac = run("ip", "netns", "exec", own, "cat", "/sys/class/net/wire/address").strip()
                    words = [mac, by, outer[index], outer[1 - index], spi_of(gateway), whose]
                    told += int(run("ip", "netns", "exec", other, "/usr/bin/python3", "-c", FORGE, *words))
                return told

            def learned():
                routes = [run("ip", "-n", own, "route", "get", outer[1 - index]) for index, own in enumerate((a, b))]
                return [" ".join(route.split()) for route in routes if " mtu " in route]

            told = forge("gateway")
            if learned():
                raise Fault(f"the host has learned from a quote of ours: {learned()[0]}")
            told += forge("host")
            if len(learned()) != 2:
                raise Fault("the host has not even learned from a quote of its own: the row proves little")
            if [path_mtu(gateway) for gateway in (one, two)] != known:
                raise Fault(f"the router has learned: {path_mtu(one)}, {path_mtu(two)}")
            copy(a, here, b, there, OCTETS, SECONDS)
            copy(b, there, a, here, OCTETS, SECONDS)
        return f"{told} messages, then {OCTETS // 1_000_000} MB each way"
    return check


def rows():
    for family in ("IPv6", "cl-2513-2A and -2B"):
        name = "IPv6" if family == "IPv6" else "IPv4"
        yield Row("own gateway", "both", "main", f"T106: forged ICMP too big, {name}", (Pair, family), forged(), quick=name == "IPv4")
