//! An engine that repeats one side of a recorded negotiation.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;

use crypto_provider::default::provider;
use crypto_provider::{CryptoProvider, DhGroup, SecretBytes, Work};
use isakmp_wire::payload::{Nonce, SecurityAssociation};
use isakmp_wire::{ExchangeType, Payload, PayloadKind};
use oakley::test_support::Script;
use oakley::{
    Config, DeadPeerDetection, Direction, Encapsulation, Engine, Event, Input, Installation, KeyQuery, Mode,
    NatVersion, Output, Path, Peer, PeerIdentity, Phase1Policy, Phase2Policy, Phase2Proposal, PolicySource,
    Request, Role, SelectorPair,
};

use super::recording::{Known, Proof, Recorded, Recording, other, side};
use super::scripted::{self, Scripted, Secret};

/// The configuration of the recorded daemon.
struct Policy {
    phase1: Arc<Phase1Policy>,
    key: Vec<u8>,
    phase2: Arc<Phase2Policy>,
}

impl PolicySource for Policy {
    fn phase1(&self, _: &Peer<'_>, _: Mode) -> Work<Option<Arc<Phase1Policy>>> {
        Work::Done(Some(Arc::clone(&self.phase1)))
    }

    fn pre_shared_keys(&self, _: KeyQuery<'_>) -> Work<Arc<[SecretBytes]>> {
        Work::Done([SecretBytes::copy_of(&self.key)].into())
    }

    fn phase2(&self, _: &Peer<'_>, _: &SelectorPair) -> Work<Option<Arc<Phase2Policy>>> {
        Work::Done(Some(Arc::clone(&self.phase2)))
    }
}

pub struct Replay<'a> {
    pub recording: &'a Recording,
    pub role: Role,
    pub engine: Engine,
    pub events: Vec<Event>,
    pub installed: Vec<Installation>,
    /// Sent and not yet compared with the recording.
    sent: VecDeque<(Path, Vec<u8>)>,
    random: Arc<Scripted>,
    /// How many messages of the recording are done.
    done: usize,
}

impl<'a> Replay<'a> {
    /// An engine in the place of one side. An initiator has its request already.
    pub fn new(recording: &'a Recording, role: Role) -> Self {
        let random = Arc::new(Scripted::new(draws(recording, role)));
        let group: Box<dyn DhGroup> =
            Box::new(scripted::Recorded::new(recording.suite.group, exponents(recording, role)));
        let provider = CryptoProvider {
            random: Arc::clone(&random) as _,
            groups: vec![&*Box::leak(group)].into(),
            ..provider()
        };
        let mut engine = Engine::new(Config::default(), provider, Arc::new(policy(recording, role)));
        engine.set_script(script(recording, role));
        let path = path(recording, role, 500);
        let (events, installed, sent) = (Vec::new(), Vec::new(), VecDeque::new());
        let mut replay = Self { recording, role, engine, events, installed, sent, random, done: 0 };
        if role == Role::Initiator {
            let request = Request { path, selectors: flow(recording, role) };
            replay.input(Input::Initiate(request));
        }
        replay
    }

    /// The same, after the first `messages` messages.
    pub fn at(recording: &'a Recording, role: Role, messages: usize) -> Self {
        let mut replay = Self::new(recording, role);
        replay.run_to(messages);
        replay
    }

    fn input(&mut self, input: Input<'_>) {
        self.engine.handle_input(Duration::ZERO, input).unwrap();
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Transmit { path, octets } => self.sent.push_back((path, octets.to_vec())),
                Output::Install(installation) => self.installed.push(*installation),
                Output::Event(event) => self.events.push(event),
                Output::NotOurs { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Delivers a datagram; how many answers it drew.
    pub fn deliver(&mut self, octets: &[u8]) -> usize {
        let before = self.sent.len();
        let (path, octets) = self.travelling(octets);
        self.input(Input::Datagram { path, octets: &octets });
        self.sent.len() - before
    }

    /// A datagram as it travels where the next message of the recording does: on port 4500 behind a marker.
    fn travelling(&self, octets: &[u8]) -> (Path, Vec<u8>) {
        let next = self.recording.messages.get(self.done).or(self.recording.messages.last());
        let port = next.unwrap().port;
        let marker: &[u8] = if port == 4500 { &[0; 4] } else { &[] };
        (path(self.recording, self.role, port), [marker, octets].concat())
    }

    /// Goes on to where `messages` messages have passed: ours must be the recorded ones.
    pub fn run_to(&mut self, messages: usize) {
        while self.done < messages {
            let recorded = &self.recording.messages[self.done];
            let what = format!("{} as {:?}, message {}", self.recording.name, self.role, self.done + 1);
            if recorded.from == self.role {
                let sent = self
                    .sent
                    .pop_front()
                    .unwrap_or_else(|| panic!("{what}: not sent, {:?}", self.complaints()));
                let (path, octets) = self.travelling(&recorded.datagram);
                assert_eq!(hex::encode(sent.1), hex::encode(octets), "{what}");
                assert_eq!(sent.0, path, "{what}");
            } else {
                self.deliver(&recorded.datagram);
            }
            self.done += 1;
        }
    }

    /// How many messages of the recording are done.
    pub fn done(&self) -> usize {
        self.done
    }

    /// Skips a message of the peer that was delivered in another form.
    pub fn skip(&mut self) {
        self.done += 1;
    }

    pub fn run(&mut self) {
        self.run_to(self.recording.messages.len());
    }

    fn complaints(&self) -> Vec<&Event> {
        let complaint = |event: &&Event| {
            matches!(event, Event::Rejected { .. } | Event::Failed { .. } | Event::RequestFailed { .. })
        };
        self.events.iter().filter(complaint).collect()
    }

    /// What can be seen of the engine's state, but for counters.
    pub fn state(&self) -> String {
        let snapshot = self.engine.snapshot();
        format!("{:?} {:?} {:?}", snapshot.ike_sas, snapshot.bundles, self.engine.poll_timeout())
    }

    /// Nothing was refused, and nothing is left over of the script.
    pub fn assert_clean(&self) {
        let name = self.recording.name;
        assert!(self.complaints().is_empty(), "{name}: {:?}", self.complaints());
        assert!(self.sent.is_empty(), "{name}: more was sent than recorded");
        assert_eq!(self.random.left(), 0, "{name}: draws");
    }

    /// The end is the recorded one: what was derived, and what was installed.
    pub fn assert_result(&self) {
        assert_eq!(self.derived(), self.expected(), "{} as {:?}", self.recording.name, self.role);
        self.assert_installed();
    }

    fn derived(&self) -> Vec<Known> {
        let derivations = self.events.iter().filter_map(|event| match event {
            Event::Derived(derivation) => Some(derivation),
            _ => None,
        });
        let mut derived: Vec<Known> = derivations
            .map(|derivation| {
                let inputs = derivation.inputs.iter().flat_map(|(_, octets)| octets.iter().copied());
                Known {
                    name: derivation.name,
                    message_id: derivation.message_id.0,
                    sa: derivation.sa.map(|(protocol, spi)| (protocol, spi.0)),
                    result: derivation.result.to_vec(),
                    inputs: Some(inputs.collect()),
                }
            })
            .filter(|known| self.recording.knows_keymat() || known.name != "KEYMAT")
            .collect();
        derived.sort();
        derived
    }

    /// What the recording knows; inputs that it does not state are taken from what was derived.
    fn expected(&self) -> Vec<Known> {
        let derived = self.derived();
        let complete = |known: &Known| {
            let same = |one: &&Known| {
                (one.name, one.message_id, one.sa) == (known.name, known.message_id, known.sa)
                    && one.result == known.result
            };
            let inputs = || derived.iter().find(same).and_then(|one| one.inputs.clone());
            Known { inputs: known.inputs.clone().or_else(inputs), ..known.clone() }
        };
        let mut expected: Vec<Known> = self.recording.known.iter().map(complete).collect();
        expected.sort();
        expected
    }

    fn assert_installed(&self) {
        let Recording { name, sas, setting, .. } = self.recording;
        assert_eq!(self.installed.len(), 2, "{name}");
        let mut count = 0;
        for installation in &self.installed {
            let receiver = match installation.direction {
                Direction::Inbound => self.role,
                Direction::Outbound => other(self.role),
            };
            let port = self.recording.messages.last().unwrap().port;
            assert_eq!(installation.path, path(self.recording, self.role, port));
            assert_eq!(installation.encapsulation, setting.encapsulation);
            assert_eq!(installation.lifetime, setting.phase2_lifetime);
            assert_eq!(
                installation.sas.iter().map(|sa| sa.transform).collect::<Vec<_>>(),
                setting.protections,
                "{name}"
            );
            for sa in &installation.sas {
                let recorded = sas.iter().find(|recorded| {
                    recorded.protocol == sa.transform.protocol && recorded.receiver == receiver
                });
                let recorded = recorded.expect("an SA that was recorded");
                assert_eq!(sa.spi.0, recorded.spi, "{name}");
                assert_eq!(sa.encryption_key.len(), recorded.encryption.len(), "{name}");
                assert_eq!(sa.integrity_key.len(), recorded.integrity.len(), "{name}");
                if self.recording.knows_keymat() {
                    assert_eq!(sa.encryption_key.expose(), recorded.encryption, "{name}");
                    assert_eq!(sa.integrity_key.expose(), recorded.integrity, "{name}");
                }
                count += 1;
            }
        }
        assert_eq!(count, sas.len(), "{name}");
    }
}

/// The way between the sides of a recording.
fn path(recording: &Recording, role: Role, port: u16) -> Path {
    let ends = recording.ends.map(|end| SocketAddr::new(end.ip(), port));
    Path { local: ends[side(role)], remote: ends[side(other(role))] }
}

/// The flow as a side sees it.
fn flow(recording: &Recording, role: Role) -> SelectorPair {
    let flow = &recording.setting.flow;
    SelectorPair { local: flow[side(role)].clone(), remote: flow[side(other(role))].clone() }
}

fn of_side(recording: &Recording, role: Role) -> impl Iterator<Item = &Recorded> {
    recording.messages.iter().filter(move |recorded| recorded.from == role)
}

fn policy(recording: &Recording, role: Role) -> Policy {
    let setting = &recording.setting;
    let identity = setting.identities[side(role)].clone();
    let mut phase1 = Phase1Policy::new(vec![recording.suite.clone()], identity);
    phase1.dpd = DeadPeerDetection::off();
    phase1.peer_identity = PeerIdentity::OneOf(vec![setting.identities[side(other(role))].clone()]);
    phase1.mode = recording.mode;
    phase1.nonce_len = recording.nonce(role).len();
    let first = of_side(recording, role).next().unwrap();
    let vendors = first.message.of_kind(PayloadKind::VENDOR_ID);
    // Those of NAT traversal, which stand last, are the engine's to send.
    let (nat, others) = vendors
        .map(|payload| payload.raw().clone())
        .partition::<Vec<_>, _>(|octets| version(octets).is_some());
    phase1.vendor_ids = others;
    phase1.nat.versions = nat.iter().filter_map(|octets| version(octets)).collect();
    phase1.quirks.identity_without_port = setting.identity_without_port;
    phase1.quirks.no_initial_contact = !setting.initial_contact;
    // Those that said it said it in a message of its own.
    phase1.quirks.initial_contact_apart = true;
    phase1.quirks.narrowed_identities = setting.narrowed_identities;
    phase1.key_log = true;
    let protections = setting.protections.iter().map(|transform| vec![*transform]).collect();
    let phase2 = Phase2Policy {
        proposals: vec![Phase2Proposal { protections }],
        selectors: flow(recording, role),
        // Whether packets travel in UDP is found out, not configured.
        encapsulation: match setting.encapsulation {
            Encapsulation::UdpTunnel => Encapsulation::Tunnel,
            other => other,
        },
        lifetime: setting.phase2_lifetime,
        pfs: setting.pfs,
    };
    let Proof::PreShared(key) = &recording.proof else { panic!("{}", recording.name) };
    Policy { phase1: Arc::new(phase1), key: key.clone(), phase2: Arc::new(phase2) }
}

fn version(octets: &[u8]) -> Option<NatVersion> {
    NatVersion::ALL.into_iter().find(|version| version.vendor().octets == octets)
}

fn exponents(recording: &Recording, role: Role) -> Vec<Secret> {
    let mut exponents = vec![recording.exponents[side(role)].clone()];
    if recording.setting.pfs.is_some() {
        let quick = recording.quick();
        let [public, peer] = [side(role), side(other(role))]
            .map(|at| quick[at].message.first(PayloadKind::KEY_EXCHANGE).unwrap().raw().to_vec());
        // Where what came out of it was not recorded, KEYMAT is compared nowhere.
        let g_xy = recording.secrets.quick_g_xy.clone().unwrap_or_else(|| vec![1; public.len()]);
        exponents.push(Secret::Outcome { g_xy, public, peer });
    }
    exponents
}

fn payloads_beside(recorded: &Recorded, known: &[PayloadKind]) -> Vec<Payload> {
    let payloads = recorded.message.payloads().iter();
    payloads.filter(|payload| !known.contains(&payload.kind())).cloned().collect()
}

/// What the side said that an engine would choose otherwise, or does not say yet.
fn script(recording: &Recording, role: Role) -> Script {
    let mut script = Script::default();
    for recorded in of_side(recording, role) {
        let message = &recorded.message;
        let sa = message.first(PayloadKind::SA).map(|payload| payload.raw().clone());
        if recorded.iv.is_some() {
            script.padding.push_back(message.padding().clone());
        }
        if recorded.is_phase1() && role == Role::Initiator && sa.is_some() {
            script.phase1_sa = sa;
        } else if recorded.of_exchange(ExchangeType::QUICK) && role == Role::Initiator && sa.is_some() {
            script.phase2_sa = sa;
        } else if recorded.is_phase1() && recorded.iv.is_some() {
            script.after_proof = payloads_beside(recorded, &[PayloadKind::IDENTIFICATION, PayloadKind::HASH]);
        } else if recorded.is_phase1() && message.first(PayloadKind::KEY_EXCHANGE).is_some() {
            // A side that asked for encapsulation did so by NAT-D of random octets; a side that did not said the truth, and
            // the engine has to find the same octets.
            if recording.setting.encapsulation == Encapsulation::UdpTunnel {
                script.after_contribution =
                    payloads_beside(recorded, &[PayloadKind::KEY_EXCHANGE, PayloadKind::NONCE]);
            }
        }
    }
    script
}

/// The random octets that the side drew, in the order in which an engine needs them.
fn draws(recording: &Recording, role: Role) -> Vec<Vec<u8>> {
    let mut draws = vec![recording.cookies()[side(role)].clone()];
    for recorded in of_side(recording, role) {
        let message = &recorded.message;
        let id = message.header().message_id.0.to_be_bytes().to_vec();
        let quick = recorded.of_exchange(ExchangeType::QUICK);
        let offer = message.get::<SecurityAssociation>().filter(|_| quick);
        if recorded.of_exchange(ExchangeType::INFORMATIONAL) || (offer.is_some() && role == Role::Initiator) {
            draws.push(id);
        }
        if let Some(offer) = offer {
            draws.extend(offer.proposals.iter().map(|proposal| proposal.spi.to_vec()));
        }
        draws.extend(message.get::<Nonce>().map(|nonce| nonce.octets.to_vec()));
    }
    draws
}
