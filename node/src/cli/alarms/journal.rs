//! `labkeeper alarms journal`: every change of every alarm, newest first.

use super::json::time;
use super::service;
use crate::cli::client::{Client, ClientArgs, Repeat};
use crate::cli::error::CliError;
use crate::cli::output::{Form, Output, row};
use crate::cli::reading::bad_answer;
use crate::cli::value;
use labkeeper_proto::convert::value_opt;
use labkeeper_proto::v1;
use serde::Serialize;
use tonic::Response;

/// Arguments of `journal`.
#[derive(Debug, clap::Args)]
pub(super) struct JournalArgs {
    /// Only of this alarm
    alarm: Option<String>,
    /// Most entries
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: u32,
    /// Only entries before this number
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    before: u64,
    #[command(flatten)]
    client: ClientArgs,
}

/// An entry in JSON. Its keys are a promise.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct EntryJson {
    number: u64,
    log_index: u64,
    time: String,
    alarm: String,
    occurrence: u64,
    transition: String,
    state: String,
    priority: String,
    severity: u32,
    value: serde_json::Value,
    announced: bool,
    by: String,
    text: String,
}

/// Runs the command.
///
/// # Errors
/// No node answers.
pub(super) async fn run(args: JournalArgs) -> Result<(), CliError> {
    let request = v1::ListAlarmJournalRequest { limit: args.limit, alarm: args.alarm.unwrap_or_default(), before: args.before };
    let answer = Client::new(&args.client)?
        .call(Repeat::Harmless, async |channel, _| service(channel).list_alarm_journal(request.clone()).await.map(Response::into_inner))
        .await?;
    let entries = answer.entries.into_iter().map(EntryJson::try_from).collect::<Result<Vec<_>, _>>()?;
    let output = Output { json: args.client.json };
    if output.json {
        return output.json(&entries, Form::Document);
    }
    let heads = row(["NUMBER", "TIME", "WHAT", "ALARM", "STATE", "BY", "TEXT"]);
    output.table(&std::iter::once(heads).chain(entries.iter().map(EntryJson::row)).collect::<Vec<_>>())
}

impl TryFrom<v1::AlarmJournalEntry> for EntryJson {
    type Error = CliError;
    fn try_from(wire: v1::AlarmJournalEntry) -> Result<Self, CliError> {
        let reading = value_opt(wire.value).map_err(|error| bad_answer(&error))?;
        Ok(Self {
            number: wire.number,
            log_index: wire.log_index,
            time: time(wire.time_unix_ns),
            alarm: wire.alarm,
            occurrence: wire.occurrence,
            transition: wire.transition,
            state: wire.state,
            priority: wire.priority,
            severity: wire.severity,
            value: value::to_json(reading.as_ref()),
            announced: wire.announced,
            by: wire.actor,
            text: wire.text,
        })
    }
}

impl EntryJson {
    fn row(&self) -> Vec<String> {
        let event = format!("{}#{}", self.alarm, self.occurrence);
        row([&self.number.to_string(), &self.time, &self.transition, &event, &self.state, &self.by, &self.text])
    }
}
