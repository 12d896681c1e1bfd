//! `labkeeper cluster confirm`: an operator has looked, and a held tag may be written again.

use super::client::{Client, ClientArgs, Repeat};
use super::error::CliError;
use super::identity::{new_id, whoami};
use super::output::{Form, Output};
use labkeeper_model::{ErrorCode, TagPath};
use labkeeper_proto::v1;
use labkeeper_proto::v1::cluster_service_client::ClusterServiceClient;
use serde_json::json;

/// Arguments of `confirm`.
#[derive(Debug, clap::Args)]
pub(super) struct ConfirmArgs {
    /// The tag as segment/device/tag
    tag: String,
    /// Why
    #[arg(long, default_value = "")]
    reason: String,
    #[command(flatten)]
    client: ClientArgs,
}

/// Runs the command.
///
/// # Errors
/// The tag is none, the cluster refuses, or no node answers.
pub(super) async fn run(args: &ConfirmArgs) -> Result<(), CliError> {
    if let Err(error) = TagPath::parse(&args.tag) {
        let what = format!("{:?}: {error}", args.tag);
        return Err(CliError::usage(ErrorCode::UnknownTag, what, "`labkeeper cluster status` names the tags that wait"));
    }
    let request = v1::ConfirmHoldRequest { tag: args.tag.clone(), actor: whoami(), reason: args.reason.clone(), id: new_id() };
    Client::new(&args.client)?
        .call(Repeat::OnlyIfUndone, async |channel, _| ClusterServiceClient::new(channel).confirm_hold(request.clone()).await)
        .await?;
    let output = Output { json: args.client.json };
    if output.json {
        return output.json(&json!({ "tag": args.tag, "held": false }), Form::Document);
    }
    output.line(format!("{} may be written again", args.tag))
}
