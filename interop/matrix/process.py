"""Our gateway as a process on a machine: what it leaves behind, what it reads again, what it does not let past."""
import os
import re
import signal
import subprocess
import tempfile

from .core import Fault, Row, ping, reach, run, wait_for
from .gateways import Pair

SPI = re.compile(r"spi: (0x[0-9A-F]+)")


def pair(work, **site):
    """Starts both gateways, lets a packet cross, does some work."""
    def check(session, row, folder):
        one, two = session.gateways(folder, **site)
        with one, two:
            reach(session.namespaces[0], *session.ends())
            return work(session, one, two)
    return check


def spis(gateway):
    return sorted(SPI.findall(gateway.show("show crypto ipsec sa")))


def traces(session, gateway):
    """What a gateway has on its machine."""
    found = []
    name = gateway.namespace
    if "ipsec0" in run("ip", "-n", name, "link", "show"):
        found.append("the TUN interface")
    if "ipsec0" in run("ip", "-n", name, "route", "show", "table", "all"):
        found.append("a route")
    if gateway.socket.exists():
        found.append("the control socket")
    return found


def filter_of(namespace):
    return run("ip", "netns", "exec", namespace, "cat", "/proc/sys/net/ipv4/conf/wire/rp_filter").strip()


def stopped(session, row, folder):
    """After SIGTERM nothing is left, and the peer was told."""
    one, two = session.gateways(folder)
    before = filter_of(one.namespace)
    with two:
        with one:
            reach(session.namespaces[0], *session.ends())
            if len(traces(session, one)) != 3:
                raise Fault(f"while it runs it shows only {traces(session, one)}")
        if traces(session, one) or filter_of(one.namespace) != before:
            raise Fault(f"left behind: {traces(session, one) or 'the reverse path filter'}")
        wait_for("the peer has no SA left", 3, lambda: not spis(two) and "QM_IDLE" not in two.show("show crypto isakmp sa"))


def reload(gateway, text):
    gateway.config.write_text(text)
    said = len(gateway.said.read_text())
    gateway.process.send_signal(signal.SIGHUP)
    return wait_for("a word about the configuration", 5, lambda: gateway.said.read_text()[said:])


def reloaded(session, one, two):
    """The same again keeps SAs, a faulty file changes nothing, a flow that is gone loses its SAs at both ends."""
    text, before = one.config.read_text(), spis(one)
    if not before:
        raise Fault("no SAs to begin with")
    reload(one, text)
    if spis(one) != before:
        raise Fault("reading the same configuration again lost SAs")
    said = reload(one, text.replace("crypto map lab 10 ipsec-isakmp", "crypto map lab ten ipsec-isakmp"))
    if "stays in force" not in said or spis(one) != before:
        raise Fault(f"a faulty file: {said.strip()[-200:]}")
    other = re.sub(r"^ permit ip .*", " deny ip host 1.1.1.1 any\n permit ip host 9.9.9.9 host 8.8.8.8", text, flags=re.M)
    if other == text:
        raise Fault("it is the same configuration")
    reload(one, other)
    wait_for("SAs without policy end at both ends", 3, lambda: not spis(one) and not spis(two))
    reload(one, text)
    reach(session.namespaces[0], *session.ends())


def covers_the_peer(session, row, folder):
    """T103: a map that covers the peer's own address does not catch the tunnel's own packets."""
    one, two = session.gateways(folder)
    outer = ".".join(session.plan[0].split(".")[:3]) + ".0"
    for gateway, lines in ((one, ("permit ip {inside} 0.0.0.255 {outer} 0.0.0.255", 0)), (two, ("permit ip {outer} 0.0.0.255 {inside} 0.0.0.255", 1))):
        inside = session.plan[2].rsplit(".", 1)[0] + ".0"
        line = lines[0].format(inside=inside, outer=outer)
        text = gateway.config.read_text()
        other = re.sub(r"^ permit ip .*", f" {line}", text, flags=re.M)
        if other == text:
            raise Fault("it is the same configuration")
        gateway.config.write_text(other)
    with one, two:
        reach(session.namespaces[0], session.plan[2], session.plan[1])
        ping(session.namespaces[0], session.plan[2], session.plan[1], 3)
        if not spis(one):
            raise Fault("nothing was protected")


def unprivileged(session, row, folder):
    """Without privileges it names the capability that is missing."""
    one, _ = session.gateways(folder)
    with tempfile.NamedTemporaryFile("w", suffix=".cfg") as config:
        config.write(one.config.read_text())
        config.flush()
        os.chmod(config.name, 0o644)
        done = subprocess.run(["ip", "netns", "exec", one.namespace, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                               str(one.options.gateway), "run", "--config", config.name], capture_output=True, text=True)
    if done.returncode == 0 or "cap_net" not in done.stderr:
        raise Fault(f"status {done.returncode}: {done.stderr.strip()[-200:]}")
    return done.stderr.strip()


def rows():
    plain = (Pair,)
    for text, check, quick in (("SIGTERM leaves nothing and tells the peer", stopped, True),
                               ("SIGHUP: the same, a faulty and another configuration", pair(reloaded), True),
                               ("T103: a map that covers the peer's address", covers_the_peer, False),
                               ("without privileges", unprivileged, False)):
        yield Row("own gateway", "both", "main", text, plain, check, quick=quick)
