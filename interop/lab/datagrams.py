#!/usr/bin/python3
"""Sends one UDP datagram of each size from one network namespace to another, which sends it back; all must come back equal.

  datagrams.py --from NAMESPACE ADDRESS --to NAMESPACE ADDRESS --sizes N,N,...
"""
import argparse
import subprocess
import sys

ECHO = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
here = socket.socket(family, socket.SOCK_DGRAM)
here.bind((sys.argv[1], int(sys.argv[2])))
here.settimeout(60)
print("listening", flush=True)
while True:
    data, peer = here.recvfrom(70000)
    here.sendto(data, peer)
"""
SEND = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
here = socket.socket(family, socket.SOCK_DGRAM)
here.bind((sys.argv[3], 0))
here.connect((sys.argv[1], int(sys.argv[2])))
here.settimeout(3)
bad = []
for size in map(int, sys.stdin.read().split(",")):
    # A text: random octets look like some protocol to a dissector now and then.
    data = (b"datagram of %d octets " % size * (size // 8 + 1))[:size]
    for attempt in range(3):
        here.send(data)
        try:
            back = here.recv(70000)
        except TimeoutError:
            back = None
            continue
        break
    if back != data:
        bad.append(size)
        if len(bad) > 5:
            break
print("wrong or lost:", *bad) if bad else None
sys.exit(bool(bad))
"""


def inside(namespace, program, *words):
    return ["ip", "netns", "exec", namespace, sys.executable, "-c", program, *map(str, words)]


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--from", nargs=2, dest="source", required=True)
    parser.add_argument("--to", nargs=2, required=True)
    parser.add_argument("--sizes", required=True)
    parser.add_argument("--port", type=int, default=5010)
    arguments = parser.parse_args()
    echo = subprocess.Popen(inside(arguments.to[0], ECHO, arguments.to[1], arguments.port), stdout=subprocess.PIPE, text=True)
    try:
        if echo.stdout.readline().strip() != "listening":
            return "the other end does not listen"
        sender = subprocess.run(inside(arguments.source[0], SEND, arguments.to[1], arguments.port, arguments.source[1]), input=arguments.sizes,
                                capture_output=True, text=True)
        return (sender.stdout + sender.stderr).strip() if sender.returncode else None
    finally:
        echo.kill()
        echo.wait()


sys.exit(main())
