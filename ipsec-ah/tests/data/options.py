#!/usr/bin/env python3
"""Makes options.json: AH packets whose ICVs Python's hmac computes. Which octets are zero for the ICV is written out by hand
for each packet, as a second copy of the header: no code here knows the rules."""
import hashlib, hmac, json, struct

KEYS = {'sha1-96': (hashlib.sha1, 12, bytes(range(20))), 'sha256-128': (hashlib.sha256, 16, bytes(range(50, 82)))}
SPI = 0x01891116


def checksum(data):
    total = sum(struct.unpack(f'>{len(data) // 2}H', data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def summed(header):
    return header[:10] + struct.pack('>H', checksum(header)) + header[12:]


def ah(alg, sent, covered, after, nxt, padding=b'', number=1, high=None):
    """IP headers as sent and as covered; everything behind AH."""
    make, size, key = KEYS[alg]
    fixed = struct.pack('>BBHII', nxt, (12 + size + len(padding)) // 4 - 2, 0, SPI, number & 0xFFFFFFFF)
    tail = b'' if high is None else struct.pack('>I', high)
    icv = hmac.new(key, covered + fixed + bytes(size) + padding + after + tail, make).digest()[:size]
    return sent + fixed + icv + padding + after


def case(name, alg, packet, plain, **more):
    return {'name': name, 'algorithm': alg, 'key': KEYS[alg][2].hex(), 'sealed': packet.hex(), 'plain': plain.hex(), **more}


A, B = bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2])
UDP = struct.pack('>HHHH', 1000, 2000, 12, 0) + b'data'
cases = []

# Shared outer header: IP | AH | ESP.
esp = bytes.fromhex('0102d94f00000001') + bytes(range(32))
sent = summed(struct.pack('>BBHHHBBH', 0x45, 0xB9, 20 + 24 + 40, 0x7345, 0x4000, 64, 51, 0) + A + B)
covered = struct.pack('>BBHHHBBH', 0x45, 0, 84, 0x7345, 0, 0, 51, 0) + A + B
plain = summed(struct.pack('>BBHHHBBH', 0x45, 0xB9, 60, 0x7345, 0x4000, 64, 50, 0) + A + B) + esp
cases.append(case('ESP behind AH, one outer header', 'sha1-96', ah('sha1-96', sent, covered, esp, 50), plain, inbound_tunnel=True))

# Options: NOP, record route (goes), router alert (stands), time stamp (goes), security (stands), end, padding.
options = bytes([1, 7, 7, 4, 0, 0, 0, 0, 148, 4, 0, 0, 68, 8, 5, 0, 1, 2, 3, 4, 130, 3, 7, 0])
masked = bytes([1, 0, 0, 0, 0, 0, 0, 0, 148, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 130, 3, 7, 0])
for alg, size in [('sha1-96', 24), ('sha256-128', 28)]:
    total = 44 + size + 12
    sent = summed(struct.pack('>BBHHHBBH', 0x4B, 0, total, 7, 0x4000, 9, 51, 0) + A + B + options)
    covered = struct.pack('>BBHHHBBH', 0x4B, 0, total, 7, 0, 0, 51, 0) + A + B + masked
    plain = summed(struct.pack('>BBHHHBBH', 0x4B, 0, 56, 7, 0x4000, 9, 17, 0) + A + B + options) + UDP
    cases.append(case('IPv4 options', alg, ah(alg, sent, covered, UDP, 17), plain))

# Padding to 8 octets over IPv4, as Linux does without `align4`.
sent = summed(struct.pack('>BBHHHBBH', 0x45, 0, 20 + 32 + 12, 7, 0, 9, 51, 0) + A + B)
covered = struct.pack('>BBHHHBBH', 0x45, 0, 64, 7, 0, 0, 51, 0) + A + B
plain = summed(struct.pack('>BBHHHBBH', 0x45, 0, 32, 7, 0, 9, 17, 0) + A + B) + UDP
cases.append(case('padding to 8 octets over IPv4', 'sha256-128', ah('sha256-128', sent, covered, UDP, 17, bytes(4)), plain, align=8))
# The padding is the sender's choice, and covered.
cases.append(case('padding that is not zero', 'sha256-128', ah('sha256-128', sent, covered, UDP, 17, b'\x11\x22\x33\x44'), plain, open_only=True))

# IPv6 with hop-by-hop options (one mutable, one not) before AH, destination options behind it.
C, D = bytes.fromhex('20010db8' + '00' * 11 + '01'), bytes.fromhex('20010db8' + '00' * 11 + '02')
hop = bytes([51, 1, 0x3E, 3, 1, 2, 3, 0x1E, 3, 4, 5, 6, 0, 1, 0, 0])
hop_masked = bytes([51, 1, 0x3E, 3, 0, 0, 0, 0x1E, 3, 4, 5, 6, 0, 1, 0, 0])
rest = bytes([17, 0, 1, 4, 0, 0, 0, 0]) + UDP
for alg, size, padding in [('sha1-96', 24, b''), ('sha256-128', 32, bytes(4))]:
    payload = 16 + size + len(rest)
    sent = struct.pack('>IHBB', 0x6ABCDEF1, payload, 0, 60) + C + D + hop
    covered = struct.pack('>IHBB', 0x60000000, payload, 0, 0) + C + D + hop_masked
    plain = struct.pack('>IHBB', 0x6ABCDEF1, 16 + len(rest), 0, 60) + C + D + bytes([60]) + hop[1:] + rest
    cases.append(case('IPv6 options', alg, ah(alg, sent, covered, rest, 60, padding), plain))

# Extended sequence numbers across 2^32, one SA.
numbers = []
for n in [1, 0x80000000, 0xFFFFFFFD, 0x1_00000002, 0xFFFFFFFF, 0x1_00000000, 0x1_80000000, 0x2_00000007]:
    sent = summed(struct.pack('>BBHHHBBH', 0x45, 0, 20 + 24 + 12, 7, 0, 9, 51, 0) + A + B)
    covered = struct.pack('>BBHHHBBH', 0x45, 0, 56, 7, 0, 0, 51, 0) + A + B
    packet = ah('sha1-96', sent, covered, UDP, 17, number=n, high=n >> 32)
    numbers.append({'number': n, 'hex': packet.hex()})
print(json.dumps({'cases': cases, 'key': KEYS['sha1-96'][2].hex(), 'extended': numbers}, indent=1))
