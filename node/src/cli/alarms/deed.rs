//! What people do about alarms. Each deed may be sent again after a doubt: the same deed twice is one.

use super::super::identity::{new_id, whoami};
use super::json::AlarmJson;
use super::{service, show};
use crate::cli::client::{Client, ClientArgs, Repeat, positive_duration};
use crate::cli::error::CliError;
use crate::cli::output::{Form, Output, columns};
use crate::clock;
use labkeeper_model::ErrorCode;
use labkeeper_proto::v1;
use std::time::Duration;
use tonic::Response;

/// Arguments of `ack`.
#[derive(Debug, clap::Args)]
pub(super) struct AckArgs {
    /// What you have seen, as `labkeeper alarms` shows it: segment/device/tag/alarm#occurrence
    event: String,
    /// A remark; some alarms need one
    #[arg(long, default_value = "")]
    comment: String,
    #[command(flatten)]
    who: Who,
}

/// Arguments of `shelve`.
#[derive(Debug, clap::Args)]
pub(super) struct ShelveArgs {
    /// The alarm as segment/device/tag/alarm
    alarm: String,
    /// For how long
    #[arg(long = "for", value_name = "DURATION", value_parser = positive_duration, required_unless_present = "once", conflicts_with = "once")]
    time: Option<Duration>,
    /// Until its condition ends, as long as its class allows
    #[arg(long)]
    once: bool,
    /// Why
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    who: Who,
}

/// Arguments of what needs no more than a reason.
#[derive(Debug, clap::Args)]
pub(super) struct PlainArgs {
    /// The alarm as segment/device/tag/alarm
    alarm: String,
    /// Why; or what you remark
    #[arg(long, default_value = "")]
    reason: String,
    #[command(flatten)]
    who: Who,
}

/// Who asks, and whom.
#[derive(Debug, clap::Args)]
struct Who {
    /// In whose name; yours and this computer's if not given
    #[arg(long = "as", value_name = "NAME")]
    actor: Option<String>,
    #[command(flatten)]
    client: ClientArgs,
}

/// What needs no more than a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plain {
    Unshelve,
    OutOfService,
    ReturnToService,
    Reset,
    Comment,
}

/// Runs `ack`.
///
/// # Errors
/// No occurrence is named, the cluster refuses, or no node answers.
pub(super) async fn acknowledge(args: AckArgs) -> Result<(), CliError> {
    let (alarm, occurrence) = event(&args.event)?;
    let actor = args.who.actor.clone().unwrap_or_else(whoami);
    let request = v1::AcknowledgeAlarmRequest { alarm, occurrence, actor, comment: args.comment, id: new_id() };
    let answer = Client::new(&args.who.client)?
        .call(Repeat::Harmless, async |channel, _| service(channel).acknowledge_alarm(request.clone()).await.map(Response::into_inner))
        .await?;
    print(args.who.client.json, answer)
}

/// Runs `shelve`.
///
/// # Errors
/// The cluster refuses, or no node answers.
pub(super) async fn shelve(args: ShelveArgs) -> Result<(), CliError> {
    // Told as a point in time, so that the same request again is the same shelf.
    let until_unix_ns = args.time.map(|time| clock::now().saturating_add(time).0);
    let actor = args.who.actor.clone().unwrap_or_else(whoami);
    let request = v1::ShelveAlarmRequest { alarm: args.alarm, until_unix_ns, actor, reason: args.reason, id: new_id() };
    let answer = Client::new(&args.who.client)?
        .call(Repeat::Harmless, async |channel, _| service(channel).shelve_alarm(request.clone()).await.map(Response::into_inner))
        .await?;
    print(args.who.client.json, answer)
}

/// Runs one of the others.
///
/// # Errors
/// The cluster refuses, or no node answers.
pub(super) async fn plain(what: Plain, args: PlainArgs) -> Result<(), CliError> {
    let actor = args.who.actor.clone().unwrap_or_else(whoami);
    let request = v1::AlarmDeedRequest { alarm: args.alarm, actor, reason: args.reason, id: new_id() };
    let answer = Client::new(&args.who.client)?
        .call(Repeat::Harmless, async |channel, _| {
            let (mut service, request) = (service(channel), request.clone());
            let answer = match what {
                Plain::Unshelve => service.unshelve_alarm(request).await,
                Plain::OutOfService => service.take_alarm_out_of_service(request).await,
                Plain::ReturnToService => service.return_alarm_to_service(request).await,
                Plain::Reset => service.reset_alarm(request).await,
                Plain::Comment => service.comment_alarm(request).await,
            };
            answer.map(Response::into_inner)
        })
        .await?;
    print(args.who.client.json, answer)
}

/// An event's alarm and occurrence.
fn event(text: &str) -> Result<(String, u64), CliError> {
    let parts = text.rsplit_once('#').and_then(|(alarm, occurrence)| Some((alarm.to_owned(), occurrence.parse().ok()?)));
    parts.ok_or_else(|| {
        let what = format!("{text:?} names no occurrence");
        CliError::usage(ErrorCode::BadRequest, what, "write it as `labkeeper alarms` shows it, such as 'cryo/chiller-1/temperature/high#3'")
    })
}

fn print(json: bool, answer: v1::AlarmDeedResponse) -> Result<(), CliError> {
    let output = Output { json };
    // An alarm about something that has passed is gone when there is nothing more to say.
    let Some(alarm) = answer.alarm else {
        return if output.json { output.json(&serde_json::Value::Null, Form::Document) } else { output.line("done; the alarm is gone") };
    };
    let alarm = AlarmJson::try_from(alarm)?;
    if output.json {
        return output.json(&alarm, Form::Document);
    }
    columns(&[show::cells(&alarm)]).iter().try_for_each(|line| output.line(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_names_its_occurrence() {
        assert_eq!(event("cryo/a/t/high#12").ok(), Some(("cryo/a/t/high".to_owned(), 12)));
        for bad in ["cryo/a/t/high", "cryo/a/t/high#", "cryo/a/t/high#x", "#"] {
            let error = event(bad).expect_err(bad).to_string();
            assert!(error.contains("names no occurrence"), "{error}");
        }
    }
}
