//! Access lists as flows: order, conflicts, what is boundless or incomplete.

use core::net::IpAddr;

use gateway::ios::{Refusal, WarningKind};
use ipsec_core::{Direction, Flow, FlowPorts, Match, Rule};

use crate::{BASE, lower, only, peer, refusals, warnings};

/// T133: `deny` above `permit` keeps its place: the packet is not this entry's.
#[test]
fn t133_deny_lines_stay_in_order() {
    let list = "access-list 101 deny tcp any host 60.60.60.60 neq telnet\naccess-list 101 permit ip 50.50.50.0 0.0.0.255 60.60.60.0 0.0.0.255\n";
    let text = BASE.replace("access-list 101 permit ip 50.50.50.0 0.0.0.255 60.60.60.0 0.0.0.255\n", list);
    let policies = lower(&text);
    let rules = &only(&policies).rules;
    assert_eq!(
        rules.iter().map(|rule| matches!(rule.rule, Rule::Permit(_))).collect::<Vec<_>>(),
        [false, false, true]
    );
    let decide = |port: u16| {
        let flow = Flow {
            source: IpAddr::from([50, 50, 50, 1]),
            destination: IpAddr::from([60, 60, 60, 60]),
            protocol: ipsec_core::Protocol::TCP,
            ports: FlowPorts::Known { source: 1024, destination: port },
        };
        rules.iter().find_map(|rule| match &rule.rule {
            Rule::Permit(selector) => {
                (selector.matches(&flow, Direction::Outbound) == Match::Yes).then_some(true)
            }
            Rule::Deny(selector) => {
                (selector.matches(&flow, Direction::Outbound) == Match::Yes).then_some(false)
            }
        })
    };
    assert_eq!(
        [decide(22), decide(23), decide(24), decide(0), decide(65535)],
        [Some(false), Some(true), Some(false), Some(false), Some(false)]
    );
}

/// T133: a deny line above a permit line may leave nothing of it.
#[test]
fn t133_a_permit_line_below_a_deny_of_all_its_packets_is_pointed_out() {
    let found = |text: &str| -> Vec<(u32, WarningKind)> {
        let warnings = lower(text).warnings.into_iter();
        warnings.map(|warning| (warning.origin.line, warning.kind)).collect()
    };
    let dead = [(14, WarningKind::NeverReached { list: "101".into() })];
    let text = |deny: &str| {
        BASE.replace("access-list 101 permit", &format!("access-list 101 {deny}\naccess-list 101 permit"))
    };
    assert_eq!(found(&text("deny ip any any")), dead);
    assert_eq!(found(&text("deny ip 50.50.0.0 0.0.255.255 any")), dead);
    assert_eq!(found(&text("deny tcp any any")), []);
    assert_eq!(found(&text("deny ip host 50.50.50.7 any")), []);
}

/// T133: what is conflicting or boundless is said; what is incomplete does not run.
#[test]
fn t133_conflicts_and_incomplete_maps() {
    let any = BASE.replace("permit ip 50.50.50.0 0.0.0.255 60.60.60.0 0.0.0.255", "permit ip any any");
    assert_eq!(warnings(&any), [WarningKind::PermitAny { list: "101".into() }]);

    let second = "crypto map m 20 ipsec-isakmp\n set peer 20.20.20.22\n set transform-set t\n match address 102\n\
                  crypto isakmp key 0123456789abcdefghijklmno address 20.20.20.22\n\
                  access-list 102 permit tcp 50.50.50.128 0.0.0.127 any\n";
    let overlap = format!("{BASE}{second}");
    assert_eq!(warnings(&overlap), [WarningKind::Overlap { first: 10, second: 20 }]);
    let apart = overlap.replace(
        "access-list 101 permit",
        "access-list 101 deny tcp 50.50.50.128 0.0.0.127 any\naccess-list 101 permit",
    );
    assert_eq!(warnings(&apart), []);

    let unapplied = BASE.replace(" crypto map m\n", "");
    assert_eq!(warnings(&unapplied), [WarningKind::NotApplied { map: "m".into() }]);
    let other_key = BASE.replace("address 20.20.20.20", "address 20.20.20.29");
    assert_eq!(warnings(&other_key), [WarningKind::NoKey { peer: peer() }]);
    for (line, missing) in [
        (" set peer 20.20.20.20\n", "set peer"),
        (" match address 101\n", "match address"),
        (" set transform-set t\n", "set transform-set"),
    ] {
        let wanted = Refusal::IncompleteEntry { map: "m".into(), sequence: 10, missing };
        assert_eq!(refusals(&BASE.replace(line, "")), [(6, 12, wanted)]);
    }
}
