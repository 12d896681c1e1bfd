//! What leaves a node, and what does not leave it any more once it has lost its right.

use crate::support::{Bus, bank, device, loopback, name, plant, tag};
use labkeeper_drivers::bus::Fate;
use labkeeper_drivers::sim::Fault;
use labkeeper_drivers::{BusHandle, BusOptions, BusSpec, Clock, Obstacle, Sink, SystemClock, WriteError, buses};
use labkeeper_model::site::ValueType;
use labkeeper_model::{Name, Sample, Value};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_refused_write_costs_no_connection() {
    let lab = bank(&[("a", tag("holding:0", ValueType::U16))]).await;
    let connects = lab.bus.stats().connects;
    for _ in 0..10 {
        let refused = lab.bus.write(&name("bank"), &name("a"), Value::U64(1), || Err("too late".into())).await;
        assert_eq!(refused, Err(WriteError::NotSent(Obstacle::Guard("too late".into()))));
        assert!(lab.bus.read(&name("bank"), &name("a")).await.is_ok());
    }
    assert_eq!((lab.bus.stats().connects, lab.bus.stats().errors().total()), (connects, 0));
    assert_eq!(lab.plant.writes(), []);
}

#[tokio::test]
async fn the_owners_permit_is_asked_before_the_commands_guard() {
    let permitted = Arc::new(AtomicBool::new(true));
    let permit = Arc::clone(&permitted);
    let permit = move || if permit.load(Ordering::SeqCst) { Ok(()) } else { Err("the lease has ended".to_owned()) };
    let (plant, spec) = plant(&[("bank", device("127.0.0.1:1", 1, "bank", &[("a", tag("holding:0", ValueType::U16))]))], loopback()).await;
    let bus = Bus::start(spec, BusOptions { permit: Arc::new(permit), ..BusOptions::default() });
    bus.pass(|device| device.first_reading_at.is_some()).await;
    bus.bus.write(&name("bank"), &name("a"), Value::U64(1), || Ok(())).await.unwrap();
    permitted.store(false, Ordering::SeqCst);
    let refused = bus.bus.write(&name("bank"), &name("a"), Value::U64(2), || panic!("there is nothing to ask any more")).await;
    assert_eq!(refused, Err(WriteError::NotSent(Obstacle::Guard("the lease has ended".into()))));
    assert_eq!(plant.writes().len(), 1);
    assert!(bus.bus.read(&name("bank"), &name("a")).await.is_ok(), "readings need no permit");
    bus.stop().await;
}

#[tokio::test]
async fn every_write_is_in_the_journal_with_its_times_and_its_right() {
    let (plant, spec) = plant(&[("bank", device("127.0.0.1:1", 1, "bank", &[("a", tag("holding:0", ValueType::U16))]))], loopback()).await;
    let bus = Bus::start(spec, BusOptions { epoch: 42, session: 7, ..BusOptions::default() });
    bus.pass(|device| device.first_reading_at.is_some()).await;
    let began = SystemClock.boot_ns();
    let (bank, a) = (name("bank"), name("a"));
    bus.bus.write(&bank, &a, Value::U64(1), || Ok(())).await.unwrap();
    bus.bus.write(&bank, &a, Value::U64(2), || Err("no".into())).await.unwrap_err();
    plant.inject("bank", Some(Fault::Exception { code: 4 }));
    bus.bus.write(&bank, &a, Value::U64(3), || Ok(())).await.unwrap_err();
    let ended = SystemClock.boot_ns();
    let [done, unsent, refused] = bus.bus.write_records().try_into().expect("three writes");
    for entry in [&done, &unsent, &refused] {
        assert_eq!((&entry.device, &entry.tag, entry.epoch, entry.session), (&bank, &Some(a.clone()), 42, 7));
    }
    assert_eq!([done.fate, unsent.fate, refused.fate], [Fate::Acknowledged, Fate::NotSent, Fate::Refused]);
    let times = [Some(began), done.checked_boot_ns, done.sent_boot_ns, done.acknowledged_boot_ns, Some(ended)];
    assert!(times.iter().all(Option::is_some) && times.is_sorted(), "{times:?}");
    assert!(unsent.checked_boot_ns.is_some() && unsent.sent_boot_ns.is_none() && refused.acknowledged_boot_ns.is_none());
    let [first, _] = plant.writes().try_into().expect("two arrived");
    assert!(done.checked_boot_ns <= Some(first.time_boot_ns) && Some(first.time_boot_ns) <= done.acknowledged_boot_ns, "one clock");
    bus.stop().await;
}

/// A device that takes one connection, answers its first request or not, and watches how the connection ends.
struct Watcher {
    spec: BusSpec,
    requested: oneshot::Receiver<()>,
    served: JoinHandle<io::Result<usize>>,
}

async fn watcher(answers: bool) -> Watcher {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let spec = bank_at(&listener.local_addr().unwrap().to_string());
    let (request_seen, requested) = oneshot::channel();
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        let mut request = [0; 12];
        stream.read_exact(&mut request).await?;
        let _ = request_seen.send(());
        if answers {
            // One register, which holds 7.
            let answer = [request[0], request[1], 0, 0, 0, 5, request[6], 3, 2, 0, 7];
            stream.write_all(&answer).await?;
        }
        stream.read(&mut [0; 64]).await
    });
    Watcher { spec, requested, served }
}

fn bank_at(address: &str) -> BusSpec {
    buses([(name("bank"), device(address, 1, "bank", &[("a", tag("holding:0", ValueType::U16))]))].into_iter()).remove(0)
}

impl Watcher {
    async fn is_requested(&mut self) {
        tokio::time::timeout(PATIENCE, &mut self.requested).await.expect("a request arrives").unwrap();
    }

    /// An orderly end would deliver what the kernel still queues.
    async fn ended_by_reset(self) -> bool {
        let ended = tokio::time::timeout(PATIENCE, self.served).await.expect("the connection ends").unwrap();
        matches!(ended, Err(error) if error.kind() == io::ErrorKind::ConnectionReset)
    }
}

#[tokio::test]
async fn a_stop_resets_the_connection() {
    let mut device = watcher(false).await;
    let bus = Bus::start(device.spec.clone(), BusOptions::default());
    device.is_requested().await;
    bus.stop().await;
    assert!(device.ended_by_reset().await);
}

#[tokio::test]
async fn an_aborted_task_resets_the_connection() {
    let mut device = watcher(false).await;
    let bus = Bus::start(device.spec.clone(), BusOptions::default());
    device.is_requested().await;
    bus.task.abort();
    assert!(device.ended_by_reset().await);
}

/// Where the child of the next test connects to.
const CHILD_OF: &str = "LABKEEPER_TEST_DEVICE";

#[tokio::test]
async fn a_killed_process_resets_the_connection() {
    if let Ok(address) = std::env::var(CHILD_OF) {
        // This is the child: it has a request under way until it is killed.
        return Bus::start(bank_at(&address), BusOptions::default()).task.await.unwrap();
    }
    let mut device = watcher(false).await;
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "leaving::a_killed_process_resets_the_connection"])
        .env(CHILD_OF, &device.spec.address)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    device.is_requested().await;
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(device.ended_by_reset().await);
}

/// Panics at the first sample.
struct Fragile;

impl Sink for Fragile {
    fn sample(&self, _: &Name, _: &Name, _: Sample) {
        panic!("the sink panics, as it was told to");
    }
}

#[tokio::test]
async fn a_panic_resets_the_connection() {
    let device = watcher(true).await;
    let sink = Arc::new(Fragile);
    let (_bus, factory) = BusHandle::open(device.spec.clone(), BusOptions::default(), sink, Arc::new(SystemClock));
    let task = tokio::spawn(factory.task(Arc::new(|| ())).run(CancellationToken::new()));
    assert!(tokio::time::timeout(PATIENCE, task).await.unwrap().unwrap_err().is_panic());
    assert!(device.ended_by_reset().await);
}
