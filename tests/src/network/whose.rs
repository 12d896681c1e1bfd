//! Which node is at the other end of a connection on this machine.
//!
//! All nodes dial from one loopback address, so the address does not tell. The kernel does: its table of sockets names the
//! inode of each, and a process' open files name the inodes that it holds.

use std::net::{SocketAddr, SocketAddrV4};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// The process that a node is at present, shared with whoever asks. 0 before its first start.
#[derive(Clone, Debug, Default)]
pub struct NodePid(Arc<AtomicU32>);

impl NodePid {
    /// The node has been started as this process.
    pub fn set(&self, pid: u32) {
        self.0.store(pid, Ordering::Relaxed);
    }

    fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The node that holds the far end of a connection: `far` is its address as we see it, `near` is ours. `None` if no node
/// holds it (any more).
pub(super) fn whose(nodes: &[NodePid], far: SocketAddr, near: SocketAddr) -> Option<usize> {
    let (SocketAddr::V4(far), SocketAddr::V4(near)) = (far, near) else { return None };
    let table = std::fs::read_to_string("/proc/net/tcp").ok()?;
    let inode = inode(&table, far, near)?;
    nodes.iter().position(|node| holds(node.get(), inode))
}

/// The inode of the socket from `local` to `remote` in the kernel's table.
fn inode(table: &str, local: SocketAddrV4, remote: SocketAddrV4) -> Option<u64> {
    let (local, remote) = (as_in_table(local), as_in_table(remote));
    // sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
    let row = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        (columns.get(1) == Some(&local.as_str()) && columns.get(2) == Some(&remote.as_str())).then(|| columns.get(9)?.parse().ok())?
    };
    table.lines().find_map(row)
}

/// The kernel prints an IPv4 address as one number in the machine's own byte order.
fn as_in_table(address: SocketAddrV4) -> String {
    format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port())
}

fn holds(pid: u32, inode: u64) -> bool {
    let wanted = format!("socket:[{inode}]");
    let files = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    files.filter_map(|file| std::fs::read_link(file.path()).ok()).any(|target| target == Path::new(&wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_connection_is_traced_to_its_process() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let dialled = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (_accepted, far) = listener.accept().unwrap();
        assert_eq!(far, dialled.local_addr().unwrap());
        let nodes = [NodePid::default(), NodePid::default()];
        assert_eq!(whose(&nodes, far, listener.local_addr().unwrap()), None, "no node runs");
        nodes[1].set(std::process::id());
        assert_eq!(whose(&nodes, far, listener.local_addr().unwrap()), Some(1));
        assert_eq!(whose(&nodes, far, "127.0.0.1:1".parse().unwrap()), None, "another connection");
    }
}
