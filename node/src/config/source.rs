//! A TOML file being read key by key, with every complaint remembered together with its line.
//!
//! serde would stop at the first mistake. A person who edits a site of a thousand devices wants to see all of them in
//! one go, so each reader here asks for the keys that it knows, gets what is usable, and whatever is not asked for,
//! missing or of the wrong kind ends up in one list.
//!
//! ```text
//! text -> Source::parse -> Table::get/need/table/tables ... -> Table::finish -> Source::into_findings
//! ```
//!
//! It knows nothing of what the keys mean; [`super::kinds`] turns single values into our types.

use super::finding::Finding;
use super::kinds::Wrong;
use labkeeper_model::Name;
use labkeeper_model::site::Severity;
use std::cell::RefCell;
use toml::de::{DeTable, DeValue};

/// How alike two words must be (Jaro-Winkler, 0 to 1) for one to be proposed for the other: high enough that
/// `poll` is not proposed for `port`, low enough that `adress` finds `address`.
const ALIKE_MIN: f64 = 0.85;

/// A parsed file and what has been found wrong with it so far.
pub(super) struct Source<'t> {
    file: String,
    text: &'t str,
    root: DeTable<'t>,
    readable: bool,
    findings: RefCell<Vec<Finding>>,
}

impl<'t> Source<'t> {
    /// Parses the text. Syntax errors become findings; [`Source::is_readable`] says whether the rest makes sense.
    pub(super) fn parse(file: &str, text: &'t str) -> Self {
        let (root, errors) = DeTable::parse_recoverable(text);
        let source = Self {
            file: file.to_owned(),
            text,
            root: root.into_inner(),
            // After a duplicate the tree is whole (the first one counts). After any other error it is a guess.
            readable: errors.iter().all(|e| e.message() == "duplicate key"),
            findings: RefCell::default(),
        };
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            let (key, wrong) = match error.message() {
                "duplicate key" => (text.get(span.clone()).unwrap_or(""), Wrong::new("is there twice", "keep one of them")),
                message => ("", Wrong::new(format!("not TOML: {message}"), "correct the line")),
            };
            source.error(span.start, key, wrong);
        }
        source
    }

    /// Whether the keys are worth reading; if not, the findings have the syntax errors.
    pub(super) const fn is_readable(&self) -> bool {
        self.readable
    }

    /// The table of the whole file.
    pub(super) fn root(&self) -> Table<'_> {
        Table { source: self, entries: &self.root, path: String::new(), at: 0, asked: RefCell::default() }
    }

    /// Whether anything found so far refuses the file.
    pub(super) fn has_errors(&self) -> bool {
        self.findings.borrow().iter().any(Finding::is_error)
    }

    /// The keys of all errors found so far.
    pub(super) fn error_keys(&self) -> Vec<String> {
        self.findings.borrow().iter().filter(|finding| finding.is_error()).map(|finding| finding.key.clone()).collect()
    }

    /// Everything found, in the order of the lines.
    pub(super) fn into_findings(self) -> Vec<Finding> {
        let mut findings = self.findings.into_inner();
        findings.sort_by_key(|finding| finding.line);
        findings
    }

    /// Remembers an error at a byte of the text.
    fn error(&self, at: usize, key: &str, wrong: Wrong) {
        self.add(Severity::Error, Some(self.line(at)), key, wrong);
    }

    /// Remembers a finding about a key, at the line of the key or of the nearest table around it.
    pub(super) fn add_at_path(&self, severity: Severity, path: &[String], wrong: Wrong) {
        self.add(severity, Some(self.line(self.locate(path))), &path.join("."), wrong);
    }

    fn add(&self, severity: Severity, line: Option<usize>, key: &str, wrong: Wrong) {
        let Wrong { what, remedy } = wrong;
        self.findings.borrow_mut().push(Finding { severity, file: self.file.clone(), line, key: key.to_owned(), what, remedy });
    }

    fn line(&self, at: usize) -> usize {
        let before = self.text.as_bytes().get(..at).unwrap_or(self.text.as_bytes());
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }

    /// The byte where the longest part of `path` that the file has begins.
    fn locate(&self, path: &[String]) -> usize {
        let mut at = 0;
        let mut here: Option<&DeValue<'_>> = None;
        for key in path {
            let next = match here {
                None => entry(&self.root, key),
                Some(DeValue::Table(table)) => entry(table, key),
                Some(DeValue::Array(array)) => key.parse().ok().and_then(|i: usize| array.get(i)).map(|v| (v.span().start, v.get_ref())),
                Some(_) => None,
            };
            let Some((start, value)) = next else { break };
            (at, here) = (start, Some(value));
        }
        at
    }
}

/// Where a key of a table begins, and its value.
fn entry<'a>(table: &'a DeTable<'a>, key: &str) -> Option<(usize, &'a DeValue<'a>)> {
    table.iter().find(|(k, _)| k.get_ref() == key).map(|(k, v)| (k.span().start, v.get_ref()))
}

/// One table of the file, and which of its keys somebody has asked for.
pub(super) struct Table<'s> {
    source: &'s Source<'s>,
    entries: &'s DeTable<'s>,
    /// Its key from the top; empty for the root.
    path: String,
    /// Where it begins in the text.
    at: usize,
    asked: RefCell<Vec<&'static str>>,
}

impl<'s> Table<'s> {
    /// The value of a key that may be left out. `None` if it is, or if it is unusable (then that is remembered).
    pub(super) fn get<T>(&self, key: &'static str, kind: impl Fn(&DeValue<'_>) -> Result<T, Wrong>) -> Option<T> {
        self.asked.borrow_mut().push(key);
        let value = self.entries.iter().find(|(k, _)| k.get_ref() == key)?.1;
        match kind(value.get_ref()) {
            Ok(good) => Some(good),
            Err(wrong) => {
                self.source.error(value.span().start, &self.key(key), wrong);
                None
            }
        }
    }

    /// The value of a key that must be there; `example` shows how to write it.
    pub(super) fn need<T>(&self, key: &'static str, example: &str, kind: impl Fn(&DeValue<'_>) -> Result<T, Wrong>) -> Option<T> {
        let found = self.get(key, kind);
        if found.is_none() && !self.has(key) {
            self.source.error(self.at, &self.key(key), Wrong::new("is missing", format!("add {key} = {example}")));
        }
        found
    }

    /// The table under a key, if there is one.
    pub(super) fn table(&self, key: &'static str) -> Option<Table<'s>> {
        self.asked.borrow_mut().push(key);
        let (at, value) = entry(self.entries, key)?;
        self.child(at, self.key(key), value)
    }

    /// The tables under a key, each with the name that a person gave it.
    pub(super) fn tables(&self, key: &'static str) -> Vec<(Name, Table<'s>)> {
        let Some(parent) = self.table(key) else { return vec![] };
        let mut found = vec![];
        for (name, value) in parent.entries {
            let path = parent.key(name.get_ref());
            match Name::new(name.get_ref()) {
                Ok(good) => found.extend(parent.child(name.span().start, path, value.get_ref()).map(|table| (good, table))),
                Err(why) => self.source.error(name.span().start, &path, Wrong::new(why.to_string(), "rename it")),
            }
        }
        found
    }

    /// The tables of a list.
    pub(super) fn list_of_tables(&self, key: &'static str) -> Vec<Table<'s>> {
        self.asked.borrow_mut().push(key);
        match entry(self.entries, key) {
            None => vec![],
            Some((_, DeValue::Array(list))) => {
                let item = |(i, v): (usize, &'s toml::Spanned<DeValue<'s>>)| {
                    self.child(v.span().start, format!("{}.{i}", self.key(key)), v.get_ref())
                };
                list.iter().enumerate().filter_map(item).collect()
            }
            Some((at, other)) => {
                self.source.error(at, &self.key(key), Wrong::kind("a list of tables", other));
                vec![]
            }
        }
    }

    /// Whether there is a table under the key.
    pub(super) fn holds_table(&self, key: &str) -> bool {
        entry(self.entries, key).is_some_and(|(_, value)| matches!(value, DeValue::Table(_)))
    }

    /// Whether the key is there, usable or not.
    pub(super) fn has(&self, key: &str) -> bool {
        entry(self.entries, key).is_some()
    }

    /// Remembers an error about one of this table's keys.
    pub(super) fn error(&self, key: &str, wrong: Wrong) {
        let at = entry(self.entries, key).map_or(self.at, |(at, _)| at);
        self.source.error(at, &self.key(key), wrong);
    }

    /// Complains about the keys that nobody has asked for.
    pub(super) fn finish(self) {
        let asked = self.asked.borrow();
        for (key, _) in self.entries {
            if !asked.contains(&key.get_ref().as_ref()) {
                self.source.error(key.span().start, &self.key(key.get_ref()), Wrong::new("unknown key", propose(key.get_ref(), &asked)));
            }
        }
    }

    fn child(&self, at: usize, path: String, value: &'s DeValue<'s>) -> Option<Table<'s>> {
        match value {
            DeValue::Table(entries) => Some(Table { source: self.source, entries, path, at, asked: RefCell::default() }),
            other => {
                self.source.error(at, &path, Wrong::kind("a table", other));
                None
            }
        }
    }

    fn key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

/// What to do about an unknown key.
pub(super) fn propose(unknown: &str, known: &[&'static str]) -> String {
    let likeness = |key: &str| strsim::jaro_winkler(unknown, key);
    match known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b))) {
        Some(nearest) if likeness(nearest) >= ALIKE_MIN => format!("did you mean {nearest:?}?"),
        _ => format!("remove it; known here: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::kinds;

    fn lines(source: Source<'_>) -> Vec<String> {
        source.into_findings().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn all_complaints_are_collected_in_the_order_of_the_lines() {
        let source = Source::parse("f.toml", "b = 1\n[t]\nadress = 1\nname = 5\n");
        let root = source.root();
        let table = root.table("t").expect("a table");
        assert_eq!(table.get("name", kinds::text), None);
        assert_eq!(table.need("address", "\"x\"", kinds::text), None);
        table.finish();
        root.finish();
        let expected = [
            "f.toml:1: b: unknown key; remove it; known here: t",
            "f.toml:2: t.address: is missing; add address = \"x\"",
            "f.toml:3: t.adress: unknown key; did you mean \"address\"?",
            "f.toml:4: t.name: takes a text, not an integer; put it in quotes",
        ];
        assert_eq!(lines(source), expected);
    }

    #[test]
    fn a_duplicate_leaves_the_rest_readable_and_a_syntax_error_does_not() {
        let twice = Source::parse("f.toml", "a = 1\na = 2\n");
        assert!(twice.is_readable());
        assert_eq!(lines(twice), ["f.toml:2: a: is there twice; keep one of them"]);
        assert!(!Source::parse("f.toml", "a = \n").is_readable());
    }

    #[test]
    fn a_path_is_found_as_far_as_the_file_has_it() {
        let source = Source::parse("f.toml", "[d.x]\nalarms = [\n  { limit = 1 },\n  { limit = 2 },\n]\n");
        let path = |text: &str| -> Vec<String> { text.split('.').map(str::to_owned).collect() };
        assert_eq!(source.line(source.locate(&path("d.x.alarms.1.limit"))), 4);
        assert_eq!(source.line(source.locate(&path("d.x.alarms.7.limit"))), 2);
        assert_eq!(source.line(source.locate(&path("d.y"))), 1);
    }
}
