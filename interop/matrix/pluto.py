"""pluto of libreswan 4.10 in a guest kernel. It knows no group below modp1536."""
from .core import Gateway, Row, Session, judge, lab, none_lost, ping, reach
from .ios import Site

SITES = (
    ("aes128-sha1-modp1536, aes128-sha1", Site(ike="aes128-sha1-modp1536", esp="aes128-sha1")),
    ("aes256-sha256-modp2048, aes256-sha256", Site(ike="aes256-sha256-modp2048", esp="aes256-sha256")),
    ("3des-md5-modp1536, 3des-md5", Site(ike="3des-md5-modp1536", esp="3des-md5")),
    ("aggressive, aes128-sha1-modp1536", Site(ike="aes128-sha1-modp1536", esp="aes128-sha1", aggressive=True)),
    ("aes128-sha1-modp2048, PFS, aes128gcm16", Site(ike="aes128-sha1-modp2048", esp="aes128gcm16", pfs="modp2048")),
)


def settings(site):
    cipher, digest, group = site.ike.split("-")
    esp = {"aes128gcm16": "aes_gcm128-null"}.get(site.esp, site.esp)
    return ("--kernel", "--psk", site.key, "--mode", "aggressive" if site.aggressive else "main", "--ike", f"{cipher}-{digest};{group}",
            "--esp", esp, "--pfs", "yes" if site.pfs else "no", "--id", "@b.lab" if site.aggressive else "10.9.0.2",
            "--peer-id", "@a.lab" if site.aggressive else "10.9.0.1")


class Pluto(Session):
    """One pluto with one connection."""

    def __init__(self, options, folder, *settings):
        super().__init__(options, folder)
        self.settings = settings

    def start(self):
        lab("pluto-one.sh", "up", self.folder, *self.settings, timeout=120)
        state = dict(line.split("=", 1) for line in (self.folder / "state").read_text().splitlines())
        self.namespace = state["FOREIGN"]

    def stop(self):
        lab("pluto-one.sh", "down", self.folder)

    def before_row(self):
        lab("pluto-one.sh", "delete", self.folder, timeout=30)


def tunnel(role, site):
    def check(session, row, folder):
        with Gateway(session.options, session.namespace, folder, site.text()) as ours:
            if role == "initiator":
                reach(session.namespace, "10.1.0.1", "10.2.0.1", 30)
                ping(session.namespace, "10.1.0.1", "10.2.0.1", 3)
            else:
                lab("pluto-one.sh", "initiate", session.folder, timeout=60)
                none_lost(lab("pluto-one.sh", "peer", session.folder, "ping", "-n", "-q", "-c", "3", "-W", "6", "-I", "10.2.0.1", "10.1.0.1"), 3)
        judge(ours, least_esp=6)
    return check


def rows():
    for text, site in SITES:
        for role in ("initiator", "responder"):
            yield Row("pluto", role, "aggressive" if site.aggressive else "main", text, (Pluto, *settings(site)), tunnel(role, site),
                      quick=text.startswith("aes128-sha1-modp1536"))
