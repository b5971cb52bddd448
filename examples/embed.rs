//! A tunnel over a socket of the caller's: `embed LOCAL:PORT REMOTE:PORT KEY [initiate]`.
//!
//! The engine neither opens sockets nor looks at clocks: this loop does, and prints what a data path would be given.
#![allow(clippy::disallowed_methods, reason = "the loop around an engine is where the clock is read")]

use core::error::Error;
use core::net::SocketAddr;
use core::time::Duration;
use std::io::{Write, stdout};
use std::net::UdpSocket;
use std::sync::Arc;
use std::time::Instant;

use crypto_provider::default::provider;
use crypto_provider::{AeadAlgorithm, CipherAlgorithm, GroupId, HashAlgorithm, SecretBytes, Work};
use oakley::*;

struct Policy {
    path: Path,
    key: String,
}

impl PolicySource for Policy {
    fn phase1(&self, _: &Peer<'_>, mode: Mode) -> Work<Option<Arc<Phase1Policy>>> {
        let suite = Phase1Suite {
            priority: 1,
            cipher: CipherAlgorithm::AesCbc,
            key_len: 16,
            hash: HashAlgorithm::Sha256,
            method: AuthMethod::PreShared,
            group: GroupId::MODP_2048,
            lifetime: Lifetime { seconds: Some(86_400), kilobytes: None },
        };
        let policy = Phase1Policy::new(vec![suite], Identity::Address(self.path.local.ip()));
        Work::Done((mode == Mode::Main).then(|| Arc::new(policy)))
    }

    fn pre_shared_keys(&self, _: KeyQuery<'_>) -> Work<Arc<[SecretBytes]>> {
        Work::Done([SecretBytes::copy_of(self.key.as_bytes())].into())
    }

    fn phase2(&self, _: &Peer<'_>, _: &SelectorPair) -> Work<Option<Arc<Phase2Policy>>> {
        let confidentiality = Confidentiality::Aead(AeadAlgorithm::AesGcm16, 16);
        let esp = Phase2Transform { protocol: Protocol::Esp, confidentiality, integrity: None };
        Work::Done(Some(Arc::new(Phase2Policy {
            proposals: vec![Phase2Proposal { protections: vec![vec![esp]] }],
            selectors: flow(&self.path),
            encapsulation: Encapsulation::Transport,
            lifetime: Lifetime { seconds: Some(3600), kilobytes: None },
            pfs: None,
        })))
    }
}

fn flow(path: &Path) -> SelectorPair {
    let host = |ip| TrafficSelector { addresses: ip..=ip, protocol: 0, port: 0 };
    SelectorPair { local: host(path.local.ip()), remote: host(path.remote.ip()) }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [local, remote, key, begin @ ..] = arguments.as_slice() else {
        return Err("embed LOCAL:PORT REMOTE:PORT KEY [initiate]".into());
    };
    let path = Path { local: local.parse::<SocketAddr>()?, remote: remote.parse()? };
    let socket = UdpSocket::bind(path.local)?;
    let mut engine = Engine::new(Config::default(), provider(), Arc::new(Policy { path, key: key.clone() }));
    let start = Instant::now();
    if !begin.is_empty() {
        engine.handle_input(start.elapsed(), Input::Initiate(Request { path, selectors: flow(&path) }))?;
    }
    let (mut end, mut buffer) = (None, [0; 65_535]);
    loop {
        while let Some(output) = engine.poll_output() {
            match output {
                Output::Transmit { path, octets } => drop(socket.send_to(&octets, path.remote)),
                Output::Install(sa) => writeln!(stdout(), "{:?} {:?}", sa.direction, sa.sas)?,
                // A peer that lost our last message may ask for it again.
                Output::Event(Event::Established(_)) => end = Some(start.elapsed() + Duration::from_secs(1)),
                Output::Event(Event::Failed { why, .. }) => return Err(Box::new(why)),
                _ => {}
            }
        }
        let next = engine.poll_timeout().map(|deadline| deadline.at).into_iter().chain(end).min();
        let wait = |at: Duration| at.saturating_sub(start.elapsed()).max(Duration::from_millis(1));
        socket.set_read_timeout(next.map(wait))?;
        if let Ok((len, remote)) = socket.recv_from(&mut buffer) {
            let (path, octets) = (Path { remote, ..path }, buffer.get(..len).unwrap_or_default());
            engine.handle_input(start.elapsed(), Input::Datagram { path, octets })?;
        }
        engine.handle_timeout(start.elapsed());
        if end.is_some_and(|end| end <= start.elapsed()) {
            return Ok(());
        }
    }
}
