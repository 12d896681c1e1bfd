//! What becomes of a command that the command line sends: sent until it is as far as asked, and told in one line or as JSON.
//!
//! The command has an id before it is first sent, so it may be sent again, to any node, and counts once.
//!
//! ```text
//! send --no answer--> send again (same id) --committed, dispatched ...--> send again, which asks --level reached--> exit 0
//!   \__ refused, or ended short of the level, or time is up --> exit 1
//! ```
//!
//! Knows nothing of what the command is: whoever sends it says how.

use super::client::{Client, Repeat};
use super::error::{CliError, ErrorJson};
use super::failure::{Failure, Kind};
use super::output::{Form, Output};
use super::reading::bad_answer;
use super::value;
use clap::ValueEnum;
use labkeeper_model::{CommandState, ErrorCode, WaitLevel};
use labkeeper_proto::convert::{command_state, value_opt};
use labkeeper_proto::v1;
use serde::Serialize;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tonic::Status;
use tonic::transport::Channel;

/// Longest wait that a node grants in one request; a longer one is several requests.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// What a node keeps of an attempt's time to send its answer before the attempt is given up: a lab's network needs
/// milliseconds.
const ANSWER_TIME: Duration = Duration::from_millis(200);
/// Pause before a command that is not as far as asked is asked for again. A node answers at once where it can tell that nothing further
/// will come, so without it a client would ask as fast as it can until its time is up; with it, at most ten times a second.
const PAUSE: Duration = Duration::from_millis(100);

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
pub(super) struct OutcomeJson {
    id: String,
    tag: String,
    value: serde_json::Value,
    revision: u64,
    /// The command's state; null if it never reached a node.
    pub(super) state: Option<&'static str>,
    pub(super) error: Option<ErrorJson>,
    log_index: u64,
}

/// What there is to tell in the end.
#[derive(Debug)]
pub(super) struct Told {
    /// What became of it.
    pub(super) json: OutcomeJson,
    /// Why the level was not reached; `None` if it was.
    pub(super) shortfall: Option<v1::Error>,
}

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let OutcomeJson { tag, value, revision, state, log_index, id, .. } = &self.json;
        write!(f, "{tag} = {value}: {} (revision {revision}, log index {log_index}, id {id})", state.unwrap_or("not sent"))
    }
}

impl Told {
    /// Prints it, and ends with it.
    ///
    /// # Errors
    /// The level was not reached, or the output is closed.
    pub(super) fn print(self, output: Output) -> Result<(), CliError> {
        if output.json {
            output.json(&self.json, Form::Document)?;
        } else if self.shortfall.is_none() {
            output.line(self.to_string())?;
        }
        self.shortfall.map_or(Ok(()), |error| Err(CliError::answered(&error)))
    }
}

/// What is asked, as far as it is told when no node has answered.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) id: String,
    pub(super) tag: String,
    pub(super) value: Option<v1::Value>,
}

/// Sends the command until it is as far as asked, has ended, or time is up. `request` gets a connection, and how many milliseconds the node
/// may wait.
///
/// # Errors
/// An answer is malformed.
pub(super) async fn send(
    client: &Client,
    asked: &Asked,
    level: WaitLevel,
    request: impl AsyncFn(Channel, u32) -> Result<Option<v1::Command>, Status>,
) -> Result<Told, CliError> {
    let give_up = Instant::now() + client.patience();
    loop {
        let answer = client
            .call_until(give_up, Repeat::Harmless, async |channel, left| {
                let wait = left.saturating_sub(ANSWER_TIME).clamp(Duration::from_millis(1), WAIT_MAX);
                request(channel, u32::try_from(wait.as_millis()).unwrap_or(u32::MAX)).await
            })
            .await;
        let command = match answer {
            Ok(command) => command.ok_or_else(|| bad_answer(&"it has no command"))?,
            Err(failure) => return Ok(unanswered(asked, &failure)),
        };
        let told = answered(command, level)?;
        // Short of the level and with nothing against it: the wait of one request ended before ours does.
        let is_under_way = told.shortfall.as_ref().is_some_and(|error| error.code == ErrorCode::WaitTimedOut.to_string());
        if !is_under_way || Instant::now() + PAUSE + ANSWER_TIME >= give_up {
            return Ok(told);
        }
        sleep(PAUSE).await;
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
    let json = OutcomeJson {
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
fn unanswered(asked: &Asked, failure: &Failure) -> Told {
    let state = match failure.kind {
        Kind::Final => Some(CommandState::Rejected.as_str()),
        Kind::InDoubt => Some(CommandState::Unknown.as_str()),
        Kind::Unreached | Kind::Elsewhere => None,
    };
    let value = value_opt(asked.value.clone()).unwrap_or_default();
    let error = match failure.kind {
        Kind::InDoubt => {
            let what = format!("{}; whether command {} was taken is not known", failure.error.message, asked.id);
            error_of(ErrorCode::CommitTimedOut, what)
        }
        _ => failure.error.clone(),
    };
    let json = OutcomeJson {
        id: asked.id.clone(),
        tag: asked.tag.clone(),
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
