#!/usr/bin/env python3
"""Writes openssl.json: answers of OpenSSL (through hashlib, hmac and the Python package `cryptography`) at the
lengths where padding and blocks change, with keys and messages from a fixed sequence."""
import hashlib
import hmac
import json

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def octets(label, length):
    return hashlib.shake_256(label.encode()).digest(length)


def encrypt(algorithm, mode, plain):
    encryptor = Cipher(algorithm, mode).encryptor()
    return (encryptor.update(plain) + encryptor.finalize()).hex()


NAMES = {"Md5": "md5", "Sha1": "sha1", "Sha256": "sha256", "Sha384": "sha384", "Sha512": "sha512"}
LENGTHS = [0, 1, 55, 56, 57, 63, 64, 65, 111, 112, 113, 119, 120, 127, 128, 129, 1000]

hashes = [
    {"algorithm": name, "data": octets("hash", n).hex(), "digest": hashlib.new(lib, octets("hash", n)).hexdigest()}
    for name, lib in NAMES.items()
    for n in LENGTHS
]

macs = [
    {"name": f"key of {k}, data of {n}", "algorithm": name, "key": octets("key", k).hex(), "data": octets("mac", n).hex(),
     "mac": hmac.new(octets("key", k), octets("mac", n), lib).hexdigest()}
    for name, lib in NAMES.items()
    for k in [0, 1, 20, 63, 64, 65, 127, 128, 129, 300]
    for n in [0, 20, 129]
]

ciphers = []
for blocks in [1, 2, 3, 7, 8, 9, 64, 90]:
    for name, key_len, block in [("DesCbc", 8, 8), ("TripleDesCbc", 24, 8), ("AesCbc", 16, 16), ("AesCbc", 24, 16), ("AesCbc", 32, 16)]:
        label = f"{name} {key_len} {blocks}"
        key, iv, plain = octets("key " + label, key_len), octets("iv " + label, block), octets("plain " + label, block * blocks)
        algorithm = {"DesCbc": lambda k: TripleDES(k * 3), "TripleDesCbc": TripleDES, "AesCbc": algorithms.AES}[name](key)
        ciphers.append({"name": label, "algorithm": name, "key": key.hex(), "iv": iv.hex(), "plain": plain.hex(),
                        "cipher": encrypt(algorithm, modes.CBC(iv), plain)})
for length in [1, 15, 16, 17, 33, 127, 128, 129, 300]:
    for key_len in [16, 24, 32]:
        label = f"AesCtr {key_len} {length}"
        key, plain = octets("key " + label, key_len), octets("plain " + label, length)
        iv = octets("iv " + label, 12) + bytes([0, 0, 0, 1])
        ciphers.append({"name": label, "algorithm": "AesCtr", "key": key.hex(), "iv": iv.hex(), "plain": plain.hex(),
                        "cipher": encrypt(algorithms.AES(key), modes.CTR(iv), plain)})

aeads = []
for length in [0, 1, 15, 16, 17, 64, 300]:
    for key_len in [16, 24, 32]:
        for aad_len in [0, 8, 12, 21]:
            label = f"AesGcm {key_len} {aad_len} {length}"
            key, nonce = octets("key " + label, key_len), octets("nonce " + label, 12)
            aad, plain = octets("aad " + label, aad_len), octets("plain " + label, length)
            sealed = AESGCM(key).encrypt(nonce, plain, aad)
            aeads.append({"name": label, "key": key.hex(), "nonce": nonce.hex(), "aad": aad.hex(), "plain": plain.hex(),
                          "cipher": sealed[:-16].hex(), "tag": sealed[-16:].hex(), "valid": True})

with open("openssl.json", "w", encoding="ascii") as out:
    sections = {"hashes": hashes, "macs": macs, "ciphers": ciphers, "aeads": aeads}
    body = ",\n".join(f' "{k}": [\n  ' + ",\n  ".join(json.dumps(c) for c in v) + "\n ]" for k, v in sections.items())
    out.write("{\n" + body + "\n}\n")
