//! Reading the attributes of a transform (RFC 2408 3.3, RFC 2407 4.5, RFC 2409 Appendix A): the rules that both
//! phases share.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use isakmp_wire::payload::{Attribute, AttributeValue, Transform};

use crate::error::NotOffered;
use crate::event::Difference;
use crate::oddity::Oddity;
use crate::policy::Lifetime;

/// The class numbers of one phase.
pub(crate) struct Classes {
    pub(crate) life_type: u16,
    pub(crate) life_duration: u16,
    /// The other classes that we understand, all of them basic: what they mean is judged by who asks for them.
    pub(crate) basic: &'static [u16],
}

/// Life types, the same in both phases.
const SECONDS: u64 = 1;
const KILOBYTES: u64 = 2;

/// The attributes of one transform, each class at most once.
pub(crate) struct Attributes {
    basic: BTreeMap<u16, u64>,
    pub(crate) lifetime: Lifetime,
    /// Whether anything is said about life, if only that there is no limit.
    pub(crate) states_life: bool,
    /// What was read over so far.
    pub(crate) oddities: Vec<Oddity>,
}

impl Attributes {
    /// Reads all attributes or says which one spoils the transform. Contradictions never resolve to the first or
    /// the last value: the whole transform is refused (RFC 2407 4.5.2).
    pub(crate) fn read(attributes: &[Attribute], classes: &Classes) -> Result<Self, Difference> {
        let mut basic = BTreeMap::new();
        let mut life = Life::default();
        for attribute in attributes {
            let class = attribute.kind;
            if class == classes.life_type {
                life.begin(attribute)?;
            } else if class == classes.life_duration {
                life.end(attribute)?;
            } else if classes.basic.contains(&class) {
                let AttributeValue::Basic(value) = attribute.value else {
                    return Err(problem(class, "a basic attribute in variable form"));
                };
                let value = u64::from(value);
                if basic.insert(class, value).is_some_and(|before| before != value) {
                    return Err(problem(class, "given twice with different values"));
                }
            } else {
                return Err(problem(class, "not supported"));
            }
        }
        if let Some((class, _)) = life.open {
            return Err(problem(class, "a life type without duration"));
        }
        let states_life = life.seconds.or(life.kilobytes).is_some();
        let limit = |value: Option<u64>| value.filter(|value| *value > 0);
        let lifetime = Lifetime { seconds: limit(life.seconds), kilobytes: limit(life.kilobytes) };
        // Peers that never renew say so: a duration of zero states no limit.
        let zeros = [life.seconds, life.kilobytes].into_iter().flatten().filter(|value| *value == 0);
        let zero = Oddity::Attribute { class: classes.life_duration, value: 0, why: "no limit is stated" };
        let oddities = zeros.map(|_| zero.clone()).collect();
        Ok(Self { basic, lifetime, states_life, oddities })
    }

    pub(crate) fn get(&self, class: u16) -> Option<u64> {
        self.basic.get(&class).copied()
    }

    /// An attribute that is not needed: read over if its value is one of `consistent`, and refused by its name otherwise.
    pub(crate) fn redundant(
        &mut self,
        (class, property): (u16, &'static str),
        consistent: &[u64],
        why: &'static str,
    ) -> Result<(), Difference> {
        let Some(value) = self.get(class) else { return Ok(()) };
        if consistent.contains(&value) {
            self.oddities.push(Oddity::Attribute { class, value, why });
            return Ok(());
        }
        let listed = consistent.iter().map(|value| format!(" or {value}"));
        let accepted = listed.fold("none".to_string(), |all, one| format!("{all}{one}"));
        Err(Difference::Value { property, offered: value.to_string(), accepted })
    }
}

/// Life attributes come in pairs, type before duration, several pairs one after another.
#[derive(Default)]
struct Life {
    seconds: Option<u64>,
    kilobytes: Option<u64>,
    open: Option<(u16, u64)>,
}

impl Life {
    fn begin(&mut self, attribute: &Attribute) -> Result<(), Difference> {
        if self.open.is_some() {
            return Err(problem(attribute.kind, "a life type without duration"));
        }
        let AttributeValue::Basic(value) = attribute.value else {
            return Err(problem(attribute.kind, "a basic attribute in variable form"));
        };
        self.open = Some((attribute.kind, u64::from(value)));
        Ok(())
    }

    fn end(&mut self, attribute: &Attribute) -> Result<(), Difference> {
        let class = attribute.kind;
        let Some((_, life_type)) = self.open.take() else {
            return Err(problem(class, "a duration without life type"));
        };
        // Longer than 64 bits saturates: such a life has no end that anyone will see.
        let is_empty = matches!(&attribute.value, AttributeValue::Variable(octets) if octets.is_empty());
        let Some(value) = attribute.value_u64().filter(|_| !is_empty) else {
            return Err(problem(class, "an empty duration"));
        };
        let slot = match life_type {
            SECONDS => &mut self.seconds,
            KILOBYTES => &mut self.kilobytes,
            _ => return Err(problem(class, "an unknown life type")),
        };
        if slot.replace(value).is_some_and(|before| before != value) {
            return Err(problem(class, "given twice with different values"));
        }
        Ok(())
    }
}

fn problem(class: u16, problem: &'static str) -> Difference {
    Difference::Attribute { class, problem }
}

/// A basic attribute.
pub(crate) fn basic(class: u16, value: u16) -> Attribute {
    Attribute { kind: class, value: AttributeValue::Basic(value) }
}

/// The pairs of life attributes for `lifetime`. A duration that fits goes as a basic attribute, a longer one as the
/// shortest multiple of four octets, as the routers of 1998 write it.
pub(crate) fn life(classes: &Classes, lifetime: &Lifetime) -> Vec<Attribute> {
    let mut out = Vec::new();
    for (life_type, value) in [(1, lifetime.seconds), (2, lifetime.kilobytes)] {
        let Some(value) = value else { continue };
        out.push(basic(classes.life_type, life_type));
        let value = match (u16::try_from(value), u32::try_from(value)) {
            (Ok(value), _) => AttributeValue::Basic(value),
            (Err(_), Ok(value)) => AttributeValue::Variable(value.to_be_bytes().to_vec().into()),
            (Err(_), Err(_)) => AttributeValue::Variable(value.to_be_bytes().to_vec().into()),
        };
        out.push(Attribute { kind: classes.life_duration, value });
    }
    out
}

/// Whether an answered transform is one of those that were offered, its attributes in whatever order; otherwise in what it
/// differs from the one that comes nearest.
pub(crate) fn offered(offers: &[Transform], answer: &Transform, classes: &Classes) -> Result<(), NotOffered> {
    let answered = units(&answer.attributes, classes);
    let with_id = offers.iter().filter(|ours| ours.id == answer.id);
    let nearest = with_id
        .map(|ours| differences(&units(&ours.attributes, classes), &answered))
        .min_by_key(Vec::len)
        .ok_or(NotOffered::TransformId(answer.id))?;
    nearest.into_iter().next().map_or(Ok(()), Err)
}

/// An attribute, or a life type with its duration.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Unit {
    class: u16,
    /// Of a life pair the type.
    life_type: Option<u64>,
    value: Option<u64>,
}

/// A duration counts with its type, so lists are compared as sequences of units.
fn units(list: &[Attribute], classes: &Classes) -> Vec<Unit> {
    let mut units = Vec::new();
    let mut list = list.iter();
    while let Some(attribute) = list.next() {
        let duration = (attribute.kind == classes.life_type).then(|| list.next()).flatten();
        units.push(match duration {
            Some(duration) => {
                Unit { class: duration.kind, life_type: attribute.value_u64(), value: duration.value_u64() }
            }
            None => Unit { class: attribute.kind, life_type: None, value: attribute.value_u64() },
        });
    }
    units
}

/// What one list has and the other has not, or has otherwise or another number of times.
fn differences(ours: &[Unit], answered: &[Unit]) -> Vec<NotOffered> {
    let times = |list: &[Unit], unit: &Unit| list.iter().filter(|one| *one == unit).count();
    let other = |list: &[Unit], unit: &Unit| {
        let of_class = list.iter().find(|one| (one.class, one.life_type) == (unit.class, unit.life_type));
        of_class.and_then(|one| one.value)
    };
    let changed = answered.iter().filter(|unit| times(ours, unit) != times(answered, unit)).map(|unit| {
        NotOffered::Attribute { class: unit.class, offered: other(ours, unit), answered: unit.value }
    });
    let missing = ours.iter().filter(|unit| times(answered, unit) == 0).map(|unit| NotOffered::Attribute {
        class: unit.class,
        offered: unit.value,
        answered: other(answered, unit),
    });
    changed.chain(missing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASSES: Classes = Classes { life_type: 11, life_duration: 12, basic: &[1, 2] };

    fn variable(class: u16, octets: &[u8]) -> Attribute {
        Attribute { kind: class, value: AttributeValue::Variable(octets.to_vec().into()) }
    }

    /// T007, T009: what a duration may look like, and what spoils a transform.
    #[test]
    fn t007_duration_encodings() {
        let read = |duration| {
            Attributes::read(&[basic(11, 1), duration], &CLASSES)
                .map(|read| read.lifetime.seconds)
                .ok()
                .flatten()
        };
        assert_eq!(read(basic(12, 3600)), Some(3600));
        assert_eq!(read(variable(12, &[])), None);
        assert_eq!(read(variable(12, &[7])), Some(7));
        assert_eq!(read(variable(12, &[1, 0, 0])), Some(65536));
        assert_eq!(read(variable(12, &[0, 0x46, 0x50, 0])), Some(4_608_000));
        assert_eq!(read(variable(12, &[0xff; 8])), Some(u64::MAX));
        assert_eq!(read(variable(12, &[0xff; 9])), Some(u64::MAX));
        assert_eq!(read(variable(12, &[0xff; 300])), Some(u64::MAX));
        // Zero states no limit; nothing states nothing.
        assert_eq!(read(variable(12, &[0; 300])), None);
        for (duration, is_good) in
            [(variable(12, &[0; 300]), true), (basic(12, 0), true), (variable(12, &[]), false)]
        {
            let read = Attributes::read(&[basic(11, 1), duration], &CLASSES);
            assert_eq!(
                read.ok().map(|read| (read.states_life, read.oddities.len())),
                is_good.then_some((true, 1))
            );
        }
    }

    #[test]
    fn t009_contradictions_spoil_the_transform() {
        let bad: [&[Attribute]; 8] = [
            &[basic(11, 1), basic(12, 0), basic(11, 1), basic(12, 60)],
            &[basic(1, 1), basic(1, 2)],
            &[basic(12, 60)],
            &[basic(11, 1)],
            &[basic(11, 1), basic(11, 1), basic(12, 60)],
            &[basic(11, 3), basic(12, 60)],
            &[basic(99, 1)],
            &[variable(1, &[0, 1])],
        ];
        for attributes in bad {
            assert!(Attributes::read(attributes, &CLASSES).is_err(), "{attributes:?}");
        }
        let good = [basic(1, 1), basic(1, 1), basic(11, 1), basic(12, 60), basic(11, 2), basic(12, 9)];
        let read = Attributes::read(&good, &CLASSES).ok().map(|read| read.lifetime);
        assert_eq!(read, Some(Lifetime { seconds: Some(60), kilobytes: Some(9) }));
    }

    #[test]
    fn an_answer_may_reorder_and_reencode_but_not_change() {
        let offer = [basic(1, 5), basic(11, 1), basic(12, 60), basic(11, 2), basic(12, 9)];
        let reordered = [basic(11, 2), basic(12, 9), basic(11, 1), variable(12, &[0, 0, 0, 60]), basic(1, 5)];
        let swapped = [basic(1, 5), basic(11, 1), basic(12, 9), basic(11, 2), basic(12, 60)];
        let transform =
            |attributes: &[Attribute]| Transform { number: 1, id: 1, attributes: attributes.to_vec() };
        let answered =
            |attributes: &[Attribute]| offered(&[transform(&offer)], &transform(attributes), &CLASSES);
        assert_eq!(answered(&reordered), Ok(()));
        let differs = |offered, answered| Err(NotOffered::Attribute { class: 12, offered, answered });
        assert_eq!(answered(&swapped), differs(Some(60), Some(9)));
        assert_eq!(answered(&offer[..3]), differs(Some(9), None));
        assert!(answered(&[&offer[..], &offer[..3]].concat()).is_err());
    }
}
