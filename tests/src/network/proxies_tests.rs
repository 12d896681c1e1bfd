//! Proxies between this process, playing node 0, and a listener that plays a device.

use super::*;
use crate::wait::SOON;
use tokio::time::timeout;

/// Long enough for what passes on loopback, which takes microseconds. Too short a time could hide an error, never invent one.
const QUIET: Duration = Duration::from_millis(50);

struct Bench {
    proxies: Proxies,
    device: TcpListener,
    links: Links,
}

impl Bench {
    async fn start() -> Self {
        let device = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxies = Proxies::start(&["127.0.0.1:1".parse().unwrap()], &[device.local_addr().unwrap()]).unwrap();
        proxies.pid(0).set(std::process::id());
        Self { proxies, device, links: Links::default() }
    }

    async fn dial(&self) -> TcpStream {
        TcpStream::connect(self.proxies.of_device(self.device.local_addr().unwrap())).await.unwrap()
    }

    async fn connected(&self) -> (TcpStream, TcpStream, SocketAddr) {
        let node = self.dial().await;
        let (device, peer) = timeout(SOON, self.device.accept()).await.unwrap().unwrap();
        (node, device, peer)
    }

    fn set(&mut self, change: impl FnOnce(&mut Links)) {
        change(&mut self.links);
        self.proxies.set(&self.links);
    }
}

async fn receive(stream: &mut TcpStream) -> String {
    let mut buffer = [0; 64];
    match timeout(SOON, stream.read(&mut buffer)).await.expect("something arrives") {
        Ok(len) => String::from_utf8_lossy(&buffer[..len]).into_owned(),
        Err(error) => format!("{:?}", error.kind()),
    }
}

async fn hears_nothing(stream: &mut TcpStream) -> bool {
    timeout(QUIET, stream.read(&mut [0; 64])).await.is_err()
}

#[tokio::test]
async fn bytes_pass_both_ways_and_the_device_can_tell_who_it_is() {
    let bench = Bench::start().await;
    let (mut node, mut device, peer) = bench.connected().await;
    assert_eq!(peer.ip(), field_address(0));
    node.write_all(b"question").await.unwrap();
    assert_eq!(receive(&mut device).await, "question");
    device.write_all(b"answer").await.unwrap();
    assert_eq!(receive(&mut node).await, "answer");
    drop(node);
    assert_eq!(receive(&mut device).await, "", "an end is passed on");
}

#[tokio::test]
async fn a_way_is_cut_in_one_direction_and_what_was_held_arrives_when_it_heals() {
    let mut bench = Bench::start().await;
    let (mut node, mut device, _) = bench.connected().await;
    bench.set(|links| links.cut_way(End::Node(0), End::Field));
    node.write_all(b"question").await.unwrap();
    assert!(hears_nothing(&mut device).await);
    device.write_all(b"news").await.unwrap();
    assert_eq!(receive(&mut node).await, "news", "the other direction is open");
    bench.set(Links::heal);
    assert_eq!(receive(&mut device).await, "question");
}

#[tokio::test]
async fn what_was_reset_while_it_was_held_is_never_delivered() {
    let mut bench = Bench::start().await;
    let (mut node, mut device, _) = bench.connected().await;
    bench.set(|links| links.cut(End::Node(0), End::Field));
    node.write_all(b"stale").await.unwrap();
    assert!(hears_nothing(&mut device).await);
    node.set_zero_linger().unwrap();
    drop(node);
    bench.set(Links::heal);
    assert_eq!(receive(&mut device).await, "ConnectionReset");
}

#[tokio::test]
async fn a_connection_is_made_only_when_both_ways_are_open_and_somebody_still_wants_it() {
    let mut bench = Bench::start().await;
    bench.set(|links| links.cut_way(End::Field, End::Node(0)));
    let (gave_up, mut patient) = (bench.dial().await, bench.dial().await);
    assert!(timeout(QUIET, bench.device.accept()).await.is_err());
    drop(gave_up);
    bench.set(Links::heal);
    let (mut device, _) = timeout(SOON, bench.device.accept()).await.unwrap().unwrap();
    patient.write_all(b"at last").await.unwrap();
    assert_eq!(receive(&mut device).await, "at last");
    assert!(timeout(QUIET, bench.device.accept()).await.is_err(), "nobody wants a second one");
}
