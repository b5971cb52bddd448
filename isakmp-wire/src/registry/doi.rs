//! Domains of interpretation and protocol identifiers.

registry! {
    /// Domains of interpretation: RFC 2408 2.1 and 3.4, RFC 2407 6, RFC 6407.
    pub struct Doi(u32) {
        ISAKMP = 0 "ISAKMP",
        IPSEC = 1 "IPSEC",
        GDOI = 2 "GDOI",
    }
}

registry! {
    /// Security protocol identifiers of the IPsec DOI, RFC 2407 4.4.1. They are not IP protocol numbers.
    pub struct ProtocolId(u8) {
        /// Also the reserved value; seen in NOTIFY payloads of some peers.
        RESERVED = 0 "RESERVED",
        ISAKMP = 1 "PROTO_ISAKMP",
        AH = 2 "PROTO_IPSEC_AH",
        ESP = 3 "PROTO_IPSEC_ESP",
        IPCOMP = 4 "PROTO_IPCOMP",
        /// RFC 4705.
        GIGABEAM_RADIO = 5 "PROTO_GIGABEAM_RADIO",
    }
}
