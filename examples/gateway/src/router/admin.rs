//! What an operator does to a running router: clears SAs, gives it another configuration.

use core::time::Duration;
use std::sync::Arc;

use oakley::{BundleId, IkeSaId, Input, Target};

use super::flows::Flows;
use super::policy::{self, ConfiguredPolicy};
use super::{Router, RouterError};
use crate::ios::model::{MapEntry, RunningConfig};
use crate::ios::{lower, runs};

impl Router {
    /// Ends all IPsec SAs and tells the peers; traffic negotiates new ones under the IKE SAs that stay.
    pub fn clear_sas(&mut self, now: Duration) {
        let bundles: Vec<BundleId> = self.flows.bundles.keys().copied().collect();
        for bundle in bundles {
            self.tell_engine(now, Input::Delete(Target::Bundle(bundle)));
        }
    }

    /// Ends everything and tells the peers.
    pub fn clear_isakmp(&mut self, now: Duration) {
        self.tell_engine(now, Input::Delete(Target::All));
    }

    /// Gives the router another configuration. SAs of flows that it has unchanged stay, with the IKE SAs of their peers;
    /// all others are ended, and the peers told. `file` is the name that errors carry.
    ///
    /// # Errors
    /// [`RouterError::Config`]; nothing has changed then.
    pub fn reconfigure(
        &mut self,
        now: Duration,
        file: &str,
        config: RunningConfig,
    ) -> Result<(), RouterError> {
        let policies = lower(&config, file).map_err(RouterError::Config)?;
        runs(&policies, file).map_err(RouterError::Config)?;
        let routing = policy::routing(&config);
        let mut flows = Flows::new(policy::maps(&policies, &routing));
        // Peers may stay what they are only if what they have to prove, and what is between here and them, does.
        let same = self.config.isakmp == config.isakmp
            && self.config.ipsec == config.ipsec
            && self.config.hosts == config.hosts
            && self.routing == routing;
        let orphans: Vec<BundleId> = if same {
            let unchanged = |map: &str, sequence: u16| {
                // What an entry says for people protects nothing.
                let entry = |config: &RunningConfig| {
                    let entry = config.crypto_maps.get(map)?.entries.get(&sequence)?.clone();
                    Some(MapEntry { description: None, ..entry })
                };
                entry(&self.config).is_some_and(|old| entry(&config) == Some(old))
            };
            self.flows.strangers_to(&flows, unchanged)
        } else {
            self.flows.bundles.keys().copied().collect()
        };
        for bundle in orphans {
            self.tell_engine(now, Input::Delete(Target::Bundle(bundle)));
        }
        for ike_sa in self.without_policy(same, &flows) {
            self.tell_engine(now, Input::Delete(Target::IkeSa(ike_sa)));
        }
        flows.adopt(core::mem::replace(&mut self.flows, Flows::new(Vec::new())));
        let key_log = self.keys.is_some();
        self.hostname = config.hostname.clone().unwrap_or_else(|| "Router".to_owned());
        (self.flows, self.routing, self.config) = (flows, routing, config);
        self.tell_engine(now, Input::Policy(Arc::new(ConfiguredPolicy::new(policies, key_log))));
        Ok(())
    }

    /// IKE SAs whose peers the new maps do not have, or all of them.
    fn without_policy(&self, same: bool, flows: &Flows) -> Vec<IkeSaId> {
        let snapshot = self.engine.snapshot();
        let gone = snapshot.ike_sas.iter().filter(|sa| !same || !flows.has_peer(sa.path.remote.ip()));
        gone.map(|sa| sa.id).collect()
    }
}
