//! The kernel's own ESP and AH as the data path, by netlink XFRM (linux/xfrm.h).
//!
//! Everything of ours has a number in one range: SAs and templates as their reqid, policies as their priority. What a
//! gateway that was killed has left is known by that, and taken over by the next one; what others have made stays.

mod algorithm;
mod alone;
mod follow;
mod left;
mod policy;
mod questions;
mod selector;
mod spd;
mod state;
#[cfg(test)]
mod tests;

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd, RawFd};

use ipsec_core::{DfPolicy, Lifetime};
use netlink_packet_core::{NetlinkMessage, NetlinkPayload};
use netlink_packet_xfrm::{
    UserSaId, XFRMNLGRP_ACQUIRE, XFRMNLGRP_EXPIRE, XFRMNLGRP_MAPPING, XfrmMessage, state as states,
};
use netlink_sys::Socket;
use netlink_sys::protocols::NETLINK_XFRM;
use oakley::{BundleId, Direction, LimitReached, Protocol};

use self::algorithm::Keyed;
use self::alone::Alone;
use self::left::Left;
use self::policy::{Piece, Shape};
use self::questions::Questions;
pub(super) use self::spd::Plan;
use self::spd::{ADD, ASK, Spd, Unchanged};
use super::RunOptions;
use super::error::{NET_ADMIN, RunError};
use super::netlink::{Conversation, Refusal};
use crate::router::{DataPathAction, Handover, InstallError, NAT_PORT, Protection, Router};

/// The SPI of SAs that are made only to see whether the kernel takes them, and of those that are removed at once.
const PROBE: u32 = u32::MAX;

/// Octets of a HMAC-SHA-256 ICV (RFC 4868 2.6).
const SHA256_ICV: usize = 16;

/// Octets of events that wait.
const EVENTS: usize = 1 << 20;

/// Something that the kernel says by itself.
enum Event {
    /// A packet needs SAs.
    Demanded(u32),
    /// A limit was reached.
    Used(BundleId, LimitReached),
    /// A peer is elsewhere.
    Moved(BundleId, SocketAddr),
}

/// The kernel's data path, and what of it is ours.
pub(super) struct Kernel {
    requests: Conversation,
    events: Socket,
    bundles: BTreeMap<BundleId, Bundle>,
    spd: Spd,
    /// What a gateway that was killed has left.
    left: Left,
    questions: Questions,
    /// Our own port of ESP in UDP, which the router calls 4500.
    nat_port: u16,
    _alone: Alone,
}

/// What the kernel has of a bundle.
struct Bundle {
    flow: u32,
    shape: Shape,
    states: Vec<(Direction, UserSaId)>,
}

impl Kernel {
    /// Sees whether the kernel can do what a router wants, and changes nothing.
    pub(super) fn open(options: &RunOptions, router: &Router) -> Result<Self, RunError> {
        let what = "the kernel's ESP and AH (XFRM)";
        let requests = Conversation::open(NETLINK_XFRM).map_err(|error| match error.kind() {
            ErrorKind::Unsupported => refused(what, error.into()),
            _ if error.raw_os_error() == Some(NO_PROTOCOL) => refused(what, error.into()),
            _ => RunError::of(what, NET_ADMIN, error),
        })?;
        let events = listen().map_err(|error| RunError::of(what, NET_ADMIN, error))?;
        // Before anything is looked at: it could be that of a gateway that is alive.
        let alone = Alone::new()?;
        let locals: Vec<IpAddr> = router.maps().iter().flat_map(|map| map.locals.iter().copied()).collect();
        let mut this = Self {
            requests,
            events,
            bundles: BTreeMap::new(),
            spd: Spd::new(policy::bypasses(&locals, &[options.port, options.nat_port])),
            nat_port: options.nat_port,
            left: Left::default(),
            questions: Questions::default(),
            _alone: alone,
        };
        this.left =
            left::look(&this.requests).map_err(|refusal| RunError::of(what, NET_ADMIN, refusal.error))?;
        this.spd.adopt(core::mem::take(&mut this.left.policies));
        this.plan(router)?;
        Ok(this)
    }

    /// Nothing more can keep the gateway from running: what an earlier run has left and nobody wants goes.
    pub(super) fn settle(&mut self) -> Result<(), RunError> {
        self.spd.settle(&self.requests).map_err(not_made)?;
        let Left { states, questions, .. } = core::mem::take(&mut self.left);
        states.into_iter().for_each(|id| self.remove_state(id));
        questions.iter().for_each(|question| questions::take_back(&self.requests, question));
        Ok(())
    }

    /// What to watch.
    pub(super) fn descriptor(&self) -> RawFd {
        self.events.as_raw_fd()
    }

    /// What a router's maps are to the kernel.
    ///
    /// # Errors
    /// [`RunError::Kernel`] for what the kernel has not.
    pub(super) fn plan(&self, router: &Router) -> Result<Plan, RunError> {
        self.probe(router)?;
        let too_many =
            || RunError::Kernel { what: "the access lists".to_owned(), said: "too many policies".to_owned() };
        let (pieces, shapes) = policy::pieces(router).ok_or_else(too_many)?;
        let is_no_prefix = |piece: &&Piece| selector::of(&piece.packets, selector::Way::Out).is_empty();
        if let Some(piece) = pieces.iter().find(is_no_prefix) {
            let what = format!("{:?} to {:?}", piece.packets.local(), piece.packets.remote());
            return Err(RunError::Kernel { what, said: "its policies have prefixes".to_owned() });
        }
        let plan = Plan { pieces, shapes };
        self.spd.check(&plan).map_err(|_| too_many())?;
        Ok(plan)
    }

    /// Makes the policies those of a plan.
    pub(super) fn apply(&mut self, mut plan: Plan) -> Result<(), RunError> {
        // Flows that have SAs go on with them.
        for bundle in self.bundles.values() {
            if let Some(shape) = plan.shapes.get_mut(&bundle.flow) {
                shape.clone_from(&bundle.shape);
            }
        }
        self.spd.apply(&self.requests, plan).map_err(not_made)
    }

    /// Does what the router wants.
    pub(super) fn act(&mut self, now: Duration, router: &mut Router, action: DataPathAction) {
        match action {
            DataPathAction::Install(handover) => {
                if let Err(error) = self.install(&handover) {
                    router.not_installed(now, handover.installation.bundle, error);
                }
            }
            DataPathAction::Remove(bundle) => self.remove(bundle),
            // The peer gets others where it is.
            DataPathAction::Move(bundle, path) if !self.follow(bundle, path) => router.end(now, bundle),
            DataPathAction::Move(..) => {}
        }
    }

    /// Tells the router what the kernel says; whether there may be more.
    pub(super) fn listen(&mut self, now: Duration, router: &mut Router) -> bool {
        let octets = match self.events.recv_from_full() {
            Ok((octets, _)) => octets,
            // What was lost in a flood is asked for again, or ends in time.
            Err(error) => return !matches!(error.kind(), ErrorKind::WouldBlock),
        };
        let message = NetlinkMessage::<XfrmMessage>::deserialize(&octets).ok();
        match message.and_then(|message| self.event(now, message)) {
            Some(Event::Demanded(flow)) => router.demanded(now, flow),
            Some(Event::Used(bundle, limit)) => router.used(now, bundle, limit),
            Some(Event::Moved(bundle, place)) => router.moved(now, bundle, place),
            None => {}
        }
        true
    }

    fn event(&mut self, now: Duration, message: NetlinkMessage<XfrmMessage>) -> Option<Event> {
        match message.payload {
            NetlinkPayload::InnerMessage(XfrmMessage::Acquire(acquire)) => {
                self.questions.heard(now, &acquire).map(Event::Demanded)
            }
            NetlinkPayload::InnerMessage(XfrmMessage::Expire(message)) => {
                let bundle = self.bundle_of(&state::id(&message.expire.state))?;
                let limit = if message.expire.hard == 0 { LimitReached::Soft } else { LimitReached::Hard };
                Some(Event::Used(bundle, limit))
            }
            NetlinkPayload::InnerMessage(XfrmMessage::Mapping(message)) => {
                self.moved(&message).map(|(bundle, place)| Event::Moved(bundle, place))
            }
            _ => None,
        }
    }

    /// When [`Kernel::handle_timeout`] has something to do.
    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        self.questions.next()
    }

    /// Does what is due.
    pub(super) fn handle_timeout(&mut self, now: Duration) {
        self.questions.take_back(now, &self.requests);
    }

    /// Tells the router what the kernel has counted: what was sent before what came, which may be the answer.
    pub(super) fn count(&self, now: Duration, router: &mut Router) {
        for (bundle, known) in &self.bundles {
            let mut states: Vec<_> = known.states.iter().collect();
            states.sort_by_key(|(direction, _)| core::cmp::Reverse(*direction));
            for (direction, id) in states {
                let Some(state) = self.state(*id) else { continue };
                let is_esp = id.proto == netlink_packet_xfrm::IPPROTO_ESP;
                let protocol = if is_esp { Protocol::Esp } else { Protocol::Ah };
                let counted = state.user_sa_info.lifetime_cur;
                router.counted(now, *bundle, (*direction, protocol), (counted.packets, counted.bytes));
            }
        }
    }

    /// What the kernel has of an SA, its keys among it.
    fn state(&self, id: UserSaId) -> Option<Keyed> {
        let request = states::DelGetMessage { user_sa_id: id, nlas: Vec::new() };
        let answers = self.requests.ask(XfrmMessage::GetSa(request), ASK).ok()?;
        answers.into_iter().find_map(|answer| match answer {
            XfrmMessage::AddSa(state) => Some(Keyed::new(state)),
            _ => None,
        })
    }

    fn bundle_of(&self, id: &UserSaId) -> Option<BundleId> {
        let is_its = |bundle: &Bundle| bundle.states.iter().any(|(_, known)| known == id);
        self.bundles.iter().find(|(_, bundle)| is_its(bundle)).map(|(id, _)| *id)
    }

    /// What a port of ours is in truth.
    const fn own_port(&self, known: u16) -> u16 {
        if known == NAT_PORT { self.nat_port } else { known }
    }

    fn install(&mut self, handover: &Handover) -> Result<(), InstallError> {
        let installation = &handover.installation;
        let reqid = policy::reqid(handover.flow);
        let messages = state::messages(handover, reqid, |known| self.own_port(known))?;
        let shape = Shape::of(handover);
        let bundle = self.bundles.entry(installation.bundle);
        let bundle = bundle.or_insert_with(|| Bundle {
            flow: handover.flow,
            shape: shape.clone(),
            states: Vec::new(),
        });
        for message in messages {
            let id = state::id(&message.user_sa_info);
            let answer = self.requests.ask(XfrmMessage::AddSa(message.into_message()), ADD);
            answer.map_err(|refusal| InstallError::Elsewhere(refusal.to_string()))?;
            bundle.states.push((installation.direction, id));
        }
        self.questions.answered(handover.flow, installation.direction);
        let reshaped = self.spd.reshape(&self.requests, handover.flow, shape);
        reshaped.map_err(|unchanged| InstallError::Elsewhere(unchanged.to_string()))
    }

    fn remove(&mut self, bundle: BundleId) {
        for (_, id) in self.bundles.remove(&bundle).into_iter().flat_map(|bundle| bundle.states) {
            self.remove_state(id);
        }
    }

    fn remove_state(&self, id: UserSaId) {
        left::remove(&self.requests, id);
    }

    /// Whether the kernel would take the SAs that may be negotiated: a peer should not be the one who finds out.
    fn probe(&self, router: &Router) -> Result<(), RunError> {
        let mut seen: Vec<Protection> = Vec::new();
        for map in router.maps() {
            for entry in &map.entries {
                if entry.df == DfPolicy::Set {
                    let what = "crypto ipsec df-bit set".to_owned();
                    return Err(RunError::Kernel {
                        what,
                        said: "its tunnels copy that bit or clear it".to_owned(),
                    });
                }
                let Some(remote) = entry.peers.first() else { continue };
                let Some(local) = map.local(*remote) else { continue };
                let choices = entry.proposals.iter().flat_map(|proposal| &proposal.protections).flatten();
                for protection in choices.filter_map(|choice| Protection::of(choice, SHA256_ICV)) {
                    if !seen.contains(&protection) {
                        self.try_state((*remote, local), protection)?;
                        seen.push(protection);
                    }
                }
            }
        }
        Ok(())
    }

    fn try_state(&self, ends: (IpAddr, IpAddr), protection: Protection) -> Result<(), RunError> {
        let name = protection.name().unwrap_or_else(|| format!("{protection:?}"));
        let (encryption, integrity) = protection.key_lens();
        // Any key will do that no cipher calls weak.
        let key: Vec<u8> = (1..=u8::MAX).collect();
        let state = state::State {
            ends,
            spi: PROBE,
            protection,
            keys: (key.get(..encryption).unwrap_or_default(), key.get(..integrity).unwrap_or_default()),
            tunnel: false,
            reqid: policy::BASE,
            lifetime: Lifetime::default(),
            selector: None,
            any_family: false,
            replay: None,
            df: DfPolicy::default(),
            ports: None,
        };
        let unknown = || refused(&name, io::Error::from(ErrorKind::Unsupported).into());
        let message = state.message().ok_or_else(unknown)?;
        let id = state::id(&message.user_sa_info);
        self.requests
            .ask(XfrmMessage::AddSa(message.into_message()), ADD)
            .map_err(|refusal| refused(&name, refusal))?;
        self.remove_state(id);
        Ok(())
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // As if it had been killed: what was protected stays so.
            return;
        }
        for (_, bundle) in core::mem::take(&mut self.bundles) {
            for (_, id) in bundle.states {
                self.remove_state(id);
            }
        }
        self.spd.clear(&self.requests);
        self.questions.take_back(Duration::MAX, &self.requests);
    }
}

/// EPROTONOSUPPORT: a kernel without CONFIG_XFRM_USER.
const NO_PROTOCOL: i32 = 93;

fn not_made(unchanged: Unchanged) -> RunError {
    match unchanged {
        Unchanged::Refused(Refusal { error, .. }) if error.kind() == ErrorKind::AlreadyExists => {
            RunError::Taken { what: "an IPsec policy".to_owned(), error }
        }
        Unchanged::Refused(refusal) => refused("a policy", refusal),
        Unchanged::TooMany => {
            RunError::Kernel { what: "the access lists".to_owned(), said: unchanged.to_string() }
        }
    }
}

fn refused(what: &str, refusal: Refusal) -> RunError {
    match RunError::of(what, NET_ADMIN, io::Error::from(refusal.error.kind())) {
        privilege @ RunError::Privilege { .. } => privilege,
        _ => RunError::Kernel { what: what.to_owned(), said: refusal.to_string() },
    }
}

fn listen() -> io::Result<Socket> {
    let mut socket = Socket::new(NETLINK_XFRM)?;
    socket.bind_auto()?;
    socket.set_non_blocking(true)?;
    // The kernel gives less where it has less.
    let _ = socket.set_rx_buf_sz(EVENTS);
    socket.add_membership(XFRMNLGRP_ACQUIRE)?;
    socket.add_membership(XFRMNLGRP_EXPIRE)?;
    socket.add_membership(XFRMNLGRP_MAPPING)?;
    Ok(socket)
}
