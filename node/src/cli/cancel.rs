//! `labkeeper cancel`: withdraws a command that nobody has begun.

use super::client::{Client, ClientArgs, Repeat};
use super::commands::CommandJson;
use super::error::CliError;
use super::identity::whoami;
use super::output::{Form, Output};
use super::reading::bad_answer;
use labkeeper_proto::v1;
use labkeeper_proto::v1::command_service_client::CommandServiceClient;
use tonic::Response;

/// Withdraw a command that nobody has begun
#[derive(Debug, clap::Args)]
pub(super) struct CancelArgs {
    /// The command's UUID, as `labkeeper run` and `labkeeper commands --json` show it
    id: String,
    /// Why
    #[arg(long, default_value = "")]
    reason: String,
    /// Who asks [default: USER@HOST]
    #[arg(long = "as", value_name = "NAME")]
    actor: Option<String>,
    #[command(flatten)]
    client: ClientArgs,
}

/// Runs the command.
///
/// # Errors
/// The command is not known, was begun or has ended, or no node answers.
pub(super) async fn run(args: CancelArgs) -> Result<(), CliError> {
    let request = v1::CancelCommandRequest { id: args.id, actor: args.actor.unwrap_or_else(whoami), reason: args.reason };
    // Withdrawn is withdrawn, however often it is asked for.
    let answer = Client::new(&args.client)?
        .call(Repeat::Harmless, async |channel, _| {
            CommandServiceClient::new(channel).cancel_command(request.clone()).await.map(Response::into_inner)
        })
        .await?;
    let command = CommandJson::try_from(answer.command.ok_or_else(|| bad_answer(&"it has no command"))?)?;
    let output = Output { json: args.client.json };
    if output.json { output.json(&command, Form::Document) } else { output.line(command.in_words()) }
}
