#!/usr/bin/env python3
"""Messages out of captures and recorded handshakes, as tshark reads them.

    extract.py VECTORS          writes the .txt files beside this script (see README.md)

VECTORS is the folder with the captures named in README.md. Needs tshark. What a file holds:

    message NUMBER
    datagram HEX                the ISAKMP message as it was on the wire (after the non-ESP marker)
    plaintext HEX               what tshark decrypted it to, padding included
    field START END NAME HEX    each field that tshark found: octets of the message, tshark's name, the octets
"""
import json
import os
import struct
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

# Fields of tshark that are parts of another field or not octets of the message.
PARTS = ("mjver", "mnver", "flag_", "situation.", "attr.format", "vid_string", "attr.value", "cisco_frag.last",
         "enc.decrypted", "enc.data", "typepayload", "id.data.", "cert.data", "vid_cisco_unity", "vid_cp", "vid_aruba",
         "authority", "vid_ms_nt5")


def tshark(capture, keys):
    command = ["tshark", "-n", "-r", capture, "-Y", "isakmp", "-T", "pdml"]
    for initiator, key in keys:
        command += ["-o", f"uat:ikev1_decryption_table:{initiator},{key}"]
    run = subprocess.run(command, capture_output=True, check=True, env={**os.environ, "HOME": tempfile.gettempdir()})
    return ElementTree.fromstring(run.stdout).findall("packet")


def wanted(field):
    name = field.get("name")
    if not name.startswith("isakmp.") or field.get("hide") == "yes" or not field.get("value"):
        return False
    tail = name[len("isakmp."):]
    if tail.startswith(("ike.attr.", "ipsec.attr.", "cfg.attr.")):
        return tail.endswith((".type", ".value"))
    return not any(part in tail for part in PARTS)


def walk(field, shift, out):
    """Fields in order; inside decrypted data positions count from its start."""
    for child in field.findall("field"):
        if wanted(child):
            start = int(child.get("pos")) - shift
            out.append((start, start + int(child.get("size")), child.get("name")[len("isakmp."):], child.get("value")))
        walk(child, shift, out)


def message(packet):
    (proto,) = [proto for proto in packet.findall("proto") if proto.get("name") == "isakmp"][:1]
    (payload,) = [field for field in packet.iter("field") if field.get("name") == "udp.payload"][:1]
    top = [field for field in proto.findall("field")]
    base = next(int(field.get("pos")) for field in top if field.get("name") == "isakmp.ispi")
    datagram = payload.get("value")[2 * (base - int(payload.get("pos"))):]
    fields, plaintext = [], None
    for field in top:
        if field.get("name") == "isakmp.enc.data":
            parts = field.findall("field")
            if any(part.get("name") == "isakmp.typepayload" for part in parts):
                plaintext = "".join(part.get("value") for part in parts if part.get("name") in ("isakmp.typepayload", "isakmp.extradata"))
                for part in parts:
                    if part.get("name") == "isakmp.typepayload":
                        walk(part, -28, fields)
        elif wanted(field):
            start = int(field.get("pos")) - base
            fields.append((start, start + int(field.get("size")), field.get("name")[len("isakmp."):], field.get("value")))
        else:
            walk(field, base, fields)
    return datagram, plaintext, fields


def write(name, packets):
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), name + ".txt"), "w") as out:
        seen = set()
        for packet in packets:
            number = next(field.get("show") for proto in packet.findall("proto") if proto.get("name") == "geninfo"
                          for field in proto.findall("field") if field.get("name") == "num")
            datagram, plaintext, fields = message(packet)
            # Of a retransmission tshark decrypts nothing sensible: its IV chain has moved on.
            if datagram in seen:
                continue
            seen.add(datagram)
            out.write(f"message {number}\ndatagram {datagram}\n")
            if plaintext:
                out.write(f"plaintext {plaintext}\n")
            for start, end, field, value in fields:
                if start >= 0 and end > start:
                    out.write(f"field {start} {end} {field} {value}\n")


def handshake_capture(path, messages):
    """A capture with one UDP datagram for each message, raw IPv4 (link type 101)."""
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
        for number, octets in enumerate(messages):
            udp = struct.pack(">HHHH", 500, 500, 8 + len(octets), 0) + octets
            ends = (b"\x0a\0\0\1", b"\x0a\0\0\2")[:: 1 if number % 2 == 0 else -1]
            ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), number, 0, 64, 17, 0) + b"".join(ends)
            packet = ip + udp
            out.write(struct.pack("<IIII", number, 0, len(packet), len(packet)) + packet)


def payload(next_payload, body):
    return struct.pack(">BBH", next_payload, 0, 4 + len(body)) + body


def chain(*payloads):
    """Kinds with their bodies, joined by next payloads. Gives the first kind and the octets."""
    kinds = [kind for kind, _ in payloads] + [0]
    return kinds[0], b"".join(payload(kinds[at + 1], body) for at, (_, body) in enumerate(payloads))


def built():
    """Messages with what the recordings lack, put together from the RFCs' drawings."""
    x = bytes.fromhex
    attributes = x("7000 0005") + b"hello" + x("4089 0005") + b"cisco" + x("c08f 0001 0001 0004 0a010203 0002 0000 000d 0008 0a000000ff000000")
    ids = [
        (1, x("0a000001")), (2, b"router.lab.example"), (3, b"operator@lab.example"), (4, x("0a000000 ffffff00")),
        (5, x("20010db8000000000000000000000001")), (6, x("20010db8000000000000000000000000 ffffffff000000000000000000000000")),
        (7, x("0a000001 0a0000ff")), (8, x("20010db8000000000000000000000001 20010db80000000000000000000000ff")),
        (11, b"group"),
    ]
    proposals = (
        payload(2, x("01 02 04 01 11111111") + payload(0, x("01 03 0000 8001 0001 0002 0004 0001 5180 8004 0001 8005 0002")))
        + payload(2, x("01 03 04 02 22222222") + payload(3, x("01 02 0000 8004 0001")) + payload(0, x("02 0c 0000 8004 0001 8005 0005 8006 0100")))
        + payload(0, x("02 04 02 01 abcd") + payload(0, x("01 03 0000 8004 0001")))
    )
    chains = [
        chain((8, x("aa" * 20)), (12, x("00000001 03 04 0002 01020304 a1a2a3a4")), (12, x("00000001 01 10 0001") + x("01" * 8 + "02" * 8))),
        chain((8, x("aa" * 20)), (11, x("00000001 01 10 8d28") + x("01" * 8 + "02" * 8) + x("00000001"))),
        chain((8, x("aa" * 20)), (11, x("00000001 03 04 6000 deadbeef 8001 0002 0002 0004 0046 5000"))),
        chain((8, x("aa" * 20)), (14, x("01 00 1234") + attributes)),
        chain((1, x("00000001 00000001") + proposals), (10, x("bb" * 16)), *((5, bytes([kind]) + x("11 01f4") + data) for kind, data in ids)),
        chain((7, x("04")), (6, x("07") + x("30030a0101")), (20, x("cc" * 16)), (130, x("dd" * 20)), (9, x("ee" * 64))),
        chain((21, x("01 000000 c0a80001")), (131, x("05 000000 20010db8000000000000000000000001"))),
    ]
    for first, octets in chains:
        yield x("0101010101010101 0202020202020202") + struct.pack(">BBBBII", first, 0x10, 5, 0, 0x12345678, 28 + len(octets)) + octets


def main():
    vectors = sys.argv[1]
    recordings = os.path.join(vectors, "recordings")
    for name in sorted(os.listdir(recordings)):
        folder = os.path.join(recordings, name)
        if not os.path.isdir(folder):
            continue
        with open(os.path.join(folder, "keys.txt")) as lines:
            keys = [(line.split()[1], line.split()[4]) for line in lines if line.startswith("ike ")]
        write("recording-" + name, tshark(os.path.join(folder, "capture.pcap"), keys))
    for name in ("main-psk", "main-rsa-encryption-cisco"):
        with open(os.path.join(vectors, "ikev1-handshakes", name + ".json")) as text:
            handshake = json.load(text)
        messages = [bytes.fromhex(one["hex"]) for one in handshake["messages"]]
        with tempfile.NamedTemporaryFile(suffix=".pcap") as capture:
            handshake_capture(capture.name, messages)
            keys = [(messages[0][:8].hex(), handshake["derived"]["encryption_key"])]
            write("handshake-" + name, tshark(capture.name, keys))
    with tempfile.NamedTemporaryFile(suffix=".pcap") as capture:
        handshake_capture(capture.name, list(built()))
        write("built", tshark(capture.name, []))
    for name in ("ISAKMP_sa_setup.pcap", "isakmp4500.pcap", "isakmp-no-none-np.pcapng"):
        path = os.path.join(vectors, "captures", "tcpdump", name)
        write("tcpdump-" + name.rsplit(".", 1)[0], tshark(path, []))


main()
