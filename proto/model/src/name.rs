//! Names that people type: of nodes, segments, devices and tags, and the path `segment/device/tag`.
//!
//! A name is checked once, here, when it is made; whoever holds a [`Name`] need not check again.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// Longest name in bytes. A path of three fits into 200 columns of a terminal and into every log line.
pub const NAME_LEN_MAX: usize = 64;

/// A valid name: 1 to 64 of `a-z A-Z 0-9 _ - .`, beginning with a letter or digit. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

/// Why a text is not a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameError {
    /// Nothing at all.
    Empty,
    /// More than [`NAME_LEN_MAX`] bytes.
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// A character that names cannot have (at its byte position).
    BadCharacter {
        /// The character.
        character: char,
        /// Its position in bytes from the start.
        at: usize,
    },
    /// Not three names with two slashes between them.
    NotAPath,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "a name cannot be empty"),
            Self::TooLong { len } => write!(f, "a name has at most {NAME_LEN_MAX} characters, this one has {len}"),
            Self::BadCharacter { character, at } => {
                write!(
                    f,
                    "a name has only letters, digits, '_', '-' and '.', and begins with a letter or digit; found {character:?} at position {at}"
                )
            }
            Self::NotAPath => write!(f, "a tag is named segment/device/tag"),
        }
    }
}

impl std::error::Error for NameError {}

impl Name {
    /// Checks and takes a name.
    ///
    /// # Errors
    /// [`NameError`] when it is empty, too long, or has a character that names cannot have.
    pub fn new(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > NAME_LEN_MAX {
            return Err(NameError::TooLong { len: text.len() });
        }
        let allowed = |at: usize, c: char| c.is_ascii_alphanumeric() || (at > 0 && matches!(c, '_' | '-' | '.'));
        match text.char_indices().find(|(at, c)| !allowed(*at, *c)) {
            Some((at, character)) => Err(NameError::BadCharacter { character, at }),
            None => Ok(Self(text.into())),
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Name {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

/// The full name of a tag: `segment/device/tag`. Cheap to clone; ordered as its text is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagPath(Arc<str>);

impl TagPath {
    /// Joins three names.
    #[must_use]
    pub fn new(segment: &Name, device: &Name, tag: &Name) -> Self {
        Self(format!("{segment}/{device}/{tag}").into())
    }

    /// Checks and takes a path.
    ///
    /// # Errors
    /// [`NameError`] when it is not three valid names with slashes between them.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let parts: Vec<&str> = text.split('/').collect();
        if parts.len() != 3 {
            return Err(NameError::NotAPath);
        }
        for part in parts {
            Name::new(part)?;
        }
        Ok(Self(text.into()))
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The segment's name.
    #[must_use]
    pub fn segment(&self) -> &str {
        self.part(0)
    }

    /// The device's name.
    #[must_use]
    pub fn device(&self) -> &str {
        self.part(1)
    }

    /// The tag's own name.
    #[must_use]
    pub fn tag(&self) -> &str {
        self.part(2)
    }

    fn part(&self, n: usize) -> &str {
        // Both constructors make exactly three parts.
        self.0.split('/').nth(n).unwrap_or_default()
    }
}

impl fmt::Display for TagPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for TagPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl Borrow<str> for TagPath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for TagPath {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_once() {
        assert!(Name::new("chiller-1").is_ok());
        assert_eq!(Name::new(""), Err(NameError::Empty));
        assert_eq!(Name::new("-x"), Err(NameError::BadCharacter { character: '-', at: 0 }));
        assert_eq!(Name::new("a b"), Err(NameError::BadCharacter { character: ' ', at: 1 }));
        assert_eq!(Name::new(&"x".repeat(65)), Err(NameError::TooLong { len: 65 }));
    }

    #[test]
    fn a_path_has_three_parts() {
        let path = TagPath::parse("cryo/chiller-1/outlet_temperature").expect("a valid path");
        assert_eq!((path.segment(), path.device(), path.tag()), ("cryo", "chiller-1", "outlet_temperature"));
        assert_eq!(TagPath::parse("cryo/chiller-1"), Err(NameError::NotAPath));
        assert_eq!(TagPath::parse("cryo//x"), Err(NameError::Empty));
    }
}
