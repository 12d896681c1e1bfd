//! `labkeeper commands`: what was asked of devices lately, and what became of it.

use super::client::{ANSWER_BYTES_MAX, Client, ClientArgs, Repeat};
use super::error::{CliError, ErrorJson};
use super::output::{Form, Output, row};
use super::reading::bad_answer;
use super::value;
use labkeeper_model::Timestamp;
use labkeeper_proto::convert::{command_state, value_opt};
use labkeeper_proto::v1;
use labkeeper_proto::v1::command_service_client::CommandServiceClient;
use serde::Serialize;
use tonic::Response;

/// Show the latest commands, newest first
#[derive(Debug, clap::Args)]
pub(super) struct CommandsArgs {
    /// Most commands
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: u32,
    #[command(flatten)]
    client: ClientArgs,
}

/// A command in JSON. Its keys are a promise.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct CommandJson {
    id: String,
    tag: String,
    value: serde_json::Value,
    revision: u64,
    state: &'static str,
    error: Option<ErrorJson>,
    log_index: u64,
    by: String,
    reason: String,
    owner: Option<String>,
    steps: Vec<StepJson>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct StepJson {
    state: &'static str,
    time: String,
}

/// Runs the command.
///
/// # Errors
/// No node answers.
pub(super) async fn run(args: CommandsArgs) -> Result<(), CliError> {
    let commands = fetch(&Client::new(&args.client)?, args.limit).await?;
    let output = Output { json: args.client.json };
    if output.json { output.json(&commands, Form::Document) } else { output.table(&rows(&commands)) }
}

/// Asks for the latest commands, newest first.
///
/// # Errors
/// No node answers.
pub(super) async fn fetch(client: &Client, limit: u32) -> Result<Vec<CommandJson>, CliError> {
    let request = v1::ListCommandsRequest { limit };
    let answer = client
        .call(Repeat::Harmless, async |channel, _| {
            let mut service = CommandServiceClient::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX);
            service.list_commands(request).await.map(Response::into_inner)
        })
        .await?;
    answer.commands.into_iter().map(CommandJson::try_from).collect()
}

/// As rows of a table, the first one their heads.
#[must_use]
pub(super) fn rows(commands: &[CommandJson]) -> Vec<Vec<String>> {
    let heads = row(["INDEX", "TIME", "TAG", "VALUE", "STATE", "BY", "REASON", "ERROR"]);
    std::iter::once(heads).chain(commands.iter().map(CommandJson::row)).collect()
}

impl TryFrom<v1::Command> for CommandJson {
    type Error = CliError;
    fn try_from(wire: v1::Command) -> Result<Self, CliError> {
        let state = |number| command_state("command.state", number).map(|state| state.as_str()).map_err(|error| bad_answer(&error));
        let step = |step: v1::CommandStep| {
            Ok::<_, CliError>(StepJson { state: state(step.state)?, time: value::time(Timestamp(step.time_unix_ns)) })
        };
        let steps = wire.steps.into_iter().map(step).collect::<Result<_, _>>()?;
        let value = value_opt(wire.value).map_err(|error| bad_answer(&error))?;
        Ok(Self {
            id: wire.id,
            tag: wire.tag,
            value: value::to_json(value.as_ref()),
            revision: wire.revision,
            state: state(wire.state)?,
            error: wire.error.map(Into::into),
            log_index: wire.log_index,
            by: wire.actor,
            reason: wire.reason,
            owner: (!wire.owner.is_empty()).then_some(wire.owner),
            steps,
        })
    }
}

impl CommandJson {
    /// The command and where it stands, in a line.
    pub(super) fn in_words(&self) -> String {
        format!("{} = {}: {} (id {})", self.tag, self.value, self.state, self.id)
    }

    fn row(&self) -> Vec<String> {
        let time = self.steps.first().map_or("-", |step| step.time.as_str());
        let error = self.error.as_ref().map_or_else(String::new, |error| format!("{} {}", error.code, error.message));
        row([&self.log_index.to_string(), time, &self.tag, &self.value.to_string(), self.state, &self.by, &self.reason, &error])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use labkeeper_model::Value;

    #[test]
    fn the_keys_of_a_command_are_a_promise() {
        let wire = v1::Command {
            id: "i".into(),
            tag: "cryo/a/t".into(),
            value: Some((&Value::Bool(true)).into()),
            revision: 1,
            state: v1::CommandState::Failed.into(),
            error: Some(v1::Error { code: "LAB3011".into(), message: "m".into(), remedy: "r".into() }),
            log_index: 9,
            actor: "ann".into(),
            reason: "why".into(),
            steps: vec![v1::CommandStep { state: v1::CommandState::Committed.into(), time_unix_ns: 1_772_366_400_000_000_000 }],
            owner: "lab-a".into(),
            ..v1::Command::default()
        };
        let json = CommandJson::try_from(wire).expect("a command");
        assert_eq!(
            serde_json::to_string(&json).expect("JSON"),
            concat!(
                r#"{"id":"i","tag":"cryo/a/t","value":true,"revision":1,"state":"failed","#,
                r#""error":{"code":"LAB3011","message":"m","remedy":"r"},"log_index":9,"by":"ann","reason":"why","owner":"lab-a","#,
                r#""steps":[{"state":"committed","time":"2026-03-01T12:00:00Z"}]}"#
            )
        );
        assert_eq!(json.row(), ["9", "2026-03-01T12:00:00Z", "cryo/a/t", "true", "failed", "ann", "why", "LAB3011 m"]);
    }
}
