//! Actions: at most once on the device, whatever happens to its owner, and a doubt only where there was a fault. The simulated PLC counts.

use anyhow::{Context as _, ensure};
use labkeeper_proto::v1::{self, CommandState};
use labkeeper_tests::client::lab_code;
use labkeeper_tests::declare::{redeclare, tag};
use labkeeper_tests::ports::Port;
use labkeeper_tests::{Client, Cluster, Lab, cli, wait};
use serde_json::json;
use std::time::Duration;

/// One step of the PLC, which counts them.
const STEP: &str = "cryo/plc-1/step";
/// Where the device counts its steps.
const STEPS: u16 = 0;

async fn cluster() -> anyhow::Result<Cluster> {
    let port = Port::reserve()?;
    let plc = format!(
        r#"
[devices.plc-1]
segment = "cryo"
driver = "modbus-tcp"
address = "{}"
poll = "100ms"
timeout = "2s"
simulate = "plc"
[devices.plc-1.tags]
steps = {{ register = "input:0", type = "u32" }}
step = {{ register = "coil:0", type = "bool", access = "rw" }}
"#,
        port.address()
    );
    let cluster = Cluster::with_lab(3, Lab::standard()?.homes_return_after("1s").text(&plc).port(port)).await?;
    declare(&cluster, "steps").await?;
    Ok(cluster)
}

/// Declares the step as an action that this tag counts, or none.
async fn declare(cluster: &Cluster, probe: &str) -> anyhow::Result<()> {
    redeclare(&cluster.nodes[0].client, |site| {
        tag(site, "plc-1", "step")?.action = Some(v1::Action { probe: probe.into() });
        Ok(())
    })
    .await?;
    cluster.settled().await
}

#[tokio::test]
async fn an_action_is_done_once_however_often_and_wherever_it_is_asked_for() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let request = action(v1::WaitLevel::Written);
    for client in cluster.clients().iter().cycle().take(6) {
        let command = run(client, request.clone()).await?;
        assert_eq!((command.state(), command.kind()), (CommandState::Written, v1::CommandKind::Action), "{command:?}");
    }
    assert_eq!(steps(&cluster).await?, 1);
    let clients = cluster.clients();
    let many = (0..10).map(|n| run(&clients[n % 3], action(v1::WaitLevel::Written)));
    for command in futures::future::join_all(many).await {
        assert_eq!(command?.state(), CommandState::Written, "none is taken for another");
    }
    assert_eq!(steps(&cluster).await?, 11);

    let cancelled = cancel(&clients[0], &request.id).await.expect_err("it is done");
    assert_eq!(lab_code(&cancelled), "LAB3024");
    let setpoint = labkeeper_tests::client::setpoint(STEP, v1::value::Kind::Boolean(true));
    let refused = clients[0].set(setpoint).await?;
    assert_eq!(refused.error.map(|error| error.code).as_deref(), Some("LAB3021"), "an action has no setpoint");
    cluster.finish()
}

/// The device takes the write at once and answers much later, so its owner is killed with an intent and without an outcome.
#[tokio::test]
async fn an_owner_that_dies_over_an_action_leaves_what_the_device_can_tell() -> anyhow::Result<()> {
    let mut cluster = cluster().await?;
    for (n, (probe, expected)) in [("steps", CommandState::Written), ("", CommandState::Unknown)].into_iter().enumerate() {
        declare(&cluster, probe).await?;
        let owner = cluster.owner("cryo").await?;
        let others = cluster.clients_but(owner);
        cluster.plant.fault("plc-1", "slow:800").await?;
        let request = action(v1::WaitLevel::Committed);
        run(&others[0], request.clone()).await?;
        stepped(&cluster, n as u64 + 1).await?;
        cluster.nodes[owner].kill9()?;
        cluster.plant.clear_fault("plc-1").await?;

        let command = ended(&others[0], &request.id, expected).await?;
        let again = run(&others[1], request).await?;
        assert_eq!((again.state(), again.id), (command.state(), command.id), "the same answer from another node");
        if expected == CommandState::Unknown {
            assert_eq!(command.error.context("why")?.code, "LAB3017");
        }
        cluster.nodes[owner].start().await?;
        cluster.at_home().await?;
        assert_eq!(steps(&cluster).await?, n as u64 + 1, "counted by {probe:?}, it was done once");
    }
    cluster.finish()
}

/// Owners are killed and restarted at any moment of a series: every answer is true to what the device counted.
#[tokio::test]
async fn what_clients_are_told_through_kills_is_what_the_device_counted() -> anyhow::Result<()> {
    let mut cluster = cluster().await?;
    let (mut done, mut not_done) = (0, 0);
    for round in 0..3_u64 {
        let owner = cluster.owner("cryo").await?;
        let others = cluster.clients_but(owner);
        let requests: Vec<_> = (0..8).map(|_| action(v1::WaitLevel::Committed)).collect();
        for request in &requests {
            run(&others[0], request.clone()).await?;
        }
        // Each round strikes when another number of them is done.
        let before = done;
        stepped(&cluster, before + 2 * round).await?;
        cluster.nodes[owner].kill9()?;
        for request in &requests {
            match settled(&others[0], &request.id).await?.state() {
                CommandState::Written => done += 1,
                CommandState::Failed | CommandState::Expired => not_done += 1,
                other => anyhow::bail!("round {round}: {other:?}, though the device counts"),
            }
        }
        assert_eq!(steps(&cluster).await?, done, "round {round}");
        cluster.nodes[owner].start().await?;
        cluster.at_home().await?;
    }
    println!("{done} done, {not_done} not done, none in doubt");
    cluster.finish()
}

/// The command line and plain HTTP run and withdraw; what nobody has begun waits behind what the device takes long over.
#[tokio::test]
async fn actions_are_run_and_withdrawn_from_the_command_line_and_over_http() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let endpoints = cluster.endpoints();
    let ran = cli::run(&endpoints, &["run", STEP, "--reason", "test", "--as", "ann", "--json"]).await?.with_code(0)?.json()?;
    assert_eq!((&ran["tag"], &ran["state"], &ran["error"]), (&json!(STEP), &json!("written"), &serde_json::Value::Null));
    let id = ran["id"].as_str().context("an id")?;
    let again = cli::run(&endpoints, &["run", STEP, "--id", id, "--as", "ann", "--json"]).await?.with_code(0)?.json()?;
    assert_eq!(again["log_index"], ran["log_index"]);
    let late = cli::run(&endpoints, &["cancel", id]).await?.with_code(1)?;
    assert!(late.err.starts_with("LAB3024"), "{}", late.err);

    cluster.plant.fault("plc-1", "slow:1500").await?;
    for _ in 0..4 {
        run(&cluster.nodes[0].client, action(v1::WaitLevel::Committed)).await?;
    }
    let waiting = cli::run(&endpoints, &["run", STEP, "--wait", "committed", "--json"]).await?.with_code(0)?.json()?;
    let id = waiting["id"].as_str().context("an id")?;
    let cancelled = cli::run(&endpoints, &["cancel", id, "--reason", "a slip", "--json"]).await?.with_code(0)?.json()?;
    assert_eq!(cancelled["state"], json!("cancelled"));
    let body = json!({ "id": uuid::Uuid::now_v7().to_string(), "tag": STEP, "actor": "page" });
    let (status, answer) = cluster.nodes[1].client.post("/api/v1/commands/run", &body).await?;
    assert_eq!(status, 200, "{answer}");
    let withdrawn = json!({ "id": body["id"], "actor": "page" });
    let (status, answer) = cluster.nodes[2].client.post("/api/v1/commands/cancel", &withdrawn).await?;
    assert!(status == 200 && answer.contains("COMMAND_STATE_CANCELLED"), "{status} {answer}");
    cluster.plant.clear_fault("plc-1").await?;
    stepped(&cluster, 5).await?;
    let after = run(&cluster.nodes[0].client, action(v1::WaitLevel::Written)).await?;
    assert_eq!((after.state(), steps(&cluster).await?), (CommandState::Written, 6), "what was withdrawn was not done");
    cluster.finish()
}

fn action(wait: v1::WaitLevel) -> v1::RunActionRequest {
    v1::RunActionRequest {
        id: uuid::Uuid::now_v7().to_string(),
        tag: STEP.into(),
        actor: "test".into(),
        wait: wait.into(),
        ..Default::default()
    }
}

async fn run(client: &Client, request: v1::RunActionRequest) -> anyhow::Result<v1::Command> {
    client.commands().run_action(request).await?.into_inner().command.context("a command")
}

async fn cancel(client: &Client, id: &str) -> Result<v1::CancelCommandResponse, tonic::Status> {
    let request = v1::CancelCommandRequest { id: id.into(), actor: "test".into(), reason: String::new() };
    Ok(client.commands().cancel_command(request).await?.into_inner())
}

/// How many steps the device has taken.
async fn steps(cluster: &Cluster) -> anyhow::Result<u64> {
    let words = cluster.plant.cells("plc-1", "input", STEPS, 2).await?;
    Ok(u64::from(words[0]) << 16 | u64::from(words[1]))
}

async fn stepped(cluster: &Cluster, wanted: u64) -> anyhow::Result<()> {
    wait::until(&format!("{wanted} steps"), wait::SOON, || async {
        let taken = steps(cluster).await?;
        ensure!(taken >= wanted, "{taken}");
        Ok(())
    })
    .await
}

async fn ended(client: &Client, id: &str, state: CommandState) -> anyhow::Result<v1::Command> {
    let command = settled(client, id).await?;
    ensure!(command.state() == state, "{command:?}");
    Ok(command)
}

/// Waits until nothing further happens to an action: what nothing verifies has ended when it is written.
async fn settled(client: &Client, id: &str) -> anyhow::Result<v1::Command> {
    wait::until("the action to end", 2 * wait::SOON, || async {
        let command = tokio::time::timeout(Duration::from_secs(1), client.command(id)).await??;
        ensure!(command.state() >= CommandState::Written, "{:?}", command.steps);
        Ok(command)
    })
    .await
}
