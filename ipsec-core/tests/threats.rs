//! Rows of the threat catalogue that concern what ESP and AH share, named by their numbers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::too_many_lines,
    missing_docs,
    reason = "a test may panic"
)]

use core::net::IpAddr;
use core::time::Duration;

use ipsec_core::{
    Action, Cause, DropReason, Exhausted, Flow, FlowPorts, InboundConfig, InboundState, Layers, Lifetime,
    Limit, Mode, OutboundConfig, OutboundState, Policy, Protocol, ReplayProtection, ReplayWindow, Rule, SaId,
    Selector, SequenceWidth, Spd, Spi, Unmatched, Usage, Verdict, WindowSize,
};

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn selector(local: &str, remote: &str) -> Selector {
    let prefix = |text: &str| {
        let (address, len) = text.split_once('/').unwrap();
        Selector::prefix(address.parse().unwrap(), len.parse().unwrap()).unwrap()
    };
    Selector::new(prefix(local), prefix(remote)).unwrap()
}

fn udp(source: (&str, u16), destination: (&str, u16)) -> Flow {
    Flow {
        source: address(source.0),
        destination: address(destination.0),
        protocol: Protocol::UDP,
        ports: FlowPorts::Known { source: source.1, destination: destination.1 },
    }
}

#[test]
fn t093_window_sizes_are_what_was_asked_for() {
    for size in [0, 1, 31, 4097, u16::MAX] {
        assert!(WindowSize::new(size).is_err(), "{size}");
    }
    for size in [32, 33, 64, 1024, 4096] {
        let replay = ReplayProtection::Window(WindowSize::new(size).unwrap());
        let mut config = InboundConfig::new(Spi::new(256).unwrap(), Mode::Transport, None);
        config.replay = replay;
        let snapshot = InboundState::new(config, Duration::ZERO).snapshot(Protocol::ESP, Duration::ZERO);
        assert_eq!(snapshot.replay, Some(replay));
    }
    assert_eq!(ReplayProtection::default(), ReplayProtection::Window(WindowSize::new(64).unwrap()));
}

#[test]
fn t094_jumps_around_the_width() {
    // RFC 4303 3.4.3 (test): after a jump of the width or more nothing of the past is taken for fresh.
    for size in [32_u16, 64, 1024, 4096] {
        for jump in [1_u32, 31, 32, 33, 63, 64, 65, 1023, 1024, 1025, 4096, 4160, 1 << 31, 0xffff_fff0] {
            let protection = ReplayProtection::Window(WindowSize::new(size).unwrap());
            let mut window = ReplayWindow::new(protection, SequenceWidth::Short);
            let mut accept = |number: u32| window.check(number).and_then(|fresh| window.accept(fresh));
            for number in 1..=3 {
                accept(number).unwrap();
            }
            let right = 3 + jump;
            accept(right).unwrap();
            for back in 0..=u32::from(size) + 70 {
                let Some(number) = right.checked_sub(back) else { break };
                let expected = if number == 0 {
                    Err(DropReason::SequenceZero)
                } else if back >= u32::from(size) {
                    Err(DropReason::TooOld)
                } else if number <= 3 || number == right {
                    Err(DropReason::Replayed)
                } else {
                    Ok(())
                };
                assert_eq!(accept(number), expected, "size {size}, jump {jump}, back {back}");
            }
        }
    }
}

#[test]
fn t094_a_check_changes_nothing() {
    let mut window = ReplayWindow::new(ReplayProtection::default(), SequenceWidth::Short);
    let fresh = window.check(5).unwrap();
    window.accept(fresh).unwrap();
    for _ in 0..3 {
        let _ = window.check(0xffff_ffff).unwrap();
        let _ = window.check(4).unwrap();
    }
    assert_eq!(window.highest(), 5);
    let (first, second) = (window.check(6).unwrap(), window.check(6).unwrap());
    window.accept(first).unwrap();
    assert_eq!(window.accept(second), Err(DropReason::Replayed));
}

#[test]
fn t095_numbers_and_octets_end() {
    let lifetime = Lifetime { hard_octets: Some(100), ..Lifetime::default() };
    let mut config = OutboundConfig::new(Spi::new(256).unwrap(), Mode::Transport);
    config.lifetime = lifetime;
    let mut sa = OutboundState::new(config, Duration::ZERO);
    let sequence = sa.reserve(60, Duration::ZERO).unwrap();
    assert_eq!((sequence.number(), sequence.low(), sequence.high()), (1, 1, 0));
    assert_eq!(sa.reserve(41, Duration::ZERO).unwrap_err(), Exhausted::Octets);
    let snapshot = sa.snapshot(Protocol::AH, Duration::ZERO);
    assert_eq!(
        (snapshot.packets, snapshot.octets, snapshot.sequence),
        (1, 60, 1),
        "a refusal costs no number"
    );
    // It has refused once, so it is dead: a smaller packet does not revive it.
    assert_eq!(sa.poll_limit(Duration::ZERO), Some(Limit::Hard(Cause::Octets)));
    assert_eq!(sa.poll_limit(Duration::ZERO), None);
}

#[test]
fn t088_time_that_stands_steps_back_or_jumps() {
    let lifetime = Lifetime {
        soft_time: Some(Duration::from_secs(10)),
        hard_time: Some(Duration::from_secs(20)),
        ..Lifetime::default()
    };
    for start in [Duration::ZERO, Duration::from_secs(5), Duration::MAX] {
        let mut usage = Usage::new(lifetime, start);
        let end = start.saturating_add(Duration::from_secs(20));
        for now in [start, Duration::ZERO, start, Duration::from_millis(1)] {
            let result = usage.charge(1, now);
            assert_eq!(result, Ok(()), "{now:?}");
        }
        assert!(usage.next_deadline().is_some());
        let result = usage.charge(1, Duration::MAX);
        if end < Duration::MAX {
            assert_eq!(result, Err(Exhausted::Time));
            assert_eq!(usage.charge(1, Duration::ZERO), Err(Exhausted::Time));
            // After a jump over both limits only the hard one is told.
            assert_eq!(usage.poll_limit(Duration::ZERO, None), Some(Limit::Hard(Cause::Time)));
            assert_eq!(usage.poll_limit(Duration::MAX, None), None);
            assert_eq!(usage.next_deadline(), None);
        }
        assert_eq!(usage.remaining(Duration::MAX).time.map(|left| left.is_zero()), Some(end < Duration::MAX));
    }
}

#[test]
fn t089_octets_at_the_end_of_their_counter() {
    let mut usage = Usage::new(Lifetime::default(), Duration::ZERO);
    usage.charge(u64::MAX - 1, Duration::ZERO).unwrap();
    usage.charge(1, Duration::ZERO).unwrap();
    assert_eq!(usage.charge(1, Duration::ZERO), Err(Exhausted::Octets));
    assert_eq!((usage.octets(), usage.packets()), (u64::MAX, 2));
}

#[test]
fn t101_a_clear_packet_that_should_be_protected() {
    // The access list of a crypto map: permit protects, deny is not this entry's, no match passes.
    let mut spd = Spd::new(Unmatched::Bypass);
    let rules = vec![
        Rule::Deny(selector("10.1.0.0/24", "10.2.0.99/32")),
        Rule::Permit(selector("10.1.0.0/24", "10.2.0.0/24")),
    ];
    spd.push(Policy { rules, action: Action::Protect("map 10") });
    spd.push(Policy::single(selector("10.1.0.0/24", "10.2.0.99/32"), Action::Protect("map 20")));
    spd.push(Policy::single(selector("10.1.0.0/24", "10.3.0.0/24"), Action::Discard));

    let out = |to: &str| udp(("10.1.0.7", 1), (to, 2));
    assert_eq!(spd.outbound(&out("10.2.0.9")), Verdict::Protect(&"map 10"));
    assert_eq!(
        spd.outbound(&out("10.2.0.99")),
        Verdict::Protect(&"map 20"),
        "denied by the first entry only"
    );
    assert_eq!(spd.outbound(&out("10.3.0.1")), Verdict::Discard(DropReason::PolicyDiscard));
    assert_eq!(spd.outbound(&out("10.4.0.1")), Verdict::Bypass);

    let back = |from: &str| udp((from, 2), ("10.1.0.7", 1));
    assert_eq!(spd.inbound_clear(&back("10.2.0.9")), Err(DropReason::Unprotected));
    assert_eq!(spd.inbound_clear(&back("10.2.0.99")), Err(DropReason::Unprotected));
    assert_eq!(spd.inbound_clear(&back("10.3.0.1")), Err(DropReason::PolicyDiscard));
    assert_eq!(spd.inbound_clear(&back("10.4.0.1")), Ok(()));

    assert_eq!(spd.inbound_protected(&back("10.2.0.9"), &"map 10"), Ok(()));
    // Protected, but by the wrong policy; protected where clear is the rule.
    assert_eq!(spd.inbound_protected(&back("10.2.0.9"), &"map 20"), Err(DropReason::Selectors));
    assert_eq!(spd.inbound_protected(&back("10.4.0.1"), &"map 10"), Err(DropReason::Selectors));
    // RFC 4301 4.4.1 (test): without a match, discard.
    let empty = Spd::<u32>::new(Unmatched::Discard);
    assert_eq!(empty.outbound(&out("10.2.0.9")), Verdict::Discard(DropReason::NoPolicy));
    assert_eq!(empty.inbound_clear(&back("10.2.0.9")), Err(DropReason::NoPolicy));
    // Another address family is not protected by accident, nor clear by accident.
    let v6 = udp(("fd01::7", 1), ("fd02::9", 2));
    assert_eq!(empty.outbound(&v6), Verdict::Discard(DropReason::NoPolicy));
}

fn sa(protocol: Protocol, spi: u32) -> SaId {
    SaId { destination: address("192.0.2.1"), protocol, spi: Spi::new(spi).unwrap() }
}

#[test]
fn t102_layers_must_be_the_policys_in_its_order() {
    // RFC 2401 5.2.1 (test)
    let (ah, esp) = (sa(Protocol::AH, 300), sa(Protocol::ESP, 400));
    let others = [sa(Protocol::AH, 301), sa(Protocol::ESP, 401), sa(Protocol::ESP, 300)];
    let elsewhere = SaId { destination: address("192.0.2.9"), ..esp };
    let all = [ah, esp, others[0], others[1], others[2], elsewhere];
    let check = |opened: &[SaId]| {
        let mut layers = Layers::new();
        opened.iter().try_for_each(|sa| layers.push(*sa)).and_then(|()| layers.check(&[ah, esp]))
    };
    assert_eq!(check(&[ah, esp]), Ok(()));
    assert_eq!(check(&[]), Err(DropReason::Bundle));
    for first in all {
        assert_eq!(check(&[first]), Err(DropReason::Bundle));
        for second in all {
            if (first, second) != (ah, esp) {
                assert_eq!(check(&[first, second]), Err(DropReason::Bundle));
            }
            for third in all {
                assert_eq!(check(&[first, second, third]), Err(DropReason::Bundle));
            }
        }
    }
}

#[test]
fn t103_nesting_ends() {
    let mut layers = Layers::new();
    assert!(layers.is_empty());
    for n in 0..Layers::MAX {
        assert_eq!(layers.push(sa(Protocol::ESP, 256 + n as u32)), Ok(()));
    }
    assert_eq!(layers.push(sa(Protocol::ESP, 999)), Err(DropReason::TooManyLayers));
    assert_eq!((layers.len(), layers.iter().count()), (Layers::MAX, Layers::MAX));
}

/// UDP from port 5 to port 7, 10.1.0.7 to 10.2.0.9, fragment offset and payload as given.
fn fragment(offset: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 20 + payload.len() as u8, 0, 1];
    packet.extend(offset.to_be_bytes());
    packet.extend([64, 17, 0, 0, 10, 1, 0, 7, 10, 2, 0, 9]);
    packet.extend(payload);
    packet
}

#[test]
fn t105_fragments_do_not_slip_past_a_policy_with_ports() {
    // RFC 4301 7 (test)
    let ports = selector("10.1.0.0/24", "10.2.0.0/24")
        .with_protocol(Protocol::UDP)
        .with_ports(0..=u16::MAX, 7..=7)
        .unwrap();
    let mut spd = Spd::new(Unmatched::Bypass);
    spd.push(Policy::single(ports, Action::Protect(())));
    let verdict = |packet: &[u8]| spd.outbound(&Flow::of(packet).unwrap());
    let header = [0, 5, 0, 7, 0, 8, 0, 0];
    assert_eq!(
        verdict(&fragment(0x2000, &header)),
        Verdict::Protect(&()),
        "the first fragment shows its ports"
    );
    for offset in [1, 2, 0x2001, 0x1fff] {
        assert_eq!(verdict(&fragment(offset, &header)), Verdict::Discard(DropReason::OpaquePorts));
    }
    for len in 0..4 {
        let verdict = verdict(&fragment(0x2000, &header[..len]));
        assert_eq!(verdict, Verdict::Discard(DropReason::OpaquePorts), "a first fragment of {len} octets");
    }
    // Where no policy with ports could be meant, fragments go their way.
    let mut other = fragment(1, &header);
    other[9] = 1;
    assert_eq!(verdict(&other), Verdict::Bypass);
    let mut elsewhere = fragment(1, &header);
    elsewhere[18] = 3;
    assert_eq!(verdict(&elsewhere), Verdict::Bypass);
    // A policy without ports takes fragments.
    let mut spd = Spd::new(Unmatched::Bypass);
    spd.push(Policy::single(selector("10.1.0.0/24", "10.2.0.0/24"), Action::Protect(())));
    assert_eq!(spd.outbound(&Flow::of(&fragment(1, &header)).unwrap()), Verdict::Protect(&()));
    // A deny line with ports must not be decided by a fragment either.
    let ssh = selector("10.1.0.0/24", "10.2.0.0/24")
        .with_protocol(Protocol::UDP)
        .with_ports(0..=u16::MAX, 22..=22)
        .unwrap();
    let rules = vec![Rule::Deny(ssh), Rule::Permit(selector("10.1.0.0/24", "10.2.0.0/24"))];
    let mut spd = Spd::new(Unmatched::Bypass);
    spd.push(Policy { rules, action: Action::Protect(()) });
    let flow = Flow::of(&fragment(1, &header)).unwrap();
    assert_eq!(spd.outbound(&flow), Verdict::Discard(DropReason::OpaquePorts));
}
