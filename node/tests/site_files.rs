//! Bad site files and what a person is told about each: every mistake, with its line, key and remedy.
//!
//! `site_files/NAME.toml` is a file, `site_files/NAME.txt` what reading it says. To add a case, write the first and run
//! `UPDATE=1 cargo test -p labkeeper --test site_files`, then read what it wrote.

use labkeeper::config::SiteFile;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// What reading a file says, a line for each finding.
fn told(path: &Path) -> String {
    let name = path.file_name().expect("a file").to_string_lossy();
    let text = std::fs::read_to_string(path).expect("a readable file");
    match SiteFile::parse(&text, &name) {
        Ok(file) => {
            let mut told = format!("accepted: {} devices, {} tags\n", file.site.devices.len(), file.site.tags().count());
            file.warnings.iter().for_each(|warning| writeln!(told, "warning: {warning}").expect("a String takes text"));
            told
        }
        Err(error) => format!("{error}\n"),
    }
}

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/site_files");
    let mut cases: Vec<PathBuf> = std::fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").path()).collect();
    cases.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    cases.sort();
    cases
}

#[test]
fn each_bad_file_is_told_as_written_down() {
    let update = std::env::var_os("UPDATE").is_some();
    let mut differing = String::new();
    for case in cases() {
        let (told, kept) = (told(&case), case.with_extension("txt"));
        if update {
            std::fs::write(&kept, &told).expect("the expectation can be written");
        }
        let expected = std::fs::read_to_string(&kept).unwrap_or_default();
        if told != expected {
            writeln!(differing, "{}:\n--- expected\n{expected}--- told\n{told}", case.display()).expect("a String takes text");
        }
    }
    assert!(differing.is_empty(), "{differing}");
}

#[test]
fn nothing_of_a_refused_file_is_accepted() {
    for case in cases() {
        let refused = told(&case).starts_with("LAB");
        let name = case.file_stem().expect("a name").to_string_lossy().into_owned();
        assert_eq!(refused, !name.starts_with("good-"), "{name}: only files named good- are accepted");
    }
}

/// Whatever bytes a file has, reading it ends with findings or a declaration, never with a panic.
#[test]
fn a_file_cut_off_anywhere_is_refused_or_accepted_without_a_panic() {
    for case in cases() {
        let text = std::fs::read_to_string(&case).expect("a readable file");
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            if let Err(error) = SiteFile::parse(&text[..end], "cut.toml") {
                assert!(error.findings.iter().any(labkeeper::config::Finding::is_error), "a refusal without a reason, cut at {end}");
            }
        }
    }
}
