//! Tunnels of one family that carry the other.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use gateway::router::datagram;
use ipsec_core::{IpHeader, Protocol};

use super::pair::{CANARY, Pair};

/// Both routers have addresses of both families; the tunnel's is that of the peer.
fn config(me: u8, peer: u8, (here, there): (u8, u8), outside_v6: bool) -> String {
    let end = if outside_v6 { format!("2001:db8:20::{peer}") } else { format!("20.20.20.{peer}") };
    let key = if outside_v6 { format!("ipv6 {end}/128") } else { end.clone() };
    let list = if outside_v6 {
        format!("access-list 101 permit ip {here}.0.0.0 0.255.255.255 {there}.0.0.0 0.255.255.255\n")
    } else {
        format!("ipv6 access-list six\n permit ipv6 2001:db8:{here}::/48 2001:db8:{there}::/48\n")
    };
    let name = if outside_v6 { "101" } else { "six" };
    format!(
        "crypto isakmp policy 1\n authentication pre-share\n\
         crypto isakmp key a-key-for-the-two-families address {key}\n\
         crypto ipsec transform-set t ah-sha256-hmac esp-aes\n\
         crypto map m 10 ipsec-isakmp\n set peer {end}\n set transform-set t\n match address {name}\n\
         interface Ethernet0\n ip address {here}.0.0.254 255.0.0.0\n ipv6 address 2001:db8:{here}::fe/48\n\
         interface Serial0\n ip address 20.20.20.{me} 255.255.255.0\n ipv6 address 2001:db8:20::{me}/64\n crypto map m\n\
         ip route {there}.0.0.0 255.0.0.0 20.20.20.{peer}\nipv6 route 2001:db8:{there}::/48 2001:db8:20::{peer}\n{list}"
    )
}

#[test]
fn either_family_travels_inside_the_other() {
    for outside_v6 in [false, true] {
        let configs = [config(1, 2, (50, 60), outside_v6), config(2, 1, (60, 50), outside_v6)];
        let mut pair = Pair::new([&configs[0], &configs[1]]);
        let hosts: [IpAddr; 2] =
            if outside_v6 { ["50.0.0.1", "60.0.0.1"] } else { ["2001:db8:50::1", "2001:db8:60::1"] }
                .map(|host| host.parse().unwrap());
        let [a, b] = hosts.map(|host| SocketAddr::new(host, 9));
        pair.send_inside(0, &datagram::udp_between(a, b, 1, CANARY).unwrap());
        pair.run_for(Duration::from_secs(1));
        pair.send_inside(1, &datagram::udp_between(b, a, 1, CANARY).unwrap());
        pair.settle();
        for inside in &pair.inside {
            let [packet] = inside.as_slice() else { panic!("{} packets arrived", inside.len()) };
            assert_eq!(datagram::Udp::parse(packet).unwrap().payload, CANARY);
        }
        let mut protected = 0;
        for (_, packet) in &pair.wire {
            let header = IpHeader::parse(packet).unwrap();
            assert_eq!(header.source().is_ipv6(), outside_v6);
            assert!(packet.windows(CANARY.len()).all(|window| window != CANARY));
            protected += usize::from(header.protocol() == Protocol::AH);
        }
        assert_eq!(protected, 2);
    }
}
