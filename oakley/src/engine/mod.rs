//! The engine: owns every exchange and SA, and hands each input to the one that it is for.

pub(crate) mod admin;
pub(crate) mod bounds;
pub(crate) mod commit;
pub(crate) mod demux;
pub(crate) mod doubt;
pub(crate) mod dpd;
pub(crate) mod established;
pub(crate) mod fragments;
pub(crate) mod half_open;
pub(crate) mod informational;
pub(crate) mod negotiation;
pub(crate) mod outbox;
pub(crate) mod park;
pub(crate) mod path;
pub(crate) mod quick;
pub(crate) mod recovery;
pub(crate) mod renewal;
pub(crate) mod stray;
pub(crate) mod table;
pub(crate) mod timeout;
pub(crate) mod timer;
pub(crate) mod told;
pub(crate) mod watched;

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use crypto_provider::CryptoProvider;

use crate::auth::{AUTHENTICATORS, Authenticator};
use crate::context::{Cx, Unasked};
use crate::engine::doubt::Doubts;
use crate::engine::half_open::{Budget, HalfOpen, RateLimit, Unreturned};
use crate::engine::outbox::Outbox;
use crate::engine::park::Parked;
use crate::engine::recovery::Recoveries;
use crate::engine::table::Table;
use crate::engine::timer::Timers;
use crate::engine::watched::Watched;
use crate::error::ApiMisuse;
use crate::fragments::reassembly::Reassembly;
use crate::input::{Answer, Input};
use crate::output::{Deadline, Output};
use crate::overrides::Overrides;
use crate::policy::{Config, PolicySource};

/// A sans-IO IKEv1 engine: one per gateway, or one per shard of peers.
///
/// It owns no socket, clock or thread. Feed it with [`Engine::handle_input`] and, when the time of
/// [`Engine::poll_timeout`] has come, [`Engine::handle_timeout`]; then drain [`Engine::poll_output`]. The crate's
/// front page has the loop.
pub struct Engine {
    host: Host,
    table: Table,
    timers: Timers,
    /// Exchanges that peers began and that have proved nothing, not even their address.
    unreturned: Unreturned,
    /// Exchanges that peers began and in which our cookie came back: their address is real.
    returned: HalfOpen,
    refusals: RateLimit,
    /// Messages that came in part.
    fragments: Reassembly,
    parked: Parked,
    /// Bundles that send and do not receive.
    doubts: Doubts,
    /// Peers that were met anew because of packets under unknown SPIs.
    recoveries: Recoveries,
}

/// What every step of an exchange may use: see [`Cx`].
struct Host {
    now: Duration,
    config: Config,
    provider: CryptoProvider,
    authenticators: Vec<&'static dyn Authenticator>,
    policy: Arc<dyn PolicySource>,
    out: Outbox,
    overrides: Overrides,
    budget: Budget,
}

impl Host {
    fn cx<'a>(&'a mut self, answers: &'a [Answer]) -> Cx<'a> {
        Cx {
            now: self.now,
            config: &self.config,
            provider: &self.provider,
            authenticators: &self.authenticators,
            policy: &*self.policy,
            out: &mut self.out,
            answers,
            overrides: &mut self.overrides,
            budget: &mut self.budget,
            peers: &Unasked,
        }
    }

    /// The same where it matters who is known already.
    fn cx_among<'a>(&'a mut self, answers: &'a [Answer], peers: &'a Table) -> Cx<'a> {
        Cx { peers, ..self.cx(answers) }
    }
}

impl Engine {
    /// An engine without SAs. Randomness comes from `provider.random`: with a seeded source and scripted inputs every
    /// octet that leaves is reproducible. A source that repeats itself from one draw to the next, or draws zeros, counts as
    /// failed.
    pub fn new(config: Config, provider: CryptoProvider, policy: Arc<dyn PolicySource>) -> Self {
        let nat_port = config.nat_port;
        let provider = CryptoProvider { random: Arc::new(Watched::new(provider.random)), ..provider };
        Self {
            host: Host {
                now: Duration::ZERO,
                config,
                provider,
                authenticators: AUTHENTICATORS.to_vec(),
                policy,
                out: Outbox::new(nat_port),
                overrides: Overrides::default(),
                budget: Budget::default(),
            },
            table: Table::default(),
            timers: Timers::default(),
            unreturned: Unreturned::default(),
            returned: HalfOpen::default(),
            refusals: RateLimit::default(),
            fragments: Reassembly::default(),
            parked: Parked::default(),
            doubts: Doubts::default(),
            recoveries: Recoveries::default(),
        }
    }

    /// Takes one input in. `now` is the time since an arbitrary start, the same for all calls; a time before that of
    /// an earlier call counts as that one.
    ///
    /// A bad datagram is not an error: it is an [`Event`](crate::Event) and a counter.
    ///
    /// # Errors
    /// [`ApiMisuse`] if the input names something that does not exist; nothing has changed then.
    pub fn handle_input(&mut self, now: Duration, input: Input<'_>) -> Result<(), ApiMisuse> {
        self.advance_to(now);
        self.expire_parked();
        match input {
            Input::Datagram { path, octets } => self.datagram(path, octets),
            Input::Initiate(request) => self.initiate(request, &[]),
            Input::Used { bundle, limit } => return self.used(bundle, limit),
            Input::Traffic { bundle, direction } => return self.traffic(bundle, direction),
            Input::UnknownSpi { path, protocol, spi } => self.unknown_spi(path, (protocol, spi)),
            Input::Moved { bundle, path } => return self.bundle_moved(bundle, path),
            Input::InstallFailed(bundle) => return self.install_failed(bundle),
            Input::Completed(ticket, answer) => return self.completed(ticket, answer),
            Input::Policy(policy) => self.host.policy = policy,
            Input::Delete(target) => return self.delete(target),
        }
        Ok(())
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.advance_to(now);
        self.expire_parked();
        while let Some(key) = self.timers.pop_due(self.host.now) {
            self.timeout(key);
        }
    }

    /// When [`Engine::handle_timeout`] must be called next, if ever.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        self.timers.next()
    }

    /// The next output, in order. Draining late is never wrong.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.host.out.pop()
    }

    /// Time never goes back inside.
    fn advance_to(&mut self, now: Duration) {
        self.host.now = self.host.now.max(now);
    }
}

#[cfg(feature = "test-support")]
impl Engine {
    pub(crate) fn add_authenticator(&mut self, authenticator: &'static dyn Authenticator) {
        self.host.authenticators.push(authenticator);
    }

    pub(crate) fn overrides(&mut self) -> &mut Overrides {
        &mut self.host.overrides
    }
}
