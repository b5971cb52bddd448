"""What tshark says about a capture of IKE, ESP and AH, with keys.

Keys come as Wireshark's own tables, `ikev1_decryption_table` and `esp_sa`, one folder per key holder. A packet counts as opened when the
tables of one holder open it: two ends that disagree about a key are a scenario too.
"""
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

TABLES = ("ikev1_decryption_table", "esp_sa")
PREFERENCES = "esp.enable_encryption_decode: TRUE\nesp.enable_authentication_check: TRUE\n"
FIELDS = ("frame.number", "frame.comment", "ip.src", "ipv6.src", "ip.dst", "ipv6.dst", "udp.payload", "isakmp.version", "isakmp.flag_e",
          "isakmp.typepayload", "esp.spi", "esp.sequence", "esp.contained_data", "esp.icv_good", "esp.icv_bad",
          "ah.spi", "ah.sequence", "_ws.malformed")
SEPARATOR = "\x1f"
#: Where lab/copy.py listens.
TRANSFERS = 5009


@dataclass
class Frame:
    """One packet, with what became of it under any holder's keys."""
    number: int
    source: str
    destination: str
    dropped: bool
    isakmp: bool
    encrypted: bool
    esp: tuple
    ah: tuple
    octets: str
    malformed: bool = False
    opened: bool = False
    icv_good: bool = False
    icv_bad: bool = False


@dataclass
class Findings:
    """Sums over a capture, and every fault in words."""
    frames: list = field(default_factory=list)
    retransmitted: int = 0
    faults: list = field(default_factory=list)

    def summary(self):
        """One line of numbers."""
        isakmp = [f for f in self.frames if f.isakmp]
        encrypted = [f for f in isakmp if f.encrypted]
        esp = [f for f in self.frames if f.esp]
        return (f"isakmp {len(isakmp)} ({len(encrypted)} encrypted, {sum(f.opened for f in encrypted)} opened, "
                f"{self.retransmitted} repeats left out), esp {len(esp)} ({sum(f.opened for f in esp)} opened, "
                f"{sum(f.icv_good for f in esp)} good icv), ah {sum(bool(f.ah) for f in self.frames)}")

    def packets(self, kind, source, destination, arrived=False):
        """Different ESP or AH packets between two ends, however often a network repeated them."""
        return len({getattr(f, kind) for f in self.frames if getattr(f, kind) and f.source == source
                    and f.destination == destination and not (arrived and f.dropped)})


def tshark(capture, profile, *arguments):
    """Rows of the fields above."""
    # Random octets of a transfer are no protocol, whatever its other port is.
    command = ["tshark", "-n", "-r", str(capture), "-d", f"tcp.port=={TRANSFERS},data", *arguments, "-T", "fields", "-E", f"separator={SEPARATOR}"]
    for name in FIELDS:
        command += ["-e", name]
    # A profile of its own: no settings of the user's have a say.
    out = subprocess.run(command, capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin", "WIRESHARK_CONFIG_DIR": str(profile)})
    return [dict(zip(FIELDS, line.split(SEPARATOR))) for line in out.stdout.splitlines()]


def first(text):
    """A field that occurs several times in a packet is joined by commas; the outermost comes first."""
    return text.split(",")[0]


def truth(text):
    """Booleans are 1 or True by version."""
    return any(word in ("1", "True") for word in text.split(","))


def without_repeats(capture, folder):
    """tshark opens a repeated message with the IV of the one after it: leaves repeats out, tells how many."""
    seen, repeats = set(), []
    for row in tshark(capture, folder, "-Y", "isakmp.flag_e == 1"):
        key = (row["ip.src"], row["ipv6.src"], row["udp.payload"])
        if key in seen:
            repeats.append(row["frame.number"])
        seen.add(key)
    if not repeats:
        return capture, 0
    once = Path(folder, "once.pcapng")
    subprocess.run(["editcap", str(capture), str(once), *repeats], capture_output=True, check=True)
    return once, len(repeats)


def examine(capture, key_folders, others=()):
    """Dissects and judges a capture under the tables of every folder. tshark takes IVs from what came before: an IKE message that
    overtook another counts as opened if it opens in one of the `others`, which show the same wire elsewhere."""
    findings = dissect(capture, key_folders)
    for other in others:
        opened = {f.octets for f in dissect(other, key_folders).frames if f.isakmp and f.opened}
        for f in findings.frames:
            f.opened |= f.isakmp and f.octets in opened
    judge(findings)
    return findings


def dissect(capture, key_folders):
    """What tshark says, without a judgement."""
    findings = Findings()
    with tempfile.TemporaryDirectory() as scratch:
        once, findings.retransmitted = without_repeats(capture, scratch)
        for index, folder in enumerate(key_folders):
            profile = Path(scratch, f"profile{index}")
            profile.mkdir()
            for table in TABLES:
                if Path(folder, table).exists():
                    shutil.copy(Path(folder, table), profile)
            Path(profile, "preferences").write_text(PREFERENCES)
            merge(findings, tshark(once, profile))
    return findings


def merge(findings, rows):
    """Adds what one holder's keys show."""
    if not findings.frames:
        findings.frames = [frame(row) for row in rows]
    for known, row in zip(findings.frames, rows):
        malformed = bool(row["_ws.malformed"])
        if known.isakmp and known.encrypted:
            known.opened |= bool(row["isakmp.typepayload"]) and not malformed
        elif known.esp:
            good = truth(row["esp.icv_good"])
            known.icv_good |= good
            known.icv_bad |= truth(row["esp.icv_bad"])
            known.opened |= bool(row["esp.contained_data"]) and not malformed
        else:
            known.malformed |= malformed


def frame(row):
    """The part of a row that no key changes."""
    return Frame(
        number=int(row["frame.number"]),
        source=first(row["ip.src"]) or first(row["ipv6.src"]),
        destination=first(row["ip.dst"]) or first(row["ipv6.dst"]),
        dropped=row["frame.comment"].startswith("dropped"),
        isakmp=bool(row["isakmp.version"]),
        encrypted=truth(row["isakmp.flag_e"]),
        esp=(first(row["esp.spi"]), first(row["esp.sequence"])) if row["esp.spi"] else (),
        ah=(first(row["ah.spi"]), first(row["ah.sequence"])) if row["ah.spi"] else (),
        octets=row["udp.payload"],
    )


def judge(findings):
    """Puts every fault into words."""
    for f in findings.frames:
        what = f"packet {f.number}, {f.source} to {f.destination}"
        if f.malformed:
            findings.faults.append(f"{what}: malformed")
        if f.isakmp and f.encrypted and not f.opened:
            findings.faults.append(f"{what}: IKE message that no key opens")
        if f.esp and not f.opened:
            findings.faults.append(f"{what}: ESP that no key opens")
        if f.esp and f.icv_bad and not f.icv_good:
            findings.faults.append(f"{what}: bad ICV")
        if f.esp and f.opened and not f.icv_good and not f.icv_bad:
            findings.faults.append(f"{what}: ICV not checked")
