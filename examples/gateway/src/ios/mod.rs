//! IOS configurations: read, checked, printed, and translated into policies.
//!
//! ```text
//!  text --parse--> RunningConfig --lower--> suites, keys, map entries for the engine and the router
//!                     |    ^
//!                     +----+ print
//! ```
//!
//! - `lexer` cuts a line into words that know their columns and accepts IOS's unambiguous abbreviations;
//! - `grammar` holds the commands, one file for each subject;
//! - [`Reader`] takes lines one after another and knows the mode that it is in, so that a file and a terminal are read
//!   by the same code;
//! - [`model`] is what was said; [`print()`] says it again: `parse(print(model)) == model`;
//! - [`lower`] makes the engine's policies of it, and refuses with a position what cannot run.
//!
//! No line is ever skipped: it has an effect, or it is on the list of commands known to have none
//! (`docs/configuration.md`), or it is an error with line and column.

mod error;
mod grammar;
mod lexer;
mod lower;
pub mod model;
mod reader;
mod running;
mod secrets;

pub use error::{ConfigError, ErrorKind, Refusal};
pub use lower::{
    AppliedMap, ManualAh, ManualEsp, ManualSas, MapPolicy, MapRule, Policies, PolicyPeer, Protection,
    SharedKey, Vintage, Warning, WarningKind, lower, runs,
};
pub use reader::{MAX_ERRORS, MAX_LINE, Reader, parse};
pub use running::print;
pub(crate) use running::transform_words;

/// The forms of all commands that are known and have no effect here, each with a line that opens its mode (empty for
/// global mode): what `docs/configuration.md` lists.
pub fn commands_without_effect() -> impl Iterator<Item = (&'static str, &'static str)> {
    grammar::known::all()
}
