//! What an authenticated peer tells in Informationals: refusals in every form, hints, and shorter lives.

use bytes::Bytes;
use isakmp_wire::payload::{Attribute, AttributeValue, Notification};
use isakmp_wire::{Doi, ExchangeType, NotifyType, Payload, ProtocolId};

use crate::forger::*;
use crate::pair::*;
use core::time::Duration;
use oakley::*;

fn notify(notify_type: NotifyType, protocol: ProtocolId, spi: &[u8], data: &[u8]) -> Payload {
    let (spi, data) = (Bytes::copy_from_slice(spi), Bytes::copy_from_slice(data));
    Payload::new(Notification { doi: Doi::IPSEC, protocol, spi, notify_type, data })
}

impl Bench {
    /// The peer of A sends payloads in an Informational.
    fn tell(&mut self, payload: Payload) -> usize {
        let id = 0x5000 + self.hosts[A].events.len() as u32;
        let header = self.header(ExchangeType::INFORMATIONAL, id);
        let message = self.protect(&header, &[payload]);
        self.deliver(A, &message)
    }

    fn cookies(&self) -> Vec<u8> {
        let cookies = self.hosts[A].engine.snapshot().ike_sas[0].cookies;
        [cookies.initiator.0, cookies.responder.0].concat()
    }

    fn request(&mut self, last: u8) -> SelectorPair {
        let mut selectors = SelectorPair { local: net(1), remote: net(2) };
        let host = core::net::IpAddr::from([10, 1, 0, last]);
        selectors.local.addresses = host..=host;
        let request = Request { path: Pair::path(), selectors: selectors.clone() };
        self.hosts[A].engine.handle_input(self.now, Input::Initiate(request)).unwrap();
        self.hosts[A].drain();
        selectors
    }

    fn failed(&self) -> Vec<SelectorPair> {
        let failed = self.hosts[A].events.iter().filter_map(|event| match event {
            Event::RequestFailed { selectors, .. } => Some(selectors.clone()),
            _ => None,
        });
        failed.collect()
    }

    fn spi_of_last(&self) -> [u8; 4] {
        let spis = self.hosts[A].events.iter().rev().find_map(|event| match event {
            Event::SpiAllocated { spi, .. } => Some(*spi),
            _ => None,
        });
        spis.unwrap().0.to_be_bytes()
    }
}

/// What a refusal names, how, and the number of the Quick Mode that it is of.
type Form = (&'static str, fn(&Bench) -> Vec<u8>, usize);

/// Two Quick Modes wait; the second one is refused by its SPI, or some Quick Mode in words that name none of them.
#[test]
fn a_refusal_is_of_the_quick_mode_that_it_names_or_of_the_oldest() {
    let forms: [Form; 6] = [
        ("our SPI", |bench| bench.spi_of_last().to_vec(), 1),
        ("SPI 0", |_| vec![0; 4], 0),
        ("its own SPI", |_| vec![0xab; 4], 0),
        ("the cookies", Bench::cookies, 0),
        ("an SPI of eight octets", |_| vec![7; 8], 0),
        ("none", |_| Vec::new(), 0),
    ];
    for (what, spi, which) in forms {
        for protocol in [ProtocolId::ESP, ProtocolId::ISAKMP, ProtocolId(0)] {
            let mut bench = Bench::new(40);
            bench.initiate();
            bench.run(|_, _, _, _| {});
            let first = bench.request(7);
            bench.now += Duration::from_secs(1);
            let second = bench.request(8);
            let named = spi(&bench);
            bench.tell(notify(NotifyType::NO_PROPOSAL_CHOSEN, protocol, &named, &[]));
            let expected = [&first, &second][which].clone();
            assert_eq!(bench.failed(), [expected], "{what}");
            assert_eq!(bench.hosts[A].engine.snapshot().ike_sas[0].exchanges.len(), 1, "{what}");
        }
    }
}

/// What is about an SA that is there, or about none of ours, refuses nothing.
#[test]
fn notifies_about_other_sas_refuse_no_quick_mode() {
    let mut bench = Bench::new(41);
    bench.initiate();
    bench.run(|_, _, _, _| {});
    let bundle = bench.hosts[A].engine.snapshot().bundles[0].clone();
    bench.request(7);
    let outbound = bundle.pairs[0].outbound.0.to_be_bytes();
    bench.tell(notify(NotifyType::INVALID_SPI, ProtocolId::ESP, &[0xab; 4], &[]));
    bench.tell(notify(NotifyType::INVALID_COOKIE, ProtocolId::ISAKMP, &[], &[]));
    bench.tell(notify(NotifyType::PAYLOAD_MALFORMED, ProtocolId::ESP, &outbound, &[]));
    assert!(bench.failed().is_empty());
}

/// A hint, in each of the forms that are seen: the peer is asked for another bundle, once, and nothing goes before it agrees.
#[test]
fn invalid_spi_makes_the_owner_ask_for_another_bundle() {
    for in_data in [false, true] {
        let mut bench = Bench::new(42);
        bench.initiate();
        bench.run(|_, _, _, _| {});
        let bundle = bench.hosts[A].engine.snapshot().bundles[0].clone();
        let spi = bundle.pairs[0].outbound.0.to_be_bytes();
        let hint = || match in_data {
            true => notify(NotifyType::INVALID_SPI, ProtocolId::ISAKMP, &[], &spi),
            false => notify(NotifyType::INVALID_SPI, ProtocolId::ESP, &spi, &[]),
        };
        assert_eq!(bench.tell(hint()), 1, "a Quick Mode");
        assert_eq!(bench.tell(hint()), 0, "no second one");
        assert!(bench.hosts[A].removed.is_empty());
        bench.run(|_, _, _, _| {});
        assert_eq!(bench.hosts[A].removed, [(bundle.id, RemoveReason::Silent)]);
        assert_eq!(bench.hosts[B].removed.len(), 1);
        assert_eq!(bench.hosts[B].engine.snapshot().bundles.len(), 1);
        // In clear, or about another SPI, it is nothing.
        bench.now += Duration::from_secs(100);
        assert_eq!(bench.tell(notify(NotifyType::INVALID_SPI, ProtocolId::ESP, &[9; 4], &[])), 0);
    }
}

fn life(class: u16, seconds: u32) -> Vec<u8> {
    let attributes = [
        Attribute { kind: class, value: AttributeValue::Basic(1) },
        Attribute {
            kind: class + 1,
            value: AttributeValue::Variable(Bytes::copy_from_slice(&seconds.to_be_bytes())),
        },
    ];
    Attribute::encode_list(&attributes).to_vec()
}

/// RFC 2407 4.6.3.1: whichever of the two SPIs it names, a shorter life brings the successor forward, a longer one nothing.
#[test]
fn t076_a_life_announced_after_the_exchange_shortens_a_bundle() {
    for named in [0, 1] {
        for (seconds, due) in [(600, Some(600)), (1, Some(10)), (7200, None), (0, None)] {
            let mut bench = Bench::new(43);
            bench.initiate();
            bench.run(|_, _, _, _| {});
            let bundle = bench.hosts[A].engine.snapshot().bundles[0].clone();
            let spi = [bundle.pairs[0].outbound, bundle.pairs[0].inbound][named].0.to_be_bytes();
            bench.tell(notify(NotifyType::RESPONDER_LIFETIME, ProtocolId::ESP, &spi, &life(1, seconds)));
            let after = bench.hosts[A].engine.snapshot().bundles[0].clone();
            assert_eq!(after.lifetime.seconds, due.or(Some(3600)), "{seconds}");
            // Just before the announced end a successor has been begun.
            bench.now = Duration::from_secs(due.unwrap_or(1000));
            bench.hosts[A].engine.handle_timeout(bench.now);
            bench.deliver(A, &[]);
            bench.run(|_, _, _, _| {});
            assert_eq!(bench.hosts[A].established().len(), 1 + usize::from(due.is_some()), "{seconds}");
        }
    }
}

#[test]
fn t076_a_life_announced_after_the_exchange_shortens_an_ike_sa() {
    for (seconds, end) in [(3600, 3600), (1, 30), (100_000, 86_400)] {
        for with_cookies in [true, false] {
            let mut bench = Bench::new(44);
            bench.initiate();
            bench.run(|_, _, _, _| {});
            let spi = if with_cookies { bench.cookies() } else { Vec::new() };
            bench.tell(notify(NotifyType::RESPONDER_LIFETIME, ProtocolId::ISAKMP, &spi, &life(11, seconds)));
            let expires = bench.hosts[A].engine.snapshot().ike_sas[0].expires;
            assert_eq!(expires, Some(Duration::from_secs(end)), "{seconds}");
            // Before it ends it has a successor.
            bench.now = Duration::from_secs(end - 1);
            bench.hosts[A].engine.handle_timeout(bench.now);
            bench.deliver(A, &[]);
            bench.run(|_, _, _, _| {});
            assert_eq!(bench.hosts[A].ready(), 2, "{seconds}");
        }
    }
    // Another IKE SA's cookies say nothing about this one.
    let mut bench = Bench::new(45);
    bench.initiate();
    bench.run(|_, _, _, _| {});
    bench.tell(notify(NotifyType::RESPONDER_LIFETIME, ProtocolId::ISAKMP, &[7; 16], &life(11, 600)));
    assert_eq!(bench.hosts[A].engine.snapshot().ike_sas[0].expires, Some(Duration::from_secs(86_400)));
}
