//! `crypto ipsec`: what protects packets.

use std::collections::BTreeMap;

use super::{Located, Origin};

/// All `crypto ipsec` commands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ipsec {
    /// `crypto ipsec security-association lifetime`: for maps that give none.
    pub lifetime: IpsecLifetime,
    /// `crypto ipsec security-association replay`: for maps that give none.
    pub replay: Option<Replay>,
    /// `crypto ipsec df-bit`: the outer header's Don't Fragment bit (RFC 4301 8.1).
    pub df_bit: Option<DfBit>,
    /// `[no] crypto ipsec nat-transparency udp-encapsulation` (RFC 3947); `None` is as the release has it.
    pub udp_encapsulation: Option<bool>,
    /// Transform sets by name.
    pub transform_sets: BTreeMap<String, TransformSet>,
}

/// Lifetime of IPsec SAs; `None` is the next wider default, in the end 3600 s and 4608000 kB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IpsecLifetime {
    /// Seconds, 120 to 86400.
    pub seconds: Option<u32>,
    /// Kilobytes, 2560 to 536870912.
    pub kilobytes: Option<u32>,
}

/// Replay protection (RFC 4303 3.4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Replay {
    /// Off.
    Disabled,
    /// A window of so many packets: 64, 128, 256, 512 or 1024.
    Window(u16),
}

/// What becomes of the Don't Fragment bit in the outer header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DfBit {
    /// Never set.
    Clear,
    /// As in the inner header.
    Copy,
    /// Always set.
    Set,
}

/// One `crypto ipsec transform-set`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransformSet {
    /// One to three transforms in the order AH, ESP cipher, ESP authenticator.
    pub transforms: Vec<Located<Transform>>,
    /// `mode`; `None` is tunnel.
    pub mode: Option<TunnelMode>,
    /// `initialization-vector size`, 4 or 8 octets, for `esp-rfc1829` only.
    pub iv_size: Option<Located<u8>>,
    /// Where the set began.
    pub origin: Origin,
}

/// `mode` of a transform set (RFC 4301 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TunnelMode {
    /// The whole packet travels inside another.
    Tunnel,
    /// The packet keeps its header.
    Transport,
}

/// One transform as IOS names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transform {
    /// `ah-md5-hmac` (RFC 2403).
    AhMd5,
    /// `ah-sha-hmac` (RFC 2404).
    AhSha,
    /// `ah-sha256-hmac` (RFC 4868).
    AhSha256,
    /// `ah-sha384-hmac` (RFC 4868).
    AhSha384,
    /// `ah-sha512-hmac` (RFC 4868).
    AhSha512,
    /// `ah-rfc1828`: keyed MD5 before HMAC.
    AhRfc1828,
    /// `esp-des` (RFC 2405).
    EspDes,
    /// `esp-3des` (RFC 2451).
    EspTripleDes,
    /// `esp-aes` with a key of 128, 192 or 256 bits (RFC 3602).
    EspAes(u16),
    /// `esp-gcm` with a key of 128, 192 or 256 bits (RFC 4106).
    EspGcm(u16),
    /// `esp-null` (RFC 2410).
    EspNull,
    /// `esp-rfc1829`: DES before sequence numbers.
    EspRfc1829,
    /// `esp-md5-hmac` (RFC 2403).
    EspMd5,
    /// `esp-sha-hmac` (RFC 2404).
    EspSha,
    /// `esp-sha256-hmac` (RFC 4868).
    EspSha256,
    /// `esp-sha384-hmac` (RFC 4868).
    EspSha384,
    /// `esp-sha512-hmac` (RFC 4868).
    EspSha512,
}
