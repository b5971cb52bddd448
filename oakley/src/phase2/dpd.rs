//! Questions and answers of dead peer detection under one IKE SA (RFC 3706 5.3, 6): which numbers prove that the peer is
//! alive now.

use core::time::Duration;

use bytes::Bytes;
use isakmp_wire::payload::Notification;
use isakmp_wire::{Doi, Message, NotifyType, Payload, PayloadKind, ProtocolId};

use crate::engine::half_open::RateLimit;
use crate::error::Misbehaviour;
use crate::event::Cookies;
use crate::phase2::informational::cookie_spi;

/// RFC 3706 6.2: the first number leaves room for all that follow.
const FIRST_NUMBER: u32 = 0x7fff_ffff;

/// What is known about the peer's life.
#[derive(Default)]
pub(crate) struct Liveness {
    /// The number of our last question.
    last: Option<u32>,
    /// Questions that have no answer yet.
    pub(crate) round: Option<Round>,
    /// The number of the peer's last question.
    theirs: Option<u32>,
    /// When a packet of any bundle with the peer was opened last.
    pub(crate) opened: Duration,
    /// When a question was sent last.
    pub(crate) questioned: Duration,
    /// When something was last sent to the peer that should draw an answer.
    pub(crate) spoke: Option<Duration>,
    /// Answers per second.
    pub(crate) answers: RateLimit,
    /// Those among them to repeated questions.
    pub(crate) repeats: RateLimit,
}

/// A question and its repetitions, each with a number of its own.
#[derive(Clone, Copy)]
pub(crate) struct Round {
    first: u32,
    pub(crate) sends: u32,
    pub(crate) began: Duration,
}

/// What a question of the peer's tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// It is newer than all before it: the peer is alive.
    New,
    /// The last one again. Its answer may have been lost, or somebody repeats it: it is answered and proves nothing.
    Repeated,
}

impl Liveness {
    /// The number of the next question; `random` is used for the first one.
    pub(crate) fn ask(&mut self, now: Duration, random: impl FnOnce() -> Option<u32>) -> Option<u32> {
        // RFC 3706 6.2: random, the highest bit clear; then one more each time.
        let number = match self.last {
            Some(last) => last.wrapping_add(1),
            None => random()? & FIRST_NUMBER,
        };
        self.last = Some(number);
        self.questioned = now;
        let round = self.round.get_or_insert(Round { first: number, sends: 0, began: now });
        round.sends = round.sends.saturating_add(1);
        Some(number)
    }

    /// RFC 3706 6.1: only the number of a question that waits for its answer is one.
    pub(crate) fn check_answer(&self, number: u32) -> Result<(), Misbehaviour> {
        let round = self.round.ok_or(Misbehaviour::Liveness("an answer without a question"))?;
        if number.wrapping_sub(round.first) < round.sends {
            Ok(())
        } else {
            Err(Misbehaviour::Liveness("an answer to another question"))
        }
    }

    /// RFC 3706 6.2: the peer's numbers only grow, also past their end.
    pub(crate) fn check_question(&self, number: u32) -> Result<Question, Misbehaviour> {
        match self.theirs.map(|last| number.wrapping_sub(last)) {
            None => Ok(Question::New),
            Some(0) => Ok(Question::Repeated),
            Some(1..=FIRST_NUMBER) => Ok(Question::New),
            Some(_) => Err(Misbehaviour::Liveness("an old question")),
        }
    }

    /// The peer's last question had this number.
    pub(crate) fn asked(&mut self, number: u32) {
        self.theirs = Some(number);
    }
}

/// The question or answer that a message is, if it is nothing else. Numbers tell which are old; so their message ids need no
/// memory, and an IKE SA does not run out of them.
pub(crate) fn of(message: &Message) -> Option<&Notification> {
    let [hash, payload] = message.payloads() else { return None };
    let about_life = |notification: &&Notification| {
        matches!(notification.notify_type, NotifyType::R_U_THERE | NotifyType::R_U_THERE_ACK)
    };
    payload.get::<Notification>().filter(about_life).filter(|_| hash.kind() == PayloadKind::HASH)
}

/// The number in a question or an answer that is about this IKE SA (RFC 3706 5.3, 6.1).
pub(crate) fn number(notification: &Notification, cookies: &Cookies) -> Result<u32, Misbehaviour> {
    if notification.protocol != ProtocolId::ISAKMP || notification.spi != cookie_spi(cookies) {
        return Err(Misbehaviour::Liveness("a question or answer about another IKE SA"));
    }
    let number = <[u8; 4]>::try_from(notification.data.as_ref());
    number
        .map(u32::from_be_bytes)
        .map_err(|_| Misbehaviour::Liveness("a number that is not four octets long"))
}

/// A question or an answer (RFC 3706 5.3).
pub(crate) fn payload(notify_type: NotifyType, cookies: &Cookies, number: u32) -> Payload {
    Payload::new(Notification {
        doi: Doi::IPSEC,
        protocol: ProtocolId::ISAKMP,
        spi: cookie_spi(cookies),
        notify_type,
        data: Bytes::copy_from_slice(&number.to_be_bytes()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t089_numbers_go_on_past_their_end() {
        let mut liveness = Liveness { last: Some(u32::MAX - 2), ..Liveness::default() };
        let mut numbers = std::vec::Vec::new();
        for _ in 0..5 {
            numbers.extend(liveness.ask(Duration::ZERO, || None));
        }
        assert_eq!(numbers, [u32::MAX - 1, u32::MAX, 0, 1, 2]);
        for number in numbers {
            assert_eq!(liveness.check_answer(number), Ok(()));
        }
        for number in [u32::MAX - 2, 3, 0x8000_0000] {
            assert!(liveness.check_answer(number).is_err());
        }
        for (theirs, number) in [(u32::MAX - 2, u32::MAX), (u32::MAX, 0), (u32::MAX, 0x7fff_fffe), (7, 8)] {
            liveness.asked(theirs);
            assert_eq!(liveness.check_question(number), Ok(Question::New), "{theirs} {number}");
            liveness.asked(number);
            assert_eq!(liveness.check_question(number), Ok(Question::Repeated));
            assert!(liveness.check_question(theirs).is_err(), "{theirs} after {number}");
        }
    }

    #[test]
    fn the_first_number_is_random_and_leaves_room() {
        let mut liveness = Liveness::default();
        assert_eq!(liveness.ask(Duration::ZERO, || None), None);
        assert_eq!(liveness.ask(Duration::ZERO, || Some(u32::MAX)), Some(0x7fff_ffff));
        assert_eq!(liveness.ask(Duration::ZERO, || Some(5)), Some(0x8000_0000));
    }
}
