"""Scanners and clients that ask our responder: ike-scan and vpnc."""
import re

from .core import Fault, Gateway, NotRun, Row, run
from .gateways import Pair
from .ios import Site


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
        if "Handshake returned" in bad:
            raise Fault(f"an unacceptable suite was accepted: {bad[-200:]}")


def aggressive_probe(session, row, folder):
    """Where Aggressive Mode was not switched on, its probe draws nothing."""
    one, _ = session.gateways(folder, ike="des-sha1-modp768", esp="des-sha1")
    with one:
        said = scan(session, session.plan[0], "--aggressive", "--id=anybody", "--trans=1,2,1,1", "--dhgroup=1")
        if "1 returned handshake" in said or "Handshake returned" in said:
            raise Fault(f"answered: {said[-200:]}")


def ikev2_probe(session, row, folder):
    """An IKEv2 probe is none of ours: silence, and the gateway lives."""
    one, _ = session.gateways(folder)
    with one:
        said = scan(session, session.plan[0], "--ikev2")
        if "Handshake returned" in said:
            raise Fault(f"answered: {said[-200:]}")
        one.show("show crypto isakmp sa")


def scan(session, target, *words):
    return run("ip", "netns", "exec", session.namespaces[1], "ike-scan", "--sport=500", "--retry=2", "--timeout=500", *words, target, timeout=30)


def vpnc(session, row, folder):
    """vpnc proposes XAUTH, which our policy does not offer: it gets no SA, says so, and the gateway lives."""
    one, _ = session.gateways(folder, ike="3des-sha1-modp1024", esp="3des-sha1")
    here = session.plan[0]
    config = folder / "vpnc.conf"
    config.write_text(f"IPSec gateway {here}\nIPSec ID a.lab\nIPSec secret labsecret\nXauth username joe\nXauth password joe\nIKE DH Group dh2\n"
                      f"Perfect Forward Secrecy nopfs\nNAT Traversal Mode none\nScript /bin/true\nPidfile {folder}/vpnc.pid\nInterface name tun7\n")
    with one:
        said = run("ip", "netns", "exec", session.namespaces[1], "vpnc", "--no-detach", config, timeout=60, check=False)
        one.show("show crypto isakmp sa")
        if "VPNC started" in said:
            raise Fault("vpnc says that it is connected")


def rows():
    for text, check, quick in (("ike-scan: Main Mode, DES-SHA1 group 1", main_mode_probe, True),
                               ("ike-scan: Aggressive Mode not switched on", aggressive_probe, False),
                               ("ike-scan: IKEv2", ikev2_probe, False), ("vpnc: XAUTH that is not offered", vpnc, False)):
        yield Row("probe", "responder", "-", text, (Pair,), check, quick=quick)
