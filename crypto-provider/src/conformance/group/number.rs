//! Just enough arithmetic on public numbers to know what a group must answer. Slow, and not constant in time.

use alloc::vec;
use alloc::vec::Vec;

/// A number of as many octets as the prime it belongs to, most significant first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number(Vec<u8>);

impl Number {
    pub(super) fn new(octets: &[u8]) -> Self {
        Self(octets.to_vec())
    }

    pub(super) fn octets(&self) -> &[u8] {
        &self.0
    }

    /// A small number, of the length of `self`.
    pub(super) fn small(&self, value: u8) -> Self {
        let mut octets = vec![0; self.0.len()];
        if let Some(last) = octets.last_mut() {
            *last = value;
        }
        Self(octets)
    }

    /// `self + other`, without a carry out of the length.
    pub(super) fn plus(&self, other: &Self) -> Self {
        self.sum(other).0
    }

    /// `self - other`, which must not be negative.
    pub(super) fn minus(&self, other: &Self) -> Self {
        let mut octets = self.0.clone();
        let mut borrow = false;
        for (octet, other) in octets.iter_mut().zip(&other.0).rev() {
            let (difference, one) = octet.overflowing_sub(*other);
            let (difference, two) = difference.overflowing_sub(u8::from(borrow));
            (*octet, borrow) = (difference, one || two);
        }
        Self(octets)
    }

    /// `value` squared modulo `self`, by doubling and adding.
    pub(super) fn square(&self, value: &Self) -> Self {
        let mut result = self.small(0);
        for octet in &value.0 {
            for bit in (0..8).rev() {
                result = self.add(&result, &result);
                if octet >> bit & 1 == 1 {
                    result = self.add(&result, value);
                }
            }
        }
        result
    }

    /// `one + other` modulo `self`, of which both are less.
    fn add(&self, one: &Self, other: &Self) -> Self {
        let (sum, carry) = one.sum(other);
        if carry || sum >= *self { sum.minus(self) } else { sum }
    }

    fn sum(&self, other: &Self) -> (Self, bool) {
        let mut octets = self.0.clone();
        let mut carry = false;
        for (octet, other) in octets.iter_mut().zip(&other.0).rev() {
            let (sum, one) = octet.overflowing_add(*other);
            let (sum, two) = sum.overflowing_add(u8::from(carry));
            (*octet, carry) = (sum, one || two);
        }
        (Self(octets), carry)
    }
}
