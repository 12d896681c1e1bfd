use crate::site::check::tests::{errors, name, site_with, tag};
use crate::site::check::{Severity, check};
use crate::site::{Access, AlarmClass, AlarmKind, AlarmSpec, DeviceSpec, Guidance, Levels, SiteSpec, TagSpec};
use crate::{TagPath, Value};
use std::time::Duration;

const NOTHING: [&str; 0] = [];
const SECOND: Duration = Duration::from_secs(1);

fn alarm(kind: AlarmKind) -> AlarmSpec {
    AlarmSpec { kind, ..AlarmSpec::default() }
}

/// Two tags that are read and written, the first with an alarm.
fn site_of(value_type: &str, alarm: AlarmSpec) -> SiteSpec {
    let access = Access::ReadWrite;
    let first = TagSpec { access, alarms: vec![alarm], ..tag("holding:0", value_type) };
    site_with(&[("t", first), ("other", TagSpec { access, ..tag("holding:10", "f32") })])
}

/// The keys of what is wrong with an alarm on a tag of a type.
fn wrong(value_type: &str, alarm: AlarmSpec) -> Vec<String> {
    errors(&site_of(value_type, alarm)).into_iter().map(|key| key.replace("tags.t.alarms.0.", "")).collect()
}

fn warned(alarm: AlarmSpec) -> Vec<String> {
    let found = check(&site_of("f32", alarm)).into_iter().filter(|p| p.severity == Severity::Warning);
    found.map(|p| p.path.join(".").replace("devices.chiller-1.tags.t.alarms.0.", "")).collect()
}

fn levels(lolo: Option<f64>, lo: Option<f64>, hi: Option<f64>, hihi: Option<f64>) -> AlarmKind {
    AlarmKind::Levels(Levels { lolo, lo, hi, hihi })
}

fn deviation(from: Option<&str>, limit: f64) -> AlarmKind {
    AlarmKind::Deviation { from: from.map(|path| TagPath::parse(path).expect("a path")), limit }
}

#[test]
fn limits_rise() {
    assert_eq!(wrong("f32", alarm(levels(Some(0.0), Some(0.0), Some(1.0), Some(1.0)))), NOTHING);
    assert_eq!(wrong("f32", alarm(levels(None, Some(5.0), Some(4.0), None))), ["type"]);
    assert_eq!(wrong("f32", alarm(levels(None, None, Some(5.0), Some(4.0)))), ["type"]);
    assert_eq!(wrong("f32", alarm(levels(None, Some(5.0), Some(5.0), None))), ["type"], "every value is beyond one of them");
    assert_eq!(wrong("f32", alarm(levels(Some(5.0), None, None, Some(5.0)))), ["type"]);
    assert_eq!(wrong("f32", alarm(levels(None, None, None, None))), ["type"]);
    assert_eq!(wrong("f32", alarm(levels(None, None, Some(f64::NAN), None))), ["limit"]);
    assert_eq!(wrong("bool", alarm(levels(None, None, Some(1.0), None))), ["type"]);
}

/// With limits at 5 and 30, both sides come back by the deadband: at 25 there is no value at which neither is beyond.
#[test]
fn a_deadband_leaves_room_to_end_an_alarm() {
    let between = |deadband| AlarmSpec { deadband, ..alarm(levels(None, Some(5.0), Some(30.0), None)) };
    assert_eq!(wrong("f32", between(24.9)), NOTHING);
    assert_eq!(wrong("f32", between(25.0)), ["deadband"]);
    assert_eq!(wrong("f32", AlarmSpec { deadband: 25.0, ..alarm(levels(None, None, Some(30.0), None)) }), NOTHING);
    for bad in [-0.1, f64::NAN, f64::INFINITY] {
        assert_eq!(wrong("f32", AlarmSpec { deadband: bad, ..alarm(deviation(None, 2.0)) }), ["deadband"], "{bad}");
    }
    assert_eq!(warned(AlarmSpec { deadband: 1.9, ..alarm(deviation(None, 2.0)) }), NOTHING);
    assert_eq!(warned(AlarmSpec { deadband: 2.0, ..alarm(deviation(None, 2.0)) }), ["deadband"]);
    assert_eq!(warned(AlarmSpec { deadband: 0.5, ..alarm(AlarmKind::Changed) }), ["deadband"], "nothing looks at it");
}

#[test]
fn a_deviation_needs_something_else_to_deviate_from() {
    assert_eq!(wrong("f32", alarm(deviation(None, 2.0))), NOTHING, "its own setpoint");
    assert_eq!(wrong("f32", alarm(deviation(Some("cryo/chiller-1/other"), 2.0))), NOTHING);
    assert_eq!(wrong("f32", alarm(deviation(Some("cryo/chiller-1/t"), 2.0))), ["from"]);
    assert_eq!(wrong("f32", alarm(deviation(Some("cryo/chiller-1/missing"), 2.0))), ["from"]);
    assert_eq!(wrong("f32", alarm(deviation(Some("hall/chiller-1/other"), 2.0))), ["from"], "the device is in another segment");
    assert_eq!(wrong("f32", alarm(deviation(None, 0.0))), ["limit"]);
    let read_only = TagSpec { alarms: vec![alarm(deviation(None, 2.0))], ..tag("input:0", "f32") };
    assert_eq!(errors(&site_with(&[("t", read_only)])), ["tags.t.alarms.0.from"]);
}

#[test]
fn a_discrepancy_is_about_what_is_written_and_needs_no_number() {
    let discrepancy = || alarm(AlarmKind::Discrepancy { tolerance: 0.0, settle: SECOND });
    for value_type in ["f32", "bool", "string(4)"] {
        let mut site = site_of(value_type, discrepancy());
        if value_type == "bool" {
            let valve = site.devices.get_mut("chiller-1").and_then(|device| device.tags.get_mut("t")).expect("the tag");
            valve.register = crate::site::Register::parse("coil:0").expect("a register");
        }
        assert_eq!(errors(&site), NOTHING, "{value_type}");
    }
    assert_eq!(wrong("f32", alarm(AlarmKind::Discrepancy { tolerance: -1.0, settle: Duration::ZERO })), ["tolerance", "settle"]);
    let read_only = TagSpec { alarms: vec![discrepancy()], ..tag("input:0", "f32") };
    assert_eq!(errors(&site_with(&[("t", read_only)])), ["tags.t.alarms.0.type"]);
}

#[test]
fn a_state_is_one_that_the_tag_can_have() {
    let equals = |value| alarm(AlarmKind::Equals { value });
    assert_eq!(wrong("bool", equals(Value::Bool(true))), NOTHING);
    assert_eq!(wrong("u16", equals(Value::I64(3))), NOTHING);
    for (value_type, value) in [("bool", Value::I64(1)), ("u16", Value::Bool(true)), ("u16", Value::F64(0.5)), ("u16", Value::I64(-1))] {
        assert_eq!(wrong(value_type, equals(value.clone())), ["value"], "{value} of {value_type}");
    }
    assert_eq!(wrong("u64", equals(Value::U64(u64::MAX))), ["value"], "a site file could not show it");
    let read_only = TagSpec { alarms: vec![equals(Value::Bool(true))], ..tag("discrete:0", "bool") };
    assert_eq!(errors(&site_with(&[("t", read_only)])), NOTHING, "it need not be written");
}

#[test]
fn silence_is_longer_than_a_poll() {
    let stale = |after| alarm(AlarmKind::Stale { after });
    assert_eq!(wrong("f32", stale(2 * DeviceSpec::POLL_DEFAULT)), NOTHING);
    assert_eq!(wrong("f32", stale(DeviceSpec::POLL_DEFAULT)), ["after"]);
}

#[test]
fn times_and_rates_are_bounded() {
    let rate = |per_s, over| alarm(AlarmKind::Rate { per_s, over });
    assert_eq!(wrong("f32", rate(0.5, SECOND)), NOTHING);
    assert_eq!(wrong("f32", rate(f64::INFINITY, Duration::ZERO)), ["per_s", "over"]);
    let day = Duration::from_secs(86_400);
    let long = AlarmSpec { on_delay: day + SECOND, off_delay: day + SECOND, re_alarm: Some(SECOND), ..alarm(AlarmKind::Changed) };
    assert_eq!(wrong("f32", long), ["on_delay", "off_delay", "re_alarm"]);
    assert_eq!(wrong("f32", AlarmSpec { on_delay: day, off_delay: day, re_alarm: Some(day), ..alarm(AlarmKind::Changed) }), NOTHING);
    let guidance = Guidance { response_time: Some(Duration::ZERO), ..Guidance::default() };
    assert_eq!(wrong("f32", AlarmSpec { guidance, ..alarm(AlarmKind::Changed) }), ["response_time"]);
}

#[test]
fn a_class_exists_and_lets_nothing_be_shelved_for_days() {
    let in_class = || AlarmSpec { class: Some(name("water")), ..alarm(AlarmKind::Changed) };
    let with = |class: AlarmClass| {
        let mut site = site_of("f32", in_class());
        site.classes.insert(name("water"), class);
        errors(&site)
    };
    assert_eq!(wrong("f32", in_class()), ["class"]);
    assert_eq!(with(AlarmClass::default()), NOTHING);
    assert_eq!(with(AlarmClass { max_shelve: AlarmClass::MAX_SHELVE_CAP, ..AlarmClass::default() }), NOTHING);
    assert_eq!(with(AlarmClass { max_shelve: AlarmClass::MAX_SHELVE_CAP + SECOND, ..AlarmClass::default() }), ["classes.water.max_shelve"]);
    let never = AlarmClass { max_shelve: Duration::ZERO, ..AlarmClass::default() };
    assert_eq!(with(never.clone()), ["classes.water.max_shelve"]);
    assert_eq!(with(AlarmClass { shelvable: false, ..never }), NOTHING);
}

#[test]
fn alarms_are_on_tags_that_are_read() {
    let unread = TagSpec { access: Access::Write, alarms: vec![alarm(AlarmKind::Changed)], ..tag("holding:0", "f32") };
    assert_eq!(errors(&site_with(&[("t", unread)])), ["tags.t.alarms.0.type"]);
}
