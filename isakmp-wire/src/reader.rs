//! Checked reading: every read names its field, so that errors, anomalies and dissections come from one place.

use core::fmt;
use core::ops::Range;

use bytes::Bytes;

use crate::dissect::Recorder;
use crate::error::{Anomaly, AnomalyKind, ParseError, Place, Reason};
use crate::registry::{Code, PayloadKind};

/// What is gathered while reading: anomalies always, the tree of fields only for a dissection.
#[derive(Default)]
pub(crate) struct Trace {
    pub(crate) anomalies: alloc::vec::Vec<Anomaly>,
    pub(crate) recorder: Option<Recorder>,
    /// Reads so far: the measure of work in the tests that prove it linear.
    #[cfg(test)]
    pub(crate) steps: usize,
}

impl Trace {
    pub(crate) fn recording() -> Self {
        Self { recorder: Some(Recorder::default()), ..Self::default() }
    }

    /// Notes a field. The value is only formatted when somebody records.
    pub(crate) fn leaf(&mut self, name: &'static str, range: Range<usize>, value: fmt::Arguments<'_>) {
        if let Some(recorder) = &mut self.recorder {
            recorder.leaf(name, range, value);
        }
    }

    pub(crate) fn open(&mut self, name: fmt::Arguments<'_>, start: usize) {
        if let Some(recorder) = &mut self.recorder {
            recorder.open(name, start);
        }
    }

    pub(crate) fn close(&mut self, end: usize) {
        if let Some(recorder) = &mut self.recorder {
            recorder.close(end);
        }
    }

    /// Sets the summary of the innermost open group.
    pub(crate) fn describe(&mut self, value: fmt::Arguments<'_>) {
        if let Some(recorder) = &mut self.recorder {
            recorder.describe(value);
        }
    }
}

/// Reads forward through octets that lie at `offset` of a message.
pub(crate) struct Reader<'a, 't> {
    /// The buffer that `rest` is part of: octets are handed out as slices of it.
    owner: &'a Bytes,
    rest: &'a [u8],
    offset: usize,
    place: Place,
    trace: &'t mut Trace,
}

impl<'a, 't> Reader<'a, 't> {
    pub(crate) fn new(owner: &'a Bytes, offset: usize, place: Place, trace: &'t mut Trace) -> Self {
        Self { owner, rest: owner, offset, place, trace }
    }

    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    pub(crate) fn len(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The kind of the payload that is read; `NONE` outside of one.
    pub(crate) fn kind(&self) -> PayloadKind {
        match self.place {
            Place::Payload(kind) => kind,
            Place::Header => PayloadKind::NONE,
        }
    }

    pub(crate) fn trace(&mut self) -> &mut Trace {
        self.trace
    }

    pub(crate) fn error(&self, field: &'static str, offset: usize, reason: Reason) -> ParseError {
        ParseError { place: self.place, field, offset, reason }
    }

    pub(crate) fn anomaly(&mut self, field: &'static str, offset: usize, kind: AnomalyKind) {
        self.trace.anomalies.push(Anomaly { place: self.place, field, offset, kind });
    }

    fn take(&mut self, field: &'static str, count: usize) -> Result<&'a [u8], ParseError> {
        #[cfg(test)]
        {
            self.trace.steps += 1;
        }
        let Some((taken, rest)) = self.rest.split_at_checked(count) else {
            let reason = Reason::Truncated { needed: count, available: self.rest.len() };
            return Err(self.error(field, self.offset, reason));
        };
        self.rest = rest;
        self.offset = self.offset.saturating_add(count);
        Ok(taken)
    }

    /// A big-endian number of `width` (at most 4) octets, without recording it.
    fn raw_number(&mut self, field: &'static str, width: usize) -> Result<(u32, Range<usize>), ParseError> {
        let start = self.offset;
        let octets = self.take(field, width)?;
        let number = octets.iter().fold(0u32, |number, octet| number << 8 | u32::from(*octet));
        Ok((number, start..self.offset))
    }

    pub(crate) fn u8(&mut self, field: &'static str) -> Result<u8, ParseError> {
        let (number, range) = self.raw_number(field, 1)?;
        self.trace.leaf(field, range, format_args!("{number}"));
        Ok(u8::try_from(number).unwrap_or(u8::MAX))
    }

    pub(crate) fn u16(&mut self, field: &'static str) -> Result<u16, ParseError> {
        let (number, range) = self.raw_number(field, 2)?;
        self.trace.leaf(field, range, format_args!("{number}"));
        Ok(u16::try_from(number).unwrap_or(u16::MAX))
    }

    /// A number that the caller records by himself.
    pub(crate) fn quiet_u16(&mut self, field: &'static str) -> Result<u16, ParseError> {
        let (number, _) = self.raw_number(field, 2)?;
        Ok(u16::try_from(number).unwrap_or(u16::MAX))
    }

    /// A number that is read as hexadecimal: bits, not a quantity.
    pub(crate) fn bits32(&mut self, field: &'static str) -> Result<u32, ParseError> {
        let (number, range) = self.raw_number(field, 4)?;
        self.trace.leaf(field, range, format_args!("{number:#010x}"));
        Ok(number)
    }

    /// A number of a registry.
    pub(crate) fn code<C: Code + Copy>(&mut self, field: &'static str) -> Result<C, ParseError> {
        let (number, range) = self.raw_number(field, C::WIDTH)?;
        let code = C::from_number(number);
        self.trace.leaf(field, range, format_args!("{code} ({number})"));
        Ok(code)
    }

    /// Exactly `count` octets.
    pub(crate) fn octets(&mut self, field: &'static str, count: usize) -> Result<Bytes, ParseError> {
        let start = self.offset;
        let octets = self.take(field, count)?;
        if count > 0 {
            self.trace.leaf(field, start..self.offset, format_args!("{}", Hex(octets)));
        }
        // `octets` is part of `owner` by construction, which is what `slice_ref` asks for.
        Ok(self.owner.slice_ref(octets))
    }

    /// Exactly `count` octets that the caller records by himself.
    pub(crate) fn quiet_octets(&mut self, field: &'static str, count: usize) -> Result<Bytes, ParseError> {
        let octets = self.take(field, count)?;
        Ok(self.owner.slice_ref(octets))
    }

    /// All octets that are left.
    pub(crate) fn remaining(&mut self, field: &'static str) -> Result<Bytes, ParseError> {
        self.octets(field, self.rest.len())
    }

    /// A reserved field of `count` octets: not zero is an anomaly.
    pub(crate) fn reserved(&mut self, field: &'static str, count: usize) -> Result<u64, ParseError> {
        let start = self.offset;
        let octets = self.take(field, count)?;
        let value = octets.iter().take(8).fold(0u64, |value, octet| value << 8 | u64::from(*octet));
        if octets.iter().any(|octet| *octet != 0) {
            self.anomaly(field, start, AnomalyKind::ReservedNotZero(value));
            self.trace.leaf(field, start..self.offset, format_args!("{} (must be zero)", Hex(octets)));
        } else {
            self.trace.leaf(field, start..self.offset, format_args!("0"));
        }
        Ok(value)
    }

    /// Notes a field from `start` to where the reader stands.
    pub(crate) fn note(&mut self, field: &'static str, start: usize, value: fmt::Arguments<'_>) {
        self.trace.leaf(field, start..self.offset, value);
    }

    /// Runs `read` with errors and anomalies laid to another place.
    pub(crate) fn within<T>(&mut self, place: Place, read: impl FnOnce(&mut Self) -> T) -> T {
        let outer = core::mem::replace(&mut self.place, place);
        let result = read(self);
        self.place = outer;
        result
    }

    /// A reader of the next `count` octets alone; this one moves behind them.
    pub(crate) fn nested(
        &mut self,
        place: Place,
        field: &'static str,
        count: usize,
    ) -> Result<Reader<'a, '_>, ParseError> {
        let offset = self.offset;
        let rest = self.take(field, count)?;
        Ok(Reader { owner: self.owner, rest, offset, place, trace: self.trace })
    }

    /// The octets that are left, as a slice of the whole, without moving.
    pub(crate) fn rest(&self) -> Bytes {
        self.owner.slice_ref(self.rest)
    }

    /// RFC 2408 5.3: nothing may be left where a length said that there is an end.
    pub(crate) fn finish(&self, field: &'static str) -> Result<(), ParseError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(self.error(field, self.offset, Reason::Trailing { count: self.rest.len() }))
    }
}

/// Octets in hexadecimal, long ones cut with a note of their number.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// A SHA-256 output still fits; longer values would fill pages.
        const SHOWN: usize = 32;
        for octet in self.0.iter().take(SHOWN) {
            write!(f, "{octet:02x}")?;
        }
        if self.0.len() > SHOWN { write!(f, "... ({} octets)", self.0.len()) } else { Ok(()) }
    }
}
