//! Exchange types.

registry! {
    /// Exchange types: RFC 2408 3.1, RFC 2409 Appendix A, draft-dukes-ike-mode-cfg 3.1.
    pub struct ExchangeType(u8) {
        NONE = 0 "NONE",
        BASE = 1 "Base",
        /// What RFC 2409 5.1 to 5.4 calls Main Mode.
        IDENTITY_PROTECTION = 2 "Identity Protection",
        AUTHENTICATION_ONLY = 3 "Authentication Only",
        AGGRESSIVE = 4 "Aggressive",
        INFORMATIONAL = 5 "Informational",
        /// Mode configuration and XAUTH.
        TRANSACTION = 6 "Transaction",
        QUICK = 32 "Quick Mode",
        NEW_GROUP = 33 "New Group Mode",
    }
}
