//! What people and programs get to read: the same bytes at every attempt, from every node.

use jiff::Timestamp as Time;
use labkeeper_machine::notices::{Pending, TEST};
use labkeeper_model::Name;
use labkeeper_model::site::Guidance;
use serde::Serialize;

/// A notice in JSON. Its keys are a promise; `null` is what there is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Message {
    /// The same for every attempt, and for nothing else.
    pub(super) key: String,
    site: String,
    route: String,
    alarm: String,
    occurrence: u64,
    transition: String,
    state: String,
    priority: &'static str,
    segment: Option<String>,
    text: String,
    at: String,
    guidance: Option<Advice>,
}

/// What is declared that should be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Advice {
    action: String,
    consequence: String,
    response_time_s: Option<u64>,
    link: String,
}

impl Message {
    pub(super) fn new(site: &str, pending: &Pending, guidance: Option<&Guidance>) -> Self {
        let advice = |guidance: &Guidance| Advice {
            action: guidance.action.clone(),
            consequence: guidance.consequence.clone(),
            response_time_s: guidance.response_time.map(|time| time.as_secs()),
            link: guidance.link.clone(),
        };
        Self {
            key: pending.key(),
            site: site.to_owned(),
            route: pending.route.to_string(),
            alarm: pending.alarm.to_string(),
            occurrence: pending.occurrence,
            transition: pending.transition.clone(),
            state: pending.state.clone(),
            priority: pending.priority.as_str(),
            segment: pending.segment.as_ref().map(Name::to_string),
            text: pending.text.clone(),
            // Every 64-bit count of nanoseconds lies between the years 1677 and 2262, which jiff can hold.
            at: Time::from_nanosecond(i128::from(pending.at.0)).unwrap_or_default().to_string(),
            guidance: guidance.map(advice),
        }
    }

    /// The body of a webhook's request.
    pub(super) fn json(&self) -> Vec<u8> {
        // Texts and numbers with keys that are texts: it cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// One line, the most urgent first, as a list of mails is read.
    pub(super) fn subject(&self) -> String {
        let what = if self.transition == TEST { "test".to_owned() } else { format!("{} {}", self.priority.to_uppercase(), self.alarm) };
        format!("[{}] {what}", self.site)
    }

    /// The text of a mail.
    pub(super) fn mail(&self) -> String {
        let mut lines = vec![self.text.clone(), String::new()];
        if self.transition != TEST {
            lines.push(format!("{}, occurrence {}: {}, {}", self.alarm, self.occurrence, self.transition, self.state));
        }
        lines.push(format!("at {}, priority {}, site {}, route {}", self.at, self.priority, self.site, self.route));
        if let Some(advice) = &self.guidance {
            let parts = [("What to do", &advice.action), ("Otherwise", &advice.consequence), ("See", &advice.link)];
            lines.extend(parts.into_iter().filter(|(_, text)| !text.is_empty()).map(|(head, text)| format!("{head}: {text}")));
            lines.extend(advice.response_time_s.map(|seconds| format!("Within: {seconds} s")));
        }
        lines.extend([String::new(), format!("A message with the same key is the same message: {}", self.key), String::new()]);
        lines.join("\r\n")
    }

    /// The `Message-ID` of a mail, made from the key; `domain` is the sender's. A dot is written out, as two of them in a row are no id.
    pub(super) fn mail_id(&self, domain: &str) -> String {
        format!("<{}@{domain}>", self.key.replace('.', "=2E"))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use labkeeper_model::site::Priority;
    use labkeeper_model::{AlarmId, Timestamp};
    use std::time::Duration;

    pub(in crate::notify) fn message() -> Message {
        let pending = Pending {
            number: 7,
            route: Name::new("ops").expect("a name"),
            alarm: AlarmId::parse("cryo/chiller..1/temperature/high").expect("an alarm"),
            occurrence: 3,
            transition: "RAISED".into(),
            state: "unacknowledged".into(),
            priority: Priority::High,
            segment: Some(Name::new("cryo").expect("a name")),
            text: "cryo/chiller..1/temperature/high: 30.5 degC".into(),
            log_index: 99,
            at: Timestamp(1_772_366_400_123_000_000),
            attempts: 4,
            next: Timestamp(0),
            why: "no answer".into(),
        };
        let guidance = Guidance {
            action: "Open the bypass.".into(),
            consequence: String::new(),
            response_time: Some(Duration::from_secs(600)),
            link: String::new(),
        };
        Message::new("Lab", &pending, Some(&guidance))
    }

    #[test]
    fn the_keys_of_the_json_are_kept() {
        let expected = serde_json::json!({
            "key": "cryo/chiller..1/temperature/high#3#RAISED#ops#99", "site": "Lab", "route": "ops",
            "alarm": "cryo/chiller..1/temperature/high", "occurrence": 3, "transition": "RAISED", "state": "unacknowledged",
            "priority": "high", "segment": "cryo", "text": "cryo/chiller..1/temperature/high: 30.5 degC", "at": "2026-03-01T12:00:00.123Z",
            "guidance": { "action": "Open the bypass.", "consequence": "", "response_time_s": 600, "link": "" }
        });
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&message().json()).expect("JSON"), expected);
    }

    #[test]
    fn a_mail_says_what_to_do() {
        let message = message();
        assert_eq!(message.subject(), "[Lab] HIGH cryo/chiller..1/temperature/high");
        assert_eq!(message.mail_id("lab.org"), "<cryo/chiller=2E=2E1/temperature/high#3#RAISED#ops#99@lab.org>");
        let text = message.mail();
        assert!(text.starts_with("cryo/chiller..1/temperature/high: 30.5 degC\r\n\r\n"), "{text}");
        assert!(text.contains("\r\nWhat to do: Open the bypass.\r\nWithin: 600 s\r\n") && !text.contains("Otherwise"), "{text}");
        assert!(text.contains(&message.key) && text.lines().all(|line| line.len() < 998), "{text}");
    }
}
