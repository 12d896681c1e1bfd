use super::*;
use labkeeper_alarm::Word;
use labkeeper_machine::interlocks::Verdict;
use labkeeper_machine::notices::ATTEMPTS_MAX;
use labkeeper_machine::{
    ActionRequest, AlarmCommand, AuthorityCommand, ConditionWord, InterlockCommand, NoticeCommand, OperateCommand, RampProgress,
    Reconciled, SelectionRequest, Steer,
};
use labkeeper_model::site::{
    Access, DeviceSpec, DriverKind, Fencing, InterlockSpec, OnLeaseLoss, Priority, Register, RouteSpec, SegmentSpec, SiteSpec, Stage,
    Table, TagSpec, ValueType,
};
use labkeeper_model::{AlarmId, CommandId, CommandState, LeaseTerms, Name, Scope, TagPath};
use std::collections::BTreeMap;
use std::time::Duration;

fn node() -> NodeInfo {
    NodeInfo {
        name: Name::new("node-a").expect("a name"),
        instance: [9; 16],
        grpc: "10.0.0.1:7400".into(),
        http: "http://10.0.0.1:8080".into(),
        reach: vec!["cryo".into(), "*".into()],
    }
}

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

fn site() -> SiteSpec {
    let device = DeviceSpec {
        segment: name("cryo"),
        description: "chiller".into(),
        driver: DriverKind::ModbusTcp,
        address: "10.1.0.40:502".into(),
        unit_id: 3,
        poll: Duration::from_millis(250),
        timeout: Duration::from_secs(1),
        fencing: Fencing::LeaseOnly,
        watchdog: None,
        on_lease_loss: OnLeaseLoss::Hold,
        simulate: None,
        tags: BTreeMap::new(),
        ..DeviceSpec::default()
    };
    SiteSpec {
        name: "lab".into(),
        failback: Some(SiteSpec::FAILBACK_DEFAULT),
        segments: BTreeMap::from([(name("cryo"), SegmentSpec::default())]),
        devices: BTreeMap::from([(name("chiller-1"), device)]),
        ..SiteSpec::default()
    }
}

fn setpoint(id: u8, value: Value, expected_revision: Option<u64>) -> SetpointRequest {
    SetpointRequest {
        id: CommandId([id; 16]),
        tag: TagPath::parse("cryo/chiller-1/setpoint").expect("a path"),
        value,
        expected_revision,
        deadline: Timestamp(-7),
        actor: "ann".into(),
        reason: "warm up".into(),
        ramp_per_s: None,
    }
}

/// One of every command, and of every kind of value, state and option in them.
pub(crate) fn every_command() -> Vec<Command> {
    let values = [Value::Bool(true), Value::I64(i64::MIN), Value::U64(u64::MAX), Value::F64(-0.5), Value::Text("on".into())];
    let mut commands = vec![
        Command::FoundSite { site_id: [1; 16], node: node() },
        Command::AdmitNode { node: node() },
        Command::UpdateNode { id: u64::MAX, node: node() },
        Command::RemoveNode { id: 3, actor: "ann".into() },
        Command::ApplySite { site: site(), expected_version: Some(0), actor: "ann".into(), reason: "why".into() },
        Command::ApplySite { site: SiteSpec::default(), expected_version: None, actor: String::new(), reason: String::new() },
        Command::ExpireCommands,
        Command::ReportCommands { node: 3, reports: vec![] },
    ];
    commands.extend((1..).zip(values).map(|(id, value)| Command::SubmitSetpoint(setpoint(id, value, Some(0)))));
    commands.push(Command::SubmitSetpoint(setpoint(99, Value::Bool(false), None)));
    let reports = CommandState::ALL.iter().map(|state| CommandReport {
        id: CommandId([4; 16]),
        epoch: 5,
        state: *state,
        time: Timestamp(6),
        error: Some((ErrorCode::WriteFailed, "exception 2".into())),
        mark: None,
    });
    let without =
        CommandReport { id: CommandId([4; 16]), epoch: 0, state: CommandState::Written, time: Timestamp(0), error: None, mark: None };
    commands.push(Command::ReportCommands { node: 3, reports: reports.chain([without]).collect() });
    commands.extend(every_tenure_command());
    commands.extend(every_authority_command());
    commands.extend(every_alarm_command());
    commands.extend(every_interlock_command());
    commands.extend(every_notice_command());
    commands.extend(every_operate_command());
    commands.extend(every_deed());
    commands
}

/// One of every command about who drives what, in an order in which most of them do something.
fn every_tenure_command() -> Vec<Command> {
    // Of its segment: assigned and taken away without sessions, then granted.
    let epoch = 3;
    let segment = || "cryo".to_owned();
    let tag = || TagPath::parse("cryo/chiller-1/setpoint").expect("a path");
    let terms = LeaseTerms { renew: Duration::from_nanos(1), lease: Duration::from_nanos(2), guard: Duration::ZERO, drift_ppm: 7 };
    let actual = Value::Text("on".into());
    let outcomes = [
        Reconciled::Matches,
        Reconciled::Adopted { actual: actual.clone() },
        Reconciled::Reasserted { actual: actual.clone() },
        Reconciled::DrivenSafe { actual: actual.clone() },
        Reconciled::Held { actual },
        Reconciled::Unreadable,
    ];
    let reach = |epoch| Command::ReportReach { node: 1, session: 1, segment: segment(), epoch, reached: 1, of: u32::MAX };
    let quarantine =
        |reason: Option<&str>| Command::SetQuarantine { node: 1, device: name("chiller-1"), epoch, reason: reason.map(str::to_owned) };
    vec![
        Command::OpenSession { node: 1, after: 0, terms },
        Command::ApplySite { site: site(), expected_version: None, actor: String::new(), reason: String::new() },
        Command::RenewSession { node: 1, session: 1, seq: u64::MAX },
        reach(Some(epoch)),
        reach(None),
        Command::ReportTakeover {
            node: 1,
            segment: segment(),
            epoch,
            connected: Timestamp(i64::MIN),
            read: Timestamp(0),
            enabled: Timestamp(i64::MAX),
            devices_reached: 1,
            devices: u32::MAX,
        },
        Command::ReportReconciled { node: 1, segment: segment(), epoch, outcomes: outcomes.map(|outcome| (tag(), outcome)).into() },
        quarantine(Some("")),
        quarantine(None),
        quarantine(Some("five crashes in a minute")),
        Command::SetDraining { node: 1, draining: true, actor: "ann".into(), reason: "why".into() },
        Command::SetDraining { node: 9, draining: false, actor: String::new(), reason: String::new() },
        Command::PlaceSegments,
        Command::ReleaseHold { tag: tag(), actor: "ann".into(), reason: "why".into() },
        Command::ReleaseSegment { node: 3, session: u64::MAX, segment: segment(), epoch: u64::MAX },
        Command::ExpireSession { node: 1, session: u64::MAX, seq: 0 },
        Command::EndSession { node: 3, session: 1 },
    ]
}

/// One of every command about control, so that some is had, asked for and lost in each way.
fn every_authority_command() -> Vec<Command> {
    let text = |text: &str| text.to_owned();
    let take = |scope: &str, actor: &str, hold| AuthorityCommand::Take {
        scope: Scope::parse(scope).expect("a scope"),
        actor: text(actor),
        client: text("desk"),
        reason: text("cooldown"),
        hold: Duration::from_secs(hold),
    };
    let (device, segment) = (|| Scope::Device(name("chiller-1")), || Scope::Segment(name("cryo")));
    let commands = [
        take("device/chiller-1", "ann", 30),
        AuthorityCommand::Break { scope: segment(), actor: text("bob"), reason: text("smoke") },
        take("segment/cryo", "ann", u64::from(u32::MAX)),
        take("segment/cryo", "ann", 600),
        AuthorityCommand::Renew { scope: segment(), actor: text("ann"), client: text("desk") },
        AuthorityCommand::Ask { scope: device(), actor: text("bob"), reason: text("my turn") },
        AuthorityCommand::Give { scope: Scope::Group(name("cryostat")), actor: text("ann") },
    ];
    commands.into_iter().map(Command::Authority).chain([Command::FireTimers]).collect()
}

/// One of every command about alarms, in an order in which most of them do something.
fn every_alarm_command() -> Vec<Command> {
    let alarm = || AlarmId::parse("cryo/chiller-1/comm-fault").expect("an alarm");
    let (actor, reason) = (|| "ann".to_owned(), || "why".to_owned());
    let value = Some(Value::F64(30.5));
    let words = [
        Word::Active { severity: 1, value: value.clone() },
        Word::Clear { value: None },
        Word::Bad { cause: "timeout".into() },
        Word::Good,
        Word::Suppressed(true),
        Word::Suppressed(false),
        Word::Chattering { cycles: u32::MAX, active: true, severity: u8::MAX, value },
    ];
    let report = |epoch| {
        let word = |(at, word): (i64, &Word)| ConditionWord { alarm: alarm(), at: Timestamp(at), word: word.clone() };
        let words = (1..).zip(&words).map(word).collect();
        AlarmCommand::Report { node: 1, segment: "cryo".into(), epoch, words }
    };
    let clock = AlarmId::parse("system/clock/node-a").expect("an alarm");
    let commands = [
        // The epoch under which the commands about owners have left the segment.
        report(3),
        report(u64::MAX),
        AlarmCommand::ReportSystem { node: 1, session: 1, words: vec![(clock, true, "ahead".into())] },
        AlarmCommand::Acknowledge { alarm: alarm(), occurrence: 1, actor: actor(), comment: reason() },
        AlarmCommand::Shelve { alarm: alarm(), until: Some(Timestamp(2_000)), actor: actor(), reason: reason() },
        AlarmCommand::Unshelve { alarm: alarm(), actor: actor(), reason: reason() },
        AlarmCommand::Shelve { alarm: alarm(), until: None, actor: actor(), reason: reason() },
        AlarmCommand::OutOfService { alarm: alarm(), actor: actor(), reason: reason() },
        AlarmCommand::ReturnToService { alarm: alarm(), actor: actor(), reason: reason() },
        AlarmCommand::Reset { alarm: alarm(), actor: actor(), reason: reason() },
        AlarmCommand::Comment { alarm: alarm(), actor: actor(), text: reason() },
        AlarmCommand::OutOfService { alarm: alarm(), actor: actor(), reason: reason() },
    ];
    commands.map(Command::Alarm).into()
}

/// The site with an interlock.
fn guarded() -> SiteSpec {
    let path = TagPath::parse("cryo/chiller-1/setpoint").expect("a path");
    let mut guarded = site();
    let tag = TagSpec {
        register: Register { table: Table::Holding, address: 0 },
        value_type: ValueType::F32,
        access: Access::ReadWrite,
        safe: Some(Value::F64(5.0)),
        ..TagSpec::default()
    };
    guarded.devices.values_mut().for_each(|device| drop(device.tags.insert(name("setpoint"), tag.clone())));
    let interlock = InterlockSpec {
        stage: Stage::Protect,
        require: "true".into(),
        tags: vec![path],
        max_age: InterlockSpec::MAX_AGE_DEFAULT,
        ..InterlockSpec::default()
    };
    guarded.interlocks.insert(name("lid"), interlock);
    let route = RouteSpec { webhook: Some("http://pager.lab/".into()), min_priority: Priority::Low, ..RouteSpec::default() };
    guarded.routes = BTreeMap::from([(name("ops"), route.clone()), (name("night"), route)]);
    guarded
}

/// One of every command about interlocks, under a declaration that has one, so that it trips, latches and is defeated.
fn every_interlock_command() -> Vec<Command> {
    let text = |text: &str| text.to_owned();
    let path = TagPath::parse("cryo/chiller-1/setpoint").expect("a path");
    let lid = || name("lid");
    let tripped = Verdict::Tripped { why: text("the lid is open") };
    let report = |node, epoch, verdict, forced| InterlockCommand::Report {
        node,
        segment: text("cryo"),
        epoch,
        states: vec![(lid(), verdict)],
        forced,
    };
    let commands = [
        report(1, 3, tripped, vec![(lid(), path)]),
        report(u64::MAX, 0, Verdict::Healthy, vec![]),
        InterlockCommand::EndDefeat { interlock: lid(), actor: text("ann"), reason: text("why") },
        InterlockCommand::Defeat { interlock: lid(), until: Timestamp(2_000), actor: text("ann"), reason: text("why") },
        InterlockCommand::Reset { interlock: lid(), actor: text("ann"), reason: text("why") },
    ];
    let before = Command::ApplySite { site: guarded(), expected_version: None, actor: text("ann"), reason: text("why") };
    [before].into_iter().chain(commands.into_iter().map(Command::Interlock)).collect()
}

/// One of every command about notices, under the declaration of [`every_interlock_command`], which has two routes, so that some wait and
/// some are given up.
fn every_notice_command() -> Vec<Command> {
    let text = |text: &str| text.to_owned();
    let test = |route| NoticeCommand::Test { route: name(route), actor: text("ann"), reason: text("why") };
    let failed = |number, attempt| NoticeCommand::Failed { number, attempt, why: text("no answer") };
    let mut commands = vec![test("ops"), test("night"), test("ops"), NoticeCommand::Sent { numbers: vec![1, u64::MAX] }];
    commands.extend((1..=ATTEMPTS_MAX).map(|attempt| failed(2, attempt)));
    commands.push(failed(3, 1));
    commands.into_iter().map(Command::Notice).collect()
}

/// One of every command about actions, ramps and selections, in an order in which most of them do something.
fn every_operate_command() -> Vec<Command> {
    let (actor, reason) = (|| "ann".to_owned(), || "why".to_owned());
    let path = |tag: &str| TagPath::parse(&format!("cryo/chiller-1/{tag}")).expect("a path");
    let id = |n: u8| CommandId([n; 16]);
    let number = || Value::F64(20.5);
    let mut ramped = guarded();
    let tag = |address| TagSpec {
        register: Register { table: Table::Holding, address },
        value_type: ValueType::F32,
        access: Access::ReadWrite,
        ramp_per_s: Some(0.5),
        ..TagSpec::default()
    };
    let selected = TagSpec { select: Some(Duration::from_secs(10)), ramp_per_s: None, ..tag(24) };
    let tags = [(name("one"), tag(16)), (name("two"), tag(20)), (name("three"), selected)];
    ramped.devices.values_mut().for_each(|device| device.tags.extend(tags.clone()));
    let set =
        |n, tag| Command::SubmitSetpoint(SetpointRequest { tag: path(tag), deadline: Timestamp(60_000), ..setpoint(n, number(), None) });
    let told = |n, tag, progress| OperateCommand::ReportRamp {
        node: 1,
        segment: "cryo".into(),
        // As many epochs as the commands about owners, the last declaration and the restarts have given it.
        epoch: 3,
        tag: path(tag),
        command: id(n),
        progress,
    };
    let steer = |tag, how| OperateCommand::Steer { tag: path(tag), how, actor: actor(), reason: reason() };
    let select =
        |n, value| OperateCommand::Select(SelectionRequest { id: id(n), tag: path("three"), value, actor: actor(), client: "desk".into() });
    let action = |value| {
        let (deadline, actor, reason) = (Timestamp(i64::MAX), actor(), reason());
        OperateCommand::SubmitAction(ActionRequest { id: id(73), tag: path("one"), value, deadline, actor, reason })
    };
    let commands = [
        told(71, "one", RampProgress::Started(number())),
        steer("one", Steer::Hold),
        told(71, "one", RampProgress::Held(number())),
        steer("one", Steer::Resume),
        told(71, "one", RampProgress::Resumed(number())),
        steer("two", Steer::Stop),
        told(72, "two", RampProgress::Stopped(Some(number()))),
        told(72, "two", RampProgress::Stopped(None)),
        action(None),
        action(Some(Value::Bool(true))),
        OperateCommand::Cancel { id: id(99), actor: actor(), reason: reason() },
        select(74, Some(number())),
        OperateCommand::Deselect { id: id(74), tag: path("three"), actor: actor() },
        select(75, None),
        select(75, Some(number())),
    ];
    let declared = Command::ApplySite { site: ramped, expected_version: None, actor: actor(), reason: reason() };
    [declared, set(71, "one"), set(72, "two")].into_iter().chain(commands.map(Command::Operate)).collect()
}

/// A deed under an id, twice: of what is asked for above, the one that can always be done.
fn every_deed() -> Vec<Command> {
    let drain = Command::SetDraining { node: 1, draining: true, actor: "ann".into(), reason: "why".into() };
    vec![Command::Once { id: CommandId([80; 16]), deed: Box::new(drain) }; 2]
}

#[test]
fn every_command_comes_back() {
    for command in every_command() {
        assert_eq!(decode(&encode(&command)), Ok(command));
    }
}

#[test]
fn a_batch_comes_back_without_its_commands_being_touched() {
    let commands: Vec<Bytes> = every_command().iter().map(encode).collect();
    let batch = encode_batch(Timestamp(i64::MIN), commands.clone());
    assert_eq!(decode_batch(batch), Ok((Timestamp(i64::MIN), commands)));
    assert_eq!(decode_batch(encode_batch(Timestamp(0), vec![])), Ok((Timestamp(0), vec![])));
}

#[test]
fn what_is_no_command_is_refused_and_never_a_panic() {
    for bytes in [&[][..], &[0xff], &[0x0a, 0x00], &[0x32, 0x02, 0x0a, 0x00]] {
        assert!(decode(bytes).is_err(), "{bytes:02x?}");
    }
    // Any cut-off of anything.
    for command in every_command() {
        let bytes = encode(&command);
        for len in 0..bytes.len() {
            // Some cut-offs are messages too: what they decode to is whatever it is.
            drop(decode(&bytes[..len]));
            drop(decode_batch(bytes.slice(..len)));
        }
    }
}
