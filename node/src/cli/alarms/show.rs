//! Alarms for people: rows of a table, and everything about one.

use super::json::{AlarmJson, ListJson};
use crate::cli::client::{Client, ClientArgs};
use crate::cli::error::CliError;
use crate::cli::output::{Form, Output, row};
use labkeeper_model::ErrorCode;
use labkeeper_proto::v1;

/// Arguments of `show`.
#[derive(Debug, clap::Args)]
pub(super) struct ShowArgs {
    /// The alarm as segment/device/tag/alarm
    alarm: String,
    #[command(flatten)]
    client: ClientArgs,
}

/// Runs `show`.
///
/// # Errors
/// There is no such alarm, or no node answers.
pub(super) async fn run(args: ShowArgs) -> Result<(), CliError> {
    let request = v1::ListAlarmsRequest { all: true, alarms: vec![args.alarm.clone()] };
    let list = ListJson::try_from(super::fetch(&Client::new(&args.client)?, request).await?)?;
    let missing = || CliError::failed(ErrorCode::UnknownAlarm, format!("the site has no alarm {:?}", args.alarm));
    let alarm = list.alarms.first().ok_or_else(missing)?;
    let output = Output { json: args.client.json };
    if output.json { output.json(alarm, Form::Document) } else { lines(alarm).iter().try_for_each(|line| output.line(line)) }
}

/// As rows of a table, the first one their heads.
pub(super) fn rows(alarms: &[AlarmJson]) -> Vec<Vec<String>> {
    let heads = row(["ALARM", "STATE", "PRIORITY", "VALUE", "SINCE", "REMARK"]);
    std::iter::once(heads).chain(alarms.iter().map(cells)).collect()
}

pub(super) fn cells(alarm: &AlarmJson) -> Vec<String> {
    row([&event(alarm), &state(alarm), &alarm.priority, &alarm.shown, since(alarm), &remark(alarm)])
}

fn since(alarm: &AlarmJson) -> &str {
    alarm.since.as_deref().unwrap_or("-")
}

/// The event's name: what an acknowledgement names.
fn event(alarm: &AlarmJson) -> String {
    format!("{}#{}", alarm.alarm, alarm.occurrence)
}

fn state(alarm: &AlarmJson) -> String {
    let chattering = if alarm.chattering { ", chattering" } else { "" };
    format!("{} {}{chattering}", alarm.letter, alarm.state.replace('_', " "))
}

/// What matters most beside the state.
fn remark(alarm: &AlarmJson) -> String {
    let bad = alarm.bad_quality.as_ref().map(|cause| format!("stale: {cause}"));
    let shelf = alarm.shelf.as_ref().map(|shelf| format!("shelved by {} until {}: {}", shelf.by, shelf.until, shelf.reason));
    let out = alarm.out_of_service.as_ref().map(|out| format!("out of service by {}: {}", out.by, out.reason));
    let asked = alarm.out_of_service_asked.as_ref().map(|out| format!("{} asks to take it out of service: {}", out.by, out.reason));
    let text = Some(alarm.text.clone()).filter(|text| !text.is_empty());
    let action = Some(alarm.action.clone()).filter(|action| !action.is_empty() && alarm.active);
    [bad, out, shelf, asked, text, action].into_iter().flatten().next().unwrap_or_default()
}

fn lines(alarm: &AlarmJson) -> Vec<String> {
    let since = alarm.since.as_ref().map_or_else(String::new, |since| format!(" since {since}"));
    let mut lines = vec![format!("{}: {}{since}, {} priority", event(alarm), state(alarm), alarm.priority)];
    let mut add = |name: &str, text: &str| {
        if !text.is_empty() {
            lines.push(format!("  {name}: {text}"));
        }
    };
    add("value", &alarm.shown);
    add("raised", alarm.raised.as_deref().unwrap_or_default());
    add("acknowledged by", alarm.acknowledged_by.as_deref().unwrap_or_default());
    add("remark", &remark(alarm));
    add("do", &alarm.action);
    add("else", &alarm.consequence);
    add("within", &alarm.response_time_ms.map_or(String::new(), |ms| format!("{} s", ms / 1_000)));
    add("see", &alarm.link);
    if alarm.latched {
        add("latched", "until it is reset");
    }
    if alarm.cycles_total + alarm.fleeting_total > 0 {
        add("came and went", &format!("{} times, {} too short to tell", alarm.cycles_total, alarm.fleeting_total));
    }
    for comment in &alarm.comments {
        lines.push(format!("  {} {} (#{}): {}", comment.time, comment.by, comment.occurrence, comment.text));
    }
    lines
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use labkeeper_model::Value;

    pub(in crate::cli::alarms) fn wire() -> v1::AlarmStatus {
        v1::AlarmStatus {
            alarm: "cryo/chiller-1/temperature/high".into(),
            state: "unacknowledged".into(),
            letter: "B".into(),
            priority: "high".into(),
            occurrence: 3,
            active: true,
            severity: 1,
            raised_unix_ns: Some(1_000_000_000),
            since_unix_ns: 2_000_000_000,
            value: Some((&Value::F64(30.5)).into()),
            unit: "degC".into(),
            action: "open the bypass".into(),
            comments: vec![v1::AlarmComment { time_unix_ns: 0, occurrence: 2, by: "ann".into(), text: "again".into() }],
            ..v1::AlarmStatus::default()
        }
    }

    #[test]
    fn a_row_names_the_event_and_says_what_to_do() {
        let alarm = AlarmJson::try_from(wire()).expect("an alarm");
        let expected =
            ["cryo/chiller-1/temperature/high#3", "B unacknowledged", "high", "30.5 degC", "1970-01-01T00:00:02Z", "open the bypass"];
        assert_eq!(cells(&alarm), expected);
        assert_eq!(lines(&alarm).last().map(String::as_str), Some("  1970-01-01T00:00:00Z ann (#2): again"));
    }

    #[test]
    fn one_that_was_never_otherwise_is_so_since_no_time() {
        let alarm = AlarmJson::try_from(v1::AlarmStatus { since_unix_ns: 0, ..wire() }).expect("an alarm");
        assert_eq!((cells(&alarm)[4].as_str(), alarm.since.clone()), ("-", None));
        assert!(lines(&alarm)[0].ends_with("B unacknowledged, high priority"), "{:?}", lines(&alarm));
    }

    #[test]
    fn the_keys_of_json_are_a_promise() {
        let json = serde_json::to_value(AlarmJson::try_from(wire()).expect("an alarm")).expect("JSON");
        let keys: Vec<&str> = json.as_object().expect("an object").keys().map(String::as_str).collect();
        let promised = "acknowledged acknowledged_at acknowledged_by action active alarm bad_quality chattering comments consequence \
                        cycles_total fleeting_total latched letter link occurrence out_of_service out_of_service_asked priority raised \
                        response_time_ms severity shelf since state suppressed text unit value";
        let mut sorted = keys.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, promised.split_whitespace().collect::<Vec<_>>());
        assert_eq!((json["occurrence"].as_u64(), json["value"].as_f64(), json["shelf"].is_null()), (Some(3), Some(30.5), true));
    }
}
