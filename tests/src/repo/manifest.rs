//! The workspace's Cargo.toml files: which crate depends on which. Read as files, so it needs neither cargo nor a network.

use super::root;
use anyhow::Context as _;
use std::collections::BTreeSet;

/// One crate of the workspace.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The package's name.
    pub name: String,
    /// Its directory from the repository's root.
    pub dir: String,
    /// What its own code may use: `[dependencies]`, for every target.
    pub dependencies: BTreeSet<String>,
    /// What its tests may use besides: `[dev-dependencies]`.
    pub dev_dependencies: BTreeSet<String>,
    /// Names of its programs.
    pub programs: Vec<String>,
    /// The file as it is.
    pub table: toml::Table,
}

/// The root's Cargo.toml.
///
/// # Errors
/// When it cannot be read.
pub fn workspace() -> anyhow::Result<toml::Table> {
    read("Cargo.toml")
}

/// Every crate of the workspace.
///
/// # Errors
/// When a Cargo.toml is missing or has no name.
pub fn crates() -> anyhow::Result<Vec<Manifest>> {
    let members = workspace()?["workspace"]["members"].as_array().cloned().context("[workspace] members")?;
    members.iter().map(|member| load(member.as_str().context("a member's path")?)).collect()
}

fn load(dir: &str) -> anyhow::Result<Manifest> {
    let table = read(&format!("{dir}/Cargo.toml"))?;
    let name = table["package"]["name"].as_str().context("package.name")?.to_owned();
    let programs = table.get("bin").and_then(|bin| bin.as_array()).into_iter().flatten();
    let programs = programs.filter_map(|bin| bin.get("name")?.as_str()).map(str::to_owned).collect();
    Ok(Manifest {
        name,
        dir: dir.to_owned(),
        dependencies: names(&table, "dependencies"),
        dev_dependencies: names(&table, "dev-dependencies"),
        programs,
        table,
    })
}

/// The packages of a section, also of its `[target.*]` variants, under their real names.
fn names(table: &toml::Table, section: &str) -> BTreeSet<String> {
    let targets = table.get("target").and_then(|t| t.as_table()).into_iter().flat_map(|t| t.values());
    let sections = targets.filter_map(|target| target.get(section)).chain(table.get(section));
    sections
        .filter_map(|section| section.as_table())
        .flatten()
        .map(|(key, value)| value.get("package").and_then(|p| p.as_str()).unwrap_or(key).to_owned())
        .collect()
}

fn read(path: &str) -> anyhow::Result<toml::Table> {
    let text = std::fs::read_to_string(root().join(path)).with_context(|| format!("reading {path}"))?;
    text.parse().with_context(|| format!("parsing {path}"))
}
