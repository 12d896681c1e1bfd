//! `labkeeper notify`: who is told about alarms, whether it worked, and trying it.

use super::client::{Client, ClientArgs, Repeat};
use super::error::CliError;
use super::identity::whoami;
use super::output::{Form, Output, row};
use super::value;
use crate::clock;
use labkeeper_model::{ErrorCode, Timestamp};
use labkeeper_proto::v1;
use labkeeper_proto::v1::notice_service_client::NoticeServiceClient;
use serde::Serialize;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tonic::Response;
use tonic::transport::Channel;

/// How long a test is watched: the first attempt takes 30 s at most.
const WATCH_MAX: Duration = Duration::from_secs(35);
/// How often it is looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// See who is told about alarms, and try it
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct NotifyArgs {
    #[command(subcommand)]
    command: Option<NotifyCommand>,
    #[command(flatten)]
    list: LsArgs,
}

#[derive(Debug, clap::Subcommand)]
enum NotifyCommand {
    /// How each route has done, what waits to be sent, and what was given up
    Ls(LsArgs),
    /// Send a test by one route, whatever it wants, and wait for the first attempt
    Test(TestArgs),
}

#[derive(Debug, clap::Args)]
struct LsArgs {
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, clap::Args)]
struct TestArgs {
    /// The route's name
    route: String,
    /// Why
    #[arg(long, default_value = "")]
    reason: String,
    /// In whose name [default: USER@HOST]
    #[arg(long = "as", value_name = "NAME")]
    actor: Option<String>,
    #[command(flatten)]
    client: ClientArgs,
}

/// A route in JSON. Its keys are a promise.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct RouteJson {
    name: String,
    webhook: bool,
    email: Vec<String>,
    waiting: u32,
    told: u64,
    /// Null before the first.
    told_at: Option<String>,
    given_up: u64,
    /// Null while it reaches somebody.
    failing: Option<String>,
}

/// A notice in JSON. Its keys are a promise.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct NoticeJson {
    number: u64,
    key: String,
    route: String,
    alarm: String,
    occurrence: u64,
    transition: String,
    state: String,
    priority: String,
    segment: Option<String>,
    text: String,
    at: String,
    attempts: u32,
    /// Null if it was given up.
    next: Option<String>,
    /// Null before the first attempt.
    error: Option<String>,
}

impl From<v1::NoticeRoute> for RouteJson {
    fn from(route: v1::NoticeRoute) -> Self {
        Self {
            name: route.name,
            webhook: route.webhook,
            email: route.email,
            waiting: route.waiting,
            told: route.told,
            told_at: time(route.told_unix_ms),
            given_up: route.given_up,
            failing: some(route.failing),
        }
    }
}

impl From<v1::Notice> for NoticeJson {
    fn from(notice: v1::Notice) -> Self {
        Self {
            number: notice.number,
            key: notice.key,
            route: notice.route,
            alarm: notice.alarm,
            occurrence: notice.occurrence,
            transition: notice.transition,
            state: notice.state,
            priority: notice.priority,
            segment: some(notice.segment),
            text: notice.text,
            at: value::time(Timestamp::from_millis(notice.at_unix_ms)),
            attempts: notice.attempts,
            next: time(notice.next_unix_ms),
            error: some(notice.error),
        }
    }
}

fn time(unix_ms: i64) -> Option<String> {
    (unix_ms != 0).then(|| value::time(Timestamp::from_millis(unix_ms)))
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

impl RouteJson {
    fn cells(&self) -> Vec<String> {
        let to = self.webhook.then(|| "webhook".to_owned()).into_iter().chain(self.email.iter().cloned());
        let to = to.collect::<Vec<_>>().join(", ");
        let (waiting, told, given_up) = (self.waiting.to_string(), self.told.to_string(), self.given_up.to_string());
        let failing = self.failing.as_deref().unwrap_or("-");
        row([&self.name, &to, &waiting, &told, self.told_at.as_deref().unwrap_or("-"), &given_up, failing])
    }
}

impl NoticeJson {
    fn cells(&self) -> Vec<String> {
        let (number, attempts) = (self.number.to_string(), self.attempts.to_string());
        let (next, error) = (self.next.as_deref().unwrap_or("given up"), self.error.as_deref().unwrap_or("-"));
        row([&number, &self.route, &self.transition, &self.alarm, &attempts, next, error])
    }
}

/// Runs the command.
///
/// # Errors
/// The cluster refuses, no node answers, or a test reached nobody.
pub(super) async fn run(args: NotifyArgs) -> Result<(), CliError> {
    match args.command {
        None => list(&args.list).await,
        Some(NotifyCommand::Ls(args)) => list(&args).await,
        Some(NotifyCommand::Test(args)) => test(&args).await,
    }
}

async fn list(args: &LsArgs) -> Result<(), CliError> {
    let answer = ask(&Client::new(&args.client)?).await?;
    let routes: Vec<RouteJson> = answer.routes.into_iter().map(Into::into).collect();
    let waiting: Vec<NoticeJson> = answer.waiting.into_iter().map(Into::into).collect();
    let given_up: Vec<NoticeJson> = answer.given_up.into_iter().map(Into::into).collect();
    let output = Output { json: args.client.json };
    if output.json {
        let all = serde_json::json!({ "routes": routes, "waiting": waiting, "given_up": given_up });
        return output.json(&all, Form::Document);
    }
    if routes.is_empty() {
        return output.line("nobody is told: the site has no routes");
    }
    let heads = row(["ROUTE", "TO", "WAITING", "TOLD", "LAST", "GIVEN UP", "FAILING"]);
    output.table(&std::iter::once(heads).chain(routes.iter().map(RouteJson::cells)).collect::<Vec<_>>())?;
    if waiting.is_empty() && given_up.is_empty() {
        return Ok(());
    }
    output.line("")?;
    let heads = row(["NUMBER", "ROUTE", "WHAT", "ALARM", "FAILED", "NEXT", "ERROR"]);
    output.table(&std::iter::once(heads).chain(waiting.iter().chain(&given_up).map(NoticeJson::cells)).collect::<Vec<_>>())
}

async fn ask(client: &Client) -> Result<v1::ListNoticesResponse, CliError> {
    let call = async |channel, _| service(channel).list_notices(v1::ListNoticesRequest {}).await.map(Response::into_inner);
    Ok(client.call(Repeat::Harmless, call).await?)
}

/// Puts a test into the outbox, and looks until it has left it or an attempt has failed.
async fn test(args: &TestArgs) -> Result<(), CliError> {
    let client = Client::new(&args.client)?;
    let actor = args.actor.clone().unwrap_or_else(whoami);
    let request = v1::TestNoticeRouteRequest { route: args.route.clone(), actor, reason: args.reason.clone() };
    let call = async |channel, _| service(channel).test_notice_route(request.clone()).await.map(Response::into_inner);
    let key = client.call(Repeat::OnlyIfUndone, call).await?.key;
    let (begun, until) = (clock::now(), Instant::now() + WATCH_MAX);
    while Instant::now() < until {
        let answer = ask(&client).await?;
        let left = answer.waiting.iter().chain(&answer.given_up).find(|notice| notice.key == key);
        match left {
            None => {
                let output = Output { json: args.client.json };
                let sent = format!("{} took the message within {}: {key}", args.route, value::age(begun, clock::now()));
                return if output.json {
                    output.json(&serde_json::json!({ "key": key, "told": true }), Form::Document)
                } else {
                    output.line(sent)
                };
            }
            Some(notice) if !notice.error.is_empty() => return Err(reached_nobody(&args.route, &notice.error)),
            Some(_) => sleep(LOOK_EVERY).await,
        }
    }
    Err(reached_nobody(&args.route, "no attempt has ended; is there a leader?"))
}

fn reached_nobody(route: &str, why: &str) -> CliError {
    CliError::failed(ErrorCode::NobodyTold, format!("route {route}: {why}"))
}

fn service(channel: Channel) -> NoticeServiceClient<Channel> {
    NoticeServiceClient::new(channel)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_are_kept_and_what_is_not_is_null() {
        let notice = v1::Notice {
            number: 7,
            key: "a/b/c#1#RAISED#ops#9".into(),
            route: "ops".into(),
            alarm: "a/b/c".into(),
            occurrence: 1,
            transition: "RAISED".into(),
            state: "unacknowledged".into(),
            priority: "high".into(),
            at_unix_ms: 1_000,
            attempts: 2,
            next_unix_ms: 2_000,
            error: "no answer".into(),
            ..v1::Notice::default()
        };
        let json = NoticeJson::from(notice);
        let expected = serde_json::json!({
            "number": 7, "key": "a/b/c#1#RAISED#ops#9", "route": "ops", "alarm": "a/b/c", "occurrence": 1, "transition": "RAISED",
            "state": "unacknowledged", "priority": "high", "segment": null, "text": "", "at": "1970-01-01T00:00:01Z", "attempts": 2,
            "next": "1970-01-01T00:00:02Z", "error": "no answer"
        });
        assert_eq!(serde_json::to_value(&json).expect("JSON"), expected);
        assert_eq!(json.cells(), ["7", "ops", "RAISED", "a/b/c", "2", "1970-01-01T00:00:02Z", "no answer"]);
        let route = v1::NoticeRoute { name: "ops".into(), webhook: true, email: vec!["ann@lab.org".into()], ..v1::NoticeRoute::default() };
        let json = RouteJson::from(route);
        let expected = serde_json::json!({
            "name": "ops", "webhook": true, "email": ["ann@lab.org"], "waiting": 0, "told": 0, "told_at": null, "given_up": 0, "failing": null
        });
        assert_eq!(serde_json::to_value(&json).expect("JSON"), expected);
        assert_eq!(json.cells(), ["ops", "webhook, ann@lab.org", "0", "0", "-", "0", "-"]);
    }
}
