"""Rows of the matrix, and what they share: scratch folders, commands, our gateway as a process in a namespace."""
import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

HERE = Path(__file__).resolve().parent.parent
LAB = HERE / "lab"
sys.path.insert(0, str(HERE))

START_SECONDS = 15
STOP_SECONDS = 15


class Fault(Exception):
    """A row that does not hold."""


class NotRun(Exception):
    """A row that cannot run here, and why."""


@dataclass(frozen=True)
class Row:
    """One line of the table: against whom, in which role of ours, what, and how it is judged."""
    peer: str
    role: str
    exchange: str
    suite: str
    #: A class and its arguments; rows that name the same session in a row share one.
    session: tuple
    #: Called with the session and the row's folder; raises Fault.
    check: Callable = field(compare=False)
    quick: bool = False

    def title(self):
        return f"{self.peer}, {self.role}, {self.exchange}, {self.suite}"


class Session:
    """A peer that was started and serves one row after another."""

    def __init__(self, options, folder):
        self.options, self.folder, self.number = options, folder, 0
        folder.mkdir(parents=True, exist_ok=True)

    def start(self):
        raise NotImplementedError

    def stop(self):
        raise NotImplementedError

    def before_row(self):
        """Back to a state without SAs."""


def run(*command, timeout=60, check=True, **more):
    """Runs a command; its standard output. Whatever it says is part of the fault when it fails.

    It hears nothing of a Ctrl-C, and gets time to clean up behind it when it takes too long."""
    words = [str(word) for word in command]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True, **more)
    try:
        out, error = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired as expired:
        for word in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, word)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=STOP_SECONDS)
                break
        raise Fault(f"{shlex.join(words[:8])}: no end after {timeout} s") from expired
    if check and process.returncode:
        said = " / ".join((out + error).strip().splitlines()[-3:])
        raise Fault(f"{shlex.join(words[:8])}: status {process.returncode}: {said[:300]}")
    return out


def wait_for(what, seconds, probe):
    """Waits until probe() is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = probe()
        if found:
            return found
        time.sleep(0.1)
    raise Fault(f"{what}: not within {seconds} s")


class Gateway:
    """One `gateway run` in a namespace."""

    def __init__(self, options, namespace, folder, config, *arguments, name="gateway", records=True):
        self.options, self.namespace, self.folder, self.name = options, namespace, folder, name
        self.arguments = arguments
        folder.mkdir(parents=True, exist_ok=True)
        self.config = folder / f"{name}.cfg"
        self.config.write_text(config)
        self.socket, self.keys, self.pcap = folder / f"{name}.sock", folder / f"{name}.keys", folder / f"{name}.pcapng"
        self.said = folder / f"{name}.out"
        self.process, self.heard = None, 0
        #: What a row is judged by; whoever measures speed goes without.
        self.records = ["--keylog", self.keys, "--pcap", self.pcap, "--log", folder / f"{name}.log"] if records else []

    def start(self):
        command = ["ip", "netns", "exec", self.namespace, self.options.gateway, "run", "--config", self.config, "--socket", self.socket,
                   *self.records, *self.arguments]
        with open(self.said, "a") as said:
            # A gateway that was killed has left its words and its socket.
            self.heard = said.tell()
            self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                                            start_new_session=True)
        wait_for(f"{self.name} started", START_SECONDS, self.ready)
        return self

    def ready(self):
        if self.process.poll() is not None:
            raise Fault(f"{self.name} ended with status {self.process.returncode}: {self.said.read_text()[-300:]}")
        return "is running at" in self.said.read_text()[self.heard:]

    def show(self, command):
        return run("ip", "netns", "exec", self.namespace, self.options.gateway, "exec", "--socket", self.socket, command)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired as error:
                self.kill()
                raise Fault(f"{self.name} did not end after {STOP_SECONDS} s") from error
            if self.process.returncode:
                raise Fault(f"{self.name} ended with status {self.process.returncode}: {self.said.read_text()[-300:]}")

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        if kind is None:
            self.stop()
        else:
            self.kill()

    def sealed_and_opened(self):
        """Sums of what `show crypto ipsec sa` counts."""
        text = self.show("show crypto ipsec sa")
        total = lambda word: sum(int(part.split(",")[0]) for part in text.split(f"#pkts {word}: ")[1:])
        return total("encaps"), total("decaps")


def ping(namespace, source, target, count=1, wait=6, size=56, every="0.2"):
    """Echo requests that must all be answered; the first may wait for a tunnel."""
    said = run("ip", "netns", "exec", namespace, "ping", "-n", "-q", "-c", count, "-i", every, "-W", wait, "-s", size, "-I", source, target,
               timeout=wait + count + 10)
    none_lost(said, count)


def none_lost(said, count):
    """ping itself is content with one answer."""
    received = re.search(r"(\d+) received", said)
    if not received or int(received[1]) != count:
        raise Fault(f"{received[1] if received else 'no'} of {count} echoes were answered")


def reach(namespace, source, target, seconds=20):
    """Echo requests until one is answered: a peer may not take packets yet in the moment in which it has agreed to."""
    command = ["ip", "netns", "exec", namespace, "ping", "-n", "-q", "-c", "1", "-W", "1", "-I", source, target]
    wait_for(f"an answer of {target}", seconds, lambda: subprocess.run(command, capture_output=True).returncode == 0)


def judge(*gateways, least_esp=0, least_ah=0, same_wire=False):
    """tshark opens what our gateways wrote down of their wire with the keys they logged; scapy judges AH.

    Where they have the `same_wire`, a message may have overtaken another at one end: it is enough then that it opens at the other."""
    # Only here: scapy may not be installed before the matrix has installed what it needs.
    import ah_icv
    import ipsec_capture
    for gateway in gateways:
        holders = sorted({path.parent for path in gateway.keys.rglob("ikev1_decryption_table")})
        others = [other.pcap for other in gateways if other is not gateway] if same_wire else []
        findings = ipsec_capture.examine(gateway.pcap, holders, others)
        esp, ah = sum(bool(f.esp) for f in findings.frames), sum(bool(f.ah) for f in findings.frames)
        _, faults = ah_icv.check(gateway.pcap, sorted(gateway.keys.rglob("keys.txt"))) if ah else (0, [])
        faults = findings.faults + faults
        if faults:
            raise Fault(f"{len(faults)} faults in the capture, the first: {faults[0]}")
        if esp < least_esp or ah < least_ah:
            raise Fault(f"the capture holds {esp} ESP and {ah} AH packets")


def copy(source, source_address, to, to_address, octets, seconds=240):
    """A TCP transfer whose hashes agree; how many seconds it took."""
    said = run(sys.executable, LAB / "copy.py", "--from", source, source_address, "--to", to, to_address, "--octets", octets, timeout=seconds)
    return float(said.split()[-2])


def lab(script, *words, timeout=60, **settings):
    """One of the lab's scripts."""
    return run("bash", LAB / script, *words, timeout=timeout, env={**os.environ, **settings})
