use super::*;
use labkeeper_model::site::{
    Access, ActionSpec, AlarmClass, AlarmKind, AlarmSpec, ConditionSpec, Fencing, Guidance, InterlockSpec, Levels, Limits, MailSpec,
    OnLeaseLoss, Priority, Register, RouteSpec, Stage, Takeover, ValueType, Verify, WordOrder,
};
use labkeeper_model::{TagPath, Value};
use prost::Message as _;
use v1::fencing::Mechanism;

fn name_of(text: &str) -> Name {
    Name::new(text).expect("a name")
}

fn tag(register: &str, value_type: &str) -> TagSpec {
    TagSpec {
        description: "outlet".into(),
        register: Register::parse(register).expect("a register"),
        value_type: ValueType::parse(value_type).expect("a type"),
        word_order: WordOrder::Little,
        access: Access::ReadWrite,
        unit: "degC".into(),
        scale: 0.1,
        offset: -40.0,
        deadband: 0.05,
        limits: Some(Limits { min: 5.0, max: 40.0 }),
        verify: Some(Verify { readback: name_of("outlet"), tolerance: 0.2, timeout: Duration::from_secs(30) }),
        takeover: Takeover::Reassert,
        safe: None,
        dangerous: false,
        alarms: kinds().into_iter().zip(Priority::ALL).map(|(kind, priority)| alarm(kind, priority.0)).collect(),
        ..TagSpec::default()
    }
}

fn alarm(kind: AlarmKind, priority: Priority) -> AlarmSpec {
    AlarmSpec {
        name: name_of("hot"),
        kind,
        deadband: 0.5,
        on_delay: Duration::from_secs(3),
        priority,
        off_delay: Duration::from_secs(5),
        class: Some(name_of("pressure")),
        guidance: Guidance {
            action: "open the valve".into(),
            consequence: "the magnet warms up".into(),
            response_time: Some(Duration::from_secs(600)),
            link: "https://lab/alarms".into(),
        },
        re_alarm: Some(Duration::from_secs(3600)),
        suppress_when: Some("not hall/pump/on".into()),
    }
}

/// One of each kind.
fn kinds() -> Vec<AlarmKind> {
    let one = Levels::default();
    let time = Duration::from_secs(30);
    vec![
        AlarmKind::Levels(Levels { hihi: Some(40.0), ..one }),
        AlarmKind::Levels(Levels { hi: Some(35.0), ..one }),
        AlarmKind::Levels(Levels { lo: Some(0.0), ..one }),
        AlarmKind::Levels(Levels { lolo: Some(-3.5), ..one }),
        AlarmKind::Levels(Levels { hi: Some(35.0), hihi: Some(40.0), lo: None, lolo: Some(1.0) }),
        AlarmKind::Deviation { from: None, limit: 2.0 },
        AlarmKind::Deviation { from: Some(TagPath::parse("cryo/chiller-1/inlet").expect("a tag")), limit: 2.0 },
        AlarmKind::Rate { per_s: 0.5, over: time },
        AlarmKind::Equals { value: Value::Bool(true) },
        AlarmKind::Changed,
        AlarmKind::Discrepancy { tolerance: 0.1, settle: time },
        AlarmKind::Stale { after: time },
        AlarmKind::Expression { source: "cryo/chiller-1/inlet > 20 degC".into() },
    ]
}

fn site() -> SiteSpec {
    let plain = TagSpec { limits: None, verify: None, alarms: vec![], ..tag("coil:0", "bool") };
    let device = DeviceSpec {
        segment: name_of("cryo"),
        description: "chiller".into(),
        driver: DriverKind::ModbusTcp,
        address: "10.1.0.40:502".into(),
        unit_id: 255,
        poll: Duration::from_millis(250),
        timeout: Duration::from_millis(900),
        fencing: Fencing::LeaseOnly,
        watchdog: None,
        on_lease_loss: OnLeaseLoss::Hold,
        simulate: Some("chiller".into()),
        tags: BTreeMap::from([(name_of("outlet"), tag("holding:10", "f32")), (name_of("on"), plain)]),
        ..DeviceSpec::default()
    };
    let bare = DeviceSpec { simulate: None, tags: BTreeMap::new(), ..device.clone() };
    let cryo = SegmentSpec { description: "basement".into(), home: Some(name_of("node-a")) };
    SiteSpec {
        name: "Low temperature lab".into(),
        failback: Some(SiteSpec::FAILBACK_DEFAULT),
        segments: BTreeMap::from([(name_of("cryo"), cryo), (name_of("hall"), SegmentSpec::default())]),
        devices: BTreeMap::from([(name_of("chiller-1"), device), (name_of("chiller-2"), bare)]),
        groups: BTreeMap::from([(name_of("cryostat"), vec![name_of("chiller-1"), name_of("chiller-2")])]),
        conditions: BTreeMap::from([(name_of("cold"), ConditionSpec { description: "4 K".into(), expr: "a < 5".into() })]),
        interlocks: BTreeMap::from([(name_of("water"), interlock())]),
        classes: BTreeMap::from([(name_of("pressure"), AlarmClass { latching: true, shelvable: false, ..AlarmClass::default() })]),
        routes: BTreeMap::from([(name_of("oncall"), route())]),
        mail: Some(Box::new(mail())),
    }
}

fn mail() -> MailSpec {
    MailSpec { server: "mail:25".into(), from: "lab@example.org".into(), tls: true, user: Some("lab".into()) }
}

fn interlock() -> InterlockSpec {
    InterlockSpec {
        description: "no heat without water".into(),
        stage: Stage::Protect,
        require: "cryo/chiller-1/on".into(),
        tags: vec![TagPath::parse("cryo/chiller-1/outlet").expect("a tag")],
        max_age: Duration::from_secs(3),
        priority: Priority::Critical,
    }
}

fn route() -> RouteSpec {
    RouteSpec {
        webhook: Some("http://pager/".into()),
        email: vec!["ann@example.org".into()],
        min_priority: Priority::High,
        segments: vec![name_of("cryo")],
        hours: Some((1_080, 480)),
    }
}

fn over_the_wire(site: &SiteSpec) -> Result<SiteSpec, ConvertError> {
    v1::Site::decode(&v1::Site::from(site).encode_to_vec()[..]).expect("own bytes").try_into()
}

#[test]
fn a_whole_site_comes_back() {
    assert_eq!(over_the_wire(&site()), Ok(site()));
    assert_eq!(over_the_wire(&SiteSpec::default()), Ok(SiteSpec::default()));
}

#[test]
fn every_choice_of_a_tag_comes_back() {
    for access in [Access::Read, Access::ReadWrite, Access::Write] {
        assert_eq!(Access::from(v1::Access::from(access)), access);
    }
    for order in [WordOrder::Big, WordOrder::Little] {
        assert_eq!(WordOrder::from(v1::WordOrder::from(order)), order);
    }
    for takeover in [Takeover::Adopt, Takeover::Reassert, Takeover::Safe, Takeover::Hold] {
        assert_eq!(Takeover::from(v1::Takeover::from(takeover)), takeover);
    }
    for (register, value_type) in [("coil:0", "bool"), ("discrete:1", "bool"), ("input:65535", "i64"), ("holding:3", "string(12)")] {
        let tag = tag(register, value_type);
        assert_eq!(TagSpec::try_from(v1::Tag::from(&tag)), Ok(tag));
    }
    for kind in kinds() {
        for (priority, _) in Priority::ALL {
            let alarm = alarm(kind.clone(), priority);
            assert_eq!(AlarmSpec::try_from(v1::Alarm::from(&alarm)), Ok(alarm));
        }
    }
}

#[test]
fn everything_about_takeover_comes_back() {
    let gate = Fencing::Gate { address: "10.1.0.9:7502".into() };
    let token = Fencing::DeviceToken { register: Register::parse("holding:100").expect("a register") };
    for fencing in [Fencing::LeaseOnly, Fencing::SingleConnection, Fencing::DeviceLock, token, gate] {
        for on_lease_loss in [OnLeaseLoss::Hold, OnLeaseLoss::Safe, OnLeaseLoss::StopPolling] {
            let device = site().devices["chiller-1"].clone();
            let device = DeviceSpec { fencing: fencing.clone(), on_lease_loss, watchdog: Some(Duration::from_secs(9)), ..device };
            assert_eq!(DeviceSpec::try_from(v1::Device::from(&device)), Ok(device));
        }
    }
    let tag = TagSpec {
        safe: Some(Value::F64(20.0)),
        dangerous: true,
        action: Some(ActionSpec { probe: Some(name_of("starts")) }),
        select: Some(Duration::from_secs(9)),
        ramp_per_s: Some(0.25),
        ..tag("holding:0", "f32")
    };
    assert_eq!(TagSpec::try_from(v1::Tag::from(&tag)), Ok(tag));
    for failback in [None, Some(Duration::from_millis(1)), Some(SiteSpec::FAILBACK_DEFAULT), Some(Duration::from_secs(3600))] {
        let site = SiteSpec { failback, ..site() };
        assert_eq!(over_the_wire(&site), Ok(site));
    }
}

/// What was written before there was fencing reads as what it meant then, and is written as it was.
#[test]
fn what_has_its_default_is_left_out() {
    let wire = v1::Site::from(&site());
    let device = &wire.devices["chiller-1"];
    assert_eq!((wire.failback_ms, &device.fencing, device.watchdog_ms, device.on_lease_loss), (None, &None, None, 0));
    assert_eq!((&device.tags["outlet"].safe, device.tags["outlet"].dangerous), (&None, false));
    let word = |word: &str| Some(v1::Fencing { mechanism: Some(Mechanism::Word(word.into())) });
    let spelled_out = v1::Device { fencing: word("lease_only"), on_lease_loss: v1::OnLeaseLoss::Hold.into(), ..device.clone() };
    assert_eq!(DeviceSpec::try_from(spelled_out), DeviceSpec::try_from(device.clone()));
}

#[test]
fn enums_that_are_not_given_have_the_defaults_of_a_site_file() {
    let wire = v1::Tag { word_order: 0, access: 0, takeover: 0, ..v1::Tag::from(&tag("holding:0", "u16")) };
    let tag = TagSpec::try_from(wire).expect("a tag");
    assert_eq!((tag.word_order, tag.access, tag.takeover), (WordOrder::Big, Access::Read, Takeover::Adopt));
}

#[test]
fn a_short_time_never_becomes_zero() {
    assert_eq!(millis(Duration::from_nanos(1)), 1);
    assert_eq!(millis(Duration::ZERO), 0);
    assert_eq!(millis(Duration::MAX), u64::MAX);
}

/// Spoils one thing and says which field is blamed.
fn blamed(spoil: impl FnOnce(&mut v1::Site)) -> String {
    let mut wire = v1::Site::from(&site());
    spoil(&mut wire);
    SiteSpec::try_from(wire).expect_err("spoiled").field
}

fn spoil_tag(spoil: impl FnOnce(&mut v1::Tag)) -> String {
    blamed(|site| spoil(site.devices.get_mut("chiller-1").and_then(|d| d.tags.get_mut("outlet")).expect("the tag")))
}

#[test]
fn what_is_wrong_is_named_from_the_top() {
    let device = |spoil: fn(&mut v1::Device)| blamed(|site| spoil(site.devices.get_mut("chiller-1").expect("the device")));
    assert_eq!(device(|d| d.driver = "gpib".into()), "devices.chiller-1.driver");
    assert_eq!(device(|d| d.unit_id = 256), "devices.chiller-1.unit_id");
    assert_eq!(device(|d| d.segment = String::new()), "devices.chiller-1.segment");
    assert_eq!(device(|d| d.on_lease_loss = 4), "devices.chiller-1.on_lease_loss");
    let fence = |mechanism| v1::Fencing { mechanism: Some(mechanism) };
    let spoil = |mechanism: Mechanism| blamed(|s| s.devices.get_mut("chiller-1").expect("the device").fencing = Some(fence(mechanism)));
    assert_eq!(spoil(Mechanism::Word("gate".into())), "devices.chiller-1.fencing.word");
    assert_eq!(spoil(Mechanism::Register("holding".into())), "devices.chiller-1.fencing.register");
    assert_eq!(blamed(|s| s.segments.get_mut("cryo").expect("cryo").home = "a b".into()), "segments.cryo.home");
    assert_eq!(blamed(|s| drop(s.segments.insert("a/b".into(), v1::Segment::default()))), "segments");
    let tag = "devices.chiller-1.tags.outlet";
    assert_eq!(spoil_tag(|t| t.register = "holding".into()), format!("{tag}.register"));
    assert_eq!(spoil_tag(|t| t.r#type = "f16".into()), format!("{tag}.type"));
    assert_eq!(spoil_tag(|t| t.access = 9), format!("{tag}.access"));
    assert_eq!(spoil_tag(|t| t.word_order = -1), format!("{tag}.word_order"));
    assert_eq!(spoil_tag(|t| t.takeover = 5), format!("{tag}.takeover"));
    assert_eq!(spoil_tag(|t| t.verify = Some(v1::Verify::default())), format!("{tag}.verify.readback"));
    assert_eq!(spoil_tag(|t| t.alarms[1].r#type = "high".into()), format!("{tag}.alarms.1.type"));
    assert_eq!(spoil_tag(|t| t.alarms[0].priority = String::new()), format!("{tag}.alarms.0.priority"));
}
