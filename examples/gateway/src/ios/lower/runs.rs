//! What is translated and what no router runs yet.

use std::collections::BTreeMap;

use super::{MapPolicy, Policies, Protection};
use crate::ios::error::{ConfigError, ErrorKind, Refusal};

/// Whether a router runs all of the maps that are applied. `file` is the name that errors carry.
///
/// # Errors
/// Every entry that asks for something that is read and translated and does not run yet, in the order of the file.
pub fn runs(policies: &Policies, file: &str) -> Result<(), Vec<ConfigError>> {
    let entries = policies.maps.iter().flat_map(|map| &map.entries);
    // By position: a map on several interfaces is one map.
    let found: BTreeMap<_, _> = entries
        .filter_map(|entry| Some(((entry.origin.line, entry.origin.column), missing(entry)?)))
        .collect();
    if found.is_empty() {
        return Ok(());
    }
    let error = |((line, column), what)| ConfigError {
        file: file.to_owned(),
        line,
        column,
        kind: ErrorKind::Refused(Refusal::NotYet(what)),
        excerpt: String::new(),
    };
    Err(found.into_iter().map(error).collect())
}

fn missing(entry: &MapPolicy) -> Option<&'static str> {
    match &entry.protection {
        Protection::Manual(_) => Some("ipsec-manual"),
        _ if entry.dynamic.is_some() => Some("an entry from a dynamic map"),
        Protection::Negotiated { per_host: true, .. } => Some("set security-association level per-host"),
        Protection::Negotiated { .. } => None,
    }
}
