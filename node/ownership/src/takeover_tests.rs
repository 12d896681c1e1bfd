use super::*;
use labkeeper_model::site::{DeviceSpec, DriverKind, Fencing, OnLeaseLoss, Register, Table};

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

fn device(fencing: Fencing) -> DeviceSpec {
    DeviceSpec {
        segment: name("cryo"),
        description: String::new(),
        driver: DriverKind::ModbusTcp,
        address: "10.0.0.1:502".into(),
        unit_id: 1,
        poll: DeviceSpec::POLL_DEFAULT,
        timeout: DeviceSpec::TIMEOUT_DEFAULT,
        fencing,
        watchdog: None,
        on_lease_loss: OnLeaseLoss::Hold,
        simulate: None,
        tags: BTreeMap::new(),
        ..DeviceSpec::default()
    }
}

/// Two plain devices and one with a fence, and one of another segment.
fn site() -> SiteSpec {
    let fence = Fencing::DeviceToken { register: Register { table: Table::Holding, address: 100 } };
    let elsewhere = DeviceSpec { segment: name("hall"), ..device(Fencing::LeaseOnly) };
    let devices = [("a", device(Fencing::LeaseOnly)), ("b", device(Fencing::LeaseOnly)), ("plc", device(fence)), ("x", elsewhere)];
    SiteSpec { devices: devices.map(|(device, spec)| (name(device), spec)).into(), ..SiteSpec::default() }
}

fn takeover() -> Takeover {
    Takeover::new(&site(), "cryo", at(0), Moment(0))
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn after(duration: Duration) -> Moment {
    Moment(0).saturating_add(duration)
}

fn events(takeover: &mut Takeover) -> Vec<Event> {
    std::iter::from_fn(|| takeover.poll_event()).collect()
}

fn enabled(device: &str) -> Event {
    Event::Enabled { device: name(device) }
}

fn taken(times: [i64; 3], devices_reached: u32) -> Event {
    let [connected, read, enabled] = times.map(at);
    Event::Taken(TakeoverReport { connected, read, enabled, devices_reached, devices: 3 })
}

fn path(tag: &str) -> TagPath {
    TagPath::parse(tag).expect("a path")
}

/// A policy that writes 5 where the device has 9, and one that leaves a device alone.
fn decisions() -> Vec<(TagPath, Decision)> {
    let actual = Value::F64(9.0);
    let driven = Decision { outcome: Reconciled::DrivenSafe { actual: actual.clone() }, write: Some(Value::F64(5.0)) };
    vec![(path("cryo/a/power"), driven), (path("cryo/a/flow"), Decision { outcome: Reconciled::Adopted { actual }, write: None })]
}

#[test]
fn a_segment_is_taken_over_device_by_device_and_reported_once() {
    let mut takeover = takeover();
    takeover.handle_connected(&name("a"), at(10));
    takeover.handle_connected(&name("b"), at(20));
    assert_eq!(takeover.stage("a"), Some(Stage::Reading));
    takeover.handle_read(&name("a"), vec![], at(30));
    assert_eq!(events(&mut takeover), [enabled("a")]);
    takeover.handle_read(&name("b"), vec![], at(40));
    takeover.handle_connected(&name("plc"), at(50));
    assert_eq!(takeover.stage("plc"), Some(Stage::Claiming));
    takeover.handle_claimed(&name("plc"), at(60));
    takeover.handle_read(&name("plc"), vec![], at(70));
    assert_eq!(events(&mut takeover), [enabled("b"), enabled("plc"), taken([10, 70, 70], 3)]);
    assert_eq!(takeover.poll_timeout(), None);
    assert_eq!(takeover.stage("x"), None);
}

#[test]
fn control_waits_for_the_policies_writes() {
    let mut takeover = takeover();
    takeover.handle_read(&name("a"), decisions(), at(30));
    let write = Event::Write { device: name("a"), tag: path("cryo/a/power"), value: Value::F64(5.0) };
    assert_eq!(events(&mut takeover), [write]);
    assert_eq!((takeover.stage("a"), takeover.is_enabled("a")), (Some(Stage::Reconciling), false));
    takeover.handle_written(&name("a"), &path("cryo/a/power"), true, at(45));
    let (adopted, driven) = (Reconciled::Adopted { actual: Value::F64(9.0) }, Reconciled::DrivenSafe { actual: Value::F64(9.0) });
    let outcomes = vec![(path("cryo/a/flow"), adopted), (path("cryo/a/power"), driven)];
    assert_eq!(events(&mut takeover), [Event::Reconciled(outcomes), enabled("a")]);
    assert!(takeover.is_enabled("a"));
}

#[test]
fn a_policys_write_that_failed_leaves_what_was_read() {
    let mut takeover = takeover();
    takeover.handle_read(&name("a"), decisions(), at(30));
    let _ = events(&mut takeover);
    takeover.handle_written(&name("a"), &path("cryo/a/power"), false, at(45));
    let adopted = || Reconciled::Adopted { actual: Value::F64(9.0) };
    let outcomes = vec![(path("cryo/a/flow"), adopted()), (path("cryo/a/power"), adopted())];
    assert_eq!(events(&mut takeover), [Event::Reconciled(outcomes), enabled("a")]);
}

#[test]
fn a_dead_device_keeps_nobody_and_is_missed_in_the_report() {
    let mut takeover = takeover();
    takeover.handle_read(&name("a"), vec![], at(30));
    takeover.handle_read(&name("b"), vec![], at(40));
    assert_eq!(events(&mut takeover), [enabled("a"), enabled("b")]);
    let Some((due, _)) = takeover.poll_timeout() else { panic!("it waits for the third") };
    assert_eq!(due, after(REPORT_AFTER));
    takeover.handle_timeout(Moment(due.0 - 1));
    assert_eq!(events(&mut takeover), []);
    takeover.handle_timeout(due);
    assert_eq!(events(&mut takeover), [taken([30, 40, 40], 2)]);
    takeover.handle_read(&name("plc"), vec![], at(9_000));
    assert_eq!(events(&mut takeover), [enabled("plc")], "it is enabled like the others, and reported only once");
}

#[test]
fn a_segment_that_nobody_answers_in_is_reported_when_somebody_does() {
    let mut takeover = takeover();
    takeover.handle_timeout(after(REPORT_AFTER));
    assert_eq!(events(&mut takeover), []);
    takeover.handle_read(&name("b"), vec![], at(4_000));
    let Some((due, _)) = takeover.poll_timeout() else { panic!("it looks again") };
    takeover.handle_timeout(due);
    assert_eq!(events(&mut takeover), [enabled("b"), taken([4_000, 4_000, 4_000], 1)]);
}

#[test]
fn steps_are_never_taken_back_or_twice() {
    let mut takeover = takeover();
    takeover.handle_read(&name("a"), vec![], at(30));
    takeover.handle_connected(&name("a"), at(50));
    takeover.handle_claimed(&name("a"), at(50));
    takeover.handle_read(&name("a"), decisions(), at(60));
    takeover.handle_written(&name("a"), &path("cryo/a/power"), true, at(60));
    takeover.handle_read(&name("x"), decisions(), at(60));
    assert_eq!(events(&mut takeover), [enabled("a")]);
}

#[test]
fn a_segment_without_devices_is_taken_over_at_once() {
    let mut empty = Takeover::new(&site(), "attic", at(7), Moment(0));
    let report = TakeoverReport { connected: at(7), read: at(7), enabled: at(7), devices_reached: 0, devices: 0 };
    assert_eq!(events(&mut empty), [Event::Taken(report)]);
}
