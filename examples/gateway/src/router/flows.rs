//! The flows that crypto maps protect, and the bundles that protect them.

use core::net::IpAddr;
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use ipsec_core::{
    DfPolicy, Direction, DropReason, Flow, Match, PacketBuf, PathMtu, Policy, ReplayProtection, SaId,
    Selector, Spd, Unmatched,
};
use oakley::{BundleId, Encapsulation, Identity, Path, Phase2Proposal, Phase2Transform, SelectorPair};

use super::counters::FlowCounters;
use super::policy::encapsulation_for;
use super::routes::InterfaceIndex;
use super::sa::{InboundSa, OutboundSa};
use super::traffic::TrafficReports;

/// Packets of one flow that wait for its first SAs.
pub const MAX_WAITING: usize = 16;
/// After a negotiation has failed, packets do not start another one for so long.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// After SAs were handed to another data path, it does not start a negotiation for so long: a peer's first packet may
/// be answered before the last message of the Quick Mode is here, and the data path then asks for what is coming.
const SETTLE: Duration = Duration::from_secs(2);
/// A negotiation of which nothing was heard for so long is over: longer than two exchanges of the engine can take.
const MOST_WAIT: Duration = Duration::from_secs(90);

/// A flow by its place in the order of maps, entries and lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowId(pub usize);

/// One crypto map on one interface.
#[derive(Clone, Debug)]
pub struct MapConfig {
    /// Its name.
    pub name: String,
    /// Where it is applied.
    pub interface: InterfaceIndex,
    /// Our ends of its tunnels, at most one for each family.
    pub locals: Vec<IpAddr>,
    /// Its entries in the order in which packets meet them.
    pub entries: Vec<EntryConfig>,
}

impl EntryConfig {
    /// Tunnel or transport for one of its flows, between our end and a peer.
    #[must_use]
    pub fn encapsulation_of(&self, ends: (IpAddr, IpAddr), flow: &SelectorPair) -> Encapsulation {
        encapsulation_for(self.encapsulation, ends, flow)
    }
}

impl MapConfig {
    /// Our end of the tunnels to `peer`.
    #[must_use]
    pub fn local(&self, peer: IpAddr) -> Option<IpAddr> {
        self.locals.iter().copied().find(|local| local.is_ipv4() == peer.is_ipv4())
    }
}

/// One entry of a crypto map.
#[derive(Clone, Debug)]
pub struct EntryConfig {
    /// Its number.
    pub sequence: u16,
    /// Its peers; the next one is tried when one does not answer.
    pub peers: Vec<IpAddr>,
    /// The lines of its access list.
    pub lines: Vec<LineConfig>,
    /// The replay window of its SAs.
    pub replay: ReplayProtection,
    /// The DF bit of outer headers.
    pub df: DfPolicy,
    /// What is proposed for its flows, most wanted first; empty for keys set by hand.
    pub proposals: Vec<Phase2Proposal>,
    /// Tunnel or transport, as configured.
    pub encapsulation: Encapsulation,
}

/// One line of an entry's access list.
#[derive(Clone, Debug)]
pub struct LineConfig {
    /// The packets.
    pub selector: Selector,
    /// For a permit line: the same in the form in which it is negotiated. None for a deny line, which says that the
    /// entry does not concern these packets.
    pub negotiated: Option<SelectorPair>,
}

/// One permit line at work.
pub(super) struct FlowState {
    /// Index of its map.
    pub(super) map: usize,
    /// Index of its entry in the map.
    pub(super) entry: usize,
    /// Names it from one configuration to the next.
    pub(super) number: u32,
    pub(super) negotiated: SelectorPair,
    pub(super) counters: FlowCounters,
    /// Bundles, the newest last.
    pub(super) bundles: Vec<BundleId>,
    pub(super) waiting: VecDeque<PacketBuf>,
    /// Until when the negotiation that runs is waited for.
    negotiating_until: Option<Duration>,
    /// No negotiation is begun before this time.
    not_before: Duration,
    /// Which of the entry's peers is tried.
    peer: usize,
}

/// The SAs of one Quick Mode.
pub(super) struct BundleState {
    pub(super) flow: FlowId,
    pub(super) path: Path,
    /// Who the peer proved to be.
    pub(super) identity: Identity,
    /// Whether the peer is behind a translator and may turn up elsewhere.
    pub(super) may_move: bool,
    /// Whether its packets travel in UDP.
    pub(super) in_udp: bool,
    pub(super) selector: Selector,
    /// In the order of sealing, each with its number; empty until the outbound direction is installed.
    pub(super) outbound: Vec<Installed<OutboundSa>>,
    /// In the order of opening, outermost first.
    pub(super) inbound: Vec<Installed<InboundSa>>,
    /// What a packet must have come through, outermost first.
    pub(super) layers: Vec<SaId>,
    /// What the path to the peer takes.
    pub(super) path_mtu: PathMtu,
    /// What the engine was told of its packets.
    pub(super) reports: TrafficReports,
}

/// An SA in use.
pub(super) struct Installed<T> {
    pub(super) sa: T,
    pub(super) transform: Phase2Transform,
    pub(super) connection: u32,
}

/// All flows and bundles of a router.
pub(super) struct Flows {
    pub(super) maps: Vec<MapConfig>,
    pub(super) flows: Vec<FlowState>,
    pub(super) bundles: BTreeMap<BundleId, BundleState>,
    /// Inbound SAs: bundle and place in it.
    pub(super) inbound: BTreeMap<SaId, (BundleId, usize)>,
    /// The outermost outbound SA of each bundle, which is what others see of it.
    pub(super) outbound: BTreeMap<SaId, BundleId>,
    policies: BTreeMap<InterfaceIndex, Spd<FlowId>>,
    /// The number of the next flow that was not there before.
    next_number: u32,
}

impl Flows {
    pub(super) fn new(maps: Vec<MapConfig>) -> Self {
        let mut this = Self {
            flows: Vec::new(),
            bundles: BTreeMap::new(),
            inbound: BTreeMap::new(),
            outbound: BTreeMap::new(),
            policies: BTreeMap::new(),
            next_number: 0,
            maps,
        };
        for map in 0..this.maps.len() {
            this.add_map(map);
        }
        this.number_flows(&BTreeMap::new());
        this
    }

    /// Each permit line is a flow: its packets have SAs of their own.
    fn add_map(&mut self, map: usize) {
        let Some(config) = self.maps.get(map) else { return };
        let mut spd = Spd::new(Unmatched::Bypass);
        let flows = &mut self.flows;
        for (entry, EntryConfig { lines, .. }) in config.entries.iter().enumerate() {
            let lines = lines.iter().map(|line| {
                let id = line.negotiated.clone().map(|negotiated| {
                    let id = FlowId(flows.len());
                    flows.push(FlowState::new((map, entry), negotiated));
                    id
                });
                (line.selector.clone(), id)
            });
            for policy in Policy::access_list(lines) {
                spd.push(policy);
            }
        }
        self.policies.insert(config.interface, spd);
    }

    /// Numbers for all flows: those that they had, and fresh ones.
    fn number_flows(&mut self, known: &BTreeMap<usize, u32>) {
        for (index, flow) in self.flows.iter_mut().enumerate() {
            flow.number = known.get(&index).copied().unwrap_or(self.next_number);
            if flow.number == self.next_number {
                self.next_number = self.next_number.wrapping_add(1);
            }
        }
    }

    /// The flow of another configuration that is this one.
    fn counterpart(&self, other: &Self, flow: &FlowState) -> Option<FlowId> {
        let (map, entry) = (other.maps.get(flow.map)?, other.entry(flow)?);
        let is_same = |one: &FlowState| {
            let same_place = self.maps.get(one.map).is_some_and(|own| {
                own.name == map.name && own.interface == map.interface && own.locals == map.locals
            });
            let same_entry = self.entry(one).is_some_and(|own| own.sequence == entry.sequence);
            same_place && same_entry && one.negotiated == flow.negotiated
        };
        self.flows.iter().position(is_same).map(FlowId)
    }

    /// Bundles of flows that `new` does not have unchanged; `unchanged` says it of a map's entry by name and number.
    pub(super) fn strangers_to(&self, new: &Self, unchanged: impl Fn(&str, u16) -> bool) -> Vec<BundleId> {
        let stays = |bundle: &BundleState| {
            let flow = self.flow(bundle.flow)?;
            let (map, entry) = (self.maps.get(flow.map)?, self.entry(flow)?);
            unchanged(&map.name, entry.sequence).then(|| new.counterpart(self, flow)).flatten()
        };
        self.bundles.iter().filter(|(_, bundle)| stays(bundle).is_none()).map(|(id, _)| *id).collect()
    }

    /// Takes over the flows' counters and SAs from the flows of an earlier configuration.
    pub(super) fn adopt(&mut self, old: Self) {
        let (mut adopted, mut numbers) = (BTreeMap::new(), BTreeMap::new());
        self.next_number = old.next_number;
        for (index, flow) in old.flows.iter().enumerate() {
            let Some(id) = self.counterpart(&old, flow) else { continue };
            let Some(own) = self.flow_mut(id) else { continue };
            numbers.insert(id.0, flow.number);
            own.counters = flow.counters;
            own.bundles.clone_from(&flow.bundles);
            own.negotiating_until = flow.negotiating_until;
            let bundles = old.bundles.iter().filter(|(_, bundle)| bundle.flow == FlowId(index));
            adopted.extend(bundles.map(|(bundle, _)| (*bundle, id)));
        }
        self.number_flows(&numbers);
        self.bundles = old.bundles;
        self.bundles.retain(|id, bundle| {
            let Some(flow) = adopted.get(id) else { return false };
            bundle.flow = *flow;
            true
        });
        self.inbound = old.inbound;
        self.inbound.retain(|_, (id, _)| adopted.contains_key(id));
        self.outbound = old.outbound;
        self.outbound.retain(|_, id| adopted.contains_key(id));
    }

    /// Whether some entry has this peer.
    pub(super) fn has_peer(&self, peer: IpAddr) -> bool {
        self.maps.iter().flat_map(|map| &map.entries).any(|entry| entry.peers.contains(&peer))
    }

    /// The policies of an interface; `None` if no map is applied to it.
    pub(super) fn policy(&self, interface: InterfaceIndex) -> Option<&Spd<FlowId>> {
        self.policies.get(&interface)
    }

    /// Whether IKE is spoken with the peers of this address of ours.
    pub(super) fn is_local_end(&self, address: IpAddr) -> bool {
        self.maps.iter().any(|map| map.locals.contains(&address))
    }

    pub(super) fn flow(&self, id: FlowId) -> Option<&FlowState> {
        self.flows.get(id.0)
    }

    pub(super) fn flow_mut(&mut self, id: FlowId) -> Option<&mut FlowState> {
        self.flows.get_mut(id.0)
    }

    pub(super) fn entry(&self, flow: &FlowState) -> Option<&EntryConfig> {
        self.maps.get(flow.map)?.entries.get(flow.entry)
    }

    /// The addresses between which a flow's SAs are to be negotiated.
    pub(super) fn ends(&self, flow: &FlowState) -> Option<(IpAddr, IpAddr)> {
        let peers = &self.entry(flow)?.peers;
        let peer = *peers.get(flow.peer).or_else(|| peers.first())?;
        Some((self.maps.get(flow.map)?.local(peer)?, peer))
    }

    /// The first flow with this peer that covers a negotiated one.
    pub(super) fn covering(&self, path: &Path, selector: &Selector) -> Option<FlowId> {
        let maps = self.maps.iter().filter(|map| map.locals.contains(&path.local.ip()));
        let flows = maps.filter_map(|map| self.policies.get(&map.interface));
        flows.flat_map(|policy| policy.covering(selector)).copied().find(|id| {
            let entry = self.flow(*id).and_then(|flow| self.entry(flow));
            entry.is_some_and(|entry| entry.peers.contains(&path.remote.ip()))
        })
    }

    /// The newest bundle that takes a packet of this flow.
    pub(super) fn sending(&self, id: FlowId, packet: &Flow) -> Option<BundleId> {
        let bundles = &self.flow(id)?.bundles;
        let takes = |id: &&BundleId| {
            self.bundles.get(id).is_some_and(|bundle| {
                !bundle.outbound.is_empty()
                    && bundle.selector.matches(packet, Direction::Outbound) == Match::Yes
            })
        };
        bundles.iter().rev().find(takes).copied()
    }

    /// Flows of which a packet waits for SAs with this peer, or whose negotiation with it runs.
    pub(super) fn negotiating_with(&self, path: &Path) -> Vec<FlowId> {
        let with = |flow: &FlowState| {
            flow.is_negotiating() && self.ends(flow) == Some((path.local.ip(), path.remote.ip()))
        };
        self.flows.iter().enumerate().filter(|(_, flow)| with(flow)).map(|(index, _)| FlowId(index)).collect()
    }

    /// Whether packets of a flow have another peer's SAs already: two peers behind one translator may have the same addresses,
    /// and the second must not get what is meant for the first (RFC 3948 5.1, 5.2).
    pub(super) fn is_anothers(&self, id: FlowId, selector: &Selector, identity: &Identity) -> bool {
        let Some(flow) = self.flow(id) else { return false };
        let peers = self.entry(flow).map_or(&[][..], |entry| &entry.peers);
        flow.bundles.iter().filter_map(|id| self.bundles.get(id)).any(|bundle| {
            !is_same_peer(peers, &bundle.identity, identity)
                && (bundle.selector.covers(selector) || selector.covers(&bundle.selector))
        })
    }

    /// A flow has lost SAs with this peer. If no others are left, its next ones are the entry's next peer's.
    pub(super) fn peer_died(&mut self, id: FlowId, peer: IpAddr) {
        let Some(flow) = self.flow(id) else { return };
        let was_tried = flow.bundles.is_empty() && self.ends(flow).is_some_and(|(_, tried)| tried == peer);
        let peers = self.entry(flow).map_or(0, |entry| entry.peers.len());
        if let Some(flow) = self.flow_mut(id).filter(|_| was_tried) {
            flow.try_next(peers);
        }
    }

    /// Takes a bundle out of use.
    pub(super) fn remove(&mut self, id: BundleId) -> Option<BundleState> {
        let bundle = self.bundles.remove(&id)?;
        for sa in &bundle.layers {
            self.inbound.remove(sa);
        }
        if let Some(outermost) = bundle.outermost() {
            self.outbound.remove(&outermost);
        }
        if let Some(flow) = self.flow_mut(bundle.flow) {
            flow.bundles.retain(|other| *other != id);
        }
        Some(bundle)
    }

    /// Flows whose negotiation was waited for long enough.
    pub(super) fn overdue(&self, now: Duration) -> Vec<FlowId> {
        let is_overdue = |flow: &FlowState| flow.negotiating_until.is_some_and(|until| until <= now);
        let flows = self.flows.iter().enumerate().filter(|(_, flow)| is_overdue(flow));
        flows.map(|(index, _)| FlowId(index)).collect()
    }

    /// When the next SA reaches a limit in time, or the next flow has waited long enough.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        let outbound =
            |bundle: &BundleState| bundle.outbound.iter().filter_map(|sa| sa.sa.next_deadline()).min();
        let inbound =
            |bundle: &BundleState| bundle.inbound.iter().filter_map(|sa| sa.sa.next_deadline()).min();
        let limits = self.bundles.values().flat_map(|bundle| [outbound(bundle), inbound(bundle)]).flatten();
        limits.chain(self.flows.iter().filter_map(|flow| flow.negotiating_until)).min()
    }
}

impl BundleState {
    /// The outbound SA that stands outermost on the wire.
    pub(super) fn outermost(&self) -> Option<SaId> {
        self.outbound.last().map(|one| one.sa.id(self.path.remote.ip()))
    }
}

impl FlowState {
    fn new((map, entry): (usize, usize), negotiated: SelectorPair) -> Self {
        Self {
            map,
            entry,
            number: 0,
            negotiated,
            counters: FlowCounters::default(),
            bundles: Vec::new(),
            waiting: VecDeque::new(),
            negotiating_until: None,
            not_before: Duration::ZERO,
            peer: 0,
        }
    }

    /// Keeps a packet until there are SAs.
    ///
    /// # Errors
    /// [`DropReason::NoSa`] if too many wait already; the packet is gone then.
    pub(super) fn wait(&mut self, packet: PacketBuf) -> Result<(), DropReason> {
        if self.waiting.len() >= MAX_WAITING {
            return Err(DropReason::NoSa);
        }
        self.waiting.push_back(packet);
        Ok(())
    }

    /// SAs are being put into use elsewhere: what asks for SAs in this moment was on its way before.
    pub(super) fn settle(&mut self, now: Duration) {
        self.not_before = now.saturating_add(SETTLE);
    }

    /// Whether a negotiation runs.
    pub(super) const fn is_negotiating(&self) -> bool {
        self.negotiating_until.is_some()
    }

    /// Whether a packet may start a negotiation now.
    pub(super) fn may_negotiate(&self, now: Duration) -> bool {
        !self.is_negotiating() && now >= self.not_before
    }

    /// A negotiation begins, unless one runs already; whether it does.
    pub(super) fn begin(&mut self, now: Duration) -> bool {
        let begins = !self.is_negotiating();
        if begins {
            self.negotiating_until = Some(now.saturating_add(MOST_WAIT));
        }
        begins
    }

    /// The negotiation has succeeded: what waited for it.
    pub(super) fn succeed(&mut self) -> VecDeque<PacketBuf> {
        self.negotiating_until = None;
        core::mem::take(&mut self.waiting)
    }

    /// The negotiation has failed: what waited is given up, and the next peer is tried after a while. Returns how
    /// many packets were given up.
    pub(super) fn give_up(&mut self, now: Duration, peers: usize) -> usize {
        self.negotiating_until = None;
        self.not_before = now.saturating_add(RETRY_AFTER);
        self.try_next(peers);
        core::mem::take(&mut self.waiting).len()
    }

    /// The peer does not answer; the next negotiation is with the entry's next one.
    pub(super) fn try_next(&mut self, peers: usize) {
        self.peer = self.peer.saturating_add(1).checked_rem(peers).unwrap_or(0);
    }
}

/// Whether two identities are one peer's. The addresses that one entry names as its peers are one peer at several places, or
/// several of which each may take the place of another; behind a translator the peer's own address has to be the same too.
fn is_same_peer(peers: &[IpAddr], one: &Identity, other: &Identity) -> bool {
    match (one, other) {
        (Identity::Address(one), Identity::Address(other)) => {
            one == other || peers.contains(one) && peers.contains(other)
        }
        (
            Identity::Behind { address: one, translator },
            Identity::Behind { address: other, translator: now },
        ) => one == other && (translator == now || peers.contains(translator) && peers.contains(now)),
        _ => one == other,
    }
}
