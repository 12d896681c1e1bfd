//! A small disk for a node's data, to be filled up, and a slow one. Both need root.

use anyhow::{Context as _, bail, ensure};
use rustix::fs::{major, minor, stat, statvfs};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Left free by [`SmallDisk::fill`]: what a node writes within seconds, so that it meets the end in its own work.
const LEFT_BYTES: u64 = 2 << 20;

/// A file system in memory, unmounted when dropped.
#[derive(Debug)]
pub struct SmallDisk {
    at: PathBuf,
    mib: u32,
}

impl SmallDisk {
    /// Mounts an empty one at a directory, which is made if it is missing.
    ///
    /// # Errors
    /// When mounting is refused.
    pub fn mount(at: &Path, mib: u32) -> anyhow::Result<Self> {
        std::fs::create_dir_all(at)?;
        run("mount", &["-t", "tmpfs", "-o", &format!("size={mib}m"), "tmpfs", &at.display().to_string()])?;
        Ok(Self { at: at.to_path_buf(), mib })
    }

    /// Takes all its space but 2 MiB with a file of zeros.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn fill(&self) -> anyhow::Result<()> {
        let free = statvfs(&self.at)?;
        let bytes = (free.f_bavail * free.f_frsize).saturating_sub(LEFT_BYTES);
        std::fs::write(self.at.join("ballast"), vec![0; usize::try_from(bytes)?])?;
        Ok(())
    }

    /// Gives it ten times its size.
    ///
    /// # Errors
    /// When mounting is refused.
    pub fn grow(&self) -> anyhow::Result<()> {
        run("mount", &["-o", &format!("remount,size={}m", 10 * self.mib), &self.at.display().to_string()])
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a process that still holds a file there does not keep the mount.
        let _ = run("umount", &["-l", &self.at.display().to_string()]);
    }
}

/// Runs a program of the system to its end.
///
/// # Errors
/// When it fails: with what it said.
pub fn run(program: &str, args: &[&str]) -> anyhow::Result<()> {
    let output = Command::new(program).args(args).output().with_context(|| format!("starting {program}"))?;
    ensure!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// Where Linux keeps the groups that bound what processes write: cgroups of version 1.
const GROUPS: &str = "/sys/fs/cgroup/blkio";

/// A bound on how often a process writes to its disk per second. It is kept by the kernel's block layer, so an `fdatasync`
/// takes as long as on a disk that is that slow. Dropping it lifts the bound.
#[derive(Debug)]
pub struct SlowDisk {
    group: PathBuf,
}

impl SlowDisk {
    /// Bounds a process' writes to the disk that `path` is on.
    ///
    /// # Errors
    /// When this machine cannot do it: the reason.
    pub fn slow_down(pid: u32, path: &Path, writes_per_s: u32) -> anyhow::Result<Self> {
        ensure!(Path::new(GROUPS).join("blkio.throttle.write_iops_device").exists(), "the machine has no {GROUPS}");
        let disk = whole_disk(path)?;
        let slow = Self { group: Path::new(GROUPS).join(format!("labkeeper-test-{pid}")) };
        std::fs::create_dir_all(&slow.group)?;
        std::fs::write(slow.group.join("blkio.throttle.write_iops_device"), format!("{disk} {writes_per_s}"))?;
        std::fs::write(slow.group.join("cgroup.procs"), pid.to_string())?;
        Ok(slow)
    }
}

impl Drop for SlowDisk {
    fn drop(&mut self) {
        // A group can be removed when nobody is in it. Each fails only if that process has ended.
        let members = std::fs::read_to_string(self.group.join("cgroup.procs")).unwrap_or_default();
        for pid in members.lines() {
            let _ = std::fs::write(Path::new(GROUPS).join("cgroup.procs"), pid);
        }
        let _ = std::fs::remove_dir(&self.group);
    }
}

/// `MAJOR:MINOR` of the disk that a path is on: bounds are set on disks, not on their partitions.
fn whole_disk(path: &Path) -> anyhow::Result<String> {
    let device = stat(path)?.st_dev;
    let number = format!("{}:{}", major(device), minor(device));
    let block = Path::new("/sys/dev/block").join(&number);
    if !block.exists() {
        bail!("{} is on no disk", path.display());
    }
    if !block.join("partition").exists() {
        return Ok(number);
    }
    Ok(std::fs::read_to_string(block.join("../dev"))?.trim().to_owned())
}
