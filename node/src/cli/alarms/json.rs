//! Alarms in JSON. The keys are a promise.

use crate::cli::error::CliError;
use crate::cli::reading::bad_answer;
use crate::cli::value;
use labkeeper_model::Timestamp;
use labkeeper_proto::convert::value_opt;
use labkeeper_proto::v1;
use serde::Serialize;

/// Several alarms.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct ListJson {
    pub(super) log_index: u64,
    pub(super) alarms: Vec<AlarmJson>,
    pub(super) floods: Vec<FloodJson>,
}

/// An alarm.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct AlarmJson {
    pub(super) alarm: String,
    pub(super) occurrence: u64,
    pub(super) state: String,
    pub(super) letter: String,
    pub(super) priority: String,
    pub(super) active: bool,
    pub(super) acknowledged: bool,
    pub(super) acknowledged_by: Option<String>,
    pub(super) acknowledged_at: Option<String>,
    pub(super) latched: bool,
    pub(super) severity: u32,
    pub(super) raised: Option<String>,
    /// `None` for one that has always been as it is.
    pub(super) since: Option<String>,
    pub(super) value: serde_json::Value,
    /// The value for people, with its unit.
    #[serde(skip)]
    pub(super) shown: String,
    pub(super) unit: String,
    pub(super) bad_quality: Option<String>,
    pub(super) text: String,
    pub(super) suppressed: bool,
    pub(super) shelf: Option<ShelfJson>,
    pub(super) out_of_service: Option<OutJson>,
    pub(super) out_of_service_asked: Option<OutJson>,
    pub(super) chattering: bool,
    pub(super) cycles_total: u64,
    pub(super) fleeting_total: u64,
    pub(super) comments: Vec<CommentJson>,
    pub(super) action: String,
    pub(super) consequence: String,
    pub(super) response_time_ms: Option<u64>,
    pub(super) link: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct ShelfJson {
    pub(super) until: String,
    pub(super) one_shot: bool,
    pub(super) by: String,
    pub(super) reason: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct OutJson {
    pub(super) since: String,
    pub(super) by: String,
    pub(super) reason: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct CommentJson {
    pub(super) time: String,
    pub(super) occurrence: u64,
    pub(super) by: String,
    pub(super) text: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct FloodJson {
    pub(super) area: String,
    pub(super) began: String,
    pub(super) ended: Option<String>,
    pub(super) first_out: String,
    pub(super) alarms: u64,
}

impl FloodJson {
    /// A banner.
    pub(super) fn in_words(&self) -> String {
        format!("flood in {} since {}: {} alarms, first {}", self.area, self.began, self.alarms, self.first_out)
    }
}

/// A time of the wire as text.
pub(super) fn time(unix_ns: i64) -> String {
    value::time(Timestamp(unix_ns))
}

impl TryFrom<v1::AlarmStatus> for AlarmJson {
    type Error = CliError;
    fn try_from(wire: v1::AlarmStatus) -> Result<Self, CliError> {
        let reading = value_opt(wire.value).map_err(|error| bad_answer(&error))?;
        let shown = reading.as_ref().map_or(String::new(), |reading| format!("{} {}", value::to_text(Some(reading)), wire.unit));
        let filled = |text: String| (!text.is_empty()).then_some(text);
        let out = |out: v1::AlarmOutOfService| OutJson { since: time(out.since_unix_ns), by: out.by, reason: out.reason };
        let comment = |said: v1::AlarmComment| CommentJson {
            time: time(said.time_unix_ns),
            occurrence: said.occurrence,
            by: said.by,
            text: said.text,
        };
        Ok(Self {
            alarm: wire.alarm,
            occurrence: wire.occurrence,
            state: wire.state,
            letter: wire.letter,
            priority: wire.priority,
            active: wire.active,
            acknowledged: wire.acknowledged,
            acknowledged_by: filled(wire.acknowledged_by),
            acknowledged_at: wire.acknowledged_unix_ns.map(time),
            latched: wire.latched,
            severity: wire.severity,
            raised: wire.raised_unix_ns.map(time),
            since: (wire.since_unix_ns != 0).then(|| time(wire.since_unix_ns)),
            value: value::to_json(reading.as_ref()),
            shown: shown.trim_end().to_owned(),
            unit: wire.unit,
            bad_quality: filled(wire.bad_quality),
            text: wire.text,
            suppressed: wire.suppressed,
            shelf: wire.shelf.map(|shelf| ShelfJson {
                until: time(shelf.until_unix_ns),
                one_shot: shelf.one_shot,
                by: shelf.by,
                reason: shelf.reason,
            }),
            out_of_service: wire.out_of_service.map(out),
            out_of_service_asked: wire.out_of_service_asked.map(out),
            chattering: wire.chattering,
            cycles_total: wire.cycles_total,
            fleeting_total: wire.fleeting_total,
            comments: wire.comments.into_iter().map(comment).collect(),
            action: wire.action,
            consequence: wire.consequence,
            response_time_ms: wire.response_time_ms,
            link: wire.link,
        })
    }
}

impl From<v1::FloodStatus> for FloodJson {
    fn from(wire: v1::FloodStatus) -> Self {
        let (began, ended) = (time(wire.began_unix_ns), wire.ended_unix_ns.map(time));
        Self { area: wire.area, began, ended, first_out: wire.first_out, alarms: wire.alarms }
    }
}

impl TryFrom<v1::ListAlarmsResponse> for ListJson {
    type Error = CliError;
    fn try_from(wire: v1::ListAlarmsResponse) -> Result<Self, CliError> {
        Ok(Self {
            log_index: wire.log_index,
            alarms: wire.alarms.into_iter().map(AlarmJson::try_from).collect::<Result<_, _>>()?,
            floods: wire.floods.into_iter().map(Into::into).collect(),
        })
    }
}
