//! A child of `labkeeper demo` ends with it, however it ends: nothing is left behind that holds ports and drives devices.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

const PROGRAM: &str = env!("CARGO_BIN_EXE_labkeeper");
/// The kernel kills within milliseconds; this is for a machine that does other things.
const SOON: Duration = Duration::from_secs(30);

fn empty_site(dir: &Path) -> String {
    let file = dir.join("site.toml");
    std::fs::write(&file, "[site]\nname = \"nothing\"\n").expect("a site file");
    file.display().to_string()
}

#[test]
fn a_child_ends_when_its_parent_is_killed() {
    let dir = tempfile::tempdir().expect("a directory");
    // The shell is the parent, and waits for the child that it gave its own process id.
    let line = format!("'{PROGRAM}' sim --json --site '{}' --end-with $$ & wait", empty_site(dir.path()));
    let mut shell = Command::new("sh").args(["-c", &line]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("a shell");
    let mut output = BufReader::new(shell.stdout.take().expect("a pipe"));
    let mut first = String::new();
    output.read_line(&mut first).expect("a line");
    assert_eq!(first, "[]\n", "the simulation runs, with no devices");
    shell.kill().expect("SIGKILL");
    shell.wait().expect("it is gone");
    // The child holds the other end of the pipe until it ends, and only it.
    let (ended, end) = mpsc::channel();
    std::thread::spawn(move || ended.send(output.read_to_end(&mut Vec::new())));
    assert!(end.recv_timeout(SOON).is_ok(), "the child outlived its parent");
}

#[test]
fn a_child_whose_parent_is_gone_already_does_not_start() {
    let dir = tempfile::tempdir().expect("a directory");
    // Process 0 is nobody's parent here.
    let sim = Command::new(PROGRAM).args(["sim", "--site", &empty_site(dir.path()), "--end-with", "0"]).output().expect("it runs");
    assert_eq!(sim.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&sim.stderr).contains("which started this one, has ended"), "{sim:?}");
}
