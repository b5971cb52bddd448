#!/usr/bin/python3
"""Forged first messages of Main Mode, for tests between namespaces that a test has made.

  flood.py TARGET RATE SECONDS [--as ADDRESS]

Sends RATE messages a second for SECONDS to UDP port 500 of TARGET, each with a cookie of its own; from an address of its own within 10.64.0.0/10
each, or all in the name of ADDRESS. At the end, or at SIGTERM, prints how many a second were sent. TARGET must be a private address.
"""
import argparse
import ipaddress
import random
import signal
import socket
import struct
import time

PORT = 500
#: One transform: AES-128, SHA-1, a pre-shared key, group 2, 86400 seconds (RFC 2409 appendix A).
ATTRIBUTES = b"".join(struct.pack(">HH", 0x8000 | kind, value) for kind, value in ((1, 7), (14, 128), (2, 2), (3, 1), (4, 2), (11, 1)))
ATTRIBUTES += struct.pack(">HHI", 12, 4, 86400)
#: How often packets leave together: a process can't sleep for less.
BURST_SECONDS = 0.002


def first_message():
    """The message with initiator cookie zero (RFC 2408 3.1, 3.4 to 3.6)."""
    transform = struct.pack(">BBHBBH", 0, 0, 8 + len(ATTRIBUTES), 1, 1, 0) + ATTRIBUTES
    proposal = struct.pack(">BBHBBBB", 0, 0, 8 + len(transform), 1, 1, 0, 1) + transform
    sa = struct.pack(">BBHII", 0, 0, 12 + len(proposal), 1, 1) + proposal
    return struct.pack(">8s8sBBBBII", b"", b"", 1, 0x10, 2, 0, 0, 28 + len(sa)) + sa


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("target", type=ipaddress.IPv4Address)
    parser.add_argument("rate", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--as", dest="source", type=ipaddress.IPv4Address)
    options = parser.parse_args()
    if not options.target.is_private:
        parser.error(f"{options.target} is no private address")
    message = first_message()
    length = 28 + len(message)
    packet = bytearray(struct.pack(">BBHHHBBHI4s", 0x45, 0, length, 0, 0, 64, 17, 0, 0, options.target.packed))
    # A checksum of zero is none (RFC 768).
    packet += struct.pack(">HHHH", PORT, PORT, 8 + len(message), 0) + message
    fixed = options.source.packed if options.source else None
    seeded = random.Random(1)
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    to, sent, began = (str(options.target), 0), 0, time.monotonic()
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    while not stopped and (gone := time.monotonic() - began) < options.seconds:
        for _ in range(int(gone * options.rate) - sent):
            number = seeded.getrandbits(64)
            packet[12:16] = fixed or struct.pack(">I", 0x0A400000 | number & 0x3FFFFF)
            packet[28:36] = struct.pack(">Q", number | 1)
            try:
                raw.sendto(packet, to)
            except OSError:
                pass
            sent += 1
        time.sleep(BURST_SECONDS)
    print(f"{sent / (time.monotonic() - began):.0f}")


main()
