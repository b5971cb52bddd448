"""SIGKILL at any moment: what a killed gateway leaves on its machine must not hinder the next start, nor its peer."""
import random
import signal
import subprocess
import time

from .core import START_SECONDS, Fault, Row, reach, run, wait_for
from .gateways import Pair

MOMENTS = 20
SEED = 20
#: A peer that still has SAs of the dead one needs so long to notice and to negotiate anew.
SECONDS = 30


def launch(gateway):
    """Starts without waiting until it is ready."""
    command = ["ip", "netns", "exec", gateway.namespace, gateway.options.gateway, "run", "--config", gateway.config, "--socket", gateway.socket]
    with open(gateway.said, "a") as said:
        gateway.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=said, stderr=said)


def begin(gateway):
    """Starts and waits until it answers: the control socket of a dead one is there all the time."""
    gateway.start()

    def answers():
        gateway.ready()
        try:
            return gateway.show("show crypto isakmp sa")
        except Fault:
            return False
    wait_for("an answer at the control socket", START_SECONDS, answers)


def echoes(session, side):
    """Echo requests from one side until they are ended."""
    here, there = session.ends()[::1 if side == 0 else -1]
    command = ["ip", "netns", "exec", session.namespaces[side], "ping", "-n", "-q", "-i", "0.01", "-I", here, there]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Victim:
    """One gateway and the moments at which it dies. Each leaves it dead."""

    def __init__(self, session, gateway, side, chance):
        self.session, self.gateway, self.side, self.chance = session, gateway, side, chance

    def after(self, most):
        delay = self.chance.uniform(0, most)
        time.sleep(delay)
        self.gateway.kill()
        return delay

    def start(self):
        launch(self.gateway)
        return self.after(0.1)

    def negotiation(self):
        begin(self.gateway)
        return self.with_echoes(0.05)

    def traffic(self):
        begin(self.gateway)
        reach(self.session.namespaces[self.side], *self.session.ends()[::1 if self.side == 0 else -1], SECONDS)
        return self.with_echoes(0.5)

    def with_echoes(self, most):
        pings = echoes(self.session, self.side)
        try:
            return self.after(most)
        finally:
            pings.kill()
            pings.wait()

    def reload(self):
        begin(self.gateway)
        self.gateway.process.send_signal(signal.SIGHUP)
        return self.after(0.02)

    def stop(self):
        begin(self.gateway)
        self.gateway.process.send_signal(signal.SIGTERM)
        return self.after(0.02)


def switches(namespace):
    """What the gateway may set on its machine."""
    paths = ("/proc/sys/net/ipv4/conf/wire/rp_filter", "/proc/sys/net/ipv4/conf/all/rp_filter")
    return run("ip", "netns", "exec", namespace, "cat", *paths).split()


def state(namespace):
    """Routes, rules, and who has which port."""
    rules = [run("ip", family, "-n", namespace, "rule").splitlines() for family in ("-4", "-6")]
    routes = [run("ip", family, "-n", namespace, "route", "show", "table", "all").splitlines() for family in ("-4", "-6")]
    # The link's own addresses come when it has been up for a while.
    routes = [sorted(route for route in family if "fe80:" not in route and "ff00:" not in route) for family in routes]
    ports = run("ip", "netns", "exec", namespace, "cat", "/proc/net/udp", "/proc/net/raw")
    return rules, routes, [line.split()[1] for line in ports.splitlines() if ":" in line]


def left_behind(namespace, before):
    """What outlives a killed gateway may only be rules, none of which hides the machine from itself, and routes that lead nowhere."""
    if "ipsec0" in run("ip", "-n", namespace, "link", "show"):
        raise Fault("the TUN interface outlives the process")
    rules, routes, ports = state(namespace)
    routes = [[route for route in family if not (route.startswith("unreachable ") and "proto 149" in route)] for family in routes]
    if (routes, ports) != before[1:]:
        raise Fault(f"left behind: {routes}, {ports}, at first {before[1:]}")
    if not all(any(rule.endswith("lookup local") and rule.startswith("0:") for rule in family) for family in rules):
        raise Fault(f"no way to the machine's own addresses: {rules}")


def killed(session, row, folder):
    """Twenty times: one of the two dies, starts again, and packets cross from either side."""
    chance = random.Random(SEED)
    gateways = session.gateways(folder)
    before = [state(name) for name in session.namespaces]
    set_before = [switches(name) for name in session.namespaces]
    kinds = ("start", "negotiation", "traffic", "reload", "stop")
    running = None
    try:
        for gateway in gateways:
            begin(gateway)
        for number in range(MOMENTS):
            side = chance.randrange(2)
            gateway, name = gateways[side], session.namespaces[side]
            gateway.kill()
            kind = kinds[number % len(kinds)]
            delay = getattr(Victim(session, gateway, side, chance), kind)()
            where = f"moment {number + 1}: gateway {'ab'[side]}, {kind}, after {1000 * delay:.1f} ms"
            try:
                left_behind(name, before[side])
                begin(gateway)
                running = running or [state(name)[0] for name in session.namespaces]
                if state(name)[0] != running[side]:
                    raise Fault(f"the rules are not those of a first start: {state(name)[0]}")
                for one in (side, 1 - side):
                    reach(session.namespaces[one], *session.ends()[::1 if one == 0 else -1], SECONDS)
            except Fault as fault:
                raise Fault(f"{where}: {fault}") from fault
        for gateway, name, was, set_was in zip(gateways, session.namespaces, before, set_before):
            gateway.stop()
            if state(name) != was or switches(name) != set_was:
                raise Fault(f"after SIGTERM {name} is not as before: {state(name)}, {switches(name)}")
    finally:
        for gateway in gateways:
            gateway.kill()
    return f"{MOMENTS} moments, seed {SEED}"


def half_made(session, row, folder):
    """A gateway that died while it put its rules first: the next one ends it, and takes all back when it stops."""
    one, two = session.gateways(folder)
    name = one.namespace
    with one:
        wanted = state(name)[0]
    before = state(name)[0]
    if wanted == before:
        raise Fault("it makes no rules at all")
    rule = lambda *words: run("ip", "-n", name, "rule", "add", "pref", "0", *words)
    rule("iif", "wire", "from", "9.9.9.0/24", "protocol", "149", "blackhole")
    run("ip", "-n", name, "rule", "add", "pref", "1", "iif", "wire", "lookup", "local", "protocol", "149")
    # iproute2 adds no rule that is there already: this one differs by who made it.
    rule("lookup", "local", "protocol", "static")
    with one, two:
        wait_for("the rules of a first start", 5, lambda: state(name)[0] == wanted)
        reach(name, *session.ends(), SECONDS)
    if state(name)[0] != before:
        raise Fault(f"left behind: {state(name)[0]}")


def rows():
    yield Row("own gateway", "both", "main", "rules that a killed gateway has half made", (Pair,), half_made)
    yield Row("own gateway", "both", "main", "SIGKILL at any moment: start, negotiation, traffic, reload, stop", (Pair,), killed)
