//! The power is cut: only what had reached the disk is there afterwards.
//!
//! ```text
//!   file --loop device--> ext4 --mounted--> the child writes
//!     |                                        frozen at some moment
//!     +-- copied as it is: what the kernel still held in memory is not in it
//!           +--loop device--> ext4 --mounted--> what is missing of what was acknowledged?
//! ```
//!
//! A kill cannot show this, as the kernel keeps what a killed process wrote. The same test over a log without its fdatasync must
//! find something missing, or it would prove nothing. Needs root, `mkfs.ext4` and loop devices; says so where they are not.

use crate::child::{Said, WritingChild, missing};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const ROUNDS: u64 = 4;
/// Room for the database of some thousand entries; more only takes longer to copy.
const DISK: &str = "96M";

fn run(program: &str, args: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(args).output().map_err(|e| format!("{program}: {e}"))?;
    if output.status.success() { Ok(()) } else { Err(format!("{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr))) }
}

/// A file that is mounted as a disk of its own.
struct Mounted {
    at: PathBuf,
}

impl Mounted {
    fn new(image: &Path, at: PathBuf) -> Result<Self, String> {
        std::fs::create_dir_all(&at).map_err(|e| e.to_string())?;
        run("mount", &["-o", "loop", &image.to_string_lossy(), &at.to_string_lossy()])?;
        Ok(Self { at })
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if let Err(error) = run("umount", &[&self.at.to_string_lossy()]) {
            eprintln!("{error}");
        }
    }
}

/// An empty disk.
fn disk(dir: &TempDir) -> Result<PathBuf, String> {
    let image = dir.path().join("disk.img");
    run("truncate", &["-s", DISK, &image.to_string_lossy()])?;
    run("mkfs.ext4", &["-q", "-F", &image.to_string_lossy()])?;
    Ok(image)
}

/// Writes, cuts the power after about `entries`, and says what was acknowledged and what of it is missing.
fn cut(entries: u64, synced: bool) -> Result<(Said, Option<String>), String> {
    let dir = tempfile::tempdir().map_err(|e| e.to_string())?;
    let image = disk(&dir)?;
    let after = dir.path().join("after.img");
    let said = {
        let mounted = Mounted::new(&image, dir.path().join("before"))?;
        let mut child = WritingChild::start(&mounted.at.join("log"), synced);
        child.listen_for(entries);
        child.freeze();
        run("cp", &["--sparse=always", &image.to_string_lossy(), &after.to_string_lossy()])?;
        // What it said before it was frozen is still in the pipe, and counts.
        child.kill()
    };
    let mounted = Mounted::new(&after, dir.path().join("after"))?;
    Ok((said, missing(&mounted.at.join("log"), said)))
}

/// Why this machine cannot cut the power of a disk.
fn impossible() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("it needs root".to_owned());
    }
    let dir = tempfile::tempdir().ok()?;
    let image = match disk(&dir) {
        Ok(image) => image,
        Err(error) => return Some(error),
    };
    Mounted::new(&image, dir.path().join("mounted")).err()
}

#[test]
fn nothing_acknowledged_is_missing_after_a_power_cut() {
    if let Some(why) = impossible() {
        println!("SKIPPED: the power-cut test: {why}");
        return;
    }
    for round in 0..ROUNDS {
        let (said, missing) = cut(200 + 300 * round, true).expect("a disk");
        println!("power cut {round}: {said:?}, missing: {missing:?}");
        assert_eq!(missing, None, "round {round}: {said:?}");
    }
}

#[test]
fn without_its_fdatasync_the_log_loses_what_it_acknowledged() {
    if let Some(why) = impossible() {
        println!("SKIPPED: the power-cut test: {why}");
        return;
    }
    let lost = (0..ROUNDS).map(|round| cut(200 + 300 * round, false).expect("a disk").1);
    let lost: Vec<String> = lost.flatten().collect();
    println!("without fdatasync, {} of {ROUNDS} power cuts lost something: {lost:?}", lost.len());
    assert!(!lost.is_empty(), "the power-cut test cannot fail, so it proves nothing");
}
