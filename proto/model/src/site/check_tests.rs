use super::*;
use crate::site::{
    Access, AlarmKind, AlarmSpec, DriverKind, Fencing, Guidance, Levels, Limits, OnLeaseLoss, Priority, Register, SegmentSpec, TagSpec,
    Takeover, ValueType, Verify, WordOrder,
};

pub(super) fn name(text: &str) -> Name {
    Name::new(text).expect("a valid name")
}

pub(super) fn tag(register: &str, value_type: &str) -> TagSpec {
    TagSpec {
        description: String::new(),
        register: Register::parse(register).expect("a register"),
        value_type: ValueType::parse(value_type).expect("a type"),
        word_order: WordOrder::Big,
        access: Access::Read,
        unit: String::new(),
        scale: 1.0,
        offset: 0.0,
        deadband: 0.0,
        limits: None,
        verify: None,
        takeover: Takeover::Adopt,
        safe: None,
        dangerous: false,
        alarms: vec![],
        ..TagSpec::default()
    }
}

pub(super) fn site_with(tags: &[(&str, TagSpec)]) -> SiteSpec {
    let device = DeviceSpec {
        segment: name("cryo"),
        description: String::new(),
        driver: DriverKind::ModbusTcp,
        address: "10.1.0.40:502".into(),
        unit_id: 1,
        poll: DeviceSpec::POLL_DEFAULT,
        timeout: DeviceSpec::TIMEOUT_DEFAULT,
        fencing: Fencing::LeaseOnly,
        watchdog: None,
        on_lease_loss: OnLeaseLoss::Hold,
        simulate: None,
        tags: tags.iter().map(|(n, t)| (name(n), t.clone())).collect(),
        ..DeviceSpec::default()
    };
    SiteSpec {
        name: "lab".into(),
        failback: Some(SiteSpec::FAILBACK_DEFAULT),
        segments: [(name("cryo"), SegmentSpec::default())].into(),
        devices: [(name("chiller-1"), device)].into(),
        ..SiteSpec::default()
    }
}

/// The keys of all errors, below `devices.chiller-1`.
pub(super) fn errors(site: &SiteSpec) -> Vec<String> {
    check(site).into_iter().filter(|p| p.severity == Severity::Error).map(|p| p.path.join(".").replace("devices.chiller-1.", "")).collect()
}

#[test]
fn a_plain_site_is_fine() {
    assert_eq!(check(&site_with(&[("t", tag("input:0", "f32")), ("u", tag("input:2", "f32"))])), vec![]);
}

#[test]
fn registers_are_checked() {
    assert_eq!(errors(&site_with(&[("t", tag("input:65535", "f32"))])), ["tags.t.register"]);
    assert_eq!(errors(&site_with(&[("t", tag("coil:0", "u16"))])), ["tags.t.type"]);
    let written = TagSpec { access: Access::ReadWrite, ..tag("input:0", "u16") };
    assert_eq!(errors(&site_with(&[("t", written)])), ["tags.t.access"]);
}

#[test]
fn registers_may_be_shared_whole_but_not_in_part_and_not_by_two_writers() {
    assert_eq!(errors(&site_with(&[("a", tag("input:0", "f32")), ("b", tag("input:1", "f32"))])), ["tags.b.register"]);
    assert_eq!(errors(&site_with(&[("a", tag("input:0", "f32")), ("b", tag("input:0", "u32"))])), [""; 0]);
    let written = TagSpec { access: Access::ReadWrite, ..tag("holding:0", "u16") };
    assert_eq!(errors(&site_with(&[("a", written.clone()), ("b", written)])), ["tags.b.register"]);
    assert_eq!(errors(&site_with(&[("a", tag("input:0", "f32")), ("b", tag("holding:1", "f32"))])), [""; 0]);
}

#[test]
fn a_long_tag_overlaps_a_later_one_behind_a_shared_one() {
    let tags = [("a", tag("holding:0", "f64")), ("b", tag("holding:1", "u16")), ("c", tag("holding:3", "u16"))];
    assert_eq!(errors(&site_with(&tags)), ["tags.b.register", "tags.c.register"]);
}

#[test]
fn numbers_are_checked() {
    assert_eq!(errors(&site_with(&[("t", TagSpec { scale: 0.0, ..tag("input:0", "u16") })])), ["tags.t.scale"]);
    assert_eq!(errors(&site_with(&[("t", TagSpec { deadband: f64::NAN, ..tag("input:0", "u16") })])), ["tags.t.deadband"]);
    let limits = Some(Limits { min: 2.0, max: 1.0 });
    assert_eq!(errors(&site_with(&[("t", TagSpec { limits, ..tag("input:0", "u16") })])), ["tags.t.limits"]);
}

#[test]
fn verification_needs_a_readable_tag_of_the_device() {
    let verify = |readback: &str| Some(Verify { readback: name(readback), tolerance: 0.1, timeout: Duration::from_secs(1) });
    let written = |readback: &str| TagSpec { access: Access::ReadWrite, verify: verify(readback), ..tag("holding:0", "f32") };
    assert_eq!(errors(&site_with(&[("t", written("t"))])), [""; 0]);
    assert_eq!(errors(&site_with(&[("t", written("other"))])), ["tags.t.verify.readback"]);
    assert_eq!(errors(&site_with(&[("t", TagSpec { verify: verify("t"), ..tag("holding:0", "f32") })])), ["tags.t.verify"]);
}

#[test]
fn an_alarm_limit_lies_within_the_tags_limits() {
    let alarm = |limit: f64| AlarmSpec {
        name: name("high"),
        kind: AlarmKind::Levels(Levels { hi: Some(limit), ..Levels::default() }),
        deadband: 0.5,
        on_delay: Duration::ZERO,
        priority: Priority::High,
        guidance: Guidance::default(),
        ..AlarmSpec::default()
    };
    let limited =
        |limit: f64| TagSpec { limits: Some(Limits { min: 0.0, max: 40.0 }), alarms: vec![alarm(limit)], ..tag("input:0", "f32") };
    assert_eq!(errors(&site_with(&[("t", limited(30.0))])), [""; 0]);
    assert_eq!(errors(&site_with(&[("t", limited(50.0))])), ["tags.t.alarms.0.limit"]);
    let twice = TagSpec { alarms: vec![alarm(1.0), alarm(2.0)], ..tag("input:0", "f32") };
    assert_eq!(errors(&site_with(&[("t", twice)])), ["tags.t.alarms.1.name"]);
}

#[test]
fn a_unit_is_declared_once() {
    let mut site = site_with(&[]);
    let twin = site.devices["chiller-1"].clone();
    site.devices.insert(name("chiller-2"), DeviceSpec { unit_id: 2, ..twin.clone() });
    assert_eq!(errors(&site), [""; 0], "two units behind one gateway");
    site.devices.insert(name("chiller-3"), twin);
    assert_eq!(errors(&site), ["devices.chiller-3.address"]);
}

#[test]
fn addresses_and_segments_are_checked() {
    for bad in ["10.1.0.40", ":502", "host:", "host:0", "host:65536", "ho st:1"] {
        let mut site = site_with(&[]);
        site.devices.get_mut("chiller-1").expect("the device").address = bad.into();
        assert_eq!(errors(&site), ["address"], "{bad}");
    }
    let mut site = site_with(&[]);
    site.segments.clear();
    assert_eq!(errors(&site), ["segment"]);
}
