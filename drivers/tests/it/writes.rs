//! What a write says about itself, compared with what the plant saw.

use crate::support::{bank, device, impatient_bank, lab, name, tag};
use labkeeper_drivers::sim::{Fault, WriteOutcome};
use labkeeper_drivers::{Cells, Obstacle, WriteError};
use labkeeper_model::Value;
use labkeeper_model::site::ValueType;

#[tokio::test]
async fn a_refusing_guard_sends_nothing() {
    let mut lab = bank(&[("a", tag("holding:0", ValueType::U16))]).await;
    lab.readings.wait_good("a").await;
    let refused = lab.bus.write(&name("bank"), &name("a"), Value::U64(1), || Err("the lease has ended".into())).await;
    assert_eq!(refused, Err(WriteError::NotSent(Obstacle::Guard("the lease has ended".into()))));
    assert_eq!(lab.plant.writes(), []);
    lab.set("bank", "a", Value::U64(1)).await.unwrap();
    assert_eq!(lab.plant.writes().len(), 1, "the bus goes on");
}

#[tokio::test]
async fn a_confirmed_write_is_in_the_plants_log_with_its_sender() {
    let lab = bank(&[("a", tag("holding:3", ValueType::U32))]).await;
    let written = lab.set("bank", "a", Value::U64(0x0001_0002)).await.unwrap();
    let [write] = lab.plant.writes().try_into().expect("one write");
    assert_eq!((write.device.as_str(), write.unit, write.function), ("bank", 1, 16));
    assert_eq!((write.table.as_str(), write.address, write.values), ("holding", 3, Cells::Words(vec![1, 2])));
    assert_eq!(write.outcome, WriteOutcome::Applied);
    assert!(write.peer.starts_with("127.0.0.1:"), "{}", write.peer);
    assert!(write.time_unix_ns <= written.at.0, "it was carried out before it was confirmed");
    assert_eq!(lab.bus.stats().writes, 1);
}

async fn write_under(fault: Fault) -> (WriteError, WriteOutcome) {
    let mut lab = impatient_bank(&[("a", tag("holding:0", ValueType::U16))]).await;
    lab.readings.wait_good("a").await;
    lab.inject("bank", Some(fault));
    // A poll may meet the fault first; then the device is in its back-off, but not yet given up.
    let error = lab.set("bank", "a", Value::U64(7)).await.unwrap_err();
    let [write] = lab.plant.writes().try_into().expect("one write");
    (error, write.outcome)
}

#[tokio::test]
async fn without_an_answer_the_effect_is_unknown() {
    for (fault, outcome) in [
        (Fault::NoAnswer, WriteOutcome::Ignored),
        (Fault::Disconnect, WriteOutcome::Ignored),
        (Fault::Garbage, WriteOutcome::Applied),
        (Fault::Slow { ms: 1_000 }, WriteOutcome::Applied),
    ] {
        let (error, seen) = write_under(fault).await;
        assert!(matches!(error, WriteError::MayHaveReached(_)), "{fault}: {error}");
        assert_eq!(seen, outcome, "{fault}: either can be behind an unknown effect");
    }
}

#[tokio::test]
async fn a_refusal_is_an_answer_and_proves_that_nothing_happened() {
    for code in [1, 2, 3, 4, 6, 8] {
        let (error, seen) = write_under(Fault::Exception { code }).await;
        assert!(matches!(error, WriteError::Refused(_)), "{code}: {error}");
        assert_eq!(seen, WriteOutcome::Refused);
    }
    let (error, _) = write_under(Fault::Exception { code: 11 }).await;
    assert!(error.may_have_reached(), "a gateway cannot know: {error}");
}

#[tokio::test]
async fn a_devices_own_range_and_interlocks_refuse() {
    let tags = [("setpoint", tag("holding:10", ValueType::F32)), ("outlet", tag("input:0", ValueType::F32))];
    let mut lab = lab(&[("chiller", device("127.0.0.1:1", 1, "chiller", &tags))]).await;
    let error = lab.set("chiller", "setpoint", Value::F64(41.0)).await.unwrap_err();
    assert!(matches!(&error, WriteError::Refused(why) if why.to_string().contains("exception 3, illegal data value")), "{error}");
    assert_eq!(lab.get("chiller", "setpoint").await.value, Some(Value::F64(15.0)));
    lab.set("chiller", "setpoint", Value::F64(20.1)).await.unwrap();
    assert_eq!(lab.get("chiller", "setpoint").await.value, Some(Value::F64(20.1)));
    let before = lab.readings.wait_good("outlet").await.value.unwrap();
    lab.readings.wait("outlet", |sample| sample.value.as_ref() != Some(&before)).await;
}

#[tokio::test]
async fn a_device_that_is_down_and_waiting_refuses_commands_at_once() {
    let mut lab = impatient_bank(&[("a", tag("holding:0", ValueType::U16))]).await;
    lab.readings.wait_good("a").await;
    lab.inject("bank", Some(Fault::NoAnswer));
    for _ in 0..3 {
        lab.readings.wait_bad("a", labkeeper_model::BadReason::Timeout).await;
    }
    let error = lab.set("bank", "a", Value::U64(7)).await.unwrap_err();
    assert!(matches!(error, WriteError::NotSent(Obstacle::Driver(_))), "{error}");
    assert_eq!(lab.plant.writes(), []);
}

#[tokio::test]
async fn a_stopped_bus_closes_its_connection_and_refuses() {
    let mut lab = bank(&[("a", tag("holding:0", ValueType::U16))]).await;
    lab.readings.wait_good("a").await;
    lab.cancel.cancel();
    lab.task.await.unwrap();
    let error = lab.bus.write(&name("bank"), &name("a"), Value::U64(1), || Ok(())).await.unwrap_err();
    assert_eq!(error, WriteError::NotSent(Obstacle::Stopped));
    // The plant stops only when its connections have ended.
    lab.plant.stop().await;
}
