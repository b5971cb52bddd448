//! pcapng files (draft-ietf-opsawg-pcapng), little-endian, nanoseconds.

use core::time::Duration;
use std::io;

/// LINKTYPE_RAW: the packet begins with its IPv4 or IPv6 header.
const RAW_IP: u16 = 101;
const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const ENHANCED_PACKET: u32 = 6;
const OPT_COMMENT: u16 = 1;
const IF_NAME: u16 = 2;
const IF_TSRESOL: u16 = 9;
/// Type, length, and the length again at the end.
const BLOCK_OVERHEAD: usize = 12;

/// Writes a capture of IP packets. Equal calls give equal octets.
pub struct PcapWriter<W> {
    out: W,
    interfaces: u32,
}

impl<W: io::Write> PcapWriter<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// What `out` reports.
    pub fn new(out: W) -> io::Result<Self> {
        let mut writer = Self { out, interfaces: 0 };
        let mut body = Vec::new();
        body.extend(0x1a2b_3c4d_u32.to_le_bytes());
        body.extend(1_u16.to_le_bytes());
        body.extend(0_u16.to_le_bytes());
        // Section length unknown: readers go by the blocks.
        body.extend(u64::MAX.to_le_bytes());
        writer.block(SECTION_HEADER, &body)?;
        Ok(writer)
    }

    /// Adds an interface and gives its number. All interfaces that packets name must have been added before them.
    ///
    /// # Errors
    /// What `out` reports.
    pub fn interface(&mut self, name: &str) -> io::Result<u32> {
        let mut body = Vec::new();
        body.extend(RAW_IP.to_le_bytes());
        body.extend(0_u16.to_le_bytes());
        body.extend(0_u32.to_le_bytes());
        option(&mut body, IF_NAME, name.as_bytes())?;
        option(&mut body, IF_TSRESOL, &[9])?;
        end_of_options(&mut body);
        self.block(INTERFACE_DESCRIPTION, &body)?;
        let number = self.interfaces;
        self.interfaces = self.interfaces.saturating_add(1);
        Ok(number)
    }

    /// Adds a packet seen on `interface` at `at`, time since 1970.
    ///
    /// # Errors
    /// What `out` reports; `InvalidInput` for an interface that was not added, a packet beyond 4 GiB or a comment beyond 64 KiB.
    pub fn packet(
        &mut self,
        interface: u32,
        at: Duration,
        octets: &[u8],
        comment: Option<&str>,
    ) -> io::Result<()> {
        if interface >= self.interfaces {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no such interface"));
        }
        let nanoseconds = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX).to_le_bytes();
        let [l0, l1, l2, l3, h0, h1, h2, h3] = nanoseconds;
        let len = length(octets.len())?.to_le_bytes();
        let mut body = Vec::with_capacity(octets.len().saturating_add(64));
        body.extend(interface.to_le_bytes());
        body.extend([h0, h1, h2, h3, l0, l1, l2, l3]);
        body.extend(len);
        body.extend(len);
        padded(&mut body, octets);
        if let Some(comment) = comment {
            option(&mut body, OPT_COMMENT, comment.as_bytes())?;
            end_of_options(&mut body);
        }
        self.block(ENHANCED_PACKET, &body)
    }

    /// Flushes what is buffered.
    ///
    /// # Errors
    /// What `out` reports.
    pub fn finish(mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn block(&mut self, kind: u32, body: &[u8]) -> io::Result<()> {
        let len = length(body.len().saturating_add(BLOCK_OVERHEAD))?.to_le_bytes();
        self.out.write_all(&kind.to_le_bytes())?;
        self.out.write_all(&len)?;
        self.out.write_all(body)?;
        self.out.write_all(&len)
    }
}

fn length(octets: usize) -> io::Result<u32> {
    u32::try_from(octets).map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "too long for a capture"))
}

fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) -> io::Result<()> {
    let len = u16::try_from(value.len())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "too long for an option of a capture"))?;
    body.extend(code.to_le_bytes());
    body.extend(len.to_le_bytes());
    padded(body, value);
    Ok(())
}

fn end_of_options(body: &mut Vec<u8>) {
    body.extend([0; 4]);
}

fn padded(body: &mut Vec<u8>, octets: &[u8]) {
    body.extend_from_slice(octets);
    let pad = octets.len().next_multiple_of(4).saturating_sub(octets.len());
    body.extend(core::iter::repeat_n(0, pad));
}
