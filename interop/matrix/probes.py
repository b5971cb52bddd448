"""Scanners and clients that ask our responder: ike-scan and vpnc."""
import re

from .core import Fault, Row, run
from .gateways import Pair

#: Exchange types of IKEv1 and IKEv2.
AGGRESSIVE, IKE_SA_INIT = 4, 34
#: What ike-scan says when it has no answer.
NOTHING = "0 returned handshake; 0 returned notify"


def main_mode_probe(session, row, folder):
    """A Main Mode probe of ike-scan with a suite that our policy has gets our SA back; one that it lacks gets a refusal."""
    one, _ = session.gateways(folder, ike="des-sha1-modp768", esp="des-sha1")
    with one:
        here = session.plan[0]
        good = scan(session, here, "--trans=1,2,1,1")
        if not re.search(r"Main Mode Handshake returned", good):
            raise Fault(f"no handshake: {good[-200:]}")
        if "Enc=DES" not in good or "Group=1:modp768" not in good:
            raise Fault(f"another suite: {good[-200:]}")
        bad = scan(session, here, "--trans=5,1,3,5")
        if "Handshake returned" in bad or "NO-PROPOSAL-CHOSEN" not in bad:
            raise Fault(f"an unacceptable suite was not refused: {bad[-200:]}")


def aggressive_probe(session, row, folder):
    """Where Aggressive Mode was not switched on, its probe draws nothing, and where it was, an answer."""
    for aggressive in (False, True):
        one, _ = session.gateways(folder / ("on" if aggressive else "off"), ike="des-sha1-modp768", esp="des-sha1", aggressive=aggressive)
        with one:
            said = scan(session, session.plan[0], "--aggressive", "--idtype=2", "--id=b.lab", "--trans=1,2,1,1", "--dhgroup=1")
            if ("Aggressive Mode Handshake returned" if aggressive else NOTHING) not in said:
                raise Fault(f"switched {'on' if aggressive else 'off'}: {said[-200:]}")
        came(one, session.plan[0], 0x10, AGGRESSIVE)


def ikev2_probe(session, row, folder):
    """An IKEv2 probe is none of ours: silence, and the gateway lives and answers one of IKEv1."""
    one, _ = session.gateways(folder, ike="des-sha1-modp768", esp="des-sha1")
    with one:
        said = scan(session, session.plan[0], "--ikev2")
        if NOTHING not in said:
            raise Fault(f"answered: {said[-200:]}")
        said = scan(session, session.plan[0], "--trans=1,2,1,1")
        if "Main Mode Handshake returned" not in said:
            raise Fault(f"no answer to IKEv1: {said[-200:]}")
    came(one, session.plan[0], 0x20, IKE_SA_INIT)


def scan(session, target, *words):
    return run("ip", "netns", "exec", session.namespaces[1], "ike-scan", "--sport=500", "--retry=2", "--timeout=500", *words, target, timeout=30)


def came(gateway, here, version, exchange):
    """A gateway that has stopped wrote down such a message to it: the version and the exchange type follow two cookies and an octet."""
    if not run("tcpdump", "-n", "-r", gateway.pcap, f"dst host {here} and udp dst port 500 and udp[25] = {version} and udp[26] = {exchange}"):
        raise Fault("the probe never came")


def vpnc(session, row, folder):
    """vpnc proposes XAUTH, which our policy does not offer, and then a key of a name that we do not know: it gets no SA, says so, and the
    gateway lives."""
    one, _ = session.gateways(folder, ike="3des-sha1-modp1024", esp="3des-sha1", aggressive=True)
    here, there = session.plan[:2]
    config = folder / "vpnc.conf"
    config.write_text(f"IPSec gateway {here}\nIPSec ID a.lab\nIPSec secret labsecret\nXauth username joe\nXauth password joe\nIKE DH Group dh2\n"
                      f"Perfect Forward Secrecy nopfs\nNAT Traversal Mode none\nScript /bin/true\nPidfile {folder}/vpnc.pid\nInterface name tun7\n")
    with one:
        # It has to fail, and says why at its standard error.
        said = run("ip", "netns", "exec", session.namespaces[1], "bash", "-c", f"! vpnc --no-detach '{config}' 2>&1", timeout=60)
        if "no response from target" not in said or "VPNC started" in said:
            raise Fault(f"vpnc says: {said[-200:]}")
        if "QM_IDLE" in one.show("show crypto isakmp sa"):
            raise Fault("a phase 1 SA came up")
    log = (folder / f"{one.name}.log").read_text()
    # Whether each transform was accepted, by what authenticates.
    judged = re.findall(r"auth (\S+)(?:\nISAKMP: +.*)*\nISAKMP \(\d+\): atts (are|not) acceptable", log)
    if ("XAUTHInitPreShared", "not") not in judged or ("XAUTHInitPreShared", "are") in judged:
        raise Fault(f"what was decided about XAUTH: {judged}")
    if f"%CRYPTO-6-IKMP_MODE_FAILURE: Processing of Aggressive mode failed with peer at {there}" not in log:
        raise Fault("our log has no refusal")


def rows():
    for text, check, quick in (("ike-scan: Main Mode, DES-SHA1 group 1", main_mode_probe, True),
                               ("ike-scan: Aggressive Mode not switched on", aggressive_probe, False),
                               ("ike-scan: IKEv2", ikev2_probe, False), ("vpnc: XAUTH that is not offered", vpnc, False)):
        yield Row("probe", "responder", "-", text, (Pair,), check, quick=quick)
