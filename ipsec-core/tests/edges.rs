//! What judges packets and SAs, one step before its edge, at it, and one step behind it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a test may panic"
)]

use core::time::Duration;

use ipsec_core::{
    Cause, DropReason, Exhausted, Flow, FlowPorts, IcmpError, InboundConfig, InboundState, Ipv4Header,
    Ipv6Header, Layers, Lifetime, Limit, MalformedIp, Mode, OpenJob, Opened, OutboundConfig, OutboundState,
    PacketBuf, Protocol, SaId, SealError, SealJob, Spi, Usage, Verified, clamp_mss, decrement_ttl, fragments,
    icmp_error,
};

const NOW: Duration = Duration::ZERO;

fn spi() -> Spi {
    Spi::new(0x0abc_def0).unwrap()
}

/// The hard limit of octets: what fills it passes, one octet more does not, and then nothing does.
#[test]
fn t095_octets_up_to_the_hard_limit_and_no_further() {
    let lifetime = Lifetime { hard_octets: Some(1000), ..Lifetime::default() };
    let usage = || Usage::new(lifetime, NOW);
    for (octets, fits) in [(999, true), (1000, true), (1001, false)] {
        let mut usage = usage();
        assert_eq!(usage.charge(octets, NOW).is_ok(), fits, "{octets} at once");
        assert_eq!(usage.octets(), if fits { octets } else { 0 });
        // Filled, or met by a packet that does not fit: done.
        assert_eq!(usage.check(NOW), if octets == 999 { Ok(()) } else { Err(Exhausted::Octets) });
    }
    for (second, fits) in [(99, true), (100, true), (101, false)] {
        let mut usage = usage();
        usage.charge(900, NOW).unwrap();
        assert_eq!(usage.charge(second, NOW).is_ok(), fits, "{second} more");
    }
    let mut config = OutboundConfig::new(spi(), Mode::Transport);
    config.lifetime = lifetime;
    let mut sa = OutboundState::new(config, NOW);
    assert_eq!(sa.reserve(1000, NOW).unwrap().number(), 1);
    assert_eq!(sa.reserve(1, NOW).unwrap_err(), Exhausted::Octets);
    assert_eq!(sa.poll_limit(NOW), Some(Limit::Hard(Cause::Octets)));
    assert_eq!(sa.poll_limit(NOW), None);
    let mut config = InboundConfig::new(spi(), Mode::Transport, None);
    config.lifetime = lifetime;
    let mut sa = InboundState::new(config, NOW);
    let fresh = sa.check(1).unwrap();
    sa.accept(fresh, 1000, NOW).unwrap();
    let fresh = sa.check(2).unwrap();
    assert_eq!(sa.accept(fresh, 0, NOW), Err(DropReason::Expired));
}

#[test]
fn t095_a_soft_limit_is_told_once_at_its_edge() {
    let lifetime = Lifetime { soft_octets: Some(800), hard_octets: Some(1000), ..Lifetime::default() };
    let mut usage = Usage::new(lifetime, NOW);
    usage.charge(799, NOW).unwrap();
    assert_eq!(usage.poll_limit(NOW, None), None);
    usage.charge(1, NOW).unwrap();
    assert_eq!(usage.poll_limit(NOW, None), Some(Limit::Soft(Cause::Octets)));
    assert_eq!(usage.poll_limit(NOW, None), None);
    usage.charge(200, NOW).unwrap();
    assert_eq!(usage.poll_limit(NOW, None), Some(Limit::Hard(Cause::Octets)));
    assert_eq!(usage.poll_limit(NOW, None), None);
}

#[test]
fn a_cap_lowers_the_hard_limit_alone() {
    // 2^31 blocks of 8 octets.
    assert_eq!(Lifetime::MAX_OCTETS_64_BIT_BLOCK, 17_179_869_184);
    assert_eq!(Lifetime::default().capped(5).hard_octets, Some(5));
    let soft_time = Some(Duration::from_secs(7));
    let lower = Lifetime { hard_octets: Some(3), soft_time, ..Lifetime::default() };
    assert_eq!(lower.capped(5), lower);
    assert_eq!(lower.capped(2), Lifetime { hard_octets: Some(2), ..lower });
}

#[test]
fn a_batch_reserves_a_number_for_each_packet_and_counts_those_that_fail() {
    let mut config = OutboundConfig::new(spi(), Mode::Transport);
    config.lifetime = Lifetime { hard_octets: Some(60), ..Lifetime::default() };
    let mut sa = OutboundState::new(config, NOW);
    let mut packets: Vec<_> = (0..3).map(|_| PacketBuf::copy_of(&[0x45; 30])).collect();
    let mut jobs: Vec<_> = packets.iter_mut().map(SealJob::new).collect();
    sa.reserve_each(&mut jobs, NOW);
    assert_eq!(jobs[2].result, Err(SealError::from(Exhausted::Octets)));
    let numbers: Vec<_> =
        jobs.iter_mut().map(|job| job.take_sequence().map(|sequence| sequence.number())).collect();
    assert_eq!(numbers, [Some(1), Some(2), None]);
    assert!(jobs[0].take_sequence().is_none(), "a number is used once");
    (jobs[0].result, jobs[1].result) = (Ok(()), Ok(()));
    sa.count_failed(&jobs);
    let drops = sa.snapshot(Protocol::ESP, NOW).drops;
    assert_eq!((drops.total(), drops.get(DropReason::Expired)), (1, 1));
}

#[test]
fn a_batch_is_accepted_in_its_order_and_once() {
    let mut config = InboundConfig::new(spi(), Mode::Transport, None);
    config.lifetime = Lifetime { hard_time: Some(Duration::from_secs(10)), ..Lifetime::default() };
    let mut sa = InboundState::new(config, NOW);
    let ends = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
    let opened = |number| Opened::new(spi(), number, Protocol::UDP, 40, ends);
    let fresh = |sa: &InboundState, low| sa.check(low).unwrap();
    let mut packets: Vec<_> = (0..5).map(|_| PacketBuf::copy_of(&[0x45; 40])).collect();
    let mut jobs: Vec<_> = packets.iter_mut().map(OpenJob::new).collect();
    assert!(sa.may_open(&mut jobs, NOW));
    jobs[0].note(Ok(Verified::new(spi(), fresh(&sa, 7), 40, Ok(opened(7)))));
    jobs[1].note(Ok(Verified::new(spi(), fresh(&sa, 7), 40, Ok(opened(7)))));
    jobs[2].note(Ok(Verified::new(spi(), fresh(&sa, 8), 40, Err(DropReason::Dummy))));
    let other = Spi::new(0x1234_5678).unwrap();
    jobs[3].note(Ok(Verified::new(other, fresh(&sa, 9), 40, Ok(opened(9)))));
    jobs[4].note(Err(DropReason::Icv));
    sa.accept_each(&mut jobs, NOW);
    let results: Vec<_> = jobs.iter().map(|job| job.result).collect();
    let expected = [
        Ok(opened(7)),
        Err(DropReason::Replayed),
        Err(DropReason::Dummy),
        Err(DropReason::UnknownSpi),
        Err(DropReason::Icv),
    ];
    assert_eq!(results, expected);
    let after = sa.snapshot(Protocol::ESP, NOW);
    assert_eq!((after.packets, after.octets, after.sequence, after.drops.total()), (2, 80, 8, 4));
    // Past its end nothing is looked at, and each packet is counted.
    let late = Duration::from_secs(10);
    assert!(!sa.may_open(&mut jobs, late));
    assert!(jobs.iter().all(|job| job.result == Err(DropReason::Expired)));
    assert_eq!(sa.snapshot(Protocol::ESP, late).drops.get(DropReason::Expired), 5);
}

#[test]
fn t107_a_hop_limit_ends_at_one() {
    for (before, after) in [(0, None), (1, None), (2, Some(1)), (64, Some(63)), (255, Some(254))] {
        let mut v6 = vec![0x60, 0, 0, 0, 0, 0, 59, before];
        v6.extend([0xfd; 32]);
        assert_eq!(decrement_ttl(&mut v6), after);
        assert_eq!(v6[7], after.unwrap_or(before));
    }
}

#[test]
fn names_and_kinds_of_protocols() {
    let extensions: Vec<u8> = (0..=255).filter(|number| Protocol(*number).is_extension()).collect();
    assert_eq!(extensions, [0, 43, 44, 60]);
    assert_eq!(
        (format!("{}", Protocol::ESP), format!("{:?}", Protocol::AH)),
        ("50".to_owned(), "Protocol(51)".to_owned())
    );
    assert_eq!(DropReason::NoRoute.to_string(), "no-route");
    let mut layers = Layers::new();
    assert!(layers.is_empty());
    let destination = "192.0.2.1".parse().unwrap();
    layers.push(SaId { destination, protocol: Protocol::ESP, spi: spi() }).unwrap();
    assert!(!layers.is_empty());
    assert_eq!(Ipv6Header::parse(&[0x45; 40]).unwrap_err(), MalformedIp::Version(4));
}

#[test]
fn flags_of_an_encoded_header_are_those_that_were_asked_for() {
    for (dont_fragment, more_fragments, word) in
        [(false, false, 3), (true, false, 0x4003), (false, true, 0x2003), (true, true, 0x6003_u16)]
    {
        let header = Ipv4Header {
            header_len: 20,
            tos: 0,
            total_len: 20,
            identification: 1,
            dont_fragment,
            more_fragments,
            fragment_offset: 3,
            ttl: 1,
            protocol: Protocol::UDP,
            source: [192, 0, 2, 1].into(),
            destination: [192, 0, 2, 2].into(),
        };
        assert_eq!(header.encode()[6..8], word.to_be_bytes());
    }
}

fn v6(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
    packet.extend([next, 64]);
    packet.extend([0xfd; 32]);
    packet.extend(payload);
    packet
}

#[test]
fn a_later_fragment_over_ipv6_shows_its_protocol_and_no_ports() {
    let fragment = [[17, 0, 0, 8, 0, 0, 0, 1], [1, 2, 3, 4, 5, 6, 7, 8]].concat();
    let flow = Flow::of(&v6(44, &fragment)).unwrap();
    assert_eq!((flow.protocol, flow.ports), (Protocol::UDP, FlowPorts::Opaque));
}

#[test]
fn t106_an_icmpv6_question_is_answered_with_an_error_and_an_error_is_not() {
    let told = |kind| {
        icmp_error(
            &v6(58, &[kind, 0, 0, 0, 0, 0, 0, 0]),
            "fd00::1".parse().unwrap(),
            IcmpError::TimeExceeded,
            1,
        )
    };
    assert!(told(127).is_none());
    assert!(told(128).is_some());
}

#[test]
fn options_without_a_length_are_stepped_over_in_later_fragments() {
    // No operation, router alert (copied), a record route without room (not copied), end of list.
    let options = [1, 148, 4, 0, 0, 7, 3, 4];
    let mut packet = vec![0x47, 0, 0, 0, 0, 1, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2];
    packet.extend(options);
    packet.extend([9; 64]);
    let len = u16::try_from(packet.len()).unwrap();
    packet[2..4].copy_from_slice(&len.to_be_bytes());
    let cut = fragments(&packet, 60, 0).unwrap();
    assert_eq!(cut[0].octets()[20..28], options);
    assert_eq!(cut[1].octets()[0], 0x46);
    assert_eq!(cut[1].octets()[20..24], [148, 4, 0, 0]);
}

/// A segment of TCP that opens a connection, with these options.
fn syn(options: &[u8]) -> Vec<u8> {
    let words = u8::try_from(5 + options.len() / 4).unwrap();
    let mut tcp = vec![0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, words << 4, 2, 0xff, 0xff, 0, 0, 0, 0];
    tcp.extend(options);
    tcp
}

#[test]
fn t145_segment_sizes_are_those_of_tcp_and_stand_before_the_end_of_its_options() {
    let size = [2, 4, 0x05, 0xb4, 0, 0, 0, 0];
    assert_eq!(clamp_mss(&mut v6(6, &syn(&size)), 1280), Some(1220));
    assert_eq!(clamp_mss(&mut v6(17, &syn(&size)), 1280), None, "not TCP");
    // Behind the end of the list there is no option, whatever it looks like.
    assert_eq!(clamp_mss(&mut v6(6, &syn(&[0, 2, 2, 4, 0x05, 0xb4, 0, 0])), 1280), None);
    // A later fragment has no header of TCP.
    let later = [vec![6, 0, 0, 8, 0, 0, 0, 1], syn(&size)].concat();
    assert_eq!(clamp_mss(&mut v6(44, &later), 1280), None);
}

#[test]
fn room_is_checked_to_the_octet() {
    let mut packet = PacketBuf::with_capacity(4, 9);
    packet.append(3).unwrap();
    assert_eq!((packet.headroom(), packet.tailroom()), (4, 6));
    let fits = |front, back| packet.check_room(front, back).is_ok();
    assert!(fits(0, 0) && fits(4, 6) && fits(3, 5));
    assert!(!fits(5, 6) && !fits(4, 7) && !fits(5, 0) && !fits(0, 7));
    assert!(packet.strip_front(3).is_ok() && packet.is_empty());
    assert!(format!("{packet:?}").contains("tailroom: 6"));
}

#[test]
fn t106_only_the_message_about_size_is_one() {
    use ipsec_core::TooBig;
    let v4 = |protocol: u8, flags: u8, kind: u8, code: u8| {
        let mut packet = vec![0x45, 0, 0, 28, 0, 1, flags, 0, 64, protocol, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2];
        packet.extend([kind, code, 0, 0, 0, 0, 5, 0]);
        TooBig::is_too_big(&packet)
    };
    assert!(v4(1, 0, 3, 4));
    assert!(!v4(17, 0, 3, 4) && !v4(1, 0x20, 3, 4) && !v4(1, 0, 3, 3) && !v4(1, 0, 8, 4));
    let message = |next: u8, kind: u8| TooBig::is_too_big(&v6(next, &[kind, 0, 0, 0, 0, 0, 5, 0]));
    assert!(message(58, 2));
    assert!(!message(58, 1) && !message(17, 2));
    let fragment = [[58, 0, 0, 1, 0, 0, 0, 1], [2, 0, 0, 0, 0, 0, 5, 0]].concat();
    assert!(!TooBig::is_too_big(&v6(44, &fragment)));
    assert!(!TooBig::is_too_big(&[0x15; 60]));
}
