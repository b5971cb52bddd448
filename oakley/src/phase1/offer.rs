//! The phase 1 offer: writing it, comparing it with a policy, checking the answer (RFC 2409 5, Appendix A;
//! RFC 2408 4.2).

use alloc::format;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use bytes::Bytes;
use crypto_provider::{CipherAlgorithm, CryptoProvider, GroupId, HashAlgorithm, InvalidPublic};
use isakmp_wire::payload::{Attribute, Proposal, SecurityAssociation, Situation, Transform, VendorId};
use isakmp_wire::registry::phase1::{
    AttributeClass, AuthMethod as MethodNumber, Encryption, HashAlgorithm as HashNumber,
};
use isakmp_wire::{Doi, Payload, PayloadKind, ProtocolId};

use crate::attributes::{self, Attributes, Classes};
use crate::context::Cx;
use crate::engine::outbox::Outbox;
use crate::error::{Incompatibility, LocalFailure, Misbehaviour, NotOffered, Reject};
use crate::event::{Difference, Event};
use crate::oddity::Oddity;
use crate::phase1::facts::Offered;
use crate::policy::{AuthMethod, Lifetime, Path, Phase1Policy, Phase1Suite};
use crate::sa::IkeSaId;

/// KEY_IKE, the only transform id of phase 1 (RFC 2407 4.4.2).
const KEY_IKE: u8 = 1;

/// An SPI in phase 1 is the cookies and may be repeated or left out (RFC 2408 3.5).
const MAX_PHASE1_SPI: usize = 16;

pub(crate) const CLASSES: Classes = Classes {
    life_type: AttributeClass::LIFE_TYPE.0,
    life_duration: AttributeClass::LIFE_DURATION.0,
    basic: &[
        AttributeClass::ENCRYPTION_ALGORITHM.0,
        AttributeClass::HASH_ALGORITHM.0,
        AttributeClass::AUTHENTICATION_METHOD.0,
        AttributeClass::GROUP_DESCRIPTION.0,
        AttributeClass::KEY_LENGTH.0,
        GROUP_TYPE,
        AttributeClass::PRF.0,
        AttributeClass::FIELD_SIZE.0,
    ],
};

const GROUP_TYPE: u16 = AttributeClass::GROUP_TYPE.0;

/// Values of the group type (RFC 2409 Appendix A).
const MODP: u64 = 1;
const ECP: u64 = 2;

/// Where comparisons and oddities are reported.
pub(crate) struct Report<'a> {
    pub(crate) ike_sa: IkeSaId,
    pub(crate) path: Path,
    pub(crate) out: &'a mut Outbox,
}

/// The SA payload that offers all suites of a policy: one proposal, one transform each. [`LocalFailure::Algorithm`] when there
/// is none that could be used.
pub(crate) fn offer(policy: &Phase1Policy, cx: &mut Cx<'_>) -> Result<Payload, LocalFailure> {
    if let Some(octets) = cx.overrides.phase1_sa() {
        return Payload::from_raw(PayloadKind::SA, octets).map_err(|_| LocalFailure::NoPolicy);
    }
    if policy.suites.is_empty() {
        return Err(LocalFailure::Algorithm);
    }
    let transforms = (1..=u8::MAX)
        .zip(&policy.suites)
        .map(|(number, suite)| transform(number, suite, policy.quirks.default_life_unstated))
        .collect();
    Ok(payload(vec![Proposal { number: 1, protocol: ProtocolId::ISAKMP, spi: Bytes::new(), transforms }]))
}

fn payload(proposals: Vec<Proposal>) -> Payload {
    Payload::new(SecurityAssociation { doi: Doi::IPSEC, situation: Situation::IDENTITY_ONLY, proposals })
}

/// The VENDOR payloads of our first message.
pub(crate) fn vendor_ids(offered: &Offered) -> impl Iterator<Item = Payload> {
    let Offered { policy, role, vendors, .. } = offered;
    let nat = policy.nat.announced(*role, vendors).into_iter();
    let nat = nat.map(|version| Bytes::from_static(version.vendor().octets));
    policy
        .vendor_ids
        .iter()
        .cloned()
        .chain(policy.dpd.announcement())
        .chain(policy.fragmentation.announcement())
        .chain(nat)
        .map(|octets| Payload::new(VendorId { octets }))
}

/// The life of an IKE SA that the routers of 1998 do not state: a day.
const UNSTATED: Lifetime = Lifetime { seconds: Some(86_400), kilobytes: None };

/// A suite in the order in which the routers of 1998 write it.
fn transform(number: u8, suite: &Phase1Suite, default_life_unstated: bool) -> Transform {
    let mut attributes = vec![
        attributes::basic(AttributeClass::ENCRYPTION_ALGORITHM.0, cipher_number(suite.cipher)),
        attributes::basic(AttributeClass::HASH_ALGORITHM.0, hash_number(suite.hash)),
        attributes::basic(AttributeClass::GROUP_DESCRIPTION.0, suite.group.0),
        attributes::basic(AttributeClass::AUTHENTICATION_METHOD.0, method_number(suite.method)),
    ];
    if !(default_life_unstated && suite.lifetime == UNSTATED) {
        attributes.extend(attributes::life(&CLASSES, &suite.lifetime));
    }
    if suite.cipher == CipherAlgorithm::AesCbc {
        attributes.push(attributes::basic(AttributeClass::KEY_LENGTH.0, bits(suite.key_len)));
    }
    Transform { number, id: KEY_IKE, attributes }
}

/// DOI and situation, before anything else of an SA payload is believed (RFC 2407 4.2).
pub(crate) fn check_situation(sa: &SecurityAssociation) -> Result<(), Reject> {
    if sa.doi != Doi::IPSEC {
        return Err(Incompatibility::Doi(sa.doi.0).into());
    }
    if sa.situation != Situation::IDENTITY_ONLY {
        return Err(Incompatibility::Situation(sa.situation.bits).into());
    }
    Ok(())
}

/// As responder: chooses the first suite of our policy that the offer has. The answer repeats the peer's transform
/// as it came (RFC 2409 5: the attributes must not be changed).
pub(crate) fn choose(
    sa: &SecurityAssociation,
    policy: &Phase1Policy,
    public_of: Option<u64>,
    report: &mut Report<'_>,
) -> Result<(Phase1Suite, Payload), Reject> {
    check_situation(sa)?;
    let mut nearest = Nearest::default();
    for suite in &policy.suites {
        for proposal in sa.proposals.iter().filter(|proposal| acceptable_frame(proposal)) {
            let count = proposal.transforms.len();
            for (index, offered) in proposal.transforms.iter().enumerate() {
                let compared = meant(offered, public_of).and_then(|()| compare(offered, suite));
                report.out.event(Event::ComparedPhase1 {
                    ike_sa: report.ike_sa,
                    offered: offered.clone(),
                    more: index.saturating_add(1) < count,
                    policy: suite.clone(),
                    first_difference: compared.as_ref().err().cloned(),
                });
                match compared {
                    Ok((chosen, oddities)) => {
                        report.out.read_over(report.path, Some(report.ike_sa), oddities);
                        let answer = Proposal { transforms: vec![offered.clone()], ..proposal.clone() };
                        return Ok((chosen, payload(vec![answer])));
                    }
                    Err(difference) => nearest.add(difference),
                }
            }
        }
    }
    Err(Incompatibility::NoProposalChosen { nearest: nearest.difference }.into())
}

/// The difference of the transform that came nearest: most of it was compared before one was found.
#[derive(Default)]
struct Nearest {
    difference: Option<Difference>,
}

/// The order of [`compare`].
const COMPARED: [&str; 7] = [
    "transform id",
    "encryption algorithm",
    "key length",
    "hash algorithm",
    "group",
    "group type",
    "authentication method",
];

impl Nearest {
    fn add(&mut self, difference: Difference) {
        let depth = |difference: &Difference| match difference {
            Difference::Value { property, .. } => COMPARED.iter().position(|one| one == property),
            _ => None,
        };
        if self.difference.as_ref().is_none_or(|nearest| depth(&difference) > depth(nearest)) {
            self.difference = Some(difference);
        }
    }
}

/// Aggressive Mode (RFC 2409 5): the KE payload beside an offer is of one group, so only transforms of that group can be
/// meant. Of an offer that names several it is the first whose public values are as long as this one; `None` where all
/// transforms name the same, which the public value is then checked against.
pub(crate) fn group_of_public(
    sa: &SecurityAssociation,
    public: &[u8],
    provider: &CryptoProvider,
) -> Result<Option<u64>, Misbehaviour> {
    let transforms = sa.proposals.iter().flat_map(|proposal| &proposal.transforms);
    let mut groups: Vec<Option<u64>> = transforms.map(named_group).collect();
    groups.dedup();
    if groups.len() <= 1 {
        return Ok(None);
    }
    let length = |group: u64| Some(provider.group(GroupId(u16::try_from(group).ok()?))?.public_len());
    let mut lengths =
        groups.into_iter().flatten().filter_map(|group| Some((group, length(group)?))).peekable();
    let expected = lengths.peek().map_or(0, |(_, length)| *length);
    match lengths.find(|(_, length)| *length == public.len()) {
        Some((group, _)) => Ok(Some(group)),
        None => Err(InvalidPublic::Length { expected, actual: public.len() }.into()),
    }
}

fn named_group(transform: &Transform) -> Option<u64> {
    transform.attribute(AttributeClass::GROUP_DESCRIPTION.0).and_then(Attribute::value_u64)
}

/// Whether a transform can be meant beside a public value of that group.
fn meant(offered: &Transform, public_of: Option<u64>) -> Result<(), Difference> {
    let Some(group) = public_of.filter(|group| named_group(offered) != Some(*group)) else { return Ok(()) };
    let offered = named_group(offered).map_or_else(|| "nothing".to_string(), |group| group.to_string());
    let accepted = format!("{group}, of which the public value is");
    Err(Difference::Value { property: "group", offered, accepted })
}

fn acceptable_frame(proposal: &Proposal) -> bool {
    proposal.protocol == ProtocolId::ISAKMP && proposal.spi.len() <= MAX_PHASE1_SPI
}

/// Compares one transform with one suite; the result has the lower of both lives, and what was read over.
fn compare(offered: &Transform, suite: &Phase1Suite) -> Result<(Phase1Suite, Vec<Oddity>), Difference> {
    let mut attributes = Attributes::read(&offered.attributes, &CLASSES)?;
    let oddities = redundant(&mut attributes, suite);
    let get = |class: AttributeClass| attributes.get(class.0);
    let name = |value: Option<u64>, name: &dyn Fn(u16) -> alloc::string::String| match value {
        Some(value) => u16::try_from(value).map_or_else(|_| value.to_string(), name),
        None => "nothing".to_string(),
    };
    let differs = |property, offered, accepted| Err(Difference::Value { property, offered, accepted });

    if offered.id != KEY_IKE {
        return differs("transform id", offered.id.to_string(), KEY_IKE.to_string());
    }
    let cipher = cipher_number(suite.cipher);
    let value = get(AttributeClass::ENCRYPTION_ALGORITHM);
    if value != Some(u64::from(cipher)) {
        let show = |number| Encryption(number).to_string();
        return differs("encryption algorithm", name(value, &show), show(cipher));
    }
    let key_length = get(AttributeClass::KEY_LENGTH).filter(|bits| !fixed_bits(suite.cipher).contains(bits));
    let wanted = (suite.cipher == CipherAlgorithm::AesCbc).then(|| u64::from(bits(suite.key_len)));
    if key_length != wanted {
        let show =
            |value: Option<u64>| value.map_or_else(|| "none".to_string(), |bits| format!("{bits} bits"));
        return differs("key length", show(key_length), show(wanted));
    }
    let hash = hash_number(suite.hash);
    let value = get(AttributeClass::HASH_ALGORITHM);
    if value != Some(u64::from(hash)) {
        let show = |number| HashNumber(number).to_string();
        return differs("hash algorithm", name(value, &show), show(hash));
    }
    let value = get(AttributeClass::GROUP_DESCRIPTION);
    if value != Some(u64::from(suite.group.0)) {
        return differs("group", name(value, &|number| number.to_string()), suite.group.to_string());
    }
    let method = method_number(suite.method);
    let value = get(AttributeClass::AUTHENTICATION_METHOD);
    if value != Some(u64::from(method)) {
        let show = |number| MethodNumber(number).to_string();
        return differs("authentication method", name(value, &show), show(method));
    }
    let lifetime = suite.lifetime.lower(attributes.lifetime).bounded();
    Ok((Phase1Suite { lifetime, ..suite.clone() }, oddities?))
}

/// Attributes that a suite does not need. What says the same as the suite is read over; what would mean something else is
/// refused by its name.
fn redundant(attributes: &mut Attributes, suite: &Phase1Suite) -> Result<Vec<Oddity>, Difference> {
    let is_ecp = matches!(suite.group, GroupId::ECP_256 | GroupId::ECP_384 | GroupId::ECP_521);
    let group_type = if is_ecp { ECP } else { MODP };
    attributes.redundant((GROUP_TYPE, "group type"), &[group_type], "the type of the group that is named")?;
    attributes.redundant((AttributeClass::PRF.0, "prf"), &[], "")?;
    attributes.redundant((AttributeClass::FIELD_SIZE.0, "field size"), &[], "")?;
    let fixed = fixed_bits(suite.cipher);
    if !fixed.is_empty() {
        let key_length = (AttributeClass::KEY_LENGTH.0, "key length");
        attributes.redundant(key_length, fixed, "the length that the cipher's keys have")?;
    }
    Ok(core::mem::take(&mut attributes.oddities))
}

/// What a key length beside a cipher of one length may say: bits with and without parity.
pub(crate) const fn fixed_bits(cipher: CipherAlgorithm) -> &'static [u64] {
    match cipher {
        CipherAlgorithm::DesCbc => &[64, 56],
        CipherAlgorithm::TripleDesCbc => &[192, 168],
        _ => &[],
    }
}

/// As initiator: the answer must be one of our transforms, whole and alone (RFC 2408 4.2).
pub(crate) fn accept(
    answer: &SecurityAssociation,
    offered: &Payload,
    policy: &Phase1Policy,
    report: &mut Report<'_>,
) -> Result<Phase1Suite, Reject> {
    check_situation(answer)?;
    let not_offered = |why: NotOffered| Reject::from(Misbehaviour::from(why));
    let isakmp_wire::Body::Sa(offer) = offered.body() else {
        return Err(not_offered(NotOffered::Unusable));
    };
    let [proposal] = answer.proposals.as_slice() else {
        return Err(not_offered(NotOffered::Proposals { answered: answer.proposals.len() }));
    };
    let [chosen] = proposal.transforms.as_slice() else {
        return Err(not_offered(NotOffered::Transforms(proposal.transforms.len())));
    };
    if proposal.protocol != ProtocolId::ISAKMP {
        return Err(not_offered(NotOffered::Protocol(proposal.protocol)));
    }
    if !acceptable_frame(proposal) {
        return Err(not_offered(NotOffered::SpiLength(proposal.spi.len())));
    }
    // Some peers number the proposal or the one transform of their answer anew, so the attributes decide: they are those of
    // one transform that was offered, whole.
    let transforms = |ours: &Proposal| ours.transforms.clone();
    let ours =
        offer.proposals.iter().find(|ours| attributes::offered(&ours.transforms, chosen, &CLASSES).is_ok());
    let Some(ours) = ours else {
        let all: Vec<Transform> = offer.proposals.iter().flat_map(transforms).collect();
        let why = attributes::offered(&all, chosen, &CLASSES);
        return Err(not_offered(why.err().unwrap_or(NotOffered::Unusable)));
    };
    let renumbered = (ours.number != proposal.number)
        .then_some(Oddity::ProposalNumber { offered: ours.number, answered: proposal.number });
    report.out.read_over(report.path, Some(report.ike_sa), renumbered);
    for suite in &policy.suites {
        let compared = compare(chosen, suite);
        report.out.event(Event::ComparedPhase1 {
            ike_sa: report.ike_sa,
            offered: chosen.clone(),
            more: false,
            policy: suite.clone(),
            first_difference: compared.as_ref().err().cloned(),
        });
        if let Ok((suite, _)) = compared {
            return Ok(suite);
        }
    }
    Err(not_offered(NotOffered::Unusable))
}

fn bits(octets: usize) -> u16 {
    u16::try_from(octets.saturating_mul(8)).unwrap_or(u16::MAX)
}

/// 0 is reserved and never accepted: what a policy gets whose cipher has no number in phase 1.
fn cipher_number(cipher: CipherAlgorithm) -> u16 {
    match cipher {
        CipherAlgorithm::DesCbc => Encryption::DES_CBC.0,
        CipherAlgorithm::TripleDesCbc => Encryption::TRIPLE_DES_CBC.0,
        CipherAlgorithm::AesCbc => Encryption::AES_CBC.0,
        _ => 0,
    }
}

fn hash_number(hash: HashAlgorithm) -> u16 {
    match hash {
        HashAlgorithm::Md5 => HashNumber::MD5.0,
        HashAlgorithm::Sha1 => HashNumber::SHA.0,
        HashAlgorithm::Sha256 => HashNumber::SHA2_256.0,
        HashAlgorithm::Sha384 => HashNumber::SHA2_384.0,
        HashAlgorithm::Sha512 => HashNumber::SHA2_512.0,
        _ => 0,
    }
}

fn method_number(method: AuthMethod) -> u16 {
    match method {
        AuthMethod::PreShared => MethodNumber::PRE_SHARED_KEY.0,
        AuthMethod::RsaSignature => MethodNumber::RSA_SIGNATURES.0,
        AuthMethod::RsaEncryption => MethodNumber::RSA_ENCRYPTION.0,
        AuthMethod::RsaEncryptionRevised => MethodNumber::RSA_ENCRYPTION_REVISED.0,
    }
}
