//! What the routers of a run have in their configurations.

use core::fmt::Write as _;
use core::net::Ipv4Addr;

use netsim::Rng;

/// What protects the packets.
const SETS: [&str; 6] = [
    "esp-des esp-sha-hmac",
    "esp-des esp-md5-hmac",
    "esp-3des esp-sha-hmac",
    "esp-null esp-sha-hmac",
    "ah-sha-hmac",
    "ah-sha-hmac esp-des esp-sha-hmac",
];

/// What the configurations of a run say.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    pub(super) routers: usize,
    pub(super) aggressive: bool,
    pub(super) pfs: bool,
    pub(super) set: &'static str,
    /// Whether the first router is behind a translator.
    pub(super) translator: bool,
    /// Words after `crypto isakmp keepalive`.
    pub(super) keepalive: Option<&'static str>,
    /// Lifetimes in seconds of the IKE SAs and of the IPsec SAs, for each router.
    pub(super) lives: Vec<(u32, u32)>,
    /// Whether configurations name their peers in the other order: it must not matter.
    pub(super) backwards: bool,
}

impl Setup {
    pub(super) fn draw(rng: &mut Rng) -> Self {
        let routers = if one_in(rng, 3) { 3 } else { 2 };
        let pick = |rng: &mut Rng, all: &[u32]| pick(rng, all).copied().unwrap_or(3600);
        let ike = pick(rng, &[60, 90, 120, 240, 600, 86_400]);
        let sa = pick(rng, &[120, 150, 240, 600, 3600]);
        let same = !one_in(rng, 3);
        let lives = (0..routers).map(|_| {
            let own = (pick(rng, &[60, 120, 300, 86_400]), pick(rng, &[120, 240, 3600]));
            if same { (ike, sa) } else { own }
        });
        Self {
            lives: lives.collect(),
            backwards: false,
            routers,
            aggressive: one_in(rng, 3),
            pfs: one_in(rng, 3),
            set: SETS.get(below(rng, SETS.len())).copied().unwrap_or(SETS[0]),
            translator: one_in(rng, 4),
            keepalive: [Some("10"), Some("10 2 periodic"), Some("20 5 periodic"), None]
                .get(below(rng, 4))
                .copied()
                .flatten(),
        }
        .without_contradiction()
    }

    /// A translator breaks AH (RFC 3715 2.1).
    fn without_contradiction(mut self) -> Self {
        if self.translator && self.set.contains("ah-") {
            self.set = SETS[0];
        }
        self
    }

    /// Whether packets cannot be read on the wire.
    pub(super) fn hides(&self) -> bool {
        self.set.contains("esp-des") || self.set.contains("esp-3des")
    }

    /// A router's configuration. `moved` says whether the first router has its second address.
    pub(super) fn config(&self, router: usize, moved: bool) -> String {
        let (ike, sa) = self.lives.get(router).copied().unwrap_or((3600, 3600));
        let mut text = format!("version 12.2\n!\nhostname {}\nip domain-name example.com\n", host(router));
        let mut peers: Vec<usize> = (0..self.routers).filter(|peer| *peer != router).collect();
        if self.backwards {
            peers.reverse();
        }
        let mut line = |words: core::fmt::Arguments<'_>| {
            let _never_fails = writeln!(text, "{words}");
        };
        for peer in &peers {
            let all: Vec<_> = addresses(*peer).iter().map(ToString::to_string).collect();
            let all = all.join(" ");
            line(format_args!("ip host {}.example.com {all}", host(*peer)));
        }
        line(format_args!(
            "crypto isakmp policy 1\n hash sha\n authentication pre-share\n group 1\n lifetime {ike}"
        ));
        for peer in &peers {
            if self.aggressive {
                line(format_args!("crypto isakmp key shared hostname {}.example.com", host(*peer)));
            } else {
                for address in addresses(*peer) {
                    line(format_args!("crypto isakmp key shared address {address}"));
                }
            }
        }
        if self.aggressive {
            line(format_args!("crypto isakmp identity hostname"));
        }
        if let Some(words) = self.keepalive {
            line(format_args!("crypto isakmp keepalive {words}"));
        }
        line(format_args!("crypto ipsec security-association lifetime seconds {sa}"));
        line(format_args!("crypto ipsec transform-set set {}", self.set));
        for peer in &peers {
            line(format_args!("crypto map map {} ipsec-isakmp", 10 + peer));
            for address in addresses(*peer) {
                line(format_args!(" set peer {address}"));
            }
            let pfs = if self.pfs { "\n set pfs group1" } else { "" };
            line(format_args!(" set transform-set set{pfs}\n match address {}", 101 + peer));
        }
        let outside = self.outside(router, moved);
        let gateway = if self.is_translated(router) { "192.168.1.1" } else { "198.51.100.254" };
        let inside = lan(router, 254);
        line(format_args!("interface Ethernet0\n ip address {inside} 255.255.255.0"));
        line(format_args!("interface Serial0\n ip address {outside} 255.255.255.0\n crypto map map"));
        line(format_args!("ip route 0.0.0.0 0.0.0.0 {gateway}"));
        for peer in &peers {
            let (here, there) = (lan(router, 0), lan(*peer, 0));
            line(format_args!("access-list {} permit ip {here} 0.0.0.255 {there} 0.0.0.255", 101 + peer));
        }
        line(format_args!("end"));
        text
    }

    /// A router's own address outside.
    pub(super) fn outside(&self, router: usize, moved: bool) -> Ipv4Addr {
        if self.is_translated(router) {
            return Ipv4Addr::new(192, 168, 1, 2);
        }
        public(router, moved)
    }

    pub(super) const fn is_translated(&self, router: usize) -> bool {
        self.translator && router == 0
    }
}

/// The address by which the others know a router.
pub(super) fn public(router: usize, moved: bool) -> Ipv4Addr {
    let place = u8::try_from(router).unwrap_or(0).saturating_add(1);
    Ipv4Addr::new(198, 51, 100, place.saturating_mul(10).saturating_add(u8::from(moved && router == 0)))
}

/// All of a router's addresses: only the first one moves.
fn addresses(router: usize) -> Vec<Ipv4Addr> {
    if router == 0 { vec![public(0, false), public(0, true)] } else { vec![public(router, false)] }
}

/// An address behind a router.
pub(super) fn lan(router: usize, last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, u8::try_from(router).unwrap_or(0), 0, last)
}

fn host(router: usize) -> String {
    format!("r{router}")
}

pub(super) fn below(rng: &mut Rng, bound: usize) -> usize {
    let bound = u64::try_from(bound).unwrap_or(u64::MAX);
    usize::try_from(rng.below(bound)).unwrap_or(0)
}

pub(super) fn one_in(rng: &mut Rng, n: u64) -> bool {
    rng.below(n) == 0
}

pub(super) fn pick<'a, T>(rng: &mut Rng, all: &'a [T]) -> Option<&'a T> {
    all.get(below(rng, all.len()))
}
