//! Bundles that the peer may not have any more.
//!
//! Nothing in IKEv1 asks a peer for one of its IPsec SAs, and a DELETE is never acknowledged (RFC 2409 5.7): one that was
//! lost, or a restart that nobody said, leaves a side that seals for nobody while the IKE SA is alive. So life is counted
//! for each bundle: only what was opened under its own SA shows that the peer has it.
//!
//! - A bundle that sends while nothing comes back is replaced by a fresh Quick Mode, after half a minute at first. The old
//!   one goes when its replacement is there: that needs the peer's consent, so both sides have it.
//! - If the peer does not answer the Quick Mode, a fresh phase 1 carries it: the peer has no such IKE SA.
//! - If the replacement is silent too, the next one comes under a fresh phase 1: what the first found out about address
//!   translators may have been altered on the way (RFC 3947 3.2 does not protect it).
//! - A flow that goes one way by its nature costs little: the time doubles with each replacement, as long as the peer
//!   shows in another way that it is the one with which the bundle was negotiated.
//! - The side that gets packets under an SPI that it does not have tells the peer, under an IKE SA with it.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use crypto_provider::Work;

use crate::engine::Engine;
use crate::engine::park::Waiting;
use crate::engine::table::{Entry, Live};
use crate::engine::timer::TimerKey;
use crate::error::ApiMisuse;
use crate::event::{Bundle, Event};
use crate::input::{Answer, Request};
use crate::phase2::informational;
use crate::policy::{Mode, Peer, Role, SelectorPair};
use crate::sa::{BundleId, Direction, RemoveReason};

/// How often packets of a bundle are reported at least.
pub(crate) const REPORTS: Duration = Duration::from_secs(10);
/// How often a silent bundle is looked at.
const LOOK: Duration = Duration::from_secs(15);
/// Silence after which a bundle is replaced: longer than most applications wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// The same while nothing else shows that the peer is the one with which the bundle was negotiated: a restart is noticed in
/// a minute, and two are left for negotiations on a bad network.
const PATIENCE_UNPROVEN: Duration = Duration::from_secs(60);
/// The longest that silence is borne from a peer that is known to be the same.
const PATIENCE_PROVEN: Duration = Duration::from_secs(600);
/// A flow without packets for so long has no answer to wait for.
const IDLE: Duration = Duration::from_secs(90);
/// Both sides may doubt at once; what is drawn from this spreads them.
const SPREAD_MILLIS: u32 = 12_000;
/// How often a Quick Mode is sent whose bundle is in doubt, before a fresh phase 1 is tried: packets are being lost meanwhile.
pub(super) const HASTY_SENDS: u32 = 3;

/// What is known of the peer's half of one bundle that sends.
#[derive(Clone, Copy, Default)]
struct Silence {
    /// The first packet after which nothing has come back.
    since: Option<Duration>,
    /// The last packet.
    spoke: Duration,
    /// When a replacement was asked for.
    asked: Option<Duration>,
    /// How many bundles of this flow were replaced one after the other and nothing ever came back.
    round: u32,
}

/// Bundles that have sent and not received since.
#[derive(Default)]
pub(crate) struct Doubts {
    silent: BTreeMap<BundleId, Silence>,
    /// When something was opened under a bundle last.
    heard: BTreeMap<BundleId, Duration>,
}

impl Doubts {
    /// Something was opened: the peer has the bundle.
    fn heard(&mut self, id: BundleId, now: Duration) {
        self.silent.remove(&id);
        self.heard.insert(id, now);
    }

    /// Something was sent; whether it is the first since something came.
    fn spoke(&mut self, id: BundleId, now: Duration) -> bool {
        let silence = self.silent.entry(id).or_default();
        silence.spoke = now;
        let is_first = silence.since.is_none();
        silence.since.get_or_insert(now);
        is_first
    }

    /// A bundle is gone.
    pub(crate) fn forget(&mut self, id: BundleId) {
        self.silent.remove(&id);
        self.heard.remove(&id);
    }

    /// Whether a replacement of the bundle was asked for, and nothing has come under it since.
    fn is_doubted(&self, id: BundleId) -> bool {
        self.silent.get(&id).is_some_and(|silence| silence.asked.is_some())
    }
}

impl Engine {
    /// What the data path has seen of a bundle.
    pub(super) fn traffic(&mut self, id: BundleId, direction: Direction) -> Result<(), ApiMisuse> {
        let Some(bundle) = self.table.bundle(id) else {
            // What comes before its third message tells nothing of the peer yet.
            return if self.table.is_negotiated(id) { Ok(()) } else { Err(ApiMisuse::UnknownBundle(id)) };
        };
        let (identity, path) = (bundle.identity.clone(), bundle.path);
        match direction {
            Direction::Inbound => {
                self.doubts.heard(id, self.host.now);
                self.timers.set(TimerKey::Silence(id), None);
            }
            Direction::Outbound if self.doubts.spoke(id, self.host.now) => self.look_again(id),
            Direction::Outbound => {}
        }
        self.peer_traffic(&identity, &path, direction);
        Ok(())
    }

    /// When a silent bundle is looked at next.
    fn look_again(&mut self, id: BundleId) {
        let Some(bundle) = self.table.bundle(id).cloned() else { return };
        let look = self.host.now.checked_add(LOOK);
        let due = self.due(&bundle).filter(|due| *due > self.host.now);
        self.timers.set(TimerKey::Silence(id), look.map(|look| due.map_or(look, |due| look.min(due))));
    }

    /// When a silent bundle is replaced.
    fn due(&self, bundle: &Bundle) -> Option<Duration> {
        let silence = self.doubts.silent.get(&bundle.id)?;
        let since = silence.asked.max(silence.since)?;
        let doubled = PATIENCE.saturating_mul(2_u32.saturating_pow(silence.round.saturating_sub(1)));
        let most = if self.is_proven(bundle) { PATIENCE_PROVEN } else { PATIENCE_UNPROVEN };
        let spread = bundle.pairs.first().map_or(0, |pair| pair.inbound.0) % SPREAD_MILLIS;
        since.checked_add(doubled.min(most))?.checked_add(Duration::from_millis(spread.into()))
    }

    /// The newest IKE SA with the peer of a bundle.
    fn newest(&self, bundle: &Bundle) -> Option<&Live> {
        let newest = self.table.ike_of_peer(&bundle.identity).last()?;
        match self.table.get(newest) {
            Some(Entry::Live(live)) => Some(live),
            _ => None,
        }
    }

    /// Whether the peer has not started anew since the bundle was negotiated: it has answered of late under an IKE SA that is
    /// as old.
    fn is_proven(&self, bundle: &Bundle) -> bool {
        self.newest(bundle).is_some_and(|live| {
            live.ike.established <= bundle.established
                && self.host.now.saturating_sub(live.heard) <= LOOK.saturating_mul(2)
        })
    }

    /// A bundle has sent and nothing has come back for a while.
    pub(super) fn silence_due(&mut self, id: BundleId) {
        let Some(bundle) = self.table.bundle(id).cloned() else { return };
        let Some(silence) = self.doubts.silent.get_mut(&id) else { return };
        let now = self.host.now;
        let is_idle = now.saturating_sub(silence.spoke) >= IDLE;
        let newer = |other: &Arc<Bundle>| {
            other.id > id && other.selectors == bundle.selectors && other.established >= silence.spoke
        };
        if is_idle || self.table.bundles_of_peer(&bundle.identity).any(newer) {
            // Nobody waits, or other SAs carry the flow.
            silence.since = None;
            return;
        }
        // One packet without an answer is not unusual.
        let insists = silence.since.is_some_and(|since| silence.spoke > since);
        if insists && self.due(&bundle).is_some_and(|due| due <= now) {
            self.replace(&bundle, &[]);
        } else {
            self.ask_silent(&bundle);
        }
        self.look_again(id);
    }

    /// A flow that was silent before may go one way by its nature: one question shows for all such flows whether the peer is
    /// still the same. Where policy wants questions, they are asked anyway.
    fn ask_silent(&mut self, bundle: &Bundle) {
        let is_usual = self.doubts.silent.get(&bundle.id).is_some_and(|silence| silence.round > 0);
        let due = |live: &&Live| {
            let quiet = self.host.now.saturating_sub(live.heard.max(live.liveness.questioned)) >= LOOK;
            live.ike.may_ask() && live.ike.asking().is_none() && quiet
        };
        let Some(id) = self.newest(bundle).filter(|_| is_usual).filter(due).map(|live| live.ike.id) else {
            return;
        };
        let Some(mut live) = self.table.take_live(id) else { return };
        self.question(&mut live);
        self.table.put(id, Entry::Live(live));
    }

    /// Asks for a successor because the peer may not have the bundle.
    pub(super) fn replace(&mut self, bundle: &Bundle, answers: &[Answer]) {
        let now = self.host.now;
        let silence = self.doubts.silent.entry(bundle.id).or_default();
        silence.asked = Some(now);
        let round = silence.round;
        let request = Request { path: bundle.request_path(), selectors: bundle.selectors.clone() };
        let (path, ike_sa) = (bundle.path, bundle.ike_sa);
        if answers.is_empty() {
            self.host.out.event(Event::Silent { bundle: bundle.id, ike_sa, path });
        }
        // The replacement of a silent one is silent too, under the same phase 1.
        let is_suspect = round == 1 && self.newest(bundle).is_some_and(|live| live.ike.id == bundle.ike_sa);
        if !is_suspect || self.begins_phase1(&request.path) {
            return self.initiate(request, &[]);
        }
        match self.host.cx(answers).phase1_policy(&Peer::new(&request.path, None), Mode::Main) {
            Work::Done(Some(policy)) => self.start_phase1(request.path, policy, Vec::from([request])),
            Work::Done(None) => self.initiate(request, &[]),
            Work::Pending(ticket) => self.park(ticket, Waiting::Replacement(bundle.id), answers),
        }
    }

    /// An authenticated peer says that it does not know the SPI that a bundle sends under. That is a hint: nothing is gone yet.
    pub(super) fn suspected(&mut self, id: BundleId) {
        let Some(bundle) = self.table.bundle(id).cloned() else { return };
        let asked = self.doubts.silent.get(&id).and_then(|silence| silence.asked);
        if asked.is_none_or(|asked| self.host.now.saturating_sub(asked) >= PATIENCE) {
            self.replace(&bundle, &[]);
        }
    }

    /// The policy for the phase 1 of a replacement came.
    pub(super) fn replacement_completed(&mut self, id: BundleId, answers: &[Answer]) {
        if let Some(bundle) = self.table.bundle(id).cloned()
            && self.doubts.is_doubted(id)
        {
            self.replace(&bundle, answers);
        }
    }

    /// Phase 1 has found nobody where the peer of bundles in doubt was: they are of no use, and their flows may have another
    /// peer. So are older ones of the same flow, under which packets would leave next: whoever may still have them is no longer
    /// there, unless it has sent something since.
    pub(super) fn nobody_answers(&mut self, waiting: &[Request]) {
        let at = |request: &Request| {
            let of_flow = self.table.bundles().filter(|bundle| {
                request.selectors == bundle.selectors && request.path == bundle.request_path()
            });
            let ids: Vec<BundleId> = of_flow.map(|bundle| bundle.id).collect();
            let asked = ids.iter().filter_map(|id| self.doubts.silent.get(id)?.asked).min();
            asked.map(|asked| (ids, asked))
        };
        let found: Vec<_> = waiting.iter().filter_map(at).collect();
        for (ids, asked) in found {
            for id in ids {
                if self.doubts.heard.get(&id).is_none_or(|heard| *heard < asked) {
                    self.remove_bundle(id, RemoveReason::PeerDead);
                }
            }
        }
    }

    /// Whether a Quick Mode for a flow replaces one in doubt.
    pub(super) fn is_hasty(&self, live: &Live, selectors: &SelectorPair) -> bool {
        let of_peer = self.table.bundles_of_peer(&live.ike.identity);
        of_peer
            .filter(|bundle| bundle.selectors == *selectors)
            .any(|bundle| self.doubts.is_doubted(bundle.id))
    }

    /// Both sides have a new bundle: the ones of its flow that were in doubt go.
    pub(super) fn replaced(&mut self, live: &mut Live, new: &Bundle) {
        let of_peer = self.table.bundles_of_peer(&new.identity);
        let doubted = of_peer.filter(|old| {
            old.id != new.id && old.selectors == new.selectors && self.doubts.is_doubted(old.id)
        });
        let doubted: Vec<Arc<Bundle>> = doubted.cloned().collect();
        let rounds = doubted.iter().filter_map(|old| self.doubts.silent.get(&old.id)).map(|one| one.round);
        let Some(round) = rounds.max() else { return };
        let round = round.saturating_add(1);
        self.doubts.silent.insert(new.id, Silence { round, ..Silence::default() });
        for old in doubted {
            self.send_informational(live, informational::delete_bundle(&old));
            self.remove_bundle(old.id, RemoveReason::Silent);
        }
    }
}

impl Bundle {
    /// By which ends a successor is asked for. Where a peer began, the port that it began from may be another peer's by now.
    pub(crate) fn request_path(&self) -> crate::policy::Path {
        match self.role {
            Role::Initiator => self.home,
            Role::Responder => self.path,
        }
    }
}
