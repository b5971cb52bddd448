//! `show running-config`, and `write terminal` as the document says.

use crate::ios::model::RunningConfig;
use crate::ios::print;

/// The configuration as text that configures the same again, keys included.
#[must_use]
pub fn running_config(config: &RunningConfig) -> String {
    format!("Building configuration...\n\nCurrent configuration:\n!\n{}", print(config))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ios::parse;

    /// The document's heading over the document's configuration, which configures the same again.
    #[test]
    fn a_configuration_has_the_documents_heading_and_configures_again() {
        let document = include_str!("../../../tests/data/cl-2513-2A.cfg");
        let config = parse("document", document).unwrap();
        let text = running_config(&config);
        let body = text.strip_prefix("Building configuration...\n\nCurrent configuration:\n").unwrap();
        assert_eq!(parse("shown", body).unwrap(), config);
        assert!(body.starts_with("!\nversion 11.3\n") && body.ends_with("!\nend\n"), "{body}");
    }
}
