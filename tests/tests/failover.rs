//! The leader dies in the middle of a command: the client asks again with the same id, gets the first outcome, and the
//! device saw one write.
//!
//! The moment of death is drawn from a seed, so that over the rounds it falls before the proposal, into its replication,
//! and after the answer. `LABKEEPER_ROUNDS` asks for more rounds, `LABKEEPER_SEED` repeats a run.

use anyhow::ensure;
use labkeeper_proto::v1::value::Kind;
use labkeeper_proto::v1::{self, CommandState, WaitLevel};
use labkeeper_tests::client::setpoint;
use labkeeper_tests::{Cluster, Lab, chance, wait};
use rand::RngExt as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The latest moment of death after the request has left: a command takes 20 to 60 ms to be verified by an unoptimised node,
/// so most deaths come in its midst and some after the answer.
const DEATH_AFTER_MAX: Duration = Duration::from_millis(80);
/// How long a command keeps its meaning where its owner is to die before that: the write is sent some 300 ms after it.
const DEADLINE_AFTER: Duration = Duration::from_secs(2);

#[tokio::test]
async fn a_command_repeated_after_the_leaders_death_is_carried_out_once() -> anyhow::Result<()> {
    let (seed, mut chance) = chance::from_environment();
    let rounds = chance::rounds(6);
    let mut cluster = Cluster::with_lab(3, Lab::standard()?.homes_return_after("1s")).await?;
    for round in 0..rounds {
        let told = format!("round {round} of {rounds}, LABKEEPER_SEED={seed}");
        let death_after = chance.random_range(Duration::ZERO..DEATH_AFTER_MAX);
        let answered = one_round(&mut cluster, round, death_after).await.map_err(|error| error.context(told))?;
        println!("round {round}: died after {death_after:?}, first answer {}", if answered { "arrived" } else { "lost" });
    }
    cluster.finish()
}

async fn one_round(cluster: &mut Cluster, round: u32, death_after: Duration) -> anyhow::Result<bool> {
    let leader = cluster.leader().await?;
    // A segment whose owner survives: what is examined is the command's path, not the owner's death.
    let segment = ["cryo", "furnace", "vacuum"][(leader + 1) % 3];
    let (device, value) = (format!("bank-{segment}"), 1_000 + u64::from(round));
    let mut request = setpoint(&format!("{segment}/{device}/s05"), Kind::Unsigned(value));
    request.wait = WaitLevel::Verified.into();

    let client = cluster.nodes[leader].client.clone();
    let first_try = tokio::spawn({
        let request = request.clone();
        async move { client.set(request).await }
    });
    // The only use of a time here: it is the fault, not a wait.
    tokio::time::sleep(death_after).await;
    cluster.nodes[leader].kill9()?;
    let first_answer = first_try.await?;

    let outcome = cluster.set(leader + 1, request.clone()).await?;
    let outcome = verified(cluster, leader + 1, &outcome.id).await?;
    if let Ok(first) = &first_answer {
        same(first, &outcome)?;
    }
    cluster.nodes[leader].start().await?;
    cluster.at_home().await?;
    for node in 0..3 {
        same(&outcome, &cluster.set(node, request.clone()).await?)?;
    }
    let writes = cluster.plant.writes_to(&device, "holding", 10).await?;
    let of_this_round = writes.iter().filter(|w| u64::from(w.values[0]) << 16 | u64::from(w.values[1]) == value).count();
    ensure!(of_this_round == 1, "the device saw {of_this_round} writes of {value}: {writes:#?}");
    Ok(first_answer.is_ok())
}

/// The device has the value, the owner died before its answer came, and the deadline passes while it is dead: whatever the
/// command is called, `expired` would be untrue, since that says that it was never begun.
#[tokio::test]
async fn a_command_whose_owner_died_while_writing_is_never_called_expired() -> anyhow::Result<()> {
    let mut cluster = Cluster::start(3).await?;
    // The write is carried out at once and answered late, within the time-out of 300 ms.
    cluster.plant.fault("bank-cryo", "slow:250").await?;
    let deadline = SystemTime::now().duration_since(UNIX_EPOCH)? + DEADLINE_AFTER;
    let mut request = setpoint("cryo/bank-cryo/s07", Kind::Unsigned(4_711));
    request.deadline_unix_ms = i64::try_from(deadline.as_millis())?;
    let id = cluster.set(1, request).await?.id;
    wait::until("the write to reach the device", wait::SOON, || async {
        ensure!(!cluster.plant.writes_to("bank-cryo", "holding", 14).await?.is_empty(), "no write yet");
        Ok(())
    })
    .await?;
    cluster.nodes[0].kill9()?;
    cluster.plant.clear_fault("bank-cryo").await?;

    // Long enough that whoever ends overdue commands has done so.
    tokio::time::sleep(DEADLINE_AFTER + Duration::from_secs(4)).await;
    cluster.leader().await?;
    let state = cluster.nodes[1].client.command(&id).await?.state();
    assert_ne!(state, CommandState::Expired, "the device has the value, and its command is said not to have begun");
    cluster.nodes[0].start().await?;
    cluster.settled().await?;
    wait::until("the command to end truthfully", wait::SOON, || async {
        let state = cluster.nodes[1].client.command(&id).await?.state();
        ensure!(matches!(state, CommandState::Verified | CommandState::Unknown), "{state:?}");
        Ok(())
    })
    .await?;
    cluster.finish()
}

async fn verified(cluster: &Cluster, node: usize, id: &str) -> anyhow::Result<v1::Command> {
    let client = &cluster.nodes[node % 3].client;
    wait::until("the command to be verified", wait::SOON, || async {
        let command = client.command(id).await?;
        ensure!(command.state() == CommandState::Verified, "{command:?}");
        Ok(command)
    })
    .await
}

fn same(first: &v1::Command, again: &v1::Command) -> anyhow::Result<()> {
    let outcome = |c: &v1::Command| (c.id.clone(), c.revision, c.log_index, c.value.clone());
    ensure!(outcome(first) == outcome(again), "the first outcome was {first:#?}, then {again:#?}");
    Ok(())
}
