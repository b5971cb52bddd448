"""strongSwan: what it says as no other peer does. INITIAL-CONTACT inside a proof, offers of several groups in Aggressive Mode, no limit of life."""
import re

from .core import Fault, Gateway, Row, judge, ping, reach, run, wait_for
from .ios import Site
from .strongswan import Charon, answered, keys_agree

INNER = ("10.1.0.1", "10.2.0.1")
SECOND = ("10.4.0.1", "10.3.0.1")
#: Behind the access list: its second line, and how the second flow is reached.
TWO_FLOWS = """ permit ip 10.4.0.0 0.0.0.255 10.3.0.0 0.0.0.255
interface Ethernet1
 ip address 10.4.0.1 255.255.255.0
ip route 10.3.0.0 255.255.255.0 10.9.0.2"""
CHILD = """
      net2 {{
        esp_proposals = {esp}
        local_ts = 10.3.0.0/24
        remote_ts = 10.4.0.0/24
      }}"""
#: Seconds within which a flow is there again: too few for dead peer detection to do it, or for an SA to end.
AT_ONCE = 5
NEGOTIATIONS = 12
#: Limits of ours: a life that charon does not say, and IOS's default.
OUR_SECONDS, OUR_KILOBYTES = 1200, 4_608_000


def said(session, before, pattern):
    """How often charon's log of this row has a message of that kind."""
    return len(re.findall(pattern, session.lab("log")[before:]))


def killed(keepalive, echoes):
    """charon with two flows is killed and reopens one: in message 5 it says that it has nothing else, so we reopen the other."""
    def check(session, row, folder):
        for namespace, (address, _) in ((session.namespace, SECOND), (session.theirs, SECOND[::-1])):
            run("ip", "-n", namespace, "addr", "replace", f"{address}/24", "dev", "lo")
        site = Site(ike="aes256-sha256-modp2048", esp="aes256-sha256", pfs="modp2048", more=TWO_FLOWS + keepalive)
        # charon says INITIAL-CONTACT where it knows whom it means.
        settings = dict(remote_id=site.local, children=CHILD.format(esp=f"{site.esp}-{site.pfs}"))
        session.connection(site, **settings)
        with Gateway(session.options, session.namespace, folder, site.text()) as ours:
            for child in ("net", "net2"):
                session.initiate(child)
            for flow in (INNER, SECOND):
                reach(session.namespace, *flow)
                ping(session.namespace, *flow, 5)
            before = len(session.lab("log"))
            session.kill()
            session.initiate()
            if not said(session, before, r"generating ID_PROT request 0 \[ ID HASH N\(INITIAL_CONTACT\) \]"):
                raise Fault("charon did not say INITIAL-CONTACT in message 5: the row proves nothing")
            for flow in (INNER, SECOND):
                reach(session.namespace, *flow, AT_ONCE)
            for flow in (INNER, SECOND):
                ping(session.namespace, *flow, echoes)
            keys_agree(session, ours)
        judge(ours, least_esp=4 * echoes)
        return f"{2 * echoes} echoes, none lost"
    return check


def several_groups(session, row, folder):
    """KE is of the first transform's group, and so the second is no choice: the offer is not refused for that."""
    site = Site(ike="aes256-sha256-modp2048", esp="aes256-sha256", pfs="modp2048", aggressive=True)
    session.connection(site, ike=f"{site.ike},aes128-sha1-modp1536")
    with Gateway(session.options, session.namespace, folder, site.text()) as ours:
        session.initiate()
        wait_for("an answer", 20, lambda: answered(session, *reversed(INNER)))
        session.peer_ping(*reversed(INNER), 3)
        keys_agree(session, ours)
    groups = attributes(ours, "isakmp.exchangetype == 4 && ip.src == 10.9.0.2", "isakmp.ike.attr.group_description")[0]
    if groups != ["14", "5"]:
        raise Fault(f"charon offered groups {groups}: the row proves nothing")
    judge(ours, least_esp=6)


def attributes(gateway, which, field):
    """The values of a field in the packets of a capture that tshark's filter lets through, a list per packet."""
    holders = sorted({path.parent for path in gateway.keys.rglob("ikev1_decryption_table")})
    words = ("tshark", "-n", "-r", gateway.pcap, "-Y", which, "-T", "fields", "-e", field)
    said = run("env", f"WIRESHARK_CONFIG_DIR={holders[0]}", *words)
    found = [line.split(",") for line in said.splitlines() if line]
    if not found:
        raise Fault(f"no packet with {field}: the row proves nothing")
    return found


def no_limit(phase):
    """A life duration of 0, which is none: ours applies."""
    def check(session, row, folder):
        settings = dict(ike_life=0) if phase == 1 else dict(child_life="0\n        life_bytes = 999")
        site = Site(ipsec_seconds=OUR_SECONDS)
        session.connection(site, **settings)
        with Gateway(session.options, session.namespace, folder, site.text()) as ours:
            session.initiate()
            reach(session.theirs, *reversed(INNER))
            keys_agree(session, ours)
            left = re.search(r"key lifetime \(k/sec\): \((\d+)/(\d+)\)", ours.show("show crypto ipsec sa"))
        field, which = ("ike", "isakmp.exchangetype == 2") if phase == 1 else ("ipsec", "isakmp.exchangetype == 32")
        lives = attributes(ours, f"{which} && ip.src == 10.9.0.2", f"isakmp.{field}.attr.life_duration")[0]
        if set(lives) != {"0"}:
            raise Fault(f"charon said lives of {lives}: the row proves nothing")
        if not left or not 0 < int(left[1]) <= OUR_KILOBYTES or not OUR_SECONDS - 60 < int(left[2]) <= OUR_SECONDS:
            raise Fault(f"not our limits: {left and left[0]}")
        judge(ours, least_esp=2)
    return check


def first_contacts(role, aggressive):
    """Each time we have been killed and know nothing: charon reads so in our last proof, and in Main Mode lets go what it has from before."""
    peers = "request" if role == "initiator" else "response"

    def check(session, row, folder):
        site = Site(aggressive=aggressive)
        session.connection(site)
        before = len(session.lab("log"))
        for number in range(1, NEGOTIATIONS + 1):
            ours = Gateway(session.options, session.namespace, folder, site.text(), name=f"gateway{number}").start()
            try:
                if role == "initiator":
                    reach(session.namespace, *INNER)
                else:
                    session.before_row()
                    session.initiate()
                    reach(session.theirs, *reversed(INNER))
                ping(session.namespace, *INNER, 3)
                keys_agree(session, ours)
                held = session.sas().count("ESTABLISHED")
            except Fault as fault:
                raise Fault(f"negotiation {number}: {fault}") from fault
            finally:
                ours.kill()
            if held != 1 and not aggressive:
                raise Fault(f"after negotiation {number} charon holds {held} IKE SAs")
        inside = said(session, before, rf"parsed (?:ID_PROT|AGGRESSIVE) {peers} 0 \[ (?:ID )?HASH .*N\(INITIAL_CONTACT\)")
        apart = said(session, before, r"parsed INFORMATIONAL_V1 .*N\(INITIAL_CONTACT\)")
        if (inside, apart) != (NEGOTIATIONS, 0):
            raise Fault(f"charon read INITIAL-CONTACT {inside} times in a proof, {apart} times apart")
        return f"{NEGOTIATIONS} of {NEGOTIATIONS} negotiations"
    return check


def rows():
    plain = (Charon,)
    for keepalive, echoes, words in (("", 20, ""), ("\ncrypto isakmp keepalive 10 2 periodic", 60, ", keepalives")):
        yield Row("strongSwan", "responder", "main", f"killed, reopens one flow of two: INITIAL-CONTACT in message 5{words}", plain,
                  killed(keepalive, echoes))
    yield Row("strongSwan", "responder", "aggressive", "transforms of several groups", plain, several_groups)
    for phase in (1, 2):
        yield Row("strongSwan", "responder", "main" if phase == 1 else "quick", f"no limit of life in phase {phase}: a duration of 0", plain, no_limit(phase))
    for role, mode, message in (("initiator", "main", 5), ("responder", "main", 6), ("initiator", "aggressive", 3)):
        yield Row("strongSwan", role, mode, f"our INITIAL-CONTACT in message {message}, {NEGOTIATIONS} times", plain,
                  first_contacts(role, mode == "aggressive"))
