//! `%CRYPTO-...` messages, which need no switch, and `debug crypto engine`.

use ipsec_core::DropReason;
use isakmp_wire::ExchangeType;
use oakley::{Abort, Event, Incompatibility, Misbehaviour, Path, Reject};

use super::connection;
use crate::router::{DroppedPacket, Happening};

pub(super) fn lines(event: &Event) -> Option<String> {
    match event {
        Event::Failed { path, exchange, why, .. } if is_failure(why) => mode_failure(*exchange, path),
        // A responder that refuses the first message keeps no state whose end could be told of.
        Event::Rejected {
            path,
            exchange: Some(exchange),
            why: Reject::Incompatible(Incompatibility::NoKey(_) | Incompatibility::UnknownPeer { .. }),
            ..
        } => mode_failure(*exchange, path),
        Event::Phase2Refused { .. } => None,
        Event::Rejected { path, why, .. } if is_bad_message(why) => Some(format!(
            "%CRYPTO-4-IKMP_BAD_MESSAGE: IKE message from {} failed its sanity check or is malformed",
            path.remote.ip()
        )),
        _ => None,
    }
}

pub(super) fn engine(happening: &Happening, event: &Event) -> Option<String> {
    match event {
        Event::SkeyidGenerated { .. } => {
            Some(format!("Crypto engine 0: create ISAKMP SKEYID for conn id {}", connection(happening)))
        }
        _ => None,
    }
}

pub(super) fn dropped(drop: &DroppedPacket) -> Option<String> {
    let DroppedPacket { reason, source, destination, .. } = drop;
    match reason {
        DropReason::Unprotected => Some(format!(
            "%CRYPTO-4-RECVD_PKT_NOT_IPSEC: Rec'd packet not an IPSEC packet. dest_addr= {destination}, src_addr= {source}"
        )),
        DropReason::UnknownSpi => Some(format!(
            "%CRYPTO-4-RECVD_PKT_INV_SPI: decaps: rec'd IPSEC packet has invalid spi for destaddr={destination}, srcaddr={source}"
        )),
        DropReason::Icv => Some(format!(
            "%CRYPTO-4-RECVD_PKT_MAC_ERR: decrypt: mac verify failed, dest_addr= {destination}, src_addr= {source}"
        )),
        DropReason::Replayed | DropReason::TooOld => Some(format!(
            "%CRYPTO-4-PKT_REPLAY_ERR: decrypt: replay check failed, dest_addr= {destination}, src_addr= {source}"
        )),
        DropReason::Selectors | DropReason::Bundle => Some(format!(
            "%CRYPTO-4-RECVD_PKT_INV_IDENTITY: identity doesn't match negotiated identity ({reason}), dest_addr= {destination}, src_addr= {source}"
        )),
        DropReason::NoRoute => Some(format!("IP: s={source}, d={destination}, unroutable")),
        DropReason::Source => {
            Some(format!("IP: s={source}, d={destination}, the source is not behind that interface"))
        }
        _ => None,
    }
}

fn mode_failure(exchange: ExchangeType, path: &Path) -> Option<String> {
    Some(format!(
        "%CRYPTO-6-IKMP_MODE_FAILURE: Processing of {} failed with peer at {}",
        mode(exchange)?,
        path.remote.ip()
    ))
}

/// An exchange that was ended on purpose did not fail.
const fn is_failure(why: &Abort) -> bool {
    !matches!(why, Abort::Deleted | Abort::Displaced)
}

const fn is_bad_message(why: &Reject) -> bool {
    matches!(why, Reject::Malformed(_) | Reject::Misbehaved(Misbehaviour::Undecipherable))
}

fn mode(exchange: ExchangeType) -> Option<&'static str> {
    Some(match exchange {
        ExchangeType::IDENTITY_PROTECTION => "Main mode",
        ExchangeType::AGGRESSIVE => "Aggressive mode",
        ExchangeType::QUICK => "Quick mode",
        ExchangeType::INFORMATIONAL => "Informational mode",
        _ => return None,
    })
}
