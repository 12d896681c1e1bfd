//! Alarms of real devices, through faults of nodes and devices: raised once, by whoever owns the device, and never again for a takeover.

use anyhow::ensure;
use labkeeper_proto::v1;
use labkeeper_tests::alarms::{alarm, alarms, raised, service};
use labkeeper_tests::outage::until_controlled;
use labkeeper_tests::{Client, Cluster, Lab, wait};
use std::fmt::Write as _;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Alarms of one device, as many as a bad day may bring at once.
const ALARMS: usize = 200;
/// How many of them each tag has.
const EACH: usize = 10;
/// The setpoint that all of them look at.
const SETPOINT: &str = "cryo/bank-cryo/s00";
/// One of them: 100 counts, and 5 back to clear.
const ONE: &str = "cryo/bank-cryo/seen-00/high-0";
const COMM_FAULT: &str = "cryo/bank-cryo/comm-fault";
const NO_QUORUM: &str = "system/no-quorum/site";

/// A lab whose bank in `cryo` has [`ALARMS`] alarms: all are active while `s00` is 200, and all normal while it is 50.
fn lab() -> anyhow::Result<Lab> {
    let mut text = String::new();
    for tag in 0..ALARMS / EACH {
        writeln!(text, "\n[devices.bank-cryo.tags.seen-{tag:02}]\nregister = \"holding:0\"\ntype = \"u32\"\nalarms = [")?;
        for (n, limit) in (100..).take(EACH).enumerate() {
            let keys = "type = \"hi\", deadband = 5.0, priority = \"high\", guidance = \"Lower the setpoint.\"";
            writeln!(text, "  {{ name = \"high-{n}\", limit = {limit}.0, {keys} }},")?;
        }
        text.push_str("]\n");
    }
    Ok(Lab::standard()?.text(&text).homes_return_after("3s"))
}

/// Waits until an alarm is as it should be, as `client` sees it.
async fn until(client: &Client, path: &str, state: &str, occurrence: u64) -> anyhow::Result<v1::AlarmStatus> {
    wait::until(&format!("{path} to be {state}"), wait::SOON, || async {
        let seen = alarm(client, path).await?;
        ensure!((seen.state.as_str(), seen.occurrence) == (state, occurrence), "{seen:?}");
        Ok(seen)
    })
    .await
}

/// Waits until this many alarms of the device are active.
async fn until_active(client: &Client, wanted: usize) -> anyhow::Result<()> {
    wait::until(&format!("{wanted} alarms to be active"), wait::SOON, || async {
        let active = alarms(client, &[]).await?.into_iter().filter(|alarm| alarm.active && alarm.alarm.contains("/high-")).count();
        ensure!(active == wanted, "{active}");
        Ok(())
    })
    .await
}

fn unix_ns() -> i64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_nanos()).unwrap_or(i64::MAX)
}

async fn drive(clients: &[Client], value: u64) -> anyhow::Result<()> {
    until_controlled(clients, SETPOINT, value, Instant::now()).await.map(drop)
}

#[tokio::test]
async fn an_alarm_is_raised_where_it_happens_and_its_acknowledgement_outlives_the_leader() -> anyhow::Result<()> {
    let mut cluster = Cluster::with_lab(3, lab()?).await?;
    drive(&cluster.clients(), 100).await?;
    for client in &cluster.clients() {
        let seen = until(client, ONE, "unacknowledged", 1).await?;
        assert_eq!((seen.severity, seen.unit.as_str()), (1, ""), "{seen:?}");
    }
    let leader = cluster.leader().await?;
    let others = cluster.clients_but(leader);
    let acknowledge = |occurrence| v1::AcknowledgeAlarmRequest {
        alarm: ONE.into(),
        occurrence,
        actor: "ann".into(),
        comment: String::new(),
        id: String::new(),
    };
    assert!(service(&others[0]).acknowledge_alarm(acknowledge(2)).await.is_err(), "nobody has seen an occurrence that has not been");
    service(&others[0]).acknowledge_alarm(acknowledge(1)).await?;

    cluster.nodes[leader].kill9()?;
    // Within the deadband it lasts, whoever owns the device by then.
    drive(&others, 96).await?;
    for client in &others {
        let seen = until(client, ONE, "acknowledged", 1).await?;
        assert!(seen.active && seen.acknowledged_by == "ann", "{seen:?}");
    }
    drive(&others, 94).await?;
    until(&others[0], ONE, "normal", 1).await?;
    drive(&others, 100).await?;
    until(&others[0], ONE, "unacknowledged", 2).await?;
    cluster.nodes[leader].start().await?;
    until(&cluster.nodes[leader].client, ONE, "unacknowledged", 2).await?;
    cluster.finish()
}

#[tokio::test]
async fn an_owner_killed_with_200_alarms_active_raises_none_again() -> anyhow::Result<()> {
    let mut cluster = Cluster::with_lab(3, lab()?).await?;
    drive(&cluster.clients(), 200).await?;
    let (owner, epoch) = cluster.tenure("cryo").await?;
    let others = cluster.clients_but(owner);
    until_active(&others[0], ALARMS).await?;
    assert_eq!(raised(&others[0]).await?.len(), ALARMS);

    cluster.nodes[owner].kill9()?;
    // All of them go on under the successor: with its first reading it would say what it found anew.
    drive(&others, 201).await?;
    assert!(cluster.tenure("cryo").await?.1 > epoch);
    until_active(&others[0], ALARMS).await?;
    cluster.nodes[owner].start().await?;
    cluster.at_home().await?;
    drive(&cluster.clients(), 50).await?;
    until_active(&others[0], 0).await?;

    let raised = raised(&others[0]).await?;
    let of_device = raised.iter().filter(|path| path.starts_with("cryo/")).count();
    let of_system: Vec<_> = raised.iter().filter(|path| !path.starts_with("cryo/")).collect();
    assert_eq!(of_device, ALARMS, "raised again by a takeover or by the return: {raised:?}");
    assert_eq!(of_system, [&format!("system/node-lost/{}", cluster.nodes[owner].name)], "one node was lost, and nothing else happened");
    cluster.finish()
}

#[tokio::test]
async fn a_device_that_does_not_answer_is_one_alarm() -> anyhow::Result<()> {
    let cluster = Cluster::with_lab(3, lab()?).await?;
    let client = &cluster.nodes[0].client;
    drive(&cluster.clients(), 50).await?;
    cluster.plant.fault("bank-cryo", "no_answer").await?;
    until(client, COMM_FAULT, "unacknowledged", 1).await?;
    wait::until("every alarm of the device to say that it cannot be told", wait::SOON, || async {
        let untold = alarms(client, &[]).await?.into_iter().filter(|alarm| !alarm.bad_quality.is_empty() && !alarm.active).count();
        ensure!(untold == ALARMS, "{untold}");
        Ok(())
    })
    .await?;
    assert_eq!(raised(client).await?, [COMM_FAULT]);

    cluster.plant.clear_fault("bank-cryo").await?;
    until(client, COMM_FAULT, "returned", 1).await?;
    wait::until("the alarms to be told again", wait::SOON, || async {
        let seen = alarm(client, ONE).await?;
        ensure!(seen.bad_quality.is_empty() && seen.state == "normal", "{seen:?}");
        Ok(())
    })
    .await?;
    assert_eq!(raised(client).await?, [COMM_FAULT]);
    cluster.finish()
}

#[tokio::test]
async fn a_site_without_a_majority_says_so_while_it_lasts_and_afterwards() -> anyhow::Result<()> {
    let mut cluster = Cluster::with_lab(3, Lab::standard()?).await?;
    let alone = cluster.nodes[0].client.clone();
    let mut watch = service(&alone).watch_alarms(v1::WatchAlarmsRequest::default()).await?.into_inner();
    assert_eq!(alarm(&alone, NO_QUORUM).await?.state, "normal");
    cluster.nodes[1].kill9()?;
    cluster.nodes[2].kill9()?;
    // Nobody can agree on it: the node says it by itself, to those who ask and to those who look.
    let seen = until(&alone, NO_QUORUM, "unacknowledged", 1).await?;
    assert!(seen.active && seen.raised_unix_ns.is_some(), "{seen:?}");
    let told = tokio::time::timeout(wait::SOON, async {
        while let Some(message) = watch.message().await? {
            if message.alarms.iter().any(|alarm| alarm.alarm == NO_QUORUM && alarm.active) {
                return anyhow::Ok(true);
            }
        }
        Ok(false)
    });
    assert!(told.await??, "whoever looks is told");
    // What the leader had sent before it lost the others is committed when they are back, so the site's silence is shorter than the node's
    // by the lease that it had.
    wait::until("a silence that is long for everybody", wait::SOON, || async {
        let lasted = unix_ns() - seen.raised_unix_ns.unwrap_or(i64::MAX);
        ensure!(lasted > 8_000_000_000, "{lasted} ns");
        Ok(())
    })
    .await?;
    cluster.nodes[1].start().await?;
    cluster.nodes[2].start().await?;
    for client in &cluster.clients() {
        let seen = until(client, NO_QUORUM, "returned", 1).await?;
        assert!(!seen.active && seen.text.starts_with("nothing could be committed for "), "{seen:?}");
        let rows = raised(client).await?;
        assert_eq!(rows.iter().filter(|path| *path == NO_QUORUM).count(), 1, "{rows:?}");
    }
    cluster.finish()
}
