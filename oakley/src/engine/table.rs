//! The SA database: IKE SAs and the exchanges before them, bundles, and every way to find them.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use isakmp_wire::{Cookie, MessageId};

use crate::context::Peers;
use crate::engine::stray::Told;
use crate::event::{Bundle, Cookies};
use crate::exchange::duplicate::Accepted;
use crate::exchange::flight::Flight;
use crate::identity::Identity;
use crate::input::Request;
use crate::phase1::Phase1;
use crate::phase2::dpd::Liveness;
use crate::phase2::{Ike, QuickSlot};
use crate::policy::{Lifetime, Mode, Path, Protocol, Role};
use crate::sa::{BundleId, IkeSaId, Spi};

/// A phase 1 exchange.
pub(crate) struct Negotiation {
    pub(crate) course: Course,
    pub(crate) state: Phase1,
}

/// What a phase 1 exchange has whatever its state is.
pub(crate) struct Course {
    pub(crate) path: Path,
    /// The ends at the first message: what the exchange is counted and, if it is ours, asked for by.
    pub(crate) home: Path,
    pub(crate) role: Role,
    pub(crate) mode: Mode,
    pub(crate) cookies: Cookies,
    pub(crate) began: Duration,
    pub(crate) flight: Flight,
    pub(crate) accepted: Accepted,
    /// Requests that wait for the IKE SA.
    pub(crate) waiting: Vec<Request>,
}

/// An authenticated IKE SA.
pub(crate) struct Live {
    pub(crate) ike: Ike,
    /// Whether Quick Modes may run: it is, once everything has happened that the policy wants between authentication
    /// and the first Quick Mode.
    pub(crate) ready: bool,
    /// Requests that wait for that.
    pub(crate) waiting: Vec<Request>,
    /// Whether the last message of phase 1 was ours and nothing authentic has come since: the peer may not have it.
    pub(crate) unconfirmed: bool,
    /// When something authentic came under this SA last.
    pub(crate) heard: Duration,
    /// The last message of phase 1, for a peer that lost it.
    pub(crate) flight: Option<Flight>,
    pub(crate) accepted: Accepted,
    /// What questions and answers have told about the peer's life.
    pub(crate) liveness: Liveness,
    /// Whether a Quick Mode has ever been completed under this SA: both sides have it, and messages pass.
    pub(crate) proven: bool,
    /// Whether the peer refused what was offered under this SA, or nothing could be offered, and nothing came up under it since.
    pub(crate) refused: bool,
    /// What the peer was told of packets under SPIs that are not here.
    pub(crate) told: Told,
    /// Every message id that was used under this SA: none is used twice (RFC 2409 5.5).
    pub(crate) used_ids: BTreeSet<MessageId>,
    pub(crate) quick: BTreeMap<MessageId, QuickSlot>,
    pub(crate) expires: Option<Duration>,
    /// Octets of the messages that it has protected, both ways.
    pub(crate) protected: u64,
}

/// One row of the database.
pub(crate) enum Entry {
    Negotiating(Box<Negotiation>),
    Live(Box<Live>),
}

impl Entry {
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Negotiating(negotiation) => &negotiation.course.path,
            Self::Live(live) => &live.ike.path,
        }
    }

    /// The ends by which requests find an exchange of ours or the SA that came of it. Where a peer began, its first port
    /// may be another peer's by now.
    fn home(&self) -> Option<&Path> {
        let (role, home) = match self {
            Self::Negotiating(negotiation) => (negotiation.course.role, &negotiation.course.home),
            Self::Live(live) => (live.ike.role, &live.ike.home),
        };
        Some(home).filter(|_| role == Role::Initiator)
    }

    /// Whether a request for its path may be served by it: not by an exchange that a peer began, of which strangers can make
    /// as many as they like in the name of anybody.
    fn serves_requests(&self) -> bool {
        match self {
            Self::Negotiating(negotiation) => negotiation.course.role == Role::Initiator,
            Self::Live(_) => true,
        }
    }

    fn cookies(&self) -> &Cookies {
        match self {
            Self::Negotiating(negotiation) => &negotiation.course.cookies,
            Self::Live(live) => &live.ike.cookies,
        }
    }
}

/// The database. Entries are taken out to be worked on and put back; the indexes follow.
#[derive(Default)]
pub(crate) struct Table {
    last_ike: u64,
    last_bundle: u64,
    entries: BTreeMap<IkeSaId, Entry>,
    by_cookies: BTreeMap<Cookies, IkeSaId>,
    /// By CKY-I and the peer's address: message 1 and its repetitions have no CKY-R.
    by_initiator: BTreeMap<(Cookie, SocketAddr), IkeSaId>,
    by_path: BTreeSet<(Path, IkeSaId)>,
    bundles: BTreeMap<BundleId, Arc<Bundle>>,
    inbound: BTreeMap<(Protocol, Spi), BundleId>,
    /// Bundles that hold SPIs and are not complete.
    negotiated: BTreeSet<BundleId>,
    outbound: BTreeMap<(Identity, Protocol, Spi), BundleId>,
    ike_of_peer: BTreeSet<(Identity, IkeSaId)>,
    bundles_of_peer: BTreeSet<(Identity, BundleId)>,
    /// Paths whose translator must not forget us, and how often it is reminded.
    keepalives: BTreeMap<Path, Duration>,
}

impl Peers for Table {
    fn is_known(&self, peer: &Identity) -> bool {
        self.ike_of_peer(peer).next().is_some() || self.bundles_of_peer(peer).next().is_some()
    }

    fn is_known_at(&self, address: IpAddr) -> bool {
        let is_there = |peer: &Identity| match peer {
            Identity::Address(own) => *own == address,
            Identity::Behind { translator, .. } => *translator == address,
            _ => false,
        };
        self.ike_of_peer.iter().any(|(peer, _)| is_there(peer))
            || self.bundles_of_peer.iter().any(|(peer, _)| is_there(peer))
    }
}

impl Table {
    pub(crate) fn new_ike_sa(&mut self) -> IkeSaId {
        self.last_ike = self.last_ike.saturating_add(1);
        IkeSaId(self.last_ike)
    }

    pub(crate) fn new_bundle(&mut self) -> BundleId {
        self.last_bundle = self.last_bundle.saturating_add(1);
        BundleId(self.last_bundle)
    }

    /// Whether a bundle is being negotiated.
    pub(crate) fn is_negotiated(&self, id: BundleId) -> bool {
        self.negotiated.contains(&id)
    }

    pub(crate) fn put(&mut self, id: IkeSaId, entry: Entry) {
        let (path, cookies) = (*entry.path(), *entry.cookies());
        if entry.serves_requests() {
            self.by_path.insert((path, id));
        }
        self.by_path.extend(entry.home().map(|home| (*home, id)));
        self.by_initiator.insert((cookies.initiator, path.remote), id);
        if !cookies.responder.is_zero() {
            self.by_cookies.insert(cookies, id);
        }
        if let Entry::Live(live) = &entry {
            self.ike_of_peer.insert((live.ike.identity.clone(), id));
        }
        self.entries.insert(id, entry);
    }

    pub(crate) fn take(&mut self, id: IkeSaId) -> Option<Entry> {
        let entry = self.entries.remove(&id)?;
        if let Entry::Live(live) = &entry {
            self.ike_of_peer.remove(&(live.ike.identity.clone(), id));
        }
        let (path, cookies) = (*entry.path(), *entry.cookies());
        self.by_path.remove(&(path, id));
        if let Some(home) = entry.home() {
            self.by_path.remove(&(*home, id));
        }
        self.by_initiator.remove(&(cookies.initiator, path.remote));
        self.by_cookies.remove(&cookies);
        Some(entry)
    }

    /// Takes an authenticated SA; anything else stays where it is.
    pub(crate) fn take_live(&mut self, id: IkeSaId) -> Option<Box<Live>> {
        match self.take(id)? {
            Entry::Live(live) => Some(live),
            negotiating @ Entry::Negotiating(_) => {
                self.put(id, negotiating);
                None
            }
        }
    }

    pub(crate) fn get(&self, id: IkeSaId) -> Option<&Entry> {
        self.entries.get(&id)
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (IkeSaId, &Entry)> {
        self.entries.iter().map(|(id, entry)| (*id, entry))
    }

    pub(crate) fn by_cookies(&self, cookies: &Cookies) -> Option<IkeSaId> {
        self.by_cookies.get(cookies).copied()
    }

    pub(crate) fn by_initiator(&self, cookie: Cookie, remote: SocketAddr) -> Option<IkeSaId> {
        self.by_initiator.get(&(cookie, remote)).copied()
    }

    /// Whether an exchange of ours does not know its CKY-R yet.
    pub(crate) fn is_unanswered(&self, id: IkeSaId) -> bool {
        self.entries.get(&id).is_some_and(|entry| entry.cookies().responder.is_zero())
    }

    /// IKE SAs that are at a path, and exchanges of ours that are or were asked for by it; newest first.
    pub(crate) fn by_path(&self, path: &Path) -> impl Iterator<Item = IkeSaId> {
        self.by_path.range((*path, IkeSaId(0))..=(*path, IkeSaId(u64::MAX))).rev().map(|(_, id)| *id)
    }

    /// Holds inbound SPIs while they are negotiated and as long as their bundle lives.
    pub(crate) fn hold(&mut self, bundle: BundleId, spis: &[(Protocol, Spi)]) {
        self.negotiated.insert(bundle);
        for spi in spis {
            self.inbound.insert(*spi, bundle);
        }
    }

    pub(crate) fn release(&mut self, spis: &[(Protocol, Spi)]) {
        for spi in spis {
            if let Some(bundle) = self.inbound.remove(spi) {
                self.negotiated.remove(&bundle);
            }
        }
    }

    pub(crate) fn is_held(&self, protocol: Protocol, spi: Spi) -> bool {
        self.inbound.contains_key(&(protocol, spi))
    }

    pub(crate) fn insert_bundle(&mut self, bundle: Arc<Bundle>) {
        for pair in &bundle.pairs {
            let key = (bundle.identity.clone(), pair.transform.protocol, pair.outbound);
            self.outbound.insert(key, bundle.id);
            self.inbound.insert((pair.transform.protocol, pair.inbound), bundle.id);
        }
        self.bundles_of_peer.insert((bundle.identity.clone(), bundle.id));
        self.bundles.insert(bundle.id, bundle);
    }

    pub(crate) fn remove_bundle(&mut self, id: BundleId) -> Option<Arc<Bundle>> {
        let bundle = self.bundles.remove(&id)?;
        self.bundles_of_peer.remove(&(bundle.identity.clone(), id));
        for pair in &bundle.pairs {
            self.outbound.remove(&(bundle.identity.clone(), pair.transform.protocol, pair.outbound));
            self.inbound.remove(&(pair.transform.protocol, pair.inbound));
        }
        Some(bundle)
    }

    /// Gives a bundle another path.
    pub(crate) fn move_bundle(&mut self, id: BundleId, path: Path) {
        if let Some(bundle) = self.bundles.get_mut(&id) {
            Arc::make_mut(bundle).path = path;
        }
    }

    pub(crate) fn set_keepalive(&mut self, path: Path, interval: Duration) {
        self.keepalives.insert(path, interval);
    }

    pub(crate) fn keepalive(&self, path: &Path) -> Option<Duration> {
        self.keepalives.get(path).copied()
    }

    pub(crate) fn forget_keepalive(&mut self, path: &Path) {
        self.keepalives.remove(path);
    }

    /// IKE SAs and bundles of a peer that were established before `end`.
    pub(crate) fn of_peer_before(&self, peer: &Identity, end: Duration) -> (Vec<IkeSaId>, Vec<BundleId>) {
        let before = |id: &IkeSaId| matches!(self.entries.get(id), Some(Entry::Live(live)) if live.ike.established < end);
        let bundles = self.bundles_of_peer(peer).filter(|bundle| bundle.established < end);
        (self.ike_of_peer(peer).filter(before).collect(), bundles.map(|bundle| bundle.id).collect())
    }

    /// The IKE SAs with a peer, oldest first.
    pub(crate) fn ike_of_peer(&self, peer: &Identity) -> impl DoubleEndedIterator<Item = IkeSaId> {
        let all = (peer.clone(), IkeSaId(0))..=(peer.clone(), IkeSaId(u64::MAX));
        self.ike_of_peer.range(all).map(|(_, id)| *id)
    }

    /// The bundles of a peer, in the order of their ids.
    pub(crate) fn bundles_of_peer(&self, peer: &Identity) -> impl Iterator<Item = &Arc<Bundle>> {
        let all = (peer.clone(), BundleId(0))..=(peer.clone(), BundleId(u64::MAX));
        self.bundles_of_peer.range(all).filter_map(|(_, id)| self.bundles.get(id))
    }

    pub(crate) fn bundle(&self, id: BundleId) -> Option<&Arc<Bundle>> {
        self.bundles.get(&id)
    }

    pub(crate) fn bundles(&self) -> impl Iterator<Item = &Arc<Bundle>> {
        self.bundles.values()
    }

    /// Who the peer of an IKE SA is.
    pub(crate) fn identity(&self, id: IkeSaId) -> Option<Identity> {
        match self.entries.get(&id)? {
            Entry::Live(live) => Some(live.ike.identity.clone()),
            Entry::Negotiating(_) => None,
        }
    }

    /// Gives a bundle a shorter life.
    pub(crate) fn shorten_bundle(&mut self, id: BundleId, lifetime: Lifetime, soft: Lifetime) {
        if let Some(bundle) = self.bundles.get_mut(&id) {
            let bundle = Arc::make_mut(bundle);
            (bundle.lifetime, bundle.soft) = (lifetime, soft);
        }
    }

    /// The bundle of a peer under whose SPI of ours packets come.
    pub(crate) fn by_inbound(&self, peer: &Identity, protocol: Protocol, spi: Spi) -> Option<BundleId> {
        let bundle = self.bundles.get(self.inbound.get(&(protocol, spi))?)?;
        (bundle.identity == *peer).then_some(bundle.id)
    }

    /// The bundle whose outbound SA this peer receives under this SPI.
    pub(crate) fn by_outbound(&self, peer: &Identity, protocol: Protocol, spi: Spi) -> Option<BundleId> {
        self.outbound.get(&(peer.clone(), protocol, spi)).copied()
    }
}
