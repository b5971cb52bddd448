//! `show crypto ...`: tables in the layout of the routers of 1998, from snapshots and the configuration alone.

mod connections;
mod crypto_map;
mod ip_traffic;
mod ipsec_sa;
mod isakmp_policy;
mod isakmp_sa;
mod running;
mod transform_set;

use core::time::Duration;

use crate::router::Router;

pub use connections::connections;
pub use crypto_map::{crypto_map, dynamic_map};
pub use ip_traffic::ip_traffic;
pub use ipsec_sa::ipsec_sa;
pub use isakmp_policy::isakmp_policy;
pub use isakmp_sa::isakmp_sa;
pub use running::running_config;
pub use transform_set::{sa_lifetime, transform_set};

/// A command that shows something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Show {
    /// `show crypto isakmp sa`.
    IsakmpSa,
    /// `show crypto isakmp policy`.
    IsakmpPolicy,
    /// `show crypto map`.
    CryptoMap,
    /// `show crypto dynamic-map`.
    DynamicMap,
    /// `show crypto ipsec sa`.
    IpsecSa,
    /// `show crypto ipsec transform-set`, or `transform-proposal` as the document's release says.
    TransformSet,
    /// `show crypto ipsec security-association lifetime`, or `session-key` as the document's release says.
    SaLifetime,
    /// `show crypto engine connections active`.
    Connections,
    /// `show ip traffic`: what was dropped, and why.
    IpTraffic,
    /// `show running-config`, `write terminal`. Keys are in it.
    RunningConfig,
}

impl Show {
    /// Every command with its name; the first name of one is the one that is printed.
    pub const ALL: [(&'static str, Self); 14] = [
        ("show crypto isakmp sa", Self::IsakmpSa),
        ("show crypto isakmp policy", Self::IsakmpPolicy),
        ("show crypto map", Self::CryptoMap),
        ("show crypto dynamic-map", Self::DynamicMap),
        ("show crypto ipsec sa", Self::IpsecSa),
        ("show crypto ipsec transform-set", Self::TransformSet),
        ("show crypto ipsec transform-proposal", Self::TransformSet),
        ("show crypto ipsec security-association lifetime", Self::SaLifetime),
        ("show crypto ipsec session-key", Self::SaLifetime),
        ("show crypto engine connections active", Self::Connections),
        ("show ip traffic", Self::IpTraffic),
        ("show running-config", Self::RunningConfig),
        ("show run", Self::RunningConfig),
        ("write terminal", Self::RunningConfig),
    ];

    /// The command that is written so; blanks between the words do not count.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        let words = || text.split_ascii_whitespace();
        Self::ALL.iter().find(|(name, _)| words().eq(name.split(' '))).map(|(_, show)| *show)
    }

    /// What it shows of a router at `now`.
    #[must_use]
    pub fn of(self, router: &Router, now: Duration) -> String {
        match self {
            Self::IsakmpSa => isakmp_sa(&router.snapshot(now)),
            Self::IsakmpPolicy => isakmp_policy(router.config()),
            Self::CryptoMap => crypto_map(router.config()),
            Self::DynamicMap => dynamic_map(router.config()),
            Self::IpsecSa => ipsec_sa(&router.snapshot(now)),
            Self::TransformSet => transform_set(router.config()),
            Self::SaLifetime => sa_lifetime(router.config()),
            Self::Connections => connections(&router.snapshot(now)),
            Self::IpTraffic => ip_traffic(router.counters(), router.drops()),
            Self::RunningConfig => running_config(router.config()),
        }
    }
}

#[cfg(test)]
mod tests {
    use core::net::{IpAddr, Ipv4Addr};

    use crypto_provider::{CipherAlgorithm, HashAlgorithm};
    use oakley::{Confidentiality, IkeSaState, Phase2Transform, Protocol, SelectorPair, TrafficSelector};

    use crate::router::{FlowCounters, FlowView, IkeSaView, RouterSnapshot, SaView};

    /// The output of a command in the document's transcript, up to the next prompt; the blank line that stands
    /// before a prompt is not the command's.
    pub(super) fn document(command: &str) -> String {
        let text = include_str!("../../../tests/data/show-wan2511.txt");
        let mut lines = text.lines().skip_while(|line| *line != format!("wan2511#{command}")).skip(1);
        let mut out: Vec<&str> = Vec::new();
        for line in lines.by_ref().take_while(|line| !line.starts_with("wan2511#")) {
            out.push(line);
        }
        if command != "show crypto ipsec sa" && out.last().is_some_and(|line| line.is_empty()) {
            out.pop();
        }
        out.iter().map(|line| format!("{line}\n")).collect()
    }

    const AH: Phase2Transform = Phase2Transform {
        protocol: Protocol::Ah,
        confidentiality: Confidentiality::None,
        integrity: Some(HashAlgorithm::Sha1),
    };
    const ESP: Phase2Transform = Phase2Transform {
        protocol: Protocol::Esp,
        confidentiality: Confidentiality::Cipher(CipherAlgorithm::DesCbc, 8),
        integrity: Some(HashAlgorithm::Sha1),
    };

    fn sa(transform: Phase2Transform, spi: u32, connection: u32, remaining_kilobytes: u64) -> SaView {
        SaView {
            transform,
            spi,
            packets: 320,
            octets: 0,
            remaining_kilobytes: Some(remaining_kilobytes),
            remaining_seconds: Some(3354),
            connection,
            is_tunnel: true,
            in_udp: false,
            iv_len: (transform.protocol == Protocol::Esp).then_some(8),
            replay_detection: true,
        }
    }

    fn net(first: u8) -> TrafficSelector {
        let address = |last| IpAddr::V4(Ipv4Addr::new(first, first, first, last));
        TrafficSelector { addresses: address(0)..=address(255), protocol: 0, port: 0 }
    }

    /// wan2511 with the numbers of the document.
    pub(super) fn wan2511() -> RouterSnapshot {
        let (local, peer) = (IpAddr::from([20, 20, 20, 21]), IpAddr::from([20, 20, 20, 20]));
        let counters = FlowCounters {
            encaps: 320,
            encrypt: 320,
            digest: 320,
            decaps: 320,
            decrypt: 320,
            verify: 320,
            ..FlowCounters::default()
        };
        let flow = FlowView {
            interface: "Serial0".to_owned(),
            map: "test".to_owned(),
            sequence: 10,
            local,
            peer,
            selectors: SelectorPair { local: net(50), remote: net(60) },
            counters,
            mtu: 1500,
            path_mtu: 1500,
            inbound: vec![sa(AH, 302_321_106, 9, 4_607_958), sa(ESP, 421_859_631, 11, 4_607_971)],
            outbound: vec![sa(AH, 6_694_349, 10, 4_607_958), sa(ESP, 52_830_995, 12, 4_607_971)],
        };
        let ike = IkeSaView { destination: local, source: peer, state: IkeSaState::Ready, connection: 7 };
        RouterSnapshot {
            hostname: "wan2511".to_owned(),
            ike_sas: vec![ike],
            flows: vec![flow],
            ike: oakley::Counters::default(),
        }
    }
}
