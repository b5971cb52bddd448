//! What is known at each stage of phase 1. A stage holds the one before; nothing is optional that a stage has.

use alloc::sync::Arc;
use alloc::vec::Vec;

use bytes::Bytes;
use isakmp_wire::{ExchangeType, Flags, Header, Message, MessageId, Payload, PayloadKind, Version};

use crate::auth::proof::ProofInputs;
use crate::auth::{Authenticator, Contribution, Credentials};
use crate::context::Cx;
use crate::event::{Cookies, Event};
use crate::exchange::iv::{Iv, IvChain};
use crate::identity::Identity;
use crate::keys::{Keys, Suite};
use crate::nat::{self, Discovery, NatDetected};
use crate::oddity::Oddity;
use crate::policy::{Mode, Path, Phase1Policy, Role};
use crate::sa::IkeSaId;
use crate::vendors::PeerVendors;

/// An offer is on its way, or has just come.
#[derive(Clone)]
pub(crate) struct Offered {
    pub(crate) ike_sa: IkeSaId,
    pub(crate) path: Path,
    pub(crate) role: Role,
    pub(crate) mode: Mode,
    /// The responder's is zero until message 2.
    pub(crate) cookies: Cookies,
    pub(crate) policy: Arc<Phase1Policy>,
    /// SAi_b, the body of the initiator's SA payload: octets of its own, since a slice would keep the whole datagram of a
    /// stranger alive.
    pub(crate) sa_i_b: Bytes,
    /// What the peer has announced so far; nothing of it is authentic, not even later.
    pub(crate) vendors: PeerVendors,
    /// What NAT-D payloads told, once they did.
    pub(crate) nat: Option<NatDetected>,
}

impl Offered {
    /// Acts on what NAT-D payloads told: where there is a translator, the initiator goes on between other ports.
    pub(crate) fn found(&mut self, nat: Option<NatDetected>, cx: &mut Cx<'_>) {
        self.nat = nat;
        let Some(nat) = nat else { return };
        cx.out.event(Event::NatDetected { ike_sa: self.ike_sa, path: self.path, nat });
        // RFC 3947 4: both ports, and never back. Whom we find there already is where its translator has put it, at whatever port.
        let is_there = self.path.local.port() == cx.config.nat_port;
        if nat.encapsulates() && self.role == Role::Initiator && !is_there {
            self.path = nat::floated(&self.path, cx.config.nat_port);
        }
    }

    /// The header of our next message; length and next payload are set when it is written.
    pub(crate) fn header(&self) -> Header {
        header(self.cookies, exchange_type(self.mode), MessageId::ZERO)
    }
}

/// Both sides know the suite.
#[derive(Clone)]
pub(crate) struct Agreed {
    pub(crate) offered: Offered,
    pub(crate) suite: Suite,
    pub(crate) authenticator: &'static dyn Authenticator,
}

impl Agreed {
    /// How translators are looked for, if both sides announce how.
    pub(crate) fn discovery(&self, vendors: &PeerVendors) -> Option<Discovery<'_>> {
        let Offered { policy, cookies, .. } = &self.offered;
        let version = policy.nat.spoken(vendors)?;
        Some(Discovery { hash: self.suite.hash, cookies, version, forced: policy.nat.forced })
    }

    /// What the NAT-D payloads of a message tell, if both sides announce NAT traversal.
    pub(crate) fn read_nat(
        &self,
        vendors: &PeerVendors,
        (message, path): (&Message, &Path),
        cx: &mut Cx<'_>,
    ) -> Option<NatDetected> {
        let found = self.discovery(vendors)?.read(message, path)?;
        let misnumbered = nat::is_misnumbered(message, found.version).then_some(Oddity::NatNumbers);
        cx.out.read_over(*path, Some(self.offered.ike_sa), misnumbered);
        Some(found)
    }

    /// Our NAT-D payloads, if both sides announce NAT traversal.
    pub(crate) fn nat_discovery(&self) -> Vec<Payload> {
        self.discovery(&self.offered.vendors)
            .map_or_else(Vec::new, |discovery| discovery.payloads(&self.offered.path))
    }
}

/// The number of a phase 1 exchange.
pub(crate) fn exchange_type(mode: Mode) -> ExchangeType {
    match mode {
        Mode::Main => ExchangeType::IDENTITY_PROTECTION,
        Mode::Aggressive => ExchangeType::AGGRESSIVE,
    }
}

/// A header of ours.
pub(crate) fn header(cookies: Cookies, exchange: ExchangeType, message_id: MessageId) -> Header {
    Header {
        initiator_cookie: cookies.initiator,
        responder_cookie: cookies.responder,
        next_payload: PayloadKind::NONE,
        version: Version::ISAKMP_1_0,
        exchange,
        flags: Flags(0),
        message_id,
        length: 0,
    }
}

/// Both contributions are there.
pub(crate) struct Exchanged {
    pub(crate) agreed: Agreed,
    pub(crate) mine: Contribution,
    pub(crate) theirs: Contribution,
    pub(crate) credentials: Credentials,
}

impl Exchanged {
    /// The contributions of initiator and responder.
    pub(crate) fn by_role(&self) -> (&Contribution, &Contribution) {
        match self.agreed.offered.role {
            Role::Initiator => (&self.mine, &self.theirs),
            Role::Responder => (&self.theirs, &self.mine),
        }
    }

    /// What the HASH of a prover covers whose ID body is `id_b`.
    pub(crate) fn proof_inputs<'a>(&'a self, id_b: &'a [u8]) -> ProofInputs<'a> {
        let (i, r) = self.by_role();
        ProofInputs {
            g_xi: &i.public,
            g_xr: &r.public,
            cookies: &self.agreed.offered.cookies,
            sa_i_b: &self.agreed.offered.sa_i_b,
            id_b,
        }
    }
}

/// Keys are made, in each form that may hold.
pub(crate) struct Keyed {
    pub(crate) exchanged: Exchanged,
    /// Never empty: most likely first.
    pub(crate) candidates: Vec<Candidate>,
    /// Whether our proof says that we have nothing else with the peer.
    pub(crate) contact_said: bool,
}

/// One form of SKEYID and what follows from it.
pub(crate) struct Candidate {
    pub(crate) keys: Keys,
    pub(crate) iv: IvChain,
}

/// The end of phase 1: an authenticated IKE SA.
pub(crate) struct Established {
    pub(crate) offered: Offered,
    pub(crate) suite: Suite,
    pub(crate) keys: Keys,
    /// The last ciphertext block of phase 1, from which every later message id starts.
    pub(crate) last_block: Iv,
    pub(crate) identity: Identity,
    /// Whether our proof said that we have nothing else with the peer.
    pub(crate) contact_said: bool,
    /// Whether the peer's proof said so.
    pub(crate) contact_heard: bool,
}

/// A message in clear, ready to be sent.
pub(crate) fn clear_message(header: Header, payloads: Vec<Payload>) -> Bytes {
    Message::new(header, payloads).encode()
}
