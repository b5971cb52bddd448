"""racoon in a guest kernel: the one open daemon that negotiates AH and ESP under one proposal in tunnel mode."""
import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

from .core import HERE, LAB, Fault, Gateway, NotRun, Row, Session, judge, lab, none_lost, ping, reach, run, wait_for
from .ios import Site

ARCHIVE = "racoon-ipsec-tools-0.9.1.tar.xz"
#: `LIFE2` of racoon-one.sh.
PEER_SECONDS = 300
ESP = {"des-sha1": ("des", "hmac_sha1"), "des-md5": ("des", "hmac_md5"), "3des-sha1": ("3des", "hmac_sha1"), "aes128-sha1": ("aes", "hmac_sha1")}


def source():
    """The source archive: RACOON_SOURCE, or where a reference folder lies beside the checkout."""
    places = [os.environ.get("RACOON_SOURCE", ""), HERE.parent.parent / "shared" / "lab" / ARCHIVE]
    for place in places:
        if place and Path(place).is_file():
            return Path(place)
    raise NotRun(f"no source of racoon: set RACOON_SOURCE to an archive of racoon-ipsec-tools 0.9.1 ({ARCHIVE})")


class Build:
    """racoon's binaries, made while rows of other peers run. They last as long as the target folder."""
    folder = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target")) / "racoon"
    process = None
    said = ""
    waiting = threading.Lock()

    @classmethod
    def begin(cls):
        try:
            cls.process = subprocess.Popen(["bash", LAB / "racoon-build.sh", cls.folder, source()], stdin=subprocess.DEVNULL,
                                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
        except NotRun:
            pass  # Its rows say so.

    @classmethod
    def wait(cls):
        source()
        with cls.waiting:
            if cls.process is None:
                cls.begin()
            if not (cls.folder / "racoon").exists() or cls.process.poll() is None:
                cls.said, _ = cls.process.communicate(timeout=600)
            if cls.process.returncode:
                raise Fault(f"racoon was not built: {cls.said[-300:]}")
        return cls.folder


def prepare():
    """Called before the first row, if any row of this peer is wanted."""
    Build.begin()


def finish():
    """Called after the last row, however it came to that."""
    if Build.process and Build.process.poll() is None:
        os.killpg(Build.process.pid, signal.SIGTERM)


class Racoon(Session):
    """One racoon, with one policy; every session has its own settings."""

    def __init__(self, options, folder, *settings):
        super().__init__(options, folder)
        self.settings = settings

    def start(self):
        built = Build.wait()
        lab("racoon-one.sh", "up", self.folder, f"RACOON={built}", "PSK=labsecret", *self.settings, timeout=90)
        state = dict(line.split("=", 1) for line in (self.folder / "state").read_text().splitlines())
        self.namespace = state["NS"]

    def stop(self):
        lab("racoon-one.sh", "down", self.folder)

    def lab(self, command, *words, timeout=60):
        return lab("racoon-one.sh", command, self.folder, *words, timeout=timeout)

    def before_row(self):
        self.lab("delete")
        time.sleep(0.5)

    def peer_ping(self, source, target, count=1):
        none_lost(self.lab("run", "ping", "-n", "-q", "-c", str(count), "-i", "1", "-W", "3", "-I", source, target), count)


def tunnel(role, site, packets=3):
    def check(session, row, folder):
        source, target = (site.local, site.remote) if site.transport else ("10.1.0.1", "10.2.0.1")
        with Gateway(session.options, session.namespace, folder, site.text()) as ours:
            if role == "initiator":
                reach(session.namespace, source, target, 30)
                ping(session.namespace, source, target, packets)
            else:
                wait_for("a packet of the guest through the tunnel", 30, lambda: answered(session, target, source))
            keys_agree(session, ours)
        judge(ours, least_esp=2 if site.esp else 0, least_ah=2 if site.ah else 0)
    return check


def claimed(role, site):
    """racoon takes our offer and says that it keeps its own, shorter life (RFC 2407 4.6.3.1): so do we."""
    def check(session, row, folder):
        with Gateway(session.options, session.namespace, folder, site.text()) as ours:
            reach(session.namespace, "10.1.0.1", "10.2.0.1", 30)
            left = [int(seconds) for seconds in re.findall(r"\(k/sec\): \(\S+/(\d+)\)", ours.show("show crypto ipsec sa"))]
            if not left or max(left) > PEER_SECONDS:
                raise Fault(f"our SAs live for {left} seconds, the peer's for {PEER_SECONDS}")
            keys_agree(session, ours)
        judge(ours, least_esp=2)
    return check


def refused(role, site):
    """What racoon may not accept ends with its NO-PROPOSAL-CHOSEN or with silence, and without an SA."""
    def check(session, row, folder):
        before = len(session.lab("log"))
        with Gateway(session.options, session.namespace, folder, site.text()) as ours:
            try:
                ping(session.namespace, "10.1.0.1", "10.2.0.1", wait=4)
            except Fault:
                pass
            else:
                raise Fault("a tunnel came up")
            if "spi: 0x" in ours.show("show crypto ipsec sa"):
                raise Fault("we have SAs")
        log = session.lab("log")[before:]
        if not re.search("no suitable proposal found|no suitable policy found|failed to get valid proposal", log):
            raise Fault("racoon's log says nothing of a proposal that it refused")
    return check


def answered(session, source, target):
    try:
        session.peer_ping(source, target)
        return True
    except Fault:
        return False


def keys_agree(session, ours):
    """The kernel that racoon fed has the keys that we logged."""
    known = "".join(path.read_text() for path in ours.keys.rglob("keys.txt")).lower()
    compared = 0
    for line in session.lab("sas").lower().splitlines():
        words = line.split()
        if words and words[0] in ("e:", "a:"):
            key = "".join(words[2:])
            if key:
                compared += 1
                if key not in known:
                    raise Fault("the peer's kernel has a key that we did not log")
    if not compared:
        raise Fault("the peer's kernel shows no keys")


def settings(site, **more):
    cipher, digest, group = site.ike.split("-")
    numbers = {"modp768": 1, "modp1024": 2, "modp1536": 5, "modp2048": 14}
    bundle = "+".join(word for word, there in (("ah", site.ah), ("esp", site.esp)) if there)
    esp, auth = ESP[site.esp or "des-sha1"]
    values = dict(ENC={"aes128": "aes"}.get(cipher, cipher), HASH=digest, GROUP=numbers[group], BUNDLE=bundle, ESP=esp,
                  AUTH=f"hmac_{site.ah}" if site.ah else auth, MODE="aggressive" if site.aggressive else "main",
                  LEVEL="transport" if site.transport else "tunnel", PFS=numbers[site.pfs] if site.pfs else "")
    if site.aggressive:
        values["ID"] = 'fqdn "b.lab"'
    values.update(more)
    return tuple(f"{name}={value}" for name, value in values.items())


SITES = (
    ("preshare of the document: des-sha1", Site(ike="des-sha1-modp1024", esp="des-sha1")),
    ("auth2 of the document: ah-sha1 + des-sha1", Site(ike="des-sha1-modp1024", esp="des-sha1", ah="sha1")),
    ("ah-md5 + des-md5, group 1", Site(ike="des-md5-modp768", esp="des-md5", ah="md5")),
    ("ah-sha1", Site(ike="3des-sha1-modp1024", esp=None, ah="sha1")),
    ("aes128-sha1, PFS group 2", Site(ike="aes128-sha256-modp2048", esp="aes128-sha1", pfs="modp1024")),
    ("transport, des-sha1", Site(ike="des-sha1-modp768", esp="des-sha1", transport=True, protocol="icmp")),
    ("transport, ah-sha1 + des-sha1", Site(ike="des-sha1-modp768", esp="des-sha1", ah="sha1", transport=True, protocol="icmp")),
    ("aggressive, 3des-md5", Site(ike="3des-md5-modp1024", esp="3des-sha1", aggressive=True)),
)


def rows():
    for text, site in SITES:
        session = (Racoon, *settings(site))
        for role in ("initiator", "responder"):
            yield Row("racoon", role, "aggressive" if site.aggressive else "main", text, session, tunnel(role, site), quick="auth2" in text)
    for natt, word in (("on", "on"), ("force", "forced: ESP in UDP")):
        site = Site(ike="des-sha1-modp1024", esp="des-sha1")
        for role in ("initiator", "responder"):
            yield Row("racoon", role, "main", f"des-sha1, NAT-T {word}", (Racoon, *settings(site, NATT=natt)), tunnel(role, site))
    # racoon's own lives are 600 and 300 seconds.
    longer, shorter = (86400, 3600), (300, 200)
    for mode, ike, ipsec, text, check in (
            ("obey", longer[0], longer[1], "our lives longer", tunnel),
            ("claim", shorter[0], longer[1], "our phase 2 longer: RESPONDER-LIFETIME", claimed),
            ("claim", longer[0], longer[1], "our phase 1 longer: refused", refused),
            ("strict", shorter[0], shorter[1], "our lives shorter", tunnel),
            ("strict", shorter[0], longer[1], "our phase 2 longer: refused", refused)):
        site = Site(ike="des-sha1-modp1024", esp="des-sha1", ike_seconds=ike, ipsec_seconds=ipsec)
        yield Row("racoon", "initiator", "main", f"des-sha1, proposal_check {mode}, {text}", (Racoon, *settings(site, CHECK=mode)),
                  check("initiator", site))
