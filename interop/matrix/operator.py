"""What an operator and strangers can do to our gateway as a process: logs that nobody reads, floods, sockets, signals, addresses."""
import os
import re
import fcntl
import signal
import socket
import subprocess
import sys
import time

from .core import Fault, Row, ping, reach, run, wait_for
from .gateways import Pair
from .process import pair, reload, spis

FLOOD = 20_000
#: Datagrams of random octets to the IKE port, from one address.
RANDOM = """
import os, random, socket, sys
here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
here.bind((sys.argv[1], 0))
chance = random.Random(1)
for _ in range(int(sys.argv[3])):
    here.sendto(chance.randbytes(chance.randrange(28 if len(sys.argv) > 4 else 200)), (sys.argv[2], 500))
"""
#: What may be written of them: a few lines a second, and not one each.
MOST_OCTETS = 60_000
F_SETPIPE_SZ = 1031


def flood(session, count, *more):
    here, there = session.plan[1], session.plan[0]
    run("ip", "netns", "exec", session.namespaces[1], sys.executable, "-c", RANDOM, here, there, count, *more)


def with_standard_error(session, gateway, end):
    """Starts a gateway whose standard error is the pipe's end."""
    command = ["ip", "netns", "exec", gateway.namespace, gateway.options.gateway, "run", "--config", gateway.config, "--socket", gateway.socket, "--log", gateway.said]
    gateway.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=end, text=True, start_new_session=True)
    if "is running at" not in gateway.process.stdout.readline():
        raise Fault("it does not start")


def unread(close):
    """Standard error is a pipe that is full, or whose reader has gone: the tunnel works, the file is written, SIGTERM ends it."""
    def check(session, row, folder):
        one, two = session.gateways(folder)
        reader, writer = os.pipe()
        fcntl.fcntl(writer, F_SETPIPE_SZ, 4096)
        try:
            with_standard_error(session, one, writer)
            os.close(writer)
            if close:
                os.close(reader)
            with two:
                # Each second has its own line; a row of them fills the pipe.
                for _ in range(4):
                    flood(session, 1500, "short")
                    one.process.send_signal(signal.SIGUSR1)
                    time.sleep(0.3)
                for _ in range(100):
                    one.process.send_signal(signal.SIGUSR1)
                    time.sleep(0.01)
                reach(session.namespaces[0], *session.ends())
                one.show("show crypto isakmp sa")
                one.process.send_signal(signal.SIGTERM)
                one.process.wait(5)
            if one.process.returncode:
                raise Fault(f"it ended with status {one.process.returncode}")
            if not close and len(os.read(reader, 1 << 20)) < 3000:
                raise Fault("the pipe was not full")
            if "beginning Main Mode" not in one.said.read_text() and "has been authenticated" not in one.said.read_text():
                raise Fault("the file was not written")
        finally:
            one.kill()
            one.process.stdout.close()
            if not close:
                os.close(reader)
    return check


def flooded(session, one, two):
    """A flood of random datagrams: what it leaves in the log and on standard error is bounded, and says how many there were."""
    log = one.said.with_suffix(".log")
    before = [path.stat().st_size for path in (one.said, log)]
    flood(session, FLOOD)
    time.sleep(1.5)
    grown = [path.stat().st_size - size for path, size in zip((one.said, log), before)]
    if max(grown) > MOST_OCTETS:
        raise Fault(f"{FLOOD} datagrams leave {grown} octets")
    for path in (one.said, log):
        counts = [int(number) for number in re.findall(rf"HUSHED: (\d+) more messages or lines about {re.escape(session.plan[1])} ", path.read_text())]
        if sum(counts) < FLOOD // 4:
            raise Fault(f"{path.name} counts {counts}")
    ping(session.namespaces[0], *session.ends(), 3)
    return f"{grown[0]} octets on standard error and {grown[1]} in the log"


def refused(session, row, folder):
    """A peer that no map names leaves a line with its address and the reason, on standard error too."""
    one, two = session.gateways(folder)
    a, b = session.namespaces[:2]
    stranger = session.plan[1].rsplit(".", 1)[0] + ".99"
    run("ip", "-n", b, "addr", "replace", f"{stranger}/24", "dev", "wire")
    text = two.config.read_text().replace(session.plan[1] + " ", stranger + " ")
    two.config.write_text(text)
    try:
        with one, two:
            run("ip", "netns", "exec", b, "ping", "-n", "-q", "-c", "1", "-W", "1", "-I", *session.ends()[::-1], check=False)
            wait_for("a line about the stranger", 10,
                     lambda: f"IKE message from {stranger} refused: no policy for the peer's address" in one.said.read_text())
    finally:
        run("ip", "-n", b, "addr", "del", f"{stranger}/24", "dev", "wire", check=False)


def asked(session, one, two):
    """T136: with clients that hang on and say nothing, nine that ask at once are answered within a second."""
    idle = []
    for _ in range(20):
        client = socket.socket(socket.AF_UNIX)
        client.connect(str(one.socket))
        idle.append(client)
    begin = time.monotonic()
    clients = [subprocess.Popen([one.options.gateway, "exec", "--socket", one.socket, "show crypto isakmp sa"], stdout=subprocess.PIPE, text=True) for _ in range(9)]
    answers = [client.communicate(timeout=10)[0] for client in clients]
    seconds = time.monotonic() - begin
    if not all("QM_IDLE" in answer for answer in answers) or seconds > 3:
        raise Fault(f"nine answers after {seconds:.1f} s: {answers}")
    for client in idle:
        client.settimeout(8)
        if client.recv(1):
            raise Fault("an idle client was answered")
        client.close()


#: Asks as another user, and says how many octets were answered. The working folder is entered before, because only its owner may.
AS_USER = """
import os, socket, sys
os.chdir(sys.argv[1])
if sys.argv[3] != "0":
    os.setgroups([])
    os.setgid(int(sys.argv[3]))
    os.setuid(int(sys.argv[3]))
here = socket.socket(socket.AF_UNIX)
here.settimeout(5)
try:
    here.connect(sys.argv[2])
    here.sendall(b"show crypto isakmp sa\\n")
    print(len(here.recv(1000)))
except OSError:
    print(0)
"""


def private(session, one, two):
    """T136, T134: only its owner reads what it writes and asks it, even where others may open its socket."""
    written = [one.socket, one.pcap, one.said.with_suffix(".log"), *(path for path in one.keys.rglob("*") if path.is_file())]
    if len(written) < 5:
        raise Fault(f"only {written} were written")
    for path in written:
        if path.stat().st_mode & 0o777 != 0o600:
            raise Fault(f"{path.name} has mode {path.stat().st_mode & 0o777:o}")
    one.socket.chmod(0o666)
    one.socket.parent.chmod(0o711)
    answered = lambda user: int(run(sys.executable, "-c", AS_USER, one.socket.parent, one.socket.name, user))
    if not answered(0):
        raise Fault("its owner gets no answer")
    if answered(65534):
        raise Fault("another user gets an answer")


def signals(session, one, two):
    """Signals without a meaning end nothing; SIGHUP opens the log again, and a description keeps the SAs."""
    for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF, signal.SIGIO, signal.SIGXFSZ):
        one.process.send_signal(number)
        time.sleep(0.1)
        if one.process.poll() is not None:
            raise Fault(f"{number.name} ends it")
    log, moved = one.said.with_suffix(".log"), one.said.with_suffix(".moved")
    log.rename(moved)
    before = spis(one)
    text = one.config.read_text()
    described = re.sub(r"(crypto map \S+ 10 ipsec-isakmp\n)", r"\1 description of another kind\n", text)
    if described == text or not before:
        raise Fault("nothing to change")
    if "was read again" not in reload(one, described):
        raise Fault("it was not read again")
    if spis(one) != before:
        raise Fault("a description costs the SAs")
    wait_for("a line in the log of the old name", 5, lambda: log.exists() and "was read again" in log.read_text())
    if "was read again" in moved.read_text():
        raise Fault("the log that was moved away is still written")
    one.config.write_text(text)
    ping(session.namespaces[0], *session.ends(), 3)


def moved(session, one, two):
    """The gateway's own address goes and comes back: both are said, and the tunnel works again."""
    a, here = session.namespaces[0], session.plan[0]
    before = len(one.said.read_text())
    run("ip", "-n", a, "addr", "del", f"{here}/24", "dev", "wire")
    wait_for("a word about the address", 5, lambda: "is no address of this machine any more" in one.said.read_text()[before:])
    run("ip", "-n", a, "addr", "add", f"{here}/24", "dev", "wire")
    wait_for("a word about its return", 5, lambda: "is an address of this machine again" in one.said.read_text()[before:])
    reach(a, *session.ends())


def rows():
    for text, check in (("standard error is a full pipe: traffic, control socket, SIGTERM", unread(False)),
                        ("standard error is a pipe whose reader has gone", unread(True)),
                        (f"{FLOOD} random datagrams: what is written of them", pair(flooded)),
                        ("a peer that no map names leaves a line", refused),
                        ("T136: nine clients at once beside idle ones", pair(asked)),
                        ("T136: another user; modes of what is written", pair(private)),
                        ("signals without a meaning; SIGHUP: the log's file, a description", pair(signals)),
                        ("the own address goes and comes back", pair(moved))):
        yield Row("own gateway", "both", "main", text, (Pair,), check)
