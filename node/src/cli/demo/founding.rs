//! Making a cluster of the started nodes: whatever is missing of "founded, joined, applied", and nothing twice.
//!
//! ```text
//! sim answers ──► every node answers ──► a node is in a cluster? no: the first founds one
//!                                    ──► each node that is not: joins ──► no site in force? apply DIR/site.toml
//! ```

use super::Lab;
use super::children::Process;
use super::plan::NodePlan;
use crate::cli::client::{Client, Repeat, connect};
use crate::cli::error::CliError;
use crate::cli::failure::Failure;
use crate::cli::output::note;
use crate::cli::{status, value};
use crate::clock;
use crate::config::SiteFile;
use labkeeper_model::ErrorCode;
use labkeeper_proto::v1;
use labkeeper_proto::v1::cluster_service_client::ClusterServiceClient;
use labkeeper_proto::v1::site_service_client::SiteServiceClient;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};
use tonic::Response;

/// How long a process may take to come up: reading a day of log takes a second or two, on a busy machine ten times that.
const UP_MAX: Duration = Duration::from_secs(30);
/// How long founding, joining or applying may take: some elections and some copies of the state, on a busy machine.
const STEP_MAX: Duration = Duration::from_secs(30);
/// Pause between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Brings the lab to life.
///
/// # Errors
/// A process ends or does not come up, or the cluster refuses.
pub(super) async fn found(lab: &mut Lab) -> Result<(), CliError> {
    let planned = lab.plan.nodes();
    let control = lab.plan.control();
    up(&mut lab.sim, &control).await?;
    for (process, node) in lab.nodes.iter_mut().zip(&planned) {
        up(process, &node.grpc).await?;
    }
    let mut members = vec![];
    let mut strangers = vec![];
    for node in &planned {
        let status = status::fetch(&client(node)?).await?;
        if status.initialised { members.push(node) } else { strangers.push(node) }
    }
    if members.is_empty() {
        let first = strangers.remove(0);
        say(&format!("{} founds the cluster", first.name));
        init(first).await?;
        members.push(first);
    }
    for node in strangers {
        say(&format!("{} joins", node.name));
        join(node, &members[0].grpc).await?;
    }
    apply_if_none(lab, &planned).await?;
    for node in &planned {
        say(&format!("{}: http://{}", node.name, node.http));
    }
    Ok(())
}

fn say(text: &str) {
    note(format!("{} {text}", &value::time(clock::now())[..19]));
}

fn client(node: &NodePlan) -> Result<Client, CliError> {
    Client::of(vec![node.grpc.clone()], STEP_MAX)
}

/// Waits until a process takes connections.
async fn up(process: &mut Process, address: &str) -> Result<(), CliError> {
    let give_up = Instant::now() + UP_MAX;
    while TcpStream::connect(address).await.is_err() {
        let words = process.last_words();
        if !process.is_running() {
            return Err(CliError::internal(format!("{} did not start: {words}", process.name)));
        }
        if Instant::now() > give_up {
            return Err(CliError::internal(format!("{} does not listen at {address}: {words}", process.name)));
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}

async fn init(node: &NodePlan) -> Result<(), CliError> {
    let init = async |channel, _| ClusterServiceClient::new(channel).init_cluster(v1::InitClusterRequest {}).await;
    client(node)?.call(Repeat::OnlyIfUndone, init).await?;
    Ok(())
}

async fn join(node: &NodePlan, to: &str) -> Result<(), CliError> {
    let failed = |status| CliError::from(Failure::answered(&node.grpc, &status));
    let channel = connect(&node.grpc, STEP_MAX).await?;
    let request = v1::JoinClusterRequest { to: to.to_owned() };
    let mut stages = ClusterServiceClient::new(channel).join_cluster(request).await.map_err(failed)?.into_inner();
    while stages.message().await.map_err(failed)?.is_some() {}
    Ok(())
}

/// Applies DIR/site.toml unless some site is in force: what a person applied in an earlier run counts.
async fn apply_if_none(lab: &Lab, planned: &[NodePlan]) -> Result<(), CliError> {
    let client = Client::of(planned.iter().map(|node| node.grpc.clone()).collect(), STEP_MAX)?;
    if status::fetch(&client).await?.site_version > 0 {
        return Ok(());
    }
    let file = SiteFile::load(&lab.dir.file("site.toml"))?;
    let (segments, devices, tags) = (file.site.segments.len(), file.site.devices.len(), file.site.tags().count());
    say(&format!("applying the site: {segments} segments, {devices} devices, {tags} tags"));
    let request = v1::ApplySiteRequest {
        site: Some((&file.site).into()),
        expected_version: Some(0),
        actor: "demo".to_owned(),
        reason: "the demonstration's site".to_owned(),
    };
    let answer = client
        .call(Repeat::OnlyIfUndone, async |channel, _| {
            SiteServiceClient::new(channel).apply_site(request.clone()).await.map(Response::into_inner)
        })
        .await?;
    match answer.error {
        // Applied by somebody else in this moment.
        Some(error) if error.code == ErrorCode::SiteConflict.to_string() => Ok(()),
        Some(error) => Err(CliError::answered(&error)),
        None => Ok(()),
    }
}
