//! What a handler may use beside its own state: the arguments that every step of an exchange shares.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

use crypto_provider::{CryptoProvider, SecretBytes, Work};
use isakmp_wire::{Cookie, MessageId};

use crate::auth::Authenticator;
use crate::engine::half_open::Budget;
use crate::engine::outbox::{KeyLog, Outbox};
use crate::error::{LocalFailure, Misbehaviour};
use crate::event::Cookies;
use crate::identity::Identity;
use crate::input::Answer;
use crate::keys::Suite;
use crate::overrides::Overrides;
use crate::policy::{
    AuthMethod, Config, KeyQuery, Mode, Peer, Phase1Policy, Phase1Suite, Phase2Policy, PolicySource,
    SelectorPair,
};
use crate::sa::IkeSaId;

/// The surroundings of one step.
pub(crate) struct Cx<'a> {
    pub(crate) now: Duration,
    pub(crate) config: &'a Config,
    pub(crate) provider: &'a CryptoProvider,
    pub(crate) authenticators: &'a [&'static dyn Authenticator],
    pub(crate) policy: &'a dyn PolicySource,
    pub(crate) out: &'a mut Outbox,
    /// Answers to work that was pending when this step was tried before.
    pub(crate) answers: &'a [Answer],
    pub(crate) overrides: &'a mut Overrides,
    pub(crate) budget: &'a mut Budget,
    pub(crate) peers: &'a dyn Peers,
}

/// With whom there are SAs.
pub(crate) trait Peers {
    /// With a peer of this identity.
    fn is_known(&self, peer: &Identity) -> bool;

    /// With a peer that has this address as its identity, or is behind a translator with it.
    fn is_known_at(&self, address: IpAddr) -> bool;
}

/// Where nothing is said that would depend on it.
pub(crate) struct Unasked;

impl Peers for Unasked {
    fn is_known(&self, _: &Identity) -> bool {
        true
    }

    fn is_known_at(&self, _: IpAddr) -> bool {
        true
    }
}

impl Cx<'_> {
    pub(crate) fn authenticator(&self, method: AuthMethod) -> Option<&'static dyn Authenticator> {
        self.authenticators.iter().copied().find(|authenticator| authenticator.method() == method)
    }

    /// Whether an exponentiation may be spent on a peer that has proved nothing.
    pub(crate) fn may_exponentiate(&mut self, source: IpAddr) -> Result<(), Misbehaviour> {
        match self.budget.take(self.now, source, self.config) {
            true => Ok(()),
            false => Err(Misbehaviour::TooFast),
        }
    }

    pub(crate) fn random(&self, len: usize) -> Result<Vec<u8>, LocalFailure> {
        let mut octets = vec![0; len];
        self.provider.random.fill(&mut octets)?;
        Ok(octets)
    }

    /// A cookie, never zero (RFC 2408 2.5.3).
    pub(crate) fn cookie(&self) -> Result<Cookie, LocalFailure> {
        self.draw(|octets: [u8; 8]| Some(Cookie(octets)).filter(|cookie| !cookie.is_zero()))
    }

    /// Draws until `accept` takes the octets, a bounded number of times.
    pub(crate) fn draw<const N: usize, T>(
        &self,
        accept: impl Fn([u8; N]) -> Option<T>,
    ) -> Result<T, LocalFailure> {
        for _ in 0..MAX_DRAWS {
            let mut octets = [0; N];
            self.provider.random.fill(&mut octets)?;
            if let Some(accepted) = accept(octets) {
                return Ok(accepted);
            }
        }
        Err(LocalFailure::NumbersExhausted)
    }

    pub(crate) fn key_log(
        &mut self,
        policy: &Phase1Policy,
        ids: (IkeSaId, Cookies),
        message_id: MessageId,
        hash: crypto_provider::HashAlgorithm,
    ) -> KeyLog<'_> {
        KeyLog::new(policy.key_log.then_some(&mut *self.out), ids, message_id, hash)
    }

    /// The policy for a peer without the suites that this engine cannot run: what is not there is neither offered nor
    /// chosen, and does not stand in the way of what is.
    pub(crate) fn phase1_policy(&self, peer: &Peer<'_>, mode: Mode) -> Work<Option<Arc<Phase1Policy>>> {
        let known = self.answers.iter().find_map(|answer| match answer {
            Answer::Phase1(policy) => Some(policy.clone()),
            _ => None,
        });
        match known.map_or_else(|| self.policy.phase1(peer, mode), Work::Done) {
            Work::Done(policy) => Work::Done(policy.map(|policy| self.usable(policy))),
            Work::Pending(ticket) => Work::Pending(ticket),
        }
    }

    fn usable(&self, policy: Arc<Phase1Policy>) -> Arc<Phase1Policy> {
        let runs = |suite: &&Phase1Suite| {
            Suite::resolve((*suite).clone(), self.provider).is_some()
                && self.authenticator(suite.method).is_some()
        };
        if policy.suites.iter().all(|suite| runs(&suite)) {
            return policy;
        }
        let suites = policy.suites.iter().filter(runs).cloned().collect();
        Arc::new(Phase1Policy { suites, ..Phase1Policy::clone(&policy) })
    }

    pub(crate) fn pre_shared_keys(&self, query: KeyQuery<'_>) -> Work<Arc<[SecretBytes]>> {
        let known = self.answers.iter().find_map(|answer| match answer {
            Answer::PreSharedKeys(keys) => Some(Arc::clone(keys)),
            _ => None,
        });
        known.map_or_else(|| self.policy.pre_shared_keys(query), Work::Done)
    }

    pub(crate) fn phase2_policy(
        &self,
        peer: &Peer<'_>,
        wanted: &SelectorPair,
    ) -> Work<Option<Arc<Phase2Policy>>> {
        let known = self.answers.iter().find_map(|answer| match answer {
            Answer::Phase2(policy) => Some(policy.clone()),
            _ => None,
        });
        known.map_or_else(|| self.policy.phase2(peer, wanted), Work::Done)
    }
}

/// How often a random number is drawn again before the source is taken for broken.
const MAX_DRAWS: usize = 32;
