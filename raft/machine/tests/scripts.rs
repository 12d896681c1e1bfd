//! Scripts in the language of the domain, with the answers beside them: what the machine does, for an operator to read.
//!
//! A script (`tests/scripts/*.txt`) is a list of blocks: commands, a line `----`, and what they print, up to an empty line.
//! `UPDATE=1 cargo test -p labkeeper-machine --test scripts` writes what they print into the files; look at the difference.

mod script;

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
