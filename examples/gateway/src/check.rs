//! `gateway check FILE...`: reads configurations and says what is wrong with them, without running anything.

use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

use crypto_provider::SecretBytes;

use crate::ios::{self, ConfigError};

/// Exit status: every file can be run.
pub const FINE: u8 = 0;
/// Exit status: a file could not be read, or the output not written.
pub const FAILED: u8 = 1;
/// Exit status: a line is unsupported or wrong.
pub const WRONG: u8 = 2;

/// Largest file that is read, in octets: a thousand times the document's largest.
pub const MAX_FILE: usize = 4 << 20;

/// Checks every file and writes what it finds to `out`: errors with the line and a caret below the word, warnings,
/// and with `verbose` a note for each line that has no effect. Returns the exit status: [`WRONG`] if any line is
/// unsupported or wrong, else [`FAILED`] if a file could not be read, else [`FINE`].
///
/// Secrets are never written, and of a wrong line nothing behind the word that is to blame.
///
/// # Errors
/// `out` cannot be written.
pub fn check(paths: &[PathBuf], verbose: bool, out: &mut dyn Write) -> io::Result<u8> {
    let mut status = FINE;
    for path in paths {
        let name = path.display().to_string();
        status = status.max(match read(path) {
            Ok(octets) => check_text(&name, octets.expose(), verbose, out)?,
            Err(error) => {
                writeln!(out, "{name}: cannot be read: {error}")?;
                FAILED
            }
        });
    }
    Ok(status)
}

/// Checks one configuration that has been read already.
///
/// # Errors
/// `out` cannot be written.
pub fn check_text(name: &str, octets: &[u8], verbose: bool, out: &mut dyn Write) -> io::Result<u8> {
    let errors = match load(name, octets) {
        Ok((config, policies)) => {
            for warning in &policies.warnings {
                writeln!(out, "{name}:{warning}")?;
            }
            let known = config.known_lines();
            for line in known.iter().filter(|_| verbose) {
                let origin = line.origin;
                writeln!(
                    out,
                    "{name}:{}:{}: note: no effect here: {}",
                    origin.line, origin.column, line.command
                )?;
            }
            let (warnings, without) = (policies.warnings.len(), known.len());
            writeln!(out, "{name}: can be run; warnings: {warnings}; lines without effect: {without}")?;
            return Ok(FINE);
        }
        Err(errors) => errors,
    };
    for error in &errors {
        writeln!(out, "{error}")?;
        if let Some(caret) = error.caret() {
            writeln!(out, "{caret}")?;
        }
    }
    Ok(WRONG)
}

/// Reads and translates a configuration: what `demo` and every other command start from.
///
/// # Errors
/// Everything that is wrong with it, at least one error.
pub fn load(
    name: &str,
    octets: &[u8],
) -> Result<(ios::model::RunningConfig, ios::Policies), Vec<ConfigError>> {
    let text = core::str::from_utf8(octets).map_err(|error| {
        let before = octets.get(..error.valid_up_to()).unwrap_or_default();
        vec![ConfigError::encoding(name, &String::from_utf8_lossy(before))]
    })?;
    let config = ios::parse(name, text)?;
    let mut policies = ios::lower(&config, name)?;
    ios::runs(&policies, name)?;
    policies.warnings.extend(crate::router::without_route(&config, &policies));
    policies.warnings.sort_by_key(|warning| (warning.origin.line, warning.origin.column));
    Ok((config, policies))
}

/// Reads a file that may hold secrets, up to [`MAX_FILE`] octets.
///
/// # Errors
/// The file cannot be read or is too large.
pub fn read(path: &Path) -> io::Result<SecretBytes> {
    let limit = u64::try_from(MAX_FILE).unwrap_or(u64::MAX).saturating_add(1);
    let mut octets = Vec::new();
    std::fs::File::open(path)?.take(limit).read_to_end(&mut octets)?;
    let octets = SecretBytes::new(octets);
    if octets.len() > MAX_FILE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than a configuration can be"));
    }
    Ok(octets)
}
