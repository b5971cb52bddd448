//! What a gateway that was killed has left. Its policies go on protecting what they protect and are taken over; its SAs, whose
//! keys nobody has any more, end once another gateway runs in its place. A start that fails leaves both as they were.

use netlink_packet_core::{NLM_F_DUMP, NLM_F_REQUEST};
use netlink_packet_xfrm::policy::{self as policies, ModifyMessage};
use netlink_packet_xfrm::state as states;
use netlink_packet_xfrm::{UserSaId, UserSaInfo, XFRM_POLICY_MAX, XfrmMessage};

use super::algorithm::Keyed;
use super::spd::{ASK, Ask};
use super::{PROBE, policy, state};
use crate::io::netlink::Refusal;

/// What is ours in the kernel.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Left {
    pub(super) policies: Vec<ModifyMessage>,
    pub(super) states: Vec<UserSaId>,
    /// States without an SPI.
    pub(super) questions: Vec<UserSaInfo>,
}

/// Looks for it, and changes nothing but to remove what only tried the kernel.
pub(super) fn look(kernel: &dyn Ask) -> Result<Left, Refusal> {
    let dump = NLM_F_REQUEST | NLM_F_DUMP;
    let mut left = Left::default();
    for answer in kernel.ask(XfrmMessage::GetPolicy(policies::DelGetMessage::default()), dump)? {
        if let XfrmMessage::AddPolicy(policy) = answer {
            let known = &policy.user_policy_info;
            // Beyond that direction are those of single sockets.
            if policy::is_ours(known.priority) && known.direction < XFRM_POLICY_MAX {
                left.policies.push(policy);
            }
        }
    }
    for answer in kernel.ask(XfrmMessage::GetDumpSa(states::GetDumpMessage { nlas: vec![] }), dump)? {
        if let XfrmMessage::AddSa(state) = answer {
            let state = Keyed::new(state);
            let (known, id) = (&state.user_sa_info, state::id(&state.user_sa_info));
            match id.spi {
                _ if !policy::is_ours(known.reqid) => {}
                0 => left.questions.push(*known),
                PROBE => remove(kernel, id),
                _ => left.states.push(id),
            }
        }
    }
    Ok(left)
}

pub(super) fn remove(kernel: &dyn Ask, id: UserSaId) {
    let request = states::DelGetMessage { user_sa_id: id, nlas: Vec::new() };
    // Its life may have ended by itself.
    let _ = kernel.ask(XfrmMessage::DeleteSa(request), ASK);
}
