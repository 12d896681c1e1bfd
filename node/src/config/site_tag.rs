//! One tag of a device in `site.toml`: where it lives, how its bits are laid out, which values it accepts.
//!
//! It knows nothing of the other tags; what must fit between tags is checked on the whole declaration.

use super::kinds::{self, Wrong};
use super::site_fence;
use super::source::Table;
use labkeeper_model::site::{
    Access, AlarmKind, AlarmSpec, Guidance, Levels, Limits, Priority, Register, TagSpec, Takeover, ValueType, Verify, WordOrder,
};
use std::time::Duration;
use toml::de::DeValue;

pub(super) const ACCESS: &[(Access, &str)] = &[(Access::Read, "r"), (Access::ReadWrite, "rw"), (Access::Write, "w")];
pub(super) const WORD_ORDER: &[(WordOrder, &str)] = &[(WordOrder::Big, "big"), (WordOrder::Little, "little")];
pub(super) const TAKEOVER: &[(Takeover, &str)] =
    &[(Takeover::Adopt, "adopt"), (Takeover::Reassert, "reassert"), (Takeover::Safe, "safe"), (Takeover::Hold, "hold")];

/// Where a single limit stands among the levels.
pub(super) type Limit = fn(f64) -> Levels;
pub(super) const LIMITS: &[(Limit, &str)] = &[
    (|limit| Levels { hihi: Some(limit), ..NO_LEVELS }, "hihi"),
    (|limit| Levels { hi: Some(limit), ..NO_LEVELS }, "hi"),
    (|limit| Levels { lo: Some(limit), ..NO_LEVELS }, "lo"),
    (|limit| Levels { lolo: Some(limit), ..NO_LEVELS }, "lolo"),
];
const NO_LEVELS: Levels = Levels { lolo: None, lo: None, hi: None, hihi: None };

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
        safe: table.get("safe", site_fence::safe),
        dangerous: table.get("dangerous", kinds::flag).unwrap_or_default(),
        alarms: table.list_of_tables("alarms").into_iter().filter_map(alarm).collect(),
        ..TagSpec::default()
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

fn alarm(table: Table<'_>) -> Option<AlarmSpec> {
    let name = table.need("name", "\"high\"", kinds::name);
    let single = table.need("type", "\"hi\"", kinds::word(LIMITS));
    let limit = table.need("limit", "30.0", kinds::number);
    let priority = table.need("priority", "\"high\"", kinds::word(&Priority::ALL));
    let deadband = table.get("deadband", kinds::number).unwrap_or(0.0);
    let on_delay = table.get("on_delay", kinds::duration).unwrap_or(Duration::ZERO);
    let guidance = Guidance { action: table.get("guidance", kinds::text).unwrap_or_default(), ..Guidance::default() };
    table.finish();
    let kind = AlarmKind::Levels(single?(limit?));
    Some(AlarmSpec { name: name?, kind, deadband, on_delay, priority: priority?, guidance, ..AlarmSpec::default() })
}
