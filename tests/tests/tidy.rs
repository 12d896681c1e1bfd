//! The repository's tidiness as a test: every rule says why it exists, and what to do when it is broken.
//!
//! `UPDATE=1` rewrites the one page that is generated, `docs/errors/README.md`.

use labkeeper_model::ErrorCode;
use labkeeper_tests::repo::{self, File, manifest, text};
use std::fmt::Write as _;

const SOURCES: [&str; 8] = [".rs", ".proto", ".ts", ".mjs", ".svelte", ".css", ".py", ".sh"];
const TEXTS: [&str; 13] = [".rs", ".proto", ".ts", ".mjs", ".svelte", ".css", ".html", ".py", ".sh", ".toml", ".yml", ".md", "Makefile"];

/// Most lines of a source file: what a person reads in one sitting.
const FILE_LINES_MAX: usize = 500;
/// Most lines of a function: one screen.
const FUNCTION_LINES_MAX: usize = 70;

/// Files that are longer, with the length that they may not exceed. The ratchet: a number here may only fall, and a file
/// leaves the list when it fits.
const LONG_FILES: &[(&str, usize)] = &[];

fn fail_with(rule: &str, wrong: &[String]) {
    assert!(wrong.is_empty(), "{rule}\n  {}", wrong.join("\n  "));
}

#[test]
fn files_are_short() -> anyhow::Result<()> {
    let mut wrong = Vec::new();
    for file in repo::files_ending(&SOURCES)? {
        let lines = file.text.lines().count();
        match LONG_FILES.iter().find(|(path, _)| *path == file.path) {
            Some((_, most)) if lines > *most => wrong.push(format!("{}: {lines} lines, the ratchet is at {most}", file.path)),
            Some((_, most)) if lines < *most => wrong.push(format!("{}: {lines} lines; lower its ratchet from {most}", file.path)),
            None if lines > FILE_LINES_MAX => wrong.push(format!("{}: {lines} lines", file.path)),
            _ => {}
        }
    }
    fail_with("A file holds one concept and at most 500 lines; split it by concept.", &wrong);
    Ok(())
}

#[test]
fn functions_fit_a_screen() -> anyhow::Result<()> {
    let mut wrong = Vec::new();
    for file in repo::files_ending(&[".rs"])? {
        let long = text::functions(&file.text).into_iter().filter(|f| f.lines > FUNCTION_LINES_MAX);
        wrong.extend(long.map(|f| format!("{}:{} fn {} has {} lines", file.path, f.line, f.name, f.lines)));
    }
    fail_with("A function has at most 70 lines; name its parts.", &wrong);
    Ok(())
}

#[test]
fn comments_read_the_same_in_a_year() -> anyhow::Result<()> {
    // Put together here so that this file does not break its own rule.
    let marks = [["TO", "DO"].concat(), ["FIX", "ME"].concat(), ["XX", "X"].concat(), ["HA", "CK"].concat()];
    let phrases = [["no lon", "ger"].concat(), ["for no", "w"].concat(), ["tempo", "rary hack"].concat()];
    let mut wrong = Vec::new();
    for file in repo::files_ending(&TEXTS)?.iter().filter(|file| file.path != "CHANGELOG.md") {
        for word in marks.iter().chain(&phrases) {
            wrong.extend(text::lines_with_word(&file.text, word).iter().map(|line| format!("{}:{line} says {word:?}", file.path)));
        }
    }
    fail_with("An open end belongs into an issue, and a text says what is, not what was or may be.", &wrong);
    Ok(())
}

#[test]
fn every_rust_file_says_why_it_exists() -> anyhow::Result<()> {
    let headless: Vec<_> = repo::files_ending(&[".rs"])?
        .into_iter()
        // A file of unit tests shares the header of the file that it is named after.
        .filter(|file| !file.path.ends_with("_tests.rs") && !file.text.starts_with("//!"))
        .map(|file| file.path)
        .collect();
    fail_with("A file begins with `//!`: why it exists, its states, what it knows nothing of.", &headless);
    Ok(())
}

#[test]
fn lines_end_clean() -> anyhow::Result<()> {
    let mut wrong = Vec::new();
    for file in repo::files_ending(&TEXTS)? {
        let tabs_allowed = file.path.ends_with("Makefile");
        for (at, line) in file.text.lines().enumerate() {
            if line.ends_with([' ', '\t', '\r']) {
                wrong.push(format!("{}:{} ends in white space", file.path, at + 1));
            }
            if !tabs_allowed && line.contains('\t') {
                wrong.push(format!("{}:{} has a tab", file.path, at + 1));
            }
        }
        if !file.text.is_empty() && !file.text.ends_with('\n') {
            wrong.push(format!("{} does not end in a line end", file.path));
        }
    }
    fail_with("Invisible differences make noisy reviews.", &wrong);
    Ok(())
}

#[test]
fn no_path_of_somebodys_machine() -> anyhow::Result<()> {
    let mut private = vec![["/ro", "ot/"].concat(), ["/ho", "me/"].concat(), ["/Us", "ers/"].concat()];
    let root = repo::root();
    // A checkout directly under `/` has a name that may occur anywhere.
    private.extend((root.components().count() > 2).then(|| root.display().to_string()));
    let mut wrong = Vec::new();
    for file in repo::files_ending(&TEXTS)? {
        for (at, line) in file.text.lines().enumerate() {
            wrong.extend(private.iter().filter(|path| line.contains(*path)).map(|path| format!("{}:{} has {path}", file.path, at + 1)));
        }
    }
    fail_with("A path of one machine means nothing on the next.", &wrong);
    Ok(())
}

#[test]
fn links_lead_somewhere() -> anyhow::Result<()> {
    let mut wrong = Vec::new();
    for file in repo::files_ending(&[".md"])? {
        let dir = repo::root().join(&file.path).parent().map(std::path::Path::to_path_buf).unwrap_or_default();
        let broken = text::links_to_files(&file.text).into_iter().filter(|target| !dir.join(target).exists());
        wrong.extend(broken.map(|target| format!("{} links to {target}", file.path)));
    }
    fail_with("A broken link sends a reader away.", &wrong);
    Ok(())
}

#[test]
fn every_program_is_documented() -> anyhow::Result<()> {
    let pages: Vec<File> = repo::files_ending(&[".md"])?;
    let programs = manifest::crates()?.into_iter().flat_map(|package| package.programs);
    let unknown: Vec<_> = programs.filter(|name| !pages.iter().any(|page| page.text.contains(&format!("`{name}")))).collect();
    fail_with("A program that no page names is one that nobody runs.", &unknown);
    Ok(())
}

const ERRORS_PAGE: &str = "docs/errors/README.md";
const GENERATED: &str = "<!-- From here on written by `make fix` from proto/model/src/code.rs. -->\n";

#[test]
fn every_error_code_has_its_entry() -> anyhow::Result<()> {
    let path = repo::root().join(ERRORS_PAGE);
    let page = std::fs::read_to_string(&path)?;
    let Some((head, _)) = page.split_once(GENERATED) else { anyhow::bail!("{ERRORS_PAGE} has lost its line {GENERATED:?}") };
    let wanted = format!("{head}{GENERATED}{}", error_entries());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &wanted)?;
    } else {
        assert!(page == wanted, "{ERRORS_PAGE} differs from the table of codes: run `make fix`");
    }
    Ok(())
}

fn error_entries() -> String {
    let mut page = String::new();
    for (code, name, summary, remedy) in ErrorCode::TABLE {
        // Writing into a String cannot fail.
        let _ = write!(page, "\n### {code} {name}\n\n{summary}\n\n**What to do:** {remedy}\n");
    }
    page
}
