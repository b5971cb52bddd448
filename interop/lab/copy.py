#!/usr/bin/python3
"""Sends octets over TCP from one network namespace to another, compares their hashes, and says how long it took.

  copy.py --from NAMESPACE ADDRESS --to NAMESPACE ADDRESS --octets N [--port N]
"""
import argparse
import hashlib
import subprocess
import sys

RECEIVE = """
import hashlib, socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
listener = socket.create_server((sys.argv[1], int(sys.argv[2])), family=family)
listener.settimeout(30)
print("listening", flush=True)
peer, _ = listener.accept()
peer.settimeout(60)
digest, count = hashlib.sha256(), 0
while part := peer.recv(65536):
    digest.update(part)
    count += len(part)
print(count, digest.hexdigest(), flush=True)
"""
SEND = """
import random, socket, sys, time
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
there = socket.socket(family, socket.SOCK_STREAM)
there.settimeout(60)
there.bind((sys.argv[4], 0))
there.connect((sys.argv[1], int(sys.argv[2])))
left, source, begin = int(sys.argv[3]), random.Random(1), time.monotonic()
while left:
    part = source.randbytes(min(left, 65536))
    there.sendall(part)
    left -= len(part)
there.shutdown(socket.SHUT_WR)
there.recv(1)
print(time.monotonic() - begin)
"""


def inside(namespace, program, *words):
    return ["ip", "netns", "exec", namespace, sys.executable, "-c", program, *map(str, words)]


def expected(octets):
    import random
    digest, left, source = hashlib.sha256(), octets, random.Random(1)
    while left:
        part = source.randbytes(min(left, 65536))
        digest.update(part)
        left -= len(part)
    return f"{octets} {digest.hexdigest()}"


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--from", nargs=2, dest="source", required=True)
    parser.add_argument("--to", nargs=2, required=True)
    parser.add_argument("--octets", type=int, required=True)
    parser.add_argument("--port", type=int, default=5009)
    arguments = parser.parse_args()
    listener = subprocess.Popen(inside(arguments.to[0], RECEIVE, arguments.to[1], arguments.port), stdout=subprocess.PIPE, text=True)
    try:
        if listener.stdout.readline().strip() != "listening":
            return "the receiver does not listen"
        sender = subprocess.run(inside(arguments.source[0], SEND, arguments.to[1], arguments.port, arguments.octets, arguments.source[1]),
                                capture_output=True, text=True, timeout=300)
        if sender.returncode:
            return "sender: " + sender.stderr.strip().splitlines()[-1]
        got = listener.stdout.readline().strip()
        if got != expected(arguments.octets):
            return f"{got or 'nothing'} arrived, {expected(arguments.octets)} was sent"
        print(f"{arguments.octets} octets in {float(sender.stdout):.4f} s")
        return None
    finally:
        listener.kill()
        listener.wait()


sys.exit(main())
