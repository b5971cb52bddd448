//! A peer's habits, as data: read where peers differ, never guessed from a vendor's name in the code.

/// How one peer departs from the standards, or which of several allowed ways it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quirks {
    /// Octets of the ICV of HMAC-SHA-256 where the peer does not use RFC 4868's 16 (old stacks use 12).
    pub sha256_icv_len: usize,
    /// Send `0` in the protocol and port fields of our phase 1 identity instead of 17 and 500
    /// (RFC 2407 4.6.2 allows both).
    pub identity_without_port: bool,
    /// Accept an AH transform without the Authentication Algorithm attribute that RFC 2407 4.4.3 requires:
    /// the routers of 1998 leave it out.
    pub ah_without_authentication_attribute: bool,
    /// As initiator, accept a Quick Mode answer whose IDci and IDcr are narrower than what was sent, and protect the
    /// narrower flow. RFC 2409 5.5 shows the same identities in both messages; stacks that grew up with IKEv2 narrow them.
    pub narrowed_identities: bool,
    /// Do not send INITIAL-CONTACT (RFC 2407 4.6.3.3) to this peer.
    pub no_initial_contact: bool,
    /// Say INITIAL-CONTACT in a message of its own behind phase 1, not inside our last proof: for peers that read nothing
    /// but the proof there. It may overtake the proof, and then it is lost.
    pub initial_contact_apart: bool,
    /// Send Aggressive Mode's third message in clear (RFC 2409 5 allows both; either is accepted from every peer).
    pub aggressive_proof_in_clear: bool,
    /// As responder of Quick Mode, set the commit bit in message 2 and say CONNECTED after message 3 (RFC 2408 3.1): for
    /// initiators that send packets before we can have their last message. A peer's own commit bit is always heeded.
    pub commit: bool,
    /// Take a DELETE of an IKE SA as one of everything that it negotiated, unless there is another IKE SA with the peer: for
    /// peers that mean that. RFC 2408 3.15 does not say so, and others delete the IKE SA as soon as Quick Mode is complete.
    pub delete_takes_children: bool,
    /// As initiator, state no life in phase 1 where it is a day: the routers of 1998 leave the attributes out of a suite whose
    /// life is the default, and take the same day where none is stated.
    pub default_life_unstated: bool,
    /// Allow proposals that encrypt and protect the integrity of nothing: for peers of RFC 1829's time only.
    pub encryption_without_integrity: bool,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            sha256_icv_len: 16,
            identity_without_port: false,
            ah_without_authentication_attribute: true,
            narrowed_identities: false,
            no_initial_contact: false,
            initial_contact_apart: false,
            aggressive_proof_in_clear: false,
            commit: false,
            delete_takes_children: false,
            default_life_unstated: false,
            encryption_without_integrity: false,
        }
    }
}
