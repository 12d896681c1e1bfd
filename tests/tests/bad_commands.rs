//! Commands that cannot be: each is answered with its code, what is wrong and what to do, and drives nothing.

use anyhow::Context as _;
use labkeeper_proto::v1::value::Kind;
use labkeeper_proto::v1::{self, CommandState, SetSetpointRequest};
use labkeeper_tests::client::{lab_code, remedy, setpoint};
use labkeeper_tests::{Client, Cluster};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const GAIN: &str = "cryo/bank-cryo/gain";
const S00: &str = "cryo/bank-cryo/s00";

/// What a client is told: the code, the message, the remedy.
type Told = (String, String, String);

/// Sends a request, and returns what was said against it, in whichever way.
async fn refusal(client: &Client, request: SetSetpointRequest) -> anyhow::Result<Told> {
    match client.set(request).await {
        Ok(command) => {
            anyhow::ensure!(matches!(command.state(), CommandState::Rejected | CommandState::Expired), "accepted: {command:?}");
            let error = command.error.context("a refused command says why")?;
            Ok((error.code, error.message, error.remedy))
        }
        Err(status) => Ok((lab_code(&status), status.message().to_owned(), remedy(&status))),
    }
}

#[tokio::test]
async fn what_does_not_fit_the_tag_is_refused() -> anyhow::Result<()> {
    let cases = [
        ("cryo/bank-cryo/nothing", Kind::Number(1.0), "LAB3001", "nothing"),
        ("cryo/gain", Kind::Number(1.0), "LAB3001", "cryo/gain"),
        ("cryo/bank-cryo/level", Kind::Unsigned(1), "LAB3002", "level"),
        (GAIN, Kind::Text("warm".into()), "LAB3003", "f32"),
        ("cryo/bank-cryo/ready", Kind::Number(1.0), "LAB3003", "bool"),
        (S00, Kind::Number(2.5), "LAB3003", "whole"),
        (GAIN, Kind::Number(f64::NAN), "LAB3004", "NaN"),
        (GAIN, Kind::Number(f64::INFINITY), "LAB3004", "infin"),
        (GAIN, Kind::Number(100.5), "LAB3005", "0 to 100"),
        (GAIN, Kind::Integer(-1), "LAB3005", "0 to 100"),
        (S00, Kind::Unsigned(1 << 32), "LAB3006", "4294967295"),
        (S00, Kind::Integer(-1), "LAB3006", "0 to"),
    ];
    let cluster = Cluster::start(3).await?;
    let follower = &cluster.nodes[cluster.follower().await?].client;
    for (tag, value, code, says) in cases {
        let (got, message, remedy) = refusal(follower, setpoint(tag, value.clone())).await?;
        assert_eq!(got, code, "{tag} {value:?}: {message}");
        assert!(message.contains(says), "{code} says {message:?}, without {says:?}");
        assert!(!remedy.is_empty(), "{code} says nothing of what to do");
    }
    nothing_was_driven(&cluster).await?;
    cluster.finish()
}

#[tokio::test]
async fn what_is_wrong_with_the_request_is_said() -> anyhow::Result<()> {
    let hour_ahead = |hours: u64| -> anyhow::Result<i64> {
        let ahead = SystemTime::now().duration_since(UNIX_EPOCH)? + Duration::from_secs(3_600 * hours);
        Ok(i64::try_from(ahead.as_millis())?)
    };
    let good = || setpoint(GAIN, Kind::Number(1.0));
    let cases = [
        (SetSetpointRequest { expected_revision: Some(7), ..good() }, "LAB3007"),
        (SetSetpointRequest { deadline_unix_ms: 1_000, ..good() }, "LAB3008"),
        (SetSetpointRequest { deadline_unix_ms: hour_ahead(25)?, ..good() }, "LAB3015"),
        (SetSetpointRequest { id: "not-a-uuid".into(), ..good() }, "LAB3013"),
        (SetSetpointRequest { id: String::new(), ..good() }, "LAB3013"),
        (SetSetpointRequest { id: uuid::Uuid::nil().to_string(), ..good() }, "LAB3013"),
        (SetSetpointRequest { value: None, ..good() }, "LAB5001"),
        (SetSetpointRequest { value: Some(v1::Value { kind: None }), ..good() }, "LAB5001"),
        (SetSetpointRequest { wait: 99, ..good() }, "LAB5001"),
        (SetSetpointRequest { wait_ms_max: 60_001, ..good() }, "LAB5001"),
        (SetSetpointRequest { actor: "x".repeat(100_000), ..good() }, "LAB5001"),
        (SetSetpointRequest { reason: "x".repeat(100_000), ..good() }, "LAB5001"),
    ];
    let cluster = Cluster::start(3).await?;
    for (node, (request, code)) in (0..3).cycle().zip(cases) {
        let (got, message, remedy) = refusal(&cluster.nodes[node].client, request).await?;
        assert_eq!(got, code, "{message}");
        assert!(!message.is_empty() && !remedy.is_empty(), "{code}: {message:?}, {remedy:?}");
    }
    nothing_was_driven(&cluster).await?;
    cluster.finish()
}

#[tokio::test]
async fn an_id_names_one_command_for_ever() -> anyhow::Result<()> {
    let cluster = Cluster::start(3).await?;
    let first = setpoint(GAIN, Kind::Number(1.0));
    let accepted = cluster.set(0, first.clone()).await?;
    let other_value = SetSetpointRequest { value: setpoint(GAIN, Kind::Number(2.0)).value, ..first.clone() };
    let other_tag = SetSetpointRequest { tag: S00.into(), ..first.clone() };
    for (node, request) in [(1, other_value), (2, other_tag)] {
        assert_eq!(refusal(&cluster.nodes[node].client, request).await?.0, "LAB3009");
    }
    let again = cluster.set(2, first).await?;
    assert_eq!((again.revision, again.log_index), (accepted.revision, accepted.log_index));

    // A refusal is remembered as well: the same id gets the same answer, even once the reason is gone.
    let refused = SetSetpointRequest { expected_revision: Some(2), ..setpoint(GAIN, Kind::Number(3.0)) };
    assert_eq!(refusal(&cluster.nodes[0].client, refused.clone()).await?.0, "LAB3007");
    cluster.set(0, setpoint(GAIN, Kind::Number(4.0))).await?;
    assert_eq!(refusal(&cluster.nodes[1].client, refused).await?.0, "LAB3007");
    cluster.finish()
}

#[tokio::test]
async fn a_selector_that_is_no_glob_and_a_command_that_nobody_knows() -> anyhow::Result<()> {
    let cluster = Cluster::start(1).await?;
    let client = &cluster.nodes[0].client;
    for selector in ["", "cryo//gain", "cryo/[/x", &"x".repeat(300)] {
        let request = v1::GetTagsRequest { selectors: vec![selector.into()], linearizable: false };
        let status = client.tags().get_tags(request).await.expect_err(selector);
        assert_eq!(lab_code(&status), "LAB5004", "{selector:?}: {status}");
    }
    let request = v1::GetTagsRequest { selectors: vec!["cryo/bank-cryo/nothing".into()], linearizable: true };
    assert_eq!(lab_code(&client.tags().get_tags(request).await.expect_err("no such tag")), "LAB3001");
    let nobody = v1::GetCommandRequest { id: uuid::Uuid::now_v7().to_string(), wait: 0, wait_ms_max: 0 };
    assert_eq!(lab_code(&client.commands().get_command(nobody).await.expect_err("no such command")), "LAB3014");
    cluster.finish()
}

async fn nothing_was_driven(cluster: &Cluster) -> anyhow::Result<()> {
    let writes = cluster.plant.writes().await?;
    anyhow::ensure!(writes.is_empty(), "a refused command reached a device: {writes:#?}");
    for node in &cluster.nodes {
        for reading in node.client.readings("**").await? {
            anyhow::ensure!(reading.setpoint.is_none(), "a refused command left a setpoint: {reading:#?}");
        }
    }
    Ok(())
}
