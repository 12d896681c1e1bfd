//! Two owners of one device: the older one's writes do not get through where the device, or a gate before it, compares epochs.

use crate::support::{Bus, device, loopback, name, plant, tag};
use labkeeper_drivers::bus::Fate;
use labkeeper_drivers::sim::{Fault, FenceMode, Plant, PlantOptions, SecondConnection, WriteOutcome};
use labkeeper_drivers::{BusOptions, BusSpec, Cells, DriverError, WriteError, Written};
use labkeeper_model::site::{DeviceSpec, Fencing, Register, Table, ValueType};
use labkeeper_model::{BadReason, Epoch, Value};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

const FENCE: Register = Register { table: Table::Holding, address: 100 };

fn plc(fencing: Fencing) -> DeviceSpec {
    DeviceSpec { fencing, ..device("127.0.0.1:1", 1, "plc", &[("value", tag("holding:0", ValueType::F32))]) }
}

async fn fenced_plc(options: PlantOptions) -> (Plant, BusSpec) {
    plant(&[("plc", plc(Fencing::DeviceToken { register: FENCE }))], options).await
}

fn owner(epoch: Epoch) -> BusOptions {
    BusOptions { node: format!("lab-{epoch}"), epoch, session: epoch, ..BusOptions::default() }
}

async fn read_once(bus: &Bus) {
    bus.pass(|device| device.first_reading_at.is_some()).await;
}

async fn set(bus: &Bus, value: f64) -> Result<Written, WriteError> {
    bus.bus.write(&name("plc"), &name("value"), Value::F64(value), || Ok(())).await
}

#[tokio::test]
async fn the_device_is_claimed_before_anything_else() {
    let (plant, spec) = fenced_plc(loopback()).await;
    let bus = Bus::start(spec, owner(7));
    read_once(&bus).await;
    set(&bus, 1.5).await.unwrap();
    let [claim, write] = plant.writes().try_into().expect("a claim and a write");
    assert_eq!((claim.claim, claim.epoch, claim.address, claim.values), (true, Some(7), 100, Cells::Words(vec![0, 7])));
    assert_eq!((write.claim, write.epoch, write.outcome), (false, Some(7), WriteOutcome::Applied));
    assert!(claim.time_boot_ns < write.time_boot_ns);
    let reached = bus.bus.milestones()[&name("plc")];
    assert!(reached.claimed_at.is_some() && reached.claimed_at <= reached.first_reading_at, "{reached:?}");
    let journal: Vec<_> = bus.bus.write_records().into_iter().map(|entry| (entry.tag.is_some(), entry.fate)).collect();
    assert_eq!(journal, [(false, Fate::Acknowledged), (true, Fate::Acknowledged)]);
    bus.stop().await;
}

#[tokio::test]
async fn an_owner_that_was_replaced_cannot_write_and_finds_out() {
    let (plant, spec) = fenced_plc(loopback()).await;
    let old = Bus::start(spec.clone(), owner(7));
    read_once(&old).await;
    set(&old, 1.0).await.unwrap();
    let new = Bus::start(spec, owner(8));
    read_once(&new).await;
    set(&new, 2.0).await.unwrap();
    // The old owner has noticed nothing, as one that was frozen.
    let late = set(&old, 3.0).await.unwrap_err();
    assert!(matches!(late, WriteError::Refused(_)), "{late}");
    old.pass(|device| device.fenced_at.is_some()).await;
    let error = set(&old, 3.0).await.unwrap_err();
    assert!(!error.may_have_reached(), "{error}");
    assert_eq!(plant.peek("plc", Register { address: 0, ..FENCE }, 2), Some(Cells::Words(vec![0x4000, 0])), "2.0 stands");
    set(&new, 4.0).await.unwrap();
    let applied: Vec<Option<Epoch>> =
        plant.writes().into_iter().filter(|write| write.outcome == WriteOutcome::Applied).map(|write| write.epoch).collect();
    assert!(applied.is_sorted(), "{applied:?}");
    assert!(old.bus.stats().errors().fenced > 0);
    old.stop().await;
    new.stop().await;
}

#[tokio::test]
async fn an_owner_with_an_old_epoch_gets_no_further_than_its_claim() {
    let (plant, spec) = fenced_plc(loopback()).await;
    let new = Bus::start(spec.clone(), owner(8));
    read_once(&new).await;
    let old = Bus::start(spec, owner(7));
    old.pass(|device| device.fenced_at.is_some()).await;
    assert_eq!(old.bus.milestones()[&name("plc")].first_reading_at, None);
    let said = old.bus.stats().devices[&name("plc")].last_error.clone().unwrap();
    assert!(said.contains("epoch 8") && said.contains("epoch 7"), "{said}");
    assert!(set(&old, 3.0).await.is_err());
    assert!(plant.writes().iter().all(|write| write.claim), "{:?}", plant.writes());
    old.stop().await;
    new.stop().await;
}

#[tokio::test]
async fn a_new_connection_claims_anew() {
    let (plant, spec) = fenced_plc(loopback()).await;
    let bus = Bus::start(spec, owner(7));
    read_once(&bus).await;
    plant.inject("plc", Some(Fault::Disconnect));
    let mut readings = bus.readings;
    readings.wait_bad("value", BadReason::CommFailure).await;
    plant.inject("plc", None);
    readings.wait_good("value").await;
    bus.bus.write(&name("plc"), &name("value"), Value::F64(1.0), || Ok(())).await.unwrap();
    let last = plant.writes().pop().unwrap();
    assert_eq!((last.claim, last.epoch), (false, Some(7)));
    assert!(plant.writes().iter().filter(|write| write.claim && write.outcome == WriteOutcome::Applied).count() >= 2);
    bus.cancel.cancel();
    bus.task.await.unwrap();
}

#[tokio::test]
async fn a_claim_needs_the_owners_permit() {
    let (plant, spec) = fenced_plc(loopback()).await;
    let permitted = Arc::new(AtomicBool::new(false));
    let permit = Arc::clone(&permitted);
    let permit = move || if permit.load(Ordering::SeqCst) { Ok(()) } else { Err("no lease yet".to_owned()) };
    let mut bus = Bus::start(spec, BusOptions { permit: Arc::new(permit), ..owner(7) });
    bus.readings.wait_bad("value", BadReason::CommFailure).await;
    assert_eq!(plant.writes(), []);
    permitted.store(true, Ordering::SeqCst);
    read_once(&bus).await;
    bus.stop().await;
}

#[tokio::test]
async fn a_fence_that_only_records_shows_what_would_have_got_through() {
    let (plant, spec) = fenced_plc(PlantOptions { fence: FenceMode::Record, ..loopback() }).await;
    let (old, new) = (Bus::start(spec.clone(), owner(7)), Bus::start(spec, owner(8)));
    read_once(&old).await;
    read_once(&new).await;
    set(&new, 2.0).await.unwrap();
    set(&old, 3.0).await.unwrap();
    let epochs: Vec<Option<Epoch>> = plant.writes().into_iter().filter(|write| !write.claim).map(|write| write.epoch).collect();
    assert_eq!(epochs, [Some(8), Some(7)]);
    old.stop().await;
    new.stop().await;
}

/// Two owners of a device that serves one connection and does not compare epochs, the second of which has just been started. They poll
/// so rarely that neither comes back by itself.
async fn two_owners(second_connection: SecondConnection) -> (Plant, Bus, Bus) {
    let rare = DeviceSpec { poll: Duration::from_secs(20), ..plc(Fencing::SingleConnection) };
    let (plant, spec) = plant(&[("plc", rare)], PlantOptions { second_connection, ..loopback() }).await;
    let old = Bus::start(spec.clone(), owner(7));
    read_once(&old).await;
    (plant, old, Bus::start(spec, owner(8)))
}

#[tokio::test]
async fn a_device_that_serves_its_newest_connection_cuts_the_old_owner_off() {
    let (plant, old, new) = two_owners(SecondConnection::ReplacesFirst).await;
    read_once(&new).await;
    let late = set(&old, 1.0).await;
    assert!(late.is_err(), "its connection has been ended: {late:?}");
    assert_eq!(plant.writes(), []);
    old.stop().await;
    new.stop().await;
}

#[tokio::test]
async fn a_device_that_serves_its_first_connection_is_taken_over_when_that_is_reset() {
    let (plant, old, mut new) = two_owners(SecondConnection::IsRefused).await;
    new.readings.wait_bad("value", BadReason::CommFailure).await;
    set(&old, 1.0).await.unwrap();
    old.stop().await;
    read_once(&new).await;
    set(&new, 2.0).await.unwrap();
    assert_eq!(plant.writes().len(), 2);
    new.stop().await;
}

/// A gate that knows one epoch: it reads the line, answers, and forwards to the device if the epoch is the newest.
async fn gate(listener: TcpListener, device: String, newest: Epoch) -> String {
    let (stream, _) = listener.accept().await.unwrap();
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await.unwrap();
    let is_newest = line.contains(&format!(" epoch={newest} "));
    let answer = if is_newest { "OK\n".to_owned() } else { format!("STALE epoch={newest}\n") };
    stream.write_all(answer.as_bytes()).await.unwrap();
    if is_newest {
        let mut device = TcpStream::connect(device).await.unwrap();
        // Ends with the connection, in whatever way.
        let _ = tokio::io::copy_bidirectional(&mut stream, &mut device).await;
    }
    line
}

async fn behind_a_gate(newest: Epoch, options: BusOptions) -> (Plant, Bus, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (plant, spec) = plant(&[("plc", plc(Fencing::Gate { address }))], loopback()).await;
    let gate = tokio::spawn(gate(listener, spec.address.clone(), newest));
    (plant, Bus::start(spec, options), gate)
}

#[tokio::test]
async fn a_gate_is_told_the_epoch_and_then_forwards() {
    let (plant, bus, gate) = behind_a_gate(8, owner(8)).await;
    read_once(&bus).await;
    set(&bus, 1.0).await.unwrap();
    assert_eq!(plant.writes().len(), 1);
    let reached = bus.bus.milestones()[&name("plc")];
    assert!(reached.claimed_at.is_some() && reached.fenced_at.is_none(), "{reached:?}");
    bus.stop().await;
    assert_eq!(gate.await.unwrap(), "LABKEEPER-GATE/1 segment=lab epoch=8 node=lab-8\n");
}

#[tokio::test]
async fn a_gate_that_knows_a_newer_owner_fences() {
    let (plant, bus, gate) = behind_a_gate(9, owner(8)).await;
    bus.pass(|device| device.fenced_at.is_some()).await;
    gate.await.unwrap();
    let said = bus.bus.stats().last_connect_error.unwrap();
    assert!(said.contains("epoch 9") && said.contains("epoch 8"), "{said}");
    assert_eq!(plant.writes(), []);
    let fenced = DriverError::Fenced { newest: Some(9), message: String::new() };
    assert_eq!(fenced.code().to_string(), "LAB4013");
    bus.stop().await;
}
