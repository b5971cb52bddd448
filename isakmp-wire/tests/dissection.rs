//! Dissections as text.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
#![allow(missing_docs, dead_code, reason = "a test")]

mod common;

use common::{clear, load, payload};
use isakmp_wire::{dissect, dissect_decrypted};

#[test]
fn a_clear_message_as_text() {
    let text = dissect(&load("handshake-main-psk")[0].datagram).to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..10], MAIN_1_HEADER, "\n{text}");
    assert_eq!(lines[29..36], MAIN_1_TRANSFORM, "\n{text}");
    assert_eq!(lines.len(), 52);
}

const MAIN_1_HEADER: [&str; 10] = [
    "ISAKMP message, 84 octets",
    "    0..28    ISAKMP Header: Identity Protection, message id 00000000",
    "    0..8       Initiator Cookie: 59cedc5dcea558fe",
    "    8..16      Responder Cookie: 0000000000000000",
    "   16..17      Next Payload: SA (1)",
    "   17..18      Version: 1.0",
    "   18..19      Exchange Type: Identity Protection (2)",
    "   19..20      Flags: none (0x00)",
    "   20..24      Message ID: 0x00000000",
    "   24..28      Length: 84",
];

const MAIN_1_TRANSFORM: [&str; 7] = [
    "   53..54          Transform-Id: KEY_IKE (1)",
    "   54..56          RESERVED2: 0",
    "   56..60          Attribute: Encryption Algorithm = AES-CBC (7)",
    "   56..58            Attribute Type: Encryption Algorithm (1), TV",
    "   58..60            Attribute Value: AES-CBC (7)",
    "   60..64          Attribute: Key Length = 128",
    "   60..62            Attribute Type: Key Length (14), TV",
];

#[test]
fn a_decrypted_message_as_text() {
    let recorded = &load("handshake-main-psk")[4];
    let text = dissect(&recorded.datagram).to_string();
    assert!(text.ends_with("   28..76    Encrypted payloads: 48 octets\n"), "{text}");
    let text = dissect_decrypted(&recorded.datagram, recorded.plaintext.as_deref().unwrap()).to_string();
    assert_eq!(text.split_once("Length: 76\n").unwrap().1, MAIN_5, "\n{text}");
}

const MAIN_5: &str = "   \
   28..40    ID payload: ID_IPV4_ADDR 10.0.3.1
   28..29      Next Payload: HASH (8)
   29..30      RESERVED: 0
   30..32      Payload Length: 12
   32..33      ID Type: ID_IPV4_ADDR (1)
   33..34      Protocol ID: 0
   34..36      Port: 0
   36..40      Identification Data: 10.0.3.1
   40..64    HASH payload
   40..41      Next Payload: NONE (0)
   41..42      RESERVED: 0
   42..44      Payload Length: 24
   44..64      Hash Data: 043c3510b050ab53f485fab266905669627dc14a
   64..76    Padding: 000000000000000000000000
";

#[test]
fn a_refused_message_is_shown_up_to_the_fault() {
    let chain = [payload(11, b"vendor"), payload(0, &[0, 0, 0, 1, 3, 4, 0, 14, 1, 2])].concat();
    let datagram = clear(13, &chain);
    let dissection = dissect(&datagram);
    let fault = dissection.find("Malformed").unwrap();
    assert_eq!(fault.range, 50..52);
    assert_eq!(fault.value, "NOTIFY payload, SPI at octet 50: 4 octets needed, 2 left");
    assert_eq!(dissection.find("Vendor ID").unwrap().range, 32..38);
    let text = dissection.to_string();
    let end = "   48..50      Notify Message Type: NO-PROPOSAL-CHOSEN (14)\n   50..52      Malformed: NOTIFY payload, SPI at octet 50: 4 octets needed, 2 left\n";
    assert!(text.ends_with(end), "{text}");

    let trailing = dissect(&clear(13, &[payload(0, b"vendor"), vec![0; 3]].concat()));
    assert_eq!(trailing.find("Malformed").unwrap().range, 38..41);
    // Octets left over in a payload end where the payload ends; what is behind it is not part of the fault.
    let sa = hex::decode("000000010000000100000010010100010000000801010000").unwrap();
    let chain = [payload(13, &[&sa[..], &[0; 4]].concat()), payload(0, b"vendor")].concat();
    assert_eq!(dissect(&clear(1, &chain)).find("Malformed").unwrap().range, 56..60);
    let ikev2 = dissect(&[&[0; 17][..], &[0x20], &[0; 10]].concat());
    assert_eq!(
        ikev2.find("Malformed").unwrap().value,
        "ISAKMP header, Version at octet 17: version 2.0 is not ISAKMP 1.0"
    );
    assert!(dissect(&[]).is_empty());
}

#[test]
fn passwords_are_not_shown() {
    // draft-beaulieu-ike-xauth 6.2 (test): password as variable and, against the draft, as basic attribute
    let body = [&[2, 0, 0, 7, 0x40, 0x8a, 0, 6][..], b"secret", &[0xc0, 0x8b, 0x12, 0x34]].concat();
    let text = dissect(&clear(14, &payload(0, &body))).to_string();
    assert!(
        text.contains("XAUTH_USER_PASSWORD = (6 octets, hidden)")
            && text.contains("XAUTH_PASSCODE = (hidden)"),
        "{text}"
    );
    assert!(!text.contains("736563726574") && !text.contains("secret") && !text.contains("4660"), "{text}");
}

#[test]
fn reserved_octets_are_pointed_at() {
    let mut datagram = clear(10, &payload(0, &[7; 8])).to_vec();
    (datagram[19], datagram[29]) = (0x18, 0x62);
    let text = dissect(&datagram).to_string();
    assert!(text.contains("RESERVED: 62 (must be zero)") && text.contains("Flags: +0x18 (0x18)"), "{text}");
}
