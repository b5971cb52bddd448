//! IOS's names of protocols and ports. Numbers are read and printed under their names, as IOS does.

/// Protocols of an extended access list; `ip` is any.
pub(crate) const PROTOCOLS: &[(&str, Option<u8>)] = &[
    ("ahp", Some(51)),
    ("eigrp", Some(88)),
    ("esp", Some(50)),
    ("gre", Some(47)),
    ("icmp", Some(1)),
    ("igmp", Some(2)),
    ("igrp", Some(9)),
    ("ip", None),
    ("ipinip", Some(4)),
    ("nos", Some(94)),
    ("ospf", Some(89)),
    ("pcp", Some(108)),
    ("pim", Some(103)),
    ("sctp", Some(132)),
    ("tcp", Some(6)),
    ("udp", Some(17)),
];

/// Protocols of an IPv6 access list; `ipv6` is any.
pub(crate) const IPV6_PROTOCOLS: &[(&str, Option<u8>)] = &[
    ("ahp", Some(51)),
    ("esp", Some(50)),
    ("icmp", Some(58)),
    ("ipv6", None),
    ("pcp", Some(108)),
    ("sctp", Some(132)),
    ("tcp", Some(6)),
    ("udp", Some(17)),
];

/// TCP.
pub(crate) const TCP: u8 = 6;
/// UDP.
pub(crate) const UDP: u8 = 17;

/// Names of TCP ports.
pub(crate) const TCP_PORTS: &[(&str, u16)] = &[
    ("bgp", 179),
    ("chargen", 19),
    ("cmd", 514),
    ("daytime", 13),
    ("discard", 9),
    ("domain", 53),
    ("echo", 7),
    ("exec", 512),
    ("finger", 79),
    ("ftp", 21),
    ("ftp-data", 20),
    ("gopher", 70),
    ("hostname", 101),
    ("ident", 113),
    ("irc", 194),
    ("klogin", 543),
    ("kshell", 544),
    ("login", 513),
    ("lpd", 515),
    ("nntp", 119),
    ("pim-auto-rp", 496),
    ("pop2", 109),
    ("pop3", 110),
    ("smtp", 25),
    ("sunrpc", 111),
    ("tacacs", 49),
    ("talk", 517),
    ("telnet", 23),
    ("time", 37),
    ("uucp", 540),
    ("whois", 43),
    ("www", 80),
];

/// Names of UDP ports.
pub(crate) const UDP_PORTS: &[(&str, u16)] = &[
    ("biff", 512),
    ("bootpc", 68),
    ("bootps", 67),
    ("discard", 9),
    ("dnsix", 195),
    ("domain", 53),
    ("echo", 7),
    ("isakmp", 500),
    ("mobile-ip", 434),
    ("nameserver", 42),
    ("netbios-dgm", 138),
    ("netbios-ns", 137),
    ("netbios-ss", 139),
    ("non500-isakmp", 4500),
    ("ntp", 123),
    ("pim-auto-rp", 496),
    ("rip", 520),
    ("snmp", 161),
    ("snmptrap", 162),
    ("sunrpc", 111),
    ("syslog", 514),
    ("tacacs", 49),
    ("talk", 517),
    ("tftp", 69),
    ("time", 37),
    ("who", 513),
    ("xdmcp", 177),
];

/// The names of ports of a protocol that has ports.
pub(crate) fn names(protocol: Option<u8>) -> Option<&'static [(&'static str, u16)]> {
    match protocol {
        Some(TCP) => Some(TCP_PORTS),
        Some(UDP) => Some(UDP_PORTS),
        _ => None,
    }
}
