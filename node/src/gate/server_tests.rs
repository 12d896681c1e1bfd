use super::*;
use rustix::io::ioctl_fionread;
use std::net::SocketAddr;

/// A gate before a device, and the directory with what it remembers.
struct Stand {
    dir: tempfile::TempDir,
    device: TcpListener,
    gate: SocketAddr,
    serving: tokio::task::JoinHandle<()>,
}

impl Stand {
    async fn new() -> Self {
        let device = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let (gate, serving) = serve(&dir, &device).await;
        Self { dir, device, gate, serving }
    }

    /// Ends the gate and starts another one with the same file.
    async fn restart(&mut self) {
        self.serving.abort();
        let _ = (&mut self.serving).await;
        (self.gate, self.serving) = serve(&self.dir, &self.device).await;
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.gate).await.unwrap()
    }

    /// A connection that has said a line, and the answer; empty if the gate closed without one.
    async fn claim(&self, line: &str) -> (TcpStream, String) {
        let mut node = self.connect().await;
        node.write_all(line.as_bytes()).await.unwrap();
        let answer = read_answer(&mut node).await;
        (node, answer)
    }

    /// A connection that has passed, and its other end at the device.
    async fn pass(&self, epoch: Epoch, name: &str) -> (TcpStream, TcpStream) {
        let line = line(epoch, name);
        let (claimed, accepted) = tokio::join!(self.claim(&line), self.device.accept());
        assert_eq!(claimed.1, "OK");
        (claimed.0, accepted.unwrap().0)
    }

    fn remembered(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("state")).unwrap_or_default()
    }
}

async fn serve(dir: &tempfile::TempDir, device: &TcpListener) -> (SocketAddr, tokio::task::JoinHandle<()>) {
    let mut options = GateOptions::new(device.local_addr().unwrap().to_string());
    options.claim_timeout = Duration::from_millis(300);
    let open = || Gate::open(options.clone(), &dir.path().join("state"));
    let gate = loop {
        match open() {
            // An earlier gate of this test is being ended: its last task lets the file go.
            Err(MemoryError::InUse { .. }) => tokio::task::yield_now().await,
            opened => break opened.unwrap(),
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (listener.local_addr().unwrap(), tokio::spawn(Arc::new(gate).serve(listener)))
}

fn line(epoch: Epoch, node: &str) -> String {
    format!("LABKEEPER-GATE/1 segment=cryo epoch={epoch} node={node}\n")
}

async fn read_answer(node: &mut TcpStream) -> String {
    let mut answer = vec![];
    while let Ok(byte) = node.read_u8().await {
        if byte == b'\n' {
            break;
        }
        answer.push(byte);
    }
    String::from_utf8(answer).unwrap()
}

/// How many bytes arrive until the connection ends, and whether it ends in a reset.
async fn drain(stream: &mut TcpStream) -> (usize, bool) {
    let (mut total, mut piece) = (0, vec![0; 65_536]);
    loop {
        match stream.read(&mut piece).await {
            Ok(0) => return (total, false),
            Ok(length) => total += length,
            Err(error) => return (total, error.kind() == io::ErrorKind::ConnectionReset),
        }
    }
}

#[tokio::test]
async fn bytes_pass_unchanged_both_ways() {
    let stand = Stand::new().await;
    let (mut node, mut device) = stand.pass(1, "a").await;
    let sent: Vec<u8> = (0..1_000_000_u32).map(|n| (n * 7 % 251) as u8).collect();
    let echo = async {
        let (mut from, mut to) = device.split();
        tokio::io::copy(&mut from, &mut to).await.unwrap();
        to.shutdown().await.unwrap();
    };
    let talk = async {
        let (mut from, mut to) = node.split();
        let send = async {
            to.write_all(&sent).await.unwrap();
        };
        let mut received = vec![0; sent.len()];
        let (_, read) = tokio::join!(send, from.read_exact(&mut received));
        read.unwrap();
        assert_eq!(received, sent);
    };
    tokio::select! {
        () = talk => {}
        () = echo => panic!("the device's end closed first"),
    }
}

/// The promise: whatever an earlier connection had sent, and the gate had not handed over when it answered OK to a newer claim, never
/// reaches the device. The device does not read, so that bytes of the earlier connection are queued everywhere: at the device's machine, at the
/// gate's, in the gate and at the node's.
#[tokio::test]
async fn nothing_of_an_older_epoch_arrives_after_the_newer_was_answered() {
    let stand = Stand::new().await;
    let (mut node, mut device) = stand.pass(1, "a").await;
    let flood = tokio::spawn(async move {
        let piece = [b'x'; 16_384];
        while node.write_all(&piece).await.is_ok() {}
    });
    // Until every queue is full: nothing more arrives at the device's machine.
    let mut arrived = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let now = ioctl_fionread(&device).unwrap();
        if now > 0 && now == arrived {
            break;
        }
        arrived = now;
    }
    let (_newer, _) = stand.pass(2, "b").await;
    let arrived = ioctl_fionread(&device).unwrap();
    let (total, reset) = drain(&mut device).await;
    assert!(total as u64 <= arrived, "{total} bytes were read, and {arrived} had arrived");
    assert!(reset, "the earlier connection ends in a reset");
    flood.await.unwrap();
}

#[tokio::test]
async fn a_claim_passes_only_when_the_earlier_connection_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let gate = Gate::open(GateOptions::new("127.0.0.1:1"), &dir.path().join("state")).unwrap();
    let claim = Claim::parse_fields("segment=cryo epoch=1 node=a").unwrap();
    let Ok(first) = gate.decide(&claim).await else { panic!("the first claim passes") };
    let mut second = std::pin::pin!(gate.decide(&claim));
    tokio::select! {
        biased;
        _ = &mut second => panic!("passed while the earlier connection was open"),
        () = first.cut.cancelled() => {}
    }
    assert!(futures::poll!(&mut second).is_pending());
    assert!(!gate.turns.is(first.turn), "it has lost its turn already");
    drop(first.closed);
    assert!(second.await.is_ok());
}

#[tokio::test]
async fn an_older_claim_is_told_the_newest_and_a_later_one_cuts() {
    let stand = Stand::new().await;
    let (mut first, mut at_device) = stand.pass(5, "a").await;
    assert_eq!(stand.claim(&line(4, "b")).await.1, "STALE epoch=5");
    first.write_all(b"still").await.unwrap();
    let mut received = [0; 5];
    at_device.read_exact(&mut received).await.unwrap();
    assert_eq!(&received, b"still", "a stale claim disturbs nobody");

    let (_second, _) = stand.pass(6, "b").await;
    assert_eq!(drain(&mut first).await, (0, true));
    assert_eq!(drain(&mut at_device).await, (0, true));
    assert_eq!(stand.claim(&line(5, "a")).await.1, "STALE epoch=6");
}

#[tokio::test]
async fn an_owner_that_comes_back_replaces_its_own_connection_and_nobody_elses() {
    let stand = Stand::new().await;
    let (mut first, _at_device) = stand.pass(5, "a").await;
    assert_eq!(stand.claim(&line(5, "b")).await.1, "BAD another node has this epoch");
    let (_again, _) = stand.pass(5, "a").await;
    assert_eq!(drain(&mut first).await, (0, true), "a device is talked to by one connection");
}

#[tokio::test]
async fn a_gate_that_restarts_still_knows() {
    let mut stand = Stand::new().await;
    let (_node, _device) = stand.pass(41, "a").await;
    assert_eq!(stand.remembered(), "labkeeper-gate 1\nsegment=cryo epoch=41 node=a\n", "on disk before it is answered");
    stand.restart().await;
    assert_eq!(stand.claim(&line(40, "b")).await.1, "STALE epoch=41");
    let (_node, _device) = stand.pass(42, "b").await;
}

#[tokio::test]
async fn a_claim_counts_though_the_device_is_out_of_reach() {
    let mut stand = Stand::new().await;
    // A port that nobody listens on any more.
    let gone = std::mem::replace(&mut stand.device, TcpListener::bind("127.0.0.1:0").await.unwrap());
    drop(gone);
    assert_eq!(stand.claim(&line(7, "a")).await.1, "", "closed without an answer: the device cannot be reached");
    assert_eq!(stand.claim(&line(6, "b")).await.1, "STALE epoch=7");
}

#[tokio::test]
async fn a_gate_that_cannot_remember_lets_nobody_new_through() {
    let stand = Stand::new().await;
    let (_node, _device) = stand.pass(1, "a").await;
    // Where the new state would be written first, there is a directory.
    std::fs::create_dir(stand.dir.path().join("state.new")).unwrap();
    let (_, refused) = stand.claim(&line(2, "b")).await;
    assert!(refused.starts_with("BAD this gate cannot remember"), "{refused}");
    let (_same, _device) = stand.pass(1, "a").await;
}

#[tokio::test]
async fn what_is_no_claim_is_refused_and_closed() {
    let stand = Stand::new().await;
    for garbage in ["GET / HTTP/1.1\r\n", "\n", "LABKEEPER-GATE/2 segment=cryo epoch=1 node=a\n", &format!("{}\n", "x".repeat(1_000))] {
        let (mut node, answer) = stand.claim(garbage).await;
        assert!(answer.starts_with("BAD not a claim"), "{garbage:?}: {answer:?}");
        assert_eq!(drain(&mut node).await.0, 0);
    }
    let (mut node, answer) = stand.claim(&line(0, "a")).await;
    assert_eq!((answer.as_str(), drain(&mut node).await.0), ("BAD no epoch", 0));
    assert_eq!(stand.remembered(), "", "nothing of it is remembered");
}

#[tokio::test]
async fn a_slow_claim_is_cut_and_holds_nobody_up() {
    let stand = Stand::new().await;
    let mut slow = stand.connect().await;
    slow.write_all(b"LABKEEPER-GATE/1 segment=").await.unwrap();
    let (_node, _device) = stand.pass(1, "a").await;
    assert_eq!(read_answer(&mut slow).await, "BAD no claim in time");
    assert_eq!(drain(&mut slow).await.0, 0);
}
