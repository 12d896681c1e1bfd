//! Compiles the protos without `protoc`: protox (pure Rust) reads them, tonic and pbjson generate from its descriptors.

use prost::Message as _;
use std::path::{Path, PathBuf};

const FILES: &[&str] = &[
    "value",
    "alarm",
    "error",
    "site",
    "tag",
    "command",
    "cluster",
    "control",
    "interlock",
    "live",
    "tree",
    "audit",
    "notice",
    "record",
    "record_alarm",
    "record_authority",
    "record_interlock",
    "record_notice",
    "record_operate",
    "record_reply",
    "snapshot",
];
const PEER: &str = "peer";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files: Vec<PathBuf> = FILES.iter().chain([&PEER]).map(|name| root.join(format!("labkeeper/v1/{name}.proto"))).collect();
    for file in &files {
        println!("cargo::rerun-if-changed={}", file.display());
    }
    let descriptors = protox::compile(&files, [root])?;
    let encoded = descriptors.encode_to_vec();
    std::fs::write(Path::new(&std::env::var("OUT_DIR")?).join("descriptors.bin"), &encoded)?;

    tonic_prost_build::configure()
        .bytes(".labkeeper.v1.LogEntry.batch")
        .bytes(".labkeeper.v1.Batch.commands")
        .bytes(".labkeeper.v1.SnapshotChunk.data")
        .btree_map(".")
        .compile_fds(descriptors)?;
    // Canonical JSON for what crosses HTTP; the peers' own messages stay binary.
    pbjson_build::Builder::new().register_descriptors(&encoded)?.btree_map(["."]).build(&[".labkeeper.v1"])?;
    Ok(())
}
