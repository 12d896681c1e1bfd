//! `labkeeper set`: a setpoint for a tag, and waiting until it is as far as asked.
//!
//! The command has an id before it is first sent, so it may be sent again, to any node, and counts once.
//!
//! ```text
//! send --no answer--> send again (same id) --committed, dispatched ...--> send again, which asks --level reached--> exit 0
//!   \__ refused, or ended short of the level, or time is up --> exit 1
//! ```

use super::client::{Client, ClientArgs, Repeat};
use super::error::{CliError, ErrorJson};
use super::failure::{Failure, Kind};
use super::output::{Form, Output};
use super::reading::bad_answer;
use super::value;
use crate::clock;
use clap::ValueEnum;
use labkeeper_model::{CommandState, ErrorCode, Value, WaitLevel};
use labkeeper_proto::convert::{command_state, value_opt};
use labkeeper_proto::v1;
use labkeeper_proto::v1::command_service_client::CommandServiceClient;
use serde::Serialize;
use std::time::Duration;
use tonic::Response;

/// Longest wait that a node grants in one request; a longer one is several requests.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// What a node keeps of an attempt's time to send its answer before the attempt is given up: a lab's network needs
/// milliseconds.
const ANSWER_TIME: Duration = Duration::from_millis(200);

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
    /// Who asks [default: USER@HOST]
    #[arg(long = "as", value_name = "NAME")]
    actor: Option<String>,
    #[command(flatten)]
    client: ClientArgs,
}

/// The levels of `--wait`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Wait {
    /// In the replicated log: it will not be lost
    Committed,
    /// The device acknowledged it
    Written,
    /// A reading followed it
    Verified,
}

impl From<Wait> for WaitLevel {
    fn from(wait: Wait) -> Self {
        match wait {
            Wait::Committed => Self::Committed,
            Wait::Written => Self::Written,
            Wait::Verified => Self::Verified,
        }
    }
}

/// What became of the command, in JSON. Its keys are a promise.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct SetJson {
    id: String,
    tag: String,
    value: serde_json::Value,
    revision: u64,
    /// The command's state; null if it never reached a node.
    state: Option<&'static str>,
    error: Option<ErrorJson>,
    log_index: u64,
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
        id: args.id.unwrap_or_else(|| uuid::Uuid::now_v7().to_string()),
        tag: args.tag,
        value: Some((&value).into()),
        expected_revision: args.expect_revision,
        deadline_unix_ms: clock::now().saturating_add(client.patience()).as_millis(),
        wait: v1::WaitLevel::from(level).into(),
        wait_ms_max: 0,
        actor: args.actor.unwrap_or_else(whoami),
        reason: args.reason,
        ramp_per_s: None,
    };
    let told = send(&client, &request, level).await?;
    if output.json {
        output.json(&told.json, Form::Document)?;
    } else if told.shortfall.is_none() {
        output.line(told.to_string())?;
    }
    told.shortfall.map_or(Ok(()), |error| Err(CliError::answered(&error)))
}

/// What there is to tell in the end.
#[derive(Debug)]
struct Told {
    json: SetJson,
    /// Why the level was not reached; `None` if it was.
    shortfall: Option<v1::Error>,
}

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let SetJson { tag, value, revision, state, log_index, id, .. } = &self.json;
        write!(f, "{tag} = {value}: {} (revision {revision}, log index {log_index}, id {id})", state.unwrap_or("not sent"))
    }
}

/// Sends the command until it is as far as asked, has ended, or time is up.
async fn send(client: &Client, request: &v1::SetSetpointRequest, level: WaitLevel) -> Result<Told, CliError> {
    let give_up = tokio::time::Instant::now() + client.patience();
    loop {
        let answer = client
            .call_until(give_up, Repeat::Harmless, async |channel, left| {
                let wait = left.saturating_sub(ANSWER_TIME).clamp(Duration::from_millis(1), WAIT_MAX);
                let wait_ms_max = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX);
                let again = v1::SetSetpointRequest { wait_ms_max, ..request.clone() };
                CommandServiceClient::new(channel).set_setpoint(again).await.map(Response::into_inner)
            })
            .await;
        let command = match answer {
            Ok(answer) => answer.command.ok_or_else(|| bad_answer(&"it has no command"))?,
            Err(failure) => return Ok(unanswered(request, &failure)),
        };
        let told = answered(command, level)?;
        // Short of the level and with nothing against it: the wait of one request ended before ours does.
        let is_under_way = told.shortfall.as_ref().is_some_and(|error| error.code == ErrorCode::WaitTimedOut.to_string());
        if !is_under_way || tokio::time::Instant::now() + ANSWER_TIME >= give_up {
            return Ok(told);
        }
    }
}

/// A command that a node answered for.
fn answered(command: v1::Command, level: WaitLevel) -> Result<Told, CliError> {
    let state = command_state("command.state", command.state).map_err(|error| bad_answer(&error))?;
    let value = value_opt(command.value).map_err(|error| bad_answer(&error))?;
    // A command that was superseded later, or failed later, was committed all the same: its steps say so.
    let steps = command.steps.iter().filter_map(|step| command_state("command.steps", step.state).ok());
    let is_reached = steps.chain([state]).any(|state| !is_failure(state) && level.is_reached_by(state));
    let error = match command.error {
        None if is_reached => None,
        None if is_failure(state) => Some(error_of(ErrorCode::OutcomeUnknown, format!("the command ended as {state}"))),
        None => Some(error_of(ErrorCode::WaitTimedOut, format!("command {} is {state}", command.id))),
        some => some,
    };
    let json = SetJson {
        id: command.id,
        tag: command.tag,
        value: value::to_json(value.as_ref()),
        revision: command.revision,
        state: Some(state.as_str()),
        error: error.clone().map(Into::into),
        log_index: command.log_index,
    };
    Ok(Told { json, shortfall: error.filter(|_| !is_reached) })
}

/// A command that no node answered for: refused as a request, never sent, or its outcome is not known.
fn unanswered(request: &v1::SetSetpointRequest, failure: &Failure) -> Told {
    let state = match failure.kind {
        Kind::Final => Some(CommandState::Rejected.as_str()),
        Kind::InDoubt => Some(CommandState::Unknown.as_str()),
        Kind::Unreached | Kind::Elsewhere => None,
    };
    let value = value_opt(request.value.clone()).unwrap_or_default();
    let error = match failure.kind {
        Kind::InDoubt => {
            let what = format!("{}; whether command {} was taken is not known", failure.error.message, request.id);
            error_of(ErrorCode::CommitTimedOut, what)
        }
        _ => failure.error.clone(),
    };
    let json = SetJson {
        id: request.id.clone(),
        tag: request.tag.clone(),
        value: value::to_json(value.as_ref()),
        revision: 0,
        state,
        error: Some(error.clone().into()),
        log_index: 0,
    };
    Told { json, shortfall: Some(error) }
}

/// Whether a command in this state did not do what was wanted, and never will.
const fn is_failure(state: CommandState) -> bool {
    state.is_terminal() && !matches!(state, CommandState::Verified)
}

fn error_of(code: ErrorCode, message: String) -> v1::Error {
    v1::Error { code: code.to_string(), message, remedy: code.remedy().to_owned() }
}

/// The person and the computer that ask: `ann@desk`.
pub(super) fn whoami() -> String {
    let user = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()));
    let user = user.unwrap_or_else(|| format!("uid{}", rustix::process::getuid().as_raw()));
    format!("{user}@{}", rustix::system::uname().nodename().to_string_lossy())
}

#[cfg(test)]
#[path = "set_tests.rs"]
mod tests;
