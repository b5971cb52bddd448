//! NAT traversal (RFC 3947, RFC 3948): which version both speak, who is behind a translator, what stands on port 4500.
//!
//! ```text
//!   Main         1, 2: VENDOR      3, 4: NAT-D      from 5 on: port 4500
//!   Aggressive   1, 2: VENDOR      2, 3: NAT-D      from 3 on: port 4500
//! ```
//!
//! VENDOR and NAT-D come in clear, and whoever is on the way can change them. The worst that this leads to is UDP around
//! packets, or none where one was needed; who the peer is and what may pass never follows from them.

use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use bytes::Bytes;
use crypto_provider::Hash;
use isakmp_wire::payload::{NatDiscovery, NatNumbering, NatOriginalAddress};
use isakmp_wire::registry::KnownVendor;
use isakmp_wire::registry::phase2::EncapsulationMode;
use isakmp_wire::{Message, Payload};

use crate::event::Cookies;
use crate::policy::{Encapsulation, Path, Role};
use crate::vendors::PeerVendors;

/// RFC 3948 2.2: what tells IKE from ESP on port 4500, where an SPI is never 0.
const NON_ESP_MARKER: [u8; 4] = [0; MARKER_LEN];

/// Its octets.
pub(crate) const MARKER_LEN: usize = 4;

/// RFC 3948 2.3: the only octet of a keepalive.
pub(crate) const KEEPALIVE: &[u8] = &[0xff];

/// RFC 3948 4: the interval of keepalives unless a policy says otherwise.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);

/// What a UDP payload on the port of NAT traversal is (RFC 3948 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NatPayload<'a> {
    /// One octet that keeps a translator's mapping alive: to be ignored, whoever sent it.
    Keepalive,
    /// An IKE message without its non-ESP marker. The engine takes the whole payload, marker included.
    Ike(&'a [u8]),
    /// An ESP packet, for the data path.
    Esp(&'a [u8]),
    /// Too short for any of them: to be dropped.
    Short,
}

impl<'a> NatPayload<'a> {
    /// Sorts a UDP payload that arrived on port 4500.
    #[must_use]
    pub fn of(payload: &'a [u8]) -> Self {
        match payload.split_first_chunk::<4>() {
            None if payload == KEEPALIVE => Self::Keepalive,
            None => Self::Short,
            Some((&NON_ESP_MARKER, message)) => Self::Ike(message),
            Some(_) => Self::Esp(payload),
        }
    }
}

/// An IKE message as it travels on port 4500.
pub(crate) fn marked(message: &[u8]) -> Bytes {
    [&NON_ESP_MARKER, message].concat().into()
}

/// A specification of NAT traversal that a peer may announce.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum NatVersion {
    /// RFC 3947.
    Rfc3947,
    /// draft-ietf-ipsec-nat-t-ike-03.
    Draft03,
    /// draft-ietf-ipsec-nat-t-ike-02.
    Draft02,
    /// The same, announced with a line feed in the hashed name: a slip that became common.
    Draft02LineFeed,
}

impl NatVersion {
    /// All of them, best first.
    pub const ALL: [Self; 4] = [Self::Rfc3947, Self::Draft03, Self::Draft02, Self::Draft02LineFeed];

    /// What announces it.
    #[must_use]
    pub const fn vendor(self) -> &'static KnownVendor {
        match self {
            Self::Rfc3947 => &KnownVendor::NAT_T,
            Self::Draft03 => &KnownVendor::NAT_T_DRAFT_03,
            Self::Draft02 => &KnownVendor::NAT_T_DRAFT_02,
            Self::Draft02LineFeed => &KnownVendor::NAT_T_DRAFT_02_LF,
        }
    }

    const fn numbering(self) -> NatNumbering {
        match self {
            Self::Rfc3947 => NatNumbering::Rfc,
            Self::Draft03 | Self::Draft02 | Self::Draft02LineFeed => NatNumbering::Draft,
        }
    }
}

/// What a policy says about NAT traversal with one peer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NatTraversal {
    /// What we announce and understand; none switches NAT traversal off.
    pub versions: Vec<NatVersion>,
    /// Whether packets travel in UDP although no translator is there: our NAT-D says that we are behind one.
    pub forced: bool,
    /// How often a side behind a translator sends a keepalive; `None` is never.
    pub keepalive: Option<Duration>,
}

impl NatTraversal {
    /// None at all: neither announced nor understood.
    #[must_use]
    pub const fn off() -> Self {
        Self { versions: Vec::new(), forced: false, keepalive: None }
    }

    /// What we announce: as initiator everything, as responder the one version that will be spoken.
    pub(crate) fn announced(&self, role: Role, peer: &PeerVendors) -> Vec<NatVersion> {
        match role {
            Role::Initiator => self.versions.clone(),
            Role::Responder => self.spoken(peer).into_iter().collect(),
        }
    }

    /// The best version that both sides announce. The order is fixed, so that both sides find the same one.
    pub(crate) fn spoken(&self, peer: &PeerVendors) -> Option<NatVersion> {
        let both = |version: &NatVersion| self.versions.contains(version) && peer.announce(version.vendor());
        NatVersion::ALL.into_iter().find(both)
    }
}

impl Default for NatTraversal {
    fn default() -> Self {
        Self { versions: NatVersion::ALL.to_vec(), forced: false, keepalive: Some(KEEPALIVE_INTERVAL) }
    }
}

/// What NAT-D payloads told (RFC 3947 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NatDetected {
    /// What is spoken.
    pub version: NatVersion,
    /// Whether a translator stands before us; also if a policy forces encapsulation.
    pub local: bool,
    /// Whether a translator stands before the peer.
    pub remote: bool,
}

impl NatDetected {
    /// Whether IKE moves to port 4500 and packets travel in UDP.
    #[must_use]
    pub const fn encapsulates(&self) -> bool {
        self.local || self.remote
    }
}

/// Where NAT-D hashes come from.
#[derive(Clone, Copy)]
pub(crate) struct Discovery<'a> {
    pub(crate) hash: &'static dyn Hash,
    pub(crate) cookies: &'a Cookies,
    pub(crate) version: NatVersion,
    pub(crate) forced: bool,
}

impl Discovery<'_> {
    /// RFC 3947 3.2: HASH(CKY-I | CKY-R | IP | Port).
    fn digest(&self, end: SocketAddr) -> Bytes {
        let (v4, v6);
        let address: &[u8] = match end.ip() {
            IpAddr::V4(address) => {
                v4 = address.octets();
                &v4
            }
            IpAddr::V6(address) => {
                v6 = address.octets();
                &v6
            }
        };
        let Cookies { initiator, responder } = self.cookies;
        let parts: [&[u8]; 4] = [&initiator.0, &responder.0, address, &end.port().to_be_bytes()];
        Bytes::copy_from_slice(self.hash.digest(&parts).as_ref())
    }

    /// Our NAT-D payloads in a datagram that takes `path`: the peer's end first, then ours.
    pub(crate) fn payloads(&self, path: &Path) -> Vec<Payload> {
        let own = if self.forced { nowhere(path.local) } else { path.local };
        let payload =
            |end| Payload::new(NatDiscovery { numbering: self.version.numbering(), hash: self.digest(end) });
        [path.remote, own].map(payload).to_vec()
    }

    /// What the NAT-D payloads of a message say that came by `path`. A peer that sends none does not take part. Some peers
    /// announce a draft and use the RFC's numbers, or the reverse: the hash tells, whatever number it travels under.
    pub(crate) fn read(&self, message: &Message, path: &Path) -> Option<NatDetected> {
        let mut hashes = message.all::<NatDiscovery>().map(|one| &one.hash);
        // RFC 3947 3.2: the first is about the receiver, the others are all that the sender may send from.
        let local = *hashes.next()? != self.digest(path.local) || self.forced;
        let theirs = self.digest(path.remote);
        let remote = !hashes.any(|hash| *hash == theirs);
        Some(NatDetected { version: self.version, local, remote })
    }
}

/// Whether NAT-D payloads of a message travel under other numbers than those of `version`.
pub(crate) fn is_misnumbered(message: &Message, version: NatVersion) -> bool {
    message.all::<NatDiscovery>().any(|one| one.numbering != version.numbering())
}

/// An end that is no datagram's source.
const fn nowhere(of: SocketAddr) -> SocketAddr {
    match of {
        SocketAddr::V4(_) => SocketAddr::new(IpAddr::V4(core::net::Ipv4Addr::UNSPECIFIED), 0),
        SocketAddr::V6(_) => SocketAddr::new(IpAddr::V6(core::net::Ipv6Addr::UNSPECIFIED), 0),
    }
}

/// Both ends on the port of NAT traversal (RFC 3947 4).
pub(crate) fn floated(path: &Path, port: u16) -> Path {
    let on = |end: SocketAddr| SocketAddr::new(end.ip(), port);
    Path { local: on(path.local), remote: on(path.remote) }
}

/// Whether a peer may be where a datagram came from (RFC 3948 3.1.2 lets it move; nothing may move it to many or to us).
pub(crate) fn is_possible(path: &Path) -> bool {
    let ip = path.remote.ip();
    let is_broadcast = matches!(ip, IpAddr::V4(v4) if v4.is_broadcast());
    !(ip.is_unspecified() || ip.is_multicast() || is_broadcast || ip == path.local.ip())
        && path.remote.port() != 0
}

/// What a policy's encapsulation becomes between two peers.
pub(crate) fn encapsulation(wanted: Encapsulation, nat: Option<NatDetected>) -> Encapsulation {
    match (wanted, nat.is_some_and(|nat| nat.encapsulates())) {
        (Encapsulation::Tunnel, true) => Encapsulation::UdpTunnel,
        (Encapsulation::Transport, true) => Encapsulation::UdpTransport,
        (as_it_is, _) => as_it_is,
    }
}

/// The number of an encapsulation (RFC 2407 4.5, RFC 3947 5.1, draft-ietf-ipsec-nat-t-ike-02 5.1).
pub(crate) fn mode_number(encapsulation: Encapsulation, nat: Option<NatDetected>) -> u16 {
    let is_draft = nat.is_some_and(|nat| nat.version.numbering() == NatNumbering::Draft);
    let mode = match (encapsulation, is_draft) {
        (Encapsulation::Tunnel, _) => EncapsulationMode::TUNNEL,
        (Encapsulation::Transport, _) => EncapsulationMode::TRANSPORT,
        (Encapsulation::UdpTunnel, false) => EncapsulationMode::UDP_ENCAPSULATED_TUNNEL,
        (Encapsulation::UdpTransport, false) => EncapsulationMode::UDP_ENCAPSULATED_TRANSPORT,
        (Encapsulation::UdpTunnel, true) => EncapsulationMode::UDP_ENCAPSULATED_TUNNEL_DRAFT,
        (Encapsulation::UdpTransport, true) => EncapsulationMode::UDP_ENCAPSULATED_TRANSPORT_DRAFT,
    };
    mode.0
}

/// Whether two numbers mean the same encapsulation, one of them perhaps a draft's.
pub(crate) fn is_same_mode(one: u64, other: u64) -> bool {
    const RFC_AND_DRAFT: [[EncapsulationMode; 2]; 2] = [
        [EncapsulationMode::UDP_ENCAPSULATED_TUNNEL, EncapsulationMode::UDP_ENCAPSULATED_TUNNEL_DRAFT],
        [EncapsulationMode::UDP_ENCAPSULATED_TRANSPORT, EncapsulationMode::UDP_ENCAPSULATED_TRANSPORT_DRAFT],
    ];
    let both = |pair: &[EncapsulationMode; 2]| {
        [one, other].iter().all(|number| pair.iter().any(|mode| u64::from(mode.0) == *number))
    };
    one == other || RFC_AND_DRAFT.iter().any(both)
}

/// The addresses that a transport-mode peer computes its checksums with (RFC 3947 5.2): never for policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NatOriginal {
    /// Our address as the peer sees it.
    pub local: IpAddr,
    /// The peer's address as the peer knows it.
    pub remote: IpAddr,
}

/// NAT-OAi and NAT-OAr of a side, in transport mode inside UDP; nothing otherwise.
pub(crate) fn original_addresses(
    encapsulation: Encapsulation,
    nat: Option<NatDetected>,
    (role, path): (Role, &Path),
) -> Vec<Payload> {
    let Some(nat) = nat.filter(|_| encapsulation == Encapsulation::UdpTransport) else { return Vec::new() };
    let numbering = nat.version.numbering();
    let (local, remote) = (path.local.ip(), path.remote.ip());
    let payload = |address| Payload::new(NatOriginalAddress { numbering, address });
    match (numbering, role) {
        // draft-ietf-ipsec-nat-t-ike-02 5.2: each side sends its own only.
        (NatNumbering::Draft, _) => [payload(local)].to_vec(),
        (_, Role::Initiator) => [payload(local), payload(remote)].to_vec(),
        (_, Role::Responder) => [payload(remote), payload(local)].to_vec(),
    }
}

/// What the peer's NAT-OA payloads say to a side of `role`; where there is none, addresses are what the path shows.
pub(crate) fn read_original(
    message: &Message,
    encapsulation: Encapsulation,
    (role, path): (Role, &Path),
) -> Option<NatOriginal> {
    if encapsulation != Encapsulation::UdpTransport {
        return None;
    }
    let stated: Vec<IpAddr> = message.all::<NatOriginalAddress>().map(|one| one.address).take(2).collect();
    let (local, remote) = (path.local.ip(), path.remote.ip());
    Some(match (stated.as_slice(), role) {
        ([own], _) => NatOriginal { local, remote: *own },
        ([initiator, responder], Role::Responder) => NatOriginal { local: *responder, remote: *initiator },
        ([initiator, responder], Role::Initiator) => NatOriginal { local: *initiator, remote: *responder },
        _ => NatOriginal { local, remote },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t113_every_payload_is_one_of_four() {
        assert_eq!(NatPayload::of(&[0xff]), NatPayload::Keepalive);
        for short in [&[][..], &[0], &[0xff, 0xff], &[0; 3], &[0xff; 3]] {
            assert_eq!(NatPayload::of(short), NatPayload::Short);
        }
        assert_eq!(NatPayload::of(&[0; 4]), NatPayload::Ike(&[]));
        assert_eq!(NatPayload::of(&[0, 0, 0, 0, 1]), NatPayload::Ike(&[1]));
        assert_eq!(NatPayload::of(&[0xff; 4]), NatPayload::Esp(&[0xff; 4]));
        assert_eq!(NatPayload::of(&[0, 0, 1, 0, 9]), NatPayload::Esp(&[0, 0, 1, 0, 9]));
        assert_eq!(NatPayload::of(&marked(b"message")), NatPayload::Ike(b"message"));
    }

    #[test]
    fn t115_nobody_moves_to_many_or_to_us() {
        let from =
            |remote: &str| Path { local: "192.0.2.1:4500".parse().unwrap(), remote: remote.parse().unwrap() };
        assert!(is_possible(&from("198.51.100.7:1024")));
        for remote in
            ["224.0.0.1:4500", "255.255.255.255:4500", "0.0.0.0:4500", "192.0.2.1:4501", "10.0.0.1:0"]
        {
            assert!(!is_possible(&from(remote)), "{remote}");
        }
    }
}
