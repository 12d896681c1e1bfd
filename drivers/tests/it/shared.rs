//! Units that share a connection, and devices that share nothing.

use crate::support::{Bus, device, impatient, lab, name, tag};
use labkeeper_drivers::sim::Fault;
use labkeeper_drivers::{BusOptions, HealthState, buses};
use labkeeper_model::site::ValueType;
use labkeeper_model::{BadReason, Quality, Value};

#[tokio::test]
async fn a_dead_unit_does_not_starve_its_neighbour() {
    let of = |unit| device("127.0.0.1:1", unit, "bank", &[("a", tag("holding:0", ValueType::U16))]);
    let mut lab = lab(&[("dead", impatient(of(1))), ("well", of(2))]).await;
    lab.inject("dead", Some(Fault::NoAnswer));
    let (mut failures, mut good) = (0, 0);
    while failures < 4 {
        let reading = lab.readings.next().await;
        match (reading.device.as_str(), reading.sample.quality) {
            ("dead", Quality::Bad(BadReason::Timeout)) => (failures, good) = (failures + 1, if failures == 0 { 0 } else { good }),
            ("well", Quality::Good) => good += 1,
            ("dead", Quality::Good) if failures == 0 => {}
            other => panic!("{other:?}"),
        }
    }
    // Three tries of 300 ms with at least three times that between them: 2.7 s, or 135 polls of 20 ms on an idle machine.
    assert!(good >= 30, "the neighbour was read {good} times while the dead unit was tried three times");
    let stats = lab.bus.stats();
    assert_eq!(stats.devices[&name("dead")].health, HealthState::Offline);
    assert_eq!(stats.devices[&name("well")].health, HealthState::Online);
}

#[tokio::test]
async fn units_keep_their_values_apart() {
    let of = |unit| device("127.0.0.1:1", unit, "bank", &[("a", tag("holding:0", ValueType::U16))]);
    let lab = lab(&[("one", of(1)), ("two", of(2))]).await;
    lab.set("one", "a", Value::U64(1)).await.unwrap();
    lab.set("two", "a", Value::U64(2)).await.unwrap();
    assert_eq!(lab.get("one", "a").await.value, Some(Value::U64(1)));
    assert_eq!(lab.get("two", "a").await.value, Some(Value::U64(2)));
    let writes: Vec<(String, u8)> = lab.plant.writes().into_iter().map(|write| (write.device, write.unit)).collect();
    assert_eq!(writes, [("one".to_owned(), 1), ("two".to_owned(), 2)]);
}

#[tokio::test]
async fn a_unit_that_nobody_has_is_a_timeout_seen_by_the_gateway() {
    let mut wrong = device("127.0.0.1:1", 1, "bank", &[("a", tag("holding:0", ValueType::U16))]);
    let mut lab = lab(&[("there", wrong.clone())]).await;
    lab.readings.wait_good("a").await;
    wrong.address = lab.plant.address("there").unwrap().to_string();
    wrong.unit_id = 99;
    let spec = buses([(name("not-there"), wrong)].into_iter()).remove(0);
    let mut bus = Bus::start(spec, BusOptions::default());
    bus.readings.wait_bad("a", BadReason::Timeout).await;
    bus.stop().await;
}

#[tokio::test]
async fn nobody_listening_is_a_communication_failure_for_every_tag() {
    // A port that was free a moment ago, with nobody behind it.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let tags = [("a", tag("holding:0", ValueType::U16)), ("b", tag("coil:7", ValueType::Bool))];
    let of = |unit| device(&address, unit, "bank", &tags);
    let spec = buses([(name("one"), of(1)), (name("two"), of(2))].into_iter()).remove(0);
    let mut bus = Bus::start(spec, BusOptions::default());
    for expected in [("one", "a"), ("one", "b"), ("two", "a"), ("two", "b")] {
        let reading = bus.readings.next().await;
        assert_eq!((reading.device.as_str(), reading.tag.as_str()), expected);
        assert_eq!((reading.sample.value, reading.sample.quality), (None, Quality::Bad(BadReason::CommFailure)));
    }
    let guard = || panic!("asked although there is no connection");
    let error = bus.bus.write(&name("one"), &name("a"), Value::U64(1), guard).await.unwrap_err();
    assert!(!error.may_have_reached(), "{error}");
    assert_eq!(error.code(), labkeeper_model::ErrorCode::DeviceUnreachable);
    bus.stop().await;
}

#[tokio::test]
async fn a_device_that_floods_disturbs_no_other_bus() {
    let of = |address: &str| device(address, 1, "bank", &[("a", tag("holding:0", ValueType::U16))]);
    let mut well = lab(&[("well", of("127.0.0.1:1"))]).await;
    let mut flooding = lab(&[("flooding", of("127.0.0.1:1"))]).await;
    flooding.inject("flooding", Some(Fault::Flood));
    for _ in 0..3 {
        flooding.readings.wait_bad("a", BadReason::Protocol).await;
    }
    well.readings.clear();
    for _ in 0..10 {
        assert_eq!(well.readings.next().await.sample.quality, Quality::Good);
    }
    let stats = well.bus.stats();
    assert_eq!((stats.errors().total(), stats.connects), (0, 1));
    flooding.inject("flooding", None);
    flooding.readings.wait_good("a").await;
}
