//! The commands inside an entry of a crypto map or dynamic map.

use crypto_provider::GroupId;

use super::{Commands, acl_name, exit, go_on, hex, host_name, ipsec};
use crate::ios::lexer::{Fault, Words};
use crate::ios::model::{
    ConfigSecret, EspSessionKey, MapEntry, MapKind, Origin, Peer, PeerName, Pfs, SpiKey,
};
use crate::ios::reader::{Mode, Reader};

pub(crate) const COMMANDS: Commands = &[
    ("description", |reader, words| {
        let text = words.rest("LINE")?;
        change(reader, words, Takes::Anything, |entry| entry.description = Some(text))
    }),
    ("exit", exit),
    ("match", match_address),
    ("no", |reader, words| go_on(NO, reader, words)),
    ("set", |reader, words| go_on(SET, reader, words)),
];

const SET: Commands = &[
    ("peer", set_peer),
    ("pfs", set_pfs),
    ("security-association", |reader, words| go_on(ASSOCIATION, reader, words)),
    ("session-key", set_session_key),
    ("transform-set", set_transform_set),
];

const ASSOCIATION: Commands = &[
    ("level", |reader, words| level(reader, words, true)),
    ("lifetime", |reader, words| {
        let before = words.clone();
        let lifetime = ipsec::lifetime(words)?;
        change(reader, &before, Takes::Negotiated, |entry| lifetime.apply(&mut entry.lifetime))
    }),
    ("replay", |reader, words| {
        let before = words.clone();
        let replay = ipsec::replay(words)?;
        change(reader, &before, Takes::Negotiated, |entry| entry.replay = Some(replay))
    }),
];

const NO: Commands = &[
    ("description", |reader, words| {
        words.end()?;
        change(reader, words, Takes::Anything, |entry| entry.description = None)
    }),
    ("match", |reader, words| {
        words.keyword("address")?;
        if words.peek().is_some() {
            acl_name(words)?;
        }
        words.end()?;
        change(reader, words, Takes::Settings, |entry| entry.access_list = None)
    }),
    ("set", |reader, words| go_on(NO_SET, reader, words)),
];

const NO_SET: Commands = &[
    ("peer", no_peer),
    ("pfs", |reader, words| {
        words.end()?;
        change(reader, words, Takes::Negotiated, |entry| entry.pfs = None)
    }),
    ("security-association", |reader, words| go_on(NO_ASSOCIATION, reader, words)),
    ("transform-set", |reader, words| {
        words.end()?;
        change(reader, words, Takes::Settings, |entry| entry.transform_sets.clear())
    }),
];

const NO_ASSOCIATION: Commands = &[
    ("level", |reader, words| level(reader, words, false)),
    ("lifetime", |reader, words| {
        let unit = ipsec::lifetime_unit(words)?;
        words.end()?;
        let lifetime = ipsec::LifetimeChange { unit, value: None };
        change(reader, words, Takes::Negotiated, |entry| lifetime.apply(&mut entry.lifetime))
    }),
    ("replay", |reader, words| {
        words.end()?;
        change(reader, words, Takes::Negotiated, |entry| entry.replay = None)
    }),
];

/// Which kinds of entry take a command.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// Every kind.
    Anything,
    /// Every kind but one that refers to a dynamic map, which has all its settings from there.
    Settings,
    /// Only what is negotiated.
    Negotiated,
    /// Only what is keyed by hand.
    Manual,
}

/// Changes the entry of the mode, if an entry of its kind takes the command; errors stand at the next word of `at`.
fn change(
    reader: &mut Reader,
    at: &Words<'_>,
    takes: Takes,
    change: impl FnOnce(&mut MapEntry),
) -> Result<(), Fault> {
    let config = &mut reader.config;
    let entry = match &reader.mode {
        Mode::CryptoMap { name, sequence } => {
            config.crypto_maps.get_mut(name).and_then(|map| map.entries.get_mut(sequence))
        }
        Mode::DynamicMap { name, sequence } => {
            config.dynamic_maps.get_mut(name).and_then(|map| map.get_mut(sequence))
        }
        _ => None,
    };
    let Some(entry) = entry else {
        return Err(at.invalid("this entry has been removed"));
    };
    match (&entry.kind, takes) {
        (MapKind::Dynamic(_), Takes::Settings | Takes::Negotiated | Takes::Manual) => {
            Err(at.invalid("an entry of kind 'dynamic' has its settings from the dynamic map"))
        }
        (MapKind::Manual, Takes::Negotiated) => {
            Err(at.invalid("an entry of kind ipsec-manual does not negotiate; this has no meaning in it"))
        }
        (MapKind::Isakmp, Takes::Manual) => {
            Err(at.invalid("session keys belong to an entry of kind ipsec-manual"))
        }
        _ => {
            change(entry);
            Ok(())
        }
    }
}

fn match_address(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    words.keyword("address")?;
    let before = words.clone();
    let name = words.located(acl_name)?;
    words.end()?;
    change(reader, &before, Takes::Settings, |entry| entry.access_list = Some(name))
}

fn peer_name(words: &mut Words<'_>) -> Result<PeerName, Fault> {
    match words.peek().and_then(|word| word.parse().ok()) {
        Some(address) => {
            words.name("A.B.C.D")?;
            Ok(PeerName::Address(address))
        }
        None => match host_name(words) {
            Ok(name) => Ok(PeerName::Hostname(name)),
            Err(_) => Err(words.unexpected(&["A.B.C.D", "X:X::X", "HOSTNAME"])),
        },
    }
}

fn set_peer(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let before = words.clone();
    let origin = words.origin();
    let name = peer_name(words)?;
    words.end()?;
    change(reader, &before, Takes::Settings, |entry| {
        if !entry.peers.iter().any(|peer| peer.name == name) {
            entry.peers.push(Peer { name, origin });
        }
    })
}

fn no_peer(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let before = words.clone();
    let name = peer_name(words)?;
    words.end()?;
    change(reader, &before, Takes::Settings, |entry| entry.peers.retain(|peer| peer.name != name))
}

fn set_transform_set(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let before = words.clone();
    let mut names = Vec::new();
    while names.is_empty() || words.peek().is_some() {
        let name = words.located(|words| words.name("NAME"))?;
        if names.contains(&name) {
            return Err(words.invalid_before("this transform set is named twice"));
        }
        // IOS takes six.
        if names.len() == 6 {
            return Err(words.invalid_before("at most six transform sets"));
        }
        names.push(name);
    }
    change(reader, &before, Takes::Settings, |entry| entry.transform_sets = names)
}

fn set_pfs(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let before = words.clone();
    let pfs = words.located(|words| match words.peek() {
        None => Ok(Pfs::Default),
        Some(_) => words.exactly(PFS_GROUPS).map(Pfs::Group),
    })?;
    words.end()?;
    change(reader, &before, Takes::Negotiated, |entry| entry.pfs = Some(pfs))
}

/// The groups of a policy under the names that `set pfs` uses.
pub(crate) const PFS_GROUPS: &[(&str, GroupId)] = &[
    ("group1", GroupId::MODP_768),
    ("group2", GroupId::MODP_1024),
    ("group5", GroupId::MODP_1536),
    ("group14", GroupId::MODP_2048),
    ("group15", GroupId::MODP_3072),
    ("group16", GroupId::MODP_4096),
    ("group17", GroupId::MODP_6144),
    ("group18", GroupId::MODP_8192),
    ("group19", GroupId::ECP_256),
    ("group20", GroupId::ECP_384),
    ("group21", GroupId::ECP_521),
];

fn level(reader: &mut Reader, words: &mut Words<'_>, per_host: bool) -> Result<(), Fault> {
    let before = words.clone();
    words.keyword("per-host")?;
    words.end()?;
    change(reader, &before, Takes::Negotiated, |entry| entry.per_host = per_host)
}

/// `set session-key inbound|outbound ah SPI KEY` or `... esp SPI cipher KEY [authenticator KEY]`.
fn set_session_key(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let before = words.clone();
    let origin = words.origin();
    let inbound = words.choose(&[("inbound", true), ("outbound", false)])?;
    if words.choose(&[("ah", true), ("esp", false)])? {
        let spi = words.number(256..=u32::MAX)?;
        let key = hex_key(words)?;
        words.end()?;
        let key = SpiKey { spi, key, origin };
        return change(reader, &before, Takes::Manual, |entry| {
            let keys = &mut entry.session_keys;
            *(if inbound { &mut keys.inbound_ah } else { &mut keys.outbound_ah }) = Some(key);
        });
    }
    let key = esp_key(words, origin)?;
    change(reader, &before, Takes::Manual, |entry| {
        let keys = &mut entry.session_keys;
        *(if inbound { &mut keys.inbound_esp } else { &mut keys.outbound_esp }) = Some(key);
    })
}

fn esp_key(words: &mut Words<'_>, origin: Origin) -> Result<EspSessionKey, Fault> {
    let spi = words.number(256..=u32::MAX)?;
    words.keyword("cipher")?;
    let cipher = hex_key(words)?;
    let authenticator = match words.optional(&[("authenticator", ())])? {
        Some(()) => Some(hex_key(words)?),
        None => None,
    };
    words.end()?;
    Ok(EspSessionKey { spi, cipher, authenticator, origin })
}

/// A key in hexadecimal, which no message repeats.
fn hex_key(words: &mut Words<'_>) -> Result<ConfigSecret, Fault> {
    words.mask();
    words.parameter("HEX", |word| hex(word).map(ConfigSecret::new))
}
