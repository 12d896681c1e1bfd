//! Each fault gives its readings the right quality, and they recover when it is lifted.

use crate::support::{bank, device, impatient_bank, lab, tag};
use labkeeper_drivers::Cells;
use labkeeper_drivers::HealthState;
use labkeeper_drivers::sim::{Bind, Fault, Plant, PlantOptions};
use labkeeper_model::site::{Register, ValueType};
use labkeeper_model::{BadReason, Quality, Value};
use std::collections::BTreeMap;
use std::time::Duration;

async fn fault_and_recovery(fault: Fault, reason: BadReason) {
    // Two tags far apart: two requests.
    let mut lab = impatient_bank(&[("a", tag("holding:0", ValueType::U16)), ("b", tag("holding:100", ValueType::U16))]).await;
    lab.set("bank", "a", Value::U64(42)).await.unwrap();
    lab.readings.wait("a", |sample| sample.value == Some(Value::U64(42)) && sample.quality == Quality::Good).await;
    lab.inject("bank", Some(fault));
    let bad = lab.readings.wait_bad("a", reason).await;
    assert_eq!(bad.value, Some(Value::U64(42)), "a bad reading carries the last good value");
    lab.readings.wait_bad("b", reason).await;
    let errors = lab.bus.stats().errors();
    assert!(errors.total() > 0, "{errors:?}");
    lab.inject("bank", None);
    let mut last = bad.time;
    for tag in ["a", "b", "a", "b"] {
        let good = lab.readings.wait_good(tag).await;
        assert!(good.time > bad.time && good.time >= last, "time goes on");
        last = good.time;
    }
    let stats = lab.bus.stats();
    let device = stats.devices.values().next().unwrap();
    assert!(device.last_error.is_some(), "the last error can still be looked at");
    assert!(matches!(device.health, HealthState::Online | HealthState::Degraded));
}

#[tokio::test]
async fn no_answer() {
    fault_and_recovery(Fault::NoAnswer, BadReason::Timeout).await;
}

#[tokio::test]
async fn slower_than_the_timeout() {
    fault_and_recovery(Fault::Slow { ms: 1_000 }, BadReason::Timeout).await;
}

#[tokio::test]
async fn exception() {
    fault_and_recovery(Fault::Exception { code: 4 }, BadReason::DeviceError).await;
}

#[tokio::test]
async fn busy() {
    fault_and_recovery(Fault::Exception { code: 6 }, BadReason::DeviceError).await;
}

#[tokio::test]
async fn gateway_without_answer() {
    fault_and_recovery(Fault::Exception { code: 11 }, BadReason::Timeout).await;
}

#[tokio::test]
async fn garbage() {
    fault_and_recovery(Fault::Garbage, BadReason::Protocol).await;
}

#[tokio::test]
async fn flood() {
    fault_and_recovery(Fault::Flood, BadReason::Protocol).await;
}

#[tokio::test]
async fn disconnect() {
    fault_and_recovery(Fault::Disconnect, BadReason::CommFailure).await;
}

#[tokio::test]
async fn slow_within_the_timeout_is_only_slow() {
    let mut lab = bank(&[("a", tag("holding:0", ValueType::U16))]).await;
    lab.inject("bank", Some(Fault::Slow { ms: 50 }));
    for _ in 0..5 {
        assert_eq!(lab.readings.next().await.sample.quality, Quality::Good);
    }
    let stats = lab.bus.stats();
    let device = &stats.devices[&crate::support::name("bank")];
    assert!(device.skipped >= 3 && device.overruns >= 3, "a poll of 50 ms every 20 ms skips: {stats:?}");
    assert!(device.poll_interval_effective >= Duration::from_millis(80), "and gets more time: {stats:?}");
    assert_eq!(stats.errors().total(), 0);
}

#[tokio::test]
async fn a_stuck_value_stays_as_it_was_while_the_device_goes_on() {
    let mut lab = bank(&[("a", tag("holding:0", ValueType::U16))]).await;
    lab.readings.wait_good("a").await;
    lab.inject("bank", Some(Fault::Stuck));
    lab.set("bank", "a", Value::U64(9)).await.unwrap();
    let first = Register::parse("holding:0").unwrap();
    assert_eq!(lab.plant.peek("bank", first, 1), Some(Cells::Words(vec![9])), "the device took it");
    assert_eq!(lab.get("bank", "a").await.value, Some(Value::U64(0)), "and shows the old value");
    lab.inject("bank", None);
    lab.readings.wait("a", |sample| sample.value == Some(Value::U64(9))).await;
}

#[tokio::test]
async fn a_wrong_address_does_not_take_its_neighbours_along() {
    // The chiller has input registers 0 to 9; 10 and 11 follow at once but do not exist, nor does 100.
    let tags = [
        ("power", tag("input:7", ValueType::U16)),
        ("running_time", tag("input:8", ValueType::U32)),
        ("wrong", tag("input:10", ValueType::F32)),
        ("far", tag("input:100", ValueType::U16)),
    ];
    let mut lab = lab(&[("chiller", device("127.0.0.1:1", 1, "chiller", &tags))]).await;
    for tag in ["wrong", "far"] {
        lab.readings.wait_bad(tag, BadReason::DeviceError).await;
    }
    lab.readings.clear();
    for _ in 0..40 {
        let reading = lab.readings.next().await;
        let bad = Quality::Bad(BadReason::DeviceError);
        let expected = if matches!(reading.tag.as_str(), "wrong" | "far") { bad } else { Quality::Good };
        assert_eq!(reading.sample.quality, expected, "{reading:?}");
    }
    let stats = lab.bus.stats();
    assert_eq!(stats.devices.values().next().unwrap().health, HealthState::Degraded);
}

#[tokio::test]
async fn it_reconnects_after_the_server_was_restarted() {
    let mut lab = bank(&[("a", tag("holding:0", ValueType::U16))]).await;
    lab.readings.wait_good("a").await;
    let address = lab.plant.address("bank").unwrap().to_string();
    lab.plant.stop().await;
    lab.readings.wait_bad("a", BadReason::CommFailure).await;
    let devices = BTreeMap::from([(crate::support::name("bank"), device(&address, 1, "bank", &[]))]);
    let options = PlantOptions { bind: Bind::Declared, ..PlantOptions::default() };
    // Some other test's connection may have been given this very port for a moment.
    let restarted = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            if let Ok(plant) = Plant::start(&devices, options.clone()).await {
                return plant;
            }
            tokio::task::yield_now().await;
        }
    });
    let _plant = restarted.await.expect("the port is free again");
    lab.readings.wait_good("a").await;
    assert!(lab.bus.stats().connects >= 2);
}
