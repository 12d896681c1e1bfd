//! Control as `--json` prints it, and as a person reads it. The keys are a promise.

use crate::cli::value;
use labkeeper_model::Timestamp;
use labkeeper_proto::v1;
use serde::Serialize;

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct ListJson {
    pub(super) held: Vec<ControlJson>,
    pub(super) lost: Vec<LossJson>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct ControlJson {
    pub(super) scope: String,
    pub(super) holder: String,
    pub(super) client: String,
    pub(super) reason: String,
    pub(super) since: String,
    pub(super) until: String,
    pub(super) hold_ms: u64,
    pub(super) asked: Option<AskedJson>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct AskedJson {
    pub(super) actor: String,
    pub(super) reason: String,
    pub(super) at: String,
    pub(super) yields_at: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct LossJson {
    pub(super) scope: String,
    pub(super) holder: String,
    pub(super) client: String,
    pub(super) at: String,
    pub(super) how: String,
    /// Who took or broke it; null if it was not renewed.
    pub(super) by: Option<String>,
}

impl ControlJson {
    pub(super) fn in_words(&self) -> String {
        let Self { scope, holder, until, reason, .. } = self;
        let why = if reason.is_empty() { String::new() } else { format!(", because: {reason}") };
        let asked = self.asked.as_ref().map_or_else(String::new, |asked| {
            let why = if asked.reason.is_empty() { String::new() } else { format!(" ({})", asked.reason) };
            format!("; {}{why} has asked for it and may take it from {}", asked.actor, asked.yields_at)
        });
        format!("{holder} has control of {scope} until {until}{why}{asked}")
    }
}

impl LossJson {
    pub(super) fn in_words(&self) -> String {
        format!("{} lost control of {} at {}: it {}", self.holder, self.scope, self.at, self.how)
    }
}

impl From<v1::ListControlResponse> for ListJson {
    fn from(list: v1::ListControlResponse) -> Self {
        Self { held: list.held.into_iter().map(Into::into).collect(), lost: list.lost.into_iter().map(Into::into).collect() }
    }
}

impl From<v1::Control> for ControlJson {
    fn from(control: v1::Control) -> Self {
        Self {
            scope: control.scope,
            holder: control.holder,
            client: control.client,
            reason: control.reason,
            since: at(control.since_unix_ms),
            until: at(control.until_unix_ms),
            hold_ms: control.hold_ms,
            asked: control.asked.map(|asked| AskedJson {
                actor: asked.actor,
                reason: asked.reason,
                at: at(asked.at_unix_ms),
                yields_at: at(asked.yields_at_unix_ms),
            }),
        }
    }
}

impl From<v1::ControlLoss> for LossJson {
    fn from(loss: v1::ControlLoss) -> Self {
        let by = (!loss.by.is_empty()).then_some(loss.by);
        Self { scope: loss.scope, holder: loss.holder, client: loss.client, at: at(loss.at_unix_ms), how: loss.how, by }
    }
}

fn at(unix_ms: i64) -> String {
    value::time(Timestamp::from_millis(unix_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control() -> v1::Control {
        v1::Control {
            scope: "segment/cryo".into(),
            holder: "ann".into(),
            client: "desk".into(),
            reason: "cooldown".into(),
            since_unix_ms: 0,
            until_unix_ms: 30_000,
            hold_ms: 30_000,
            asked: Some(v1::ControlAsked { actor: "bob".into(), reason: "my turn".into(), at_unix_ms: 1_000, yields_at_unix_ms: 31_000 }),
        }
    }

    #[test]
    fn the_keys_are_kept() {
        let loss = v1::ControlLoss {
            scope: "device/d1".into(),
            holder: "cara".into(),
            client: String::new(),
            at_unix_ms: 2_000,
            how: "was not renewed in time".into(),
            by: String::new(),
        };
        let list = ListJson::from(v1::ListControlResponse { held: vec![control()], lost: vec![loss] });
        let expected = serde_json::json!({
            "held": [{
                "scope": "segment/cryo", "holder": "ann", "client": "desk", "reason": "cooldown",
                "since": at(0), "until": at(30_000), "hold_ms": 30_000,
                "asked": { "actor": "bob", "reason": "my turn", "at": at(1_000), "yields_at": at(31_000) }
            }],
            "lost": [{
                "scope": "device/d1", "holder": "cara", "client": "", "at": at(2_000), "how": "was not renewed in time", "by": null
            }]
        });
        assert_eq!(serde_json::to_value(&list).expect("JSON"), expected);
    }

    #[test]
    fn a_person_reads_who_has_it_until_when_and_who_wants_it() {
        let words = ControlJson::from(control()).in_words();
        assert!(words.starts_with("ann has control of segment/cryo until ") && words.contains("because: cooldown"), "{words}");
        assert!(words.contains("bob (my turn) has asked for it and may take it from "), "{words}");
        let calm = ControlJson { asked: None, ..ControlJson::from(control()) };
        assert!(calm.in_words().ends_with("because: cooldown"), "{}", calm.in_words());
    }
}
