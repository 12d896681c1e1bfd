//! The declarations of alarms and of their classes.
//!
//! A kind travels as its word and the numbers that it has; what it has not is left out.

use super::site::{millis, name_opt, text_or_none};
use super::{ConvertError, name, required, tag_path};
use crate::v1;
use labkeeper_model::site::{AlarmClass, AlarmKind, AlarmSpec, Guidance, Levels, Priority};
use std::time::Duration;

impl From<&AlarmSpec> for v1::Alarm {
    fn from(alarm: &AlarmSpec) -> Self {
        let wire = Self {
            name: alarm.name.to_string(),
            r#type: alarm.kind.word().to_owned(),
            deadband: alarm.deadband,
            on_delay_ms: millis(alarm.on_delay),
            off_delay_ms: millis(alarm.off_delay),
            priority: alarm.priority.as_str().to_owned(),
            class: text_or_none(alarm.class.as_ref()),
            guidance: alarm.guidance.action.clone(),
            consequence: alarm.guidance.consequence.clone(),
            response_time_ms: alarm.guidance.response_time.map(millis),
            link: alarm.guidance.link.clone(),
            re_alarm_ms: alarm.re_alarm.map(millis),
            suppress_when: alarm.suppress_when.clone().unwrap_or_default(),
            ..Self::default()
        };
        with_kind(wire, &alarm.kind)
    }
}

fn with_kind(wire: v1::Alarm, kind: &AlarmKind) -> v1::Alarm {
    match kind {
        AlarmKind::Levels(levels) => match (kind.word(), single(levels)) {
            ("levels", _) | (_, None) => v1::Alarm { hihi: levels.hihi, hi: levels.hi, lo: levels.lo, lolo: levels.lolo, ..wire },
            (_, Some(limit)) => v1::Alarm { limit, ..wire },
        },
        AlarmKind::Deviation { from, limit } => v1::Alarm { from: text_or_none(from.as_ref()), limit: *limit, ..wire },
        AlarmKind::Rate { per_s, over } => v1::Alarm { limit: *per_s, time_ms: millis(*over), ..wire },
        AlarmKind::Equals { value } => v1::Alarm { value: Some(value.into()), ..wire },
        AlarmKind::Changed => wire,
        AlarmKind::Discrepancy { tolerance, settle } => v1::Alarm { limit: *tolerance, time_ms: millis(*settle), ..wire },
        AlarmKind::Stale { after } => v1::Alarm { time_ms: millis(*after), ..wire },
        AlarmKind::Expression { source } => v1::Alarm { expr: source.clone(), ..wire },
    }
}

fn single(levels: &Levels) -> Option<f64> {
    levels.hihi.or(levels.hi).or(levels.lo).or(levels.lolo)
}

impl TryFrom<v1::Alarm> for AlarmSpec {
    type Error = ConvertError;
    fn try_from(alarm: v1::Alarm) -> Result<Self, ConvertError> {
        Ok(Self {
            name: name("name", &alarm.name)?,
            deadband: alarm.deadband,
            on_delay: Duration::from_millis(alarm.on_delay_ms),
            off_delay: Duration::from_millis(alarm.off_delay_ms),
            priority: priority("priority", &alarm.priority)?,
            class: name_opt("class", &alarm.class)?,
            re_alarm: alarm.re_alarm_ms.map(Duration::from_millis),
            suppress_when: (!alarm.suppress_when.is_empty()).then(|| alarm.suppress_when.clone()),
            kind: kind(&alarm)?,
            guidance: Guidance {
                action: alarm.guidance,
                consequence: alarm.consequence,
                response_time: alarm.response_time_ms.map(Duration::from_millis),
                link: alarm.link,
            },
        })
    }
}

fn kind(alarm: &v1::Alarm) -> Result<AlarmKind, ConvertError> {
    let (limit, time) = (alarm.limit, Duration::from_millis(alarm.time_ms));
    let one = Levels::default();
    Ok(match alarm.r#type.as_str() {
        "hihi" => AlarmKind::Levels(Levels { hihi: Some(limit), ..one }),
        "hi" => AlarmKind::Levels(Levels { hi: Some(limit), ..one }),
        "lo" => AlarmKind::Levels(Levels { lo: Some(limit), ..one }),
        "lolo" => AlarmKind::Levels(Levels { lolo: Some(limit), ..one }),
        "levels" => AlarmKind::Levels(Levels { lolo: alarm.lolo, lo: alarm.lo, hi: alarm.hi, hihi: alarm.hihi }),
        "deviation" => {
            let from = (!alarm.from.is_empty()).then(|| tag_path("from", &alarm.from)).transpose()?;
            AlarmKind::Deviation { from, limit }
        }
        "rate" => AlarmKind::Rate { per_s: limit, over: time },
        "equals" => {
            let value = required("value", alarm.value.clone())?;
            AlarmKind::Equals { value: value.try_into().map_err(|e: ConvertError| e.within("value"))? }
        }
        "changed" => AlarmKind::Changed,
        "discrepancy" => AlarmKind::Discrepancy { tolerance: limit, settle: time },
        "stale" => AlarmKind::Stale { after: time },
        "expression" => AlarmKind::Expression { source: alarm.expr.clone() },
        other => return Err(ConvertError::new("type", format!("{other:?} is none of {}", AlarmKind::WORDS.join(", ")))),
    })
}

/// A priority's word.
pub(super) fn priority(field: &str, text: &str) -> Result<Priority, ConvertError> {
    let known = || Priority::ALL.map(|(_, word)| word).join(", ");
    let found = Priority::ALL.iter().find(|(_, word)| *word == text).map(|(priority, _)| *priority);
    found.ok_or_else(|| ConvertError::new(field, format!("{text:?} is none of {}", known())))
}

impl From<&AlarmClass> for v1::AlarmClass {
    fn from(class: &AlarmClass) -> Self {
        Self {
            description: class.description.clone(),
            shelvable: class.shelvable,
            max_shelve_ms: millis(class.max_shelve),
            needs_comment: class.needs_comment,
            latching: class.latching,
            highly_managed: class.highly_managed,
        }
    }
}

impl TryFrom<v1::AlarmClass> for AlarmClass {
    type Error = ConvertError;
    fn try_from(class: v1::AlarmClass) -> Result<Self, ConvertError> {
        Ok(Self {
            description: class.description,
            shelvable: class.shelvable,
            max_shelve: Duration::from_millis(class.max_shelve_ms),
            needs_comment: class.needs_comment,
            latching: class.latching,
            highly_managed: class.highly_managed,
        })
    }
}
