//! A disk that is full: the node ends with a clear error instead of limping on, and with space again it has everything that
//! it acknowledged. Needs root for a small file system of its own.

use anyhow::{Context as _, ensure};
use labkeeper_proto::v1::value::Kind;
use labkeeper_tests::client::setpoint;
use labkeeper_tests::lab::SETPOINTS;
use labkeeper_tests::{Cluster, Oracle, wait};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Longest time until the node has noticed: the disk is full after some two thousand setpoints, which take seconds.
const NOTICED_MAX: Duration = Duration::from_secs(60);
/// Room for a store of some thousand entries, and filled within seconds.
const DISK_MIB: u32 = 24;

/// A small file system, unmounted when dropped.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(at)?;
        run("mount", &["-t", "tmpfs", "-o", &format!("size={DISK_MIB}m"), "tmpfs", &at.display().to_string()])?;
        Ok(Self(at.to_path_buf()))
    }

    fn grow(&self) -> anyhow::Result<()> {
        run("mount", &["-o", &format!("remount,size={}m", 10 * DISK_MIB), &self.0.display().to_string()])
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a process that still holds a file there does not keep the mount.
        let _ = run("umount", &["-l", &self.0.display().to_string()]);
    }
}

fn run(program: &str, args: &[&str]) -> anyhow::Result<()> {
    let output = Command::new(program).args(args).output()?;
    ensure!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

#[tokio::test]
async fn a_full_disk_ends_the_node_with_a_clear_error_and_loses_nothing() -> anyhow::Result<()> {
    if !rustix::process::geteuid().is_root() {
        println!("SKIPPED: mounting a small file system needs root");
        return Ok(());
    }
    let mut cluster = Cluster::start(1).await?;
    cluster.nodes[0].stop().await?;
    let data_dir = cluster.nodes[0].data_dir();
    let kept = cluster.dir().join("kept");
    std::fs::rename(&data_dir, &kept)?;
    let disk = Disk::mount(&data_dir)?;
    run("cp", &["-a", &format!("{}/.", kept.display()), &data_dir.display().to_string()])?;
    cluster.nodes[0].start().await?;
    cluster.settled().await?;

    let mut oracle = Oracle::default();
    fill(&data_dir)?;
    let began = Instant::now();
    let mut value = 0;
    while cluster.nodes[0].process()?.ended()?.is_none() {
        ensure!(began.elapsed() < NOTICED_MAX, "after {value} setpoints and {NOTICED_MAX:?} the node still runs");
        let tag = format!("cryo/bank-cryo/s{:02}", value % SETPOINTS as u64);
        if let Ok(command) = cluster.nodes[0].client.set(setpoint(&tag, Kind::Unsigned(value))).await {
            oracle.told(command).map_err(anyhow::Error::msg)?;
        }
        value += 1;
    }
    let status = cluster.nodes[0].process()?.end(wait::SOON).await?;
    let log = cluster.nodes[0].log();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("LAB1008"), "{log}");
    println!("{} setpoints were acknowledged before the disk was full", oracle.len());
    assert!(!oracle.is_empty(), "nothing was acknowledged, so nothing could be lost");

    disk.grow()?;
    cluster.nodes[0].start().await?;
    cluster.settled().await?;
    for told in oracle.commands() {
        let command = cluster.nodes[0].client.command(&told.id).await.context("an acknowledged command")?;
        assert_eq!((command.revision, command.log_index), (told.revision, told.log_index));
    }
    cluster.finish()
}

/// Takes all space but 2 MiB with a file of zeros.
fn fill(dir: &Path) -> anyhow::Result<()> {
    let free = rustix::fs::statvfs(dir)?;
    let bytes = (free.f_bavail * free.f_frsize).saturating_sub(2 << 20);
    std::fs::write(dir.join("ballast"), vec![0; usize::try_from(bytes)?])?;
    Ok(())
}
