//! Three Labkeeper nodes with two devices of a thousand setpoints each.
//!
//! `bench/bank` stands in a segment that no node reaches: nobody owns it, so a setpoint ends when it is committed, which is what
//! an etcd put is. `driven/bank-driven` is owned, and its setpoints are written to a simulated device, read back and
//! reported through consensus while the next ones come: the whole product at work.

use crate::load::TAGS;
use anyhow::ensure;
use labkeeper_proto::v1::command_service_client::CommandServiceClient;
use labkeeper_tests::ports::Port;
use labkeeper_tests::{Cluster, Lab, Setup, wait};
use std::fmt::Write as _;
use std::path::Path;
use tonic::transport::{Channel, Endpoint};

/// Where setpoints end when they are committed.
pub(crate) const COMMITTED_ONLY: &str = "bench/bank";
/// Where setpoints are carried out.
pub(crate) const DRIVEN: &str = "driven/bank-driven";

/// Starts the cluster with its data below `dir`.
///
/// # Errors
/// When a node does not come up.
pub(crate) async fn start_in(dir: &Path) -> anyhow::Result<Cluster> {
    let ports = [Port::reserve()?, Port::reserve()?];
    let lab = Lab::empty().segment("bench", "lab-a").segment("driven", "lab-a");
    let lab = lab.text(&bank("bench", "bank", &ports[0])).text(&bank("driven", "bank-driven", &ports[1]));
    let [a, b] = ports;
    let mut cluster = Setup::new(3, lab.port(a).port(b)).reaching_only("driven").below(dir.to_path_buf()).uninitialised().await?;
    cluster.found().await?;
    cluster.apply().await?;
    let client = cluster.nodes[cluster.leader().await?].client.clone();
    wait::until("the driven segment's owner", wait::SOON, || async {
        let owners: Vec<String> = client.status().await?.segments.into_iter().map(|segment| segment.owner).collect();
        ensure!(owners == ["", "lab-a"], "{owners:?}");
        Ok(())
    })
    .await?;
    Ok(cluster)
}

fn bank(segment: &str, device: &str, port: &Port) -> String {
    let mut text = format!(
        "\n[devices.{device}]\nsegment = \"{segment}\"\ndriver = \"modbus-tcp\"\naddress = \"{}\"\npoll = \"1s\"\nsimulate = \"bank\"\n\n[devices.{device}.tags]\n",
        port.address()
    );
    for n in 0..TAGS {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "s{n:03} = {{ register = \"holding:{}\", type = \"u32\", access = \"rw\" }}", 2 * n);
    }
    text
}

/// Connections to the leader.
///
/// # Errors
/// When there is none.
pub(crate) async fn to_leader(cluster: &Cluster, count: usize) -> anyhow::Result<Vec<CommandServiceClient<Channel>>> {
    connect(cluster, &[cluster.leader().await?], count).await
}

/// Connections to the followers, in turn.
///
/// # Errors
/// When one does not answer.
pub(crate) async fn to_followers(cluster: &Cluster, count: usize) -> anyhow::Result<Vec<CommandServiceClient<Channel>>> {
    let leader = cluster.leader().await?;
    let followers: Vec<usize> = (0..cluster.nodes.len()).filter(|n| *n != leader).collect();
    connect(cluster, &followers, count).await
}

async fn connect(cluster: &Cluster, nodes: &[usize], count: usize) -> anyhow::Result<Vec<CommandServiceClient<Channel>>> {
    let mut clients = Vec::new();
    for n in nodes.iter().cycle().take(count.max(nodes.len())) {
        let endpoint = Endpoint::from_shared(format!("http://{}", cluster.nodes[*n].grpc.address()))?.tcp_nodelay(true);
        clients.push(CommandServiceClient::new(endpoint.connect().await?));
    }
    Ok(clients)
}
