//! The phase 2 offer: writing it, comparing it with a policy, checking the answer (RFC 2408 4.2, RFC 2407 4.4, 4.5).
//!
//! Proposals with one number belong together: AND, such as AH and ESP. Different numbers are alternatives: OR. The
//! transforms inside one proposal are alternatives too.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use bytes::Bytes;
use isakmp_wire::payload::{Proposal, SecurityAssociation, Situation, Transform};
use isakmp_wire::{Doi, Payload, ProtocolId};

use crate::attributes::{self, Attributes};
use crate::engine::outbox::Outbox;
use crate::error::{Incompatibility, Misbehaviour, NotOffered, Reject};
use crate::event::{Difference, Event};
use crate::nat;
use crate::oddity::Oddity;
use crate::phase1::offer::check_situation;
use crate::phase2::transform::{self, CLASSES};
use crate::policy::{
    Confidentiality, Lifetime, Path, Phase2Policy, Phase2Proposal, Phase2Transform, Protocol,
};
use crate::quirks::Quirks;
use crate::sa::{IkeSaId, Spi};

/// Octets of an SPI of AH or ESP.
const SPI_LEN: usize = 4;

/// SPIs below this are reserved (RFC 4303 2.1).
pub(crate) const MIN_SPI: u32 = 256;

/// RFC 2407 4.5: the life of an SA whose offer states none.
const DEFAULT_SECONDS: u64 = 28_800;

/// The SA payload that offers all proposals of a policy. `spi` gives our inbound SPI of each protocol.
pub(crate) fn offer(
    (policy, mode): (&Phase2Policy, u16),
    quirks: &Quirks,
    spi: impl Fn(Protocol) -> Spi,
) -> Payload {
    let mut proposals = Vec::new();
    for (number, proposal) in (1..=u8::MAX).zip(usable(policy, quirks)) {
        for alternatives in &proposal.protections {
            let Some(first) = alternatives.first() else { continue };
            let transforms = (1..=u8::MAX)
                .zip(alternatives)
                .map(|(number, meaning)| transform::to_wire(number, meaning, (policy, mode)))
                .collect();
            proposals.push(Proposal {
                number,
                protocol: transform::protocol_id(first.protocol),
                spi: spi_octets(spi(first.protocol)),
                transforms,
            });
        }
    }
    payload(proposals)
}

fn has_integrity(transform: &Phase2Transform) -> bool {
    transform.integrity.is_some() || matches!(transform.confidentiality, Confidentiality::Aead(..))
}

/// The proposals of a policy that may be used. Encryption without integrity is read by whoever can change packets on
/// their way, so a proposal that has no integrity at all counts only for a peer that is known to do no better.
pub(crate) fn usable<'a>(
    policy: &'a Phase2Policy,
    quirks: &'a Quirks,
) -> impl Iterator<Item = &'a Phase2Proposal> {
    policy.proposals.iter().filter(move |proposal| {
        quirks.encryption_without_integrity
            || proposal.protections.iter().any(|alternatives| alternatives.iter().all(has_integrity))
    })
}

/// The protocols of all usable proposals of a policy, each once.
pub(crate) fn protocols(policy: &Phase2Policy, quirks: &Quirks) -> Vec<Protocol> {
    let all = usable(policy, quirks).flat_map(|proposal| &proposal.protections).flatten();
    let mut protocols: Vec<Protocol> = all.map(|transform| transform.protocol).collect();
    protocols.sort_unstable();
    protocols.dedup();
    protocols
}

pub(crate) fn payload(proposals: Vec<Proposal>) -> Payload {
    Payload::new(SecurityAssociation { doi: Doi::IPSEC, situation: Situation::IDENTITY_ONLY, proposals })
}

fn spi_octets(spi: Spi) -> Bytes {
    Bytes::copy_from_slice(&spi.0.to_be_bytes())
}

/// What both sides agree on: one transform per protocol.
pub(crate) struct Chosen {
    pub(crate) parts: Vec<ChosenPart>,
    /// The lower of what was offered and what our policy allows.
    pub(crate) lifetime: Lifetime,
    /// What was offered, the lowest of all protocols.
    pub(crate) offered: Lifetime,
}

/// One protocol of the chosen proposal.
pub(crate) struct ChosenPart {
    pub(crate) transform: Phase2Transform,
    /// The peer's SPI.
    pub(crate) spi: Spi,
    proposal: Proposal,
}

impl Chosen {
    /// The answer: the chosen proposals with one transform each, attributes as they came, and our SPIs.
    pub(crate) fn answer(&self, spi: impl Fn(Protocol) -> Spi) -> Payload {
        let with_spi = |part: &ChosenPart| Proposal {
            spi: spi_octets(spi(part.transform.protocol)),
            ..part.proposal.clone()
        };
        payload(self.parts.iter().map(with_spi).collect())
    }
}

/// Where comparisons are reported, and the peer's habits.
pub(crate) struct Report<'a> {
    pub(crate) ike_sa: IkeSaId,
    pub(crate) path: Path,
    pub(crate) message_id: isakmp_wire::MessageId,
    pub(crate) quirks: &'a Quirks,
    /// The number of the encapsulation that is wanted.
    pub(crate) mode: u16,
    pub(crate) out: &'a mut Outbox,
}

/// As responder: the first proposal of our policy that the offer has, whole.
pub(crate) fn choose(
    sa: &SecurityAssociation,
    policy: &Phase2Policy,
    report: &mut Report<'_>,
) -> Result<Chosen, Reject> {
    check_situation(sa)?;
    // A number that returns after another one has not come this far: it is no SA payload (RFC 2408 4.2).
    let groups: Vec<&[Proposal]> = sa.proposals.chunk_by(|one, next| one.number == next.number).collect();
    let quirks = report.quirks;
    let mut nearest = None;
    for wanted in usable(policy, quirks) {
        for group in &groups {
            match choose_group(group, wanted, policy, report)? {
                Ok(chosen) => return Ok(chosen),
                // The most wanted proposal of both sides is the one that was meant to fit.
                Err(difference) => nearest = nearest.or(Some(difference)),
            }
        }
    }
    let Report { ike_sa, message_id, .. } = *report;
    report.out.event(Event::Phase2Refused { ike_sa, message_id });
    Err(Incompatibility::NoProposalChosen { nearest }.into())
}

/// AND: every protocol of the group must fit, and the group must have every protocol that is wanted. All parts are
/// compared and reported even when one of them has failed.
fn choose_group(
    group: &[Proposal],
    wanted: &Phase2Proposal,
    policy: &Phase2Policy,
    report: &mut Report<'_>,
) -> Result<Result<Chosen, Difference>, Reject> {
    let mut parts: Vec<ChosenPart> = Vec::with_capacity(group.len());
    let mut oddities = Vec::new();
    let mut first_difference = None;
    let mut offered_life = Lifetime::default();
    for proposal in group {
        let alternatives = wanted.protections.iter().find(|alternatives| {
            alternatives
                .first()
                .is_some_and(|first| transform::protocol_id(first.protocol) == proposal.protocol)
        });
        let alternatives = alternatives.map_or(&[][..], Vec::as_slice);
        match choose_transform(proposal, alternatives, policy, report) {
            Ok((offered, fit)) => {
                offered_life = offered_life.lower(fit.lifetime);
                let spi = peer_spi(&proposal.spi)?;
                let proposal = Proposal { transforms: vec![offered], ..proposal.clone() };
                parts.push(ChosenPart { transform: fit.transform, spi, proposal });
                oddities.extend(fit.oddities);
            }
            Err(difference) => first_difference = first_difference.or(Some(difference)),
        }
    }
    // One to one: each protocol that is wanted exactly once, and nothing else. Counting alone would let ESP twice pass for AH
    // and ESP. Of a usable proposal that is whole one protocol has integrity, whatever was chosen for the others.
    let once = |alternatives: &Vec<Phase2Transform>| {
        let protocol = alternatives.first().map(|first| first.protocol);
        parts.iter().filter(|part| Some(part.transform.protocol) == protocol).count() == 1
    };
    let whole = parts.len() == group.len() && wanted.protections.iter().all(once);
    let lifetime = policy.lifetime.lower(offered_life).bounded();
    if !whole {
        return Ok(Err(first_difference.unwrap_or_else(|| not_together(group, wanted))));
    }
    report.out.read_over(report.path, Some(report.ike_sa), oddities);
    Ok(Ok(Chosen { parts, lifetime, offered: offered_life }))
}

/// All that is there fits, and it is not what is wanted together.
fn not_together(group: &[Proposal], wanted: &Phase2Proposal) -> Difference {
    let names = |all: &mut dyn Iterator<Item = ProtocolId>| {
        all.map(|protocol| protocol.to_string()).collect::<Vec<_>>().join(" and ")
    };
    let first = wanted.protections.iter().filter_map(|alternatives| alternatives.first());
    let accepted = names(&mut first.map(|transform| transform::protocol_id(transform.protocol)));
    value("protocols", names(&mut group.iter().map(|proposal| proposal.protocol)), accepted)
}

fn choose_transform(
    proposal: &Proposal,
    alternatives: &[Phase2Transform],
    policy: &Phase2Policy,
    report: &mut Report<'_>,
) -> Result<(Transform, Fit), Difference> {
    let mut first_difference = None;
    let count = proposal.transforms.len();
    for (index, offered) in proposal.transforms.iter().enumerate() {
        let compared =
            compare(proposal.protocol, offered, alternatives, (policy, report.mode, report.quirks));
        report.out.event(Event::ComparedPhase2 {
            ike_sa: report.ike_sa,
            message_id: report.message_id,
            proposal: proposal.number,
            protocol: proposal.protocol,
            offered: offered.clone(),
            more: index.saturating_add(1) < count,
            policy: compared
                .as_ref()
                .map_or_else(|_| alternatives.first().copied(), |fit| Some(fit.transform)),
            first_difference: compared.as_ref().err().cloned(),
        });
        match compared {
            Ok(fit) => return Ok((offered.clone(), fit)),
            Err(difference) => first_difference = first_difference.or(Some(difference)),
        }
    }
    Err(first_difference.unwrap_or(Difference::Protocol))
}

/// A transform that fits.
struct Fit {
    transform: Phase2Transform,
    /// The life that it states.
    lifetime: Lifetime,
    /// What was read over.
    oddities: Vec<Oddity>,
}

/// Compares one transform with all alternatives of our policy for its protocol; the difference is that from the
/// first of them.
fn compare(
    protocol: ProtocolId,
    offered: &Transform,
    alternatives: &[Phase2Transform],
    (policy, wanted, quirks): (&Phase2Policy, u16, &Quirks),
) -> Result<Fit, Difference> {
    let Some(first) = alternatives.first() else {
        return Err(Difference::Protocol);
    };
    let mut attributes = Attributes::read(&offered.attributes, &CLASSES)?;
    let meaning = transform::from_wire(protocol, offered.id, &mut attributes, quirks)?;
    if !alternatives.contains(&meaning) {
        let show = |transform: &Phase2Transform| transform::describe(transform);
        return Err(value("transform", show(&meaning), show(first)));
    }
    let encapsulation = attributes.get(transform::ENCAPSULATION);
    // RFC 2407 4.5: without the attribute the mode is host dependent, and the routers of 1998 mean tunnel.
    let stated = encapsulation.unwrap_or(transform::TUNNEL);
    if !nat::is_same_mode(stated, u64::from(wanted)) {
        return Err(value("encapsulation", number(encapsulation), wanted.to_string()));
    }
    if stated != u64::from(wanted) {
        attributes.oddities.push(Oddity::NatNumbers);
    }
    let group = attributes.get(transform::GROUP);
    let wanted = policy.pfs.map(|group| u64::from(group.0));
    // A peer that offers more secrecy than we ask for gets it, if the provider has the group; that is decided where KE
    // is read. Less is refused (RFC 2409 5.5).
    if wanted.is_some() && group != wanted {
        return Err(value("group", number(group), number(wanted)));
    }
    let mut lifetime = attributes.lifetime;
    if !attributes.states_life {
        lifetime.seconds = Some(DEFAULT_SECONDS);
    }
    Ok(Fit { transform: meaning, lifetime, oddities: attributes.oddities })
}

fn value(property: &'static str, offered: String, accepted: String) -> Difference {
    Difference::Value { property, offered, accepted }
}

fn number(value: Option<u64>) -> String {
    value.map_or_else(|| "none".to_string(), |value| format!("{value}"))
}

fn peer_spi(octets: &[u8]) -> Result<Spi, Misbehaviour> {
    let spi = <[u8; SPI_LEN]>::try_from(octets).ok().map(u32::from_be_bytes);
    let spi = spi.filter(|spi| *spi >= MIN_SPI).map(Spi);
    spi.ok_or_else(|| Misbehaviour::Spi(Bytes::copy_from_slice(octets)))
}

/// The group that the chosen transforms name: the same in all of them (RFC 2409 5.5).
pub(crate) fn pfs_group(chosen: &Chosen) -> Result<Option<crypto_provider::GroupId>, Reject> {
    let mut groups = chosen.parts.iter().map(|part| {
        let attributes = part.proposal.transforms.first().map_or(&[][..], |transform| &transform.attributes);
        attributes.iter().find(|attribute| u64::from(attribute.kind) == u64::from(transform::GROUP))
    });
    let first = groups.next().flatten().and_then(isakmp_wire::payload::Attribute::value_u64);
    let mut groups = groups.map(|group| group.and_then(isakmp_wire::payload::Attribute::value_u64));
    if let Some(other) = groups.find(|group| *group != first) {
        let nearest = Some(value("group", number(other), number(first)));
        return Err(Incompatibility::NoProposalChosen { nearest }.into());
    }
    Ok(first.map(|group| crypto_provider::GroupId(u16::try_from(group).unwrap_or_default())))
}

/// As initiator: the answer must be one of our proposals, whole, with one transform each (RFC 2408 4.2).
pub(crate) fn accept(
    answer: &SecurityAssociation,
    offered: &Payload,
    policy: &Phase2Policy,
    report: &mut Report<'_>,
) -> Result<Chosen, Reject> {
    check_situation(answer)?;
    let not_offered = |why: NotOffered| Reject::from(Misbehaviour::from(why));
    let isakmp_wire::Body::Sa(offer) = offered.body() else {
        return Err(not_offered(NotOffered::Unusable));
    };
    let answered = offered_number(&offer.proposals, &answer.proposals).map_err(not_offered)?;
    let renumbered = answer.proposals.first().map(|first| first.number).filter(|number| *number != answered);
    let renumbered = renumbered.map(|number| Oddity::ProposalNumber { offered: answered, answered: number });
    report.out.read_over(report.path, Some(report.ike_sa), renumbered);
    let quirks = report.quirks;
    for wanted in usable(policy, quirks) {
        if let Ok(chosen) = choose_group(&answer.proposals, wanted, policy, report)? {
            return Ok(chosen);
        }
    }
    Err(not_offered(NotOffered::Unusable))
}

/// The number of our proposal that an answer repeats, whole. RFC 2408 4.2: the responder SHOULD keep the number, and some
/// routers count anew, so it is looked at first and decides nothing.
fn offered_number(offers: &[Proposal], answer: &[Proposal]) -> Result<u8, NotOffered> {
    let number = answer.first().map(|first| first.number);
    if answer.iter().any(|part| Some(part.number) != number) {
        return Err(NotOffered::Proposals { answered: answer.len() });
    }
    let mut numbers: Vec<u8> = offers.iter().map(|ours| ours.number).collect();
    numbers.dedup();
    numbers.sort_by_key(|one| Some(*one) != number);
    let mut nearest = None;
    for one in numbers {
        let ours: Vec<&Proposal> = offers.iter().filter(|ours| ours.number == one).collect();
        match is_answered(&ours, answer) {
            Ok(()) => return Ok(one),
            Err(why) => nearest = nearest.or(Some(why)),
        }
    }
    Err(nearest.unwrap_or(NotOffered::Proposals { answered: answer.len() }))
}

/// Whether an answer is this one of our proposals: the same protocols, with one transform each.
fn is_answered(ours: &[&Proposal], answer: &[Proposal]) -> Result<(), NotOffered> {
    if ours.len() != answer.len() {
        return Err(NotOffered::Proposals { answered: answer.len() });
    }
    for chosen in answer {
        if answer.iter().filter(|other| other.protocol == chosen.protocol).count() != 1 {
            return Err(NotOffered::ProtocolTwice(chosen.protocol));
        }
        let ours = ours.iter().find(|ours| ours.protocol == chosen.protocol);
        let ours = ours.ok_or(NotOffered::Protocol(chosen.protocol))?;
        let [transform] = chosen.transforms.as_slice() else {
            return Err(NotOffered::Transforms(chosen.transforms.len()));
        };
        attributes::offered(&ours.transforms, transform, &CLASSES)?;
    }
    Ok(())
}
