//! When a successor of an SA is wanted, and whether there is one already.
//!
//! The side that negotiated a bundle wants its successor first, at a moment that differs from bundle to bundle; the other
//! side comes later, and only if nothing has happened. So both rarely begin at once. If they do, both successors live, and
//! only one of them is succeeded in its turn: the same on both sides.

use core::time::Duration;

use crate::event::Bundle;
use crate::policy::{Lifetime, Role};

/// How long before its end a successor is wanted, if a tenth of the life is not less.
const SECONDS: u64 = 30;
/// The same in kilobytes.
const KILOBYTES: u64 = 256;

/// Two bundles of one flow that came up closer together than this were negotiated at once, unless a quarter of their life
/// is less.
const AT_ONCE: u64 = 60;

/// The soft limits of a life. `random` is any number that the two sides do not share; what it changes is small.
pub(crate) fn soft(hard: Lifetime, role: Role, random: u32) -> Lifetime {
    Lifetime {
        seconds: hard.seconds.map(|hard| before(hard, SECONDS, role, random)),
        kilobytes: hard.kilobytes.map(|hard| before(hard, KILOBYTES, role, random)),
    }
}

fn before(hard: u64, usual: u64, role: Role, random: u32) -> u64 {
    let margin = usual.min(hard / 10);
    let spread = |range: u64| u64::from(random).checked_rem(range.saturating_add(1)).unwrap_or(0);
    let before = match role {
        Role::Initiator => margin.saturating_add(spread(margin / 2)),
        Role::Responder => (margin / 2).saturating_add(spread(margin / 4)),
    };
    hard.saturating_sub(before)
}

/// Whether `other` makes a successor of `bundle` needless: it is newer, or of two that were negotiated at once the one
/// that both sides prefer.
pub(crate) fn supersedes(other: &Bundle, bundle: &Bundle) -> bool {
    if other.id == bundle.id || other.selectors != bundle.selectors {
        return false;
    }
    let quarter = bundle.lifetime.seconds.map_or(AT_ONCE, |seconds| seconds / 4);
    let at_once = Duration::from_secs(quarter.min(AT_ONCE));
    if other.established.abs_diff(bundle.established) > at_once {
        other.established > bundle.established
    } else {
        spis(other) > spis(bundle)
    }
}

/// What both sides see of a bundle alike, and no other bundle has: its two SPIs, without regard to direction.
fn spis(bundle: &Bundle) -> Option<(u32, u32)> {
    let pair = bundle.pairs.first()?;
    let (one, other) = (pair.inbound.0, pair.outbound.0);
    Some((one.min(other), one.max(other)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_responder_comes_later_than_any_initiator_and_before_the_end() {
        for hard in [10, 60, 120, 300, 3600, 86_400, u64::MAX] {
            for random in (0..u32::MAX).step_by(1 << 22) {
                let life = Lifetime { seconds: Some(hard), kilobytes: None };
                let of = |role, random| soft(life, role, random).seconds.unwrap_or(0);
                let initiator = of(Role::Initiator, random);
                let responder = of(Role::Responder, random.wrapping_mul(7));
                assert!(initiator <= responder && responder <= hard && initiator >= hard / 10 * 8, "{hard}");
                assert!(hard < 300 || initiator + 8 <= responder, "{hard}");
            }
        }
    }
}
