//! `show crypto isakmp sa`.

use core::fmt::Write as _;

use oakley::{IkeSaState, Mode};

use crate::router::RouterSnapshot;

/// The IKE SAs: `dst` is the responder, `src` the initiator, on both routers alike.
#[must_use]
pub fn isakmp_sa(router: &RouterSnapshot) -> String {
    let mut out = String::from("    dst             src          state           conn-id   slot\n");
    for sa in &router.ike_sas {
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "{:<15} {:<15} {:<16} {:>7}      0",
            sa.destination,
            sa.source,
            state_name(sa.state),
            sa.connection
        );
    }
    out
}

/// The routers' names of the states.
const fn state_name(state: IkeSaState) -> &'static str {
    match state {
        IkeSaState::NoState(Mode::Main) => "MM_NO_STATE",
        IkeSaState::NoState(Mode::Aggressive) => "AG_NO_STATE",
        IkeSaState::SaSetup(Mode::Main) => "MM_SA_SETUP",
        IkeSaState::SaSetup(Mode::Aggressive) => "AG_INIT_EXCH",
        IkeSaState::KeyExchange(Mode::Main) => "MM_KEY_EXCH",
        IkeSaState::KeyExchange(Mode::Aggressive) => "AG_AUTH",
        IkeSaState::Authenticated => "MM_KEY_AUTH",
        IkeSaState::Ready => "QM_IDLE",
        _ => "UNKNOWN",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::show::tests::{document, wan2511};

    #[test]
    fn as_the_document_shows_it() {
        assert_eq!(isakmp_sa(&wan2511()), document("show crypto isakmp sa"));
    }
}
