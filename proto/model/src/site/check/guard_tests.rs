use crate::site::check::tests::{errors, name, site_with, tag};
use crate::site::{Access, ActionSpec, InterlockSpec, SegmentSpec, SiteSpec, Stage, TagSpec, ValueType};
use crate::{TagPath, Value};
use std::time::Duration;

const NOTHING: [&str; 0] = [];
const SECOND: Duration = Duration::from_secs(1);
const HEATER: &str = "cryo/chiller-1/heater";

/// A heater that is driven, a thermometer and a counter.
fn site() -> SiteSpec {
    let heater = TagSpec { access: Access::ReadWrite, ..tag("holding:0", "f32") };
    site_with(&[("heater", heater), ("t", tag("input:0", "f32")), ("count", tag("input:4", "u32"))])
}

fn change_heater(site: &mut SiteSpec, change: impl FnOnce(&mut TagSpec)) {
    change(site.devices.get_mut("chiller-1").and_then(|device| device.tags.get_mut("heater")).expect("the heater"));
}

/// What is wrong with a heater that is declared like this.
fn heater(change: impl FnOnce(&mut TagSpec)) -> Vec<String> {
    let mut site = site();
    change_heater(&mut site, change);
    errors(&site).into_iter().map(|key| key.replace("tags.heater.", "")).collect()
}

fn interlock(stage: Stage, tags: &[&str]) -> InterlockSpec {
    let tags = tags.iter().map(|path| TagPath::parse(path).expect("a path")).collect();
    InterlockSpec { stage, require: "cryo/chiller-1/t < 30".into(), tags, max_age: SECOND, ..InterlockSpec::default() }
}

/// What is wrong with an interlock, where the heater has a safe value or none.
fn guarded(safe: Option<Value>, interlock: InterlockSpec) -> Vec<String> {
    let mut site = site();
    site.interlocks.insert(name("water"), interlock);
    change_heater(&mut site, |tag| tag.safe = safe);
    errors(&site).into_iter().map(|key| key.replace("interlocks.water.", "")).collect()
}

#[test]
fn an_interlock_guards_driven_tags_of_one_segment() {
    assert_eq!(guarded(None, interlock(Stage::Permit, &[HEATER])), NOTHING);
    assert_eq!(guarded(None, interlock(Stage::Permit, &[])), ["tags"]);
    assert_eq!(guarded(None, interlock(Stage::Permit, &["cryo/chiller-1/missing"])), ["tags"]);
    assert_eq!(guarded(None, interlock(Stage::Permit, &["cryo/chiller-1/t"])), ["tags"], "never written");
    assert_eq!(guarded(None, interlock(Stage::Permit, &[HEATER, HEATER])), ["tags"], "named twice");
    let mut two = site();
    let mut device = two.devices["chiller-1"].clone();
    (device.segment, device.unit_id) = (name("hall"), 2);
    two.segments.insert(name("hall"), SegmentSpec::default());
    two.devices.insert(name("chiller-2"), device);
    two.interlocks.insert(name("water"), interlock(Stage::Permit, &[HEATER, "hall/chiller-2/heater"]));
    assert_eq!(errors(&two), ["interlocks.water.tags"], "two owners cannot decide together");
}

#[test]
fn what_forces_a_tag_needs_its_safe_value() {
    for stage in [Stage::Interlock, Stage::Protect] {
        assert_eq!(guarded(None, interlock(stage, &[HEATER])), ["tags"], "{stage:?}");
        assert_eq!(guarded(Some(Value::F64(0.0)), interlock(stage, &[HEATER])), NOTHING, "{stage:?}");
    }
}

#[test]
fn an_interlock_goes_by_fresh_inputs() {
    let aged = |max_age| guarded(None, InterlockSpec { max_age, ..interlock(Stage::Permit, &[HEATER]) });
    assert_eq!(aged(InterlockSpec::MAX_AGE_DEFAULT), NOTHING);
    assert_eq!(aged(Duration::ZERO), ["max_age"]);
    assert_eq!(aged(3_601 * SECOND), ["max_age"]);
}

#[test]
fn a_group_has_devices_each_once() {
    let group = |devices: &[&str]| {
        let mut site = site();
        site.groups.insert(name("cold"), devices.iter().map(|device| name(device)).collect());
        errors(&site)
    };
    assert_eq!(group(&["chiller-1"]), NOTHING);
    for bad in [&[][..], &["chiller-9"], &["chiller-1", "chiller-1"]] {
        assert_eq!(group(bad), ["groups.cold.devices"], "{bad:?}");
    }
}

#[test]
fn names_of_alarms_of_the_site_are_nobodys_segment() {
    for reserved in ["system", "interlock"] {
        let mut site = site();
        site.segments.insert(name(reserved), SegmentSpec::default());
        assert_eq!(errors(&site), [format!("segments.{reserved}")]);
    }
}

#[test]
fn an_action_is_counted_by_another_tag() {
    let probed = |probe: &str| heater(|tag| tag.action = Some(ActionSpec { probe: Some(name(probe)) }));
    assert_eq!(heater(|tag| tag.action = Some(ActionSpec::default())), NOTHING);
    assert_eq!(probed("count"), NOTHING);
    assert_eq!(probed("t"), ["action.probe"], "no whole number");
    assert_eq!(probed("missing"), ["action.probe"]);
    let by_itself = heater(|tag| (tag.value_type, tag.action) = (ValueType::U32, Some(ActionSpec { probe: Some(name("heater")) })));
    assert_eq!(by_itself, ["action.probe"], "what is written says nothing about what was done");
    let mut scaled = site();
    change_heater(&mut scaled, |tag| tag.action = Some(ActionSpec { probe: Some(name("count")) }));
    scaled.devices.get_mut("chiller-1").and_then(|device| device.tags.get_mut("count")).expect("the counter").scale = 0.1;
    assert_eq!(errors(&scaled), ["tags.heater.action.probe"], "it does not count by one");
    assert_eq!(heater(|tag| (tag.action, tag.ramp_per_s) = (Some(ActionSpec::default()), Some(1.0))), ["action"]);
    assert_eq!(heater(|tag| (tag.action, tag.access) = (Some(ActionSpec::default()), Access::Read)), ["action"]);
}

#[test]
fn selections_and_ramps_are_of_what_is_written() {
    assert_eq!(heater(|tag| (tag.select, tag.ramp_per_s) = (Some(SECOND), Some(0.5))), NOTHING);
    assert_eq!(heater(|tag| tag.select = Some(Duration::ZERO)), ["select"]);
    assert_eq!(heater(|tag| tag.select = Some(601 * SECOND)), ["select"]);
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(heater(|tag| tag.ramp_per_s = Some(bad)), ["ramp"], "{bad}");
    }
    let read_only = heater(|tag| (tag.access, tag.select, tag.ramp_per_s) = (Access::Read, Some(SECOND), Some(0.5)));
    assert_eq!(read_only, ["select", "ramp"]);
}
