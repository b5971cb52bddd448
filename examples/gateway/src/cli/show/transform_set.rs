//! `show crypto ipsec transform-set`, which the document's release calls `transform-proposal`, and the lifetimes.

use core::fmt::Write as _;

use super::crypto_map::{DEFAULT_KILOBYTES, DEFAULT_SECONDS};
use crate::ios::model::{RunningConfig, TransformSet, TunnelMode};
use crate::ios::transform_words;

/// Each set, AH and ESP apart.
#[must_use]
pub fn transform_set(config: &RunningConfig) -> String {
    let mut parts = Vec::new();
    for (name, set) in &config.ipsec.transform_sets {
        let mut title = format!("Transform proposal {name}: ");
        for transforms in by_protocol(set) {
            parts.push(part(&title, &transforms, set.mode));
            title = "   ".to_owned();
        }
    }
    parts.join("\n")
}

fn by_protocol(set: &TransformSet) -> Vec<Vec<String>> {
    let is_ah = |name: &String| name.starts_with("ah-");
    let names = set.transforms.iter().map(|one| transform_words(one.value));
    let (ah, esp): (Vec<_>, Vec<_>) = names.partition(is_ah);
    [ah, esp].into_iter().filter(|names| !names.is_empty()).collect()
}

fn part(title: &str, transforms: &[String], mode: Option<TunnelMode>) -> String {
    let mode = if mode == Some(TunnelMode::Transport) { "Transport" } else { "Tunnel" };
    let mut out = format!("{title}{{ {}  }}\n", transforms.join(" "));
    for what in ["supported settings", "default settings", "will negotiate"] {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "   {what} = {{ {mode},  }},");
    }
    out
}

/// The lifetime of SAs whose map says none: `show crypto ipsec security-association lifetime`, in the document
/// `session-key`.
#[must_use]
pub fn sa_lifetime(config: &RunningConfig) -> String {
    let lifetime = &config.ipsec.lifetime;
    let kilobytes = lifetime.kilobytes.unwrap_or(DEFAULT_KILOBYTES);
    let seconds = lifetime.seconds.unwrap_or(DEFAULT_SECONDS);
    format!("Session key lifetime: {kilobytes} kilobytes/{seconds} seconds\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::show::tests::document;
    use crate::ios::parse;

    #[test]
    fn as_the_document_shows_it() {
        let config = parse("wan2511.cfg", include_str!("../../../tests/data/wan2511.cfg")).unwrap();
        assert_eq!(transform_set(&config), document("show crypto ipsec transform-proposal"));
        assert_eq!(sa_lifetime(&config), document("show crypto ipsec session-key"));
        let text = "crypto ipsec security-association lifetime seconds 300\n\
                    crypto ipsec transform-set t esp-aes 256 esp-sha256-hmac\n mode transport\nend\n";
        let config = parse("transport", text).unwrap();
        assert_eq!(sa_lifetime(&config), "Session key lifetime: 4608000 kilobytes/300 seconds\n");
        let text = transform_set(&config);
        assert!(text.starts_with("Transform proposal t: { esp-aes 256 esp-sha256-hmac  }\n"), "{text}");
        assert!(text.contains("will negotiate = { Transport,  },"), "{text}");
    }
}
