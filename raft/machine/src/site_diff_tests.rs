use super::*;
use labkeeper_model::Value;
use labkeeper_model::site::{DriverKind, Fencing, Guidance, Levels, Limits, OnLeaseLoss, Priority, Register, Table, ValueType, Verify};
use std::time::Duration;

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

fn tag() -> TagSpec {
    TagSpec {
        description: String::new(),
        register: Register { table: Table::Holding, address: 10 },
        value_type: ValueType::F32,
        word_order: WordOrder::Big,
        access: Access::ReadWrite,
        unit: "degC".into(),
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

fn alarm(limit: f64) -> AlarmSpec {
    AlarmSpec {
        name: name("high"),
        kind: AlarmKind::Levels(Levels { hi: Some(limit), ..Levels::default() }),
        deadband: 0.5,
        on_delay: Duration::from_secs(2),
        priority: Priority::High,
        guidance: Guidance::default(),
        ..AlarmSpec::default()
    }
}

fn site(change: impl FnOnce(&mut SiteSpec, &mut DeviceSpec, &mut TagSpec)) -> SiteSpec {
    let mut tag = tag();
    let mut device = DeviceSpec {
        segment: name("cryo"),
        description: String::new(),
        driver: DriverKind::ModbusTcp,
        address: "10.1.0.40:502".into(),
        unit_id: 1,
        poll: Duration::from_millis(100),
        timeout: Duration::from_secs(1),
        fencing: Fencing::LeaseOnly,
        watchdog: None,
        on_lease_loss: OnLeaseLoss::Hold,
        simulate: None,
        tags: BTreeMap::new(),
        ..DeviceSpec::default()
    };
    let mut site = SiteSpec {
        name: "lab".into(),
        failback: Some(SiteSpec::FAILBACK_DEFAULT),
        segments: [(name("cryo"), SegmentSpec::default())].into(),
        devices: BTreeMap::new(),
        ..SiteSpec::default()
    };
    change(&mut site, &mut device, &mut tag);
    device.tags.insert(name("setpoint"), tag);
    site.devices.insert(name("chiller-1"), device);
    site
}

fn fence(register: &str) -> Fencing {
    Fencing::DeviceToken { register: Register::parse(register).expect("a register") }
}

fn check(change: impl FnOnce(&mut SiteSpec, &mut DeviceSpec, &mut TagSpec), expected: &[&str]) {
    assert_eq!(diff(&site(|_, _, _| {}), &site(change)), expected);
}

#[test]
fn nothing_differs_from_itself() {
    check(|_, _, _| {}, &[]);
}

#[test]
fn what_is_added_or_removed_is_one_line() {
    check(|site, _, _| drop(site.segments.insert(name("hall"), SegmentSpec::default())), &["+ segments.hall"]);
    check(|site, _, _| site.segments.clear(), &["- segments.cryo"]);
    check(|_, device, _| drop(device.tags.insert(name("flow"), tag())), &["+ devices.chiller-1.tags.flow"]);
    assert_eq!(diff(&site(|_, _, _| {}), &SiteSpec::default()), ["~ site.name: \"lab\" -> \"\"", "- segments.cryo", "- devices.chiller-1"]);
    check(|_, _, tag| tag.alarms.push(alarm(30.0)), &["+ devices.chiller-1.tags.setpoint.alarms.high"]);
}

#[test]
fn changed_fields_show_both_values() {
    check(|site, _, _| site.name = "Lab \"2\"".into(), &["~ site.name: \"lab\" -> \"Lab \\\"2\\\"\""]);
    check(|site, _, _| site.failback = None, &["~ site.failback: 30s -> off"]);
    let home = |site: &mut SiteSpec| site.segments.get_mut("cryo").expect("cryo").home = Some(name("cryo-a"));
    check(|site, _, _| home(site), &["~ segments.cryo.home: none -> cryo-a"]);
    check(
        |_, device, _| (device.poll, device.unit_id) = (Duration::from_millis(200), 7),
        &["~ devices.chiller-1.unit_id: 1 -> 7", "~ devices.chiller-1.poll: 100ms -> 200ms"],
    );
}

/// Every field of every kind of thing: a field that the difference forgets would be put in force unseen.
#[test]
fn no_field_of_a_device_or_tag_is_forgotten() {
    type Change = fn(&mut DeviceSpec, &mut TagSpec);
    let changes: &[(&str, Change)] = &[
        ("segment: cryo -> hall", |d, _| d.segment = name("hall")),
        ("description: \"\" -> \"cold\"", |d, _| d.description = "cold".into()),
        ("address: \"10.1.0.40:502\" -> \"h:1\"", |d, _| d.address = "h:1".into()),
        ("timeout: 1s -> 300ms", |d, _| d.timeout = Duration::from_millis(300)),
        ("fence: lease_only -> gate at g:1", |d, _| d.fencing = Fencing::Gate { address: "g:1".into() }),
        ("fence: lease_only -> device_token at holding:9", |d, _| d.fencing = fence("holding:9")),
        ("watchdog: none -> 10s", |d, _| d.watchdog = Some(Duration::from_secs(10))),
        ("on_lease_loss: hold -> stop_polling", |d, _| d.on_lease_loss = OnLeaseLoss::StopPolling),
        ("simulate: none -> \"chiller\"", |d, _| d.simulate = Some("chiller".into())),
        ("tags.setpoint.description: \"\" -> \"t\"", |_, t| t.description = "t".into()),
        ("tags.setpoint.register: holding:10 -> coil:11", |_, t| t.register = Register { table: Table::Coil, address: 11 }),
        ("tags.setpoint.type: f32 -> string(3)", |_, t| t.value_type = ValueType::Text(3)),
        ("tags.setpoint.word_order: big -> little", |_, t| t.word_order = WordOrder::Little),
        ("tags.setpoint.access: rw -> w", |_, t| t.access = Access::Write),
        ("tags.setpoint.unit: \"degC\" -> \"K\"", |_, t| t.unit = "K".into()),
        ("tags.setpoint.scale: 1 -> 0.1", |_, t| t.scale = 0.1),
        ("tags.setpoint.offset: 0 -> -273.15", |_, t| t.offset = -273.15),
        ("tags.setpoint.deadband: 0 -> 0.05", |_, t| t.deadband = 0.05),
        ("tags.setpoint.limits: none -> 5 to 40", |_, t| t.limits = Some(Limits { min: 5.0, max: 40.0 })),
        ("tags.setpoint.verify: none -> t within 0.1 in 2s", |_, t| {
            t.verify = Some(Verify { readback: name("t"), tolerance: 0.1, timeout: Duration::from_secs(2) });
        }),
        ("tags.setpoint.takeover: adopt -> hold", |_, t| t.takeover = Takeover::Hold),
        ("tags.setpoint.safe: none -> 20.5", |_, t| t.safe = Some(Value::F64(20.5))),
        ("tags.setpoint.safe: none -> \"off\"", |_, t| t.safe = Some(Value::Text("off".into()))),
        ("tags.setpoint.dangerous: false -> true", |_, t| t.dangerous = true),
        ("exclusive: false -> true", |d, _| d.exclusive = true),
        ("comm_priority: medium -> high", |d, _| d.comm_priority = Priority::High),
        ("tags.setpoint.action: none -> true", |_, t| t.action = Some(ActionSpec::default())),
        ("tags.setpoint.action: none -> probed by starts", |_, t| t.action = Some(ActionSpec { probe: Some(name("starts")) })),
        ("tags.setpoint.select: none -> 10s", |_, t| t.select = Some(TagSpec::SELECT_DEFAULT)),
        ("tags.setpoint.ramp: none -> 0.5", |_, t| t.ramp_per_s = Some(0.5)),
    ];
    for (line, change) in changes {
        check(|_, device, tag| change(device, tag), &[&format!("~ devices.chiller-1.{line}")]);
    }
}

#[test]
fn alarms_are_compared_by_name() {
    let old = site(|_, _, tag| tag.alarms = vec![alarm(30.0)]);
    let new = site(|_, _, tag| {
        tag.alarms = vec![AlarmSpec {
            kind: AlarmKind::Levels(Levels { hihi: Some(35.0), ..Levels::default() }),
            priority: Priority::Critical,
            ..alarm(30.0)
        }]
    });
    let path = "~ devices.chiller-1.tags.setpoint.alarms.high";
    let expected = [format!("{path}.type: hi -> hihi"), format!("{path}.limit: 30 -> 35"), format!("{path}.priority: high -> critical")];
    assert_eq!(diff(&old, &new), expected);
}
