//! The audit from outside: every node tells the same, an export proves itself, and what was changed in it is found.

use anyhow::{Context as _, ensure};
use labkeeper_proto::v1::value::Kind;
use labkeeper_tests::client::setpoint;
use labkeeper_tests::{Cluster, cli};

/// Accepted and refused commands, a kill of the leader, and then every node's audit beside the others'.
#[tokio::test]
async fn every_node_has_the_same_audit_and_an_export_of_it_can_be_checked() -> anyhow::Result<()> {
    let mut cluster = Cluster::start(3).await?;
    let accepted = cluster.set(0, setpoint("cryo/bank-cryo/s01", Kind::Unsigned(7))).await?;
    let refused = cluster.set(1, setpoint("cryo/bank-cryo/gain", Kind::Number(1e6))).await?;
    ensure!(refused.error.is_some(), "{refused:?}");
    let drain = cli::run(&cluster.endpoints(), &["cluster", "drain", "nobody"]).await?;
    drain.with_code(1)?;
    let leader = cluster.leader().await?;
    cluster.nodes[leader].kill9()?;
    cluster.nodes[leader].start().await?;
    cluster.settled().await?;
    cluster.applied(refused.log_index).await?;

    let verdicts = cli::run(&cluster.endpoints(), &["audit", "verify", "--json"]).await?.with_code(0)?.json()?;
    let verdicts = verdicts.as_array().context("a list")?;
    ensure!(verdicts.len() == 3, "{verdicts:?}");
    ensure!(verdicts.iter().all(|v| v["asked"] == true && v["error"].is_null() && v["first"] == 1), "{verdicts:?}");

    let file = cluster.dir().join("audit.jsonl");
    let export = cli::run(&cluster.endpoints(), &["audit", "export"]).await?.with_code(0)?;
    ensure!(export.out.contains(&accepted.id) && export.out.contains("\"refused\":\"LAB30"), "{}", export.out);
    std::fs::write(&file, &export.out)?;
    let path = file.display().to_string();
    cli::run(&cluster.endpoints(), &["audit", "verify", &path]).await?.with_code(0)?;

    let lines: Vec<&str> = export.out.lines().collect();
    std::fs::write(&file, [&lines[..3], &lines[4..]].concat().join("\n"))?;
    let found = cli::run(&cluster.endpoints(), &["audit", "verify", &path]).await?.with_code(1)?;
    ensure!(found.err.contains("LAB7301") && found.err.contains("entry 4 is missing"), "{}", found.err);
    cluster.finish()
}
