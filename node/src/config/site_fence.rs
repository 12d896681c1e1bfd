//! `fence`, `on_lease_loss`, `safe` and `failback` in `site.toml`: what protects a device from an earlier owner, and what happens to it
//! without one.
//!
//! ```toml
//! fence = "lease_only"                     # or "single_connection", "device_lock"
//! fence = { register = "holding:100" }     # the device compares epochs
//! fence = { gate = "10.1.0.9:7502" }       # a gate does
//! ```

use super::kinds::{self, Wrong};
use super::site_tag::register;
use super::source::Table;
use labkeeper_model::Value;
use labkeeper_model::site::{Fencing, OnLeaseLoss};
use std::time::Duration;
use toml::de::DeValue;

pub(super) const ON_LEASE_LOSS: &[(OnLeaseLoss, &str)] =
    &[(OnLeaseLoss::Hold, "hold"), (OnLeaseLoss::Safe, "safe"), (OnLeaseLoss::StopPolling, "stop_polling")];

const REMEDY: &str =
    "write \"lease_only\", \"single_connection\", \"device_lock\", { register = \"holding:100\" } or { gate = \"host:port\" }";

/// A device's `fence`. Unusable ones are remembered, and count as the default.
pub(super) fn fence(device: &Table<'_>) -> Fencing {
    let fencing = if device.holds_table("fence") { device.table("fence").and_then(fence_table) } else { device.get("fence", fence_word) };
    fencing.unwrap_or_default()
}

fn fence_word(value: &DeValue<'_>) -> Result<Fencing, Wrong> {
    let word = value.as_str().ok_or_else(|| Wrong { remedy: REMEDY.to_owned(), ..Wrong::kind("a word or a table", value) })?;
    Fencing::parse(word).ok_or_else(|| Wrong::new(format!("there is no fence {word:?}"), REMEDY))
}

fn fence_table(table: Table<'_>) -> Option<Fencing> {
    let token = table.get("register", register).map(|register| Fencing::DeviceToken { register });
    let gate = table.get("gate", kinds::text).map(|address| Fencing::Gate { address });
    match (table.has("register"), table.has("gate")) {
        (true, true) => table.error("gate", Wrong::new("is one fence, and register another", "keep one of them")),
        (false, false) => table.error("register", Wrong::new("is missing, and so is gate", REMEDY)),
        _ => {}
    }
    table.finish();
    token.or(gate)
}

/// A value of a tag, in whatever kind it is written; whether the tag accepts it is checked with the whole declaration.
pub(super) fn any_value(value: &DeValue<'_>) -> Result<Value, Wrong> {
    match value {
        DeValue::Boolean(flag) => Ok(Value::Bool(*flag)),
        DeValue::Integer(_) => kinds::whole(i64::MIN..=i64::MAX)(value).map(Value::I64),
        DeValue::Float(_) => kinds::number(value).map(Value::F64),
        DeValue::String(text) => Ok(Value::Text(text.clone().into_owned())),
        other => Err(Wrong::kind("a number, a text, true or false", other)),
    }
}

/// The site's `failback`: a duration, or "off".
pub(super) fn failback(value: &DeValue<'_>) -> Result<Option<Duration>, Wrong> {
    if value.as_str() == Some("off") {
        return Ok(None);
    }
    kinds::duration(value).map(Some).map_err(|wrong| Wrong { remedy: "write it like \"30s\", or \"off\"".to_owned(), ..wrong })
}
