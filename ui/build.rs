//! Turns `ui/dist` into a table of files inside the crate.
//!
//! It never runs npm and never touches a network: a machine without Node builds everything else. Without `ui/dist` the crate
//! holds one page that says how to build it, and cargo shows a warning; with the feature `require-ui` that is an error, so that nothing
//! is released or demonstrated without its UI. `LABKEEPER_UI_DIST` names another folder, for packagers who build the page elsewhere.

#[path = "embed/pack.rs"]
mod pack;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

const DIST_VARIABLE: &str = "LABKEEPER_UI_DIST";

fn main() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let dist = env::var_os(DIST_VARIABLE).map_or_else(|| here.join("dist"), PathBuf::from);
    println!("cargo::rerun-if-env-changed={DIST_VARIABLE}");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=embed");
    println!("cargo::rerun-if-changed={}", dist.display());

    let present = dist.join("index.html").is_file();
    if !present {
        say_missing(&dist, env::var_os("CARGO_FEATURE_REQUIRE_UI").is_some())?;
    }
    let root = if present { dist } else { here.join("embed/absent") };
    let files = pack::files_below(&root)?;
    let out = PathBuf::from(env::var("OUT_DIR")?).join("assets.rs");
    fs::write(out, pack::table(present, &files)?)?;
    Ok(())
}

/// Ends the build, or warns, as the feature `require-ui` asks.
fn say_missing(dist: &Path, required: bool) -> Result<(), String> {
    let found = format!("the web UI is not built: no index.html in {}", dist.display());
    if required {
        return Err(format!("{found}. Run `make ui` (npm ci && npm run build in ui/), or set {DIST_VARIABLE}."));
    }
    println!("cargo::warning={found}. The API works, and / says how to build the page: `make ui`.");
    Ok(())
}
