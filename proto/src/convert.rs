//! Wire <-> model: the only such place.
//!
//! Going out cannot fail. Coming in can: a peer of another version, a script or a damaged record may hold anything, so
//! every way in is a `TryFrom` whose [`ConvertError`] names the field. What the vocabulary itself guarantees (names, paths, registers)
//! is checked here; what only the whole site can say (limits, overlaps) is left to `labkeeper_model::site::check`.

mod alarm;
mod command;
mod error;
mod fencing;
mod interlock;
mod site;
mod tag;
mod value;

pub use command::{command_state, wait_level};
pub use error::error;
pub use value::value_opt;

use labkeeper_model::{CommandId, Name, TagPath};

/// A message that is not what its field says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {what}")]
pub struct ConvertError {
    /// The field, from the top: `devices.chiller-1.tags.outlet.register`.
    pub field: String,
    /// What is wrong with it.
    pub what: String,
}

impl ConvertError {
    /// Says what is wrong with a field.
    #[must_use]
    pub fn new(field: impl Into<String>, what: impl Into<String>) -> Self {
        Self { field: field.into(), what: what.into() }
    }

    /// The same error seen from one level further out.
    #[must_use]
    pub fn within(self, outer: &str) -> Self {
        Self { field: format!("{outer}.{}", self.field), what: self.what }
    }
}

/// A required field of a message.
///
/// # Errors
/// [`ConvertError`] when it is absent.
pub fn required<T>(field: &str, given: Option<T>) -> Result<T, ConvertError> {
    given.ok_or_else(|| ConvertError::new(field, "is missing"))
}

/// A field that holds a name.
///
/// # Errors
/// [`ConvertError`] when it is not one.
pub fn name(field: &str, text: &str) -> Result<Name, ConvertError> {
    Name::new(text).map_err(|e| ConvertError::new(field, e.to_string()))
}

/// A field that holds a tag's path.
///
/// # Errors
/// [`ConvertError`] when it is not `segment/device/tag`.
pub fn tag_path(field: &str, text: &str) -> Result<TagPath, ConvertError> {
    TagPath::parse(text).map_err(|e| ConvertError::new(field, e.to_string()))
}

/// A field that holds the 16 bytes of a UUID.
///
/// # Errors
/// [`ConvertError`] when it has another length.
pub fn uuid(field: &str, bytes: &[u8]) -> Result<[u8; 16], ConvertError> {
    bytes.try_into().map_err(|_| ConvertError::new(field, format!("a UUID has 16 bytes, not {}", bytes.len())))
}

/// A field that holds a command's id as 16 bytes.
///
/// # Errors
/// [`ConvertError`] when it has another length.
pub fn command_id(field: &str, bytes: &[u8]) -> Result<CommandId, ConvertError> {
    uuid(field, bytes).map(CommandId)
}

/// The text of a UUID, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`.
#[must_use]
pub fn uuid_text(bytes: [u8; 16]) -> String {
    CommandId(bytes).to_string()
}

/// A field that holds the text of a UUID.
///
/// # Errors
/// [`ConvertError`] when it is not one.
pub fn uuid_parse(field: &str, text: &str) -> Result<[u8; 16], ConvertError> {
    CommandId::parse(text).map(|id| id.0).ok_or_else(|| ConvertError::new(field, format!("{text:?} is not a UUID")))
}

/// An enum's number that this version does not know.
fn unknown_number(field: &str, number: i32) -> ConvertError {
    ConvertError::new(field, format!("{number} is not a value that this version knows"))
}
