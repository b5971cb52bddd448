//! `debug crypto ipsec`: what the key engine says about proposals, SPIs and SAs.

use core::fmt::Write as _;
use core::net::IpAddr;

use oakley::{Bundle, Direction, Event, Lifetime, Path, Phase2Transform, Protocol, SelectorPair, Spi};

use super::names::{selector_text, transform_words};
use crate::router::{Happening, RemovedSa, SaConnections};

/// The key engine woke up.
pub(super) const QUEUE_EVENT: &str = "IPSEC(key_engine): got a queue event...";

pub(super) fn lines(happening: &Happening, event: &Event) -> Vec<String> {
    match event {
        Event::Phase2Chosen { path, transforms, selectors, .. } => {
            let parts = transforms.iter().zip(1..=u32::MAX);
            parts.map(|(transform, part)| proposal_part(part, path, selectors, transform)).collect()
        }
        Event::SpiAllocated { path, protocol, spi, .. } => vec![format!(
            "IPSEC(spi_response): getting spi {} for SA from {} to {} for prot {}",
            spi.0,
            path.remote.ip(),
            path.local.ip(),
            isakmp_number(*protocol)
        )],
        Event::Established(bundle) => established(bundle, &happening.sas),
        _ => Vec::new(),
    }
}

pub(super) fn removed(sas: &[RemovedSa]) -> Vec<String> {
    let words = |sa: &RemovedSa| sa_words(sa.destination, &sa.transform, sa.spi, sa.connection);
    // An SA whose Quick Mode never completed was not announced and has no number.
    let announced = sas.iter().filter(|sa| sa.connection != 0);
    announced.map(|sa| format!("IPSEC(delete_sa): deleting SA, {}", words(sa))).collect()
}

fn proposal_part(part: u32, path: &Path, selectors: &SelectorPair, transform: &Phase2Transform) -> String {
    let message = KeyEngineMessage {
        direction: Direction::Inbound,
        path,
        selectors,
        transform,
        lifetime: Lifetime { seconds: Some(0), kilobytes: Some(0) },
    };
    format!("IPSEC(validate_proposal_request): proposal part #{part},\n{}", message.text(Spi(0), 0))
}

fn established(bundle: &Bundle, connections: &[SaConnections]) -> Vec<String> {
    let mut out = vec![QUEUE_EVENT.to_owned()];
    let sas: Vec<_> = bundle
        .pairs
        .iter()
        .zip(connections)
        .flat_map(|(pair, connections)| {
            [
                (pair.transform, Direction::Inbound, pair.inbound, connections.inbound),
                (pair.transform, Direction::Outbound, pair.outbound, connections.outbound),
            ]
        })
        .collect();
    for (transform, direction, spi, connection) in &sas {
        let message = KeyEngineMessage {
            direction: *direction,
            path: &bundle.path,
            selectors: &bundle.selectors,
            transform,
            lifetime: bundle.lifetime,
        };
        out.push(format!("IPSEC(initialize_sas): ,\n{}", message.text(*spi, *connection)));
    }
    for (transform, direction, spi, connection) in &sas {
        let destination = match direction {
            Direction::Inbound => bundle.path.local.ip(),
            Direction::Outbound => bundle.path.remote.ip(),
        };
        let words = sa_words(destination, transform, *spi, *connection);
        out.push(format!("IPSEC(create_sa): sa created, {words}"));
    }
    out
}

fn sa_words(destination: IpAddr, transform: &Phase2Transform, spi: Spi, connection: u32) -> String {
    format!(
        "(sa) sa_dest= {destination}, sa_prot= {}, sa_spi= {}, sa_trans= {} , sa_conn_id= {connection}",
        ip_number(transform.protocol),
        spi_text(spi),
        transform_words(transform),
    )
}

/// The block that a router prints of a message between ISAKMP and the key engine.
struct KeyEngineMessage<'a> {
    direction: Direction,
    path: &'a Path,
    selectors: &'a SelectorPair,
    transform: &'a Phase2Transform,
    lifetime: Lifetime,
}

impl KeyEngineMessage<'_> {
    fn text(&self, spi: Spi, connection: u32) -> String {
        let (local, remote) = (self.path.local.ip(), self.path.remote.ip());
        let (near, far) = (selector_text(&self.selectors.local), selector_text(&self.selectors.remote));
        let mut out = match self.direction {
            Direction::Inbound => format!(
                "  (key eng. msg.) dest= {local}, SRC= {remote},\n    dest_proxy= {near},\n    src_proxy= {far},\n"
            ),
            Direction::Outbound => format!(
                "  (key eng. msg.) SRC= {local}, dest= {remote},\n    src_proxy= {near},\n    dest_proxy= {far},\n"
            ),
        };
        let protocol = match self.transform.protocol {
            Protocol::Ah => "AH",
            Protocol::Esp => "ESP",
        };
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            "    protocol= {protocol}, transform= {} ,\n    lifedur= {}s and {}kb,\n    \
             spi= {}, conn_id= {connection}, keysize= {}, flags= 0x4",
            transform_words(self.transform),
            self.lifetime.seconds.unwrap_or(0),
            self.lifetime.kilobytes.unwrap_or(0),
            spi_text(spi),
            super::names::key_size(self.transform),
        );
        out
    }
}

fn spi_text(spi: Spi) -> String {
    format!("0x{:X}({})", spi.0, spi.0)
}

/// ISAKMP's number of a protocol (RFC 2407 4.4.1).
const fn isakmp_number(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Ah => 2,
        Protocol::Esp => 3,
    }
}

/// IP's number of a protocol.
const fn ip_number(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Ah => 51,
        Protocol::Esp => 50,
    }
}
