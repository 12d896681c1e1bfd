//! Splitting a command into words: `set id=1 cryo/chiller-1/name "a text" by=ann`.

use std::collections::BTreeMap;

/// A command: its words, and its words of the form `key=value`.
pub(crate) struct Words {
    pub(crate) plain: Vec<String>,
    pub(crate) keyed: BTreeMap<String, String>,
    /// Every `key=value` in order, for commands that have the same key twice.
    pub(crate) pairs: Vec<(String, String)>,
    /// The indented lines below it.
    pub(crate) below: Vec<String>,
}

/// Puts indented lines to the command above them.
pub(crate) fn join_indented(lines: &[String]) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    for line in lines {
        match commands.last_mut().filter(|_| line.starts_with(' ')) {
            Some(command) => *command = format!("{command}\n{}", line.trim()),
            None => commands.push(line.clone()),
        }
    }
    commands
}

impl Words {
    pub(crate) fn parse(command: &str) -> Result<Self, String> {
        let (first, below) = command.split_once('\n').unwrap_or((command, ""));
        let mut words = Self { plain: vec![], keyed: BTreeMap::new(), pairs: vec![], below: below.lines().map(str::to_owned).collect() };
        for word in split(first)? {
            match word.split_once('=').filter(|_| !word.starts_with('"')) {
                Some((key, value)) => {
                    let value = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value);
                    words.keyed.insert(key.to_owned(), value.to_owned());
                    words.pairs.push((key.to_owned(), value.to_owned()));
                }
                None => words.plain.push(word),
            }
        }
        Ok(words)
    }

    pub(crate) fn word(&self, n: usize) -> Result<&str, String> {
        self.plain.get(n).map(String::as_str).ok_or_else(|| format!("word {n} is missing"))
    }

    pub(crate) fn key(&self, key: &str) -> Option<&str> {
        self.keyed.get(key).map(String::as_str)
    }

    pub(crate) fn number(&self, key: &str) -> Result<Option<u64>, String> {
        self.key(key).map(|text| text.parse().map_err(|_| format!("{key}={text} is no number"))).transpose()
    }
}

/// Words between spaces; a quotation mark begins and ends a stretch in which spaces count.
fn split(text: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut quoted) = (vec![], String::new(), false);
    for c in text.chars() {
        match c {
            ' ' if !quoted => words.push(std::mem::take(&mut word)),
            _ => {
                quoted ^= c == '"';
                word.push(c);
            }
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    if quoted { Err("a quotation mark is not closed".into()) } else { Ok(words) }
}
