//! Alarms whose condition is more than a limit of one tag, and what becomes of one whose declaration changes: at real nodes.

use anyhow::ensure;
use labkeeper_proto::v1;
use labkeeper_tests::alarms::{alarm, journal};
use labkeeper_tests::declare::{redeclare, tag};
use labkeeper_tests::outage::until_controlled;
use labkeeper_tests::{Client, Cluster, Lab, wait};
use std::time::Instant;

/// What most alarms here are about: the register of `s02`.
const JUDGED: &str = "cryo/bank-cryo/s02";
/// Another device's tag, on another node's segment.
const ELSEWHERE: &str = "furnace/bank-furnace/s00";
/// Says that the experiment is at rest, so that what is unusual otherwise is as designed.
const AT_REST: &str = "cryo/bank-cryo/s03";

fn lab() -> anyhow::Result<Lab> {
    let tags = r#"
[devices.bank-cryo.tags.judged]
register = "holding:4"
type = "u32"
unit = "counts"
alarms = [
  { name = "both", type = "expression", expr = "cryo/bank-cryo/judged > 10 counts and furnace/bank-furnace/s00 > 10 counts", priority = "low" },
  { name = "high", type = "hi", limit = 100.0, deadband = 5.0, priority = "low", suppress_when = "cryo/bank-cryo/s03 = 1 counts" },
  { name = "gone", type = "hi", limit = 150.0, deadband = 5.0, priority = "low" },
]
"#;
    Ok(Lab::standard()?.text(tags))
}

async fn drive(cluster: &Cluster, tag: &str, value: u64) -> anyhow::Result<()> {
    until_controlled(&cluster.clients(), tag, value, Instant::now()).await.map(drop)
}

fn path(name: &str) -> String {
    format!("cryo/bank-cryo/judged/{name}")
}

async fn until(client: &Client, name: &str, state: &str) -> anyhow::Result<v1::AlarmStatus> {
    wait::until(&format!("{name} to be {state}"), wait::SOON, || async {
        let seen = alarm(client, &path(name)).await?;
        ensure!(seen.state == state, "{seen:?}");
        Ok(seen)
    })
    .await
}

/// What happened to an alarm, oldest first.
async fn story(client: &Client, name: &str) -> anyhow::Result<Vec<String>> {
    let path = path(name);
    let rows = journal(client).await?.into_iter().rev().filter(|row| row.alarm == path);
    Ok(rows.map(|row| row.transition).collect())
}

#[tokio::test]
async fn an_expression_is_over_tags_of_any_node() -> anyhow::Result<()> {
    let cluster = Cluster::with_lab(3, lab()?).await?;
    let client = &cluster.nodes[2].client;
    drive(&cluster, ELSEWHERE, 5).await?;
    drive(&cluster, JUDGED, 20).await?;
    until(client, "both", "normal").await?;
    drive(&cluster, ELSEWHERE, 20).await?;
    until(client, "both", "unacknowledged").await?;
    drive(&cluster, JUDGED, 5).await?;
    until(client, "both", "returned").await?;
    // A device that cannot be read decides nothing: neither that it holds nor that it does not.
    drive(&cluster, JUDGED, 20).await?;
    until(client, "both", "unacknowledged").await?;
    cluster.plant.fault("bank-furnace", "no_answer").await?;
    wait::until("the expression to have a bad input", wait::SOON, || async {
        let seen = alarm(client, &path("both")).await?;
        ensure!(!seen.bad_quality.is_empty() && seen.active, "{seen:?}");
        Ok(())
    })
    .await?;
    cluster.plant.clear_fault("bank-furnace").await?;
    assert_eq!(until(client, "both", "unacknowledged").await?.occurrence, 2);
    cluster.finish()
}

#[tokio::test]
async fn what_a_rule_suppresses_is_told_when_the_rule_ends() -> anyhow::Result<()> {
    let cluster = Cluster::with_lab(3, lab()?).await?;
    let client = &cluster.nodes[1].client;
    drive(&cluster, JUDGED, 120).await?;
    until(client, "high", "unacknowledged").await?;
    drive(&cluster, AT_REST, 1).await?;
    let seen = until(client, "high", "suppressed").await?;
    assert!(seen.active && seen.suppressed, "{seen:?}");
    drive(&cluster, JUDGED, 5).await?;
    wait::until("the condition to end under its rule", wait::SOON, || async {
        let seen = alarm(client, &path("high")).await?;
        ensure!(!seen.active && seen.state == "suppressed", "{seen:?}");
        Ok(())
    })
    .await?;
    drive(&cluster, JUDGED, 120).await?;
    drive(&cluster, AT_REST, 0).await?;
    let seen = until(client, "high", "unacknowledged").await?;
    assert!(seen.active && !seen.suppressed, "{seen:?}");
    let story = story(client, "high").await?;
    assert_eq!((story[0].as_str(), story[1].as_str()), ("RAISED", "SUPPRESSED"), "{story:?}");
    assert!(story.contains(&"UNSUPPRESSED".to_owned()), "{story:?}");
    cluster.finish()
}

#[tokio::test]
async fn a_changed_declaration_is_judged_anew_and_a_removed_one_ends() -> anyhow::Result<()> {
    let cluster = Cluster::with_lab(3, lab()?).await?;
    let client = &cluster.nodes[0].client;
    drive(&cluster, JUDGED, 200).await?;
    until(client, "high", "unacknowledged").await?;
    until(client, "gone", "unacknowledged").await?;
    redeclare(client, |site| {
        let tag = tag(site, "bank-cryo", "judged")?;
        tag.alarms.retain(|alarm| alarm.name != "gone");
        for alarm in tag.alarms.iter_mut().filter(|alarm| alarm.name == "high") {
            alarm.limit = 300.0;
        }
        Ok(())
    })
    .await?;
    until(client, "high", "returned").await?;
    assert!(alarm(client, &path("gone")).await.is_err(), "there is no such alarm any more");
    assert_eq!(story(client, "gone").await?, ["RAISED", "REMOVED"]);
    // What follows is judged by what is declared now.
    drive(&cluster, JUDGED, 301).await?;
    assert_eq!(until(client, "high", "unacknowledged").await?.occurrence, 2);
    cluster.finish()
}
