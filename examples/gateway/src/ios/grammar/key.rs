//! `crypto key pubkey-chain rsa` and the commands in it.

use super::{Commands, address, exit, go_on, host_name};
use crate::ios::lexer::{Fault, Words};
use crate::ios::model::{KeyUsage, PeerPublicKey, PublicKeyOwner};
use crate::ios::reader::{Block, Mode, Reader};

/// Inside the chain.
pub(crate) const CHAIN: Commands = &[
    ("addressed-key", |reader, words| {
        let origin = words.start();
        let owner = PublicKeyOwner::Address(address(words)?);
        key(reader, words, PeerPublicKey { owner, usage: None, address: None, key: Vec::new(), origin })
    }),
    ("exit", exit),
    ("named-key", |reader, words| {
        let origin = words.start();
        let owner = PublicKeyOwner::Name(host_name(words)?);
        key(reader, words, PeerPublicKey { owner, usage: None, address: None, key: Vec::new(), origin })
    }),
    ("no", |reader, words| go_on(NO, reader, words)),
];

const NO: Commands = &[
    ("addressed-key", |reader, words| {
        let owner = PublicKeyOwner::Address(address(words)?);
        remove(reader, words, &owner)
    }),
    ("named-key", |reader, words| {
        let owner = PublicKeyOwner::Name(host_name(words)?);
        remove(reader, words, &owner)
    }),
];

/// Inside one key.
pub(crate) const COMMANDS: Commands = &[
    ("address", |reader, words| {
        let address = address(words)?;
        words.end()?;
        if let Mode::Pubkey(index) = reader.mode
            && let Some(key) = reader.config.public_keys.get_mut(index)
        {
            key.address = Some(address);
        }
        Ok(())
    }),
    ("exit", exit),
    ("key-string", |reader, words| {
        words.end()?;
        if let Mode::Pubkey(index) = reader.mode {
            reader.collect(Block::PublicKey { index });
        }
        Ok(())
    }),
];

/// `crypto key pubkey-chain rsa`.
pub(crate) fn enter(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    words.keyword("pubkey-chain")?;
    words.keyword("rsa")?;
    words.end()?;
    reader.mode = Mode::PubkeyChain;
    Ok(())
}

const USAGES: &[(&str, KeyUsage)] =
    &[("encryption", KeyUsage::Encryption), ("signature", KeyUsage::Signature)];

fn key(reader: &mut Reader, words: &mut Words<'_>, mut new: PeerPublicKey) -> Result<(), Fault> {
    new.usage = words.optional(USAGES)?;
    words.end()?;
    let keys = &mut reader.config.public_keys;
    let index =
        keys.iter().position(|key| key.owner == new.owner && key.usage == new.usage).unwrap_or_else(|| {
            keys.push(new);
            keys.len().saturating_sub(1)
        });
    reader.mode = Mode::Pubkey(index);
    Ok(())
}

fn remove(reader: &mut Reader, words: &mut Words<'_>, owner: &PublicKeyOwner) -> Result<(), Fault> {
    let usage = words.optional(USAGES)?;
    words.end()?;
    let keys = &mut reader.config.public_keys;
    let Some(index) = keys.iter().position(|key| key.owner == *owner && key.usage == usage) else {
        return Err(words.invalid_before("there is no such key"));
    };
    keys.remove(index);
    Ok(())
}
