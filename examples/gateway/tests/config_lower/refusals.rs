//! What reads well and does not run, with the place that is named.

use gateway::check;
use gateway::ios::{self, ErrorKind, Refusal};
use gateway::router::{Router, RouterError, RouterOptions};

use crate::manual::MANUAL;
use crate::{BASE, refusals};

/// What is translated and does not run is refused by `check` and by the router, at the same place.
#[test]
fn entries_that_do_not_run_yet_are_refused_with_their_place() {
    let dynamic = BASE.replace(
        "crypto map m 10 ipsec-isakmp\n set peer 20.20.20.20\n set transform-set t\n match address 101\n",
        "crypto dynamic-map d 5\n set transform-set t\ncrypto map m 65535 ipsec-isakmp dynamic d\n",
    );
    let per_host =
        BASE.replace(" match address 101", " set security-association level per-host\n match address 101");
    for (text, line, what) in [
        (MANUAL, 2, "ipsec-manual"),
        (&dynamic, 6, "an entry from a dynamic map"),
        (&per_host, 6, "set security-association level per-host"),
    ] {
        let Err(errors) = check::load("x.cfg", text.as_bytes()) else { panic!("runs:\n{text}") };
        let found: Vec<_> = errors.iter().map(|error| (error.line, error.kind.clone())).collect();
        assert_eq!(found, [(line, ErrorKind::Refused(Refusal::NotYet(what)))], "{text}");
        let (provider, options) = (crypto_provider::default::provider(), RouterOptions::default());
        let config = ios::parse("x.cfg", text).unwrap();
        let Err(RouterError::Config(again)) = Router::new("x.cfg", config, provider, options) else {
            panic!("runs:\n{text}")
        };
        assert_eq!(again.first().map(|error| error.line), Some(line));
    }
}

/// What to replace in `BASE`, by what, and the place and reason of the refusal.
type Case = (&'static str, &'static str, u32, u32, Refusal);

fn undefined(what: &'static str, name: &str) -> Refusal {
    Refusal::Undefined { what, name: name.into() }
}

fn refused_transforms_and_names() -> Vec<Case> {
    vec![
        (" authentication pre-share", " authentication rsa-sig", 3, 17, Refusal::Authentication("rsa-sig")),
        (" authentication pre-share", " authentication rsa-encr", 3, 17, Refusal::Authentication("rsa-encr")),
        (" authentication pre-share", " group 14", 2, 22, Refusal::Authentication("rsa-sig (the default)")),
        ("set transform-set t", "set transform-set u", 8, 20, undefined("transform set", "u")),
        ("match address 101", "match address 102", 9, 16, undefined("access list", "102")),
        (" crypto map m\n", " crypto map n\n", 12, 13, undefined("crypto map", "n")),
        ("set peer 20.20.20.20", "set peer b.example", 7, 11, Refusal::Unresolved("b.example".into())),
        ("t esp-aes esp-sha256-hmac", "t ah-rfc1828 esp-rfc1829", 5, 30, Refusal::OldTransform("ah-rfc1828")),
        ("esp-sha256-hmac\n", "esp-sha256-hmac\n initialization-vector size 4\n", 6, 29, Refusal::IvSize),
        ("t esp-aes esp-sha256-hmac", "t esp-null", 5, 30, Refusal::NoProtection),
        ("t esp-aes esp-sha256-hmac", "t ah-sha256-hmac esp-null", 5, 45, Refusal::NoProtection),
        (
            "0.0.0.255 60.60.60.0 0.0.0.255",
            "0.0.255.0 any",
            13,
            17,
            Refusal::WildcardHoles([0, 0, 255, 0].into()),
        ),
    ]
}

fn refused_flows_and_places() -> Vec<Case> {
    vec![
        (
            "permit ip 50.50.50.0 0.0.0.255 60.60.60.0 0.0.0.255",
            "permit tcp any any gt 1023",
            13,
            17,
            Refusal::PortRange,
        ),
        (
            "permit ip 50.50.50.0 0.0.0.255 60.60.60.0 0.0.0.255",
            "permit tcp any any eq 0",
            13,
            17,
            Refusal::PortRange,
        ),
        ("permit ip", "deny ip", 9, 16, Refusal::NothingPermitted("101".into())),
        (
            " ip address 20.20.20.21 255.255.255.0",
            " no ip address",
            12,
            13,
            Refusal::NoLocalAddress { interface: "Serial0".into(), family: "IPv4" },
        ),
        (
            "set peer 20.20.20.20",
            "set peer 2001:db8::20",
            12,
            13,
            Refusal::NoLocalAddress { interface: "Serial0".into(), family: "IPv6" },
        ),
        ("hostname a\n", "crypto isakmp identity hostname\n", 1, 1, Refusal::NoHostname),
        ("hostname a\n", "no crypto isakmp enable\n", 6, 12, Refusal::IsakmpDisabled),
        (
            "hostname a\n",
            "crypto map m local-address Loopback0\n",
            1,
            28,
            undefined("interface", "Loopback0"),
        ),
        ("hostname a\n", "crypto map m 5 ipsec-isakmp dynamic d\n", 1, 37, undefined("dynamic map", "d")),
        (
            "match address 101",
            "match address 10\naccess-list 10 permit any",
            9,
            16,
            Refusal::StandardList("10".into()),
        ),
        (
            " match address 101\n",
            " match address 101\n set transform-set t u\ncrypto ipsec transform-set u esp-aes esp-sha-hmac\n mode transport\n",
            6,
            12,
            Refusal::MixedModes,
        ),
    ]
}

/// Each configuration that reads well and does not run, with the place that is named.
#[test]
fn refusals_name_the_line() {
    for (from, to, line, column, refusal) in
        refused_transforms_and_names().into_iter().chain(refused_flows_and_places())
    {
        let text = BASE.replace(from, to);
        assert_ne!(text, BASE, "{from}");
        let found = refusals(&text);
        assert!(found.contains(&(line, column, refusal.clone())), "{to}\n{found:?}\n{refusal:?}");
    }
}
