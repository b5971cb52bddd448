//! Our policies in the kernel's database (RFC 4301 4.4.1) and what they are made of. What cannot be made changes nothing.

use std::collections::BTreeMap;
use std::io::ErrorKind;

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
    /// As a gateway that was killed has left them. Until ours runs they are not ours to remove, and what it has changed of them
    /// is changed back should it not run.
    left: Vec<ModifyMessage>,
}

impl Spd {
    pub(super) fn new(bypasses: Vec<Piece>) -> Self {
        Self { bypasses, ..Self::default() }
    }

    /// Takes over what a gateway that was killed has left. It stays, in the form that a plan gives it, until
    /// [`Spd::settle`]: without policies its packets would leave in clear.
    pub(super) fn adopt(&mut self, policies: Vec<ModifyMessage>) {
        self.left.clone_from(&policies);
        self.policies = policies;
    }

    /// Removes what was taken over and is not wanted.
    pub(super) fn settle(&mut self, kernel: &dyn Ask) -> Result<(), Unchanged> {
        let wanted = self.messages(&self.pieces, &self.shapes)?;
        let left = core::mem::take(&mut self.left);
        self.replace(kernel, &wanted).inspect_err(|_| self.left = left)?;
        Ok(())
    }

    /// Whether there is room for the policies of a plan.
    pub(super) fn check(&self, plan: &Plan) -> Result<(), Unchanged> {
        self.messages(&plan.pieces, &plan.shapes).map(|_| ())
    }

    /// Makes the policies those of a plan.
    pub(super) fn apply(&mut self, kernel: &dyn Ask, plan: Plan) -> Result<(), Unchanged> {
        let Plan { pieces, shapes } = plan;
        let wanted = self.messages(&pieces, &shapes)?;
        self.replace(kernel, &wanted)?;
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
        self.replace(kernel, &wanted)?;
        self.shapes = shapes;
        Ok(())
    }

    /// Takes all away that is ours to remove, and gives back what was taken over.
    pub(super) fn clear(&mut self, kernel: &dyn Ask) {
        let left = core::mem::take(&mut self.left);
        if left.is_empty() {
            self.policies.drain(..).for_each(|policy| drop(delete(kernel, &policy)));
        } else {
            // What a kernel does not change back protects what it protected.
            let _ = self.change(kernel, &left);
        }
    }

    fn messages(
        &self,
        pieces: &[Piece],
        shapes: &BTreeMap<u32, Shape>,
    ) -> Result<Vec<ModifyMessage>, Unchanged> {
        policy::messages(&self.bypasses, pieces, shapes).ok_or(Unchanged::TooMany)
    }

    /// Puts policies in the place of those that are there, all of them or none.
    fn replace(&mut self, kernel: &dyn Ask, wanted: &[ModifyMessage]) -> Result<(), Refusal> {
        let before = self.policies.clone();
        // What a kernel does not change back protects all the same what both protect.
        self.change(kernel, wanted).inspect_err(|_| drop(self.change(kernel, &before)))
    }

    /// Up to what the kernel refuses. No packet that both protect meets a clear policy first, or none, in between: what is clear
    /// and does not stay as it is goes first, and the new comes when all that protects has its place.
    fn change(&mut self, kernel: &dyn Ask, wanted: &[ModifyMessage]) -> Result<(), Refusal> {
        let stays = |policy: &ModifyMessage| wanted.iter().any(|other| policy::is_as_clear(policy, other));
        remove(kernel, &mut self.policies, |policy| policy::is_clear(policy) && !stays(policy))?;
        let (clear, protecting): (Vec<_>, Vec<_>) =
            wanted.iter().partition(|policy| policy::is_clear(policy));
        // In their order: what moves back finds the one that its packets meet from now on in place.
        protecting.into_iter().chain(clear).try_for_each(|policy| self.put(kernel, policy))?;
        remove(kernel, &mut self.policies, |policy| !has(wanted, policy) && !has(&self.left, policy))
    }

    /// Makes a policy, or one for the same packets what this one is.
    fn put(&mut self, kernel: &dyn Ask, policy: &ModifyMessage) -> Result<(), Refusal> {
        match self.policies.iter_mut().find(|before| policy::same_packets(before, policy)) {
            Some(before) if before == policy || policy::is_as_clear(before, policy) => {}
            Some(before) => {
                kernel.ask(XfrmMessage::UpdatePolicy(policy.clone()), ASK)?;
                before.clone_from(policy);
            }
            None => {
                kernel.ask(XfrmMessage::AddPolicy(policy.clone()), ADD)?;
                self.policies.push(policy.clone());
            }
        }
        Ok(())
    }
}

fn has(policies: &[ModifyMessage], one: &ModifyMessage) -> bool {
    policies.iter().any(|policy| policy::same_packets(policy, one))
}

/// Removes those of the policies that are meant, up to one that the kernel does not remove.
fn remove(
    kernel: &dyn Ask,
    policies: &mut Vec<ModifyMessage>,
    is_meant: impl Fn(&ModifyMessage) -> bool,
) -> Result<(), Refusal> {
    let mut result = Ok(());
    policies.retain(|policy| {
        if result.is_err() || !is_meant(policy) {
            return true;
        }
        result = delete(kernel, policy);
        result.is_err()
    });
    result
}

fn delete(kernel: &dyn Ask, policy: &ModifyMessage) -> Result<(), Refusal> {
    let known = &policy.user_policy_info;
    let id = UserPolicyId { selector: known.selector, direction: known.direction, index: 0 };
    let request = DelGetMessage { user_policy_id: id, nlas: Vec::new() };
    match kernel.ask(XfrmMessage::DeletePolicy(request), ASK) {
        // Somebody may have removed it.
        Err(refusal) if refusal.error.kind() != ErrorKind::NotFound => Err(refusal),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
