//! A router as a sans-IO node: whole IP packets in and out by interface, time as an argument, events in order.
//!
//! ```text
//!   packet --inbound--> IKE: engine | ESP, AH: open, check bundle and flow | clear: check that it may be clear
//!              |                                      |                                |
//!              |                                      +---------- deliver -------------+
//!              v                                                     v
//!   engine --ike--> events, install, remove             outbound: route, look the map up
//!              |                                             |-- no map or not its packet: clear
//!              v                                             |-- SAs: seal, send past the maps
//!            IKE datagrams, past the maps                    +-- no SAs: wait, ask the engine
//! ```
//!
//! `install` alone knows what was negotiated and what protects packets; everything else knows one of the two.

mod admin;
mod counters;
mod data_path;
pub mod datagram;
mod event;
mod flows;
mod ike;
mod inbound;
mod install;
mod outbound;
mod path;
mod policy;
mod routes;
mod sa;
mod snapshot;
mod traffic;
mod whole;

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crypto_provider::{CryptoProvider, RandomFailed};
use ipsec_core::{Counters, DropReason, IdentificationCounter, IpHeader, PacketBuf, Reassembly};
use netsim::{Node, Port};
use oakley::{Engine, LimitReached};

use crate::ios::model::RunningConfig;
use crate::ios::{ConfigError, lower, runs};
use crate::keylog::KeyLog;

pub use counters::{FlowCounters, RouterCounters};
pub use data_path::{DataPathAction, Handover, Protection};
pub(crate) use event::ike_sa;
pub use event::{DroppedPacket, Happening, Occurrence, RemovedSa, SaConnections};
pub use flows::{EntryConfig, FlowId, LineConfig, MAX_WAITING, MapConfig};
pub use install::InstallError;
pub use policy::ConfiguredPolicy;
pub(crate) use policy::without_route;
pub use routes::{Interface, InterfaceIndex, InterfaceNet, Route, RoutingTable, Via};
pub use snapshot::{FlowView, IkeSaView, RouterSnapshot, SaView};

use counters::ErrorRate;
use event::{Connections, Journal};
use flows::Flows;
use path::Origin;

/// The port of IKE (RFC 2408 2.5.1).
pub const IKE_PORT: u16 = 500;

/// The port of IKE and ESP behind address translators (RFC 3947 4).
pub const NAT_PORT: u16 = 4500;

/// Packets that wait for an application on the router.
pub const MAX_LOCAL: usize = 64;

/// Dropped packets are told of once in this time for each reason; all of them are counted.
const TELL_AGAIN: Duration = Duration::from_secs(1);

/// Why a configuration makes no router.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RouterError {
    /// Lines that do not run.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Config(Vec<ConfigError>),
    /// The random source failed.
    #[error(transparent)]
    Random(#[from] RandomFailed),
}

/// What a router is made with beyond its configuration.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RouterOptions {
    /// Bounds and times of the engine.
    pub engine: oakley::Config,
    /// Whether keys are written down for [`Router::key_log`].
    pub key_log: bool,
    /// Who seals and opens packets.
    pub data_path: DataPath,
}

/// Who seals and opens the packets of the SAs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DataPath {
    /// The router itself.
    #[default]
    Own,
    /// Its caller, as [`Router::poll_data_path`] says.
    Caller,
}

impl Default for RouterOptions {
    /// No key log. Five sends, one second after the first and then twice as long each time, so that all of them fall
    /// within the 20 s for which a peer keeps its last reply: a later one would meet nobody who can answer it.
    fn default() -> Self {
        let mut engine = oakley::Config::default();
        engine.retransmit_after = Duration::from_secs(1);
        engine.max_sends = 5;
        Self { engine, key_log: false, data_path: DataPath::Own }
    }
}

/// One router.
pub struct Router {
    hostname: String,
    config: RunningConfig,
    engine: Engine,
    provider: CryptoProvider,
    routing: RoutingTable,
    flows: Flows,
    identification: Arc<IdentificationCounter>,
    connections: Connections,
    journal: Journal,
    outbox: VecDeque<(InterfaceIndex, Vec<u8>)>,
    /// Packets for this router itself, for [`Router::poll_local`].
    local: VecDeque<Vec<u8>>,
    counters: RouterCounters,
    drops: Counters,
    /// When a drop for this reason was last told of.
    drops_told: BTreeMap<DropReason, Duration>,
    /// ICMP errors that were sent of late.
    errors_told: ErrorRate,
    keys: Option<KeyLog>,
    data_path: DataPath,
    /// What the caller's data path has to do.
    actions: VecDeque<DataPathAction>,
    /// Packets of which fragments are missing.
    reassembly: Reassembly,
}

impl Router {
    /// A router without SAs. `file` is the name that errors carry; all randomness comes from `provider.random`.
    ///
    /// # Errors
    /// [`RouterError`].
    pub fn new(
        file: &str,
        config: RunningConfig,
        provider: CryptoProvider,
        options: RouterOptions,
    ) -> Result<Self, RouterError> {
        let policies = lower(&config, file).map_err(RouterError::Config)?;
        runs(&policies, file).map_err(RouterError::Config)?;
        let routing = policy::routing(&config);
        let maps = policy::maps(&policies, &routing);
        let mut first_identification = [0; 2];
        provider.random.fill(&mut first_identification)?;
        let policy = Arc::new(ConfiguredPolicy::new(policies, options.key_log));
        Ok(Self {
            hostname: config.hostname.clone().unwrap_or_else(|| "Router".to_owned()),
            config,
            engine: Engine::new(options.engine, provider.clone(), policy),
            provider,
            routing,
            flows: Flows::new(maps),
            identification: Arc::new(IdentificationCounter::starting_at(u16::from_be_bytes(
                first_identification,
            ))),
            connections: Connections::default(),
            journal: Journal::default(),
            outbox: VecDeque::new(),
            local: VecDeque::new(),
            counters: RouterCounters::default(),
            drops: Counters::new(),
            drops_told: BTreeMap::new(),
            errors_told: ErrorRate::default(),
            keys: options.key_log.then(KeyLog::default),
            data_path: options.data_path,
            actions: VecDeque::new(),
            reassembly: Reassembly::new(),
        })
    }

    /// The name in its configuration.
    #[must_use]
    pub fn hostname(&self) -> &str {
        &self.hostname
    }

    /// Its configuration.
    #[must_use]
    pub const fn config(&self) -> &RunningConfig {
        &self.config
    }

    /// Its interfaces and routes.
    #[must_use]
    pub const fn routing(&self) -> &RoutingTable {
        &self.routing
    }

    /// Its crypto maps, one for each interface that carries one.
    #[must_use]
    pub fn maps(&self) -> &[MapConfig] {
        &self.flows.maps
    }

    /// Packets that belong to no flow.
    #[must_use]
    pub const fn counters(&self) -> &RouterCounters {
        &self.counters
    }

    /// Dropped packets by reason, those of flows among them.
    #[must_use]
    pub const fn drops(&self) -> &Counters {
        &self.drops
    }

    /// The keys of all SAs so far, if they are written down.
    #[must_use]
    pub const fn key_log(&self) -> Option<&KeyLog> {
        self.keys.as_ref()
    }

    /// Sends an IP packet of this router's own, as the crypto map of the interface that it leaves by wants it. A packet
    /// whose source is not one of its addresses is dropped and counted.
    pub fn originate(&mut self, now: Duration, packet: &[u8]) {
        let packet = PacketBuf::copy_of(packet);
        match IpHeader::parse(packet.octets()) {
            Ok(header) if self.routing.owner(header.source()).is_some() => {
                self.send_by_policy(now, packet, Origin::Own);
            }
            Ok(_) => self.drop_spoofed(now, &packet),
            Err(_) => self.drops.count(DropReason::OuterHeader),
        }
    }

    /// The next packet for this router itself that is neither IKE nor an echo request, for an application on it. At
    /// most [`MAX_LOCAL`] wait; later ones are dropped.
    pub fn poll_local(&mut self) -> Option<Vec<u8>> {
        self.local.pop_front()
    }

    /// What happened next.
    pub fn poll_happening(&mut self) -> Option<Happening> {
        self.journal.pop()
    }

    /// Happenings that were let go because nobody read them.
    #[must_use]
    pub const fn happenings_lost(&self) -> u64 {
        self.journal.lost()
    }

    /// Counts a dropped packet and tells about it, unless the same reason was told of a moment ago: whoever sends
    /// many bad packets must not fill the log.
    fn drop_packet(&mut self, now: Duration, packet: &PacketBuf, reason: DropReason) {
        self.drops.count(reason);
        let told = self.drops_told.get(&reason);
        if told.is_some_and(|told| now < told.saturating_add(TELL_AGAIN)) {
            return;
        }
        self.drops_told.insert(reason, now);
        if let Ok(header) = IpHeader::parse(packet.octets()) {
            let dropped = DroppedPacket {
                reason,
                source: header.source(),
                destination: header.destination(),
                protocol: header.protocol(),
            };
            self.happened(now, Occurrence::Dropped(dropped));
        }
    }

    fn drop_unroutable(&mut self, now: Duration, packet: &PacketBuf) {
        self.counters.count_unroutable();
        self.drop_packet(now, packet, DropReason::NoRoute);
    }

    fn drop_spoofed(&mut self, now: Duration, packet: &PacketBuf) {
        self.counters.count_spoofed();
        self.drop_packet(now, packet, DropReason::Source);
    }

    fn happened(&mut self, now: Duration, what: Occurrence) {
        self.journal.push(Happening { at: now, connection: None, sas: Vec::new(), what });
    }

    /// Tells the engine about limits in time that SAs have reached.
    fn handle_limits(&mut self, now: Duration) {
        let ids: Vec<_> = self.flows.bundles.keys().copied().collect();
        for id in ids {
            self.report_limits(now, id);
        }
    }

    /// The most serious limit that a bundle has reached and that was not told yet.
    fn limit_of(&mut self, now: Duration, id: oakley::BundleId) -> Option<LimitReached> {
        let bundle = self.flows.bundles.get_mut(&id)?;
        let mut worst = None;
        let outbound = bundle.outbound.iter_mut().map(|one| one.sa.poll_limit(now));
        let inbound = bundle.inbound.iter_mut().map(|one| one.sa.poll_limit(now));
        for limit in outbound.chain(inbound).flatten() {
            worst = match limit {
                ipsec_core::Limit::Hard(_) => Some(LimitReached::Hard),
                ipsec_core::Limit::Soft(_) => worst.or(Some(LimitReached::Soft)),
            };
        }
        worst
    }
}

impl Node for Router {
    type Packet = Vec<u8>;

    fn handle_packet(&mut self, now: Duration, from: Port, packet: &Vec<u8>) {
        self.receive(now, InterfaceIndex(from.0), packet);
    }

    fn handle_timeout(&mut self, now: Duration) {
        for _ in 0..self.reassembly.expire(now) {
            self.drops.count(DropReason::Fragment);
        }
        self.handle_limits(now);
        self.engine.handle_timeout(now);
        self.drain_engine(now);
        for id in self.flows.overdue(now) {
            self.give_up(now, id);
        }
    }

    fn poll_timeout(&self) -> Option<Duration> {
        let engine = self.engine.poll_timeout().map(|deadline| deadline.at);
        engine.into_iter().chain(self.flows.next_deadline()).chain(self.reassembly.next_deadline()).min()
    }

    fn poll_transmit(&mut self) -> Option<(Port, Vec<u8>)> {
        self.outbox.pop_front().map(|(interface, packet)| (Port(interface.0), packet))
    }
}
