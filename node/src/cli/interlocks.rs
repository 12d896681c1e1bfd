//! `labkeeper interlocks`: how interlocks stand, resetting a latch, and taking one out of force for a time.

use super::client::{Client, ClientArgs, Repeat, positive_duration};
use super::error::CliError;
use super::identity::{new_id, whoami};
use super::output::{Form, Output, row};
use super::reading::bad_answer;
use super::value;
use crate::clock;
use labkeeper_model::Timestamp;
use labkeeper_proto::v1;
use labkeeper_proto::v1::interlock_service_client::InterlockServiceClient;
use serde::Serialize;
use std::time::Duration;
use tonic::transport::Channel;
use tonic::{Response, Status};

/// Look at interlocks, reset them, or defeat them for a time
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct InterlocksArgs {
    #[command(subcommand)]
    command: Option<InterlocksCommand>,
    #[command(flatten)]
    list: LsArgs,
}

#[derive(Debug, clap::Subcommand)]
enum InterlocksCommand {
    /// How each one stands
    Ls(LsArgs),
    /// Reset a latched one
    Reset(DeedArgs),
    /// Take one out of force for a time, under an alarm
    Defeat(DefeatArgs),
    /// Put a defeated one back in force
    Restore(DeedArgs),
}

#[derive(Debug, clap::Args)]
struct LsArgs {
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, clap::Args)]
struct DeedArgs {
    /// The interlock's name
    interlock: String,
    /// Why
    #[arg(long, default_value = "")]
    reason: String,
    /// In whose name [default: USER@HOST]
    #[arg(long = "as", value_name = "NAME")]
    actor: Option<String>,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, clap::Args)]
struct DefeatArgs {
    /// The interlock's name
    interlock: String,
    /// For how long: a day at most
    #[arg(long = "for", value_name = "DURATION", value_parser = positive_duration)]
    time: Duration,
    /// Why
    #[arg(long)]
    reason: String,
    /// In whose name [default: USER@HOST]
    #[arg(long = "as", value_name = "NAME")]
    actor: Option<String>,
    #[command(flatten)]
    client: ClientArgs,
}

/// An interlock in JSON. Its keys are a promise.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct InterlockJson {
    name: String,
    description: String,
    stage: String,
    require: String,
    tags: Vec<String>,
    state: String,
    blocks: bool,
    why: String,
    /// Null before the first verdict.
    since: Option<String>,
    forced: Vec<String>,
    defeat: Option<DefeatJson>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct DefeatJson {
    by: String,
    reason: String,
    since: String,
    until: String,
}

impl From<v1::InterlockStatus> for InterlockJson {
    fn from(status: v1::InterlockStatus) -> Self {
        let at = |unix_ms| value::time(Timestamp::from_millis(unix_ms));
        Self {
            name: status.name,
            description: status.description,
            stage: status.stage,
            require: status.require,
            tags: status.tags,
            state: status.state,
            blocks: status.blocks,
            why: status.why,
            since: (status.since_unix_ms != 0).then(|| at(status.since_unix_ms)),
            forced: status.forced,
            defeat: status.defeat.map(|defeat| DefeatJson {
                by: defeat.by,
                reason: defeat.reason,
                since: at(defeat.since_unix_ms),
                until: at(defeat.until_unix_ms),
            }),
        }
    }
}

impl InterlockJson {
    fn in_words(&self) -> String {
        let defeat = self.defeat.as_ref().map(|defeat| format!(", defeated by {} until {}: {}", defeat.by, defeat.until, defeat.reason));
        format!("{} is {}{}: {}", self.name, self.state, defeat.unwrap_or_default(), self.why)
    }

    fn cells(&self) -> Vec<String> {
        let defeated = self.defeat.as_ref().map_or_else(|| "-".to_owned(), |defeat| format!("by {} until {}", defeat.by, defeat.until));
        row([&self.name, &self.stage, &self.state, if self.blocks { "yes" } else { "no" }, &defeated, &self.why])
    }
}

/// Runs the command.
///
/// # Errors
/// The cluster refuses, or no node answers.
pub(super) async fn run(args: InterlocksArgs) -> Result<(), CliError> {
    match args.command {
        None => list(&args.list).await,
        Some(InterlocksCommand::Ls(args)) => list(&args).await,
        Some(InterlocksCommand::Reset(args)) => {
            let request =
                v1::ResetInterlockRequest { interlock: args.interlock, actor: who(args.actor), reason: args.reason, id: new_id() };
            deed(&args.client, async |mut service| service.reset_interlock(request.clone()).await).await
        }
        Some(InterlocksCommand::Defeat(args)) => {
            // A time, not a duration: sent again, it is the same.
            let until_unix_ms = clock::now().saturating_add(args.time).as_millis();
            let request = v1::DefeatInterlockRequest {
                interlock: args.interlock,
                until_unix_ms,
                actor: who(args.actor),
                reason: args.reason,
                id: new_id(),
            };
            deed(&args.client, async |mut service| service.defeat_interlock(request.clone()).await).await
        }
        Some(InterlocksCommand::Restore(args)) => {
            let request =
                v1::RestoreInterlockRequest { interlock: args.interlock, actor: who(args.actor), reason: args.reason, id: new_id() };
            deed(&args.client, async |mut service| service.restore_interlock(request.clone()).await).await
        }
    }
}

fn who(actor: Option<String>) -> String {
    actor.unwrap_or_else(whoami)
}

async fn list(args: &LsArgs) -> Result<(), CliError> {
    let call = async |channel, _| service(channel).list_interlocks(v1::ListInterlocksRequest {}).await.map(Response::into_inner);
    let answer = Client::new(&args.client)?.call(Repeat::Harmless, call).await?;
    let interlocks: Vec<InterlockJson> = answer.interlocks.into_iter().map(Into::into).collect();
    let output = Output { json: args.client.json };
    if output.json {
        return output.json(&serde_json::json!({ "interlocks": interlocks }), Form::Document);
    }
    if interlocks.is_empty() {
        return output.line("the site has no interlocks");
    }
    let heads = row(["INTERLOCK", "STAGE", "STATE", "BLOCKS", "DEFEATED", "WHY"]);
    output.table(&std::iter::once(heads).chain(interlocks.iter().map(InterlockJson::cells)).collect::<Vec<_>>())
}

async fn deed(
    args: &ClientArgs,
    call: impl AsyncFn(InterlockServiceClient<Channel>) -> Result<Response<v1::InterlockResponse>, Status>,
) -> Result<(), CliError> {
    let call = async |channel, _| call(service(channel)).await.map(Response::into_inner);
    let answer = Client::new(args)?.call(Repeat::Harmless, call).await?;
    let interlock = InterlockJson::from(answer.interlock.ok_or_else(|| bad_answer(&"no interlock"))?);
    let output = Output { json: args.json };
    if output.json { output.json(&interlock, Form::Document) } else { output.line(interlock.in_words()) }
}

pub(super) fn service(channel: Channel) -> InterlockServiceClient<Channel> {
    InterlockServiceClient::new(channel)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_are_kept_and_a_person_reads_how_it_stands() {
        let at = |unix_ms| value::time(Timestamp::from_millis(unix_ms));
        let status = v1::InterlockStatus {
            name: "quench".into(),
            stage: "protect".into(),
            require: "x < 1".into(),
            tags: vec!["cryo/magnet/current".into()],
            state: "tripped".into(),
            why: "x is 2".into(),
            since_unix_ms: 1_000,
            forced: vec!["cryo/magnet/current".into()],
            defeat: Some(v1::InterlockDefeat { by: "ann".into(), reason: "test".into(), since_unix_ms: 2_000, until_unix_ms: 3_000 }),
            ..v1::InterlockStatus::default()
        };
        let json = InterlockJson::from(status);
        let expected = serde_json::json!({
            "name": "quench", "description": "", "stage": "protect", "require": "x < 1", "tags": ["cryo/magnet/current"],
            "state": "tripped", "blocks": false, "why": "x is 2", "since": at(1_000), "forced": ["cryo/magnet/current"],
            "defeat": { "by": "ann", "reason": "test", "since": at(2_000), "until": at(3_000) }
        });
        assert_eq!(serde_json::to_value(&json).expect("JSON"), expected);
        assert_eq!(json.in_words(), format!("quench is tripped, defeated by ann until {}: test: x is 2", at(3_000)));
        let unknown = InterlockJson::from(v1::InterlockStatus::default());
        assert_eq!((unknown.since, unknown.defeat), (None, None));
    }
}
