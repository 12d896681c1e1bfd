//! What a new owner's bus does first, and when it says that it has done it.

use crate::rig::{advance, rig};
use crate::scripted::Mood;
use crate::support::{Bus, device, impatient, loopback, name, plant, tag};
use labkeeper_drivers::sim::Fault;
use labkeeper_drivers::{BusOptions, HealthState, Obstacle, WriteError};
use labkeeper_model::Value;
use labkeeper_model::site::{Access, DeviceSpec, Fencing, Register, TagSpec, ValueType};

#[tokio::test(start_paused = true)]
async fn nothing_is_written_before_the_first_reading() {
    let rig = rig(&[("plc", 1)], 100, 1_000, BusOptions::default());
    let _task = rig.run();
    assert_eq!(rig.write("plc").await.unwrap(), Err(WriteError::NotSent(Obstacle::NotReadYet)));
    assert_eq!(rig.script.count("write"), 0);
    let mut milestones = rig.bus.watch_milestones();
    milestones.wait_for(|all| all[&name("plc")].first_reading_at.is_some()).await.unwrap();
    assert!(rig.write("plc").await.unwrap().is_ok());
    let deeds: Vec<String> = rig.script.since(0).into_iter().map(|(_, what)| what).take(3).collect();
    assert_eq!(deeds, ["connect", "read holding:0 of 1", "write holding:0 of 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_device_that_does_not_answer_does_not_hold_up_its_neighbour() {
    let rig = rig(&[("dead", 1), ("well", 2)], 100, 1_000, BusOptions::default());
    rig.script.set(1, Mood::Dead);
    let _task = rig.run();
    advance(1_500).await;
    assert!(rig.write("well").await.unwrap().is_ok());
    let all = rig.bus.milestones();
    assert!(all[&name("well")].first_reading_at.is_some() && all[&name("dead")].first_reading_at.is_none(), "{all:?}");
    assert!(all[&name("dead")].connected_at.is_some(), "what is connected to is the address");
}

#[tokio::test]
async fn milestones_are_passed_in_order_and_a_refused_tag_does_not_block_them() {
    let tags = [("a", tag("input:0", ValueType::F32)), ("missing", tag("input:100", ValueType::U16))];
    let (_plant, spec) = plant(&[("chiller", device("127.0.0.1:1", 1, "chiller", &tags))], loopback()).await;
    let bus = Bus::start(spec, BusOptions::default());
    bus.pass(|device| device.first_reading_at.is_some()).await;
    let reached = bus.bus.milestones()[&name("chiller")];
    assert!(reached.connected_at <= reached.first_reading_at, "{reached:?}");
    assert_eq!((reached.claimed_at, reached.fenced_at), (None, None), "nobody compares epochs");
    bus.stop().await;
}

#[tokio::test]
async fn what_cannot_be_read_at_all_is_connected_to_and_claimed_before_it_is_written() {
    let write_only = TagSpec { access: Access::Write, ..tag("holding:5", ValueType::U16) };
    let register = Register::parse("holding:100").unwrap();
    let bank = device("127.0.0.1:1", 1, "bank", &[("command", write_only)]);
    let (plant, spec) = plant(&[("bank", DeviceSpec { fencing: Fencing::DeviceToken { register }, ..bank })], loopback()).await;
    let bus = Bus::start(spec, BusOptions { epoch: 3, ..BusOptions::default() });
    bus.pass(|device| device.connected_at.is_some() && device.claimed_at.is_some() && device.first_reading_at.is_some()).await;
    bus.bus.write(&name("bank"), &name("command"), Value::U64(7), || Ok(())).await.unwrap();
    let claims: Vec<bool> = plant.writes().iter().map(|write| write.claim).collect();
    assert_eq!(claims, [true, false]);
    assert_eq!(bus.bus.stats().devices[&name("bank")].health, HealthState::Online);
    bus.stop().await;
}

#[tokio::test]
async fn a_half_read_device_is_not_written() {
    let tags = [("a", tag("holding:0", ValueType::U16)), ("b", tag("holding:100", ValueType::U16))];
    let (plant, spec) = plant(&[("bank", impatient(device("127.0.0.1:1", 1, "bank", &tags)))], loopback()).await;
    plant.inject("bank", Some(Fault::NoAnswer));
    let bus = Bus::start(spec, BusOptions::default());
    let error = bus.bus.write(&name("bank"), &name("a"), Value::U64(7), || Ok(())).await.unwrap_err();
    assert!(matches!(error, WriteError::NotSent(Obstacle::NotReadYet | Obstacle::Driver(_))), "{error}");
    plant.inject("bank", None);
    bus.pass(|device| device.first_reading_at.is_some()).await;
    bus.bus.write(&name("bank"), &name("a"), Value::U64(7), || Ok(())).await.unwrap();
    assert_eq!(plant.writes().len(), 1);
    bus.stop().await;
}
