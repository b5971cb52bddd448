//! Secrets of a configuration.

use crypto_provider::SecretBytes;
use subtle::ConstantTimeEq;

/// A secret as the configuration holds it. Wiped when dropped, without `Debug`; compared in constant time for equal
/// lengths. `running` prints it, as IOS does with `no service password-encryption`; nothing else does.
pub struct ConfigSecret(SecretBytes);

impl ConfigSecret {
    /// Takes the octets over.
    pub fn new(octets: Vec<u8>) -> Self {
        Self(SecretBytes::new(octets))
    }

    /// The octets. Each call is a place that an audit reads.
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }

    /// The secret as text, for printing; what was read as text comes back unchanged.
    pub(crate) fn expose_text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(self.expose())
    }

    /// Number of octets.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Clone for ConfigSecret {
    fn clone(&self) -> Self {
        Self(SecretBytes::copy_of(self.expose()))
    }
}

impl PartialEq for ConfigSecret {
    fn eq(&self, other: &Self) -> bool {
        self.expose().ct_eq(other.expose()).into()
    }
}

impl Eq for ConfigSecret {}
