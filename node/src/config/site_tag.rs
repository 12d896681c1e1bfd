//! One tag of a device in `site.toml`: where it lives, how its bits are laid out, which values it accepts.
//!
//! It knows nothing of the other tags; what must fit between tags is checked on the whole declaration.

use super::kinds::{self, Wrong};
use super::source::Table;
use super::{site_alarm, site_fence};
use labkeeper_model::site::{Access, ActionSpec, Limits, Register, TagSpec, Takeover, ValueType, Verify, WordOrder};
use std::time::Duration;
use toml::de::DeValue;

pub(super) const ACCESS: &[(Access, &str)] = &[(Access::Read, "r"), (Access::ReadWrite, "rw"), (Access::Write, "w")];
pub(super) const WORD_ORDER: &[(WordOrder, &str)] = &[(WordOrder::Big, "big"), (WordOrder::Little, "little")];
pub(super) const TAKEOVER: &[(Takeover, &str)] =
    &[(Takeover::Adopt, "adopt"), (Takeover::Reassert, "reassert"), (Takeover::Safe, "safe"), (Takeover::Hold, "hold")];

/// Reads a tag's table. `None` if it lacks what nobody can guess; then the reason is among the findings.
pub(super) fn read(table: Table<'_>) -> Option<TagSpec> {
    let register = table.need("register", "\"holding:10\"", register);
    let value_type = table.need("type", "\"f32\"", value_type);
    let spec = TagSpec {
        description: table.get("description", kinds::text).unwrap_or_default(),
        // Stand-ins while the other keys are read; a tag that lacks either is given up below.
        register: register.unwrap_or(Register { table: labkeeper_model::site::Table::Input, address: 0 }),
        value_type: value_type.unwrap_or(ValueType::U16),
        word_order: table.get("word_order", kinds::word(WORD_ORDER)).unwrap_or_default(),
        access: table.get("access", kinds::word(ACCESS)).unwrap_or_default(),
        unit: table.get("unit", kinds::text).unwrap_or_default(),
        scale: table.get("scale", kinds::number).unwrap_or(1.0),
        offset: table.get("offset", kinds::number).unwrap_or(0.0),
        deadband: table.get("deadband", kinds::number).unwrap_or(0.0),
        limits: table.table("limits").and_then(limits),
        verify: table.table("verify").and_then(verify),
        takeover: table.get("takeover", kinds::word(TAKEOVER)).unwrap_or_default(),
        safe: table.get("safe", site_fence::any_value),
        dangerous: table.get("dangerous", kinds::flag).unwrap_or_default(),
        alarms: table.list_of_tables("alarms").into_iter().filter_map(site_alarm::read).collect(),
        action: action(&table),
        select: select(&table),
        ramp_per_s: table.get("ramp", kinds::number),
    };
    table.finish();
    register.and(value_type).map(|_| spec)
}

pub(super) fn register(value: &DeValue<'_>) -> Result<Register, Wrong> {
    let text = kinds::text(value)?;
    Register::parse(&text).ok_or_else(|| {
        Wrong::new(
            format!("{text:?} is not a register"),
            "write coil, discrete, input or holding with a zero-based address, like \"holding:10\"",
        )
    })
}

fn value_type(value: &DeValue<'_>) -> Result<ValueType, Wrong> {
    let text = kinds::text(value)?;
    ValueType::parse(&text).ok_or_else(|| {
        let known = format!("bool, i16, u16, i32, u32, i64, u64, f32, f64 or string(1) to string({})", ValueType::TEXT_LEN_MAX);
        Wrong::new(format!("there is no type {text:?}"), format!("choose one of {known}"))
    })
}

fn limits(table: Table<'_>) -> Option<Limits> {
    let min = table.need("min", "0.0", kinds::number);
    let max = table.need("max", "100.0", kinds::number);
    table.finish();
    Some(Limits { min: min?, max: max? })
}

fn verify(table: Table<'_>) -> Option<Verify> {
    let readback = table.need("readback", "\"the tag that shows the effect\"", kinds::name);
    let tolerance = table.need("tolerance", "0.05", kinds::number);
    let timeout = table.get("timeout", kinds::duration).unwrap_or(TagSpec::VERIFY_TIMEOUT_DEFAULT);
    table.finish();
    Some(Verify { readback: readback?, tolerance: tolerance?, timeout })
}

/// `action = true`, or with a tag that counts: `action = { probe = "starts" }`.
fn action(tag: &Table<'_>) -> Option<ActionSpec> {
    if tag.holds_table("action") {
        let table = tag.table("action")?;
        let probe = table.get("probe", kinds::name);
        table.finish();
        return Some(ActionSpec { probe });
    }
    tag.get("action", kinds::flag)?.then(ActionSpec::default)
}

/// `select = true`, or for how long a selection lasts: `select = "30s"`.
fn select(tag: &Table<'_>) -> Option<Duration> {
    let read = |value: &DeValue<'_>| match value.as_bool() {
        Some(flag) => Ok(flag.then_some(TagSpec::SELECT_DEFAULT)),
        None => kinds::duration(value).map(Some).map_err(|wrong| Wrong { remedy: "write it like \"30s\", or true".to_owned(), ..wrong }),
    };
    tag.get("select", read).flatten()
}
