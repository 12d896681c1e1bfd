//! A full disk stops the node with a code of its own; what was acknowledged is there once there is room again.

use crate::harness::{Node, PATIENCE, apply_site, set, value};
use labkeeper_model::{ErrorCode, Value};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::Instant;

/// A small disk in memory at a path.
struct Small<'a>(&'a Path);

impl<'a> Small<'a> {
    fn mount(at: &'a Path, size: &str) -> Option<Self> {
        let options = format!("size={size}");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(at).output().ok()?;
        mounted.status.success().then_some(Self(at))
    }

    fn grow(&self, size: &str) {
        let options = format!("remount,size={size}");
        let grown = Command::new("mount").args(["-o", &options]).arg(self.0).status().expect("mount");
        assert!(grown.success());
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        // Lazily, as a thread of a dead node may still have a file open.
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_the_node_and_loses_nothing() {
    let place = tempfile::tempdir().expect("a directory");
    let Some(small) = Small::mount(place.path(), "12m") else {
        println!("SKIPPED: the test of a full disk: mounting a small one needs root");
        return;
    };
    let dir = || TempDir::with_prefix_in("node", place.path()).expect("room");
    let node = Node::start_with("a", dir(), None, |_| {}).await;
    node.cluster.initialize(node.info()).await.expect("a site");
    apply_site(&node.cluster).await;
    let mut acknowledged = 0;
    let until = Instant::now() + PATIENCE;
    let fault = loop {
        let writing = node.cluster.propose(large(acknowledged + 1), Instant::now() + Duration::from_secs(5));
        tokio::select! {
            fault = node.cluster.fatal() => break fault,
            outcome = writing => match outcome {
                Ok(_) => acknowledged += 1,
                Err(error) => assert!(Instant::now() < until, "{error}"),
            },
        }
    };
    assert_eq!(fault.code, ErrorCode::DiskFull, "{fault}");
    assert!(acknowledged > 10, "full after {acknowledged}");

    small.grow("64m");
    let (dir, address) = node.kill();
    let node = Node::start_with("a", dir, Some(address), |_| {}).await;
    tokio::time::timeout(PATIENCE, node.cluster.recovered()).await.expect("recovery");
    let Some(Value::F64(found)) = value(&node.cluster) else { panic!("no setpoint") };
    // One more may have been written without anybody having been told.
    assert!(found >= f64::from(acknowledged), "{acknowledged} were acknowledged, the last is {found}");
    assert_eq!(node.cluster.read(|m| m.recent_commands().count()) as u64, found as u64);
    node.kill();
}

/// A setpoint that takes some room.
fn large(number: u32) -> labkeeper_machine::Command {
    let mut command = set(number.into());
    if let labkeeper_machine::Command::SubmitSetpoint(request) = &mut command {
        request.reason = "x".repeat(450);
    }
    command
}
