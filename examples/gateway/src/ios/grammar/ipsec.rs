//! `crypto ipsec ...`, transform sets apart.

use super::{Commands, go_on, transform_set};
use crate::ios::lexer::{Fault, Words};
use crate::ios::model::{DfBit, IpsecLifetime, Replay};
use crate::ios::reader::Reader;

pub(crate) const COMMANDS: Commands = &[
    ("df-bit", df_bit),
    ("nat-transparency", |reader, words| nat_transparency(reader, words, true)),
    ("security-association", |reader, words| go_on(ASSOCIATION, reader, words)),
    ("transform-set", transform_set::enter),
];

pub(crate) const NO: Commands = &[
    ("df-bit", |reader, words| {
        words.optional(DF_BITS)?;
        words.end()?;
        reader.config.ipsec.df_bit = None;
        Ok(())
    }),
    ("nat-transparency", |reader, words| nat_transparency(reader, words, false)),
    ("security-association", |reader, words| go_on(NO_ASSOCIATION, reader, words)),
    ("transform-set", transform_set::remove),
];

const ASSOCIATION: Commands = &[
    ("lifetime", |reader, words| {
        let change = lifetime(words)?;
        change.apply(&mut reader.config.ipsec.lifetime);
        Ok(())
    }),
    ("replay", |reader, words| {
        reader.config.ipsec.replay = Some(replay(words)?);
        Ok(())
    }),
];

const NO_ASSOCIATION: Commands = &[
    ("lifetime", |reader, words| {
        let unit = lifetime_unit(words)?;
        words.end()?;
        LifetimeChange { unit, value: None }.apply(&mut reader.config.ipsec.lifetime);
        Ok(())
    }),
    ("replay", |reader, words| {
        words.end()?;
        reader.config.ipsec.replay = None;
        Ok(())
    }),
];

const DF_BITS: &[(&str, DfBit)] = &[("clear", DfBit::Clear), ("copy", DfBit::Copy), ("set", DfBit::Set)];

/// Which limit of a lifetime.
#[derive(Clone, Copy)]
pub(crate) enum LifetimeUnit {
    Seconds,
    Kilobytes,
}

/// One limit and its new value.
pub(crate) struct LifetimeChange {
    pub(crate) unit: LifetimeUnit,
    pub(crate) value: Option<u32>,
}

impl LifetimeChange {
    pub(crate) fn apply(&self, lifetime: &mut IpsecLifetime) {
        match self.unit {
            LifetimeUnit::Seconds => lifetime.seconds = self.value,
            LifetimeUnit::Kilobytes => lifetime.kilobytes = self.value,
        }
    }
}

pub(crate) fn lifetime_unit(words: &mut Words<'_>) -> Result<LifetimeUnit, Fault> {
    words.choose(&[("kilobytes", LifetimeUnit::Kilobytes), ("seconds", LifetimeUnit::Seconds)])
}

/// `seconds <120-86400>` or `kilobytes <2560-536870912>`, to the end of the line.
pub(crate) fn lifetime(words: &mut Words<'_>) -> Result<LifetimeChange, Fault> {
    let unit = lifetime_unit(words)?;
    let value = match unit {
        LifetimeUnit::Seconds => words.number(120..=86_400)?,
        LifetimeUnit::Kilobytes => words.number(2560..=536_870_912)?,
    };
    words.end()?;
    Ok(LifetimeChange { unit, value: Some(value) })
}

/// `disable` or `window-size N`, to the end of the line.
pub(crate) fn replay(words: &mut Words<'_>) -> Result<Replay, Fault> {
    let replay = match words.choose(&[("disable", true), ("window-size", false)])? {
        true => Replay::Disabled,
        false => Replay::Window(words.exactly(&[
            ("64", 64),
            ("128", 128),
            ("256", 256),
            ("512", 512),
            ("1024", 1024),
        ])?),
    };
    words.end()?;
    Ok(replay)
}

fn df_bit(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let df_bit = words.choose(DF_BITS)?;
    words.end()?;
    reader.config.ipsec.df_bit = Some(df_bit);
    Ok(())
}

fn nat_transparency(reader: &mut Reader, words: &mut Words<'_>, on: bool) -> Result<(), Fault> {
    words.keyword("udp-encapsulation")?;
    words.end()?;
    reader.config.ipsec.udp_encapsulation = Some(on);
    Ok(())
}
