#!/usr/bin/python3
"""Checks the ICV of every AH packet of a capture with scapy's implementation of RFC 4302.

  ah_icv.py CAPTURE KEYS...

KEYS hold lines `ah SRC DST SPI INTEG KEY` (or `ah SRC DST SPI NULL - INTEG KEY`), the SPI as 0x and the key in hex. An AH packet whose SA
no file names is a fault too.
"""
import logging
import sys
import warnings

warnings.filterwarnings("ignore")
logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.config import conf

conf.route_autoload = conf.route6_autoload = False
from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.layers.ipsec import AH, AUTH_ALGOS, IPSecIntegrityError
from scapy.utils import PcapReader

NAMES = {"HMAC_MD5_96": "HMAC-MD5-96", "HMAC_SHA1_96": "HMAC-SHA1-96", "HMAC_SHA2_256_128": "SHA2-256-128",
         "HMAC_SHA2_384_192": "SHA2-384-192", "HMAC_SHA2_512_256": "SHA2-512-256"}


def read_keys(paths):
    """(source, destination, SPI) to (algorithm, key)."""
    keys = {}
    for path in paths:
        with open(path) as file:
            for line in file:
                words = line.split()
                if words[:1] == ["ah"]:
                    _, source, destination, spi, *_, integrity, key = words
                    keys[source, destination, int(spi, 16)] = NAMES[integrity], bytes.fromhex(key)
    return keys


def check(capture, key_files):
    """Number of good packets, and every fault in words."""
    keys, good, faults = read_keys(key_files), 0, []
    with PcapReader(str(capture)) as packets:
        for number, packet in enumerate(packets, 1):
            ip = packet.getlayer(IP) or packet.getlayer(IPv6)
            if ip is None or not ip.haslayer(AH):
                continue
            spi = ip[AH].spi
            sa = keys.get((ip.src, ip.dst, spi))
            if sa is None:
                faults.append(f"packet {number}: AH with SPI {spi:#x}, which no key file names")
                continue
            name, key = sa
            try:
                AUTH_ALGOS[name].verify(ip, key, esn_en=False, esn=0)
                good += 1
            except IPSecIntegrityError:
                faults.append(f"packet {number}: AH with SPI {spi:#x}: bad ICV")
    return good, faults


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    good, faults = check(sys.argv[1], sys.argv[2:])
    print("\n".join([*faults, f"{good} good, {len(faults)} faults"]))
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
