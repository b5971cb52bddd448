//! The project's own configurations, and `check`.

use core::net::IpAddr;
use std::path::PathBuf;

use gateway::check;
use gateway::ios::{self, Policies, Protection};
use oakley::{Identity, KeyQuery, Mode};

use crate::{lower, only};

fn sample(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("configs").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// The project's own pair says what the document's pair says; only lines without effect are left out, and the time before debug lines, so that two
/// runs compare.
#[test]
fn the_sample_pair_is_the_documents_pair() {
    for (own, document) in [
        ("preshare-a.cfg", include_str!("../data/cl-2513-2A.cfg")),
        ("preshare-b.cfg", include_str!("../data/cl-2513-2B.cfg")),
    ] {
        let mut document = ios::parse("document", document).unwrap();
        document.known.clear();
        document.timestamps = ios::model::Timestamps::default();
        document.interfaces.iter_mut().for_each(|interface| interface.known.clear());
        assert_eq!(ios::parse(own, &sample(own)).unwrap(), document, "{own}");
    }
}

/// Each pair of samples has what its scene needs, and each half mirrors the other.
#[test]
fn the_samples_set_their_scenes() {
    let proposal = |name: &str| {
        let policies = lower(&sample(name));
        let Protection::Negotiated { proposals, .. } = only(&policies).protection.clone() else { panic!() };
        proposals
    };
    let key = |name: &str| {
        let policies = lower(&sample(name));
        let peer = only(&policies).peers.first().unwrap().address;
        let named = policies.hosts.first().map(|host| Identity::Fqdn(host.name.clone()));
        let query = named.as_ref().map_or(KeyQuery::Address(peer), KeyQuery::Identity);
        policies.keys_for(query).first().unwrap().expose().to_vec()
    };
    for pair in ["preshare", "ah-esp", "no-proposal", "wrong-key"] {
        let [a, b] = ["a", "b"].map(|half| lower(&sample(&format!("{pair}-{half}.cfg"))));
        assert_eq!(a.suites, b.suites, "{pair}");
        let [flow_a, flow_b] = [&a, &b].map(|one| only(one).rules.first().unwrap().flow.clone().unwrap());
        assert_eq!((flow_a.local, flow_a.remote), (flow_b.remote, flow_b.local), "{pair}");
        let local = |one: &Policies| one.maps.first().unwrap().local_v4.map(IpAddr::V4);
        let peer = |one: &Policies| only(one).peers.first().map(|peer| peer.address);
        assert_eq!((local(&a), peer(&a)), (peer(&b), local(&b)), "{pair}");
        assert_eq!(
            proposal(&format!("{pair}-a.cfg")) == proposal(&format!("{pair}-b.cfg")),
            pair != "no-proposal"
        );
        assert_eq!(key(&format!("{pair}-a.cfg")) == key(&format!("{pair}-b.cfg")), pair != "wrong-key");
    }
    // The transcript: Aggressive Mode, 240 seconds, AH and ESP under wan2511 and wan2516.
    for (name, host) in [
        ("ah-esp-a.cfg", "wan2511.cisco.com"),
        ("ah-esp-b.cfg", "wan2516.cisco.com"),
        ("no-proposal-a.cfg", "wan2511.cisco.com"),
    ] {
        let policies = lower(&sample(name));
        assert_eq!(policies.fqdn.as_deref(), Some(host));
        assert_eq!(policies.suites.first().unwrap().lifetime.seconds, Some(240));
        assert_eq!(policies.mode(only(&policies).peers.first().unwrap().address), Mode::Aggressive);
        assert_eq!(only(&policies).protection_count(), 2);
    }
}

trait Count {
    fn protection_count(&self) -> usize;
}

impl Count for ios::MapPolicy {
    fn protection_count(&self) -> usize {
        match &self.protection {
            Protection::Negotiated { proposals, .. } => {
                proposals.first().map_or(0, |one| one.protections.len())
            }
            _ => 0,
        }
    }
}

/// The three exit statuses, the place in the output, notes on request only.
#[test]
fn check_says_what_is_wrong_and_ends_accordingly() {
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let run = |names: &[&str], verbose| {
        let paths: Vec<PathBuf> = names.iter().map(|name| data.join(name)).collect();
        let mut out = Vec::new();
        let status = check::check(&paths, verbose, &mut out).unwrap();
        (status, String::from_utf8(out).unwrap())
    };
    let (status, quiet) = run(&["cl-2513-2A.cfg", "cl-2513-2B.cfg"], false);
    assert_eq!((status, quiet.contains("note:")), (check::FINE, false));
    let (status, verbose) = run(&["cl-2513-2B.cfg"], true);
    assert_eq!((status, verbose.matches("note: no effect here").count()), (check::FINE, 13));
    assert!(verbose.contains("cl-2513-2B.cfg:40:2: note: no effect here: clockrate NUMBER"), "{verbose}");
    let (status, refused) = run(&["cl-2513-2A.cfg", "wan2511.cfg"], false);
    assert_eq!(status, check::WRONG);
    assert!(
        refused.contains("wan2511.cfg:14:17: authentication rsa-encr is read but does not run yet"),
        "{refused}"
    );
    assert_eq!(run(&["no-such-file.cfg"], false).0, check::FAILED);
    assert_eq!(run(&["no-such-file.cfg", "wan2511.cfg"], false).0, check::WRONG);
}
