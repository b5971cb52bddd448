"""A responder with two wires: a slow one to a new peer, and a fast one on which strangers forge first messages."""
import contextlib
import itertools
import os
import subprocess
import sys
import time

from .core import LAB, Fault, Gateway, Session, reach, run
from .ios import Site
from .strongswan import Charon

#: The new peer, and the responder as its peer; addresses are those of the lab's charon.
PEER = Site()
#: Whoever knows the key may come from anywhere: message 1 of any address is answered.
RESPONDER = Site(local=PEER.remote, remote=PEER.local, inside=PEER.outside, outside=PEER.inside, inside_address="10.2.0.1",
                 more="crypto isakmp key labsecret address 0.0.0.0 0.0.0.0")
ROUND_TRIP_MS = 50
#: The fast wire: the responder's end and the strangers'.
FAST = ("10.128.0.1", "10.128.0.2")
#: What part of the rate must have been reached for a measurement to count.
LEAST = 0.9
#: Seconds of flood before the new peer comes: by then all places are taken.
BEFORE = 2


class Ours(Session):
    """A gateway of ours as the responder, and a namespace for its peer."""

    numbers = itertools.count(1)

    def start(self):
        tag = f"{os.getpid()}x{next(self.numbers)}"
        self.namespace, self.theirs = f"flh{tag}", f"flt{tag}"
        for name, inner in ((self.namespace, PEER.inside_address), (self.theirs, RESPONDER.inside_address)):
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
            run("ip", "-n", name, "addr", "add", f"{inner}/24", "dev", "lo")
        self.gateway = Gateway(self.options, self.theirs, self.folder, RESPONDER.text(), name="responder", records=False)

    def serve(self):
        self.gateway.start()

    def stop(self):
        self.gateway.kill()
        for name in (self.namespace, self.theirs):
            run("ip", "netns", "del", name, check=False)


class Theirs(Charon):
    """strongSwan as the responder."""

    def start(self):
        super().start()
        for name in (self.namespace, self.theirs):
            run("ip", "-n", name, "link", "del", "eth0", check=False)

    def serve(self):
        self.connection(PEER, remote="%any")


RESPONDERS = {"ours": Ours, "strongSwan": Theirs}


@contextlib.contextmanager
def process(*words):
    """A process of the lab for as long as it is needed; it has said that it is ready."""
    started = subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        yield started
    finally:
        started.kill()
        started.wait()


@contextlib.contextmanager
def wires(session):
    """The slow wire and the fast one; the namespace of the strangers."""
    strangers = f"{session.theirs}s"
    with process(LAB / "wire.py", session.namespace, session.theirs, "--delay", ROUND_TRIP_MS // 2) as wire:
        if wire.stdout.readline() != "ready\n":
            raise Fault("the wire was not made")
        for name, address in ((session.namespace, PEER.local), (session.theirs, PEER.remote)):
            run("ip", "-n", name, "addr", "add", f"{address}/24", "dev", "wire")
            run("ip", "-n", name, "link", "set", "wire", "up")
        run("ip", "netns", "add", strangers)
        try:
            run("ip", "link", "add", "fast", "netns", session.theirs, "type", "veth", "peer", "name", "fast", "netns", strangers)
            for name, address in zip((session.theirs, strangers), FAST):
                run("ip", "-n", name, "addr", "add", f"{address}/30", "dev", "fast")
                run("ip", "-n", name, "link", "set", "fast", "up")
            # Answers to forged addresses leave as they would to the Internet; nobody is there.
            run("ip", "-n", session.theirs, "route", "add", "10.64.0.0/10", "via", FAST[1])
            run("ip", "-n", strangers, "route", "add", f"{PEER.remote}/32", "via", FAST[0])
            # What comes in a peer's name comes by another wire than the peer.
            for device in ("all", "fast"):
                run("ip", "netns", "exec", session.theirs, "sysctl", "-qw", f"net.ipv4.conf.{device}.rp_filter=0")
            yield strangers
        finally:
            run("ip", "netns", "del", strangers, check=False)


def seconds_to_tunnel(options, folder, responder, rate, own_name, patience):
    """How long a new peer waits for the first answer through its tunnel, in a flood; `patience` if it gets none."""
    session = RESPONDERS[responder](options, folder)
    session.start()
    try:
        with wires(session) as strangers:
            session.serve()
            words = [LAB / "flood.py", PEER.remote, rate, BEFORE + patience + 10, *(("--as", PEER.local) if own_name else ())]
            with process("ip", "netns", "exec", strangers, sys.executable, *words) as flood, \
                    Gateway(options, session.namespace, folder, PEER.text(), name="peer", records=False):
                time.sleep(BEFORE)
                began = time.monotonic()
                with contextlib.suppress(Fault):
                    reach(session.namespace, PEER.inside_address, RESPONDER.inside_address, patience)
                seconds = min(time.monotonic() - began, patience)
                flood.terminate()
                sent = int(flood.communicate(timeout=10)[0])
                if sent < rate * LEAST:
                    raise Fault(f"only {sent} messages a second of {rate} were sent")
                return seconds
    finally:
        session.stop()
