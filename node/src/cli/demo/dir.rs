//! The directory of a demonstration: made, resumed, or emptied of exactly what a demonstration writes.
//!
//! ```text
//! DIR/labkeeper-demo.json   the mark: this directory is a demonstration's, and which
//! DIR/site.toml             DIR/sim.log  DIR/writes.jsonl
//! DIR/lab-a.toml            DIR/lab-a.log            DIR/lab-a/ (data), and so on for each node
//! ```
//!
//! Without the mark nothing is deleted: `--dir $HOME --fresh` must do no harm.

use super::plan::{NODES_MAX, Plan};
use crate::cli::error::CliError;
use labkeeper_model::ErrorCode;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

const MARK: &str = "labkeeper-demo.json";

/// A demonstration's directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dir {
    path: PathBuf,
}

/// What is in the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Nothing, or there is no such directory.
    Empty,
    /// A demonstration.
    Demo(Plan),
}

impl Dir {
    /// A directory that need not exist.
    #[must_use]
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// A file in it.
    #[must_use]
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Looks what is there.
    ///
    /// # Errors
    /// The directory has something else in it, or cannot be read.
    pub(super) fn content(&self) -> Result<Content, CliError> {
        match std::fs::read_to_string(self.file(MARK)) {
            Ok(text) => serde_json::from_str(&text).map(Content::Demo).map_err(|error| self.foreign(&format!("{MARK}: {error}"))),
            Err(error) if error.kind() == ErrorKind::NotFound => match std::fs::read_dir(&self.path).map(|mut entries| entries.next()) {
                Ok(Some(_)) => Err(self.foreign("it has other files and no mark of a demonstration")),
                Ok(None) => Ok(Content::Empty),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(Content::Empty),
                Err(error) => Err(self.unusable(&error)),
            },
            Err(error) => Err(self.unusable(&error)),
        }
    }

    /// Makes the directory and writes every file of a new demonstration.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn make(&self, plan: Plan) -> Result<(), CliError> {
        let write = |name: &str, text: &str| std::fs::write(self.file(name), text).map_err(|error| self.unusable(&error));
        std::fs::create_dir_all(&self.path).map_err(|error| self.unusable(&error))?;
        // The mark first: whatever fails after it can be wiped and made again.
        write(MARK, &serde_json::to_string(&plan).map_err(|error| CliError::internal(error.to_string()))?)?;
        write("site.toml", &plan.site_toml()?)?;
        plan.nodes().iter().try_for_each(|node| write(&format!("{}.toml", node.name), &plan.node_toml(node)))
    }

    /// Deletes what a demonstration writes, and nothing else.
    ///
    /// # Errors
    /// The directory is not a demonstration's, or something cannot be deleted.
    pub(super) fn wipe(&self) -> Result<(), CliError> {
        let Content::Demo(plan) = self.content()? else { return Ok(()) };
        let gone = |result: std::io::Result<()>| match result {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(self.unusable(&error)),
            _ => Ok(()),
        };
        // All names that any demonstration uses: one with more nodes may have been wiped halfway.
        for node in (Plan { nodes: NODES_MAX, ..plan }).nodes() {
            gone(std::fs::remove_dir_all(self.file(&node.name)))?;
            gone(std::fs::remove_file(self.file(&format!("{}.toml", node.name))))?;
            gone(std::fs::remove_file(self.file(&format!("{}.log", node.name))))?;
        }
        // The mark last, so that a wipe that was interrupted can be repeated.
        ["site.toml", "sim.log", "writes.jsonl", MARK].iter().try_for_each(|name| gone(std::fs::remove_file(self.file(name))))
    }

    fn foreign(&self, why: &str) -> CliError {
        let what = format!("{} is not a demonstration's directory: {why}", self.path.display());
        CliError::usage(ErrorCode::DataDirUnusable, what, "name an empty one with --dir")
    }

    fn unusable(&self, error: &std::io::Error) -> CliError {
        CliError::failed(ErrorCode::DataDirUnusable, format!("{}: {error}", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(nodes: u16) -> Plan {
        Plan::new(nodes, 7600).expect("a plan")
    }

    #[test]
    fn a_demonstration_is_found_again() {
        let temp = tempfile::tempdir().expect("a directory");
        let dir = Dir::new(&temp.path().join("demo"));
        assert_eq!(dir.content().ok(), Some(Content::Empty));
        dir.make(plan(5)).expect("it is made");
        assert_eq!(dir.content().ok(), Some(Content::Demo(plan(5))));
    }

    #[test]
    fn only_what_a_demonstration_writes_is_deleted() {
        let temp = tempfile::tempdir().expect("a directory");
        let dir = Dir::new(temp.path());
        dir.make(plan(3)).expect("it is made");
        std::fs::create_dir(dir.file("lab-a")).expect("a data directory");
        std::fs::write(dir.file("lab-a").join("log"), "x").expect("data");
        std::fs::write(dir.file("notes.txt"), "mine").expect("a foreign file");
        dir.wipe().expect("it is wiped");
        let left: Vec<_> = std::fs::read_dir(temp.path()).expect("the directory").map(|e| e.expect("an entry").file_name()).collect();
        assert_eq!(left, ["notes.txt"]);
    }

    #[test]
    fn a_foreign_directory_is_neither_used_nor_wiped() {
        let temp = tempfile::tempdir().expect("a directory");
        let dir = Dir::new(temp.path());
        std::fs::create_dir(dir.file("lab-a")).expect("somebody's own lab-a");
        assert!(dir.content().expect_err("a refusal").to_string().contains("is not a demonstration's directory"));
        assert!(dir.wipe().is_err());
        assert!(dir.file("lab-a").exists());
        std::fs::write(dir.file(MARK), "not JSON").expect("a broken mark");
        assert!(dir.wipe().is_err(), "a mark that cannot be read is none");
    }
}
