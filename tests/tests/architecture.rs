//! Who may depend on whom, as a test with reasons. The compiler guards most of it; this says why, and guards the rest.
//!
//! ```text
//!                  node            composes; nothing depends on it
//!        raft ------+------ drivers ---- supervision   nothing of ours
//!          |    \  ui  /       |
//!       machine  proto         |
//!   alarm, expression          |
//!          +------ model ------+   no dependencies at all
//! ```

use labkeeper_tests::repo::{self, manifest, text};

/// A crate, the crates of ours that it may use, and why no others.
const OURS: &[(&str, &[&str], &str)] = &[
    ("labkeeper-model", &[], "the vocabulary outlives transports, stores and runtimes"),
    ("labkeeper-proto", &["labkeeper-model"], "formats must not follow internal refactors"),
    ("labkeeper-expression", &["labkeeper-model"], "what a condition comes to follows from its text and its inputs alone"),
    ("labkeeper-alarm", &["labkeeper-model"], "the life of an alarm is part of the replicated machine, and as pure"),
    (
        "labkeeper-machine",
        &["labkeeper-alarm", "labkeeper-expression", "labkeeper-model"],
        "the replicated machine is pure: whatever else it saw could differ between replicas",
    ),
    (
        "labkeeper-raft",
        &["labkeeper-alarm", "labkeeper-machine", "labkeeper-model", "labkeeper-proto"],
        "consensus does not care what it replicates about",
    ),
    ("labkeeper-supervision", &[], "it supervises all of it, so it must not know any of it"),
    (
        "labkeeper-drivers",
        &["labkeeper-model", "labkeeper-supervision"],
        "a driver gets a value and a guard, and knows nothing of clusters",
    ),
    ("labkeeper-ui", &[], "the built page is bytes"),
    ("labkeeper-ownership", &["labkeeper-machine", "labkeeper-model"], "its decisions are played in a simulation, so they see no shell"),
    (
        "labkeeper-detect",
        &["labkeeper-expression", "labkeeper-model"],
        "whether an alarm's condition holds follows from readings and time alone",
    ),
    (
        "labkeeper",
        &[
            "labkeeper-detect",
            "labkeeper-alarm",
            "labkeeper-drivers",
            "labkeeper-expression",
            "labkeeper-machine",
            "labkeeper-model",
            "labkeeper-ownership",
            "labkeeper-proto",
            "labkeeper-raft",
            "labkeeper-supervision",
            "labkeeper-ui",
        ],
        "the node composes everything, and nothing else does",
    ),
    ("labkeeper-tests", &["labkeeper-model", "labkeeper-proto"], "system tests see what a client sees"),
    (
        "labkeeper-sim",
        &["labkeeper-machine", "labkeeper-model", "labkeeper-ownership"],
        "the simulated world plays the pure cores, and is its own network, disk, clock and field",
    ),
    (
        "labkeeper-benches",
        &["labkeeper-model", "labkeeper-proto", "labkeeper-supervision", "labkeeper-tests"],
        "a benchmark measures from outside, or a part that stands alone",
    ),
];

/// A crate that uses few foreign ones or none, which, and why.
const FEW_FOREIGN: &[(&str, &[&str], &str)] = &[
    ("labkeeper-model", &[], "vocabulary outlives transports and serialisation libraries"),
    ("labkeeper-alarm", &[], "as the machine, of which it is a part"),
    ("labkeeper-expression", &[], "the machine checks a site's expressions, so this is a part of it, and as pure"),
    (
        "labkeeper-machine",
        &["sha2"],
        "a dependency may read a clock, draw a random number or iterate a HashMap, and replicas would differ; a hash is arithmetic",
    ),
    ("labkeeper-ownership", &[], "as the machine: what it decides must follow from its arguments alone"),
    ("labkeeper-detect", &[], "an hour of readings is played to it in a moment, with the same outcome each time"),
    (
        "labkeeper-supervision",
        &["parking_lot", "rand", "tokio", "tokio-util", "tracing"],
        "what everything else hangs on hangs on little itself, and costs little for each of ten thousand children",
    ),
    ("labkeeper-ui", &[], "the page must build where only Rust is"),
];

/// A foreign crate, the only crates of ours that may name it, and why.
const FOREIGN: &[(&str, &[&str], &str)] = &[
    ("openraft", &["labkeeper-raft"], "its API changes between pre-releases: one crate to port"),
    ("openraft-rt", &["labkeeper-raft"], "as openraft"),
    ("openraft-rt-tokio", &["labkeeper-raft"], "as openraft"),
    ("openraft-rt-sim", &["labkeeper-raft"], "as openraft"),
    ("sled", &["labkeeper-raft"], "its flush is not durable by itself: one place knows how to use it"),
    ("tokio-modbus", &["labkeeper-drivers"], "the node speaks of tags, not of registers"),
    ("axum", &["labkeeper", "labkeeper-tests"], "drivers and consensus serve no HTTP; those who are told do, in tests"),
    ("lettre", &["labkeeper"], "only the leader of a site tells people"),
    ("hyper-rustls", &["labkeeper"], "as lettre"),
    ("clap", &["labkeeper", "labkeeper-benches"], "only programs have arguments"),
];

#[test]
fn our_crates_depend_on_each_other_only_as_drawn() -> anyhow::Result<()> {
    let mut wrong = Vec::new();
    for package in manifest::crates()? {
        let Some((_, allowed, why)) = OURS.iter().find(|(name, ..)| *name == package.name) else {
            wrong.push(format!("{} has no row in OURS: say what it may use, and why", package.name));
            continue;
        };
        let used = package.dependencies.iter().filter(|name| name.starts_with("labkeeper"));
        wrong.extend(used.filter(|name| !allowed.contains(&name.as_str())).map(|name| format!("{} uses {name}: {why}", package.name)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[test]
fn some_crates_use_few_foreign_ones_or_none() -> anyhow::Result<()> {
    let mut wrong = Vec::new();
    for package in manifest::crates()? {
        let Some((_, allowed, why)) = FEW_FOREIGN.iter().find(|(name, ..)| *name == package.name) else { continue };
        let used = package.dependencies.iter().filter(|name| !name.starts_with("labkeeper") && !allowed.contains(&name.as_str()));
        wrong.extend(used.map(|name| format!("{} uses {name}: {why}", package.name)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[test]
fn foreign_crates_stay_where_they_belong() -> anyhow::Result<()> {
    let mut wrong = Vec::new();
    for package in manifest::crates()? {
        for (foreign, allowed, why) in FOREIGN {
            if package.dependencies.contains(*foreign) && !allowed.contains(&package.name.as_str()) {
                wrong.push(format!("{} uses {foreign}, which only {} may: {why}", package.name, allowed.join(", ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[test]
fn a_crate_inherits_the_workspaces_lints() -> anyhow::Result<()> {
    let without: Vec<_> = manifest::crates()?
        .into_iter()
        .filter(|package| package.table.get("lints").and_then(|lints| lints.get("workspace")) != Some(&toml::Value::Boolean(true)))
        .map(|package| package.dir)
        .collect();
    assert!(without.is_empty(), "without `[lints] workspace = true` unsafe code and unwrap pass unseen: {without:?}");
    Ok(())
}

#[test]
fn a_panic_unwinds_in_every_profile() -> anyhow::Result<()> {
    let workspace = manifest::workspace()?;
    let profiles = workspace["profile"].as_table().into_iter().flatten();
    let aborting: Vec<_> =
        profiles.filter(|(_, profile)| profile.get("panic").and_then(|p| p.as_str()) == Some("abort")).map(|(name, _)| name).collect();
    assert!(aborting.is_empty(), "a driver's panic must reach its supervisor, not end the node: {aborting:?}");
    Ok(())
}

/// Where some words may not stand, and why. `(directory, words, reason)`; comments and unit tests are free to use them.
const WORDS: &[(&str, &[&str], &str)] = &[
    (
        "raft/machine/src/",
        &["HashMap", "HashSet", "Instant", "SystemTime", "rand", "tokio", "thread", "println"],
        "replicas must come to the same state from the same entries, so the machine has no clock, chance, order of hashing, or I/O",
    ),
    (
        "raft/alarm/src/",
        &["HashMap", "HashSet", "Instant", "SystemTime", "rand", "tokio", "thread", "println"],
        "as the machine, of which it is a part",
    ),
    (
        "node/ownership/src/",
        &["HashMap", "HashSet", "Instant", "SystemTime", "rand", "tokio", "thread"],
        "a decision about who may drive a device is replayed bit for bit from a seed, so time and chance come in as arguments",
    ),
    (
        "node/detect/src/",
        &["HashMap", "HashSet", "Instant", "SystemTime", "rand", "tokio", "thread"],
        "what is detected follows from readings and time, which come in as arguments",
    ),
    (
        "tests/sim/src/",
        &["HashMap", "HashSet", "Instant", "SystemTime", "tokio", "thread_rng"],
        "a seed is one history, in every process: the world has its own time and chance",
    ),
    (
        "proto/expression/src/",
        &["HashMap", "HashSet", "Instant", "SystemTime", "rand", "tokio", "thread", "println"],
        "an expression is checked by the machine, and comes to the same on every node",
    ),
    ("proto/model/src/", &["HashMap", "Instant", "SystemTime", "tokio"], "the vocabulary is used by the machine"),
    ("node/src/", &["openraft", "sled"], "only raft/ names them"),
    ("drivers/src/", &["openraft", "axum", "tonic"], "drivers know no cluster and serve nobody"),
    ("drivers/supervision/src/", &["labkeeper_model", "HashMap", "SystemTime"], "supervision knows no lab, and plays the same way twice"),
];

#[test]
fn words_that_do_not_belong_in_a_layer_are_absent() -> anyhow::Result<()> {
    let mut wrong = Vec::new();
    for file in repo::files_ending(&[".rs"])? {
        let code = text::rust_code(&file.text);
        for (dir, words, why) in WORDS.iter().filter(|(dir, ..)| file.path.starts_with(dir) && !file.path.contains("tests")) {
            for word in *words {
                let lines = text::lines_with_word(&code, word);
                wrong.extend(lines.iter().map(|line| format!("{}:{line} names {word} in {dir}: {why}", file.path)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}
