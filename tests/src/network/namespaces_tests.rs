//! Two nodes and a plant in namespaces, played by sockets of this process: a thread enters a namespace, opens a socket there, and
//! the socket stays there when the thread is gone.

use super::*;
use crate::wait::SOON;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::net::SocketAddr;
use std::os::fd::AsFd as _;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// Long enough for what passes on one machine. Too short a time could hide an error, never invent one.
const QUIET: Duration = Duration::from_millis(100);

fn inside<T: Send + 'static>(room: &Room, open: impl FnOnce() -> std::io::Result<T> + Send + 'static) -> T {
    let namespace = std::fs::File::open(format!("/proc/{}/ns/net", room.pid())).unwrap();
    let thread = std::thread::spawn(move || {
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
        open().unwrap()
    });
    thread.join().unwrap()
}

async fn connected(from: &Room, to: &Room, at: Ipv4Addr) -> (TcpStream, TcpStream, SocketAddr) {
    let listener = inside(to, move || std::net::TcpListener::bind((at, 7600)));
    let near = inside(from, move || std::net::TcpStream::connect((at, 7600)));
    near.set_nonblocking(true).unwrap();
    listener.set_nonblocking(true).unwrap();
    let listener = TcpListener::from_std(listener).unwrap();
    let (far, peer) = timeout(SOON, listener.accept()).await.unwrap().unwrap();
    (TcpStream::from_std(near).unwrap(), far, peer)
}

async fn receive(stream: &mut TcpStream) -> String {
    let mut buffer = [0; 64];
    let len = timeout(SOON, stream.read(&mut buffer)).await.expect("something arrives").unwrap();
    String::from_utf8_lossy(&buffer[..len]).into_owned()
}

async fn hears_nothing(stream: &mut TcpStream) -> bool {
    timeout(QUIET, stream.read(&mut [0; 64])).await.is_err()
}

#[tokio::test]
async fn links_are_cut_in_one_direction_and_heal() {
    let dir = tempfile::tempdir().unwrap();
    if let Err(error) = allowed() {
        return println!("SKIPPED: {error:#}");
    }
    let mut namespaces = Namespaces::start(2, dir.path()).await.unwrap();
    let (mut a, mut b, _) = connected(&namespaces.nodes[0], &namespaces.nodes[1], Namespaces::for_nodes(1)).await;
    a.write_all(b"before").await.unwrap();
    assert_eq!(receive(&mut b).await, "before");

    let mut links = Links::default();
    links.cut_way(End::Node(0), End::Node(1));
    namespaces.set(&links).unwrap();
    a.write_all(b"held").await.unwrap();
    assert!(hears_nothing(&mut b).await, "a is not heard");
    b.write_all(b"heard").await.unwrap();
    assert_eq!(receive(&mut a).await, "heard");
    let (node, mut device, peer) = connected(&namespaces.nodes[0], &namespaces.plant, Namespaces::for_devices()).await;
    assert_eq!(peer.ip(), Namespaces::field_address(0), "the field network is another one, and tells who it is");

    links.heal();
    links.cut(End::Node(0), End::Field);
    namespaces.set(&links).unwrap();
    assert_eq!(receive(&mut b).await, "held", "TCP repeats what was lost");
    node.try_write(b"lost").unwrap();
    assert!(hears_nothing(&mut device).await);
}

#[tokio::test]
async fn the_namespaces_end_with_their_owner() {
    let dir = tempfile::tempdir().unwrap();
    if let Err(error) = allowed() {
        return println!("SKIPPED: {error:#}");
    }
    let namespaces = Namespaces::start(1, dir.path()).await.unwrap();
    let uplink = format!("/sys/class/net/labkeeper{}", namespaces.number);
    assert!(Path::new(&uplink).exists());
    drop(namespaces);
    let gone = || async {
        ensure!(!Path::new(&uplink).exists(), "{uplink} is still there");
        Ok(())
    };
    wait::until("the link to vanish", SOON, gone).await.unwrap();
}
