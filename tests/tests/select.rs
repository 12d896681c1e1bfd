//! Select before operate on a real cluster: no command without a selection of its own, and none on what somebody saw under another leader.

use anyhow::Context as _;
use labkeeper_tests::cluster::Cluster;
use labkeeper_tests::declare::{redeclare, tag};
use labkeeper_tests::{cli, wait};
use serde_json::json;

const TAG: &str = "cryo/bank-cryo/gain";

#[tokio::test]
async fn nothing_is_operated_that_was_not_selected_and_no_selection_outlives_the_leader() -> anyhow::Result<()> {
    let mut cluster = Cluster::start(3).await?;
    redeclare(&cluster.nodes[0].client, |site| {
        tag(site, "bank-cryo", "gain")?.select_ms = Some(60_000);
        Ok(())
    })
    .await?;
    cluster.settled().await?;
    let endpoints = cluster.endpoints();
    let bare = cli::run(&endpoints, &["set", TAG, "3"]).await?.with_code(1)?;
    assert!(bare.err.starts_with("LAB3027") && bare.err.contains("--select"), "{}", bare.err);
    let unanswered = cli::run(&endpoints, &["set", TAG, "3", "--select"]).await?.with_code(2)?;
    assert!(unanswered.err.contains("--yes"), "{}", unanswered.err);
    let set = cli::run(&endpoints, &["set", TAG, "3", "--select", "--yes", "--wait", "verified", "--json"]).await?.with_code(0)?;
    assert_eq!(set.json()?["state"], json!("verified"));
    assert!(set.err.contains("about to write 3"), "{}", set.err);

    let id = selected(&endpoints, "4", "ann").await?;
    let other = cli::run(&endpoints, &["select", TAG, "5", "--as", "bob"]).await?.with_code(1)?;
    assert!(other.err.starts_with("LAB3029") && other.err.contains("by ann"), "{}", other.err);
    let mismatch = cli::run(&endpoints, &["set", TAG, "4.5", "--as", "ann", "--id", &id]).await?.with_code(1)?;
    assert!(mismatch.err.starts_with("LAB3030"), "{}", mismatch.err);
    let id = selected(&endpoints, "4", "ann").await?;
    cli::run(&endpoints, &["select", TAG, "--drop", &id, "--as", "ann"]).await?.with_code(0)?;
    http(&cluster).await?;

    let id = selected(&endpoints, "4", "ann").await?;
    let leader = cluster.leader().await?;
    cluster.nodes[leader].kill9()?;
    let stale = wait::until("an answer of another leader", wait::SOON, || async {
        let ran = cli::run(&endpoints, &["set", TAG, "4", "--as", "ann", "--id", &id]).await?;
        anyhow::ensure!(ran.code != 0 && !ran.err.starts_with("LAB40"), "{ran:?}");
        Ok(ran)
    })
    .await?;
    assert!(stale.err.starts_with("LAB3028") && stale.err.contains("another node leads"), "{}", stale.err);
    let id = selected(&endpoints, "4", "bob").await?;
    cli::run(&endpoints, &["set", TAG, "4", "--as", "bob", "--id", &id, "--wait", "committed"]).await?.with_code(0)?;
    cluster.finish()
}

/// Selects, and gives the id of the command that is to follow.
async fn selected(endpoints: &str, value: &str, actor: &str) -> anyhow::Result<String> {
    let told = cli::run(endpoints, &["select", TAG, value, "--as", actor, "--json"]).await?.with_code(0)?.json()?;
    Ok(told["id"].as_str().context("an id")?.to_owned())
}

/// The same over plain HTTP, with one node selecting and another operating.
async fn http(cluster: &Cluster) -> anyhow::Result<()> {
    let body = json!({ "id": uuid::Uuid::now_v7().to_string(), "tag": TAG, "value": { "number": 6.0 }, "actor": "page", "client": "tab" });
    let (status, answer) = cluster.nodes[0].client.post("/api/v1/commands/select", &body).await?;
    assert!(status == 200 && answer.contains("untilUnixMs"), "{status} {answer}");
    let command = json!({ "id": body["id"], "tag": TAG, "value": body["value"], "actor": "page" });
    let (status, answer) = cluster.nodes[1].client.post("/api/v1/commands", &command).await?;
    assert!(status == 200 && !answer.contains("REJECTED"), "{status} {answer}");
    let (status, answer) = cluster.nodes[2].client.post("/api/v1/commands/steer", &json!({ "tag": TAG, "how": "RAMP_STEER_HOLD" })).await?;
    assert!(status == 409 && answer.contains("LAB3026"), "{status} {answer}");
    Ok(())
}
