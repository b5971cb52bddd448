//! What the demo can show.

use core::net::Ipv4Addr;

use std::io::{self, Write};

/// What must come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expectation {
    /// A tunnel, and traffic through it.
    Tunnel,
    /// Phase 1 succeeds, and the responder refuses the Quick Mode.
    Phase2Refused,
    /// Phase 1 never succeeds.
    NotAuthenticated,
    /// The initiator says a name in Aggressive Mode for which the responder has no key.
    NameUnknown,
}

/// What is done once there is a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Play {
    /// Both hosts ping each other and send each other a stream.
    Talk,
    /// The same, and the streams go on for longer than the SAs live.
    TalkOn,
    /// The same; then the second router is replaced by one that knows nothing, and all is said again.
    Restart,
    /// The same on every leg, one after the other; then the wire to one router breaks while the others' hosts talk on.
    Outage,
    /// The same; then the wire breaks for so long that both routers notice, and when it is mended all is said again.
    DeadPeer,
    /// The same; then nothing is said for longer than an address translator remembers, the second host speaks first, and the
    /// translator forgets everything.
    Translated,
}

/// What must be seen of the negotiation, beside the tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Feature {
    /// Phase 1 is Aggressive Mode, and both routers prove names.
    AggressiveMode,
    /// Every Quick Mode has a Diffie-Hellman exchange of its own.
    ForwardSecrecy,
    /// SAs have successors before they end, and the streams do not notice.
    Successors,
    /// The SAs are in transport mode: packets keep their own headers.
    TransportMode,
    /// Everything on the wire is IPv6.
    Ipv6,
    /// A router that has started again is known as such, and its old SAs go.
    InitialContact,
    /// One router has several peers, each with SAs of its own, and an outage of one is not the others' trouble.
    SeveralPeers,
    /// A peer that does not answer any more is noticed, and what depends on it goes and is negotiated anew.
    DeadPeers,
    /// The first router is behind an address translator (RFC 3947, RFC 3948).
    AddressTranslation,
    /// IKE messages that are longer than the wire carries go in fragments of their own (Cisco's payload 132).
    IkeFragments,
}

/// What is between the routers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wire {
    /// The address of the translator that the first router is behind.
    pub translator: Option<Ipv4Addr>,
    /// Octets of the longest packet that it carries; longer ones vanish.
    pub mtu: Option<usize>,
}

/// One scenario.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Scenario {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it shows.
    pub about: &'static str,
    /// The routers' configurations, with the names that errors carry. The first one is the peer of all others, and the
    /// host behind it speaks first.
    pub configs: &'static [(&'static str, &'static str)],
    /// What is between the routers.
    pub wire: Wire,
    /// What must come out.
    pub expectation: Expectation,
    /// What is done.
    pub play: Play,
    /// What must be seen of the negotiation.
    pub features: &'static [Feature],
}

macro_rules! config {
    ($file:literal) => {
        ($file, include_str!(concat!("../../configs/", $file)))
    };
}

/// What most scenarios are: one play, and nothing special to be seen.
const fn plain(
    name: &'static str,
    about: &'static str,
    configs: &'static [(&'static str, &'static str)],
    expectation: Expectation,
) -> Scenario {
    Scenario {
        name,
        about,
        configs,
        wire: Wire { translator: None, mtu: None },
        expectation,
        play: Play::Talk,
        features: &[],
    }
}

/// All scenarios; the first one is the default.
pub const SCENARIOS: [Scenario; 15] = [
    plain(
        "preshare",
        "pre-shared keys, DES and SHA, a tunnel with ESP",
        &[config!("preshare-a.cfg"), config!("preshare-b.cfg")],
        Expectation::Tunnel,
    ),
    plain(
        "ah-esp",
        "the same with AH around ESP, both in one proposal",
        &[config!("ah-esp-b.cfg"), config!("ah-esp-a.cfg")],
        Expectation::Tunnel,
    ),
    plain(
        "no-proposal",
        "the initiator asks for AH with MD5, the responder accepts SHA only: phase 2 is refused",
        &[config!("no-proposal-b.cfg"), config!("no-proposal-a.cfg")],
        Expectation::Phase2Refused,
    ),
    plain(
        "wrong-key",
        "the keys differ: phase 1 ends without anyone being told why",
        &[config!("wrong-key-a.cfg"), config!("wrong-key-b.cfg")],
        Expectation::NotAuthenticated,
    ),
    Scenario {
        features: &[Feature::AggressiveMode],
        ..plain(
            "aggressive",
            "identities and keys by hostname: phase 1 is Aggressive Mode",
            &[config!("aggressive-a.cfg"), config!("aggressive-b.cfg")],
            Expectation::Tunnel,
        )
    },
    plain(
        "wrong-hostname",
        "the initiator says a name for which the responder has no key: Aggressive Mode ends at its first message",
        &[config!("wrong-hostname-a.cfg"), config!("wrong-hostname-b.cfg")],
        Expectation::NameUnknown,
    ),
    Scenario {
        features: &[Feature::ForwardSecrecy],
        ..plain(
            "pfs",
            "perfect forward secrecy: the keys of phase 2 do not follow from those of phase 1",
            &[config!("pfs-a.cfg"), config!("pfs-b.cfg")],
            Expectation::Tunnel,
        )
    },
    Scenario {
        play: Play::TalkOn,
        features: &[Feature::Successors],
        ..plain(
            "rekey",
            "short lives: SAs of both phases get successors while a stream runs",
            &[config!("rekey-a.cfg"), config!("rekey-b.cfg")],
            Expectation::Tunnel,
        )
    },
    Scenario {
        play: Play::Restart,
        features: &[Feature::InitialContact],
        ..plain(
            "restart",
            "the second router loses all SAs and starts again: INITIAL-CONTACT ends the old ones",
            &[config!("restart-a.cfg"), config!("restart-b.cfg")],
            Expectation::Tunnel,
        )
    },
    Scenario {
        features: &[Feature::TransportMode],
        ..plain(
            "transport",
            "the routers' own traffic in transport mode, AH around ESP: no second IP header",
            &[config!("transport-a.cfg"), config!("transport-b.cfg")],
            Expectation::Tunnel,
        )
    },
    Scenario {
        features: &[Feature::Ipv6],
        ..plain(
            "ipv6",
            "IPv6 inside and outside: IKE, tunnel and hosts",
            &[config!("ipv6-a.cfg"), config!("ipv6-b.cfg")],
            Expectation::Tunnel,
        )
    },
    Scenario {
        play: Play::Outage,
        features: &[Feature::SeveralPeers],
        ..plain(
            "two-peers",
            "two peers in one map and a third on another interface: SAs of their own, and one that is cut off",
            &[
                config!("two-peers-hub.cfg"),
                config!("two-peers-1.cfg"),
                config!("two-peers-2.cfg"),
                config!("two-peers-3.cfg"),
            ],
            Expectation::Tunnel,
        )
    },
    Scenario {
        play: Play::DeadPeer,
        features: &[Feature::DeadPeers],
        ..plain(
            "dead-peer",
            "the wire breaks: dead peer detection ends the SAs on both sides, and the next packet gets new ones",
            &[config!("dead-peer-a.cfg"), config!("dead-peer-b.cfg")],
            Expectation::Tunnel,
        )
    },
    Scenario {
        play: Play::Translated,
        wire: Wire { translator: Some(Ipv4Addr::new(20, 20, 20, 21)), mtu: None },
        features: &[Feature::AddressTranslation],
        ..plain(
            "nat",
            "the first router is behind an address translator, which in the end forgets it",
            &[config!("nat-a.cfg"), config!("nat-b.cfg")],
            Expectation::Tunnel,
        )
    },
    Scenario {
        wire: Wire { translator: None, mtu: Some(400) },
        features: &[Feature::IkeFragments],
        ..plain(
            "fragments",
            "the wire carries no long packets and no IP fragments: long IKE messages go in fragments of their own",
            &[config!("fragments-a.cfg"), config!("fragments-b.cfg")],
            Expectation::Tunnel,
        )
    },
];

impl Scenario {
    /// The scenario of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        SCENARIOS.iter().find(|scenario| scenario.name == name)
    }
}

/// Writes the names of all scenarios and what they show, one a line.
///
/// # Errors
/// `out` cannot be written.
pub fn list(out: &mut dyn Write) -> io::Result<()> {
    SCENARIOS.iter().try_for_each(|scenario| writeln!(out, "{:<15} {}", scenario.name, scenario.about))
}
