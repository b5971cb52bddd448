//! `debug crypto ipsec`: what the key engine says about proposals, SPIs and SAs.

use core::fmt::Write as _;
use core::net::IpAddr;

use oakley::{Bundle, Direction, Event, Lifetime, Path, Phase2Transform, Protocol, SelectorPair, Spi};

use super::names::{selector_text, transform_words};
use crate::router::{Happening, RemovedSa, SaConnections};

/// The key engine woke up.
pub(super) const QUEUE_EVENT: &str = "IPSEC(key_engine): got a queue event...";

/// `masks` says whether masks are shown where the routers of 1998 had not set theirs yet.
pub(super) fn lines(happening: &Happening, event: &Event, masks: bool) -> Vec<String> {
    match event {
        Event::Phase2Chosen { path, transforms, selectors, .. } => {
            let parts = transforms.iter().zip(1..=u32::MAX);
            let [near, far] = proxies(selectors, masks);
            let message = |transform| KeyEngineMessage {
                direction: Direction::Inbound,
                path,
                proxies: [&near, &far],
                transform,
                lifetime: Lifetime { seconds: Some(0), kilobytes: Some(0) },
            };
            let part = |(transform, part)| {
                let text = message(transform).text(Spi(0), 0);
                format!("IPSEC(validate_proposal_request): proposal part #{part},\n{text}")
            };
            parts.map(part).collect()
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

/// What stands where the masks of `dest_proxy` and `src_proxy` belong while a proposal is validated. The routers of 1998 ask
/// before they fill them in, as they do with lives, SPI and connection id, and every one of the document's logs has these.
const UNSET_MASKS: [&str; 2] = ["0.0.0.0", "0.0.0.16"];

/// Our proxy and the peer's of a proposal that is being validated.
fn proxies(selectors: &SelectorPair, masks: bool) -> [String; 2] {
    let [near, far] = [&selectors.local, &selectors.remote].map(selector_text);
    let [mask_near, mask_far] = UNSET_MASKS;
    if masks { [near, far] } else { [unset_mask(near, mask_near), unset_mask(far, mask_far)] }
}

/// `net/mask/protocol/port` with another mask; a proxy without one stays as it is.
fn unset_mask(proxy: String, mask: &str) -> String {
    match *proxy.split('/').collect::<Vec<_>>() {
        [net, set, protocol, port] if set.contains('.') => format!("{net}/{mask}/{protocol}/{port}"),
        _ => proxy,
    }
}

fn established(bundle: &Bundle, connections: &[SaConnections]) -> Vec<String> {
    let mut out = vec![QUEUE_EVENT.to_owned()];
    let (near, far) = (selector_text(&bundle.selectors.local), selector_text(&bundle.selectors.remote));
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
            proxies: [&near, &far],
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
    /// Ours and the peer's.
    proxies: [&'a str; 2],
    transform: &'a Phase2Transform,
    lifetime: Lifetime,
}

impl KeyEngineMessage<'_> {
    fn text(&self, spi: Spi, connection: u32) -> String {
        let (local, remote) = (self.path.local.ip(), self.path.remote.ip());
        let [near, far] = self.proxies;
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
