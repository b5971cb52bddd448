//! Captures that stay outside of the project, because their licences differ from its own: the folder that the environment
//! variable `IPSEC_VECTORS` names holds them under `captures`. Without it there is nothing to do, and the test says so.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may panic, and says when it has nothing to test"
)]
#![allow(missing_docs, dead_code, reason = "a test")]

#[path = "../examples/dissect/capture.rs"]
mod capture;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use isakmp_wire::{EncryptedMessage, Message, ParseError, dissect};

/// Messages of each file, as tshark counts them.
const COUNTS: [(&str, usize); 32] = [
    ("ike-scan/pkt-aggr-cert-response.dat", 1),
    ("ike-scan/pkt-aggr-mode-response.dat", 1),
    ("ike-scan/pkt-aggressive.dat", 1),
    ("ike-scan/pkt-checkpoint-notify.dat", 1),
    ("ike-scan/pkt-custom-proposal.dat", 1),
    ("ike-scan/pkt-default-proposal.dat", 1),
    ("ike-scan/pkt-main-mode-response.dat", 1),
    ("ike-scan/pkt-main-natt-response.dat", 1),
    ("ike-scan/pkt-malformed.dat", 1),
    ("ike-scan/pkt-notify-response.dat", 1),
    ("ike-scan/pkt-single-trans.dat", 1),
    ("libreswan/01-isakmp-broadcast.pcap", 1),
    ("libreswan/01-isakmp-vid-first-resp.pcap", 1),
    ("libreswan/01-isakmp-vid-first.pcap", 1),
    ("libreswan/01-isakmp-vid-second-resp.pcap", 1),
    ("libreswan/02-isakmp-vid-first.pcap", 2),
    ("libreswan/authip-weirdike.pcap", 1),
    ("openswan-ikev1/v1certM1.pcap", 1),
    ("openswan-ikev1/v1certM2.pcap", 1),
    ("openswan-ikev1/v1certM3.pcap", 1),
    ("openswan-ikev1/v1certN1.pcap", 1),
    ("openswan-ikev1/v1certN2.pcap", 1),
    ("openswan-ikev1/v1rwnatM1.pcap", 1),
    ("openswan-ikev1/v1rwnatM2.pcap", 1),
    ("openswan-ikev1/v1rwnatM3.pcap", 1),
    ("openswan-ikev1/v1rwnatN1.pcap", 1),
    ("openswan-ikev1/v1rwnatN2.pcap", 1),
    ("openswan-ikev1/v1rwnatN3.pcap", 1),
    ("openswan-ikev1/v1rwnatQI1.pcap", 1),
    ("tcpdump/ISAKMP_sa_setup.pcap", 9),
    ("tcpdump/isakmp4500.pcap", 15),
    ("wireshark/ikev1-certs.pcap", 10),
];

/// What is refused, and why.
const REFUSED: [(&str, &str); 2] = [
    ("ike-scan/pkt-malformed.dat", "ISAKMP header, Version at octet 17: version 3.2 is not ISAKMP 1.0"),
    (
        "tcpdump/isakmp-no-none-np.pcapng",
        "ISAKMP header, Length at octet 24: says 84 octets where there are 2186",
    ),
];

#[test]
fn every_foreign_message_writes_its_octets_again_or_is_refused_by_name() {
    let Some(folder) = std::env::var_os("IPSEC_VECTORS").map(PathBuf::from) else {
        println!("skipped: IPSEC_VECTORS names no folder of captures");
        return;
    };
    let (mut counts, mut refused) = (BTreeMap::new(), Vec::new());
    for (name, datagram) in datagrams(&folder.join("captures")) {
        *counts.entry(name.clone()).or_insert(0) += 1;
        if let Err(error) = read(&name, &datagram) {
            assert!(error.offset() <= datagram.len() && !error.field().is_empty(), "{name}: {error}");
            assert_eq!(dissect(&datagram).error(), Some(&error), "{name}");
            refused.push((name, error.to_string()));
        }
    }
    for (name, count) in COUNTS {
        assert_eq!(counts.get(name), Some(&count), "{name}");
    }
    let expected = REFUSED.map(|(name, reason)| (name.to_owned(), reason.to_owned()));
    assert_eq!(refused, expected);
}

/// What is accepted is written again, and explained to its end.
fn read(name: &str, datagram: &Bytes) -> Result<(), ParseError> {
    let dissection = dissect(datagram);
    let is_encrypted = datagram.get(19).is_some_and(|flags| flags & 1 != 0);
    if is_encrypted {
        let message = EncryptedMessage::parse(datagram.clone())?;
        let again = EncryptedMessage::encode(*message.header(), message.ciphertext());
        assert_eq!(again, datagram, "{name}");
    } else {
        let message = Message::parse(datagram.clone())?;
        assert_eq!(message.encode(), datagram, "{name}");
        let end = message.payloads().last().map_or(28, |payload| payload.span().end);
        assert_eq!(end, datagram.len(), "{name}");
    }
    assert_eq!(dissection.error(), None, "{name}");
    assert_eq!(dissection.fields().last().map(|field| field.range.end), Some(datagram.len()), "{name}");
    Ok(())
}

/// All ISAKMP messages below a folder, with the file that each is from.
fn datagrams(folder: &Path) -> Vec<(String, Bytes)> {
    let mut found = Vec::new();
    for path in files(folder) {
        let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
        let octets = std::fs::read(&path).unwrap();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("pcap" | "pcapng") => {
                let messages = capture::messages(&octets).expect(&name);
                found.extend(messages.into_iter().map(|message| (name.clone(), message.octets.into())));
            }
            // One message alone, with or without the marker of port 4500.
            Some("dat") => {
                let message = octets.strip_prefix(&[0; 4]).unwrap_or(&octets);
                found.push((name, Bytes::copy_from_slice(message)));
            }
            _ => {}
        }
    }
    found
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}
