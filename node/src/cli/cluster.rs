//! `labkeeper cluster`: found a site, join it, leave it, look at it, move leadership and segments.

use super::client::{Client, ClientArgs, Repeat, connect};
use super::error::CliError;
use super::failure::Failure;
use super::identity::whoami;
use super::output::{Form, Output};
use super::{confirm, drain, status};
use crate::config::is_host_port;
use labkeeper_model::ErrorCode;
use labkeeper_proto::v1;
use labkeeper_proto::v1::cluster_service_client::ClusterServiceClient;
use serde_json::json;
use std::time::Duration;
use tonic::Response;

/// The commands about the cluster.
#[derive(Debug, clap::Subcommand)]
pub(super) enum ClusterCommand {
    /// Found a site, once: the node of --endpoint becomes its first voter
    Init(ClientArgs),
    /// Let the (started, empty) node of --endpoint join a site: first as learner, then as voter
    Join(JoinArgs),
    /// Remove a node for good
    Leave(NodeArgs),
    /// Show who is there, who leads and who owns which segment
    Status(status::StatusArgs),
    /// Hand leadership to a node
    Transfer(NodeArgs),
    /// Hand a node's segments over as planned, and give it no others
    Drain(drain::DrainArgs),
    /// Let a drained node own segments again
    Undrain(drain::UndrainArgs),
    /// Say that a held tag was looked at and may be written again
    Confirm(confirm::ConfirmArgs),
}

/// Arguments of `join`.
#[derive(Debug, clap::Args)]
pub(super) struct JoinArgs {
    /// Any node of the site
    #[arg(long, value_name = "HOST:PORT")]
    to: String,
    #[command(flatten)]
    client: ClientArgs,
}

/// Arguments of what is done to a node by its name.
#[derive(Debug, clap::Args)]
pub(super) struct NodeArgs {
    /// The node's name
    node: String,
    #[command(flatten)]
    client: ClientArgs,
}

/// Runs the command.
///
/// # Errors
/// The cluster refuses, or no node answers.
pub(super) async fn run(command: ClusterCommand) -> Result<(), CliError> {
    match command {
        ClusterCommand::Init(args) => init(&args).await,
        ClusterCommand::Join(args) => join(&args).await,
        ClusterCommand::Leave(args) => leave(&args).await,
        ClusterCommand::Status(args) => status::run(&args).await,
        ClusterCommand::Transfer(args) => transfer(&args).await,
        ClusterCommand::Drain(args) => drain::drain(&args).await,
        ClusterCommand::Undrain(args) => drain::undrain(&args).await,
        ClusterCommand::Confirm(args) => confirm::run(&args).await,
    }
}

async fn init(args: &ClientArgs) -> Result<(), CliError> {
    let client = Client::new(args)?;
    let endpoint = client.only()?;
    let answer = client
        .call(Repeat::OnlyIfUndone, async |channel, _| {
            ClusterServiceClient::new(channel).init_cluster(v1::InitClusterRequest {}).await.map(Response::into_inner)
        })
        .await?;
    let output = Output { json: args.json };
    if output.json {
        return output.json(&json!({ "node_id": answer.node_id, "site_id": answer.site_id }), Form::Document);
    }
    output.line(format!("{endpoint} founded site {} as node {}", answer.site_id, answer.node_id))
}

/// Streams the stages. Joining again after a failure goes on where it stopped, so a broken stream loses nothing.
async fn join(args: &JoinArgs) -> Result<(), CliError> {
    let client = Client::new(&args.client)?;
    let endpoint = client.only()?;
    if !is_host_port(&args.to) {
        return Err(CliError::usage(ErrorCode::BadRequest, format!("--to {:?} is not host:port", args.to), "write it like 10.1.0.5:7600"));
    }
    let output = Output { json: args.client.json };
    // No overall time limit: copying a site's state takes as long as it takes, and each stage is shown.
    let channel = connect(endpoint, client.patience()).await?;
    let failed = |status| CliError::from(Failure::answered(endpoint, &status));
    let request = v1::JoinClusterRequest { to: args.to.clone() };
    let mut stages = ClusterServiceClient::new(channel).join_cluster(request).await.map_err(failed)?.into_inner();
    while let Some(stage) = stages.message().await.map_err(failed)? {
        let v1::JoinClusterResponse { stage, node_id, message } = stage;
        if output.json {
            output.json(&json!({ "stage": stage, "node_id": node_id, "message": message }), Form::Line)?;
        } else {
            output.line(format!("{endpoint}: {stage}{}{message}", if message.is_empty() { "" } else { ": " }))?;
        }
    }
    Ok(())
}

async fn leave(args: &NodeArgs) -> Result<(), CliError> {
    let request = v1::LeaveClusterRequest { node: args.node.clone(), actor: whoami() };
    patient(&args.client)?
        .call(Repeat::OnlyIfUndone, async |channel, _| ClusterServiceClient::new(channel).leave_cluster(request.clone()).await)
        .await?;
    let output = Output { json: args.client.json };
    if output.json {
        return output.json(&json!({ "node": args.node, "left": true }), Form::Document);
    }
    output.line(format!("{} has left; its number is never used again", args.node))
}

async fn transfer(args: &NodeArgs) -> Result<(), CliError> {
    let request = v1::TransferLeaderRequest { node: args.node.clone() };
    let answer = patient(&args.client)?
        .call(Repeat::Harmless, async |channel, _| {
            ClusterServiceClient::new(channel).transfer_leader(request.clone()).await.map(Response::into_inner)
        })
        .await?;
    let output = Output { json: args.client.json };
    if output.json {
        return output.json(&json!({ "leader": answer.leader, "term": answer.term }), Form::Document);
    }
    output.line(format!("{} leads in term {}", answer.leader, answer.term))
}

/// A client for changes of membership: they take two log entries and maybe an election, so that less than this is too
/// little whatever `--timeout` says for other requests.
fn patient(args: &ClientArgs) -> Result<Client, CliError> {
    const PATIENCE_MIN: Duration = Duration::from_secs(15);
    Client::of(args.endpoint.clone(), args.timeout.max(PATIENCE_MIN))
}
