//! What operators do besides setting setpoints: look into any node, act on a task in it, confirm what a takeover held, drain.

use anyhow::{Context as _, ensure};
use labkeeper_tests::{Cluster, Lab, cli, wait};
use serde_json::{Value, json};

/// Dangerous, and its device cannot tell a lost owner's late write.
const SHUTTER: &str = "vacuum/bank-vacuum/shutter";

fn lab() -> anyhow::Result<Lab> {
    let shutter = "\n[devices.bank-vacuum.tags.shutter]\nregister = \"coil:7\"\ntype = \"bool\"\naccess = \"rw\"\ndangerous = true\n";
    Ok(Lab::standard()?.text(shutter))
}

#[tokio::test]
async fn operators_look_into_nodes_act_on_tasks_confirm_and_drain() -> anyhow::Result<()> {
    let mut cluster = Cluster::with_lab(3, lab()?).await?;
    any_node_shows_and_changes_the_tree_of_any_node(&cluster).await?;
    let owner = owner_of(&cluster, "vacuum").await?;
    let at = cluster.nodes.iter().position(|node| node.name == owner).context("an owner")?;
    cluster.nodes[at].kill9()?;
    what_a_lost_owner_left_waits_for_a_person(&cluster).await?;
    the_last_node_for_a_segment_is_not_drained(&cluster, &owner).await?;
    cluster.finish()
}

async fn any_node_shows_and_changes_the_tree_of_any_node(cluster: &Cluster) -> anyhow::Result<()> {
    let owner = owner_of(cluster, "vacuum").await?;
    let asked = cluster.nodes.iter().find(|node| node.name != owner).context("another node")?.grpc.address().to_string();
    let tree = cli::run(&asked, &["tree", &owner, "--json"]).await?.with_code(0)?.json()?;
    assert_eq!(tree["node"], json!(owner));
    let below = "node/ownership/segments/vacuum/127.0.0.1:";
    let bus = paths(&tree).into_iter().find(|path| path.starts_with(below)).with_context(|| format!("a bus in {tree:#}"))?;
    let target = format!("{owner}/{}", bus.trim_start_matches("node/"));

    cli::run(&asked, &["tree", "quarantine", &target, "--reason", "smells"]).await?.with_code(0)?;
    quality_becomes(&asked, "bad:quarantined").await?;
    let status = cli::run(&asked, &["cluster", "status", "--json"]).await?.with_code(0)?.json()?;
    let alone = &segment(&status, "vacuum")?["quarantined"][0];
    assert_eq!(alone["device"], json!("bank-vacuum"));
    assert!(alone["reason"].as_str().is_some_and(|reason| reason.ends_with("smells")), "{alone}");
    cli::run(&asked, &["tree", "release", &target]).await?.with_code(0)?;
    quality_becomes(&asked, "good").await?;

    cli::run(&asked, &["tree", "restart", &target]).await?.with_code(0)?;
    let tree = cli::run(&asked, &["tree", &owner, "--json"]).await?.with_code(0)?.json()?;
    let child = tree["children"].as_array().into_iter().flatten().find(|child| child["path"] == json!(bus)).context("the bus")?;
    assert_eq!(child["restarts"], json!(2), "released once, restarted once: {child:#}");
    quality_becomes(&asked, "good").await?;

    let nothing = format!("{owner}/nothing");
    for (args, code) in [(["tree", "restart", &nothing], "LAB5006"), (["tree", "release", &target], "LAB3019")] {
        let ran = cli::run(&asked, &args).await?.with_code(1)?;
        assert!(ran.err.starts_with(code), "{args:?}: {}", ran.err);
    }
    let stranger = cli::run(&asked, &["tree", "lab-x"]).await?.with_code(1)?;
    assert!(stranger.err.starts_with("LAB4005"), "{}", stranger.err);
    Ok(())
}

async fn what_a_lost_owner_left_waits_for_a_person(cluster: &Cluster) -> anyhow::Result<()> {
    let endpoints = cluster.endpoints();
    wait::until("the tag to be held", wait::SOON, || async {
        let reading = cli::run(&endpoints, &["get", SHUTTER, "--json"]).await?.with_code(0)?.json()?;
        ensure!(reading["hold"]["reason"] == json!("dangerous"), "{reading:#}");
        Ok(())
    })
    .await?;
    let refused = cli::run(&endpoints, &["set", SHUTTER, "true"]).await?.with_code(1)?;
    assert!(refused.err.starts_with("LAB3020") && refused.err.contains("cluster confirm"), "{}", refused.err);
    let status = cli::run(&endpoints, &["cluster", "status"]).await?.with_code(0)?;
    assert!(status.out.contains(&format!("labkeeper cluster confirm {SHUTTER}")), "{}", status.out);
    cli::run(&endpoints, &["cluster", "confirm", SHUTTER, "--reason", "looked"]).await?.with_code(0)?;
    cli::run(&endpoints, &["set", SHUTTER, "true", "--wait", "written", "--timeout", "15s"]).await?.with_code(0)?;

    let unknown = cli::run(&endpoints, &["cluster", "confirm", "vacuum/bank-vacuum/nothing"]).await?.with_code(1)?;
    assert!(unknown.err.starts_with("LAB3001"), "{}", unknown.err);
    Ok(())
}

async fn the_last_node_for_a_segment_is_not_drained(cluster: &Cluster, lost: &str) -> anyhow::Result<()> {
    let endpoints = cluster.endpoints();
    let silent = cli::run(&endpoints, &["tree", lost]).await?.with_code(1)?;
    assert!(silent.err.starts_with("LAB4009"), "{}", silent.err);
    let left: Vec<&str> = cluster.nodes.iter().map(|node| node.name.as_str()).filter(|name| *name != lost).collect();

    let drained = cli::run(&endpoints, &["cluster", "drain", left[0], "--json"]).await?.with_code(0)?.json()?;
    assert_eq!((&drained["done"], &drained["left"]), (&json!(true), &json!([])), "{drained:#}");
    let handed_over = drained["handed_over"].as_array().context("takeovers")?;
    assert!(!handed_over.is_empty() && handed_over.iter().all(|one| one["cause"] == json!("drained") && one["enabled_ms"].is_u64()));

    let refused = cli::run(&endpoints, &["cluster", "drain", left[1]]).await?.with_code(1)?;
    assert!(refused.err.starts_with("LAB4014") && refused.err.contains(&format!("{} is being drained", left[0])), "{}", refused.err);
    let why = cli::run(&endpoints, &["cluster", "status", "--why", "--json"]).await?.with_code(0)?.json()?;
    let candidates = segment(&why, "cryo")?["why"]["candidates"].as_array().context("candidates")?;
    assert_eq!(candidates.len(), 3);
    assert!(candidates.iter().any(|one| one["node"] == json!(left[0]) && one["eligible"] == json!(false)), "{candidates:?}");

    cli::run(&endpoints, &["cluster", "undrain", left[0]]).await?.with_code(0)?;
    let unknown = cli::run(&endpoints, &["cluster", "drain", "lab-x"]).await?.with_code(1)?;
    assert!(unknown.err.starts_with("LAB4005"), "{}", unknown.err);
    Ok(())
}

async fn owner_of(cluster: &Cluster, name: &str) -> anyhow::Result<String> {
    let status = cluster.nodes[0].client.status().await?;
    let found = status.segments.into_iter().find(|segment| segment.name == name).with_context(|| name.to_owned())?;
    Ok(found.owner)
}

fn segment<'a>(status: &'a Value, name: &str) -> anyhow::Result<&'a Value> {
    let segments = status["segments"].as_array().context("segments")?;
    segments.iter().find(|segment| segment["name"] == json!(name)).with_context(|| name.to_owned())
}

fn paths(tree: &Value) -> Vec<String> {
    let children = tree["children"].as_array().into_iter().flatten();
    children.filter_map(|child| child["path"].as_str()).map(str::to_owned).collect()
}

async fn quality_becomes(endpoint: &str, wanted: &str) -> anyhow::Result<()> {
    wait::until(&format!("the reading to become {wanted}"), wait::SOON, || async {
        let reading = cli::run(endpoint, &["get", "vacuum/bank-vacuum/level", "--json"]).await?.with_code(0)?.json()?;
        ensure!(reading["quality"] == json!(wanted), "{reading:#}");
        Ok(())
    })
    .await
}
