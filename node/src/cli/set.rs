//! `labkeeper set`: a setpoint for a tag, and waiting until it is as far as asked.
//!
//! How it is sent and told is the business of [`super::outcome`].

use super::client::{Client, ClientArgs};
use super::error::CliError;
use super::identity::{new_id, whoami};
use super::outcome::{self, Asked, Told, Wait};
use super::output::Output;
use super::select::{SelectFirst, SelectFor};
use super::value;
use crate::clock;
use labkeeper_model::{Value, WaitLevel};
use labkeeper_proto::v1;
use labkeeper_proto::v1::command_service_client::CommandServiceClient;

/// Set a tag's setpoint
///
/// VALUE is true or false, a whole number, a real number, or else a text. Ends with 0 only if the level of --wait was
/// reached.
#[derive(Debug, clap::Args)]
pub(super) struct SetArgs {
    /// The tag as segment/device/tag
    tag: String,
    /// The value, in the tag's unit
    #[arg(allow_negative_numbers = true)]
    value: String,
    /// Take VALUE as a text, whatever it looks like
    #[arg(long)]
    text: bool,
    /// Why
    #[arg(long, default_value = "")]
    reason: String,
    /// How far to wait
    #[arg(long, value_enum, default_value_t = Wait::Committed)]
    wait: Wait,
    /// The command's UUID; give the same one again to ask what became of it [default: a new one]
    #[arg(long, value_name = "UUID")]
    id: Option<String>,
    /// Refuse unless the tag's setpoint has this revision (0: has none)
    #[arg(long, value_name = "N")]
    expect_revision: Option<u64>,
    /// Approach the value at this rate, in the tag's units per second; never faster than the tag is declared to be
    #[arg(long, value_name = "RATE")]
    ramp: Option<f64>,
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
/// The command was refused, did not reach the level in time, or no node answers.
pub(super) async fn run(args: SetArgs) -> Result<(), CliError> {
    let client = Client::new(&args.client)?;
    let output = Output { json: args.client.json };
    let level = WaitLevel::from(args.wait);
    let value = if args.text { Value::Text(args.value) } else { value::parse(&args.value) };
    let request = v1::SetSetpointRequest {
        id: args.id.unwrap_or_else(new_id),
        tag: args.tag,
        value: Some((&value).into()),
        expected_revision: args.expect_revision,
        deadline_unix_ms: clock::now().saturating_add(client.patience()).as_millis(),
        wait: v1::WaitLevel::from(level).into(),
        wait_ms_max: 0,
        actor: args.actor.unwrap_or_else(whoami),
        reason: args.reason,
        ramp_per_s: args.ramp,
    };
    let about = SelectFor { id: &request.id, tag: &request.tag, value: request.value.clone(), actor: &request.actor };
    if !args.first.confirmed(&client, about).await? {
        return Ok(());
    }
    send(&client, &request, level).await?.print(output)
}

/// Sends a setpoint until it is as far as asked.
async fn send(client: &Client, request: &v1::SetSetpointRequest, level: WaitLevel) -> Result<Told, CliError> {
    let asked = Asked { id: request.id.clone(), tag: request.tag.clone(), value: request.value.clone() };
    let ask = async |channel, wait_ms_max| {
        let again = v1::SetSetpointRequest { wait_ms_max, ..request.clone() };
        Ok(CommandServiceClient::new(channel).set_setpoint(again).await?.into_inner().command)
    };
    outcome::send(client, &asked, level, ask).await
}

#[cfg(test)]
#[path = "set_tests.rs"]
mod tests;
