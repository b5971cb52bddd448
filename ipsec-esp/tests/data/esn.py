#!/usr/bin/env python3
"""Makes esn.json: ESP packets with extended sequence numbers around 2^32, by Python's hmac and pyca/cryptography.

RFC 4303 2.2.1: the ICV covers the high half behind the trailer; RFC 4106 5: the additional data of GCM is SPI, high, low.
"""
import hashlib, hmac, json, struct
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SPI = 0x0ABCDEF0
# In this order the receiver's window passes 2^32, and looks back over it.
NUMBERS = [1, 0x80000000, 0xFFFFFFFD, 0x1_00000002, 0xFFFFFFFF, 0x1_00000000, 0x1_80000000, 0x2_00000007]


def checksum(data):
    total = sum(struct.unpack(f'>{len(data) // 2}H', data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(protocol, source, destination, payload, ttl=64):
    head = struct.pack('>BBHHHBBH', 0x45, 0, 20 + len(payload), 1, 0, ttl, protocol, 0) + bytes(source) + bytes(destination)
    return head[:10] + struct.pack('>H', checksum(head)) + head[12:] + payload


def trailer(inner, align):
    pad = -(len(inner) + 2) % align
    return inner + bytes(range(1, pad + 1)) + bytes([pad, 4])


inner = ipv4(17, [10, 1, 0, 7], [10, 2, 0, 9], struct.pack('>HHHH', 1000, 2000, 12, 0) + b'1234')
cases = []
for name in ['aes-cbc-128 hmac-sha256-128', 'aes-gcm-16']:
    key, mac_key, salt = bytes(range(16)), bytes(range(100, 132)), b'salt'
    packets = []
    for n in NUMBERS:
        high, low = n >> 32, n & 0xFFFFFFFF
        head = struct.pack('>II', SPI, low)
        if name.startswith('aes-cbc'):
            iv = hashlib.sha256(b'iv %d' % n).digest()[:16]
            enc = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
            body = head + iv + enc.update(trailer(inner, 16))
            esp = body + hmac.new(mac_key, body + struct.pack('>I', high), hashlib.sha256).digest()[:16]
        else:
            iv = struct.pack('>Q', n)
            aad = struct.pack('>III', SPI, high, low)
            esp = head + iv + AESGCM(key).encrypt(salt + iv, trailer(inner, 4), aad)
        packets.append({'number': n, 'hex': ipv4(50, [192, 0, 2, 1], [192, 0, 2, 2], esp).hex()})
    keymat = key + (mac_key if name.startswith('aes-cbc') else salt)
    cases.append({'suite': name, 'keymat': keymat.hex(), 'inner': inner.hex(), 'packets': packets})
print(json.dumps(cases, indent=1))
