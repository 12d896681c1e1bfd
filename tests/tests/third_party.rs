//! A device that somebody else made (pymodbus): every value type, in both word orders, in every table, is read as the other
//! side encodes it, and what we write the other side decodes as what we meant.

use anyhow::{Context as _, ensure};
use labkeeper_proto::v1::value::Kind;
use labkeeper_proto::v1::{CommandState, WaitLevel};
use labkeeper_tests::client::{setpoint, value};
use labkeeper_tests::lab::Lab;
use labkeeper_tests::ports::Port;
use labkeeper_tests::pymodbus::{Place, Pymodbus};
use labkeeper_tests::{Cluster, wait};
use serde_json::{Value, json};

/// A type, its cells, a value to find at the device, and one to write to it: extremes, signs, and bytes that differ, so that
/// a swapped word cannot go unseen.
fn types() -> Vec<(&'static str, u16, Value, Value)> {
    vec![
        ("i16", 1, json!(-12345), json!(i16::MIN)),
        ("u16", 1, json!(54321), json!(u16::MAX)),
        ("i32", 2, json!(-1_234_567_890), json!(i32::MIN)),
        ("u32", 2, json!(3_456_789_012_u32), json!(u32::MAX - 1)),
        ("i64", 4, json!(-1_234_567_890_123_456_789_i64), json!(i64::MIN + 1)),
        ("u64", 4, json!(12_345_678_901_234_567_890_u64), json!(u64::MAX - 1)),
        ("f32", 2, json!(-1.5e-3_f32), json!(6.25e10_f32)),
        ("f64", 4, json!(-1.234_567_890_123_456_7e-300), json!(9.876_543_210_987_654e250)),
    ]
}

struct Case {
    tag: String,
    place: Place,
    found: Value,
    written: Value,
}

/// Every type in both orders in both register tables, texts, and both tables of bits.
fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut address = 0;
    let mut add = |table, kind: &'static str, cells, word_order, found, written| {
        let name = kind.split('(').next().unwrap_or_default();
        let tag = format!("{table}_{name}_{word_order}");
        cases.push(Case { tag, place: Place { table, address, cells, kind, word_order }, found, written });
        // A gap here and there makes several read requests of them.
        address += cells + if cells == 4 { 3 } else { 0 };
    };
    for table in ["holding", "input"] {
        for word_order in ["big", "little"] {
            for (kind, cells, found, written) in types() {
                add(table, kind, cells, word_order, found, written);
            }
        }
        add(table, "string(12)", 6, "big", json!("SN-0017/b"), json!("Kühler 2"));
    }
    for table in ["coil", "discrete"] {
        add(table, "bool", 1, "big", json!(true), json!(false));
    }
    cases
}

fn site(cases: &[Case], device: &Port) -> Lab {
    let tags: String = cases
        .iter()
        .map(|Case { tag, place: Place { table, address, kind, word_order, .. }, .. }| {
            let access = if is_writable(table) { "rw" } else { "r" };
            format!(
                "{tag} = {{ register = \"{table}:{address}\", type = \"{kind}\", word_order = \"{word_order}\", access = \"{access}\" }}\n"
            )
        })
        .collect();
    Lab::empty().segment("cryo", "lab-a").text(&format!(
        "\n[devices.foreign]\nsegment = \"cryo\"\ndriver = \"modbus-tcp\"\naddress = \"{}\"\npoll = \"50ms\"\n\n[devices.foreign.tags]\n{tags}",
        device.address()
    ))
}

fn is_writable(table: &str) -> bool {
    matches!(table, "holding" | "coil")
}

fn kind_of(json: &Value) -> anyhow::Result<Kind> {
    Ok(match json {
        Value::Bool(bit) => Kind::Boolean(*bit),
        Value::String(text) => Kind::Text(text.clone()),
        Value::Number(number) if number.is_f64() => Kind::Number(number.as_f64().context("a number")?),
        Value::Number(number) if number.is_u64() => Kind::Unsigned(number.as_u64().context("a number")?),
        Value::Number(number) => Kind::Integer(number.as_i64().context("a number")?),
        other => anyhow::bail!("no value: {other}"),
    })
}

/// Whether two values of a type are the same: a 32-bit number is told in its shortest decimal form, which is another 64-bit
/// number than the one that pymodbus makes of the same bits.
#[expect(clippy::cast_possible_truncation, reason = "the value of 32 bits that the device holds")]
fn same(kind: &str, seen: &Value, wanted: &Value) -> bool {
    match (kind, seen.as_f64(), wanted.as_f64()) {
        ("f32", Some(a), Some(b)) => a as f32 == b as f32,
        _ => seen == wanted,
    }
}

fn json_of(kind: Kind) -> Value {
    match kind {
        Kind::Boolean(bit) => json!(bit),
        Kind::Integer(number) => json!(number),
        Kind::Unsigned(number) => json!(number),
        Kind::Number(number) => json!(number),
        Kind::Text(text) => json!(text),
    }
}

#[tokio::test]
async fn every_type_in_every_order_and_table_is_read_and_written_as_a_foreign_device_means_it() -> anyhow::Result<()> {
    let (cases, port) = (cases(), Port::reserve()?);
    let mut device = Pymodbus::start(port.address()).await?;
    for case in &cases {
        device.hold(&case.place, &case.found).await?;
    }
    // Our own simulator must stay off the port: the site is applied after the plant has started with an empty one.
    let mut cluster = Cluster::uninitialised(1, Lab::empty()).await?;
    cluster.found().await?;
    std::fs::write(cluster.site_file(), site(&cases, &port).site_toml())?;
    cluster.apply().await?;

    let client = &cluster.nodes[0].client;
    for case in &cases {
        wait::until(&format!("{} to read {}", case.tag, case.found), wait::SOON, || async {
            let reading = client.reading(&format!("cryo/foreign/{}", case.tag)).await?;
            ensure!(value(&reading).is_some_and(|seen| same(case.place.kind, &json_of(seen), &case.found)), "{reading:?}");
            Ok(())
        })
        .await?;
    }
    for case in cases.iter().filter(|case| is_writable(case.place.table)) {
        let mut request = setpoint(&format!("cryo/foreign/{}", case.tag), kind_of(&case.written)?);
        request.wait = WaitLevel::Verified.into();
        let command = cluster.set(0, request).await?;
        assert_eq!(command.state(), CommandState::Verified, "{}: {command:?}", case.tag);
        let held = device.held(&case.place).await?;
        assert!(same(case.place.kind, &held, &case.written), "{}: the device holds {held}", case.tag);
    }
    // Writing one tag left its neighbours alone.
    for case in cases.iter().filter(|case| !is_writable(case.place.table)) {
        let held = device.held(&case.place).await?;
        assert!(same(case.place.kind, &held, &case.found), "{}: the device holds {held}", case.tag);
    }
    cluster.finish()
}
