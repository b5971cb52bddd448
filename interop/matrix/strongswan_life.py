"""strongSwan: how SAs live and end. Rekeys of both phases by both sides during a transfer, DPD, DELETE, refusals, both starting at once."""
import contextlib
import subprocess
import sys
import threading
import time

from .core import Fault, Gateway, Row, judge, none_lost, ping, reach, run, wait_for
from .ios import Site
from .strongswan import Charon, moved

INNER = ("10.1.0.1", "10.2.0.1")
#: Stops a process when it has sent a message of Aggressive Mode, until two messages wait for it; says their exchange types.
PAUSE = """
import os, signal, socket, sys
pid = int(sys.argv[1])
wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
wire.bind(("eth0", 0))
wire.settimeout(15)
print("watching", flush=True)
stopped, waiting = False, []
try:
    while len(waiting) < 2:
        packet, (_, protocol, direction, *_) = wire.recvfrom(65535)
        udp = packet[4 * (packet[0] & 15):]
        ports = {int.from_bytes(udp[:2], "big"), int.from_bytes(udp[2:4], "big")}
        if protocol != 0x0800 or packet[9] != 17 or not ports & {500, 4500}:
            continue
        # RFC 3948 2.2: four zero octets are before IKE at port 4500.
        message = udp[8:] if 500 in ports else udp[12:] if udp[8:12] == bytes(4) else b""
        if len(message) < 28:
            continue
        outgoing = direction == socket.PACKET_OUTGOING
        if outgoing and message[18] == 4 and not stopped:
            os.kill(pid, signal.SIGSTOP)
            stopped = True
        elif stopped and not outgoing:
            waiting.append(message[18])
finally:
    os.kill(pid, signal.SIGCONT)
    print(*waiting)
"""
AGGRESSIVE, QUICK = 4, 32


def started(session, folder, site, **settings):
    session.connection(site, **settings)
    return Gateway(session.options, session.namespace, folder, site.text())


class Stream:
    """A transfer in a thread of its own; `result` raises what it raised."""

    def __init__(self, session, octets):
        self.fault = self.said = None
        self.thread = threading.Thread(target=self.work, args=(session, octets))
        self.thread.start()

    def work(self, session, octets):
        try:
            self.said = moved(session, *INNER, octets)
        except Exception as error:  # Whatever it is, the row tells it.
            self.fault = error

    def result(self):
        self.thread.join()
        if self.fault:
            raise self.fault
        return self.said


def rekeyed_by_peer(command, times):
    def check(session, row, folder):
        with started(session, folder, Site()) as ours:
            reach(session.namespace, *INNER)
            stream = Stream(session, 20_000_000)
            for _ in range(times):
                time.sleep(1)
                session.lab(command)
            said = stream.result()
            ping(session.namespace, *INNER, 20)
        judge(ours)
        return f"{times} rekeys, {said}"
    return check


def rekeyed_by_us(phase):
    def check(session, row, folder):
        # The shortest lives that IOS's words allow.
        site = Site(ike_seconds=60) if phase == 1 else Site(ipsec_seconds=120)
        seconds = 75 if phase == 1 else 130
        with started(session, folder, site) as ours:
            reach(session.namespace, *INNER)
            before = ours.show("show crypto ipsec sa" if phase == 2 else "show crypto isakmp sa")
            said = run("ip", "netns", "exec", session.namespace, "ping", "-n", "-q", "-c", seconds * 5, "-i", "0.2", "-W", "2", "-I", *INNER,
                       timeout=seconds + 30)
            none_lost(said, seconds * 5)
            after = ours.show("show crypto ipsec sa" if phase == 2 else "show crypto isakmp sa")
            if before == after:
                raise Fault("nothing was renewed")
        judge(ours)
        return f"{seconds * 5} echoes, none lost"
    return check


#: No machine has this address.
NOWHERE = "02:00:00:00:00:01"


@contextlib.contextmanager
def cut(session):
    """Nothing arrives in either direction, as when a cable is cut far away: both ends still have a carrier and a route. The link is whole
    again afterwards, whatever happened."""
    ends = ((session.namespace, "10.9.0.2"), (session.theirs, "10.9.0.1"))
    try:
        for namespace, other in ends:
            run("ip", "-n", namespace, "neigh", "replace", other, "lladdr", NOWHERE, "nud", "permanent", "dev", "eth0")
        yield
    finally:
        for namespace, other in ends:
            run("ip", "-n", namespace, "neigh", "del", other, "dev", "eth0", check=False)


def cut_link(session, row, folder):
    """DPD notices on both sides that the link is cut, and traffic negotiates anew when it is back."""
    site = Site(more="crypto isakmp keepalive 10 2 periodic")
    with started(session, folder, site, dpd=2, dpd_timeout=6) as ours:
        reach(session.namespace, *INNER)
        with cut(session):
            wait_for("charon lets go", 30, lambda: "ESTABLISHED" not in session.sas())
            wait_for("we let go", 40, lambda: "QM_IDLE" not in ours.show("show crypto isakmp sa"))
        reach(session.namespace, *INNER)
    judge(ours)


def deleted_by_peer(session, row, folder):
    with started(session, folder, Site()) as ours:
        reach(session.namespace, *INNER)
        session.lab("delete-child")
        wait_for("our SAs are gone", 5, lambda: "spi: 0x" not in ours.show("show crypto ipsec sa"))
        reach(session.namespace, *INNER)
        session.lab("delete-ike")
        wait_for("our phase 1 is gone", 5, lambda: "QM_IDLE" not in ours.show("show crypto isakmp sa"))
        reach(session.namespace, *INNER)
    judge(ours)


def deleted_by_us(session, row, folder):
    with started(session, folder, Site()) as ours:
        reach(session.namespace, *INNER)
        ours.show("clear crypto sa")
        wait_for("charon's child is gone", 5, lambda: "INSTALLED" not in session.sas())
        reach(session.namespace, *INNER)
    wait_for("charon has nothing left after we stopped", 5, lambda: "ESTABLISHED" not in session.sas())
    judge(ours)


def nothing_fits(role, phase):
    def check(session, row, folder):
        site = Site()
        other = dict(ike="3des-md5-modp1536") if phase == 1 else dict(esp="3des-md5")
        before = len(session.lab("log"))
        with started(session, folder, site, **other) as ours:
            if role == "initiator":
                try:
                    ping(session.namespace, *INNER, wait=4)
                    raise ValueError("a tunnel came up")
                except Fault:
                    pass
            else:
                try:
                    session.initiate()
                    raise ValueError("charon has a tunnel")
                except Fault:
                    pass
            said = "N(NO_PROP)"
            if said not in session.lab("log")[before:]:
                raise Fault(f"charon's log of this row has no {said}")
            if phase == 2 and "QM_IDLE" not in ours.show("show crypto isakmp sa"):
                raise Fault("phase 1 did not survive the refusal")
    return check


def wrong_key(role):
    def check(session, row, folder):
        before = len(session.lab("log"))
        with started(session, folder, Site(), key="anotherone") as ours:
            try:
                ping(session.namespace, *INNER, wait=4) if role == "initiator" else session.initiate()
                raise ValueError("a tunnel came up")
            except Fault:
                pass
            if "QM_IDLE" in ours.show("show crypto isakmp sa"):
                raise Fault("a phase 1 SA came up")
        # Whoever proves its key first is the one that is not understood.
        logs = {"charon": session.lab("log")[before:], "ours": (folder / "gateway.log").read_text()}
        wanted = (("ours", "SKEYID state generated"), ("charon", "ID_PROT request with message ID 0 processing failed")) if role == "initiator" else (
            ("charon", "generating ID_PROT request 0 [ ID HASH ]"), ("ours", "%CRYPTO-4-IKMP_BAD_MESSAGE: IKE message from 10.9.0.2 failed its sanity check"))
        for whose, words in wanted:
            if words not in logs[whose]:
                raise Fault(f"the log of {whose} has no {words}")
    return check


def both_at_once(session, row, folder):
    """Both sides start at the same moment; one working set is left, and nothing is lost afterwards."""
    with started(session, folder, Site()) as ours:
        starter = threading.Thread(target=lambda: quietly(session.initiate))
        starter.start()
        reach(session.namespace, *INNER)
        starter.join()
        ping(session.namespace, *INNER, 20)
        session.peer_ping(INNER[1], INNER[0], 20)
    judge(ours)


def together(session, row, folder):
    """charon's last message of Aggressive Mode and its first of Quick Mode lie in our socket at once."""
    with started(session, folder, Site(aggressive=True)) as ours:
        watcher = subprocess.Popen(["ip", "netns", "exec", session.namespace, sys.executable, "-c", PAUSE, str(ours.process.pid)],
                                   stdout=subprocess.PIPE, text=True)
        watcher.stdout.readline()
        session.initiate()
        waiting = [int(word) for word in watcher.communicate(timeout=20)[0].split()]
        if waiting != [AGGRESSIVE, QUICK]:
            raise Fault(f"messages of the exchanges {waiting} waited")
        session.peer_ping(INNER[1], INNER[0], 3)
        if "QM_IDLE" not in ours.show("show crypto isakmp sa"):
            raise Fault("no phase 1")
    judge(ours, least_esp=6)


def quietly(work):
    try:
        work()
    except Fault:
        pass


def rows():
    plain = (Charon,)
    for times, command, what in ((3, "rekey-child", "phase 2"), (2, "rekey-ike", "phase 1")):
        yield Row("strongSwan", "initiator", "main", f"{what} renewed by the peer during a transfer", plain, rekeyed_by_peer(command, times))
    for phase in (1, 2):
        yield Row("strongSwan", "initiator", "main", f"phase {phase} renewed by us during traffic", plain, rekeyed_by_us(phase))
    yield Row("strongSwan", "initiator", "main", "DPD after a cut link", plain, cut_link)
    yield Row("strongSwan", "initiator", "main", "DELETE by the peer", plain, deleted_by_peer)
    yield Row("strongSwan", "initiator", "main", "DELETE by us", plain, deleted_by_us)
    for role in ("initiator", "responder"):
        for phase in (1, 2):
            yield Row("strongSwan", role, "main", f"nothing fits in phase {phase}", plain, nothing_fits(role, phase))
        yield Row("strongSwan", role, "main", "keys differ", plain, wrong_key(role))
    yield Row("strongSwan", "both", "main", "both start at once", plain, both_at_once)
    yield Row("strongSwan", "responder", "aggressive", "its third message and its first of Quick Mode at once", plain, together)
