//! A bus's task ends badly, and its successor goes on with the same handles: what a supervisor relies on.

use crate::rig::{Rig, advance, rig};
use crate::scripted::Mood;
use labkeeper_drivers::{BusOptions, Obstacle, WriteError};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

const STOPPED: WriteError = WriteError::NotSent(Obstacle::Stopped);

fn units() -> Rig {
    rig(&[("bad", 1), ("well", 2)], 100, 1_000, BusOptions::default())
}

#[tokio::test(start_paused = true)]
async fn a_panic_answers_what_waits_and_the_next_task_goes_on() {
    let rig = units();
    let task = rig.run();
    advance(1_005).await;
    let (milestones, requests) = (rig.bus.milestones(), rig.bus.stats().requests);
    rig.script.set(1, Mood::Panic);
    // A poll of the other unit is under way; this one is the next command, and panics in the driver.
    let (sent, waiting) = (rig.write("bad"), rig.write("well"));
    assert!(task.await.unwrap_err().is_panic());
    assert!(matches!(sent.await.unwrap(), Err(WriteError::MayHaveReached(_))), "its frame had left");
    assert_eq!(waiting.await.unwrap(), Err(STOPPED));
    assert_eq!(rig.write("well").await.unwrap(), Err(STOPPED), "nobody is there to carry it out");
    assert_eq!(rig.script.count("dropped"), 1, "the driver and its connection are gone");
    assert_eq!(rig.bus.write_records().len(), 1, "the journal has the write that was cut short");

    rig.script.set(1, Mood::Well);
    let _task = rig.run();
    assert_eq!(rig.write("well").await.unwrap().map(|_| ()), Ok(()), "it has been read before, by the same owner");
    advance(1_000).await;
    assert_eq!(rig.bus.milestones(), milestones);
    assert!(rig.bus.stats().requests > requests + 15, "counters go on: {:?}", rig.bus.stats());
}

#[tokio::test(start_paused = true)]
async fn a_hanging_driver_is_seen_by_its_lack_of_progress() {
    let rig = units();
    let last = Arc::new(Mutex::new(Instant::now()));
    let mark = Arc::clone(&last);
    let task = rig.run_with(Arc::new(move || *mark.lock().unwrap() = Instant::now()));
    advance(1_000).await;
    assert!(last.lock().unwrap().elapsed() <= Duration::from_millis(100));
    rig.script.set(1, Mood::Hang);
    advance(60_000).await;
    assert!(last.lock().unwrap().elapsed() > rig.factory.longest_turn());
    let waiting = rig.write("well");
    advance(1).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(waiting.await.unwrap(), Err(STOPPED));
    rig.script.set(1, Mood::Well);
    let _task = rig.run();
    assert!(rig.write("well").await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_idle_bus_reports_progress_every_second() {
    let rig = rig(&[("rare", 1)], 3_600_000, 1_000, BusOptions::default());
    let turns = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&turns);
    let _task = rig.run_with(Arc::new(move || {
        count.fetch_add(1, Ordering::SeqCst);
    }));
    advance(60_500).await;
    assert!((60..70).contains(&turns.load(Ordering::SeqCst)), "{turns:?}");
    assert_eq!(rig.script.count("read"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_was_given_up_gets_no_more_commands() {
    let rig = units();
    let first = rig.run();
    advance(1_000).await;
    let second = rig.run();
    advance(1_000).await;
    assert!(first.is_finished() && !second.is_finished());
    assert!(rig.write("well").await.unwrap().is_ok());
    assert_eq!(rig.script.count("dropped"), 1);
}
