//! Attribute registries of phase 1 (RFC 2409 Appendix A and IANA's additions).

registry! {
    /// Attribute classes of a phase 1 transform, RFC 2409 Appendix A.
    pub struct AttributeClass(u16) {
        ENCRYPTION_ALGORITHM = 1 "Encryption Algorithm",
        HASH_ALGORITHM = 2 "Hash Algorithm",
        AUTHENTICATION_METHOD = 3 "Authentication Method",
        GROUP_DESCRIPTION = 4 "Group Description",
        GROUP_TYPE = 5 "Group Type",
        GROUP_PRIME = 6 "Group Prime/Irreducible Polynomial",
        GROUP_GENERATOR_ONE = 7 "Group Generator One",
        GROUP_GENERATOR_TWO = 8 "Group Generator Two",
        GROUP_CURVE_A = 9 "Group Curve A",
        GROUP_CURVE_B = 10 "Group Curve B",
        LIFE_TYPE = 11 "Life Type",
        LIFE_DURATION = 12 "Life Duration",
        PRF = 13 "PRF",
        KEY_LENGTH = 14 "Key Length",
        FIELD_SIZE = 15 "Field Size",
        GROUP_ORDER = 16 "Group Order",
    }
}

impl AttributeClass {
    /// Whether the class may only be sent as a basic (TV) attribute. RFC 2409 Appendix A: basic attributes must not
    /// be encoded as variable ones.
    #[must_use]
    pub const fn is_basic(self) -> bool {
        matches!(self.0, 1..=5 | 11 | 13 | 14 | 15)
    }
}

registry! {
    /// Encryption algorithms of an ISAKMP SA: RFC 2409 Appendix A, RFC 3602 5.3 (AES), RFC 4312 (Camellia).
    pub struct Encryption(u16) {
        DES_CBC = 1 "DES-CBC",
        IDEA_CBC = 2 "IDEA-CBC",
        BLOWFISH_CBC = 3 "Blowfish-CBC",
        RC5_CBC = 4 "RC5-R16-B64-CBC",
        TRIPLE_DES_CBC = 5 "3DES-CBC",
        CAST_CBC = 6 "CAST-CBC",
        AES_CBC = 7 "AES-CBC",
        CAMELLIA_CBC = 8 "CAMELLIA-CBC",
    }
}

registry! {
    /// Hash algorithms: RFC 2409 Appendix A, RFC 4868 (SHA-2).
    pub struct HashAlgorithm(u16) {
        MD5 = 1 "MD5",
        SHA = 2 "SHA",
        TIGER = 3 "Tiger",
        SHA2_256 = 4 "SHA2-256",
        SHA2_384 = 5 "SHA2-384",
        SHA2_512 = 6 "SHA2-512",
    }
}

/// Short name of [`HashAlgorithm`] for code that has another type of that name.
pub type HashId = HashAlgorithm;

registry! {
    /// Authentication methods: RFC 2409 Appendix A, RFC 4754 (ECDSA), draft-zegman-ike-hybrid-auth 3.2.1 (64221 to
    /// 64224), draft-beaulieu-ike-xauth 7.2 (65001 to 65010).
    pub struct AuthMethod(u16) {
        PRE_SHARED_KEY = 1 "pre-shared key",
        DSS_SIGNATURES = 2 "DSS signatures",
        RSA_SIGNATURES = 3 "RSA signatures",
        RSA_ENCRYPTION = 4 "Encryption with RSA",
        RSA_ENCRYPTION_REVISED = 5 "Revised encryption with RSA",
        ECDSA_SHA256_P256 = 9 "ECDSA with SHA-256 on the P-256 curve",
        ECDSA_SHA384_P384 = 10 "ECDSA with SHA-384 on the P-384 curve",
        ECDSA_SHA512_P521 = 11 "ECDSA with SHA-512 on the P-521 curve",
        HYBRID_INIT_RSA = 64221 "HybridInitRSA",
        HYBRID_RESP_RSA = 64222 "HybridRespRSA",
        HYBRID_INIT_DSS = 64223 "HybridInitDSS",
        HYBRID_RESP_DSS = 64224 "HybridRespDSS",
        XAUTH_INIT_PRE_SHARED = 65001 "XAUTHInitPreShared",
        XAUTH_RESP_PRE_SHARED = 65002 "XAUTHRespPreShared",
        XAUTH_INIT_DSS = 65003 "XAUTHInitDSS",
        XAUTH_RESP_DSS = 65004 "XAUTHRespDSS",
        XAUTH_INIT_RSA = 65005 "XAUTHInitRSA",
        XAUTH_RESP_RSA = 65006 "XAUTHRespRSA",
        XAUTH_INIT_RSA_ENCRYPTION = 65007 "XAUTHInitRSAEncryption",
        XAUTH_RESP_RSA_ENCRYPTION = 65008 "XAUTHRespRSAEncryption",
        XAUTH_INIT_RSA_REVISED_ENCRYPTION = 65009 "XAUTHInitRSARevisedEncryption",
        XAUTH_RESP_RSA_REVISED_ENCRYPTION = 65010 "XAUTHRespRSARevisedEncryption",
    }
}

impl AuthMethod {
    /// Whether bodies of ID, nonce and perhaps KE travel encrypted under RSA keys (RFC 2409 5.2, 5.3) inside messages
    /// that are clear otherwise.
    #[must_use]
    pub const fn seals_bodies(self) -> bool {
        matches!(self.0, 4 | 5 | 65007..=65010)
    }
}

registry! {
    /// Diffie-Hellman groups: RFC 2409 6, RFC 3526, RFC 5114, RFC 5903, RFC 6932.
    pub struct GroupDescription(u16) {
        MODP_768 = 1 "default 768-bit MODP group",
        MODP_1024 = 2 "alternate 1024-bit MODP group",
        EC2N_155 = 3 "EC2N group on GP[2^155]",
        EC2N_185 = 4 "EC2N group on GP[2^185]",
        MODP_1536 = 5 "1536-bit MODP group",
        MODP_2048 = 14 "2048-bit MODP group",
        MODP_3072 = 15 "3072-bit MODP group",
        MODP_4096 = 16 "4096-bit MODP group",
        MODP_6144 = 17 "6144-bit MODP group",
        MODP_8192 = 18 "8192-bit MODP group",
        ECP_256 = 19 "256-bit random ECP group",
        ECP_384 = 20 "384-bit random ECP group",
        ECP_521 = 21 "521-bit random ECP group",
        MODP_1024_160 = 22 "1024-bit MODP Group with 160-bit Prime Order Subgroup",
        MODP_2048_224 = 23 "2048-bit MODP Group with 224-bit Prime Order Subgroup",
        MODP_2048_256 = 24 "2048-bit MODP Group with 256-bit Prime Order Subgroup",
        ECP_192 = 25 "192-bit Random ECP Group",
        ECP_224 = 26 "224-bit Random ECP Group",
        BRAINPOOL_P224R1 = 27 "brainpoolP224r1",
        BRAINPOOL_P256R1 = 28 "brainpoolP256r1",
        BRAINPOOL_P384R1 = 29 "brainpoolP384r1",
        BRAINPOOL_P512R1 = 30 "brainpoolP512r1",
    }
}

registry! {
    /// Group types, RFC 2409 Appendix A.
    pub struct GroupType(u16) {
        MODP = 1 "MODP",
        ECP = 2 "ECP",
        EC2N = 3 "EC2N",
    }
}

registry! {
    /// Units of a phase 1 lifetime, RFC 2409 Appendix A.
    pub struct LifeType(u16) {
        SECONDS = 1 "seconds",
        KILOBYTES = 2 "kilobytes",
    }
}

registry! {
    /// Transform identifiers of PROTO_ISAKMP, RFC 2407 4.4.2.
    pub struct TransformId(u8) {
        KEY_IKE = 1 "KEY_IKE",
    }
}
