//! Choosing tags by a glob: `cryo/*/temperature`, `*/furnace-?/zone*`, `**`.
//!
//! `*` stands for any run of characters within one part, `?` for one character, and a part that is `**` for
//! any number of parts. A selector with fewer parts than three matches everything below it: `cryo` is `cryo/**`.

use crate::TagPath;
use std::fmt;

/// A parsed glob over tag paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    parts: Vec<String>,
}

/// Why a text is not a selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SelectorError {
    /// Nothing at all, or nothing between two slashes.
    EmptyPart,
    /// More than [`SELECTOR_LEN_MAX`] bytes.
    TooLong,
    /// A character that no name has and that is not a wildcard.
    BadCharacter(char),
}

/// Longest selector in bytes: three names of 64, two slashes, rounded up.
pub const SELECTOR_LEN_MAX: usize = 256;

impl fmt::Display for SelectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyPart => write!(f, "a selector needs something between its slashes, as in cryo/*/temperature"),
            Self::TooLong => write!(f, "a selector has at most {SELECTOR_LEN_MAX} characters"),
            Self::BadCharacter(c) => write!(f, "a selector has only letters, digits, '_', '-', '.', '/', '*' and '?'; found {c:?}"),
        }
    }
}

impl std::error::Error for SelectorError {}

impl Selector {
    /// Matches every tag.
    #[must_use]
    pub fn all() -> Self {
        Self { parts: vec!["**".into()] }
    }

    /// Parses a glob.
    ///
    /// # Errors
    /// [`SelectorError`] when it is empty, too long or has a character that cannot match.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        if text.len() > SELECTOR_LEN_MAX {
            return Err(SelectorError::TooLong);
        }
        if let Some(c) = text.chars().find(|c| !c.is_ascii_alphanumeric() && !"_-./*?".contains(*c)) {
            return Err(SelectorError::BadCharacter(c));
        }
        let mut parts: Vec<String> = text.split('/').map(str::to_owned).collect();
        if parts.iter().any(String::is_empty) {
            return Err(SelectorError::EmptyPart);
        }
        if parts.len() < 3 && parts.last().is_some_and(|p| p != "**") {
            parts.push("**".into());
        }
        Ok(Self { parts })
    }

    /// Whether the selector matches a tag.
    #[must_use]
    pub fn matches(&self, path: &TagPath) -> bool {
        let path: Vec<&str> = path.as_str().split('/').collect();
        parts_match(&self.parts, &path)
    }
}

fn parts_match(pattern: &[String], path: &[&str]) -> bool {
    match pattern.split_first() {
        None => path.is_empty(),
        Some((first, rest)) if first == "**" => (0..=path.len()).any(|skip| parts_match(rest, &path[skip..])),
        Some((first, rest)) => {
            path.split_first().is_some_and(|(head, tail)| part_matches(first.as_bytes(), head.as_bytes()) && parts_match(rest, tail))
        }
    }
}

/// Greedy matching with one point of return (the usual linear-space algorithm for `*` and `?`): a second star
/// never needs to give back what the first one took, so at most `pattern x text` steps.
fn part_matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                last_star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == b'?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match last_star {
                Some((star, taken)) => {
                    last_star = Some((star, taken + 1));
                    p = star + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(selector: &str, path: &str) -> bool {
        Selector::parse(selector).expect("a selector").matches(&TagPath::parse(path).expect("a path"))
    }

    #[test]
    fn globs_match_within_parts() {
        assert!(check("cryo/*/temperature", "cryo/chiller-1/temperature"));
        assert!(!check("cryo/*/temperature", "cryo/chiller-1/pressure"));
        assert!(check("*/furnace-?/zone*_t", "hall/furnace-2/zone1_t"));
        assert!(!check("cryo/c*r", "vacuum/cr/x"));
    }

    #[test]
    fn short_selectors_match_everything_below() {
        assert!(check("cryo", "cryo/chiller-1/temperature"));
        assert!(check("cryo/chiller-1", "cryo/chiller-1/temperature"));
        assert!(check("**", "cryo/chiller-1/temperature"));
        assert!(check("**/temperature", "cryo/chiller-1/temperature"));
        assert!(!check("cryo/chiller", "cryo/chiller-1/temperature"));
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(Selector::parse(""), Err(SelectorError::EmptyPart));
        assert_eq!(Selector::parse("a//b"), Err(SelectorError::EmptyPart));
        assert_eq!(Selector::parse("a b"), Err(SelectorError::BadCharacter(' ')));
    }
}
