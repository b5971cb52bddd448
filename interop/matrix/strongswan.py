"""strongSwan: user-space ESP in UDP in a namespace, raw ESP and AH in a guest kernel."""
import itertools
import re

from .core import LAB, Fault, Gateway, Row, Session, copy, judge, lab, none_lost, ping, reach, run, wait_for
from .ios import V6, Site

CIPHERS = ("des", "3des", "aes128", "aes256")
HASHES = ("md5", "sha1", "sha256")
GROUPS = ("modp768", "modp1024", "modp1536", "modp2048", "ecp256")
ESP = ("des-md5", "des-sha1", "3des-sha1", "aes128-sha1", "aes256-sha256", "aes128gcm16", "null-sha1")
TRANSFER = 50_000_000

CONNECTION = """connections {{
  lab {{
    version = 1
    aggressive = {aggressive}
    encap = {encap}
    fragmentation = {fragmentation}
    proposals = {ike}
    local_addrs = {local}
    remote_addrs = {remote}
    dpd_delay = {dpd}
    dpd_timeout = {dpd_timeout}
    rekey_time = {ike_life}
    reauth_time = 0
    local {{
      auth = psk
      id = {local_id}
    }}
    remote {{
      auth = psk
      id = {remote_id}
    }}
    children {{
      net {{
        {protocol} = {esp}
        mode = {mode}
        local_ts = {local_ts}
        remote_ts = {remote_ts}
        rekey_time = {child_life}
        dpd_action = clear
      }}{children}
    }}
  }}
}}
secrets {{
  ike-lab {{
    secret = "{key}"
  }}
}}
"""


def network(address):
    return f"{address}/{64 if ':' in address else 24}"


class Charon(Session):
    """One charon; its connection is written anew for each row."""

    def __init__(self, options, folder, kernel=False, v6=False, fragment_size=1280):
        super().__init__(options, folder)
        self.kernel, self.v6, self.fragment_size = kernel, v6, fragment_size

    def start(self):
        words = ["--psk", "labsecret"] + (["--kernel"] if self.kernel else []) + (["--v6"] if self.v6 else [])
        lab("charon-one.sh", "up", self.folder, *words, timeout=90, CHARON_FRAGMENT_SIZE=str(self.fragment_size))
        state = dict(line.split("=", 1) for line in (self.folder / "state").read_text().splitlines())
        self.namespace, self.theirs = state["FOREIGN"], state["OURS"]

    def stop(self):
        lab("charon-one.sh", "down", self.folder, timeout=60)

    def lab(self, command, *words, timeout=60):
        return lab("charon-one.sh", command, self.folder, *words, timeout=timeout)

    def swanctl(self, *words, timeout=60):
        if self.kernel:
            return self.lab("peer", "env", "SWANCTL_DIR=/mnt/charon", "STRONGSWAN_CONF=/mnt/charon/strongswan.conf", "swanctl", *words,
                            "--uri", "unix:///run/charon.vici", timeout=timeout)
        charon = self.folder / "charon"
        return run("ip", "netns", "exec", self.theirs, "env", f"SWANCTL_DIR={charon}", f"STRONGSWAN_CONF={charon}/strongswan.conf", "swanctl",
                   *words, "--uri", f"unix://{charon}/vici", timeout=timeout)

    def connection(self, site, **settings):
        """Writes and loads the connection that answers to a site of ours."""
        ours, theirs = site.remote, site.local
        values = dict(aggressive="yes" if site.aggressive else "no", encap="no" if self.kernel else "yes", ike=site.ike, local=ours,
                      remote=theirs, dpd=0, ike_life="4h", child_life="1h", key=site.key, mode="transport" if site.transport else "tunnel",
                      fragmentation="yes", children="", local_id="b.lab" if site.aggressive else ours, remote_id="%any", protocol="ah_proposals" if site.ah and not site.esp
                      else "esp_proposals", esp=(site.esp or site.ah) + (f"-{site.pfs}" if site.pfs else ""), local_ts=network(site.outside),
                      remote_ts=network(site.inside))
        if site.transport:
            values.update(local_ts="dynamic", remote_ts="dynamic")
        values.update(settings)
        values.setdefault("dpd_timeout", 3 * int(values["dpd"]))
        (self.folder / "charon" / "swanctl.conf").write_text(CONNECTION.format(**values))
        self.swanctl("--load-all")

    def before_row(self):
        run_quietly = self.swanctl("--list-sas")
        for _ in range(8):
            if not run_quietly.strip():
                return
            try:
                self.swanctl("--terminate", "--ike", "lab", "--force", "--timeout", "2")
            except Fault:
                pass
            run_quietly = self.swanctl("--list-sas")

    def initiate(self, child="net"):
        self.swanctl("--initiate", "--child", child, "--timeout", "20", timeout=40)

    def kill(self):
        """SIGKILL, and a start after it: charon knows its connection again, and nothing of its SAs."""
        self.lab("restart")
        self.swanctl("--load-all")

    def sas(self):
        return self.swanctl("--list-sas")

    def peer_ping(self, source, target, count=1):
        none_lost(self.lab("peer", "ping", "-n", "-q", "-c", str(count), "-i", "0.2", "-W", "6", "-I", source, target), count)


def tunnel(role, site, packets=1):
    """A row's work: negotiate in a role, carry an echo, let tshark look."""
    def check(session, row, folder):
        session.connection(site)
        with Gateway(session.options, session.namespace, folder, site.text()) as ours:
            inner = ("fd01::1", "fd02::1") if ":" in site.inside else ("10.1.0.1", "10.2.0.1")
            source, target = (site.local, site.remote) if site.transport else inner
            if role == "initiator":
                reach(session.namespace, source, target)
                ping(session.namespace, source, target, packets)
            else:
                session.initiate()
                wait_for(f"an answer of {source}", 20, lambda: answered(session, target, source))
                session.peer_ping(target, source, packets)
            keys_agree(session, ours)
        judge(ours, least_esp=2 * packets if site.esp else 0, least_ah=2 * packets if site.ah else 0)
    return check


def answered(session, source, target):
    try:
        session.peer_ping(source, target)
        return True
    except Fault:
        return False


def keys_agree(session, ours):
    """The keys that charon logged are those that we logged."""
    theirs = session.lab("keys")
    (ours.folder / "charon.keys").write_text(theirs)
    known = "".join(path.read_text() for path in ours.keys.rglob("keys.txt")).lower()
    cookies = set(re.findall(r"^ike (\w{16}) (\w{16})", known, re.M))
    compared = 0
    for line in theirs.lower().splitlines():
        words = line.split()
        if words[0] == "ike" and (words[1], words[2]) in cookies:
            compared += 1
            if words[4] not in known:
                raise Fault("charon logged another phase 1 key than we")
        if words[0] in ("esp", "ah") and words[3].removeprefix("0x") in known:
            compared += 1
            for key in words[5:8:2] if words[0] == "esp" else words[5:6]:
                if key not in ("-", "null") and key not in known:
                    raise Fault(f"charon logged another key for SPI {words[3]} than we")
    if compared < 3:
        raise Fault(f"only {compared} keys could be compared")


def product():
    """Every combination of phase 1, once per mode and role, with one echo."""
    for mode, role in itertools.product(("main", "aggressive"), ("initiator", "responder")):
        for cipher, digest, group in itertools.product(CIPHERS, HASHES, GROUPS):
            site = Site(ike=f"{cipher}-{digest}-{group}", aggressive=mode == "aggressive")
            yield Row("strongSwan", role, mode, site.ike, (Charon,), tunnel(role, site), quick=site.ike == "des-md5-modp768" and mode == "main")


def suites():
    """Each ESP suite per role, with and without PFS, with a transfer whose hashes are compared."""
    for role, esp, pfs in itertools.product(("initiator", "responder"), ESP, (None, "modp1024")):
        site = Site(esp=esp, pfs=pfs)
        yield Row("strongSwan", role, "quick", esp + (f", PFS {pfs}" if pfs else ""), (Charon,), transfer(role, site))


def transfer(role, site):
    def check(session, row, folder):
        tunnel(role, site)(session, row, folder / "echo")
        session.before_row()
        session.connection(site)
        with Gateway(session.options, session.namespace, folder, site.text()) as ours:
            if role == "responder":
                session.initiate()
            return moved(session, "10.1.0.1", "10.2.0.1", TRANSFER)
    return check


def moved(session, here, there, octets):
    """A TCP transfer each way through the tunnel; the rate, if the hashes agree."""
    seconds = copy(session.namespace, here, session.theirs, there, octets) + copy(session.theirs, there, session.namespace, here, octets)
    return f"{16 * octets / 1e6 / seconds:.0f} Mbit/s"


def kernel():
    """Raw ESP and AH, tunnel and transport, against a real kernel."""
    for role in ("initiator", "responder"):
        for esp in ("3des-md5", "aes128-sha1", "aes256-sha256", "aes128gcm16", "null-sha1"):
            for transport in (False, True):
                site = Site(esp=esp, transport=transport)
                yield Row("strongSwan, Linux ESP", role, "main", esp + (", transport" if transport else ", tunnel"), (Charon, True),
                          tunnel(role, site, 3), quick=esp == "aes128-sha1" and not transport)
        for kind, words in (("ESP", dict(esp="aes128-sha1")), ("AH", dict(esp=None, ah="sha1"))):
            for transport in (False, True):
                text = f"IPv6, {words.get('ah') or words['esp']}, {'transport' if transport else 'tunnel'}"
                yield Row(f"strongSwan, Linux {kind}", role, "main", text, (Charon, True), tunnel(role, Site(transport=transport, **words, **V6), 3))
        for ah in ("md5", "sha1", "sha512"):
            for transport in (False, True):
                site = Site(esp=None, ah=ah, transport=transport)
                yield Row("strongSwan, Linux AH", role, "main", f"ah {ah}" + (", transport" if transport else ", tunnel"), (Charon, True),
                          tunnel(role, site, 3), quick=ah == "sha1" and not transport)


def rows():
    yield from product()
    yield from suites()
    yield from kernel()
