//! Two gateways with one key, and what moves datagrams between their engines.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::sync::Arc;

use crypto_provider::default::{SeededRandom, provider};
use crypto_provider::{CipherAlgorithm, CryptoProvider, GroupId, HashAlgorithm, SecretBytes, Work};
use oakley::*;

/// Both gateways' policy; the flow is that of each side.
struct Policy {
    me: IpAddr,
    suite: Phase1Suite,
    selectors: SelectorPair,
}

/// What suits gateways of today.
pub(crate) fn suite() -> Phase1Suite {
    Phase1Suite {
        priority: 10,
        cipher: CipherAlgorithm::AesCbc,
        key_len: 16,
        hash: HashAlgorithm::Sha256,
        method: AuthMethod::PreShared,
        group: GroupId::MODP_2048,
        lifetime: Lifetime { seconds: Some(86_400), kilobytes: None },
    }
}

impl PolicySource for Policy {
    fn phase1(&self, _: &Peer<'_>, mode: Mode) -> Work<Option<Arc<Phase1Policy>>> {
        let policy = Phase1Policy::new(vec![self.suite.clone()], Identity::Address(self.me));
        Work::Done((mode == Mode::Main).then(|| Arc::new(policy)))
    }

    fn pre_shared_keys(&self, _: KeyQuery<'_>) -> Work<Arc<[SecretBytes]>> {
        Work::Done([SecretBytes::copy_of(b"a long secret that both sides know")].into())
    }

    fn phase2(&self, _: &Peer<'_>, _: &SelectorPair) -> Work<Option<Arc<Phase2Policy>>> {
        let esp = Phase2Transform {
            protocol: Protocol::Esp,
            confidentiality: Confidentiality::Cipher(CipherAlgorithm::AesCbc, 16),
            integrity: Some(HashAlgorithm::Sha256),
        };
        Work::Done(Some(Arc::new(Phase2Policy {
            proposals: vec![Phase2Proposal { protections: vec![vec![esp]] }],
            selectors: self.selectors.clone(),
            encapsulation: Encapsulation::Tunnel,
            lifetime: Lifetime { seconds: Some(3600), kilobytes: Some(4_608_000) },
            pfs: None,
        })))
    }
}

/// The gateway with this number, 1 or 2, and its path to the other.
pub(crate) fn gateway(number: u8, suite: &Phase1Suite) -> (Engine, Path, SelectorPair) {
    let address = |number: u8| SocketAddr::from(([192, 0, 2, number], 500));
    let net = |number: u8| TrafficSelector {
        addresses: IpAddr::from([10, number, 0, 0])..=IpAddr::from([10, number, 0, 255]),
        protocol: 0,
        port: 0,
    };
    let other = 3_u8.saturating_sub(number);
    let path = Path { local: address(number), remote: address(other) };
    let selectors = SelectorPair { local: net(number), remote: net(other) };
    let random = Arc::new(SeededRandom::new(number.into()));
    let provider = CryptoProvider { random, ..provider() };
    let policy = Policy { me: path.local.ip(), suite: suite.clone(), selectors: selectors.clone() };
    (Engine::new(Config::default(), provider, Arc::new(policy)), path, selectors)
}

/// Lets the first gateway begin and carries datagrams until nothing flies, showing each output with its gateway's number.
pub(crate) fn negotiate(suite: &Phase1Suite, mut show: impl FnMut(u8, &Output)) -> Result<(), ApiMisuse> {
    let (mut one, path, selectors) = gateway(1, suite);
    let (mut two, ..) = gateway(2, suite);
    let now = Duration::ZERO;
    one.handle_input(now, Input::Initiate(Request { path, selectors }))?;
    let mut quiet = 0;
    let mut turn = 0_u8;
    while quiet < 2 {
        let (from, to) = if turn.is_multiple_of(2) { (&mut one, &mut two) } else { (&mut two, &mut one) };
        quiet += 1;
        while let Some(output) = from.poll_output() {
            quiet = 0;
            show(turn % 2 + 1, &output);
            if let Output::Transmit { path, octets } = output {
                let path = Path { local: path.remote, remote: path.local };
                to.handle_input(now, Input::Datagram { path, octets: &octets })?;
            }
        }
        turn = turn.wrapping_add(1);
    }
    Ok(())
}
