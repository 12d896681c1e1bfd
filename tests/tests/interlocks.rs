//! Interlocks at real nodes: what their owner does to a device by itself, what it refuses, and what outlives it.

use anyhow::{Context as _, ensure};
use labkeeper_proto::v1::value::Kind;
use labkeeper_proto::v1::{self, CommandState};
use labkeeper_tests::client::{setpoint, value};
use labkeeper_tests::declare::{redeclare, tag};
use labkeeper_tests::outage::first_answer;
use labkeeper_tests::{Client, Cluster, Lab, wait};
use std::time::Duration;

/// Guarded, and safe at zero.
const GUARDED: &str = "cryo/bank-cryo/gain";
/// What the interlock is about.
const INPUT: &str = "cryo/bank-cryo/s00";

async fn cluster(stage: &str) -> anyhow::Result<Cluster> {
    let cluster = Cluster::with_lab(3, Lab::standard()?.homes_return_after("1s")).await?;
    redeclare(&cluster.nodes[0].client, |site| {
        tag(site, "bank-cryo", "gain")?.safe = Some(v1::Value { kind: Some(Kind::Number(0.0)) });
        let interlock = v1::Interlock {
            stage: stage.into(),
            require: format!("{INPUT} < 100"),
            tags: vec![GUARDED.into()],
            max_age_ms: 2_000,
            priority: "high".into(),
            ..Default::default()
        };
        site.interlocks.insert("limit".into(), interlock);
        Ok(())
    })
    .await?;
    cluster.settled().await?;
    Ok(cluster)
}

#[tokio::test]
async fn a_tripped_interlock_refuses_forces_the_safe_value_and_resets_itself() -> anyhow::Result<()> {
    let cluster = cluster("interlock").await?;
    let clients = cluster.clients();
    drives(&clients, 50.0).await?;
    set(&clients, INPUT, Kind::Unsigned(500)).await?;
    becomes(&clients[1], 0.0).await?;
    refuses(&clients, 50.0).await?;
    // The safe value is always allowed.
    drives(&clients, 0.0).await?;
    set(&clients, INPUT, Kind::Unsigned(5)).await?;
    drives(&clients, 20.0).await?;
    cluster.finish()
}

#[tokio::test]
async fn a_latch_outlives_its_owner_and_a_takeover_is_no_trip() -> anyhow::Result<()> {
    let mut cluster = cluster("protect").await?;
    drives(&cluster.clients(), 50.0).await?;
    let owner = cluster.owner("cryo").await?;
    cluster.nodes[owner].kill9()?;
    let others = cluster.clients_but(owner);
    drives(&others, 60.0).await?;
    cluster.nodes[owner].start().await?;
    cluster.at_home().await?;

    let clients = cluster.clients();
    set(&clients, INPUT, Kind::Unsigned(500)).await?;
    becomes(&clients[1], 0.0).await?;
    set(&clients, INPUT, Kind::Unsigned(5)).await?;
    let owner = cluster.owner("cryo").await?;
    cluster.nodes[owner].kill9()?;
    let others = cluster.clients_but(owner);
    cluster.settled().await?;
    // It holds again, under another owner, and still waits for a reset.
    refuses(&others, 50.0).await?;
    becomes(&others[0], 0.0).await?;
    cluster.finish()
}

/// Sets a tag, through whichever node answers first.
async fn set(clients: &[Client], tag: &str, value: Kind) -> anyhow::Result<v1::Command> {
    let request = setpoint(tag, value);
    let answer = first_answer(Duration::from_millis(200), |n| clients[n % clients.len()].set(request.clone())).await;
    answer.with_context(|| format!("nobody answers a setpoint of {tag}"))
}

/// Waits until the guarded tag takes a value, which it does not while nothing is known of its interlock.
async fn drives(clients: &[Client], wanted: f64) -> anyhow::Result<()> {
    wait::until(&format!("{GUARDED} to take {wanted}"), 2 * wait::SOON, || async {
        let command = set(clients, GUARDED, Kind::Number(wanted)).await?;
        ensure!(command.state() != CommandState::Rejected, "{:?}", command.error);
        Ok(())
    })
    .await?;
    becomes(&clients[0], wanted).await
}

async fn refuses(clients: &[Client], wanted: f64) -> anyhow::Result<()> {
    let command = set(clients, GUARDED, Kind::Number(wanted)).await?;
    let code = command.error.as_ref().map(|error| error.code.as_str());
    ensure!((command.state(), code) == (CommandState::Rejected, Some("LAB7201")), "{command:?}");
    Ok(())
}

/// Waits until a node shows that the device has a value.
async fn becomes(client: &Client, wanted: f64) -> anyhow::Result<()> {
    wait::until(&format!("{GUARDED} to be {wanted}"), wait::SOON, || async {
        let seen = value(&client.reading(GUARDED).await?);
        ensure!(seen == Some(Kind::Number(wanted)), "{seen:?}");
        Ok(())
    })
    .await
}
