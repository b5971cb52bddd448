//! Gathers the fields that the reader passes.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use super::Field;
use crate::error::{ParseError, Reason};

/// A tree under construction: finished fields, and the groups that are open, the innermost last.
#[derive(Default)]
pub(crate) struct Recorder {
    done: Vec<Field>,
    open: Vec<Field>,
}

impl Recorder {
    pub(crate) fn leaf(&mut self, name: &'static str, range: Range<usize>, value: fmt::Arguments<'_>) {
        self.put(Field { name: name.to_string(), range, value: value.to_string(), children: Vec::new() });
    }

    pub(crate) fn open(&mut self, name: fmt::Arguments<'_>, start: usize) {
        let (name, value) = (name.to_string(), String::new());
        self.open.push(Field { name, range: start..start, value, children: Vec::new() });
    }

    pub(crate) fn describe(&mut self, value: fmt::Arguments<'_>) {
        if let Some(group) = self.open.last_mut() {
            group.value = value.to_string();
        }
    }

    pub(crate) fn close(&mut self, end: usize) {
        if let Some(mut group) = self.open.pop() {
            group.range.end = end;
            self.put(group);
        }
    }

    /// The tree; after an error the open groups end where reading ended, and the error stands in the innermost.
    pub(crate) fn finish(mut self, error: Option<&ParseError>, len: usize) -> Vec<Field> {
        if let Some(error) = error {
            let start = error.offset().min(len);
            // Nothing behind the fault is interpreted, so it belongs to the fault.
            let end = match error.reason() {
                Reason::Trailing { count } => start.saturating_add(*count).min(len),
                _ => len,
            };
            self.leaf("Malformed", start..end, format_args!("{error}"));
        }
        while let Some(group) = self.open.last() {
            let end = group.children.iter().map(|child| child.range.end).max();
            self.close(end.unwrap_or(group.range.start));
        }
        self.done
    }

    fn put(&mut self, field: Field) {
        match self.open.last_mut() {
            Some(group) => group.children.push(field),
            None => self.done.push(field),
        }
    }
}
