//! From an authenticated phase 1 to an IKE SA under which Quick Modes may run.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use isakmp_wire::MessageId;

use crate::engine::Engine;
use crate::engine::outbox::count;
use crate::engine::stray::Told;
use crate::engine::table::{Course, Entry, Live};
use crate::engine::timer::TimerKey;
use crate::event::Event;
use crate::exchange::flight::Flight;
use crate::phase1::facts::Established;
use crate::phase2::dpd::Liveness;
use crate::phase2::{Ike, informational};
use crate::policy::{Mode, Role};
use crate::sa::IkeSaId;

impl Engine {
    /// Phase 1 is complete: the IKE SA is authenticated, then ready.
    pub(super) fn established(
        &mut self,
        id: IkeSaId,
        (established, send): (Established, Option<Bytes>),
        course: Course,
    ) {
        let (Course { home, began, accepted, waiting, mode, .. }, now) = (course, self.host.now);
        let Established { offered, suite, keys, last_block, identity, contact_said, contact_heard } =
            established;
        let life = suite.chosen.lifetime.seconds.map(Duration::from_secs);
        let expires = life.and_then(|life| now.checked_add(life));
        let (path, role, cookies) = (offered.path, offered.role, offered.cookies);
        if let Some(octets) = send.clone() {
            self.host.out.transmit(path, octets, offered.fragment_size());
        }
        // A message behind our last proof might overtake it, and a peer that has just started anew needs telling least.
        let may_follow =
            (role, mode) != (Role::Responder, Mode::Main) || offered.policy.quirks.initial_contact_apart;
        let says_contact = may_follow && !contact_said && !contact_heard;
        count(&mut self.host.out.counters.ike_sas);
        let ike = Ike {
            id,
            path,
            home,
            nat: offered.nat,
            role,
            cookies,
            policy: offered.policy,
            suite,
            keys,
            last_block,
            identity,
            vendors: offered.vendors,
            began,
            established: now,
        };
        self.report_authenticated(&ike);
        let live = Live {
            ike,
            ready: false,
            waiting,
            heard: now,
            unconfirmed: role == Role::Initiator && send.is_some(),
            flight: send.map(Flight::reply),
            accepted,
            liveness: Liveness::default(),
            proven: false,
            refused: false,
            told: Told::default(),
            used_ids: BTreeSet::new(),
            quick: BTreeMap::new(),
            expires,
            protected: 0,
        };
        self.bound_life(&live);
        if contact_heard {
            self.initial_contact(&live);
        }
        self.table.put(id, Entry::Live(Box::new(live)));
        self.begins(id, says_contact);
    }

    /// What begins with an IKE SA.
    fn begins(&mut self, id: IkeSaId, says_contact: bool) {
        let now = self.host.now;
        self.timers
            .set(TimerKey::Reap(id, MessageId::ZERO), now.checked_add(self.host.config.sweep_interval));
        self.bound_ike_sas(id);
        self.keep_alive(id);
        self.watch(id);
        if says_contact {
            self.first_contact(id);
        }
        // No policy of this engine asks for anything in between; what will, has its place here.
        if !self.host.overrides.gate_is_held() {
            self.make_ready(id);
        }
    }

    fn report_authenticated(&mut self, ike: &Ike) {
        let Ike { id: ike_sa, path, role, cookies, .. } = *ike;
        let (suite, identity) = (ike.suite.chosen.clone(), ike.identity.clone());
        self.host.out.event(Event::Authenticated { ike_sa, path, role, cookies, suite, identity });
    }

    /// RFC 2407 4.6.3.3: whoever has nothing else with this peer says so, and the peer drops what it still has from before.
    /// Here where it could not be said inside our proof: Aggressive Mode's responder proves itself in clear.
    fn first_contact(&mut self, id: IkeSaId) {
        let Some(mut live) = self.table.take_live(id) else { return };
        let (sas, bundles) = self.table.of_peer_before(&live.ike.identity, Duration::MAX);
        if sas.is_empty() && bundles.is_empty() && !live.ike.policy.quirks.no_initial_contact {
            let notify = isakmp_wire::NotifyType::INITIAL_CONTACT;
            let about = (isakmp_wire::ProtocolId::ISAKMP, informational::cookie_spi(&live.ike.cookies));
            let payload = informational::notify(notify, Some(about));
            if self.send_informational(&mut live, Vec::from([payload])).is_some() {
                let path = live.ike.path;
                self.host.out.event(Event::NotifySent { path, ike_sa: Some(id), notify });
            }
        }
        self.table.put(id, Entry::Live(live));
    }

    /// Everything has happened that must happen between authentication and the first Quick Mode.
    pub(crate) fn make_ready(&mut self, id: IkeSaId) {
        let Some(mut live) = self.table.take_live(id) else { return };
        live.ready = true;
        let waiting = core::mem::take(&mut live.waiting);
        self.table.put(id, Entry::Live(live));
        self.host.out.event(Event::Ready { ike_sa: id });
        for request in waiting {
            self.initiate(request, &[]);
        }
    }
}
