"""Our gateway with the kernel's own ESP and AH as its data path, in a guest kernel, against our user-space gateway."""
import contextlib
import dataclasses
import re
import shutil
import signal
import subprocess
import time

from .core import Fault, Gateway, Row, Session, judge, lab, none_lost, ping, reach, run, wait_for
from .ios import V6, Site
from .watch import Echoes, Wire, heard

RUNNING = "is running at"
SPI = re.compile(r"spi (0x\w+)")
#: What of an SA or a policy is ours: `reqid` and `priority` from 0x49500000 on.
OURS = re.compile(r"\b(?:reqid|priority) (\d+)")
SENT = re.compile(r"lifetime current:\s+(\d+)\(bytes\), (\d+)\(packets\)")


class Guest(Session):
    """A guest kernel at 10.9.0.2, our namespace at 10.9.0.1."""

    def start(self):
        lab("kernel-peer.sh", "up", self.folder, timeout=60)
        state = dict(line.split("=", 1) for line in (self.folder / "state").read_text().splitlines())
        self.namespace = state["NS"]
        shutil.copy(self.options.gateway, self.folder / "gateway")

    def stop(self):
        lab("kernel-peer.sh", "down", self.folder, timeout=60)

    def inside(self, command, timeout=60):
        """A command for the guest's shell."""
        return lab("kernel-peer.sh", "run", self.folder, command, timeout=timeout)

    def left(self):
        """What of a gateway the guest's kernel has."""
        found = {"states": self.inside("ip xfrm state"), "policies": self.inside("ip xfrm policy"), "routes": self.inside("ip route show proto 149; ip -6 route show proto 149")}
        return [name for name, text in found.items() if text.strip()]

    def before_row(self):
        self.inside("pkill -KILL -x gateway; ip xfrm state flush; ip xfrm policy flush; ip route flush proto 149; ip -6 route flush proto 149; true")


class InKernel:
    """`gateway run --backend kernel` in the guest."""

    def __init__(self, session, config, name="kernel"):
        self.session, self.name = session, name
        (session.folder / f"{name}.cfg").write_text(config)

    def start(self):
        said = self.session.folder / f"{self.name}.out"
        said.unlink(missing_ok=True)
        command = f"/mnt/gateway run --backend kernel --config /mnt/{self.name}.cfg --socket /run/{self.name}.sock --log /mnt/{self.name}.log"
        self.session.inside(f"setsid {command} >/mnt/{self.name}.out 2>&1 </dev/null & echo $! >/mnt/{self.name}.pid")
        wait_for("the gateway in the guest", 10, lambda: said.exists() and re.search(f"gateway: |{RUNNING}", said.read_text()))
        if RUNNING not in said.read_text():
            raise Fault(said.read_text().strip()[-300:])
        return self

    def signal(self, word):
        """Nobody in the guest waits for the ended, so they stay as zombies for a while."""
        self.session.inside(f"P=$(cat /mnt/{self.name}.pid); kill -{word} $P; for i in $(seq 100); do grep -q 'State:.[^Z]' /proc/$P/status || exit 0; "
                            "sleep 0.05; done; exit 1")

    def show(self, command):
        return self.session.inside(f'/mnt/gateway exec --socket /run/{self.name}.sock "{command}"')

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        self.signal("TERM" if kind is None else "KILL")
        if kind is None and self.session.left():
            raise Fault(f"left in the kernel: {', '.join(self.session.left())}")


def pair(session, folder, v6=False, **site):
    """Both gateways for one site."""
    here = Site(**site, **(V6 if v6 else {}))
    inside = "fd02::1" if v6 else "10.2.0.1"
    there = dataclasses.replace(here, local=here.remote, remote=here.local, inside=here.outside, outside=here.inside, inside_address=inside)
    return Gateway(session.options, session.namespace, folder, here.text(), name="user"), InKernel(session, there.text())


def ends(site):
    if site.get("v6"):
        return ("fd09::1", "fd09::2") if site.get("transport") else ("fd01::1", "fd02::1")
    return ("10.9.0.1", "10.9.0.2") if site.get("transport") else ("10.1.0.1", "10.2.0.1")


def guest_reaches(session, source, target, count):
    said = session.inside(f"for i in $(seq 15); do ping -n -q -c 1 -W 1 -I {source} {target} >/dev/null && break; done; "
                          f"ping -n -q -c {count} -i 0.2 -W 3 -I {source} {target}")
    none_lost(said, count)


def carries(first, least_esp=0, least_ah=0, states=2, word="", **site):
    """Traffic both ways; the guest's kernel counts it, tshark opens it with the keys that the other side logged."""
    def check(session, row, folder):
        user, kernel = pair(session, folder, **site)
        here, there = ends(site)
        with user, kernel:
            if first == "kernel":
                # It asks who has our address, which no policy of ours may hide.
                session.inside("ip neigh flush all")
                guest_reaches(session, there, here, 5)
                ping(session.namespace, here, there, 5)
            else:
                reach(session.namespace, here, there)
                ping(session.namespace, here, there, 5)
                guest_reaches(session, there, here, 5)
            counted = SENT.findall(session.inside("ip -s xfrm state"))
            if len(counted) < states or not all(int(packets) >= 10 for _, packets in counted[-states:]):
                raise Fault(f"the kernel's SAs count {counted}")
            if word not in session.inside("ip xfrm state"):
                raise Fault(f"no {word} in the kernel's SAs")
            text = kernel.show("show crypto ipsec sa")
            if not any(int(number) >= 10 for number in re.findall(r"#pkts encaps: (\d+)", text)):
                raise Fault(f"the gateway shows {re.findall('#pkts .*', text)}")
        judge(user, least_esp=least_esp, least_ah=least_ah)
    return check


def killed(session, row, folder):
    """After SIGKILL its SAs stay in the kernel; the next start removes them and nothing of anybody else, and works. The policies stay all the while,
    and not one of the packets that are sent meanwhile leaves in clear (T101)."""
    user, kernel = pair(session, folder)
    here, there = ends({})
    session.inside("ip xfrm state add src 10.9.0.7 dst 10.9.0.2 proto esp spi 0x777 mode tunnel reqid 7 auth-trunc 'hmac(sha1)' "
                   "0x0102030405060708090a0b0c0d0e0f1011121314 96 enc 'cbc(aes)' 0x0102030405060708090a0b0c0d0e0f10; "
                   "ip xfrm policy add src 10.77.0.0/24 dst 10.88.0.0/24 dir out priority 7 tmpl proto esp reqid 7 mode transport")
    with user, contextlib.ExitStack() as watched:
        kernel.start()
        reach(session.namespace, here, there)
        wire = watched.enter_context(Wire(session, folder))
        watched.enter_context(Echoes(session, there, here, 50))
        before = OURS.findall(session.inside("ip xfrm state; ip xfrm policy"))
        kernel.signal("KILL")
        if len([number for number in before if int(number) >= 0x49500000]) < 4 or "spi" not in session.inside("ip xfrm state"):
            raise Fault(f"the kernel had {before}")
        def stays():
            shown = session.inside("ip xfrm policy; ip route show proto 149; ip xfrm state | grep -E 'src|spi'")
            return sorted(re.split(r"\n(?=\S)", shown.strip()))
        before = stays()
        if not any(line.startswith("10.1.0.0/24 dev") for line in before):
            raise Fault(f"no route stayed: {before}")
        config = session.folder / "kernel.cfg"
        text = config.read_text()
        line = " permit ip 10.2.0.0"
        # What was protected is denied, and a line before it meets the policy of somebody else.
        denied = text.replace(line, f" deny ip 10.2.0.0 0.0.0.255 10.1.0.0 0.0.0.255\n permit ip host 10.2.0.9 host 10.1.0.9\n{line}")
        foreign = denied.replace(line, f" permit ip 10.77.0.0 0.0.0.255 10.88.0.0 0.0.0.255\n{line}")
        for said, new, socket in (("df-bit", text.replace("version 12.4", "version 12.4\ncrypto ipsec df-bit set"), "/run/x"),
                                  ("/nonexistent/x", denied, "/nonexistent/x"), ("an IPsec policy is taken", foreign, "/run/x")):
            config.write_text(new)
            told = session.inside(f"timeout 5 /mnt/gateway run --backend kernel --config /mnt/kernel.cfg --socket {socket} 2>&1; true")
            if said not in told or stays() != before:
                raise Fault(f"a start that fails says {told}, before were {before}, then {stays()}")
        config.write_text(text)
        session.inside("ip xfrm monitor policy >/mnt/changes 2>&1 </dev/null & sleep 0.3")
        kernel.start()
        session.inside("pkill -x ip")
        changes = (session.folder / "changes").read_text()
        if "Updated src 10.2.0.0/24 dst 10.1.0.0/24" not in changes or "Deleted" in changes:
            raise Fault(f"the next start changed policies so: {changes}")
        stale = session.inside("ip xfrm state")
        # The echoes may have called for new ones already.
        old = set(SPI.findall(" ".join(before))) - {"0x00000777"}
        if "0x00000777" not in stale or not old or old & set(SPI.findall(stale)):
            raise Fault(f"after the next start the kernel has {stale}")
        guest_reaches(session, there, here, 3)
        reach(session.namespace, here, there)
        watched.close()
        said = wire.closed("from the first SA to the SAs of the next start", 50)
        # While it runs: a configuration that the kernel refuses halfway, and another gateway.
        before = stays()
        config.write_text(text.replace(line, f" permit ip host 10.2.0.9 host 10.1.0.9\n permit ip 10.77.0.0 0.0.0.255 10.88.0.0 0.0.0.255\n{line}"))
        session.inside("kill -HUP $(cat /mnt/kernel.pid)")
        out = session.folder / "kernel.out"
        wait_for("a word about the configuration", 5, lambda: "the former configuration stays in force" in out.read_text())
        config.write_text(text)
        told = session.inside("timeout 5 /mnt/gateway run --backend kernel --config /mnt/kernel.cfg --port 501 --nat-port 4501 2>&1; true")
        if stays() != before or "an IPsec policy is taken" not in out.read_text() or "another gateway" not in told:
            raise Fault(f"a reload said {out.read_text()}, another start {told}, before were {before}, then {stays()}")
        guest_reaches(session, there, here, 3)
        kernel.signal("TERM")
    left = session.inside("ip xfrm state; ip xfrm policy")
    if left.count("reqid 7") != 2 or len(OURS.findall(left)) != 3:
        raise Fault(f"what is not ours did not stay alone: {left}")
    return said


def clear(session, row, folder):
    """T101: what the map protects is neither sent nor taken in clear, with SAs and without, nor after a DELETE; without the gateway it is both."""
    user, kernel = pair(session, folder)
    here, there = ends({})

    def tried(when, taken=False, sealed=0, work=lambda: time.sleep(1)):
        with Wire(session, folder, when.replace(" ", "-")) as wire, Echoes(session, there, here, 50):
            work()
            got = heard(session, here, there, sealed > 0, taken)
        if ("forged" in got) != taken:
            raise Fault(f"{when}: of forged clear packets and honest ones the guest takes {got[1:-1]}")
        if sealed and "honest" not in got:
            raise Fault(f"{when}: not even the tunnel delivers: {got}")
        if taken and not wire.counts()[0]:
            raise Fault(f"{when}: the guest sends nothing in clear")
        return None if taken else wire.closed(when, sealed)

    def deleted():
        time.sleep(1)
        user.show("clear crypto sa")
        time.sleep(1)
        reach(session.namespace, here, there)

    tried("without the gateway", taken=True)
    with kernel:
        tried("without SAs")
        with user:
            reach(session.namespace, here, there)
            return tried("with SAs", sealed=50, work=deleted)


def renewed(session, row, folder):
    """A kilobyte lifetime that the kernel counts: its soft limit makes a new Quick Mode, and the old SAs go."""
    user, kernel = pair(session, folder, more="crypto ipsec security-association lifetime kilobytes 2560")
    here, there = ends({})
    with user, kernel:
        guest_reaches(session, there, here, 1)
        first = set(re.findall(r"spi (0x\w+)", session.inside("ip xfrm state")))
        ping(session.namespace, here, there, 2600, size=1300, every="0.005")
        later = set(re.findall(r"spi (0x\w+)", session.inside("ip xfrm state")))
        if not first or later == first:
            raise Fault("no new SAs after more than the kilobytes of the first")
        told = session.inside("ip -s xfrm state")
        if "hard 2621440(bytes)" not in told:
            raise Fault("the kernel was not told the limit")
        if not 0 < told.count("soft 4026531840(packets), hard 4294967295(packets)") < told.count("spi"):
            raise Fault("sequence numbers do not end where they should, at senders only")
        # Who began the first Quick Mode comes to its soft limit first.
        begun = (session.folder / "kernel.log").read_text().count("beginning Quick Mode exchange")
        if begun != 2:
            raise Fault(f"{begun} Quick Modes were begun by the side whose kernel counts")
        ping(session.namespace, here, there, 5)


#: Gives an ESP SA to 10.9.0.1 another count of packets (XFRM_MSG_NEWAE, linux/xfrm.h), as if it had sent them.
COUNT = """
import socket, struct, sys, time
spi, packets, now = int(sys.argv[1], 16), int(sys.argv[2]), int(time.time())
body = socket.inet_aton("10.9.0.1") + bytes(12) + struct.pack("!I", spi) + struct.pack("=HBx", socket.AF_INET, 50)
body += bytes(24) + struct.pack("=HH4Q", 36, 9, 0, packets, now, now)
kernel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 6)
kernel.send(struct.pack("=IHHII", 16 + len(body), 0x1e, 0x105, 1, 0) + body)
sys.exit(struct.unpack("=i", kernel.recv(4096)[16:20])[0] != 0)
"""


def numbered(session, row, folder):
    """T095: near the end of a sender's sequence numbers there is a new Quick Mode, and at the end its SA goes."""
    user, kernel = pair(session, folder)
    here, there = ends({})
    (session.folder / "count.py").write_text(COUNT)

    def sends_by():
        return re.findall(r"src 10.9.0.2 dst 10.9.0.1\s+proto esp spi (0x\w+)", session.inside("ip xfrm state"))

    def count(spis, packets):
        for spi in spis:
            session.inside(f"python3 /mnt/count.py {spi} {packets}")
    with user, kernel:
        guest_reaches(session, there, here, 1)
        before = sends_by()
        count(before, 0xf0000000 - 2)
        guest_reaches(session, there, here, 5)
        later = wait_for("a new SA", 5, lambda: [spi for spi in sends_by() if spi not in before])
        if not before or (session.folder / "kernel.log").read_text().count("beginning Quick Mode exchange") != 2:
            raise Fault(f"no new Quick Mode of the guest's for {before}, but {later}")
        # The former one is there for a while, and not used.
        count(later, 0xffffffff)
        session.inside(f"ping -n -q -c 3 -i 0.2 -W 1 -I {there} {here}; true")
        wait_for("the end of the SA", 5, lambda: not set(later) & set(sends_by()))
        guest_reaches(session, there, here, 3)


def late(session, row, folder):
    """A peer that is not there: the kernel's question is taken back soon, without the machine's own patience being changed."""
    user, kernel = pair(session, folder)
    here, there = ends({})
    patience = session.inside("cat /proc/sys/net/core/xfrm_acq_expires")
    with kernel:
        session.inside(f"ping -n -q -c 1 -W 1 -I {there} {here}; true")
        if "spi 0x00000000" not in session.inside("ip xfrm state"):
            raise Fault("the kernel has asked for nothing")
        if int(patience) < 20 or session.inside("cat /proc/sys/net/core/xfrm_acq_expires") != patience:
            raise Fault(f"the machine's patience was {patience} and is another")
        wait_for("the end of the question", 8, lambda: not session.inside("ip xfrm state").strip())
        with user:
            guest_reaches(session, there, here, 3)


def reloaded(session, row, folder):
    """SIGHUP: a flow that is gone loses its policies and SAs, a configuration that the kernel cannot do changes nothing."""
    user, kernel = pair(session, folder)
    here, there = ends({})
    config = session.folder / "kernel.cfg"
    text = config.read_text()

    def reload(new):
        said = session.folder / "kernel.out"
        before = len(said.read_text())
        config.write_text(new)
        session.inside("kill -HUP $(cat /mnt/kernel.pid)")
        return wait_for("a word about the configuration", 5, lambda: said.read_text()[before:])

    with user, kernel:
        reach(session.namespace, here, there)
        before = session.inside("ip xfrm policy; ip xfrm state | grep spi")
        if "stays in force" not in reload(text.replace("version 12.4", "version 12.4\ncrypto ipsec df-bit set")):
            raise Fault("a DF bit that Linux cannot set was taken")
        reload(text)
        if session.inside("ip xfrm policy; ip xfrm state | grep spi") != before:
            raise Fault("reading the same again changed something")
        reload(text.replace("permit ip 10.2.0.0 0.0.0.255", "permit ip host 10.2.0.9"))
        after = session.inside("ip xfrm policy; ip xfrm state")
        if "10.2.0.9/32" not in after or "10.2.0.0/24" in after or "spi" in after:
            raise Fault(f"the kernel has {after}")


def refuses(session, row, folder):
    """A kernel without an algorithm, and a user without the privilege: the gateway says which."""
    _, kernel = pair(session, folder, esp="3des-md5")
    gateway = "timeout 5 /mnt/gateway run --backend kernel --config /mnt/kernel.cfg 2>&1"
    said = session.inside(f"chmod 644 /mnt/kernel.cfg; setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=+net_bind_service "
                          f"--ambient-caps=+net_bind_service {gateway}; true")
    if "cap_net_admin" not in said:
        raise Fault(f"without the privilege: {said.strip()[-200:]}")
    # The modules of the cipher are out of reach for a moment.
    said = session.inside("rmmod des_generic; B=$(cat /proc/sys/kernel/modprobe); echo /bin/false >/proc/sys/kernel/modprobe; "
                          f"{gateway}; echo $B >/proc/sys/kernel/modprobe; modprobe -d /mnt/mod des_generic; true")
    if "does not take ESP with cbc(des3_ede) and hmac(md5)" not in said:
        raise Fault(f"without the cipher: {said.strip()[-200:]}")
    return said.strip().splitlines()[-1]


#: A translator at 10.9.0.3: what comes to its ports 500 and 4500 from inside goes on to the guest from other ports, which change at SIGUSR1.
TRANSLATOR = """
import select, signal, socket
INSIDE, OUTSIDE = "10.9.0.1", "10.9.0.2"
def bound(port=0):
    new = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    new.bind(("10.9.0.3", port))
    return new
here = {port: bound(port) for port in (500, 4500)}
there, clients = {port: bound() for port in here}, {}
def change(*_):
    for port in there:
        there[port].close()
        there[port] = bound()
signal.signal(signal.SIGUSR1, change)
print("ready", flush=True)
while True:
    try:
        ready = select.select([*here.values(), *there.values()], [], [], 0.5)[0]
        for port in here:
            if here[port] in ready:
                data, clients[port] = here[port].recvfrom(65535)
                there[port].sendto(data, (OUTSIDE, port))
            if there[port] in ready and port in clients:
                here[port].sendto(there[port].recv(65535), clients[port])
    except (OSError, ValueError):
        continue
"""


def translated(session, row, folder):
    """A peer behind a translator that changes its ports in the middle: the kernel tells, and the SAs follow."""
    name = session.namespace
    run("ip", "-n", name, "addr", "replace", "10.9.0.3/24", "dev", "tap0")
    site = dict(esp="aes128-sha1")
    user = Gateway(session.options, name, folder, Site(remote="10.9.0.3", **site).text(), name="user")
    kernel = InKernel(session, Site(local="10.9.0.2", remote="10.9.0.3", inside="10.2.0.0", outside="10.1.0.0", inside_address="10.2.0.1", **site).text())
    here, there = ends({})
    translator = subprocess.Popen(["ip", "netns", "exec", name, "python3", "-c", TRANSLATOR], stdout=subprocess.PIPE, text=True)
    try:
        translator.stdout.readline()
        with user, kernel:
            reach(name, here, there)
            ping(name, here, there, 3)
            ports = lambda: re.findall(r"spi (0x\w+)|espinudp sport (\d+) dport (\d+)", session.inside("ip xfrm state"))
            before = ports()
            translator.send_signal(signal.SIGUSR1)
            reach(name, here, there)
            ping(name, here, there, 3)
            guest_reaches(session, there, here, 3)
            after = ports()
            spis = lambda found: sorted(spi for spi, _, _ in found if spi)
            if spis(after) != spis(before) or after == before:
                raise Fault(f"the SAs were {before} and are {after}")
    finally:
        translator.kill()
        translator.wait()
        run("ip", "-n", name, "addr", "del", "10.9.0.3/24", "dev", "tap0")


def rows():
    guest = (Guest,)
    for text, first, least, site in (
            ("ESP tunnel, aes128-sha1", "user", dict(least_esp=20), dict(esp="aes128-sha1")),
            ("ESP tunnel, 3des-md5", "kernel", dict(least_esp=20), dict(esp="3des-md5")),
            ("ESP tunnel, aes256-sha256, PFS", "kernel", dict(least_esp=20), dict(esp="aes256-sha256", pfs="modp1024")),
            ("ESP tunnel, aes256gcm16", "kernel", dict(least_esp=20), dict(esp="aes256gcm16")),
            ("ESP tunnel, null-sha1", "user", dict(least_esp=20), dict(esp="null-sha1")),
            ("AH tunnel, sha1", "kernel", dict(least_ah=20), dict(esp=None, ah="sha1")),
            ("AH tunnel, sha256", "user", dict(least_ah=20), dict(esp=None, ah="sha256")),
            ("AH + ESP tunnel, sha1 + des-sha1", "user", dict(least_esp=20, least_ah=20, states=4), dict(esp="des-sha1", ah="sha1")),
            ("AH + ESP tunnel, md5 + aes128-sha1", "kernel", dict(least_esp=20, least_ah=20, states=4), dict(esp="aes128-sha1", ah="md5")),
            ("ESP in UDP, tunnel, aes128-sha1", "user", dict(least_esp=20, word="espinudp"), dict(esp="aes128-sha1", more="crypto isakmp nat force-encapsulation")),
            ("ESP transport, des-sha1", "user", dict(least_esp=20), dict(esp="des-sha1", transport=True)),
            ("ESP transport, aes128-sha1", "kernel", dict(least_esp=20), dict(esp="aes128-sha1", transport=True)),
            ("AH + ESP transport, sha1 + des-sha1", "kernel", dict(least_esp=20, least_ah=20, states=4),
             dict(esp="des-sha1", ah="sha1", transport=True)),
            ("IPv6, ESP tunnel, aes128-sha1", "user", dict(least_esp=20), dict(v6=True, esp="aes128-sha1")),
            ("IPv6, AH + ESP tunnel, sha256 + aes256-sha256", "kernel", dict(least_esp=20, least_ah=20, states=4),
             dict(v6=True, esp="aes256-sha256", ah="sha256")),
            ("IPv6, ESP transport, aes256gcm16", "user", dict(least_esp=20), dict(v6=True, esp="aes256gcm16", transport=True))):
        yield Row("own, Linux's ESP and AH", "responder" if first == "user" else "initiator", "main", text, guest,
                  carries(first, **least, **site), quick=text in ("ESP tunnel, aes128-sha1", "AH + ESP tunnel, sha1 + des-sha1", "ESP transport, des-sha1"))
    for text, check, quick in (("SIGKILL, and the next start removes what is stale", killed, True),
                               ("T101: a forged clear packet", clear, False),
                               ("SIGHUP: the same, an impossible and another configuration", reloaded, False),
                               ("a cipher and a privilege that are missing", refuses, False),
                               ("a translator between them that changes its ports", translated, False),
                               ("kilobytes that the kernel counts", renewed, False),
                               ("a peer that comes late", late, False),
                               ("T095: the end of the sequence numbers", numbered, False)):
        yield Row("own, Linux's ESP and AH", "both", "main", text, guest, check, quick=quick)
