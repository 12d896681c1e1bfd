//! Control of devices over a real cluster: others are refused, nobody's death holds it up, and no death of a node ends it.

use anyhow::{Context as _, ensure};
use labkeeper_tests::process::Process;
use labkeeper_tests::{Cluster, Lab, cli, wait};
use serde_json::{Value, json};
use std::time::Duration;

const TAG: &str = "cryo/bank-cryo/s00";
const GAIN: &str = "cryo/bank-cryo/gain";
const SCOPE: &str = "segment/cryo";
/// The shortest time for which control is taken: a holder that dies keeps others waiting for that long at most.
const HOLD: Duration = Duration::from_secs(5);

#[tokio::test]
async fn control_is_one_persons_outlives_nodes_and_ends_with_its_holder() -> anyhow::Result<()> {
    let mut cluster = Cluster::with_lab(3, Lab::standard()?).await?;
    others_are_refused_with_who_and_until_when(&cluster).await?;
    it_survives_the_leader(&mut cluster).await?;
    whoever_loses_it_is_told_who_broke_it_and_why(&cluster).await?;
    it_ends_when_its_holder_dies(&cluster).await?;
    cluster.finish()
}

async fn others_are_refused_with_who_and_until_when(cluster: &Cluster) -> anyhow::Result<()> {
    let at = cluster.endpoints();
    let taken = run(&at, &["control", "take", SCOPE, "--reason", "cooldown 42", "--as", "ann", "--json"]).await?.with_code(0)?.json()?;
    assert_eq!((&taken["held"][0]["scope"], &taken["held"][0]["holder"]), (&json!(SCOPE), &json!("ann")), "{taken:#}");
    // Any node says so.
    for node in &cluster.nodes {
        let refused = run(&node.grpc.address().to_string(), &["set", TAG, "7", "--as", "bob"]).await?.with_code(1)?;
        let says = |text: &str| refused.err.contains(text);
        assert!(refused.err.starts_with("LAB3040") && says("ann has control of segment/cryo until"), "{}", refused.err);
        assert!(says(" UTC") && says("cooldown 42") && says("labkeeper control ask"), "{}", refused.err);
    }
    run(&at, &["set", TAG, "7", "--as", "ann", "--wait", "verified", "--timeout", "15s"]).await?.with_code(0)?;
    run(&at, &["set", "vacuum/bank-vacuum/s00", "7", "--as", "bob"]).await?.with_code(0)?;

    let rival = run(&at, &["control", "take", "device/bank-cryo", "--reason", "mine", "--as", "bob"]).await?.with_code(1)?;
    assert!(rival.err.starts_with("LAB3040"), "{}", rival.err);
    let why = run(&at, &["why", TAG, "--as", "bob", "--json"]).await?.with_code(0)?.json()?;
    assert_eq!((&why["refused"], &why["reasons"][0]["code"]), (&json!(true), &json!("LAB3040")), "{why:#}");
    let why = run(&at, &["why", GAIN, "--as", "ann"]).await?.with_code(0)?;
    assert!(why.out.contains("nothing keeps ann from setting") && why.out.contains("0 to 100 mV"), "{}", why.out);
    for (args, code) in [
        (["why", "cryo/bank-cryo/ghost", "--as", "ann"], "LAB3001"),
        (["control", "give", "device/ghost", "--as=ann"], "LAB3043"),
        (["control", "ask", "cryo", "--as=ann"], "LAB3043"),
        (["interlocks", "reset", "ghost", "--as=ann"], "LAB7202"),
    ] {
        let ran = run(&at, &args).await?.with_code(1)?;
        assert!(ran.err.starts_with(code), "{args:?}: {}", ran.err);
    }
    Ok(())
}

async fn it_survives_the_leader(cluster: &mut Cluster) -> anyhow::Result<()> {
    let leader = cluster.leader().await?;
    let at = cluster.endpoints();
    cluster.nodes[leader].kill9()?;
    wait::until("a refusal by the next leader", wait::SOON, || async {
        let refused = run(&at, &["set", TAG, "8", "--as", "bob"]).await?;
        ensure!(refused.code == 1 && refused.err.starts_with("LAB3040"), "{refused:?}");
        Ok(())
    })
    .await?;
    run(&at, &["set", TAG, "9", "--as", "ann", "--wait", "verified", "--timeout", "15s"]).await?.with_code(0)?;
    cluster.nodes[leader].start().await?;
    run(&at, &["control", "give", SCOPE, "--as", "ann"]).await?.with_code(0)?;
    run(&at, &["set", TAG, "10", "--as", "bob"]).await?.with_code(0)?;
    Ok(())
}

async fn whoever_loses_it_is_told_who_broke_it_and_why(cluster: &Cluster) -> anyhow::Result<()> {
    let at = cluster.endpoints();
    let mut keeper = keep(cluster, "kept-until-broken")?;
    held_by(&at, Some("cara")).await?;
    run(&at, &["control", "ask", "device/bank-cryo", "--reason", "my turn", "--as", "bob"]).await?.with_code(0)?;
    wait::until("the holder to be told", wait::SOON, || async {
        ensure!(keeper.log().contains("bob (my turn) has asked for it"), "{}", keeper.log());
        Ok(())
    })
    .await?;
    let grace = run(&at, &["control", "take", SCOPE, "--reason", "now", "--as", "bob"]).await?.with_code(1)?;
    assert!(grace.err.starts_with("LAB3040"), "{}", grace.err);
    let unexplained = run(&at, &["control", "break", SCOPE, "--as", "bob"]).await?.with_code(1)?;
    assert!(unexplained.err.starts_with("LAB5001"), "{}", unexplained.err);
    run(&at, &["control", "break", SCOPE, "--reason", "smoke in the hall", "--as", "bob"]).await?.with_code(0)?;
    let ended = keeper.end(wait::SOON).await?;
    assert_eq!(ended.code(), Some(1), "{}", keeper.log());
    assert!(keeper.log().contains("LAB3042") && keeper.log().contains("broken by bob: smoke in the hall"), "{}", keeper.log());
    held_by(&at, None).await
}

async fn it_ends_when_its_holder_dies(cluster: &Cluster) -> anyhow::Result<()> {
    let at = cluster.endpoints();
    let mut keeper = keep(cluster, "kept-until-death")?;
    held_by(&at, Some("cara")).await?;
    // Longer than it lasts by itself: the program renews it.
    tokio::time::sleep(HOLD + Duration::from_secs(1)).await;
    let refused = run(&at, &["set", TAG, "11", "--as", "bob"]).await?.with_code(1)?;
    assert!(refused.err.starts_with("LAB3040"), "{}", refused.err);
    keeper.kill9()?;
    let free = HOLD + wait::SOON;
    wait::until("control to end with its holder", free, || async { run(&at, &["set", TAG, "11", "--as", "bob"]).await?.with_code(0) })
        .await?;
    wait::until("its end to be known", wait::SOON, || async {
        let lost = list(&at).await?["lost"].clone();
        ensure!(lost[0]["holder"] == json!("cara") && lost[0]["how"] == json!("was not renewed in time"), "{lost:#}");
        Ok(())
    })
    .await
}

/// A program of cara's that keeps control until it dies.
fn keep(cluster: &Cluster, name: &str) -> anyhow::Result<Process> {
    let hold = format!("{}s", HOLD.as_secs());
    let endpoints = cluster.endpoints();
    let args = ["control", "take", SCOPE, "--reason", "a long run", "--as", "cara", "--for", &hold, "--keep", "--endpoint", &endpoints];
    Process::labkeeper(name, &args, &cluster.dir().join(format!("{name}.log")))
}

async fn held_by(at: &str, holder: Option<&str>) -> anyhow::Result<()> {
    wait::until("control to change hands", wait::SOON, || async {
        let list = list(at).await?;
        let found = list["held"].as_array().context("a list")?.iter().map(|held| held["holder"].clone()).collect::<Vec<_>>();
        ensure!(found == holder.map(|holder| json!(holder)).into_iter().collect::<Vec<_>>(), "{list:#}");
        Ok(())
    })
    .await
}

async fn list(at: &str) -> anyhow::Result<Value> {
    run(at, &["control", "ls", "--json"]).await?.with_code(0)?.json()
}

async fn run(at: &str, args: &[&str]) -> anyhow::Result<cli::Ran> {
    cli::run(at, args).await
}
