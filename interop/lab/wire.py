#!/usr/bin/python3
"""A bad wire between two namespaces: a device `wire` (TAP) in each, and this process between them.

  wire.py NAMESPACE NAMESPACE [--seed N] [--loss P] [--duplicate P] [--reorder P] [--delay MS] [--jitter MS]

P are per cent of the frames of either direction. A frame arrives after delay and jitter, but not before the one that was sent before it; one
that is reordered is held back for another delay, so that later ones overtake it. Says `ready`, forwards until SIGTERM, then prints what it has
done as one line: frames, lost, doubled, overtaken. Kernels without netem have no such wire of their own.
"""
import argparse
import ctypes
import fcntl
import heapq
import os
import random
import select
import signal
import struct
import sys
import time

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
CLONE_NEWNET = 0x40000000
LARGEST_FRAME = 65536
#: Frames that may be under way: a queue without end would hide loss behind delay.
MOST_UNDER_WAY = 1000


def tap(namespace):
    """The device `wire` in a namespace. Without offloads of its own it gets whole segments with whole checksums."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(f"/run/netns/{namespace}") as there:
        if libc.setns(there.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"namespace {namespace}")
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", b"wire", IFF_TAP | IFF_NO_PI))
    return fd


class Wire:
    """Both directions, one seed."""

    def __init__(self, options):
        self.options, self.random = options, random.Random(options.seed)
        self.under_way, self.number, self.last = [], 0, {}
        self.frames = self.lost = self.doubled = self.overtaken = 0

    def happens(self, per_cent):
        return self.random.random() * 100 < per_cent

    def take(self, out, frame, now):
        self.frames += 1
        if self.happens(self.options.loss) or len(self.under_way) >= MOST_UNDER_WAY:
            self.lost += 1
            return
        if self.happens(self.options.duplicate):
            self.doubled += 1
            self.hold(out, frame, now)
        self.hold(out, frame, now)

    def hold(self, out, frame, now):
        delay, jitter = self.options.delay / 1000, self.options.jitter / 1000
        due = max(now + delay + jitter * self.random.uniform(-1, 1), self.last.get(out, 0))
        if self.happens(self.options.reorder):
            self.overtaken += 1
            due += delay
        else:
            self.last[out] = due
        self.number += 1
        heapq.heappush(self.under_way, (due, self.number, out, frame))

    def deliver(self, now):
        while self.under_way and self.under_way[0][0] <= now:
            _, _, out, frame = heapq.heappop(self.under_way)
            try:
                os.write(out, frame)
            except OSError:
                pass  # The device is down: the frame is gone, as on a wire that nobody listens to.

    def wait(self, now):
        return max(0.0, self.under_way[0][0] - now) if self.under_way else None


def forward(wire, one, two):
    other = {one: two, two: one}
    while True:
        ready, _, _ = select.select([one, two], [], [], wire.wait(time.monotonic()))
        now = time.monotonic()
        for fd in ready:
            try:
                wire.take(other[fd], os.read(fd, LARGEST_FRAME), now)
            except OSError:
                pass  # Not up yet.
        wire.deliver(now)


class Ended(Exception):
    """SIGTERM."""


def ended(*_):
    raise Ended


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("namespaces", nargs=2)
    parser.add_argument("--seed", type=int, default=1)
    for name in ("loss", "duplicate", "reorder", "delay", "jitter"):
        parser.add_argument(f"--{name}", type=float, default=0)
    options = parser.parse_args()
    wire = Wire(options)
    one, two = map(tap, options.namespaces)
    signal.signal(signal.SIGTERM, ended)
    print("ready", flush=True)
    try:
        forward(wire, one, two)
    except (Ended, KeyboardInterrupt):
        print(f"{wire.frames} frames, {wire.lost} lost, {wire.doubled} doubled, {wire.overtaken} overtaken", flush=True)


sys.exit(main())
