//! The repository's own files, as the rules about them see them. Works without git: a fresh machine may have only the
//! files.
//!
//! [`text`] holds the checks themselves, as pure functions over the text of one file.

pub mod manifest;
pub mod text;

use anyhow::Context as _;
use std::path::{Path, PathBuf};

/// Directories that hold what was built, installed or generated, by name.
const NOT_OURS: [&str; 11] = [
    "target",
    "node_modules",
    "dist",
    "gen",
    ".git",
    ".venv",
    ".demo",
    "__pycache__",
    "test-results",
    "playwright-report",
    ".pytest_cache",
];

/// One file with its path from the root and its text.
#[derive(Clone, Debug)]
pub struct File {
    /// Path from the repository's root, with `/`.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// The repository's root.
#[must_use]
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Every text file that people wrote, ordered by path. Files that are not UTF-8 (images, golden bytes) are left out.
///
/// # Errors
/// When a directory or a file cannot be read.
pub fn files() -> anyhow::Result<Vec<File>> {
    let root = root();
    let mut found = Vec::new();
    walk(&root, &mut |path| {
        let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        if let Ok(text) = String::from_utf8(bytes) {
            let path = path.strip_prefix(&root)?.to_string_lossy().into_owned();
            found.push(File { path, text });
        }
        Ok(())
    })?;
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// Those of [`files`] whose name ends in one of `endings`.
///
/// # Errors
/// As [`files`].
pub fn files_ending(endings: &[&str]) -> anyhow::Result<Vec<File>> {
    Ok(files()?.into_iter().filter(|file| endings.iter().any(|ending| file.path.ends_with(ending))).collect())
}

fn walk(dir: &Path, visit: &mut dyn FnMut(&Path) -> anyhow::Result<()>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(dir).with_context(|| format!("reading {}", dir.display()))? {
        let entry = entry?;
        let name = entry.file_name();
        // Not followed: a link may lead out of the repository, or round in a circle.
        let kind = entry.file_type()?;
        if kind.is_dir() && !NOT_OURS.iter().any(|skipped| name == *skipped) {
            walk(&entry.path(), visit)?;
        } else if kind.is_file() {
            visit(&entry.path())?;
        }
    }
    Ok(())
}
