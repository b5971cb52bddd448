//! Numbers that name exchanges and SAs: message ids are used once and end (RFC 2409 5.5, RFC 2408 3.1), our own SPIs and ids
//! never meet live ones.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use core::time::Duration;
use crypto_provider::default::{SeededRandom, provider};
use crypto_provider::{CryptoProvider, RandomFailed, SecureRandom};
use isakmp_wire::payload::Delete;
use isakmp_wire::{Doi, ExchangeType, Header, NotifyType, Payload, ProtocolId};
use oakley::*;

use crate::forger::*;
use crate::pair::*;
use crate::phase2::{live, notify, quick};

/// A source whose next draws of four octets, which message ids and SPIs are, can be told.
struct Told(SeededRandom, Mutex<VecDeque<u32>>);

impl SecureRandom for Told {
    fn fill(&self, out: &mut [u8]) -> Result<(), RandomFailed> {
        self.0.fill(out)?;
        if out.len() == 4
            && let Some(next) = self.1.lock().unwrap().pop_front()
        {
            out.copy_from_slice(&next.to_be_bytes());
        }
        Ok(())
    }
}

impl Told {
    fn tell(&self, numbers: &[u32]) {
        self.1.lock().unwrap().extend(numbers);
    }

    /// Whether all that it was told was drawn.
    fn is_through(&self) -> bool {
        self.1.lock().unwrap().is_empty()
    }
}

/// A tunnel between A and B; B draws what the test says.
fn told(seed: u64) -> (Bench, Arc<Told>) {
    let told = Arc::new(Told(SeededRandom::new(seed + 500), Mutex::default()));
    let provider = CryptoProvider { random: Arc::clone(&told) as Arc<dyn SecureRandom>, ..provider() };
    let mut bench = Bench::new(seed);
    let policy = Policy { key_log: true, ..policy(2, 1) };
    bench.hosts[B].engine = Engine::new(Config::default(), provider, Arc::new(policy));
    bench.initiate();
    bench.run(|_, _, _, _| {});
    assert!(bench.complete());
    (bench, told)
}

/// A bench whose tunnel is up and whose responder remembers `most` message ids.
fn forgetful(seed: u64, most: usize) -> Bench {
    let mut bench = Bench::new(seed);
    let mut config = Config::default();
    config.max_message_ids = most;
    bench.hosts[B] = Host::new(seed + 1000, Policy { key_log: true, ..policy(2, 1) }, config);
    bench.initiate();
    bench.run(|_, _, _, _| {});
    assert!(bench.complete());
    bench
}

fn exhausted() -> Option<Reject> {
    Some(Reject::Incompatible(Incompatibility::MessageIdsExhausted))
}

/// The message ids of Quick Modes that went before are remembered as long as the IKE SA lives, also when their replies are gone.
#[test]
fn t065_an_old_quick_mode_begins_nothing() {
    let mut bench = live(80);
    let recorded = bench.seen.iter().find(|(_, octets)| octets[18] == 32).unwrap().1.clone();
    for seconds in [0, 131, 3000] {
        bench.now = Duration::from_secs(seconds);
        bench.hosts[B].engine.handle_timeout(bench.now);
        bench.hosts[B].drain();
        bench.quiet(B, &recorded, "an old Quick Mode");
    }
    assert_eq!(bench.hosts[B].rejects().pop(), Some(Reject::Misbehaved(Misbehaviour::MessageId)));
}

#[test]
fn t065_the_memory_of_quick_modes_is_bounded() {
    let mut bench = forgetful(81, 4);
    // One is used by the tunnel.
    for id in 1..=3 {
        let message = quick(&bench, 7000 + id, |_| {});
        assert_eq!(bench.deliver(B, &message), 1, "{id}");
    }
    let installed = bench.hosts[B].installed.len();
    let message = quick(&bench, 7010, |_| {});
    assert_eq!(bench.deliver(B, &message), 0);
    assert_eq!(bench.hosts[B].rejects().pop(), exhausted());
    assert_eq!(bench.hosts[B].installed.len(), installed);
    // None of our own is begun either; the SA can still be heard to end.
    let bundle = bench.hosts[B].engine.snapshot().bundles[0].id;
    let soft = Input::Used { bundle, limit: LimitReached::Soft };
    let sent = bench.hosts[B].sent.len();
    bench.hosts[B].engine.handle_input(bench.now, soft).unwrap();
    bench.hosts[B].drain();
    let new: Vec<u8> = bench.hosts[B].sent[sent..].iter().map(|octets| octets[18]).collect();
    assert!(!new.contains(&ExchangeType::QUICK.0), "{new:?}");
    let header = bench.header(ExchangeType::INFORMATIONAL, 7020);
    let cookies = Header::parse(&bench.seen[4].1).unwrap();
    let spi = [cookies.initiator_cookie.0, cookies.responder_cookie.0].concat();
    let delete =
        Delete { doi: Doi::IPSEC, protocol: ProtocolId::ISAKMP, spi_size: 16, spis: vec![Bytes::from(spi)] };
    let end = bench.protect(&header, &[Payload::new(delete)]);
    bench.deliver(B, &end);
    assert_eq!(bench.hosts[B].ready(), 0);
}

#[test]
fn t065_the_memory_of_informationals_is_bounded() {
    /// What only Informationals may use.
    const RESERVED: u32 = 256;
    let mut bench = forgetful(82, 4);
    let message = |bench: &Bench, id: u32| {
        let header = bench.header(ExchangeType::INFORMATIONAL, id);
        bench.protect(&header, &[notify(NotifyType::RESPONDER_LIFETIME)])
    };
    for id in 0..3 + RESERVED {
        let taken = message(&bench, 20_000 + id);
        let rejects = bench.hosts[B].rejects().len();
        bench.deliver(B, &taken);
        assert_eq!(bench.hosts[B].rejects().len(), rejects, "{id}");
    }
    for id in 0..2 {
        let refused = message(&bench, 30_000 + id);
        bench.quiet(B, &refused, "an Informational too many");
        assert_eq!(bench.hosts[B].rejects().pop(), exhausted());
    }
    // Nor has our own side an id for one; what it takes away goes all the same.
    let (sent, bundle) = (bench.hosts[B].sent.len(), bench.hosts[B].engine.snapshot().bundles[0].id);
    bench.hosts[B].engine.handle_input(bench.now, Input::Delete(Target::Bundle(bundle))).unwrap();
    bench.hosts[B].drain();
    assert_eq!((bench.hosts[B].sent.len(), bench.hosts[B].removed.len()), (sent, 1));
}

/// RFC 2408 3.1: an id that the peer has used under this IKE SA is not used again by us.
#[test]
fn t065_an_own_message_id_is_none_that_was_used() {
    let (mut bench, told) = told(83);
    let used = 0x0badcafe;
    let header = bench.header(ExchangeType::INFORMATIONAL, used);
    let message = bench.protect(&header, &[notify(NotifyType::RESPONDER_LIFETIME)]);
    bench.deliver(B, &message);
    told.tell(&[0, used]);
    let bundle = bench.hosts[B].engine.snapshot().bundles[0].id;
    bench.hosts[B].engine.handle_input(bench.now, Input::Delete(Target::Bundle(bundle))).unwrap();
    bench.hosts[B].drain();
    let sent = Header::parse(bench.hosts[B].sent.last().unwrap()).unwrap();
    assert_eq!(sent.exchange, ExchangeType::INFORMATIONAL);
    assert!(told.is_through());
    assert!(![0, used].contains(&sent.message_id.0));
}

/// Neither the SPI of a live SA of ours nor a reserved one is drawn for another.
#[test]
fn t069_an_own_spi_is_none_that_is_in_use() {
    let (mut bench, told) = told(84);
    let live = bench.hosts[B].established()[0].pairs[0].inbound;
    told.tell(&[live.0, 255, u32::MAX]);
    let message = quick(&bench, 4300, |_| {});
    assert_eq!(bench.deliver(B, &message), 1);
    assert!(told.is_through());
    let new = bench.hosts[B].installed.last().unwrap();
    assert_eq!(new.direction, Direction::Inbound);
    assert!(![live.0, 255, u32::MAX].contains(&new.sas[0].spi.0));
}

/// RFC 2408 3.1: id 0 is that of phase 1, and nothing under an IKE SA has it, however well its HASH(1) holds.
#[test]
fn t065_message_id_zero_is_of_phase_1() {
    let mut bench = live(85);
    let spi = bench.hosts[A].established()[0].pairs[0].inbound.0.to_be_bytes();
    let spis = vec![Bytes::copy_from_slice(&spi)];
    let delete = Payload::new(Delete { doi: Doi::IPSEC, protocol: ProtocolId::ESP, spi_size: 4, spis });
    let informational = bench.protect(&bench.header(ExchangeType::INFORMATIONAL, 0), &[delete]);
    for message in [informational, quick(&bench, 0, |_| {})] {
        bench.quiet(B, &message, "message id 0");
        assert_eq!(bench.hosts[B].rejects().pop(), Some(Reject::Misbehaved(Misbehaviour::MessageId)));
    }
    assert!(bench.hosts[B].removed.is_empty());
}
