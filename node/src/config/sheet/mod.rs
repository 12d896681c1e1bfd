//! Alarms and tags as a sheet that people go through in a spreadsheet, and what they changed there taken back into the site file.
//!
//! ```text
//! SiteSpec -> the site file's own keys -> columns -> CSV              export
//! CSV -> rows -> cells that differ -> keys of the TOML document -> SiteFile::parse, which checks the whole site     import
//! ```
//!
//! A sheet says nothing that a site file cannot say: a column is a key of the file, with the unit in its name. Only keys whose cells differ
//! are touched, so everything else of the file stays as it was written, comments included. Rows and columns that are not in the sheet
//! change nothing: a sheet that was filtered or cut down removes no alarm.
//!
//! It knows nothing of files on disk, and of what keys mean only the kind of their values.

mod cell;
mod column;
mod complaints;
mod document;
mod export;
mod import;
mod read;

pub use export::export;
pub use import::{Imported, import};

/// Which declarations a sheet has, one in each row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sheet {
    /// Every alarm of every tag.
    Alarms,
    /// Every tag of every device.
    Tags,
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
