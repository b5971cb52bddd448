//! Attributes and groups of a Quick Mode that spoil a transform.

use isakmp_wire::Payload;
use isakmp_wire::payload::{Attribute, AttributeValue, SecurityAssociation};

use crate::forger::*;
use crate::phase2::{live, quick};

#[test]
fn t008_t009_attributes_that_spoil_a_transform() {
    let mut bench = live(17);
    let basic = |kind, value| Attribute { kind, value: AttributeValue::Basic(value) };
    let spoilers: [&[Attribute]; 7] = [
        &[basic(6, 0)],
        &[basic(6, 128)],
        &[basic(4, 2)],
        &[basic(5, 1)],
        &[basic(1, 1)],
        &[basic(2, 60)],
        &[basic(99, 1)],
    ];
    for (index, extra) in spoilers.into_iter().enumerate() {
        let spoil =
            |sa: &mut SecurityAssociation| sa.proposals[0].transforms[0].attributes.extend_from_slice(extra);
        let alone = quick(&bench, 7000 + index as u32, |payloads| {
            let mut sa = payloads[0].get::<SecurityAssociation>().unwrap().clone();
            spoil(&mut sa);
            payloads[0] = Payload::new(sa);
        });
        bench.deliver(B, &alone);
        assert_eq!(bench.hosts[B].installed.len(), 2 + index, "{extra:?} alone");
        let before_a_good_one = quick(&bench, 7100 + index as u32, |payloads| {
            let mut sa = payloads[0].get::<SecurityAssociation>().unwrap().clone();
            let good = sa.proposals[0].transforms[0].clone();
            spoil(&mut sa);
            sa.proposals[0].transforms.push(isakmp_wire::payload::Transform { number: 2, ..good });
            payloads[0] = Payload::new(sa);
        });
        bench.deliver(B, &before_a_good_one);
        assert_eq!(bench.hosts[B].installed.len(), 3 + index, "{extra:?} before a good one");
    }
}

#[test]
fn t072_secrecy_never_falls_back() {
    let mut bench = live(18);
    let with_group = |payloads: &mut Vec<Payload>, group| {
        let mut sa = payloads[0].get::<SecurityAssociation>().unwrap().clone();
        let attribute = Attribute { kind: 3, value: AttributeValue::Basic(group) };
        sa.proposals[0].transforms[0].attributes.push(attribute);
        payloads[0] = Payload::new(sa);
    };
    let ke = |len| Payload::new(isakmp_wire::payload::KeyExchange { public: vec![3; len].into() });
    let zero = Payload::new(isakmp_wire::payload::KeyExchange { public: vec![0; 96].into() });
    let group_alone = quick(&bench, 8000, |payloads| with_group(payloads, 1));
    let ke_alone = quick(&bench, 8001, |payloads| payloads.insert(2, ke(96)));
    let wrong_length = quick(&bench, 8002, |payloads| {
        with_group(payloads, 1);
        payloads.insert(2, ke(95));
    });
    let zero = quick(&bench, 8003, |payloads| {
        with_group(payloads, 1);
        payloads.insert(2, zero);
    });
    for message in [group_alone, ke_alone, wrong_length, zero] {
        bench.deliver(B, &message);
        assert_eq!(bench.hosts[B].installed.len(), 2);
    }
}
