//! The web page in a real browser, over a real cluster: `tests/browser` drives it, this starts what it looks at.

use anyhow::ensure;
use labkeeper_proto::v1::value::Kind;
use labkeeper_tests::Cluster;
use labkeeper_tests::client::setpoint;
use labkeeper_tests::lab::Lab;
use labkeeper_tests::repo::root;

#[tokio::test]
async fn an_operator_sees_the_lab_and_sets_a_setpoint() -> anyhow::Result<()> {
    let cluster = Cluster::with_lab(3, Lab::demo()?).await?;
    // At rest nothing moves in a vacuum stand: an operator has started to pump it down.
    for tag in ["roughing_pump", "bypass_valve"] {
        cluster.set(0, setpoint(&format!("vacuum/stand-1/{tag}"), Kind::Boolean(true))).await?;
    }
    let urls: Vec<String> = cluster.nodes.iter().map(|node| node.client.url("")).collect();
    let status = tokio::process::Command::new("npm")
        .args(["test", "--prefix"])
        .arg(root().join("tests/browser"))
        .env("LABKEEPER_HTTP", urls.join(","))
        .kill_on_drop(true)
        .status()
        .await?;
    ensure!(status.success(), "the browser test: {status}");
    cluster.finish()
}
