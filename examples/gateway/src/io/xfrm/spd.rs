//! Our policies in the kernel's database (RFC 4301 4.4.1) and what they are made of. What cannot be made changes nothing.

use std::collections::BTreeMap;

use netlink_packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST};
use netlink_packet_xfrm::policy::{DelGetMessage, ModifyMessage};
use netlink_packet_xfrm::{UserPolicyId, XfrmMessage};
use thiserror::Error;

use super::policy::{self, Piece, Shape};
use crate::io::netlink::{Conversation, Refusal};

pub(super) const ASK: u16 = NLM_F_REQUEST | NLM_F_ACK;
pub(super) const ADD: u16 = ASK | NLM_F_CREATE | NLM_F_EXCL;

/// Who has the policies.
pub(super) trait Ask {
    /// One request and all of its answers.
    fn ask(&self, message: XfrmMessage, flags: u16) -> Result<Vec<XfrmMessage>, Refusal>;
}

impl Ask for Conversation {
    fn ask(&self, message: XfrmMessage, flags: u16) -> Result<Vec<XfrmMessage>, Refusal> {
        Self::ask(self, message, flags)
    }
}

/// Why policies stay what they are.
#[derive(Debug, Error)]
pub(super) enum Unchanged {
    #[error("too many policies")]
    TooMany,
    #[error("{0}")]
    Refused(Refusal),
}

impl From<Refusal> for Unchanged {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Policies that may be made.
pub(in crate::io) struct Plan {
    pub(super) pieces: Vec<Piece>,
    pub(super) shapes: BTreeMap<u32, Shape>,
}

/// What the kernel has of ours.
#[derive(Default)]
pub(super) struct Spd {
    bypasses: Vec<Piece>,
    pieces: Vec<Piece>,
    /// The SAs that the policies of each flow ask for.
    shapes: BTreeMap<u32, Shape>,
    policies: Vec<ModifyMessage>,
    /// Those of a gateway that was killed: until ours runs, they are not ours to remove.
    adopted: Vec<ModifyMessage>,
}

impl Spd {
    pub(super) fn new(bypasses: Vec<Piece>) -> Self {
        Self { bypasses, ..Self::default() }
    }

    /// Takes over what a gateway that was killed has left. It stays, in the form that a plan gives it, until
    /// [`Spd::settle`]: without policies its packets would leave in clear.
    pub(super) fn adopt(&mut self, policies: Vec<ModifyMessage>) {
        self.adopted.clone_from(&policies);
        self.policies.extend(policies);
    }

    /// Removes what was taken over and is not wanted.
    pub(super) fn settle(&mut self, kernel: &dyn Ask) -> Result<(), Unchanged> {
        let wanted = self.messages(&self.pieces, &self.shapes)?;
        self.adopted.clear();
        Ok(self.replace(kernel, wanted)?)
    }

    /// Whether there is room for the policies of a plan.
    pub(super) fn check(&self, plan: &Plan) -> Result<(), Unchanged> {
        self.messages(&plan.pieces, &plan.shapes).map(|_| ())
    }

    /// Makes the policies those of a plan.
    pub(super) fn apply(&mut self, kernel: &dyn Ask, plan: Plan) -> Result<(), Unchanged> {
        let Plan { pieces, shapes } = plan;
        let wanted = self.messages(&pieces, &shapes)?;
        self.replace(kernel, wanted)?;
        (self.pieces, self.shapes) = (pieces, shapes);
        Ok(())
    }

    /// Makes the policies of a flow ask for SAs of this shape, and remembers it once they do.
    pub(super) fn reshape(&mut self, kernel: &dyn Ask, flow: u32, shape: Shape) -> Result<(), Unchanged> {
        if self.shapes.get(&flow) == Some(&shape) {
            return Ok(());
        }
        let mut shapes = self.shapes.clone();
        shapes.insert(flow, shape);
        let wanted = self.messages(&self.pieces, &shapes)?;
        self.replace(kernel, wanted)?;
        self.shapes = shapes;
        Ok(())
    }

    /// Takes all away that is ours to remove.
    pub(super) fn clear(&mut self, kernel: &dyn Ask) {
        let policies = core::mem::take(&mut self.policies);
        policies
            .iter()
            .filter(|policy| !has(&self.adopted, policy))
            .for_each(|policy| remove(kernel, policy));
    }

    fn messages(
        &self,
        pieces: &[Piece],
        shapes: &BTreeMap<u32, Shape>,
    ) -> Result<Vec<ModifyMessage>, Unchanged> {
        policy::messages(&self.bypasses, pieces, shapes).ok_or(Unchanged::TooMany)
    }

    /// Puts policies in the place of those that are there: what both have is never missing in between.
    fn replace(&mut self, kernel: &dyn Ask, wanted: Vec<ModifyMessage>) -> Result<(), Refusal> {
        for policy in &wanted {
            let before = self.policies.iter_mut().find(|before| policy::same_packets(before, policy));
            match before {
                Some(before) if before == policy => {}
                Some(before) => {
                    kernel.ask(XfrmMessage::UpdatePolicy(policy.clone()), ASK)?;
                    before.clone_from(policy);
                }
                None => {
                    kernel.ask(XfrmMessage::AddPolicy(policy.clone()), ADD)?;
                    self.policies.push(policy.clone());
                }
            }
        }
        let before = core::mem::replace(&mut self.policies, wanted);
        for gone in before {
            if has(&self.policies, &gone) {
                continue;
            }
            if has(&self.adopted, &gone) {
                self.policies.push(gone);
            } else {
                remove(kernel, &gone);
            }
        }
        Ok(())
    }
}

fn has(policies: &[ModifyMessage], one: &ModifyMessage) -> bool {
    policies.iter().any(|policy| policy::same_packets(policy, one))
}

fn remove(kernel: &dyn Ask, policy: &ModifyMessage) {
    let known = &policy.user_policy_info;
    let id = UserPolicyId { selector: known.selector, direction: known.direction, index: 0 };
    let request = DelGetMessage { user_policy_id: id, nlas: Vec::new() };
    // Somebody may have removed it.
    let _ = kernel.ask(XfrmMessage::DeletePolicy(request), ASK);
}

#[cfg(test)]
mod tests {
    use core::net::IpAddr;

    use ipsec_core::Selector;
    use oakley::Protocol;

    use super::super::tests::Obliging;
    use super::*;

    fn piece(remote: u8, flow: Option<u32>) -> Piece {
        let prefix = |net| Selector::prefix(IpAddr::from([10, net, 0, 0]), 24).unwrap();
        Piece { packets: Selector::new(prefix(1), prefix(remote)).unwrap(), flow }
    }

    fn shape(protocol: Protocol) -> Shape {
        let ends = ([10, 9, 0, 1].into(), [10, 9, 0, 2].into());
        Shape::bundle(ends, true, &[protocol])
    }

    fn plan(remotes: &[u8]) -> Plan {
        let flows = (0..).zip(remotes);
        Plan {
            pieces: flows.clone().map(|(flow, remote)| piece(*remote, Some(flow))).collect(),
            shapes: flows.map(|(flow, _)| (flow, shape(Protocol::Esp))).collect(),
        }
    }

    fn made(remotes: &[u8]) -> (Obliging, Spd) {
        let (kernel, mut spd) = (Obliging::default(), Spd::new(Vec::new()));
        spd.apply(&kernel, plan(remotes)).unwrap();
        assert_eq!(kernel.asked().len(), 3 * remotes.len(), "three directions");
        (kernel, spd)
    }

    #[test]
    fn what_both_have_stays() {
        let (kernel, mut spd) = made(&[2, 3]);
        spd.apply(&kernel, plan(&[2, 4])).unwrap();
        let asked = kernel.asked();
        let added = asked.iter().filter(|one| matches!(one, XfrmMessage::AddPolicy(_))).count();
        let gone = asked.iter().filter(|one| matches!(one, XfrmMessage::DeletePolicy(_))).count();
        assert_eq!((asked.len(), added, gone), (6, 3, 3));
    }

    #[test]
    fn more_than_there_is_room_for_changes_nothing() {
        let (kernel, mut spd) = made(&[2]);
        let mut most = plan(&[2]);
        most.pieces = vec![piece(2, Some(0)); policy::MOST as usize];
        assert!(matches!(spd.check(&most), Err(Unchanged::TooMany)));
        assert!(matches!(spd.apply(&kernel, most), Err(Unchanged::TooMany)));
        // Should what is there grow too many.
        spd.bypasses = vec![piece(7, None); policy::MOST as usize];
        assert!(matches!(spd.reshape(&kernel, 0, shape(Protocol::Ah)), Err(Unchanged::TooMany)));
        assert_eq!((kernel.asked(), spd.policies.len()), (Vec::new(), 3));
    }

    #[test]
    fn a_shape_that_the_kernel_refused_is_asked_for_again() {
        let (kernel, mut spd) = made(&[2]);
        kernel.patience.set(Some(1));
        assert!(matches!(spd.reshape(&kernel, 0, shape(Protocol::Ah)), Err(Unchanged::Refused(_))));
        assert_eq!(kernel.asked().len(), 1);
        kernel.patience.set(None);
        spd.reshape(&kernel, 0, shape(Protocol::Ah)).unwrap();
        assert_eq!(kernel.asked().len(), 2, "what is still to do");
        spd.reshape(&kernel, 0, shape(Protocol::Ah)).unwrap();
        assert!(kernel.asked().is_empty());
    }
    /// What a killed gateway has left for these, as a kernel shows it.
    fn left(remotes: &[u8]) -> Vec<ModifyMessage> {
        let mut left = made(remotes).1.policies;
        for (index, policy) in (8..).step_by(8).zip(&mut left) {
            (policy.user_policy_info.index, policy.user_policy_info.lifetime_cur.add_time) = (index, 1);
        }
        left
    }

    fn removed(asked: &[XfrmMessage]) -> usize {
        asked.iter().filter(|one| matches!(one, XfrmMessage::DeletePolicy(_))).count()
    }

    #[test]
    fn t101_what_a_killed_gateway_protected_is_never_without_its_policies() {
        let (kernel, mut spd) = (Obliging::default(), Spd::new(Vec::new()));
        spd.adopt(left(&[2, 3]));
        spd.apply(&kernel, plan(&[2, 4])).unwrap();
        let asked = kernel.asked();
        let updated = asked.iter().filter(|one| matches!(one, XfrmMessage::UpdatePolicy(_))).count();
        assert_eq!((asked.len(), updated, removed(&asked)), (6, 3, 0));
        spd.settle(&kernel).unwrap();
        let asked = kernel.asked();
        assert_eq!((asked.len(), removed(&asked)), (3, 3), "what nobody wants any more");
        // From then on they are like our own.
        spd.clear(&kernel);
        assert_eq!(removed(&kernel.asked()), 6);
    }

    #[test]
    fn t101_a_start_that_fails_leaves_the_policies_of_a_killed_gateway() {
        for patience in [0, 4, 6] {
            let (kernel, mut spd) = (Obliging::default(), Spd::new(Vec::new()));
            spd.adopt(left(&[2, 3]));
            kernel.patience.set(Some(patience));
            assert_eq!(spd.apply(&kernel, plan(&[2, 4])).is_ok(), patience == 6);
            kernel.patience.set(None);
            let added = kernel.asked().iter().filter(|one| matches!(one, XfrmMessage::AddPolicy(_))).count();
            spd.clear(&kernel);
            assert_eq!(removed(&kernel.asked()), added, "its own and no more");
        }
    }
}
