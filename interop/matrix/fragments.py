"""IKE fragments (Cisco's payload 132): strongSwan and racoon cut what they send and put together what we cut, in every exchange."""
from dataclasses import replace

from .core import Fault, Gateway, Row, judge, ping, reach, wait_for
from .ios import Site
from .racoon import Racoon, keys_agree, settings
from .racoon import answered as racoon_answered
from .strongswan import Charon, answered

INNER = ("10.1.0.1", "10.2.0.1")
#: Octets of UDP payload for us, of the whole packet for strongSwan: messages with a public value are longer.
SIZE = 240


def both_ways(ours, least=(2, 2)):
    """What our log says of messages that went and came in parts: of both phases, where the first message is not too early."""
    log = (ours.folder / f"{ours.name}.log").read_text()
    counts = [log.count(words) for words in (" octets sent in ", " octets put together from ")]
    if any(count < wanted for count, wanted in zip(counts, least)):
        raise Fault(f"{counts[0]} messages went in parts, {counts[1]} came in parts")
    return f"{counts[0]} messages out and {counts[1]} in"


def strongswan(role, aggressive, forced):
    def check(session, row, folder):
        words = f"crypto isakmp fragmentation {SIZE}{' force' if forced else ''}"
        site = Site(ike="aes128-sha1-modp1536", pfs="modp1536", aggressive=aggressive, more=words)
        session.connection(site, fragmentation="force" if forced else "yes")
        with Gateway(session.options, session.namespace, folder, site.text()) as ours:
            if role == "initiator":
                reach(session.namespace, *INNER)
            else:
                session.initiate()
                wait_for("an answer", 20, lambda: answered(session, *reversed(INNER)))
            ping(session.namespace, *INNER, 3)
        judge(ours, least_esp=2)
        if aggressive and forced and role == "responder" and "generating AGGRESSIVE request 0 [ FRAG(1) ]" not in session.lab("log"):
            raise Fault("charon did not cut its first message")
        # Before anything is announced, the first message of Aggressive Mode leaves whole.
        early = aggressive and not forced
        return both_ways(ours, (2 - (early and role == "initiator"), 2 - (early and role == "responder")))
    return check


def racoon(role, site):
    def check(session, row, folder):
        with Gateway(session.options, session.namespace, folder, site.text()) as ours:
            if role == "initiator":
                reach(session.namespace, *INNER, 30)
            else:
                wait_for("a packet of the guest through the tunnel", 30, lambda: racoon_answered(session, *reversed(INNER)))
            ping(session.namespace, *INNER, 3)
            # tshark cannot be asked: racoon's parts are in clear and have the flag of encryption, which puts its IVs out of step.
            keys_agree(session, ours)
        return both_ways(ours)
    return check


def rows():
    cutting = (Charon, False, False, SIZE)
    for role in ("initiator", "responder"):
        for forced in (False, True):
            for aggressive in (False, True):
                what = f"IKE fragments{', forced' if forced else ''}"
                yield Row("strongSwan", role, "aggressive" if aggressive else "main", what, cutting, strongswan(role, aggressive, forced))
    # racoon cuts what is longer than 552 octets, and as initiator only if it is forced to.
    wanted = Site(ike="3des-sha1-modp4096", esp="3des-sha1", pfs="modp4096", more="crypto isakmp fragmentation 400")
    numbers = settings(replace(wanted, ike="3des-sha1-modp1536", pfs="modp1536"), GROUP=16, PFS=16, FRAG="force")
    for role in ("initiator", "responder"):
        yield Row("racoon", role, "main", "IKE fragments", (Racoon, *numbers), racoon(role, wanted))
