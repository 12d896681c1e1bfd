//! What one unit of a shared bus cannot do to another, however slow, dead or busy it is.

use crate::rig::{advance, rig};
use crate::scripted::Mood;
use crate::support::name;
use labkeeper_drivers::bus::QUEUE_LEN;
use labkeeper_drivers::{BusOptions, HealthState, Obstacle, WriteError};
use labkeeper_model::Value;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_units_commands_do_not_fill_its_neighbours_queue_or_delay_it() {
    let rig = rig(&[("busy", 1), ("well", 2)], 10_000, 1_000, BusOptions::default());
    let _task = rig.run();
    advance(1_000).await;
    let mut waiting: Vec<_> = (0..QUEUE_LEN).map(|_| rig.write("busy")).collect();
    tokio::task::yield_now().await;
    let more = rig.write("busy");
    let neighbour = rig.write("well");
    neighbour.await.unwrap().expect("there is room for the neighbour");
    assert!(rig.script.count("write holding:0 of 1") <= 2, "it waits for no more than the request under way and one turn");
    waiting.push(more);
    let mut outcomes = vec![];
    for write in waiting {
        outcomes.push(write.await.unwrap());
    }
    let busy = outcomes.iter().filter(|outcome| **outcome == Err(WriteError::NotSent(Obstacle::Busy))).count();
    let done = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert!(busy <= 1 && busy + done == QUEUE_LEN + 1, "{outcomes:?}");
    assert_eq!(rig.bus.stats().devices[&name("well")].queues.writes_refused, 0);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_is_one_devices_own() {
    let rig = rig(&[("busy", 1), ("well", 2)], 10_000, 1_000, BusOptions::default());
    // No task takes anything out yet.
    let waiting: Vec<_> = (0..=QUEUE_LEN).map(|_| rig.write("busy")).collect();
    let neighbour = rig.write("well");
    advance(1).await;
    let refused = waiting.iter().filter(|write| write.is_finished()).count();
    assert_eq!((refused, neighbour.is_finished()), (1, false));
    let stats = rig.bus.stats();
    assert_eq!((stats.devices[&name("busy")].queues.writes, stats.devices[&name("well")].queues.writes), (QUEUE_LEN, 1));
}

/// How many times a unit was polled within 400 s in which its neighbour is dead, with an interval of 100 ms and a time-out of 10 s,
/// 57 % of whose time would be the dead one's if only its back-off held it.
async fn polls_beside_a_dead_neighbour(commands: bool) -> usize {
    let rig = rig(&[("dead", 1), ("well", 2)], 100, 10_000, BusOptions::default());
    let _task = rig.run();
    advance(1_000).await;
    rig.script.set(1, Mood::Dead);
    let before = rig.script.count("read holding:0 of 2");
    let (bus, dead) = (rig.bus.clone(), name("dead"));
    let flood = tokio::spawn(async move {
        if !commands {
            return;
        }
        loop {
            let refused = bus.write(&dead, &name("a"), Value::U64(1), || Ok(())).await;
            assert!(refused.is_err());
            advance(10).await;
        }
    });
    advance(400_000).await;
    flood.abort();
    let stats = rig.bus.stats();
    assert_eq!(stats.devices[&name("dead")].health, HealthState::Offline);
    assert_eq!(stats.devices[&name("well")].health, HealthState::Online);
    assert_eq!(stats.devices[&name("well")].poll_interval_effective, Duration::from_millis(100));
    assert!(stats.devices[&name("dead")].errors.timeout >= 8, "it is tried: {stats:?}");
    rig.script.count("read holding:0 of 2") - before
}

#[tokio::test(start_paused = true)]
async fn a_dead_unit_leaves_its_neighbour_two_thirds_of_its_polls() {
    // 4,000 polls at the declared interval; 2,667 at one and a half times that.
    let polls = polls_beside_a_dead_neighbour(false).await;
    assert!(polls >= 2_667, "{polls} of 4,000");
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_commands_for_a_dead_unit_changes_nothing_about_that() {
    let polls = polls_beside_a_dead_neighbour(true).await;
    assert!(polls >= 2_667, "{polls} of 4,000");
}
