//! Payload types.

registry! {
    /// Payload types: RFC 2408 3.1, RFC 3547 (15 to 19), RFC 3947 5 (20, 21), RFC 6407 (22), and the private numbers in use.
    ///
    /// The numbers 33 to 53 belong to IKEv2 alone and are unknown here on purpose.
    pub struct PayloadKind(u8) {
        NONE = 0 "NONE",
        SA = 1 "SA",
        PROPOSAL = 2 "Proposal",
        TRANSFORM = 3 "Transform",
        KEY_EXCHANGE = 4 "KE",
        IDENTIFICATION = 5 "ID",
        CERTIFICATE = 6 "CERT",
        CERTIFICATE_REQUEST = 7 "CERT-REQ",
        HASH = 8 "HASH",
        SIGNATURE = 9 "SIG",
        NONCE = 10 "NONCE",
        NOTIFICATION = 11 "NOTIFY",
        DELETE = 12 "DELETE",
        VENDOR_ID = 13 "VENDOR",
        /// Mode configuration and XAUTH (draft-dukes-ike-mode-cfg 3.2).
        ATTRIBUTES = 14 "ATTR",
        /// GDOI (RFC 6407).
        SA_KEK = 15 "SAK",
        /// GDOI (RFC 6407).
        SA_TEK = 16 "SAT",
        /// GDOI (RFC 6407).
        KEY_DOWNLOAD = 17 "KD",
        /// GDOI (RFC 6407).
        SEQUENCE_NUMBER = 18 "SEQ",
        /// GDOI (RFC 3547).
        PROOF_OF_POSSESSION = 19 "POP",
        NAT_D = 20 "NAT-D",
        NAT_OA = 21 "NAT-OA",
        /// GDOI (RFC 6407).
        GROUP_ASSOCIATED_POLICY = 22 "GAP",
        /// draft-ietf-ipsec-nat-t-ike-01 to -03.
        NAT_D_DRAFT = 130 "NAT-D (draft)",
        /// draft-ietf-ipsec-nat-t-ike-01 to -03.
        NAT_OA_DRAFT = 131 "NAT-OA (draft)",
        /// Cisco's IKE fragmentation, which no RFC describes.
        FRAGMENT = 132 "FRAGMENT",
    }
}
