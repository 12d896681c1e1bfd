//! Three nodes over a simulated lab: any node answers, any one may die.

use anyhow::{Context as _, ensure};
use futures::StreamExt as _;
use futures::future::try_join_all;
use labkeeper_proto::v1::value::Kind;
use labkeeper_proto::v1::{self, CommandState, Quality, WaitLevel};
use labkeeper_tests::client::{quality, reached, setpoint};
use labkeeper_tests::lab::SETPOINTS;
use labkeeper_tests::{Client, Cluster, Lab, Oracle, wait};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

#[tokio::test]
async fn every_node_answers_for_all_devices_of_all_nodes() -> anyhow::Result<()> {
    let cluster = Cluster::start(3).await?;
    for node in &cluster.nodes {
        for (segment, owner) in [("cryo", "lab-a"), ("furnace", "lab-b"), ("vacuum", "lab-c")] {
            let reading = node.client.reading(&format!("{segment}/bank-{segment}/gain")).await?;
            assert_eq!((quality(&reading), reading.unit.as_str(), reading.owner.as_str()), (Quality::Good, "mV", owner));
            assert_eq!(reading.limits, Some(v1::Limits { min: 0.0, max: 100.0 }));
        }
        let status = node.client.status().await?;
        assert_eq!(status.answered_by, node.name);
        assert_eq!(status.nodes.iter().map(|n| n.name.as_str()).collect::<Vec<_>>(), ["lab-a", "lab-b", "lab-c"]);
        assert_eq!(status.segments.iter().map(|s| s.owner.as_str()).collect::<Vec<_>>(), ["lab-a", "lab-b", "lab-c"]);
        assert!(status.segments.iter().all(|s| s.epoch > 0 && s.devices == 1), "{:?}", status.segments);
    }
    cluster.finish()
}

#[tokio::test]
async fn a_value_that_changes_at_a_device_is_seen_at_every_node() -> anyhow::Result<()> {
    let cluster = Cluster::start(3).await?;
    let mut watchers = Vec::new();
    for node in &cluster.nodes {
        let request = v1::WatchTagsRequest { selectors: vec!["vacuum/*/s03".into()], rate_hz_max: 50 };
        watchers.push(node.client.tags().watch_tags(request).await?.into_inner());
    }
    cluster.set(0, setpoint("vacuum/bank-vacuum/s03", Kind::Unsigned(4711))).await?;
    for (watcher, node) in watchers.iter_mut().zip(&cluster.nodes) {
        let seen = async {
            let first = watcher.next().await.context("a first message")??;
            ensure!(first.readings.len() == 1, "the snapshot comes first and has what was selected: {first:?}");
            while let Some(message) = watcher.next().await {
                let samples = message?.samples;
                if samples.iter().any(|s| s.sample.as_ref().and_then(|s| s.value.clone()?.kind) == Some(Kind::Unsigned(4711))) {
                    return Ok(());
                }
            }
            anyhow::bail!("the stream ended")
        };
        tokio::time::timeout(wait::SOON, seen).await.with_context(|| format!("{} never showed the value", node.name))??;
    }
    cluster.finish()
}

#[tokio::test]
async fn a_setpoint_through_a_follower_is_committed_written_and_verified() -> anyhow::Result<()> {
    let cluster = Cluster::start(3).await?;
    let follower = cluster.follower().await?;
    let mut request = setpoint("cryo/bank-cryo/gain", Kind::Number(12.5));
    request.wait = WaitLevel::Verified.into();
    request.reason = "cooldown 42".into();
    let command = cluster.nodes[follower].client.set(request).await?;

    assert_eq!((command.state(), command.revision, command.owner.as_str()), (CommandState::Verified, 1, "lab-a"), "{command:?}");
    assert!(command.log_index > 0);
    let order = [CommandState::Committed, CommandState::Dispatched, CommandState::Written, CommandState::Verified];
    let times: Option<Vec<i64>> = order.iter().map(|state| reached(&command, *state)).collect();
    assert!(times.context("every step has its time")?.is_sorted(), "{:?}", command.steps);
    // 12.5 as an f32 is 0x41480000, the high word first.
    assert_eq!(cluster.plant.cells("bank-cryo", "holding", 1000, 2).await?, [0x4148, 0x0000]);
    assert_eq!(cluster.plant.writes_to("bank-cryo", "holding", 1000).await?.len(), 1);

    cluster.applied(command.log_index).await?;
    for node in &cluster.nodes {
        let seen = || async {
            let setpoint = node.client.reading("cryo/bank-cryo/gain").await?.setpoint.context("a setpoint")?;
            ensure!(setpoint.state() == CommandState::Verified, "{setpoint:?}");
            Ok(setpoint)
        };
        let setpoint = wait::until("the setpoint at every node", wait::SOON, seen).await?;
        assert_eq!((setpoint.revision, setpoint.actor.as_str(), setpoint.reason.as_str()), (1, "test", "cooldown 42"));
    }
    cluster.finish()
}

#[tokio::test]
async fn a_watcher_sees_a_setpoint_move_and_a_slow_device_shows_each_state() -> anyhow::Result<()> {
    let cluster = Cluster::start(3).await?;
    // Slow enough to see the states between, within its time-out of 300 ms.
    cluster.plant.fault("bank-furnace", "slow:200").await?;
    let request = v1::WatchTagsRequest { selectors: vec!["furnace/*/gain".into()], rate_hz_max: 50 };
    let mut watcher = cluster.nodes[2].client.tags().watch_tags(request).await?.into_inner();
    cluster.set(0, setpoint("furnace/bank-furnace/gain", Kind::Number(7.0))).await?;

    let mut states = Vec::new();
    let watch = async {
        while states.last() != Some(&CommandState::Verified) {
            let message = watcher.next().await.context("the stream goes on")??;
            states.extend(message.readings.iter().filter_map(|r| Some(r.setpoint.as_ref()?.state())));
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(wait::SOON, watch).await.context("the setpoint never became verified")??;
    states.dedup();
    assert!(states.is_sorted(), "a setpoint never moves back: {states:?}");
    for state in [CommandState::Committed, CommandState::Written, CommandState::Verified] {
        assert!(states.contains(&state), "without {state:?}: {states:?}");
    }
    cluster.finish()
}

#[tokio::test]
async fn setpoints_that_come_all_at_once_are_each_written_once() -> anyhow::Result<()> {
    let cluster = Cluster::start(3).await?;
    let tags = (0..SETPOINTS).flat_map(|n| ["cryo", "furnace", "vacuum"].map(|segment| (n, segment)));
    let sets = tags.clone().enumerate().map(|(at, (n, segment))| {
        let mut request = setpoint(&format!("{segment}/bank-{segment}/s{n:02}"), Kind::Unsigned(1_000 + at as u64));
        request.wait = WaitLevel::Verified.into();
        cluster.set(at, request)
    });
    for command in try_join_all(sets).await? {
        assert_eq!(command.state(), CommandState::Verified, "{command:?}");
    }
    for (n, segment) in tags {
        let writes = cluster.plant.writes_to(&format!("bank-{segment}"), "holding", 2 * u16::try_from(n)?).await?;
        assert_eq!(writes.len(), 1, "{segment} s{n:02}: {writes:#?}");
    }
    cluster.finish()
}

/// A crash costs an election: at most 600 ms until it is noticed and 600 ms more until it begins, then a vote. A client
/// adds its own reconnection. Five seconds is four times that, for a machine that runs other tests on its two cores.
const GAP_MAX: Duration = Duration::from_secs(5);

#[tokio::test]
async fn any_one_node_may_die_and_nothing_acknowledged_is_lost() -> anyhow::Result<()> {
    let mut cluster = Cluster::with_lab(3, Lab::standard()?.homes_return_after("1s")).await?;
    let mut oracle = Oracle::default();
    for victim in 0..3 {
        let leader = cluster.leader().await?;
        let survivor = (victim + 1) % 3;
        let before = set_on(&cluster, survivor, 100 + victim as u64).await?;
        oracle.told(before).map_err(anyhow::Error::msg)?;

        let killed = Instant::now();
        cluster.nodes[victim].kill9()?;
        let after = set_on(&cluster, survivor, 200 + victim as u64).await?;
        let gap = killed.elapsed();
        println!(
            "{} killed ({}): commands went on after {gap:?}",
            cluster.nodes[victim].name,
            if victim == leader { "leader" } else { "follower" }
        );
        assert!(gap < GAP_MAX, "commands went on only after {gap:?}");
        oracle.told(after).map_err(anyhow::Error::msg)?;

        everything_is_kept_without(&cluster, victim, survivor).await?;
        cluster.nodes[victim].start().await?;
        cluster.at_home().await?;
    }
    check_every_node(&cluster, &oracle).await?;
    cluster.finish()
}

/// Sets a tag of the segment that `owner` owns, through that node's neighbour if need be.
async fn set_on(cluster: &Cluster, owner: usize, value: u64) -> anyhow::Result<v1::Command> {
    let segment = ["cryo", "furnace", "vacuum"][owner];
    let mut request = setpoint(&format!("{segment}/bank-{segment}/s00"), Kind::Unsigned(value));
    request.wait = WaitLevel::Verified.into();
    let command = cluster.set(owner, request).await?;
    ensure!(command.state() == CommandState::Verified, "{command:?}");
    Ok(command)
}

async fn everything_is_kept_without(cluster: &Cluster, victim: usize, survivor: usize) -> anyhow::Result<()> {
    let (dead, client) = (&cluster.nodes[victim].name, &cluster.nodes[survivor].client);
    wait::until("every value to come from a living node", wait::SOON, || async {
        for reading in client.readings("**").await? {
            ensure!(quality(&reading) == Quality::Good && reading.owner != *dead, "{reading:?}");
        }
        Ok(())
    })
    .await
}

async fn check_every_node(cluster: &Cluster, oracle: &Oracle) -> anyhow::Result<()> {
    let newest = oracle.commands().map(|c| c.log_index).max().unwrap_or(0);
    cluster.applied(newest).await?;
    for node in &cluster.nodes {
        let wrong = [oracle.check_commands(&commands_of(&node.client).await?), oracle.check_setpoints(&setpoints_of(&node.client).await?)];
        assert!(wrong.concat().is_empty(), "{}: {wrong:#?}", node.name);
    }
    Ok(())
}

async fn commands_of(client: &Client) -> anyhow::Result<BTreeMap<String, v1::Command>> {
    let all = client.commands().list_commands(v1::ListCommandsRequest { limit: 1_000 }).await?.into_inner().commands;
    Ok(all.into_iter().map(|command| (command.id.clone(), command)).collect())
}

async fn setpoints_of(client: &Client) -> anyhow::Result<BTreeMap<String, v1::Setpoint>> {
    Ok(client.readings("**").await?.into_iter().filter_map(|r| Some((r.tag, r.setpoint?))).collect())
}

#[tokio::test]
async fn a_frozen_leader_is_replaced_and_finds_its_place_when_it_wakes() -> anyhow::Result<()> {
    let mut cluster = Cluster::start(3).await?;
    let old = cluster.leader().await?;
    cluster.nodes[old].pause()?;
    let owner = (old + 1) % 3;
    let command = set_on(&cluster, owner, 77).await?;
    let new = cluster.leader().await?;
    assert_ne!(new, old);
    cluster.nodes[old].resume()?;
    cluster.settled().await?;
    let seen = cluster.nodes[old].client.command(&command.id).await?;
    assert_eq!((seen.revision, seen.log_index), (command.revision, command.log_index), "it caught up with what it slept through");
    cluster.finish()
}
