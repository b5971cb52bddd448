//! The ISAKMP header (RFC 2408 3.1):
//!
//! ```text
//!                      1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! !                          Initiator                            !
//! !                            Cookie                             !
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! !                          Responder                            !
//! !                            Cookie                             !
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! !  Next Payload ! MjVer ! MnVer ! Exchange Type !     Flags     !
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! !                          Message ID                           !
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! !                            Length                             !
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use crate::error::{Anomaly, AnomalyKind, ParseError, Place, Reason};
use crate::limits::MAX_MESSAGE_OCTETS;
use crate::reader::{Reader, Trace};
use crate::registry::{ExchangeType, PayloadKind};

/// Where the version octet lies.
const VERSION_OFFSET: usize = 17;
/// Where the length field lies.
const LENGTH_OFFSET: usize = 24;

/// A cookie: one half of the name of an ISAKMP SA (RFC 2408 2.5.3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Cookie(pub [u8; 8]);

impl Cookie {
    /// The responder's cookie in the first message of an exchange, when there is none yet.
    pub const ZERO: Self = Self([0; 8]);

    /// Whether this is no cookie at all.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }
}

impl fmt::Display for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cookie({self})")
    }
}

/// A message identifier: which exchange under an ISAKMP SA a message belongs to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MessageId(pub u32);

impl MessageId {
    /// The identifier of every phase 1 message (RFC 2408 3.1).
    pub const ZERO: Self = Self(0);
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageId({self})")
    }
}

/// The version octet: two numbers of four bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Version {
    /// The major version: 1 for ISAKMP, 2 for IKEv2.
    pub major: u8,
    /// The minor version.
    pub minor: u8,
}

impl Version {
    /// The only version of this crate.
    pub const ISAKMP_1_0: Self = Self { major: 1, minor: 0 };

    const fn from_octet(octet: u8) -> Self {
        Self { major: octet >> 4, minor: octet & 0x0f }
    }

    const fn to_octet(self) -> u8 {
        self.major << 4 | self.minor & 0x0f
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The flags of the header.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Flags(pub u8);

impl Flags {
    /// No flag.
    pub const NONE: Self = Self(0);
    /// E: everything after the header is encrypted.
    pub const ENCRYPTION: Self = Self(1);
    /// C: the SA must not be used before CONNECTED has come. Unauthenticated, as all of the header.
    pub const COMMIT: Self = Self(2);
    /// A: an Informational message that is authenticated and not encrypted.
    pub const AUTHENTICATION_ONLY: Self = Self(4);

    /// Whether all flags of `other` are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These flags and those of `other`.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These flags but for those of `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The bits that nobody has defined; they must be zero (RFC 2408 3.1).
    #[must_use]
    pub const fn reserved(self) -> u8 {
        self.0 & !0x07
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = [(Self::ENCRYPTION, "E"), (Self::COMMIT, "C"), (Self::AUTHENTICATION_ONLY, "A")];
        if self.0 == 0 {
            return f.write_str("none");
        }
        known
            .iter()
            .filter(|(flag, _)| self.contains(*flag))
            .try_for_each(|(_, letter)| f.write_str(letter))?;
        if self.reserved() == 0 { Ok(()) } else { write!(f, "+{:#04x}", self.reserved()) }
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flags({self})")
    }
}

/// The ISAKMP header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// CKY-I.
    pub initiator_cookie: Cookie,
    /// CKY-R; zero in the first message of a phase 1.
    pub responder_cookie: Cookie,
    /// The first payload; of an encrypted message, the first one inside.
    pub next_payload: PayloadKind,
    /// Always [`Version::ISAKMP_1_0`] in what was parsed.
    pub version: Version,
    /// The exchange.
    pub exchange: ExchangeType,
    /// The flags, undefined bits included.
    pub flags: Flags,
    /// Zero in phase 1.
    pub message_id: MessageId,
    /// Octets of the whole message, this header included.
    pub length: u32,
}

impl Header {
    /// Octets of the header.
    pub const LEN: usize = 28;

    /// Reads the header of a whole datagram.
    ///
    /// # Errors
    /// The version is looked at first, before the rest of the header is even asked for. Then: fewer than 28 octets, more
    /// than [`MAX_MESSAGE_OCTETS`], or a length field that is not the datagram's (RFC 2408 5.1), unless everything beyond
    /// it is zero: see [`within`](Self::within).
    pub fn parse(datagram: &[u8]) -> Result<Self, ParseError> {
        let head = Bytes::copy_from_slice(datagram.get(..Self::LEN).unwrap_or(datagram));
        Self::read(&head, datagram, &mut Trace::default())
    }

    /// The header, and what is odd about it.
    ///
    /// # Errors
    /// As of [`parse`](Self::parse).
    pub fn parse_with_anomalies(datagram: &[u8]) -> Result<(Self, Vec<Anomaly>), ParseError> {
        let mut trace = Trace::default();
        let head = Bytes::copy_from_slice(datagram.get(..Self::LEN).unwrap_or(datagram));
        Ok((Self::read(&head, datagram, &mut trace)?, trace.anomalies))
    }

    /// The octets of `datagram` that are the message. Some peers pad a datagram with zeros behind the length that the header
    /// states; they belong to nothing and are left out. Whatever else is there stays, and fails when it is parsed.
    #[must_use]
    pub fn within(datagram: &[u8]) -> &[u8] {
        let stated = datagram.get(LENGTH_OFFSET..Self::LEN).and_then(|octets| octets.try_into().ok());
        let stated = stated.and_then(|octets| usize::try_from(u32::from_be_bytes(octets)).ok());
        let message =
            stated.filter(|stated| *stated >= Self::LEN).and_then(|end| datagram.split_at_checked(end));
        match message {
            Some((message, beyond)) if beyond.iter().all(|octet| *octet == 0) => message,
            _ => datagram,
        }
    }

    /// Reads the header at the start of `octets`, which belong to `datagram`.
    pub(crate) fn read(octets: &Bytes, datagram: &[u8], trace: &mut Trace) -> Result<Self, ParseError> {
        let mut reader = Reader::new(octets, 0, Place::Header, trace);
        if let Some(version) = peek_version(octets)
            && version != Version::ISAKMP_1_0
        {
            return Err(reader.error("Version", VERSION_OFFSET, Reason::UnsupportedVersion(version)));
        }
        reader.trace().open(format_args!("ISAKMP Header"), 0);
        let header = Self {
            initiator_cookie: Cookie(cookie(&mut reader, "Initiator Cookie")?),
            responder_cookie: Cookie(cookie(&mut reader, "Responder Cookie")?),
            next_payload: reader.code("Next Payload")?,
            version: version(&mut reader)?,
            exchange: reader.code("Exchange Type")?,
            flags: flags(&mut reader)?,
            message_id: MessageId(reader.bits32("Message ID")?),
            length: length(&mut reader, datagram)?,
        };
        reader.trace().describe(format_args!("{}, message id {}", header.exchange, header.message_id));
        reader.trace().close(Self::LEN);
        Ok(header)
    }

    /// The 28 octets.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::LEN] {
        let mut octets = [0; Self::LEN];
        let fields = (self.initiator_cookie.0.into_iter())
            .chain(self.responder_cookie.0)
            .chain([self.next_payload.0, self.version.to_octet(), self.exchange.0, self.flags.0])
            .chain(self.message_id.0.to_be_bytes())
            .chain(self.length.to_be_bytes());
        octets.iter_mut().zip(fields).for_each(|(octet, value)| *octet = value);
        octets
    }

    /// Whether the E flag is set.
    #[must_use]
    pub const fn is_encrypted(&self) -> bool {
        self.flags.contains(Flags::ENCRYPTION)
    }
}

/// The version octet and nothing else, so that datagrams of IKEv2 can be told apart before anything is parsed. `None`
/// when the datagram ends before it.
#[must_use]
pub fn peek_version(datagram: &[u8]) -> Option<Version> {
    datagram.get(VERSION_OFFSET).map(|octet| Version::from_octet(*octet))
}

fn cookie(reader: &mut Reader<'_, '_>, field: &'static str) -> Result<[u8; 8], ParseError> {
    let mut cookie = [0; 8];
    let octets = reader.octets(field, cookie.len())?;
    cookie.iter_mut().zip(octets).for_each(|(to, from)| *to = from);
    Ok(cookie)
}

fn version(reader: &mut Reader<'_, '_>) -> Result<Version, ParseError> {
    let offset = reader.offset();
    let octet = reader.quiet_octets("Version", 1)?;
    let version = Version::from_octet(octet.first().copied().unwrap_or_default());
    reader.note("Version", offset, format_args!("{version}"));
    Ok(version)
}

fn flags(reader: &mut Reader<'_, '_>) -> Result<Flags, ParseError> {
    let offset = reader.offset();
    let octet = reader.quiet_octets("Flags", 1)?;
    let flags = Flags(octet.first().copied().unwrap_or_default());
    // RFC 2408 3.1: the other bits must be zero; tolerated, because they change nothing.
    if flags.reserved() != 0 {
        reader.anomaly("Flags", offset, AnomalyKind::UnknownFlags(flags.reserved()));
    }
    reader.note("Flags", offset, format_args!("{flags} ({:#04x})", flags.0));
    Ok(flags)
}

fn length(reader: &mut Reader<'_, '_>, datagram: &[u8]) -> Result<u32, ParseError> {
    let datagram_len = datagram.len();
    let octets = reader.quiet_octets("Length", 4)?;
    let length = octets.iter().fold(0u32, |length, octet| length << 8 | u32::from(*octet));
    reader.note("Length", LENGTH_OFFSET, format_args!("{length}"));
    if datagram_len > MAX_MESSAGE_OCTETS {
        let reason = Reason::LimitExceeded { limit: MAX_MESSAGE_OCTETS };
        return Err(reader.error("Length", LENGTH_OFFSET, reason));
    }
    let beyond = datagram_len.saturating_sub(Header::within(datagram).len());
    if beyond > 0 {
        reader.anomaly("Length", LENGTH_OFFSET, AnomalyKind::ZerosBeyond(beyond));
        return Ok(length);
    }
    // RFC 2408 5.1: a length that is not that of the datagram must be rejected, shorter or longer.
    if usize::try_from(length) != Ok(datagram_len) {
        let actual = u64::try_from(datagram_len).unwrap_or(u64::MAX);
        let reason = Reason::LengthMismatch { stated: u64::from(length), actual };
        return Err(reader.error("Length", LENGTH_OFFSET, reason));
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    /// RFC 2408 3.1 (test), octet by octet.
    const OCTETS: [u8; 28] = [
        0xc0, 1, 2, 3, 4, 5, 6, 7, 0xc1, 1, 2, 3, 4, 5, 6, 7, 0x01, 0x10, 0x02, 0x00, 0xde, 0xad, 0xbe, 0xef,
        0, 0, 0, 28,
    ];

    #[test]
    fn reads_and_writes_every_field() {
        let header = Header::parse(&OCTETS).unwrap();
        assert_eq!(header.initiator_cookie.to_string(), "c001020304050607");
        assert_eq!(header.responder_cookie, Cookie([0xc1, 1, 2, 3, 4, 5, 6, 7]));
        assert_eq!(
            (header.next_payload, header.exchange),
            (PayloadKind::SA, ExchangeType::IDENTITY_PROTECTION)
        );
        assert_eq!((header.version, header.flags), (Version::ISAKMP_1_0, Flags::NONE));
        assert_eq!((header.message_id, header.length), (MessageId(0xdead_beef), 28));
        assert_eq!(header.encode(), OCTETS);
        assert!(!header.is_encrypted() && !header.responder_cookie.is_zero() && Cookie::ZERO.is_zero());
    }

    #[test]
    fn flags_have_names() {
        assert_eq!(Flags(0).to_string(), "none");
        assert_eq!(Flags(0x17).to_string(), "ECA+0x10");
        let commit = Flags::COMMIT.with(Flags::ENCRYPTION);
        assert!(commit.contains(Flags::COMMIT) && !Flags::ENCRYPTION.contains(commit));
        assert_eq!((commit.without(Flags::COMMIT), commit.reserved()), (Flags::ENCRYPTION, 0));
    }

    #[test]
    fn the_version_comes_first() {
        assert_eq!(peek_version(&OCTETS[..17]), None);
        assert_eq!(peek_version(&OCTETS[..18]), Some(Version::ISAKMP_1_0));
        let mut octets = OCTETS;
        octets[17] = 0x20;
        // The length is wrong as well, and there is less than a header: neither is looked at.
        assert_eq!(
            Header::parse(&octets[..18]).unwrap_err().to_string(),
            "ISAKMP header, Version at octet 17: version 2.0 is not ISAKMP 1.0"
        );
    }
}
