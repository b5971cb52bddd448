//! Every cap of the parser, with its reason.
//!
//! What exceeds a cap is refused as a whole with [`Reason::LimitExceeded`](crate::Reason::LimitExceeded). The caps bound memory: the work
//! is linear in the octets anyway, but a parsed payload is larger than the four octets that it takes on the wire.

/// Octets of one message: what a UDP datagram's 16-bit length can carry. A message rebuilt from fragments gets no more.
pub const MAX_MESSAGE_OCTETS: usize = 65_535;

/// Payloads in the chain of one message. Peers that trust every public CA send some two hundred CERT-REQs, and a dozen
/// vendor identifiers is usual; 64 KiB of empty payloads would be 16 000.
pub const MAX_PAYLOADS: usize = 512;

/// Proposals in one SA payload. The proposal number has one octet; AND groups use a number twice or three times, and
/// the longest offers seen have about thirty.
pub const MAX_PROPOSALS: usize = 128;

/// Transforms in one SA payload, over all proposals. One proposal can count to 255; a full cross of every
/// cipher, hash, method and group in use stays under 500.
pub const MAX_TRANSFORMS: usize = 512;

/// Attributes of one transform. Phase 1 has 16 classes, phase 2 has 15, and lifetimes come in several pairs.
pub const MAX_ATTRIBUTES: usize = 64;

/// Attributes of one Attributes payload (mode configuration): split tunnelling sends one for each network.
pub const MAX_CONFIG_ATTRIBUTES: usize = 512;

/// SPIs in one DELETE payload. Without the cap, SPIs of one octet in 64 KiB would grow thirtyfold in memory.
pub const MAX_DELETED_SPIS: usize = 4096;
