//! Vendor identifiers that other implementations are known by.

/// A vendor identifier with a known meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct KnownVendor {
    /// What the identifier announces.
    pub name: &'static str,
    /// The octets.
    pub octets: &'static [u8],
    /// Whether more octets (a version, capabilities) may follow.
    pub is_prefix: bool,
}

impl KnownVendor {
    /// The entry that `octets` announce, or `None`.
    #[must_use]
    pub fn of(octets: &[u8]) -> Option<&'static Self> {
        KNOWN_VENDORS.iter().find(|vendor| vendor.matches(octets))
    }

    /// Whether `octets` are this identifier. RFC 2408 3.16 gives no structure; in practice a version follows.
    #[must_use]
    pub fn matches(&self, octets: &[u8]) -> bool {
        if self.is_prefix { octets.starts_with(self.octets) } else { octets == self.octets }
    }

    /// RFC 3947 3.1: MD5 of "RFC 3947".
    pub const NAT_T: Self = exact(
        "NAT traversal (RFC 3947)",
        b"\x4a\x13\x1c\x81\x07\x03\x58\x45\x5c\x57\x28\xf2\x0e\x95\x45\x2f",
    );
    /// MD5 of "draft-ietf-ipsec-nat-t-ike-03".
    pub const NAT_T_DRAFT_03: Self = exact(
        "NAT traversal (draft 03)",
        b"\x7d\x94\x19\xa6\x53\x10\xca\x6f\x2c\x17\x9d\x92\x15\x52\x9d\x56",
    );
    /// MD5 of "draft-ietf-ipsec-nat-t-ike-02".
    pub const NAT_T_DRAFT_02: Self = exact(
        "NAT traversal (draft 02)",
        b"\xcd\x60\x46\x43\x35\xdf\x21\xf8\x7c\xfd\xb2\xfc\x68\xb6\xa4\x48",
    );
    /// MD5 of "draft-ietf-ipsec-nat-t-ike-02" with a line feed: a slip that became common.
    pub const NAT_T_DRAFT_02_LF: Self = exact(
        "NAT traversal (draft 02, with line feed)",
        b"\x90\xcb\x80\x91\x3e\xbb\x69\x6e\x08\x63\x81\xb5\xec\x42\x7b\x1f",
    );
    /// MD5 of "draft-ietf-ipsec-nat-t-ike-01".
    pub const NAT_T_DRAFT_01: Self = exact(
        "NAT traversal (draft 01)",
        b"\x16\xf6\xca\x16\xe4\xa4\x06\x6d\x83\x82\x1a\x0f\x0a\xea\xa8\x62",
    );
    /// MD5 of "draft-ietf-ipsec-nat-t-ike-00".
    pub const NAT_T_DRAFT_00: Self = exact(
        "NAT traversal (draft 00)",
        b"\x44\x85\x15\x2d\x18\xb6\xbb\xcd\x0b\xe8\xa8\x46\x95\x79\xdd\xcc",
    );
    /// RFC 3706 5.1; a major and a minor version (1, 0) follow.
    pub const DPD: Self =
        prefix("Dead Peer Detection (RFC 3706)", b"\xaf\xca\xd7\x13\x68\xa1\xf1\xc9\x6b\x86\x96\xfc\x77\x57");
    /// First half of the MD5 of "draft-ietf-ipsra-isakmp-xauth-06.txt".
    pub const XAUTH: Self = prefix("XAUTH", b"\x09\x00\x26\x89\xdf\xd6\xb7\x12");
    /// MD5 of "CISCO-UNITY", the last two octets replaced by a version (1, 0).
    pub const CISCO_UNITY: Self =
        prefix("Cisco Unity", b"\x12\xf5\xf2\x8c\x45\x71\x68\xa9\x70\x2d\x9f\xe2\x74\xcc");
    /// MD5 of "FRAGMENTATION"; four octets of capabilities may follow.
    pub const FRAGMENTATION: Self =
        prefix("IKE fragmentation", b"\x40\x48\xb7\xd5\x6e\xbc\xe8\x85\x25\xe7\xde\x7f\x00\xd6\xc2\xd3");
    /// MD5 of "strongSwan".
    pub const STRONGSWAN: Self =
        prefix("strongSwan", b"\x88\x2f\xe5\x6d\x6f\xd2\x0d\xbc\x22\x51\x61\x3b\x2e\xbe\x5b\xeb");
    /// MD5 of "KAME/racoon".
    pub const RACOON: Self =
        prefix("KAME/racoon", b"\x70\x03\xcb\xc1\x09\x7d\xbe\x9c\x26\x00\xba\x69\x83\xbc\x8b\x35");
    /// MD5 of "MS NT5 ISAKMPOAKLEY"; four octets of version follow.
    pub const MS_NT5: Self = prefix(
        "Microsoft ISAKMP/Oakley",
        b"\x1e\x2b\x51\x69\x05\x99\x1c\x7d\x7c\x96\xfc\xbf\xb5\x87\xe4\x61",
    );
    /// MD5 of "Vid-Initial-Contact".
    pub const MS_INITIAL_CONTACT: Self = exact(
        "Microsoft Initial-Contact",
        b"\x26\x24\x4d\x38\xed\xdb\x61\xb3\x17\x2a\x36\xe3\xd0\xcf\xb8\x19",
    );
    /// The text "HeartBeat_Notify"; a version follows.
    pub const HEARTBEAT_NOTIFY: Self = prefix("Heartbeat Notify", b"HeartBeat_Notify");
}

/// Every vendor identifier of this crate.
pub const KNOWN_VENDORS: &[KnownVendor] = &[
    KnownVendor::NAT_T,
    KnownVendor::NAT_T_DRAFT_03,
    KnownVendor::NAT_T_DRAFT_02,
    KnownVendor::NAT_T_DRAFT_02_LF,
    KnownVendor::NAT_T_DRAFT_01,
    KnownVendor::NAT_T_DRAFT_00,
    KnownVendor::DPD,
    KnownVendor::XAUTH,
    KnownVendor::CISCO_UNITY,
    KnownVendor::FRAGMENTATION,
    KnownVendor::STRONGSWAN,
    KnownVendor::RACOON,
    KnownVendor::MS_NT5,
    KnownVendor::MS_INITIAL_CONTACT,
    KnownVendor::HEARTBEAT_NOTIFY,
];

const fn exact(name: &'static str, octets: &'static [u8]) -> KnownVendor {
    KnownVendor { name, octets, is_prefix: false }
}

const fn prefix(name: &'static str, octets: &'static [u8]) -> KnownVendor {
    KnownVendor { name, octets, is_prefix: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_may_follow_a_prefix_but_not_an_exact_identifier() {
        let mut dpd = KnownVendor::DPD.octets.to_vec();
        dpd.extend([1, 0]);
        assert_eq!(KnownVendor::of(&dpd), Some(&KnownVendor::DPD));
        let mut nat_t = KnownVendor::NAT_T.octets.to_vec();
        assert_eq!(KnownVendor::of(&nat_t), Some(&KnownVendor::NAT_T));
        nat_t.push(0);
        assert_eq!(KnownVendor::of(&nat_t), None);
        assert_eq!(KnownVendor::of(&[]), None);
    }
}
