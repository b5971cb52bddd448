//! Whole messages, clear or decrypted.

use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use crate::chain::{self, Link, encode_chain};
use crate::error::{Anomaly, ParseError, Place, Reason};
use crate::header::{Flags, Header};
use crate::payload::{Payload, PayloadBody};
use crate::reader::{Reader, Trace};
use crate::registry::PayloadKind;

/// Where the flags lie.
const FLAGS_OFFSET: usize = 19;

/// A message whose payloads can be read.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    header: Header,
    payloads: Vec<Payload>,
    /// The payloads' octets as they were received or will be sent.
    chain: Bytes,
    padding: Bytes,
    anomalies: Vec<Anomaly>,
}

impl Message {
    /// Reads a clear message.
    ///
    /// `Message::parse(x)?.encode() == Header::within(x)` for every `x` that is accepted.
    ///
    /// # Errors
    /// [`ParseError`] when the header, a length, a count or a chain is wrong, when octets are left over inside the header's
    /// length that are more than zeros up to a multiple of four, or beyond it anything but zeros, or when the encryption
    /// flag is set.
    pub fn parse(datagram: Bytes) -> Result<Self, ParseError> {
        Self::read(&datagram, &mut Trace::default())
    }

    pub(crate) fn read(datagram: &Bytes, trace: &mut Trace) -> Result<Self, ParseError> {
        let header = Header::read(datagram, datagram, trace)?;
        if header.is_encrypted() {
            return Err(header_error("Flags", FLAGS_OFFSET, Reason::Encrypted));
        }
        let (message, end) = Self::read_chain(header, behind_header(datagram), trace)?;
        let mut reader = Reader::new(&message.padding, message.end_of_chain(), Place::Header, trace);
        chain::check_end(&mut reader, end)?;
        let message = Self { anomalies: core::mem::take(&mut reader.trace().anomalies), ..message };
        Ok(message)
    }

    /// Reads the payloads of `octets`, which lie behind the header; what is left becomes padding.
    fn read_chain(header: Header, octets: Bytes, trace: &mut Trace) -> Result<(Self, Link), ParseError> {
        let mut reader = Reader::new(&octets, Header::LEN, Place::Header, trace);
        let clear = (!header.is_encrypted()).then_some(header.exchange);
        let first = Link::from_header(header.next_payload);
        let (payloads, end) = chain::read(&mut reader, first, clear)?;
        let padding = reader.rest();
        let mut chain = octets.clone();
        chain.truncate(octets.len().saturating_sub(padding.len()));
        Ok((Self { header, payloads, chain, padding, anomalies: Vec::new() }, end))
    }

    /// A message to be sent. Next payload and length of the header are set; the other fields are taken as they are.
    ///
    /// With the encryption flag set this is the message before encryption: see [`EncryptedMessage::encode`].
    #[must_use]
    pub fn new(header: Header, payloads: Vec<Payload>) -> Self {
        let chain = Bytes::from(encode_chain(&payloads));
        let mut payloads = payloads;
        let mut at = Header::LEN;
        for payload in &mut payloads {
            let end = at.saturating_add(payload.len());
            payload.set_span(at..end);
            at = end;
        }
        let next_payload = payloads.first().map_or(PayloadKind::NONE, Payload::kind);
        let header = Header { next_payload, length: message_len(chain.len()), ..header };
        Self { header, payloads, chain, padding: Bytes::new(), anomalies: Vec::new() }
    }

    /// The header. Of a decrypted message it is that of the datagram: the encryption flag is set, and the length counts
    /// the padding.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The payloads in their order.
    #[must_use]
    pub fn payloads(&self) -> &[Payload] {
        &self.payloads
    }

    /// The first body of a type: `message.get::<Nonce>()`.
    #[must_use]
    pub fn get<P: PayloadBody>(&self) -> Option<&P> {
        self.all().next()
    }

    /// All bodies of a type in their order.
    pub fn all<P: PayloadBody>(&self) -> impl Iterator<Item = &P> {
        self.payloads.iter().filter_map(Payload::get)
    }

    /// The first payload of a kind.
    #[must_use]
    pub fn first(&self, kind: PayloadKind) -> Option<&Payload> {
        self.of_kind(kind).next()
    }

    /// All payloads of a kind in their order.
    pub fn of_kind(&self, kind: PayloadKind) -> impl Iterator<Item = &Payload> {
        self.payloads.iter().filter(move |payload| payload.kind() == kind)
    }

    /// The whole message in clear: header, payloads, and padding if it came with some.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let body_len = self.chain.len().saturating_add(self.padding.len());
        let header = Header { length: message_len(body_len), ..self.header };
        let mut octets = header.encode().to_vec();
        octets.extend_from_slice(&self.chain);
        octets.extend_from_slice(&self.padding);
        Bytes::from(octets)
    }

    /// The payloads' octets, generic headers included and padding excluded: for encryption or for a hash.
    #[must_use]
    pub fn encode_payloads(&self) -> Vec<u8> {
        self.chain.to_vec()
    }

    /// The octets of all payloads after the first, exactly as received or as they will be sent, generic headers included
    /// and padding excluded. RFC 2409 5.5, 5.7: HASH(1) covers the message id and these.
    #[must_use]
    pub fn octets_after_first(&self) -> Bytes {
        let first = self.payloads.first().map_or(0, Payload::len);
        let mut octets = self.chain.clone();
        if first <= octets.len() { octets.split_off(first) } else { Bytes::new() }
    }

    /// The octets behind the end of the chain: of any length and content in a decrypted message, up to three zeros in a
    /// clear one.
    #[must_use]
    pub const fn padding(&self) -> &Bytes {
        &self.padding
    }

    /// What the standards forbid and what was read over, in the order of the octets.
    #[must_use]
    pub fn anomalies(&self) -> &[Anomaly] {
        &self.anomalies
    }

    /// The payloads' octets with the padding.
    pub(crate) fn octets(&self) -> Bytes {
        let mut octets = self.chain.to_vec();
        octets.extend_from_slice(&self.padding);
        Bytes::from(octets)
    }

    fn end_of_chain(&self) -> usize {
        Header::LEN.saturating_add(self.chain.len())
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { header, payloads, chain: _, padding, anomalies } = self;
        f.debug_struct("Message")
            .field("header", header)
            .field("payloads", payloads)
            .field("padding", &padding.len())
            .field("anomalies", anomalies)
            .finish()
    }
}

/// A message whose payloads are encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptedMessage {
    header: Header,
    ciphertext: Bytes,
    /// Those of the header.
    anomalies: Vec<Anomaly>,
}

impl EncryptedMessage {
    /// Takes an encrypted message apart.
    ///
    /// # Errors
    /// [`ParseError`] when the header is wrong, when the encryption flag is not set, or when there is no ciphertext.
    pub fn parse(datagram: Bytes) -> Result<Self, ParseError> {
        Self::read(&datagram, &mut Trace::default())
    }

    pub(crate) fn read(datagram: &Bytes, trace: &mut Trace) -> Result<Self, ParseError> {
        let header = Header::read(datagram, datagram, trace)?;
        if !header.is_encrypted() {
            return Err(header_error("Flags", FLAGS_OFFSET, Reason::NotEncrypted));
        }
        let ciphertext = behind_header(datagram);
        if ciphertext.is_empty() {
            return Err(header_error("Encrypted payloads", Header::LEN, Reason::Empty));
        }
        Ok(Self { header, ciphertext, anomalies: core::mem::take(&mut trace.anomalies) })
    }

    /// The header.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Everything after the header.
    #[must_use]
    pub const fn ciphertext(&self) -> &Bytes {
        &self.ciphertext
    }

    /// Reads what the ciphertext was decrypted to. The chain begins with the header's next payload; what is left behind
    /// it is padding, of which peers send any number of octets with any content.
    ///
    /// A wrong key shows as an error or as [anomalies](Message::anomalies).
    ///
    /// # Errors
    /// [`ParseError`] as of [`Message::parse`], except that octets may be left over.
    pub fn decrypted(&self, plaintext: Bytes) -> Result<Message, ParseError> {
        self.read_decrypted(plaintext, &mut Trace::default())
    }

    pub(crate) fn read_decrypted(&self, plaintext: Bytes, trace: &mut Trace) -> Result<Message, ParseError> {
        trace.anomalies.extend_from_slice(&self.anomalies);
        let (message, _) = Message::read_chain(self.header, plaintext, trace)?;
        if !message.padding.is_empty() {
            let start = message.end_of_chain();
            let end = start.saturating_add(message.padding.len());
            trace.leaf("Padding", start..end, format_args!("{}", crate::reader::Hex(&message.padding)));
        }
        Ok(Message { anomalies: core::mem::take(&mut trace.anomalies), ..message })
    }

    /// The datagram of an encrypted message: sets the encryption flag and the length. The next payload of `header` is
    /// that of the first payload inside, as [`Message::new`] sets it.
    #[must_use]
    pub fn encode(header: Header, ciphertext: &[u8]) -> Bytes {
        let flags = header.flags.with(Flags::ENCRYPTION);
        let header = Header { flags, length: message_len(ciphertext.len()), ..header };
        let mut octets = header.encode().to_vec();
        octets.extend_from_slice(ciphertext);
        Bytes::from(octets)
    }
}

fn header_error(field: &'static str, offset: usize, reason: Reason) -> ParseError {
    ParseError { place: Place::Header, field, offset, reason }
}

/// What follows the header of a datagram that has one, up to the end of the message.
fn behind_header(datagram: &Bytes) -> Bytes {
    let mut octets = datagram.clone();
    octets.truncate(Header::within(datagram).len());
    if octets.len() >= Header::LEN { octets.split_off(Header::LEN) } else { Bytes::new() }
}

/// The length of a message with `body_len` octets behind the header.
fn message_len(body_len: usize) -> u32 {
    u32::try_from(body_len.saturating_add(Header::LEN)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::ExchangeType;

    fn header(next_payload: u8) -> Header {
        Header {
            initiator_cookie: crate::Cookie([1; 8]),
            responder_cookie: crate::Cookie([2; 8]),
            next_payload: PayloadKind(next_payload),
            version: crate::Version::ISAKMP_1_0,
            exchange: ExchangeType::INFORMATIONAL,
            flags: Flags::NONE,
            message_id: crate::MessageId(7),
            length: 0,
        }
    }

    fn datagram(first: u8, chain: &[u8]) -> Bytes {
        let header = Header { length: message_len(chain.len()), ..header(first) };
        [&header.encode()[..], chain].concat().into()
    }

    fn payload(next: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len() + 4).unwrap().to_be_bytes();
        [&[next, 0, length[0], length[1]], body].concat()
    }

    /// Messages made of `count` small things at one level each.
    fn many(level: &str, count: usize) -> Bytes {
        let last = |at: usize, more: u8| if at + 1 == count { 0 } else { more };
        let sa =
            |proposals: &[u8]| datagram(1, &payload(0, &[&[0, 0, 0, 1, 0, 0, 0, 1], proposals].concat()));
        let transform = |next: u8, attributes: &[u8]| payload(next, &[&[1, 3, 0, 0], attributes].concat());
        let proposal = |next: u8, count: u8, body: &[u8]| payload(next, &[&[1, 3, 0, count], body].concat());
        match level {
            "payloads" => {
                datagram(13, &(0..count).flat_map(|at| payload(last(at, 13), &[])).collect::<Vec<_>>())
            }
            "unknown" => datagram(99, &payload(0, &alloc::vec![9; count * 90])),
            "proposals" => sa(&(0..count)
                .flat_map(|at| proposal(last(at, 2), 1, &transform(0, &[])))
                .collect::<Vec<_>>()),
            "transforms" => {
                let transforms: Vec<u8> = (0..count).flat_map(|at| transform(last(at, 3), &[])).collect();
                sa(&proposal(0, u8::try_from(count).unwrap(), &transforms))
            }
            "attributes" => sa(&proposal(0, 1, &transform(0, &[0x80, 1, 0, 1].repeat(count)))),
            "config" => datagram(14, &payload(0, &[&[1, 0, 0, 0][..], &[0, 1, 0, 0].repeat(count)].concat())),
            _ => {
                let stated = u16::try_from(count).unwrap().to_be_bytes();
                let head = [0, 0, 0, 1, 3, 4, stated[0], stated[1]];
                datagram(12, &payload(0, &[&head[..], &[7; 4].repeat(count)].concat()))
            }
        }
    }

    fn steps(datagram: &Bytes) -> usize {
        let mut trace = Trace::default();
        Message::read(datagram, &mut trace).unwrap();
        trace.steps
    }

    /// Work is counted in reads, each of which costs the same whatever its size: twice as much takes twice as many, and
    /// an octet never causes more than two.
    #[test]
    fn t010_reading_is_linear_at_every_level() {
        for level in ["payloads", "unknown", "proposals", "transforms", "attributes", "config", "spis"] {
            let most = if level == "attributes" { 32 } else { 64 };
            let (once, twice) = (many(level, most), many(level, 2 * most));
            assert!(
                steps(&twice) * 10 <= steps(&once) * 22,
                "{level}: {} and {}",
                steps(&once),
                steps(&twice)
            );
            assert!(
                steps(&twice) <= 2 * twice.len(),
                "{level}: {} reads of {} octets",
                steps(&twice),
                twice.len()
            );
        }
    }

    #[test]
    fn new_sets_next_payload_and_length_and_nothing_else() {
        let body = crate::payload::Nonce { octets: Bytes::from_static(&[5; 8]) };
        let message = Message::new(header(77), alloc::vec![Payload::new(body.clone()), Payload::new(body)]);
        assert_eq!(message.header(), &Header { length: 52, next_payload: PayloadKind::NONCE, ..header(0) });
        assert_eq!(message.encode(), datagram(10, &[payload(10, &[5; 8]), payload(0, &[5; 8])].concat()));
        assert_eq!(message.payloads().iter().map(Payload::span).collect::<Vec<_>>(), [28..40, 40..52]);
        assert_eq!(message.octets_after_first(), payload(0, &[5; 8]));
        let empty = Message::new(header(77), Vec::new());
        assert_eq!((empty.encode(), empty.octets_after_first()), (datagram(0, &[]), Bytes::new()));
    }

    #[test]
    fn clear_and_encrypted_are_told_apart() {
        let clear = datagram(10, &payload(0, &[5; 8]));
        let encrypted = EncryptedMessage::encode(header(10), &[6; 16]);
        assert_eq!(Message::parse(encrypted.clone()).unwrap_err().reason(), &Reason::Encrypted);
        assert_eq!(EncryptedMessage::parse(clear).unwrap_err().reason(), &Reason::NotEncrypted);
        let message = EncryptedMessage::parse(encrypted).unwrap();
        assert_eq!((message.header().length, message.ciphertext().len()), (44, 16));
        let empty = EncryptedMessage::encode(header(10), &[]);
        assert_eq!(EncryptedMessage::parse(empty).unwrap_err().reason(), &Reason::Empty);
    }

    #[test]
    fn reserved_octets_are_told_and_kept() {
        let mut octets = datagram(10, &payload(0, &[5; 8])).to_vec();
        octets[29] = 0x80;
        let message = Message::parse(octets.clone().into()).unwrap();
        assert_eq!(message.encode(), octets);
        let [anomaly] = message.anomalies() else { panic!() };
        assert_eq!(alloc::format!("{anomaly}"), "NONCE payload, RESERVED at octet 29: reserved, but 0x80");
        let encrypted =
            EncryptedMessage::parse(EncryptedMessage::encode(*message.header(), &[0; 16])).unwrap();
        let message = encrypted.decrypted(Bytes::copy_from_slice(&octets[28..])).unwrap();
        assert_eq!(message.anomalies().first(), Some(anomaly));
    }

    /// An ID body may be ciphertext wherever RSA encryption is offered in clear, and nowhere else.
    #[test]
    fn identities_are_judged_where_they_must_be_clear() {
        let sa = |method: u8| {
            let transform = payload(0, &[1, 1, 0, 0, 0x80, 3, 0, method]);
            payload(
                5,
                &[&[0, 0, 0, 1, 0, 0, 0, 1][..], &payload(0, &[&[1, 1, 0, 1], &transform[..]].concat())]
                    .concat(),
            )
        };
        let read = |exchange: ExchangeType, method: u8| {
            let mut octets = datagram(1, &[sa(method), payload(0, &[1; 64])].concat()).to_vec();
            octets[18] = exchange.0;
            Message::parse(octets.into())
                .map(|message| message.get::<crate::payload::SealedIdentification>().is_some())
        };
        for method in [4, 5] {
            assert_eq!(read(ExchangeType::AGGRESSIVE, method), Ok(true));
        }
        // Under encryption nothing is sealed again.
        let chain = [sa(4), payload(0, &[1; 64])].concat();
        let encrypted = EncryptedMessage::parse(EncryptedMessage::encode(header(1), &chain)).unwrap();
        let error = encrypted.decrypted(chain.into()).unwrap_err();
        assert_eq!(error.reason(), &Reason::WrongSize { expected: 4, actual: 60 });
        for method in [1, 3] {
            assert!(read(ExchangeType::AGGRESSIVE, method).is_err());
            assert_eq!(read(ExchangeType::IDENTITY_PROTECTION, method), Ok(true));
        }
    }
}
