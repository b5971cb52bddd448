//! Any datagram parses or is refused, and what is accepted encodes to the same octets.
#![no_main]

use bytes::Bytes;
use isakmp_wire::{EncryptedMessage, Header, Message, dissect};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|datagram: &[u8]| {
    let _ = dissect::dissect(datagram).to_string();

    let whole = Bytes::copy_from_slice(datagram);
    if let Ok(message) = Message::parse(whole.clone()) {
        assert_eq!(&message.encode()[..], Header::within(&whole));
        // A reserved octet that is not zero is kept by the message, not by its payloads.
        if message.anomalies().is_empty() {
            let again = Message::new(message.header().clone(), message.payloads().to_vec());
            assert_eq!(again.encode_payloads(), message.encode_payloads());
        }
    }
    if let Ok(encrypted) = EncryptedMessage::parse(whole) {
        // As if the cipher were the identity.
        let plaintext = encrypted.ciphertext().clone();
        if let Ok(message) = encrypted.decrypted(plaintext.clone()) {
            let mut octets = message.encode_payloads();
            octets.extend_from_slice(message.padding());
            assert_eq!(octets, plaintext);
        }
    }
});
