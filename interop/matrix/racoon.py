"""racoon in a guest kernel: the one open daemon that negotiates AH and ESP under one proposal in tunnel mode."""
import os
import time
from pathlib import Path

from .core import HERE, Fault, Gateway, NotRun, Row, Session, judge, lab, ping, reach, run, wait_for
from .ios import Site

ARCHIVE = "racoon-ipsec-tools-0.9.1.tar.xz"
ESP = {"des-sha1": ("des", "hmac_sha1"), "des-md5": ("des", "hmac_md5"), "3des-sha1": ("3des", "hmac_sha1"), "aes128-sha1": ("aes", "hmac_sha1")}


def source():
    """The source archive: RACOON_SOURCE, or where a reference folder lies beside the checkout."""
    places = [os.environ.get("RACOON_SOURCE", ""), HERE.parent.parent / "shared" / "lab" / ARCHIVE]
    for place in places:
        if place and Path(place).is_file():
            return Path(place)
    raise NotRun(f"no source of racoon: set RACOON_SOURCE to an archive of racoon-ipsec-tools 0.9.1 ({ARCHIVE})")


class Racoon(Session):
    """One racoon, with one policy; every session has its own settings."""

    def __init__(self, options, folder, *settings):
        super().__init__(options, folder)
        self.settings = settings

    def start(self):
        built = self.folder.parent / "racoon-build"
        lab("racoon-build.sh", built, source(), timeout=600)
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
        self.lab("run", "ping", "-n", "-q", "-c", str(count), "-i", "1", "-W", "3", "-I", source, target)


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
    ("transport, des-sha1", Site(ike="des-sha1-modp768", esp="des-sha1", transport=True)),
    ("transport, ah-sha1 + des-sha1", Site(ike="des-sha1-modp768", esp="des-sha1", ah="sha1", transport=True)),
    ("aggressive, 3des-md5", Site(ike="3des-md5-modp1024", esp="3des-sha1", aggressive=True)),
)


def rows():
    for text, site in SITES:
        session = (Racoon, *settings(site))
        for role in ("initiator", "responder"):
            yield Row("racoon", role, "aggressive" if site.aggressive else "main", text, session, tunnel(role, site), quick="auth2" in text)
    for mode in ("obey", "claim", "strict"):
        site = Site(ike="des-sha1-modp1024", esp="des-sha1", ike_seconds=86400, ipsec_seconds=3600)
        yield Row("racoon", "initiator", "main", f"des-sha1, proposal_check {mode}, our lives longer", (Racoon, *settings(site, CHECK=mode)),
                  tunnel("initiator", site))
