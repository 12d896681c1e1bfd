//! Every type, in both word orders and with scales, through all four tables and a real connection.

use crate::support::{bank, name, tag};
use labkeeper_drivers::Cells;
use labkeeper_model::site::{Access, Register, TagSpec, ValueType, WordOrder};
use labkeeper_model::{Quality, Value};

/// Tags by name with a value for each: holding registers, and their mirror among the input registers.
fn words() -> Vec<(String, TagSpec, Value)> {
    let values = [
        (ValueType::Bool, 1.0, Value::Bool(true)),
        (ValueType::I16, 1.0, Value::I64(-12_345)),
        (ValueType::U16, 1.0, Value::U64(54_321)),
        (ValueType::I32, 1.0, Value::I64(-1_234_567_890)),
        (ValueType::U32, 1.0, Value::U64(4_000_000_001)),
        (ValueType::I64, 1.0, Value::I64(-1_234_567_890_123_456_789)),
        (ValueType::U64, 1.0, Value::U64(18_000_000_000_000_000_001)),
        (ValueType::F32, 1.0, Value::F64(20.1)),
        (ValueType::F64, 1.0, Value::F64(-1.234_567_890_123e-7)),
        (ValueType::Text(11), 1.0, Value::Text("Labor Süd".into())),
        (ValueType::I16, 0.1, Value::F64(-273.1)),
        (ValueType::U32, 0.001, Value::F64(123.456)),
        (ValueType::F32, 100.0, Value::F64(2_050.0)),
    ];
    let mut address = 0;
    let mut tags = vec![];
    for (value_type, scale, value) in values {
        for word_order in [WordOrder::Big, WordOrder::Little] {
            let spec = TagSpec { word_order, scale, ..tag(&format!("holding:{address}"), value_type) };
            tags.push((format!("t{address}"), spec, value.clone()));
            // Some neighbours touch and some do not.
            address += value_type.cells() + address % 3;
        }
    }
    tags
}

#[tokio::test]
async fn what_is_written_is_read_back_and_polled_in_every_type_and_order() {
    let written = words();
    let mirror = |tag: &TagSpec| {
        let register = Register { table: labkeeper_model::site::Table::Input, ..tag.register };
        TagSpec { register, access: Access::Read, ..tag.clone() }
    };
    let mirrored: Vec<(String, TagSpec)> = written.iter().map(|(n, spec, _)| (format!("in-{n}"), mirror(spec))).collect();
    let mut tags: Vec<(&str, TagSpec)> = written.iter().map(|(n, spec, _)| (n.as_str(), spec.clone())).collect();
    tags.extend(mirrored.iter().map(|(n, spec)| (n.as_str(), spec.clone())));
    let mut lab = bank(&tags).await;
    for (tag, _, value) in &written {
        lab.set("bank", tag, value.clone()).await.unwrap();
        let sample = lab.get("bank", tag).await;
        assert_eq!((sample.value.as_ref(), sample.quality), (Some(value), Quality::Good), "{tag}");
    }
    lab.readings.clear();
    for (tag, _, value) in &written {
        lab.readings.wait(&format!("in-{tag}"), |sample| sample.value.as_ref() == Some(value)).await;
    }
}

#[tokio::test]
async fn bits_go_through_coils_and_discrete_inputs() {
    let tags = [
        ("valve", tag("coil:9", ValueType::Bool)),
        ("other", tag("coil:10", ValueType::Bool)),
        ("open", tag("discrete:9", ValueType::Bool)),
    ];
    let mut lab = bank(&tags).await;
    for on in [true, false, true] {
        lab.set("bank", "valve", Value::Bool(on)).await.unwrap();
        assert_eq!(lab.get("bank", "valve").await.value, Some(Value::Bool(on)));
        assert_eq!(lab.get("bank", "other").await.value, Some(Value::Bool(false)));
        lab.readings.wait("open", |sample| sample.value == Some(Value::Bool(on))).await;
    }
}

#[tokio::test]
async fn the_plant_sees_the_words_that_the_specification_demands() {
    let little = TagSpec { word_order: WordOrder::Little, ..tag("holding:2", ValueType::F32) };
    let lab = bank(&[("big", tag("holding:0", ValueType::F32)), ("little", little), ("one", tag("holding:4", ValueType::U16))]).await;
    for tag in ["big", "little"] {
        lab.set("bank", tag, Value::F64(1.0)).await.unwrap();
    }
    lab.set("bank", "one", Value::U64(7)).await.unwrap();
    let first = Register::parse("holding:0").unwrap();
    assert_eq!(lab.plant.peek("bank", first, 5), Some(Cells::Words(vec![0x3f80, 0, 0, 0x3f80, 7])));
    let functions: Vec<u8> = lab.plant.writes().iter().map(|write| write.function).collect();
    assert_eq!(functions, [16, 16, 6], "several registers at once, one register alone");
}

#[tokio::test]
async fn a_broken_sensors_nan_is_bad_and_keeps_the_last_good_value() {
    let mut lab = bank(&[("sensor", tag("holding:0", ValueType::F32))]).await;
    lab.set("bank", "sensor", Value::F64(4.2)).await.unwrap();
    let first = Register::parse("holding:0").unwrap();
    lab.readings.wait("sensor", |sample| sample.value == Some(Value::F64(4.2))).await;
    lab.plant.poke("bank", first, &Cells::Words(vec![0x7fc0, 0])).unwrap();
    let sample = lab.readings.wait_bad("sensor", labkeeper_model::BadReason::DeviceError).await;
    assert_eq!(sample.value, Some(Value::F64(4.2)));
    let read = lab.get("bank", "sensor").await;
    assert_eq!(read.quality, Quality::Bad(labkeeper_model::BadReason::DeviceError), "an answer, but no value");
}

#[tokio::test]
async fn commands_for_what_is_not_there_or_does_not_fit_are_permanent_errors() {
    let write_only = TagSpec { access: Access::Write, ..tag("holding:5", ValueType::U16) };
    let lab = bank(&[("level", tag("holding:0", ValueType::U16)), ("command", write_only), ("in", tag("input:0", ValueType::U16))]).await;
    for (device, tag, value) in [("bank", "nothing", 1.0), ("nobody", "level", 1.0), ("bank", "level", 70_000.0), ("bank", "in", 1.0)] {
        let error = lab.set(device, tag, Value::F64(value)).await.unwrap_err();
        assert_eq!(error.code(), labkeeper_model::ErrorCode::DeviceConfiguration, "{error}");
        assert!(!error.may_have_reached());
    }
    assert!(lab.bus.read(&name("bank"), &name("command")).await.is_err(), "write-only");
    assert!(lab.set("bank", "command", Value::U64(3)).await.is_ok());
    assert_eq!(lab.plant.writes().len(), 1);
}
