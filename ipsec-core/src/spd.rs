//! The security policy database (RFC 4301 4.4.1), with the meaning that crypto access lists give it.

use alloc::vec::Vec;

use crate::{Direction, DropReason, Flow, FlowPorts, Match, Selector};

/// What a policy does with its packets. `T` names the protection; the database never looks inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action<T> {
    /// Outbound: protect as `T` says. Inbound: accept only what `T` protected.
    Protect(T),
    /// Let pass in clear.
    Bypass,
    /// Drop.
    Discard,
}

/// One line of a policy's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// These packets are the policy's: its action applies.
    Permit(Selector),
    /// These packets are not the policy's: the next policy is asked.
    Deny(Selector),
}

/// A list of rules and an action. The first rule that matches decides; without a match the next policy is asked.
///
/// A policy of RFC 4301 has one [`Rule::Permit`]. A crypto map entry has the lines of its access list, where
/// deny means "not by this entry", and applies to both directions: the list is read mirrored for inbound packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy<T> {
    /// The lines, in order.
    pub rules: Vec<Rule>,
    /// What is done with permitted packets.
    pub action: Action<T>,
}

/// What becomes of packets that no policy wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Unmatched {
    /// Drop them (RFC 4301 4.4.1).
    #[default]
    Discard,
    /// Let them pass in clear, as an interface with a crypto map does.
    Bypass,
}

/// The answer to an outbound packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict<'a, T> {
    /// Protect it.
    Protect(&'a T),
    /// Send it in clear.
    Bypass,
    /// Drop it, for this reason.
    Discard(DropReason),
}

/// An ordered database of policies.
#[derive(Clone, Debug)]
pub struct Spd<T> {
    policies: Vec<Policy<T>>,
    unmatched: Unmatched,
}

impl<T> Spd<T> {
    /// An empty database.
    pub fn new(unmatched: Unmatched) -> Self {
        Self { policies: Vec::new(), unmatched }
    }

    /// Adds a policy behind the others.
    pub fn push(&mut self, policy: Policy<T>) {
        self.policies.push(policy);
    }

    /// The policies in order.
    pub fn policies(&self) -> &[Policy<T>] {
        &self.policies
    }

    /// What to do with a packet from the protected side.
    pub fn outbound(&self, flow: &Flow) -> Verdict<'_, T> {
        self.look_up(flow, Direction::Outbound)
    }

    /// Whether a packet that came in clear from the unprotected side may pass.
    ///
    /// # Errors
    /// [`DropReason::Unprotected`] if it should have been protected (RFC 4301 5.2), else the reason of the discard.
    pub fn inbound_clear(&self, flow: &Flow) -> Result<(), DropReason> {
        match self.look_up(flow, Direction::Inbound) {
            Verdict::Protect(_) => Err(DropReason::Unprotected),
            Verdict::Bypass => Ok(()),
            Verdict::Discard(reason) => Err(reason),
        }
    }

    /// Whether a packet that `by` protected may pass after decapsulation.
    ///
    /// # Errors
    /// [`DropReason::Selectors`] if another policy, or none, is responsible for it (RFC 4301 5.2 step 4), else the
    /// reason of the discard.
    pub fn inbound_protected(&self, flow: &Flow, by: &T) -> Result<(), DropReason>
    where
        T: PartialEq,
    {
        match self.look_up(flow, Direction::Inbound) {
            Verdict::Protect(policy) if policy == by => Ok(()),
            Verdict::Protect(_) | Verdict::Bypass => Err(DropReason::Selectors),
            Verdict::Discard(reason) => Err(reason),
        }
    }

    /// The protections, in order, that all packets of a selector are given by some policy.
    pub fn covering(&self, packets: &Selector) -> impl Iterator<Item = &T> {
        self.policies.iter().filter_map(|policy| match (&policy.action, &policy.rules) {
            (Action::Protect(how), rules) => {
                matches!(Rule::first_covering(rules, packets), Decision::Permit(_)).then_some(how)
            }
            (Action::Bypass | Action::Discard, _) => None,
        })
    }

    /// Whether only ports, which a fragment may not show, decide what becomes of packets like this one. Such packets
    /// are judged whole (RFC 4301 7).
    pub fn needs_ports(&self, flow: &Flow, direction: Direction) -> bool {
        let blind = Flow { ports: FlowPorts::Opaque, ..*flow };
        flow.ports != FlowPorts::None
            && matches!(self.look_up(&blind, direction), Verdict::Discard(DropReason::OpaquePorts))
    }

    fn look_up(&self, flow: &Flow, direction: Direction) -> Verdict<'_, T> {
        for policy in &self.policies {
            match Rule::first(&policy.rules, |selector| selector.matches(flow, direction)) {
                Decision::Deny | Decision::None => {}
                Decision::Opaque => return Verdict::Discard(DropReason::OpaquePorts),
                Decision::Permit(_) => {
                    return match &policy.action {
                        Action::Protect(how) => Verdict::Protect(how),
                        Action::Bypass => Verdict::Bypass,
                        Action::Discard => Verdict::Discard(DropReason::PolicyDiscard),
                    };
                }
            }
        }
        match self.unmatched {
            Unmatched::Discard => Verdict::Discard(DropReason::NoPolicy),
            Unmatched::Bypass => Verdict::Bypass,
        }
    }
}

/// What a list of rules says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Decision {
    /// The rule at this place permits.
    Permit(usize),
    /// A rule denies.
    Deny,
    /// No rule matches.
    None,
    /// The first rule that may match names ports that cannot be seen.
    Opaque,
}

impl Rule {
    /// The first rule that `matches` decides. This is the one place where the order of rules has its meaning.
    pub fn first<'a>(
        rules: impl IntoIterator<Item = &'a Self>,
        matches: impl Fn(&Selector) -> Match,
    ) -> Decision {
        for (place, rule) in rules.into_iter().enumerate() {
            let (selector, decision) = match rule {
                Self::Permit(selector) => (selector, Decision::Permit(place)),
                Self::Deny(selector) => (selector, Decision::Deny),
            };
            match matches(selector) {
                Match::Yes => return decision,
                Match::Opaque => return Decision::Opaque,
                Match::No => {}
            }
        }
        Decision::None
    }

    /// The same for all packets of a selector at once: the first rule that all of them are inside.
    pub fn first_covering<'a>(rules: impl IntoIterator<Item = &'a Self>, packets: &Selector) -> Decision {
        Self::first(rules, |selector| if selector.covers(packets) { Match::Yes } else { Match::No })
    }
}

impl<T> Policy<T> {
    /// A policy of RFC 4301: one selector, one action.
    pub fn single(selector: Selector, action: Action<T>) -> Self {
        Self { rules: Vec::from([Rule::Permit(selector)]), action }
    }

    /// The policies of a crypto access list whose lines have SAs of their own. `Some` stands for a permit line and
    /// names its protection; `None` for a deny line. Each permit line becomes a policy behind the deny lines before it,
    /// so that what is denied goes on to what comes after the list.
    pub fn access_list(lines: impl IntoIterator<Item = (Selector, Option<T>)>) -> Vec<Self> {
        let mut denied = Vec::new();
        let mut policies = Vec::new();
        for (selector, protection) in lines {
            match protection {
                None => denied.push(Rule::Deny(selector)),
                Some(how) => {
                    let mut rules = denied.clone();
                    rules.push(Rule::Permit(selector));
                    policies.push(Self { rules, action: Action::Protect(how) });
                }
            }
        }
        policies
    }
}
