//! Declarations of a small lab, most of them sound.

use labkeeper_model::site::{
    Access, AlarmClass, AlarmKind, AlarmSpec, DeviceSpec, DriverKind, Fencing, InterlockSpec, Levels, Limits, OnLeaseLoss, Register,
    RouteSpec, SegmentSpec, SiteSpec, Stage, Table, TagSpec, Takeover, ValueType, WordOrder,
};
use labkeeper_model::{Name, TagPath, Value};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

pub(crate) fn any_site() -> impl Strategy<Value = SiteSpec> {
    prop_oneof![8 => sane(), 1 => unsound()]
}

/// Segment cryo with the devices d1 and d2, whose tags are a choice of t0 to t2; sometimes with a segment hall.
pub(crate) fn sane() -> impl Strategy<Value = SiteSpec> {
    let home = || option::weighted(0.5, prop::sample::select(vec![name("a"), name("a"), name("b"), name("b"), name("ghost")]));
    let devices = vec(vec(option::weighted(0.9, tag()), 3), 2);
    (home(), option::of(home()), devices, failback(), prop::bool::weighted(0.2)).prop_map(|(cryo, hall, tags, failback, moved)| {
        let segment = |home| SegmentSpec { description: String::new(), home };
        let mut segments: BTreeMap<Name, SegmentSpec> = [(name("cryo"), segment(cryo))].into();
        segments.extend(hall.map(|home| (name("hall"), segment(home))));
        let devices = tags.into_iter().zip(1..).map(|(tags, n)| (name(&format!("d{n}")), device(n, tags))).collect::<BTreeMap<_, _>>();
        let mut devices = devices;
        if segments.len() > 1 && moved {
            devices.values_mut().take(1).for_each(|device: &mut DeviceSpec| device.segment = name("hall"));
        }
        devices.values_mut().take(1).for_each(|device| device.exclusive = failback.is_none());
        let groups = [(name("both"), devices.keys().cloned().collect())].into();
        let interlocks = interlocks(&devices, failback);
        let vital = AlarmClass { latching: true, needs_comment: true, max_shelve: Duration::from_secs(3_600), ..AlarmClass::default() };
        let classes = [(name("vital"), vital)].into();
        SiteSpec {
            name: "lab".into(),
            failback,
            segments,
            devices,
            groups,
            interlocks,
            classes,
            routes: [(name("ops"), RouteSpec { webhook: Some("http://pager.lab/".into()), ..RouteSpec::default() })].into(),
            ..SiteSpec::default()
        }
    })
}

/// The first device's tags with safe values, guarded by one interlock; the second's by another. Some sites have none.
fn interlocks(devices: &BTreeMap<Name, DeviceSpec>, failback: Option<Duration>) -> BTreeMap<Name, InterlockSpec> {
    let stages = if failback == Some(SiteSpec::FAILBACK_DEFAULT) { [Stage::Permit; 2] } else { [Stage::Interlock, Stage::Protect] };
    let guarding = devices.iter().zip(["lid", "quench"]).zip(stages).map(|(((device, spec), interlock), stage)| {
        let guarded = spec.tags.iter().filter(|(_, tag)| tag.access.is_writable() && tag.safe.is_some());
        let tags: Vec<TagPath> = guarded.map(|(tag, _)| TagPath::new(&spec.segment, device, tag)).collect();
        let declared =
            InterlockSpec { stage, require: "true".into(), tags, max_age: InterlockSpec::MAX_AGE_DEFAULT, ..InterlockSpec::default() };
        (name(interlock), declared)
    });
    guarding.filter(|(_, interlock)| !interlock.tags.is_empty()).collect()
}

fn failback() -> impl Strategy<Value = Option<Duration>> {
    let time = prop_oneof![4 => Just(Duration::from_secs(1)), 2 => Just(SiteSpec::FAILBACK_DEFAULT), 1 => Just(Duration::from_secs(3_600))];
    option::weighted(0.8, time)
}

fn device(unit_id: u8, tags: Vec<Option<TagSpec>>) -> DeviceSpec {
    let place =
        |(n, tag): (u16, TagSpec)| (name(&format!("t{n}")), TagSpec { register: Register { address: n * 8, ..tag.register }, ..tag });
    DeviceSpec {
        segment: name("cryo"),
        description: String::new(),
        driver: DriverKind::ModbusTcp,
        address: format!("10.1.0.{unit_id}:502"),
        unit_id,
        poll: DeviceSpec::POLL_DEFAULT,
        timeout: DeviceSpec::TIMEOUT_DEFAULT,
        fencing: if unit_id == 1 { Fencing::LeaseOnly } else { Fencing::SingleConnection },
        watchdog: None,
        on_lease_loss: OnLeaseLoss::Hold,
        simulate: None,
        tags: (0..).zip(tags).filter_map(|(n, tag)| Some(place((n, tag?)))).collect(),
        ..DeviceSpec::default()
    }
}

fn tag() -> impl Strategy<Value = TagSpec> {
    let kind =
        prop::sample::select(vec![ValueType::F32, ValueType::F32, ValueType::F64, ValueType::U16, ValueType::I64, ValueType::Text(8)]);
    let access =
        prop::sample::select(vec![Access::ReadWrite, Access::ReadWrite, Access::ReadWrite, Access::Write, Access::Write, Access::Read]);
    let policy = prop::sample::select(vec![Takeover::Adopt, Takeover::Adopt, Takeover::Reassert, Takeover::Hold]);
    (kind, access, any::<bool>(), policy, prop::bool::weighted(0.2)).prop_map(|(value_type, access, limited, takeover, dangerous)| {
        TagSpec {
            description: String::new(),
            register: Register { table: Table::Holding, address: 0 },
            value_type,
            word_order: WordOrder::Big,
            access,
            unit: "degC".into(),
            scale: 1.0,
            offset: 0.0,
            deadband: 0.0,
            limits: (limited && value_type.is_number()).then_some(Limits { min: 5.0, max: 40.0 }),
            verify: None,
            takeover,
            safe: (limited && access.is_writable() && value_type.is_number()).then_some(Value::F64(6.0)),
            dangerous: dangerous && access.is_writable(),
            ramp_per_s: (!limited && access.is_writable() && value_type.is_number()).then_some(0.5),
            select: (dangerous && access.is_writable() && takeover != Takeover::Adopt).then_some(Duration::from_secs(10)),
            alarms: if access.is_readable() && value_type.is_number() { alarms() } else { vec![] },
            ..TagSpec::default()
        }
    })
}

/// One with every delay, and one that latches.
fn alarms() -> Vec<AlarmSpec> {
    let kind = || AlarmKind::Levels(Levels { hi: Some(30.0), hihi: Some(35.0), ..Levels::default() });
    let (on_delay, off_delay) = (Duration::from_secs(5), Duration::from_secs(3));
    let high = AlarmSpec {
        name: name("high"),
        kind: kind(),
        on_delay,
        off_delay,
        re_alarm: Some(Duration::from_secs(60)),
        ..AlarmSpec::default()
    };
    vec![high, AlarmSpec { name: name("vital"), kind: kind(), class: Some(name("vital")), ..AlarmSpec::default() }]
}

/// A sound declaration in which something was made absurd.
fn unsound() -> impl Strategy<Value = SiteSpec> {
    let absurd: Vec<fn(&mut SiteSpec)> = vec![
        |site| site.segments.clear(),
        |site| site.name = "x".repeat(5_000),
        |site| devices(site, |device| device.poll = Duration::MAX),
        |site| devices(site, |device| device.address = String::new()),
        |site| devices(site, |device| device.unit_id = 1),
        |site| tags(site, |tag| tag.value_type = ValueType::Text(0)),
        |site| tags(site, |tag| tag.value_type = ValueType::Text(u16::MAX)),
        |site| tags(site, |tag| tag.scale = f64::NAN),
        |site| tags(site, |tag| tag.limits = Some(Limits { min: f64::INFINITY, max: f64::NAN })),
        |site| tags(site, |tag| tag.register.address = u16::MAX),
        |site| tags(site, |tag| tag.register.address = 0),
    ];
    (sane(), prop::sample::select(absurd)).prop_map(|(mut site, change)| {
        change(&mut site);
        site
    })
}

fn devices(site: &mut SiteSpec, change: impl Fn(&mut DeviceSpec)) {
    site.devices.values_mut().for_each(change);
}

fn tags(site: &mut SiteSpec, change: impl Fn(&mut TagSpec)) {
    devices(site, |device| device.tags.values_mut().for_each(&change));
}

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}
