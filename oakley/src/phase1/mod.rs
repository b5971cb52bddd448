//! Phase 1 (RFC 2409 5): the exchanges, as states named for what they wait for.
//!
//! | | 1 | 2 | 3 | 4 | 5 | 6 |
//! |---|---|---|---|---|---|---|
//! | Main | Offer | Offer | Contribute | Contribute | Identify, Prove | Identify, Prove |
//! | Aggressive | Offer, Contribute, Identify | Offer, Contribute, Identify, Prove | Prove | | | |
//!
//! Every state is checked by `&self`: whatever arrives, nothing changes. Only a message that was accepted advances it, and
//! then the state is consumed.

pub(crate) mod aggressive_initiator;
pub(crate) mod aggressive_responder;
pub(crate) mod beside;
pub(crate) mod contribution;
pub(crate) mod facts;
pub(crate) mod finish;
pub(crate) mod last_proof;
pub(crate) mod main_initiator;
pub(crate) mod main_responder;
pub(crate) mod offer;
pub(crate) mod proving;

use alloc::boxed::Box;

use bytes::Bytes;
use crypto_provider::{Ticket, Work};

use crate::context::Cx;
use crate::error::{Abort, Misbehaviour, Reject};
use crate::event::Cookies;
use crate::exchange::incoming::Incoming;
use crate::phase1::facts::{Established, Offered};
use crate::policy::{Mode, Phase1Suite, Role};
use crate::snapshot::IkeSaState;

/// A phase 1 exchange between two messages.
pub(crate) enum Phase1 {
    /// Our message 1 is sent.
    MainAwaitSa(Box<main_initiator::AwaitSa>),
    /// Our message 3 is sent.
    MainAwaitReply(Box<main_initiator::AwaitReply>),
    /// Our message 2 is sent.
    MainAwaitContribution(Box<main_responder::AwaitContribution>),
    /// Our message 4 is sent.
    MainAwaitInitiatorProof(Box<main_responder::AwaitInitiatorProof>),
    /// Our message 1 is sent.
    AggressiveAwaitReply(Box<aggressive_initiator::AwaitReply>),
    /// Our proof is sent, in message 5 of Main or in message 2 of Aggressive Mode.
    AwaitLastProof(Box<last_proof::AwaitLastProof>),
    /// Our own proof is outstanding, in any exchange.
    Proving(Box<proving::Proving>),
}

/// What an accepted message leads to.
pub(crate) enum Step {
    /// Send, and wait for the next message.
    Wait { next: Phase1, send: Bytes },
    /// Our own proof is outstanding; nothing is sent.
    Park { next: Phase1, ticket: Ticket },
    /// The IKE SA exists; `send` is the last message, if it is ours.
    Done { established: Box<Established>, send: Option<Bytes> },
}

/// What message 1 of a configured peer leads to.
pub(crate) enum Begun {
    /// Message 2, or the wait for our proof in it, and a half-open exchange.
    Answered(Step, Cookies),
    /// An answer is outstanding; message 1 will be tried again.
    Pending(Ticket),
    /// Nothing is kept.
    Refused(Reject),
    /// Our own side failed; nothing is kept.
    Failed(Abort),
}

/// What became of a message.
pub(crate) enum Verdict {
    /// It was refused; the state is as it was.
    Refused(Phase1, Reject),
    /// An answer is outstanding; the state is as it was, the message will be tried again.
    Parked(Phase1, Ticket),
    /// It was accepted.
    Went(Step),
    /// The exchange is over.
    Ended(Abort),
}

/// A state that waits for one kind of message.
pub(crate) trait Waiting: Sized
where
    Phase1: From<Box<Self>>,
{
    /// What an acceptable message yields.
    type Checked;

    /// Work that must not be repeated for each forged message, done once when the first message comes.
    fn prepare(self: Box<Self>, _: &mut Cx<'_>) -> Result<Box<Self>, Abort> {
        Ok(self)
    }

    /// Checks a message; whatever it is, nothing changes.
    fn check(&self, incoming: &Incoming, cx: &mut Cx<'_>) -> Work<Result<Self::Checked, Reject>>;

    /// Goes on; nothing can be refused any more.
    fn advance(self: Box<Self>, checked: Self::Checked, cx: &mut Cx<'_>) -> Result<Step, Abort>;
}

impl Phase1 {
    /// Hands a message to the state that waits for it.
    pub(crate) fn handle(self, incoming: &Incoming, cx: &mut Cx<'_>) -> Verdict {
        match self {
            Self::MainAwaitSa(state) => run(state, incoming, cx),
            Self::MainAwaitReply(state) => run(state, incoming, cx),
            Self::MainAwaitContribution(state) => run(state, incoming, cx),
            Self::MainAwaitInitiatorProof(state) => run(state, incoming, cx),
            Self::AggressiveAwaitReply(state) => run(state, incoming, cx),
            Self::AwaitLastProof(state) => run(state, incoming, cx),
            // Nothing can be expected while we owe the peer a message.
            Self::Proving(state) => {
                let why = Misbehaviour::UnexpectedExchange(incoming.header.exchange);
                Verdict::Refused(Self::Proving(state), why.into())
            }
        }
    }

    pub(crate) fn mode(&self) -> Mode {
        self.offered().mode
    }

    pub(crate) fn state(&self) -> IkeSaState {
        match self {
            Self::MainAwaitSa(_) => IkeSaState::NoState(Mode::Main),
            Self::MainAwaitContribution(_) | Self::MainAwaitReply(_) => IkeSaState::SaSetup(Mode::Main),
            Self::MainAwaitInitiatorProof(_) => IkeSaState::KeyExchange(Mode::Main),
            Self::AggressiveAwaitReply(_) => IkeSaState::NoState(Mode::Aggressive),
            Self::AwaitLastProof(_) | Self::Proving(_) => IkeSaState::KeyExchange(self.mode()),
        }
    }

    /// Whether the initiator's proof is what comes next: with NAT traversal it comes from another port, and behind some
    /// translators from another address.
    pub(crate) fn may_arrive_elsewhere(&self) -> bool {
        let waits = match self {
            Self::MainAwaitInitiatorProof(_) => true,
            Self::AwaitLastProof(state) => state.prover() == Role::Initiator,
            _ => false,
        };
        let Offered { policy, vendors, .. } = self.offered();
        waits && policy.nat.spoken(vendors).is_some()
    }

    /// What is known about the exchange whatever its state is.
    pub(crate) fn offered(&self) -> &Offered {
        match self {
            Self::MainAwaitSa(state) => state.offered(),
            Self::AggressiveAwaitReply(state) => state.offered(),
            Self::MainAwaitReply(state) => &state.agreed().offered,
            Self::MainAwaitContribution(state) => &state.agreed().offered,
            Self::MainAwaitInitiatorProof(state) => &state.agreed().offered,
            Self::AwaitLastProof(state) => &state.agreed().offered,
            Self::Proving(state) => &state.keyed().exchanged.agreed.offered,
        }
    }

    pub(crate) fn suite(&self) -> Option<&Phase1Suite> {
        match self {
            Self::MainAwaitSa(_) | Self::AggressiveAwaitReply(_) => None,
            Self::MainAwaitReply(state) => Some(&state.agreed().suite.chosen),
            Self::MainAwaitContribution(state) => Some(&state.agreed().suite.chosen),
            Self::MainAwaitInitiatorProof(state) => Some(&state.agreed().suite.chosen),
            Self::AwaitLastProof(state) => Some(&state.agreed().suite.chosen),
            Self::Proving(state) => Some(&state.keyed().exchanged.agreed.suite.chosen),
        }
    }
}

fn run<W: Waiting>(state: Box<W>, incoming: &Incoming, cx: &mut Cx<'_>) -> Verdict
where
    Phase1: From<Box<W>>,
{
    let state = match state.prepare(cx) {
        Ok(state) => state,
        Err(abort) => return Verdict::Ended(abort),
    };
    match state.check(incoming, cx) {
        Work::Pending(ticket) => Verdict::Parked(state.into(), ticket),
        Work::Done(Err(reject)) => Verdict::Refused(state.into(), reject),
        Work::Done(Ok(checked)) => match state.advance(checked, cx) {
            Ok(step) => Verdict::Went(step),
            Err(abort) => Verdict::Ended(abort),
        },
    }
}

macro_rules! waiting_state {
    ($($variant:ident($state:ty)),* $(,)?) => {$(
        impl From<Box<$state>> for Phase1 {
            fn from(state: Box<$state>) -> Self {
                Self::$variant(state)
            }
        }
    )*};
}

waiting_state! {
    MainAwaitSa(main_initiator::AwaitSa),
    MainAwaitReply(main_initiator::AwaitReply),
    MainAwaitContribution(main_responder::AwaitContribution),
    MainAwaitInitiatorProof(main_responder::AwaitInitiatorProof),
    AggressiveAwaitReply(aggressive_initiator::AwaitReply),
    AwaitLastProof(last_proof::AwaitLastProof),
    Proving(proving::Proving),
}
