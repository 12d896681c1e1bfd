//! Setpoints that are approached step by step: never faster than declared, whoever owns the device and whatever happened to who did before.
//! The devices' own record of writes is the witness.

use anyhow::{Context as _, ensure};
use labkeeper_proto::v1::value::Kind;
use labkeeper_proto::v1::{self, CommandState};
use labkeeper_tests::client::setpoint;
use labkeeper_tests::cluster::set_anywhere;
use labkeeper_tests::declare::{redeclare, tag};
use labkeeper_tests::plant::Write;
use labkeeper_tests::{Client, Cluster, cli, wait};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const TAG: &str = "cryo/bank-cryo/gain";
/// Where it is.
const ADDRESS: u16 = 1000;
/// In mV/s.
const RATE: f64 = 5.0;
/// The device is polled, and a step taken, every 100 ms; what was late is made up for by one more.
const STEP_MAX: f64 = RATE * 0.2 + 1e-3;

async fn cluster(takeover: v1::Takeover) -> anyhow::Result<Cluster> {
    let cluster = Cluster::start(3).await?;
    redeclare(&cluster.nodes[0].client, |site| {
        let gain = tag(site, "bank-cryo", "gain")?;
        gain.ramp_per_s = Some(RATE);
        gain.set_takeover(takeover);
        Ok(())
    })
    .await?;
    cluster.settled().await?;
    Ok(cluster)
}

#[tokio::test]
async fn a_takeover_in_the_middle_goes_on_from_the_reading() -> anyhow::Result<()> {
    let mut cluster = cluster(v1::Takeover::Adopt).await?;
    let owner = cluster.owner("cryo").await?;
    let others = cluster.clients_but(owner);
    let id = set_anywhere(&others, 0, setpoint(TAG, Kind::Number(30.0))).await?.id;
    let before = passes(&cluster, 10.0).await?;
    cluster.nodes[owner].kill9()?;
    ends(&others, &id, CommandState::Verified).await?;

    let steps = steps(&cluster).await?;
    is_gentle(0.0, &steps)?;
    let values: Vec<f64> = steps.iter().map(|(_, value)| *value).collect();
    assert!(values.is_sorted() && values.last() == Some(&30.0), "{values:?}");
    let after = values.iter().find(|value| **value > before).context("a step of the successor")?;
    println!("{} steps; the last of the one who died was at most {before}, then {after}", steps.len());
    cluster.finish()
}

/// A step in time is no step in value: the mean slope over each second is what was declared, too.
#[tokio::test]
async fn what_somebody_changed_at_the_device_is_reasserted_at_the_rate() -> anyhow::Result<()> {
    let mut cluster = cluster(v1::Takeover::Reassert).await?;
    let owner = cluster.owner("cryo").await?;
    let others = cluster.clients_but(owner);
    let id = set_anywhere(&others, 0, setpoint(TAG, Kind::Number(10.0))).await?.id;
    ends(&others, &id, CommandState::Verified).await?;
    let (told, address) = (steps(&cluster).await?.len(), address(&others[0]).await?);
    cluster.nodes[owner].kill9()?;
    poke(&address, 2.0).await?;
    wait::until("the setpoint to be back", wait::SOON, || async {
        let last = steps(&cluster).await?.pop().context("a step")?.1;
        ensure!(last == 10.0, "{last}");
        Ok(())
    })
    .await?;
    let steps = steps(&cluster).await?;
    is_gentle(2.0, &steps[told + 1..])?;
    assert!(steps.len() >= told + 1 + 8, "8 mV at 5 mV/s and ten steps a second: {steps:?}");
    cluster.finish()
}

#[tokio::test]
async fn a_held_ramp_stays_held_under_another_owner_and_goes_on_when_it_is_let() -> anyhow::Result<()> {
    let mut cluster = cluster(v1::Takeover::Reassert).await?;
    let owner = cluster.owner("cryo").await?;
    let (others, endpoints) = (cluster.clients_but(owner), cluster.endpoints());
    let id = set_anywhere(&others, 0, setpoint(TAG, Kind::Number(30.0))).await?.id;
    passes(&cluster, 5.0).await?;
    let held = cli::run(&endpoints, &["ramp", "hold", TAG, "--reason", "look", "--as", "bob", "--json"]).await?.with_code(0)?.json()?;
    assert_eq!((&held["command"], &held["ramp"]["state"], &held["ramp"]["by"]), (&json!(id), &json!("held"), &json!("bob")));
    let at = ramp_told(&others[0], |ramp| ramp.at.is_some()).await?.at.and_then(number).context("where it is held")?;
    let before = steps(&cluster).await?;
    assert!(before.last().is_some_and(|step| is_near(step.1, at)), "it is held where it stands, at {at}: {before:?}");

    cluster.nodes[owner].kill9()?;
    // It was begun at 0; whoever goes on with it begins at what the device reads.
    let taken = ramp_told(&others[0], |ramp| ramp.start.clone().and_then(number).is_some_and(|from| is_near(from, at))).await?;
    assert_eq!(taken.state(), v1::RampState::Held, "{taken:?}");
    assert_eq!(steps(&cluster).await?, before, "no step of the successor");

    let resumed = cli::run(&endpoints, &["ramp", "resume", TAG, "--json"]).await?.with_code(0)?.json()?;
    assert_eq!(resumed["ramp"]["state"], json!("ramping"));
    let told = ramp_told(&others[0], |ramp| ramp.time_to_target_s.is_some()).await?;
    assert!(told.time_to_target_s.is_some_and(|left| left <= ((30.0 - at) / RATE).ceil()), "{told:?} from {at}");
    ends(&others, &id, CommandState::Verified).await?;
    let all = steps(&cluster).await?;
    is_gentle(0.0, &all)?;
    assert_eq!(all.last().map(|step| step.1), Some(30.0));
    let over = cli::run(&endpoints, &["ramp", "stop", TAG]).await?.with_code(1)?;
    assert!(over.err.starts_with("LAB3026"), "{}", over.err);
    cluster.finish()
}

#[tokio::test]
async fn a_stopped_ramp_has_where_it_stands_as_its_setpoint_and_no_later_owner_drives_on() -> anyhow::Result<()> {
    let mut cluster = cluster(v1::Takeover::Reassert).await?;
    let owner = cluster.owner("cryo").await?;
    let (others, endpoints) = (cluster.clients_but(owner), cluster.endpoints());
    let id = set_anywhere(&others, 0, setpoint(TAG, Kind::Number(30.0))).await?.id;
    passes(&cluster, 5.0).await?;
    let stopped = cli::run(&endpoints, &["ramp", "stop", TAG, "--reason", "smoke", "--as", "bob", "--json"]).await?.with_code(0)?.json()?;
    assert_eq!(stopped["ramp"]["state"], json!("stopped"), "{stopped:#}");
    let last = steps(&cluster).await?.pop().context("a step")?.1;
    assert!(stopped["ramp"]["at"].as_f64().is_some_and(|at| is_near(at, last)), "{last}: {stopped:#}");
    let command = ends(&others, &id, CommandState::Cancelled).await?;
    assert!(command.error.is_some_and(|error| error.code == "LAB3016" && error.message.contains("stopped by bob")));

    cluster.nodes[owner].kill9()?;
    wait::until("a successor that has read the device", wait::SOON, || async {
        let reading = others[0].reading(TAG).await?;
        let good = labkeeper_tests::client::quality(&reading) == v1::Quality::Good;
        ensure!(good && reading.owner != cluster.nodes[owner].name, "{reading:?}");
        let set = reading.setpoint.context("a setpoint")?;
        let is_there = set.value.clone().and_then(number).is_some_and(|value| is_near(value, last));
        ensure!(is_there && (set.revision, set.actor.as_str()) == (2, "bob"), "{set:?}");
        Ok(())
    })
    .await?;
    // A command of the same device comes after what the takeover wanted to write.
    set_anywhere(&others, 0, setpoint(TAG, Kind::Number(last + 1.0))).await?;
    passes(&cluster, last + 0.9).await?;
    let all: Vec<f64> = steps(&cluster).await?.into_iter().map(|step| step.1).collect();
    assert!(all.iter().all(|value| *value <= last + 1.001), "somebody drove on: {all:?}");
    cluster.finish()
}

/// What a node tells about the ramp, once it is as it should be.
async fn ramp_told(client: &Client, is_so: impl Fn(&v1::Ramp) -> bool) -> anyhow::Result<v1::Ramp> {
    wait::until("what is told about the ramp", wait::SOON, || async {
        let ramp = client.reading(TAG).await?.ramp.context("a ramp")?;
        ensure!(is_so(&ramp), "{ramp:?}");
        Ok(ramp)
    })
    .await
}

/// Equal as far as the device's registers can tell, which hold 24 bits of a number.
fn is_near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-5
}

fn number(value: v1::Value) -> Option<f64> {
    if let Some(Kind::Number(number)) = value.kind { Some(number) } else { None }
}

/// No step, and no second, is steeper than declared.
fn is_gentle(from: f64, steps: &[(i64, f64)]) -> anyhow::Result<()> {
    let mut at = from;
    for (n, (time, value)) in steps.iter().enumerate() {
        ensure!((value - at).abs() <= STEP_MAX, "step {n} from {at} to {value} in {steps:?}");
        at = *value;
        for (later, further) in &steps[n..] {
            let way = RATE * ((later - time) as f64 / 1e9) + STEP_MAX;
            ensure!((further - value).abs() <= way, "from {value} to {further} within {} ns", later - time);
        }
    }
    Ok(())
}

/// The steps that reached the device: when, and what.
async fn steps(cluster: &Cluster) -> anyhow::Result<Vec<(i64, f64)>> {
    let writes = cluster.plant.writes_to("bank-cryo", "holding", ADDRESS).await?;
    Ok(writes.iter().map(|write| (write.time_unix_ns, real(write))).collect())
}

fn real(write: &Write) -> f64 {
    f64::from(f32::from_bits(u32::from(write.values[0]) << 16 | u32::from(write.values[1])))
}

/// Waits until a step is beyond a value.
async fn passes(cluster: &Cluster, value: f64) -> anyhow::Result<f64> {
    wait::until(&format!("a step beyond {value}"), wait::SOON, || async {
        let last = steps(cluster).await?.pop().context("a step")?.1;
        ensure!(last > value, "{last}");
        Ok(last)
    })
    .await
}

/// Waits until a command ends, as somebody tells of it.
async fn ends(clients: &[Client], id: &str, state: CommandState) -> anyhow::Result<v1::Command> {
    wait::until(&format!("the command to be {state:?}"), 2 * wait::SOON, || async {
        let command = clients[0].command(id).await?;
        ensure!(command.state() == state, "{:?}: {:?}", command.state(), command.steps);
        Ok(command)
    })
    .await
}

async fn address(client: &Client) -> anyhow::Result<String> {
    let site = client.site().get_site(v1::GetSiteRequest {}).await?.into_inner().site.context("a site")?;
    Ok(site.devices.get("bank-cryo").context("the device")?.address.clone())
}

/// Somebody at the device: a write of one real number by nobody of ours.
async fn poke(address: &str, value: f32) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    let mut frame = vec![0, 1, 0, 0, 0, 11, 1, 16];
    frame.extend(ADDRESS.to_be_bytes());
    frame.extend([0, 2, 4]);
    frame.extend(value.to_be_bytes());
    stream.write_all(&frame).await?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await?;
    ensure!(answer[7] == 16, "{answer:?}");
    Ok(())
}
