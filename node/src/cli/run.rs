//! `labkeeper run`: an action, carried out at most once, and waiting until it is as far as asked.
//!
//! An action has an id before it is first sent: the same command line again makes another one, the same id asks what became of it.

use super::client::{Client, ClientArgs};
use super::error::CliError;
use super::identity::{new_id, whoami};
use super::outcome::{self, Asked, Wait};
use super::output::Output;
use super::select::{SelectFirst, SelectFor};
use super::value;
use crate::clock;
use labkeeper_model::{Value, WaitLevel};
use labkeeper_proto::v1;
use labkeeper_proto::v1::command_service_client::CommandServiceClient;

/// Run an action, at most once
///
/// An action is a tag whose writing does something that must not be repeated, such as starting a run. Ends with 0 only if the level of
/// --wait was reached. Whether it was carried out is not always known: then it ends as `unknown`, and is never sent again.
#[derive(Debug, clap::Args)]
pub(super) struct RunArgs {
    /// The tag as segment/device/tag
    tag: String,
    /// What to write [default: true, or one]
    #[arg(allow_negative_numbers = true)]
    value: Option<String>,
    /// Take VALUE as a text, whatever it looks like
    #[arg(long, requires = "value")]
    text: bool,
    /// Why
    #[arg(long, default_value = "")]
    reason: String,
    /// How far to wait
    #[arg(long, value_enum, default_value_t = Wait::Written)]
    wait: Wait,
    /// The command's UUID; give the same one again to ask what became of it [default: a new one]
    #[arg(long, value_name = "UUID")]
    id: Option<String>,
    /// Who asks [default: USER@HOST]
    #[arg(long = "as", value_name = "NAME")]
    actor: Option<String>,
    #[command(flatten)]
    first: SelectFirst,
    #[command(flatten)]
    client: ClientArgs,
}

/// Runs the command.
///
/// # Errors
/// The action was refused, did not reach the level in time, or no node answers.
pub(super) async fn run(args: RunArgs) -> Result<(), CliError> {
    let client = Client::new(&args.client)?;
    let level = WaitLevel::from(args.wait);
    let value = args.value.map(|text| if args.text { Value::Text(text) } else { value::parse(&text) });
    let request = v1::RunActionRequest {
        id: args.id.unwrap_or_else(new_id),
        tag: args.tag,
        value: value.as_ref().map(Into::into),
        deadline_unix_ms: clock::now().saturating_add(client.patience()).as_millis(),
        wait: v1::WaitLevel::from(level).into(),
        wait_ms_max: 0,
        actor: args.actor.unwrap_or_else(whoami),
        reason: args.reason,
    };
    let about = SelectFor { id: &request.id, tag: &request.tag, value: request.value.clone(), actor: &request.actor };
    if !args.first.confirmed(&client, about).await? {
        return Ok(());
    }
    let asked = Asked { id: request.id.clone(), tag: request.tag.clone(), value: request.value.clone() };
    let ask = async |channel, wait_ms_max| {
        let again = v1::RunActionRequest { wait_ms_max, ..request.clone() };
        Ok(CommandServiceClient::new(channel).run_action(again).await?.into_inner().command)
    };
    outcome::send(&client, &asked, level, ask).await?.print(Output { json: args.client.json })
}
