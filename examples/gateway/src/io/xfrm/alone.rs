//! One gateway for each network namespace: what another one has made in the kernel would be taken for that of a dead one.

use std::io::{Error, ErrorKind};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};

use crate::io::error::RunError;

/// A name that the namespace has once. It goes with whoever holds it, however that ends.
const NAME: &str = "ipsec-gateway-xfrm";

/// The right to what is ours in the kernel's database, as long as this is held. (What it needs is a name; nobody is heard.)
pub(super) struct Alone {
    _held: UnixListener,
}

impl Alone {
    /// # Errors
    /// [`RunError::Taken`] where somebody holds it.
    pub(super) fn new() -> Result<Self, RunError> {
        Self::named(NAME)
    }

    fn named(name: &str) -> Result<Self, RunError> {
        let what = format!("the kernel's IPsec of this network namespace (@{name})");
        let held = SocketAddr::from_abstract_name(name).and_then(|name| UnixListener::bind_addr(&name));
        match held {
            Ok(held) => Ok(Self { _held: held }),
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                let error = Error::new(error.kind(), "another gateway with this back end is running");
                Err(RunError::Taken { what, error })
            }
            Err(error) => Err(RunError::Io { what, error }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_until_it_ends() {
        let name = format!("{NAME}-test-{}", std::process::id());
        let first = Alone::named(&name).unwrap();
        assert!(matches!(Alone::named(&name), Err(RunError::Taken { .. })));
        drop(first);
        Alone::named(&name).unwrap();
    }
}
