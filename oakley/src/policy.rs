//! What the caller allows and wants: answered by a [`PolicySource`], held as plain data.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, SocketAddr};
use core::ops::RangeInclusive;
use core::time::Duration;

use bytes::Bytes;
use crypto_provider::{AeadAlgorithm, CipherAlgorithm, GroupId, HashAlgorithm, SecretBytes, Work};

use crate::{DeadPeerDetection, Fragmentation, Identity, NatTraversal, Quirks};

/// The two ends of a datagram's way, as seen from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path {
    /// Our address and port.
    pub local: SocketAddr,
    /// The peer's address and port.
    pub remote: SocketAddr,
}

/// Which phase 1 exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Main Mode (RFC 2409 5, ISAKMP's Identity Protection exchange).
    Main,
    /// Aggressive Mode (RFC 2409 5).
    Aggressive,
}

/// Who spoke first in an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The side that sent the first message.
    Initiator,
    /// The side that answered it.
    Responder,
}

/// How the peers prove who they are (RFC 2409 Appendix A).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum AuthMethod {
    /// A pre-shared key (RFC 2409 5.4).
    PreShared,
    /// RSA signatures (RFC 2409 5.1).
    RsaSignature,
    /// RSA-encrypted nonces (RFC 2409 5.2).
    RsaEncryption,
    /// RSA-encrypted nonces, revised (RFC 2409 5.3).
    RsaEncryptionRevised,
}

/// Lifetime in the units that both phases negotiate; `None` is "no limit stated".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lifetime {
    /// Seconds.
    pub seconds: Option<u64>,
    /// Kilobytes of 1024 octets.
    pub kilobytes: Option<u64>,
}

impl Lifetime {
    /// The lower of each limit: what the routers of 1998 settle on (RFC 2407 4.5.4 leaves the choice).
    #[must_use]
    pub fn lower(self, other: Self) -> Self {
        fn min(a: Option<u64>, b: Option<u64>) -> Option<u64> {
            match (a, b) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (one, None) | (None, one) => one,
            }
        }
        Self { seconds: min(self.seconds, other.seconds), kilobytes: min(self.kilobytes, other.kilobytes) }
    }

    /// What was agreed on, within our bounds: never below what a side may be made to negotiate at, never without an end.
    pub(crate) fn bounded(self) -> Self {
        let Self { seconds, kilobytes } = self.floored();
        Self {
            seconds: Some(seconds.unwrap_or(MAX_SECONDS).min(MAX_SECONDS)),
            kilobytes: kilobytes.map(|kilobytes| kilobytes.min(MAX_KILOBYTES)),
        }
    }

    /// Never below what a side may be made to negotiate at.
    pub(crate) fn floored(self) -> Self {
        Self {
            seconds: self.seconds.map(|seconds| seconds.max(MIN_SECONDS)),
            kilobytes: self.kilobytes.map(|kilobytes| kilobytes.max(MIN_KILOBYTES)),
        }
    }
}

/// The shortest life that a peer may impose: it must not make us negotiate all the time.
const MIN_SECONDS: u64 = 10;
const MIN_KILOBYTES: u64 = 256;

/// The longest life of any SA, whatever both sides would like: a week. Keys that are never renewed are found one day, and
/// their number keeps growing.
const MAX_SECONDS: u64 = 7 * 24 * 60 * 60;
/// The same in kilobytes, 4 TiB.
const MAX_KILOBYTES: u64 = 1 << 32;

/// One acceptable combination for phase 1: one transform of an offer (RFC 2409 Appendix A).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase1Suite {
    /// The policy's number as the operator knows it; lower is preferred, used in reports only.
    pub priority: u32,
    /// A cipher in CBC mode.
    pub cipher: CipherAlgorithm,
    /// Octets of its key; sent as an attribute only for ciphers that have several lengths.
    pub key_len: usize,
    /// The hash; the prf is its HMAC.
    pub hash: HashAlgorithm,
    /// How the peers prove themselves.
    pub method: AuthMethod,
    /// The Diffie-Hellman group.
    pub group: GroupId,
    /// The longest life of the IKE SA; the lower of offer and policy holds.
    pub lifetime: Lifetime,
}

/// Which identity a peer must prove in phase 1.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerIdentity {
    /// An address identity equal to the address that it sends from. Behind an address translator any address will do,
    /// and becomes [`Identity::Behind`]: the peer cannot prove what nobody else can see.
    PathAddress,
    /// One of these.
    OneOf(Vec<Identity>),
}

impl fmt::Display for PeerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::OneOf(identities) = self else { return f.write_str("the address that it sends from") };
        identities.iter().enumerate().try_for_each(|(index, identity)| {
            let between = if index == 0 { "" } else { " or " };
            write!(f, "{between}{identity}")
        })
    }
}

/// What phase 1 with one peer may be.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Phase1Policy {
    /// Acceptable suites, most wanted first; not empty.
    pub suites: Vec<Phase1Suite>,
    /// Who we are.
    pub identity: Identity,
    /// Who the peer must be.
    pub peer_identity: PeerIdentity,
    /// The exchange that we start; as responder both are asked for by [`PolicySource::phase1`].
    pub mode: Mode,
    /// Octets of our nonces in both phases, 8 to 256 (RFC 2409 5).
    pub nonce_len: usize,
    /// VENDOR payload bodies that our first message carries.
    pub vendor_ids: Vec<Bytes>,
    /// The peer's habits.
    pub quirks: Quirks,
    /// Whether and how address translators are crossed.
    pub nat: NatTraversal,
    /// Whether packets of this peer under an SPI that is not known begin an IKE SA with it if there is none: by its
    /// INITIAL-CONTACT the peer learns that what it sends under is gone. Anybody can send such packets; so this happens once in
    /// [`Config::recovery_interval`], and not for many peers at once.
    pub recovers_unknown_spi: bool,
    /// Whether and when the peer is asked whether it is alive.
    pub dpd: DeadPeerDetection,
    /// Whether long messages are sent and taken in parts.
    pub fragmentation: Fragmentation,
    /// Whether derivations are reported as events, keys included.
    pub key_log: bool,
}

impl Phase1Policy {
    /// Main Mode with `suites` as `identity`, for a peer that proves the address that it sends from.
    pub fn new(suites: Vec<Phase1Suite>, identity: Identity) -> Self {
        Self {
            suites,
            identity,
            peer_identity: PeerIdentity::PathAddress,
            mode: Mode::Main,
            nonce_len: DEFAULT_NONCE_LEN,
            vendor_ids: Vec::new(),
            quirks: Quirks::default(),
            nat: NatTraversal::default(),
            recovers_unknown_spi: false,
            dpd: DeadPeerDetection::default(),
            fragmentation: Fragmentation::default(),
            key_log: false,
        }
    }
}

/// Octets of a nonce unless a policy says otherwise: as strong as the longest common prf key (RFC 2409 5 asks for 8 to
/// 256).
pub(crate) const DEFAULT_NONCE_LEN: usize = 32;

/// ESP or AH (RFC 2407 4.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// Authentication Header.
    Ah,
    /// Encapsulating Security Payload.
    Esp,
}

/// How packets are wrapped (RFC 2407 4.5, RFC 3947 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Encapsulation {
    /// A new IP header around the whole packet.
    Tunnel,
    /// Between the packet's own IP header and its payload.
    Transport,
    /// Tunnel mode inside UDP.
    UdpTunnel,
    /// Transport mode inside UDP.
    UdpTransport,
}

/// The confidentiality half of a phase 2 transform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Confidentiality {
    /// AH: none.
    None,
    /// An ESP cipher and the octets of its key (without the nonce of counter mode).
    Cipher(CipherAlgorithm, usize),
    /// An ESP combined cipher and the octets of its key without salt.
    Aead(AeadAlgorithm, usize),
}

/// One phase 2 transform as a meaning: what protects the packets of one SA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Phase2Transform {
    /// ESP or AH.
    pub protocol: Protocol,
    /// The cipher, if any.
    pub confidentiality: Confidentiality,
    /// The hash under the integrity HMAC, if any.
    pub integrity: Option<HashAlgorithm>,
}

/// Protections that hold together: the AND of one proposal number (RFC 2408 4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase2Proposal {
    /// One entry per protocol, in the order in which the offer lists them. For each protocol one of several
    /// transforms will do, most wanted first.
    pub protections: Vec<Vec<Phase2Transform>>,
}

/// What a Quick Mode may negotiate for one flow.
#[derive(Clone, Debug)]
pub struct Phase2Policy {
    /// Acceptable proposals, most wanted first (OR).
    pub proposals: Vec<Phase2Proposal>,
    /// The flow as this side's policy sees it; an initiator sends it as IDci and IDcr.
    pub selectors: SelectorPair,
    /// Tunnel or transport.
    pub encapsulation: Encapsulation,
    /// The longest life; the lower of offer and policy holds.
    pub lifetime: Lifetime,
    /// The group that perfect forward secrecy must use, if it is wanted.
    pub pfs: Option<GroupId>,
}

/// One side of a flow (RFC 2407 4.6.2: one range, one protocol, one port).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrafficSelector {
    /// Addresses.
    pub addresses: RangeInclusive<IpAddr>,
    /// IP protocol, 0 for any.
    pub protocol: u8,
    /// Port, 0 for any.
    pub port: u16,
}

/// A flow as seen from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectorPair {
    /// Our side.
    pub local: TrafficSelector,
    /// The peer's side.
    pub remote: TrafficSelector,
}

impl fmt::Display for TrafficSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (self.addresses.start(), self.addresses.end());
        if first == last { write!(f, "{first}") } else { write!(f, "{first}-{last}") }?;
        if self.protocol != 0 {
            write!(f, " protocol {}", self.protocol)?;
        }
        if self.port != 0 { write!(f, " port {}", self.port) } else { Ok(()) }
    }
}

impl fmt::Display for SelectorPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.local, self.remote)
    }
}

/// By what a pre-shared key is looked up.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum KeyQuery<'a> {
    /// Main Mode: the identity is still encrypted, only the address is known (RFC 2409 5.4).
    Address(IpAddr),
    /// Aggressive Mode: the identity came in clear.
    Identity(&'a Identity),
}

/// A peer, as far as it is known when a policy is asked.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Peer<'a> {
    /// Where it is.
    pub path: &'a Path,
    /// Who it says it is (Aggressive Mode, first message) or has proved to be (phase 2); unknown in Main Mode.
    pub identity: Option<&'a Identity>,
}

impl<'a> Peer<'a> {
    pub(crate) fn new(path: &'a Path, identity: Option<&'a Identity>) -> Self {
        Self { path, identity }
    }
}

/// The caller's policy. Look-ups answer from memory, or [`Work::Pending`] and later
/// [`Input::Completed`](crate::Input::Completed).
pub trait PolicySource: Send + Sync {
    /// What phase 1 with this peer may be; `None` refuses the peer silently.
    fn phase1(&self, peer: &Peer<'_>, mode: Mode) -> Work<Option<Arc<Phase1Policy>>>;

    /// The pre-shared keys that may hold, most likely first; several while a key is being changed.
    fn pre_shared_keys(&self, query: KeyQuery<'_>) -> Work<Arc<[SecretBytes]>>;

    /// What a Quick Mode for `wanted` with this authenticated peer may be. `wanted` is a request of ours, or the peer's
    /// identities IDci and IDcr, or the two addresses of the path if it sent none.
    fn phase2(&self, peer: &Peer<'_>, wanted: &SelectorPair) -> Work<Option<Arc<Phase2Policy>>>;
}

/// Bounds and times of an engine. The defaults suit a gateway.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Time until the first retransmission; each further one waits twice as long.
    pub retransmit_after: Duration,
    /// How often a message is sent in all before its exchange ends as timed out.
    pub max_sends: u32,
    /// How long a phase 1 exchange that a peer began may stay incomplete.
    pub half_open_life: Duration,
    /// How many exchanges are kept that peers began and in which our cookie has not come back; the oldest makes room. A flood
    /// of forged first messages keeps a new peer out once it fills these places within the peer's round trip, so this is the
    /// rate to withstand times the round trip to allow. A place costs two to four kilobytes.
    pub max_unreturned: usize,
    /// The same in octets of their first messages, whose length strangers choose.
    pub max_unreturned_octets: usize,
    /// How many incomplete exchanges begun by peers are kept in which our cookie came back; the oldest makes room.
    pub max_half_open: usize,
    /// The same, for one source address.
    pub max_half_open_per_source: usize,
    /// Quick Modes and Informational exchanges that one IKE SA can name before it must be renewed.
    pub max_message_ids: usize,
    /// IKE SAs with one peer, by the identity that it has proved; the oldest ends, and its bundles live on. Two are usual while
    /// one succeeds the other, four while both sides begin at once.
    pub max_ike_sas_per_peer: usize,
    /// Bundles of one flow with one peer; the oldest goes. One and its successor are usual, twice as many if both sides begin at
    /// once.
    pub max_bundles_per_flow: usize,
    /// Bundles with one peer, for all flows; the oldest goes.
    pub max_bundles_per_peer: usize,
    /// Quick Modes under one IKE SA, the finished ones among them whose last message may be asked for again: for so long as
    /// [`Self::reply_retention`]. The first message of one more is dropped, and may be sent again.
    pub max_quick_modes: usize,
    /// Refusals in clear that all strangers together get per second.
    pub clear_notifies_per_second: u32,
    /// Exponentiations per second that unproven peers may cause, all together; what comes above is dropped and may be sent
    /// again.
    pub exponentiations_per_second: u32,
    /// The same, for one source address.
    pub exponentiations_per_second_per_source: u32,
    /// Answers per second to one peer that asks whether we are alive (RFC 3706); no more than half of them to questions that
    /// were asked before, which anyone can repeat.
    pub liveness_answers_per_second: u32,
    /// The least time between two IKE SAs that packets of one peer under unknown SPIs begin
    /// ([`Phase1Policy::recovers_unknown_spi`]).
    pub recovery_interval: Duration,
    /// The port of NAT traversal, ours and the peers' (RFC 3947 4). Datagrams to and from it carry a non-ESP marker.
    pub nat_port: u16,
    /// How often a new IKE SA is looked over for what can be let go.
    pub sweep_interval: Duration,
    /// How long replies of a finished exchange are kept for a peer that lost them; it must outlast the peer's
    /// retransmissions.
    pub reply_retention: Duration,
    /// Messages of which only fragments are here, of each kind of sender: those who have proved nothing, those who know a
    /// cookie of ours, and peers of IKE SAs and of exchanges that we began. What is there already is kept.
    pub max_fragmented: usize,
    /// The same, for one source address; its oldest makes room.
    pub max_fragmented_per_source: usize,
    /// How long the fragments of a message are kept after the first one.
    pub fragments_life: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            retransmit_after: Duration::from_secs(2),
            max_sends: 6,
            half_open_life: Duration::from_secs(60),
            // 50,000 forged first messages a second, and a peer that is 160 ms away.
            max_unreturned: 8192,
            // Several times the first message of a usual peer, for each of them.
            max_unreturned_octets: 8 * 1024 * 1024,
            max_half_open: 256,
            max_half_open_per_source: 16,
            max_message_ids: 4096,
            max_ike_sas_per_peer: 16,
            max_bundles_per_flow: 8,
            // As many flows as anybody has written access lists for.
            max_bundles_per_peer: 1024,
            max_quick_modes: 1024,
            clear_notifies_per_second: 10,
            // A tenth of what one core does in groups 1 to 14, and more than a gateway's peers need at once.
            exponentiations_per_second: 100,
            exponentiations_per_second_per_source: 20,
            liveness_answers_per_second: 10,
            recovery_interval: Duration::from_secs(60),
            nat_port: 4500,
            sweep_interval: Duration::from_secs(20),
            // 2 + 4 + 8 + 16 + 32 + 64 seconds of a peer that waits as we do, and some.
            reply_retention: Duration::from_secs(130),
            max_fragmented: 64,
            max_fragmented_per_source: 4,
            fragments_life: Duration::from_secs(30),
        }
    }
}
