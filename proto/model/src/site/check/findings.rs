//! What has been found so far while a declaration is walked through, each with the key that it is about.

use super::{Problem, Severity};

/// Longest description, unit and guidance, in bytes: a paragraph.
const TEXT_LEN_MAX: usize = 2_000;

/// Problems found so far, and the key that is being looked at.
#[derive(Default)]
pub(super) struct Findings {
    problems: Vec<Problem>,
    path: Vec<String>,
}

impl Findings {
    /// Everything found, in the order in which it was.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    /// Looks at what is under some keys.
    pub(super) fn within(&mut self, keys: &[&str], body: impl FnOnce(&mut Self)) {
        let depth = self.path.len();
        self.path.extend(keys.iter().map(|k| (*k).to_owned()));
        body(self);
        self.path.truncate(depth);
    }

    fn add(&mut self, severity: Severity, keys: &[&str], what: String, remedy: &str) {
        let path = self.path.iter().cloned().chain(keys.iter().filter(|k| !k.is_empty()).map(|k| (*k).to_owned())).collect();
        self.problems.push(Problem { severity, path, what, remedy: remedy.to_owned() });
    }

    /// Adds an error about a key.
    pub(super) fn error(&mut self, keys: &[&str], what: String, remedy: &str) {
        self.add(Severity::Error, keys, what, remedy);
    }

    /// Adds a warning about a key.
    pub(super) fn warning(&mut self, keys: &[&str], what: String, remedy: &str) {
        self.add(Severity::Warning, keys, what, remedy);
    }

    /// Checks the length of a text.
    pub(super) fn text(&mut self, key: &str, below: &str, text: &str) {
        if text.len() > TEXT_LEN_MAX {
            self.error(&[key, below], format!("{} bytes are more than {TEXT_LEN_MAX}", text.len()), "shorten the text");
        }
    }

    /// Checks that a list names nothing twice.
    pub(super) fn repeated<T: PartialEq + std::fmt::Display>(&mut self, key: &str, things: &[T]) {
        if let Some((_, twice)) = things.iter().enumerate().find(|(i, thing)| things[..*i].contains(thing)) {
            self.error(&[key], format!("{twice} is named twice"), "name it once");
        }
    }
}
