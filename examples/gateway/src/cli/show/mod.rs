//! `show crypto ...`: tables in the layout of the routers of 1998, from snapshots and the configuration alone.

mod crypto_map;
mod ipsec_sa;
mod isakmp_sa;

pub use crypto_map::crypto_map;
pub use ipsec_sa::ipsec_sa;
pub use isakmp_sa::isakmp_sa;
