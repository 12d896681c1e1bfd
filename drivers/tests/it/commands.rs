//! The order of things on a bus, under a paused clock: nothing here depends on how fast the machine is.

use crate::scripted::Script;
use crate::support::{Readings, device, name, tag};
use labkeeper_drivers::bus::{Fate, QUEUE_LEN};
use labkeeper_drivers::{BusHandle, BusOptions, Clock, Obstacle, WriteError, buses};
use labkeeper_model::site::{TagSpec, ValueType};
use labkeeper_model::{Timestamp, Value};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A clock that stands still, as one that was set back does for a while.
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp(1_000)
    }

    fn boot_ns(&self) -> u64 {
        1_000
    }
}

/// When the second poll begins: 100 ms to connect and ten requests of 100 ms.
const READY_MS: u64 = 1_100;

struct Bus {
    bus: BusHandle,
    script: Script,
    readings: Readings,
    cancel: CancellationToken,
    task: JoinHandle<()>,
}

/// A device "d" of ten registers with gaps between, so ten requests of 100 ms a poll, polled without a pause. It has been read once.
async fn bus() -> Bus {
    let tags: Vec<(String, TagSpec)> = (0..10).map(|i| (format!("t{i}"), tag(&format!("holding:{}", i * 2), ValueType::U16))).collect();
    let tags: Vec<(&str, TagSpec)> = tags.iter().map(|(tag_name, spec)| (tag_name.as_str(), spec.clone())).collect();
    let spec = buses([(name("d"), device("scripted:1", 1, "bank", &tags))].into_iter()).remove(0);
    let script = Script::new(Duration::from_millis(100));
    let drivers = script.clone();
    let (sink, readings) = Readings::new();
    let (bus, factory) = BusHandle::open_with(move || drivers.driver(), spec, BusOptions::default(), sink, Arc::new(Still));
    let cancel = CancellationToken::new();
    let task = tokio::spawn(factory.task(Arc::new(|| ())).run(cancel.clone()));
    advance(READY_MS + 10).await;
    Bus { bus, script, readings, cancel, task }
}

impl Bus {
    fn write(&self, tag: &str) -> JoinHandle<Result<labkeeper_drivers::Written, WriteError>> {
        let (bus, tag) = (self.bus.clone(), name(tag));
        tokio::spawn(async move {
            let device = name("d");
            let write = bus.write(&device, &tag, Value::U64(1), || Ok(()));
            // Of the paused clock: a write that is never served fails its test instead of polling for ever.
            tokio::time::timeout(Duration::from_secs(60), write).await.expect("the write is served")
        })
    }

    /// What was done since the second poll began.
    fn journal(&self) -> Vec<(u64, String)> {
        self.script.since(READY_MS).into_iter().map(|(at, what)| (at - READY_MS, what)).collect()
    }

    fn deeds(&self, count: usize) -> Vec<String> {
        self.journal().into_iter().map(|(_, what)| what).take(count).collect()
    }
}

async fn advance(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

#[tokio::test(start_paused = true)]
async fn a_write_overtakes_the_rest_of_a_poll() {
    let bus = bus().await;
    advance(140).await;
    // The second request of the poll is under way.
    bus.write("t9").await.unwrap().unwrap();
    let seen: Vec<(u64, String)> = bus.journal().into_iter().take(3).collect();
    let expected = [(0, "read holding:0 of 1"), (100, "read holding:2 of 1"), (200, "write holding:18 of 1")];
    assert_eq!(seen, expected.map(|(at, what)| (at, what.to_owned())));
    advance(10).await;
    assert_eq!(bus.journal()[3], (300, "read holding:4 of 1".into()), "and the poll goes on where it was");
}

#[tokio::test(start_paused = true)]
async fn a_write_goes_before_a_read_and_both_before_polls() {
    let bus = bus().await;
    advance(40).await;
    let (handle, tag) = (bus.bus.clone(), name("t8"));
    let read = tokio::spawn(async move { handle.read(&name("d"), &tag).await });
    advance(10).await;
    let write = bus.write("t9");
    write.await.unwrap().unwrap();
    read.await.unwrap().unwrap();
    assert_eq!(bus.deeds(3), ["read holding:0 of 1", "write holding:18 of 1", "read holding:16 of 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_commands_leaves_polls_their_turn() {
    let bus = bus().await;
    advance(40).await;
    let flood: Vec<_> = (0..4)
        .map(|_| {
            let handle = bus.bus.clone();
            tokio::spawn(async move {
                loop {
                    let _ = handle.write(&name("d"), &name("t0"), Value::U64(1), || Ok(())).await;
                }
            })
        })
        .collect();
    advance(60_000).await;
    flood.iter().for_each(JoinHandle::abort);
    let journal = bus.journal();
    let polls = journal.iter().filter(|(_, what)| what.starts_with("read")).count();
    let writes = journal.iter().filter(|(_, what)| what.starts_with("write")).count();
    // 600 requests of 100 ms, of which one in 33 is a poll's.
    assert!((16..=20).contains(&polls), "{polls} polls among {writes} writes");
    assert!(writes >= 570, "{writes}");
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_at_once() {
    let bus = bus().await;
    // A request of a poll is under way meanwhile, and nothing is taken out of the queue.
    let waiting: Vec<_> = (0..QUEUE_LEN).map(|_| bus.write("t0")).collect();
    advance(1).await;
    assert_eq!(bus.bus.stats().queues().writes, QUEUE_LEN);
    let refused = bus.write("t0").await.unwrap();
    assert_eq!(refused, Err(WriteError::NotSent(Obstacle::Busy)));
    assert_eq!(bus.bus.stats().queues().writes_refused, 1);
    assert_eq!(bus.bus.mailbox(), (QUEUE_LEN, 2 * QUEUE_LEN, 1));
    for write in waiting {
        assert!(write.await.unwrap().is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_gave_up_is_not_served() {
    let bus = bus().await;
    let given_up = bus.write("t0");
    advance(1).await;
    given_up.abort();
    bus.write("t1").await.unwrap().unwrap();
    let writes: Vec<String> = bus.deeds(usize::MAX).into_iter().filter(|what| what.starts_with("write")).collect();
    assert_eq!(writes, ["write holding:2 of 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_gives_up_while_the_socket_is_full_is_not_served_either() {
    let bus = bus().await;
    bus.script.set_full(Duration::from_millis(50));
    let given_up = bus.write("t0");
    advance(110).await;
    given_up.abort();
    bus.write("t1").await.unwrap().unwrap();
    let writes: Vec<String> = bus.deeds(usize::MAX).into_iter().filter(|what| what.starts_with("write")).collect();
    assert_eq!(writes, ["write holding:2 of 1"]);
    let fates: Vec<Fate> = bus.bus.write_records().into_iter().map(|entry| entry.fate).collect();
    assert_eq!(fates, [Fate::NotSent, Fate::Acknowledged], "it had got as far as the socket");
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_at_once_and_says_what_may_have_been_sent() {
    let bus = bus().await;
    let sent = bus.write("t0");
    advance(100).await;
    let queued = bus.write("t1");
    advance(1).await;
    bus.cancel.cancel();
    let stopped_at = tokio::time::Instant::now();
    bus.task.await.unwrap();
    assert_eq!(stopped_at.elapsed(), Duration::ZERO, "the request under way is not waited for");
    assert!(matches!(sent.await.unwrap(), Err(WriteError::MayHaveReached(_))));
    assert_eq!(queued.await.unwrap(), Err(WriteError::NotSent(Obstacle::Stopped)));
    assert_eq!(bus.script.since(0).last().unwrap().1, "dropped", "the driver and its connection are gone");
}

#[tokio::test(start_paused = true)]
async fn times_of_a_tag_increase_even_if_the_clock_stands_still() {
    let mut bus = bus().await;
    let mut last = None;
    for _ in 0..50 {
        let reading = bus.readings.next().await;
        if reading.tag == "t0" {
            assert!(last < Some(reading.sample.time), "{last:?} {:?}", reading.sample.time);
            last = Some(reading.sample.time);
        }
    }
    assert!(last > Some(Timestamp(1_000)));
}
