//! Scripts in the language of the domain, with the answers beside them: what the machine does, for an operator to read.
//!
//! A script (`tests/scripts/*.txt`) is a list of blocks: commands, a line `----`, and what they print, up to an empty line.
//! `UPDATE=1 cargo test -p labkeeper-machine --test scripts` writes what they print into the files; look at the difference.

mod script;

use labkeeper_model::{CommandState, ErrorCode};
use script::{player::Player, words};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

#[test]
#[expect(clippy::disallowed_methods, reason = "reads and writes scripts; the machine that it plays them to does neither")]
fn every_script_prints_what_it_says() {
    let update = std::env::var_os("UPDATE").is_some();
    let mut wrong = Vec::new();
    for path in scripts() {
        let expected = std::fs::read_to_string(&path).expect("a readable script");
        let printed = play(&expected).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        if update {
            std::fs::write(&path, &printed).expect("a writable script");
        } else if printed != expected {
            wrong.push(format!("{}:\n{}", path.display(), first_difference(&expected, &printed)));
        }
    }
    assert!(wrong.is_empty(), "{}\nIf this is as it should be, run again with UPDATE=1.", wrong.join("\n"));
}

fn scripts() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let files = std::fs::read_dir(folder).expect("the folder of scripts").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|extension| extension == "txt")).collect();
    files.sort();
    assert!(!files.is_empty(), "there are no scripts");
    files
}

/// What keeps a command from being committed, as people distinguish it, with the code by which it is told. There are no permissions: every
/// name is believed.
const REJECTIONS: [(&str, ErrorCode); 7] = [
    ("limit", ErrorCode::OutOfLimits),
    ("interlock", ErrorCode::InterlockTripped),
    ("authority", ErrorCode::ControlTaken),
    ("precondition", ErrorCode::RevisionConflict),
    ("mode", ErrorCode::Held),
    ("busy", ErrorCode::TooManyActions),
    ("selection", ErrorCode::SelectionNeeded),
];

#[test]
fn every_state_of_a_command_has_a_row_that_reaches_it() {
    let script = include_str!("scripts/terminal_states.txt");
    let row = |name: &str| {
        let mut blocks = script.split("\n\n");
        let is_it = |line: &str| line.strip_prefix("# Row ").is_some_and(|row| row == name || row.starts_with(&format!("{name}:")));
        let block = blocks.find(|block| block.lines().any(is_it)).unwrap_or_else(|| panic!("no row for {name}"));
        block.split_once("----\n").map(|(_, printed)| printed).unwrap_or_default()
    };
    for state in CommandState::ALL {
        let printed = row(state.as_str());
        let is_before_the_log = matches!(state, CommandState::Received | CommandState::Validated);
        // As a step with its time, or as how a setpoint stands.
        let is_reached = [format!(" {state} 10"), format!(", {state}, by")].iter().any(|told| printed.contains(told));
        let wanted = if is_before_the_log { printed.contains("reported, 2 refused") } else { is_reached };
        assert!(wanted, "{state} is not reached in its row:\n{printed}");
    }
    for (kind, code) in REJECTIONS {
        let printed = row(&format!("rejected: {kind}"));
        assert!(printed.lines().any(|line| line.contains(": rejected ") && line.contains(&code.to_string())), "{kind}:\n{printed}");
    }
}

/// The script as it should be: its commands with what they print.
fn play(script: &str) -> Result<String, String> {
    let mut player = Player::default();
    let mut out = String::new();
    let mut lines = script.lines().enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        writeln!(out, "{line}").map_err(|error| error.to_string())?;
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut commands = vec![line.to_owned()];
        for (_, line) in lines.by_ref().take_while(|(_, line)| *line != "----") {
            writeln!(out, "{line}").map_err(|error| error.to_string())?;
            commands.push(line.to_owned());
        }
        out.push_str("----\n");
        for command in words::join_indented(&commands) {
            out.push_str(&player.play(&command).map_err(|error| format!("block of line {}: {command:?}: {error}", number + 1))?);
        }
        while lines.next_if(|(_, line)| !line.is_empty()).is_some() {}
    }
    Ok(out)
}

fn first_difference(expected: &str, printed: &str) -> String {
    let pairs = expected.lines().zip(printed.lines()).enumerate();
    match pairs.into_iter().find(|(_, (expected, printed))| expected != printed) {
        Some((n, (expected, printed))) => format!("line {}:\n  expected {expected}\n  printed  {printed}", n + 1),
        None => format!("{} lines expected, {} printed", expected.lines().count(), printed.lines().count()),
    }
}
