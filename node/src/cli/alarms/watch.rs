//! `labkeeper alarms watch`: alarms as they come and go, for as long as one looks. A stream that breaks is opened again, at any node, and
//! begins with everything, of which only what differs is shown.

use super::json::AlarmJson;
use super::{service, show};
use crate::cli::client::{Client, ClientArgs, Repeat};
use crate::cli::error::CliError;
use crate::cli::failure::{Failure, Kind};
use crate::cli::output::{Form, Output, columns, note};
use labkeeper_proto::v1;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tonic::{Response, Streaming};

/// How long nobody may answer before a watch that was running is given up: twenty elections of the default timing.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// Pause between two attempts to find a node again.
const PAUSE: Duration = Duration::from_millis(200);

/// Arguments of `watch`.
#[derive(Debug, clap::Args)]
pub(super) struct WatchArgs {
    /// End after this many messages of the stream
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    #[command(flatten)]
    client: ClientArgs,
}

/// Runs the command.
///
/// # Errors
/// No node answers at the start, or none for 30 s later on.
pub(super) async fn run(args: WatchArgs) -> Result<(), CliError> {
    let client = Client::new(&args.client)?;
    let output = Output { json: args.client.json };
    let mut known = BTreeMap::new();
    let mut stream = open(&client).await?;
    let mut left = args.count.unwrap_or(u64::MAX);
    let mut begun = v1::WatchAlarmsResponse::default();
    while left > 0 {
        match stream.message().await {
            Ok(Some(message)) if message.more => begun = joined(begun, message),
            Ok(Some(message)) => {
                for change in merge(&mut known, joined(std::mem::take(&mut begun), message))? {
                    print(output, &change)?;
                }
                left -= 1;
            }
            ended => {
                let why = ended.err().map_or_else(|| "the node ended it".to_owned(), |status| status.message().to_owned());
                note(format!("watch: the stream broke ({why}); looking for a node"));
                begun = v1::WatchAlarmsResponse::default();
                stream = reopen(&client).await?;
            }
        }
    }
    Ok(())
}

async fn open(client: &Client) -> Result<Streaming<v1::WatchAlarmsResponse>, Failure> {
    let request = v1::WatchAlarmsRequest { all: false };
    client.call(Repeat::Harmless, async |channel, _| service(channel).watch_alarms(request).await.map(Response::into_inner)).await
}

async fn reopen(client: &Client) -> Result<Streaming<v1::WatchAlarmsResponse>, CliError> {
    let give_up = Instant::now() + SILENCE_MAX;
    loop {
        match open(client).await {
            Ok(stream) => return Ok(stream),
            Err(failure) if failure.kind == Kind::Final || Instant::now() >= give_up => return Err(failure.into()),
            Err(_) => sleep(PAUSE).await,
        }
    }
}

/// Something to show.
#[derive(Clone, Debug, PartialEq)]
enum Change {
    Alarm(Box<AlarmJson>),
    Gone(String),
}

/// A message with what went on in the next one.
fn joined(mut begun: v1::WatchAlarmsResponse, next: v1::WatchAlarmsResponse) -> v1::WatchAlarmsResponse {
    begun.snapshot |= next.snapshot;
    begun.alarms.extend(next.alarms);
    begun.removed.extend(next.removed);
    begun
}

/// Takes a message in; what it changed. Of a snapshot, whatever is not in it has nothing to say any more.
fn merge(known: &mut BTreeMap<String, AlarmJson>, message: v1::WatchAlarmsResponse) -> Result<Vec<Change>, CliError> {
    let mut changes = vec![];
    let mut gone = message.removed;
    let alarms = message.alarms.into_iter().map(AlarmJson::try_from).collect::<Result<Vec<_>, _>>()?;
    if message.snapshot {
        let told: BTreeSet<&str> = alarms.iter().map(|alarm| alarm.alarm.as_str()).collect();
        gone.extend(known.keys().filter(|alarm| !told.contains(alarm.as_str())).cloned());
    }
    for alarm in alarms {
        let differs = known.get(&alarm.alarm) != Some(&alarm);
        if differs {
            known.insert(alarm.alarm.clone(), alarm.clone());
            changes.push(Change::Alarm(Box::new(alarm)));
        }
    }
    changes.extend(gone.into_iter().filter(|alarm| known.remove(alarm).is_some()).map(Change::Gone));
    Ok(changes)
}

fn print(output: Output, change: &Change) -> Result<(), CliError> {
    match change {
        Change::Alarm(alarm) if output.json => output.json(alarm, Form::Line),
        Change::Gone(alarm) if output.json => output.json(&json!({ "alarm": alarm, "state": "normal" }), Form::Line),
        Change::Alarm(alarm) => columns(&[show::cells(alarm)]).iter().try_for_each(|line| output.line(line)),
        Change::Gone(alarm) => output.line(format!("{alarm}  has nothing more to say")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use show::tests::wire;

    fn message(snapshot: bool, alarms: Vec<v1::AlarmStatus>) -> v1::WatchAlarmsResponse {
        v1::WatchAlarmsResponse { snapshot, alarms, ..v1::WatchAlarmsResponse::default() }
    }

    #[test]
    fn only_what_differs_is_shown_and_a_snapshot_says_what_is_gone() {
        let mut known = BTreeMap::new();
        assert_eq!(merge(&mut known, message(true, vec![wire()])).expect("a merge").len(), 1);
        assert_eq!(merge(&mut known, message(true, vec![wire()])).expect("a merge"), [], "the same again, after a broken stream");
        let seen = v1::AlarmStatus { acknowledged: true, ..wire() };
        assert_eq!(merge(&mut known, message(false, vec![seen])).expect("a merge").len(), 1);
        assert_eq!(merge(&mut known, message(true, vec![])).expect("a merge"), [Change::Gone(wire().alarm)]);
        let removed = v1::WatchAlarmsResponse { removed: vec![wire().alarm], ..v1::WatchAlarmsResponse::default() };
        assert_eq!(merge(&mut known, removed).expect("a merge"), [], "gone already");
    }

    #[test]
    fn a_snapshot_in_parts_is_one() {
        let other = v1::AlarmStatus { alarm: "cryo/bank/other/high".into(), ..wire() };
        let mut known = BTreeMap::new();
        assert_eq!(merge(&mut known, message(true, vec![wire(), other.clone()])).expect("a merge").len(), 2);
        let whole = joined(message(true, vec![wire()]), message(false, vec![other]));
        assert_eq!(merge(&mut known, whole).expect("a merge"), [], "what comes in the second part is not gone");
    }
}
