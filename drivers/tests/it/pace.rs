//! A bus that cannot keep its interval takes a longer one, evenly, and says so.

use crate::rig::{advance, rig};
use crate::support::name;
use labkeeper_drivers::BusOptions;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn polls_that_take_too_long_get_an_even_longer_interval_and_their_own_back() {
    let rig = rig(&[("slow", 1)], 100, 1_000, BusOptions::default());
    let _task = rig.run();
    advance(1_000).await;
    assert_eq!(rig.bus.stats().devices[&name("slow")].overruns, 0);
    rig.script.set_latency(Duration::from_millis(250));
    advance(5_000).await;
    let slow = rig.bus.stats().devices[&name("slow")].clone();
    assert_eq!(slow.poll_interval_effective, Duration::from_millis(400), "{slow:?}");
    assert_eq!(slow.overruns, 3, "and from then on there are none");
    let polls: Vec<u64> = rig.script.since(3_000).iter().map(|(at, _)| *at).collect();
    assert!(polls.len() >= 4 && polls.windows(2).all(|pair| pair[1] - pair[0] == 400), "{polls:?}");
    rig.script.set_latency(Duration::from_millis(10));
    advance(10_000).await;
    assert_eq!(rig.bus.stats().devices[&name("slow")].poll_interval_effective, Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn a_bus_with_too_many_units_slows_all_of_them() {
    let units: Vec<(String, u8)> = (1..=20).map(|unit| (format!("u{unit:02}"), unit)).collect();
    let units: Vec<(&str, u8)> = units.iter().map(|(unit_name, unit)| (unit_name.as_str(), *unit)).collect();
    let rig = rig(&units, 100, 1_000, BusOptions::default());
    let _task = rig.run();
    advance(60_000).await;
    // 20 requests of 10 ms are 200 ms: twice what there is. Who waits longest takes a longer interval first, which makes room for others.
    let stats = rig.bus.stats();
    let share: f64 = stats.devices.values().map(|device| 0.010 / device.poll_interval_effective.as_secs_f64()).sum();
    assert!(share <= 1.1, "the intervals ask for {share} of the bus: {stats:?}");
    let overruns = || rig.bus.stats().devices.values().map(|device| device.overruns).sum::<u64>();
    let before = overruns();
    advance(60_000).await;
    // Of some 6,000 polls; at the declared intervals it would be each of them.
    assert!(overruns() - before <= 300, "and there are few overruns left: {}", overruns() - before);
}
