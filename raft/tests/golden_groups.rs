//! The same promise as in `golden.rs`, for what people and owners say about alarms, control, interlocks and actions, and for a state that
//! has all of it: such a state is what nodes of this version have on their disks.

#[path = "golden/file.rs"]
mod file;

use file::{check, golden};
use labkeeper_alarm::Word;
use labkeeper_machine::interlocks::Verdict;
use labkeeper_machine::{
    ActionRequest, AlarmCommand, AuthorityCommand, Command, CommandReport, ConditionWord, Dump, InterlockCommand, Machine, NodeInfo,
    OperateCommand, RampProgress, Reply, SelectionRequest, SetpointRequest, Stamp, Steer,
};
use labkeeper_model::site::{
    Access, ActionSpec, AlarmKind, AlarmSpec, DeviceSpec, InterlockSpec, Levels, Register, RouteSpec, SegmentSpec, SiteSpec, Stage, Table,
    TagSpec, ValueType,
};
use labkeeper_model::{AlarmId, CommandId, CommandState, Epoch, LeaseTerms, Name, NodeId, Scope, TagPath, Timestamp, Value};
use labkeeper_raft::codec::{command, snapshot};
use std::time::Duration;

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

fn path(tag: &str) -> TagPath {
    TagPath::parse(&format!("cryo/chiller-1/{tag}")).expect("a path")
}

fn alarm() -> AlarmId {
    AlarmId::of_tag(&path("setpoint"), &name("high"))
}

fn id(n: u8) -> CommandId {
    CommandId([n; 16])
}

/// The site was owned by its founder under two epochs before it had a session.
const EPOCH: Epoch = 3;
const NODE: NodeId = 1;
const DEADLINE: Timestamp = Timestamp(60_000_000_000);

type Named = (&'static str, Command);

fn ann() -> String {
    "ann".into()
}

fn why() -> String {
    "why".into()
}

/// In the order of a history in which each of them is accepted.
fn commands() -> Vec<Named> {
    let interlock = |file, verdict, forced| {
        let states = vec![(name("lid"), verdict)];
        let report = InterlockCommand::Report { node: NODE, segment: "cryo".into(), epoch: EPOCH, states, forced };
        (file, Command::Interlock(report))
    };
    let healthy = interlock("command-interlock-report.v3", Verdict::Healthy, vec![]);
    let open = Verdict::Tripped { why: "it is open".into() };
    let tripped = interlock("command-interlock-tripped.v3", open, vec![(name("lid"), path("setpoint"))]);
    let first = [
        ("command-fire-timers.v3", Command::FireTimers),
        ("command-confirm-site.v3", Command::ConfirmSite { node: NODE, session: 1, version: 1 }),
    ];
    first.into_iter().chain(of_alarms()).chain([healthy]).chain(of_commands()).chain([tripped]).chain(of_people()).collect()
}

fn of_alarms() -> Vec<Named> {
    let word = |at, word| ConditionWord { alarm: alarm(), at: Timestamp(at), word };
    let words =
        vec![word(7, Word::Active { severity: 1, value: Some(Value::F64(31.0)) }), word(8, Word::Bad { cause: "no answer".into() })];
    let (alarm, actor) = (alarm(), ann());
    let until = Some(DEADLINE);
    let told = [
        ("command-alarm-report.v3", AlarmCommand::Report { node: NODE, segment: "cryo".into(), epoch: EPOCH, words }),
        (
            "command-alarm-acknowledge.v3",
            AlarmCommand::Acknowledge { alarm: alarm.clone(), occurrence: 1, actor: actor.clone(), comment: why() },
        ),
        ("command-alarm-shelve.v3", AlarmCommand::Shelve { alarm: alarm.clone(), until, actor: actor.clone(), reason: why() }),
        ("command-alarm-comment.v3", AlarmCommand::Comment { alarm, actor, text: "seen".into() }),
    ];
    told.into_iter().map(|(file, command)| (file, Command::Alarm(command))).collect()
}

fn of_commands() -> Vec<Named> {
    let (tag, command) = (path("setpoint"), id(2));
    let setpoint = SetpointRequest {
        id: command,
        tag: tag.clone(),
        value: Value::F64(12.5),
        expected_revision: None,
        deadline: DEADLINE,
        actor: ann(),
        reason: why(),
        ramp_per_s: Some(0.5),
    };
    let started = CommandReport { id: command, epoch: EPOCH, state: CommandState::Dispatched, time: Timestamp(9), error: None, mark: None };
    let progress = RampProgress::Started(Value::F64(20.0));
    let begun = OperateCommand::ReportRamp { node: NODE, segment: "cryo".into(), epoch: EPOCH, tag: tag.clone(), command, progress };
    let action = ActionRequest { id: id(1), tag: path("start"), value: None, deadline: DEADLINE, actor: ann(), reason: why() };
    let select = SelectionRequest { id: id(3), tag: path("valve"), value: Some(Value::Bool(true)), actor: ann(), client: "cli".into() };
    vec![
        ("command-setpoint-ramp.v3", Command::SubmitSetpoint(setpoint)),
        ("command-report-dispatched.v3", Command::ReportCommands { node: NODE, reports: vec![started] }),
        ("command-ramp-report.v3", Command::Operate(begun)),
        ("command-ramp-steer.v3", Command::Operate(OperateCommand::Steer { tag, how: Steer::Hold, actor: "bob".into(), reason: why() })),
        ("command-action.v3", Command::Operate(OperateCommand::SubmitAction(action))),
        ("command-select.v3", Command::Operate(OperateCommand::Select(select))),
    ]
}

fn of_people() -> Vec<Named> {
    let scope = Scope::Segment(name("cryo"));
    let hold = Duration::from_secs(30);
    let take = AuthorityCommand::Take { scope: scope.clone(), actor: ann(), client: "cli".into(), reason: why(), hold };
    let ask = AuthorityCommand::Ask { scope, actor: "bob".into(), reason: why() };
    let remark = AlarmCommand::Comment { alarm: alarm(), actor: ann(), text: why() };
    let defeat = InterlockCommand::Defeat { interlock: name("lid"), until: DEADLINE, actor: ann(), reason: why() };
    vec![
        ("command-interlock-defeat.v3", Command::Interlock(defeat)),
        ("command-control-take.v3", Command::Authority(take)),
        ("command-control-ask.v3", Command::Authority(ask)),
        ("command-cancel.v3", Command::Operate(OperateCommand::Cancel { id: id(1), actor: ann(), reason: why() })),
        ("command-once.v4", Command::Once { id: id(9), deed: Box::new(Command::Alarm(remark)) }),
    ]
}

fn site() -> SiteSpec {
    let at = |table: Table, address: u16, tag: TagSpec| {
        let mut tag = TagSpec { access: Access::ReadWrite, ..tag };
        tag.register = Register { table, address };
        tag
    };
    let kind = AlarmKind::Levels(Levels { hi: Some(30.0), ..Levels::default() });
    let high = AlarmSpec { name: name("high"), kind, ..AlarmSpec::default() };
    let setpoint = TagSpec {
        value_type: ValueType::F64,
        alarms: vec![high],
        safe: Some(Value::F64(5.0)),
        ramp_per_s: Some(1.0),
        ..TagSpec::default()
    };
    let start = TagSpec { action: Some(ActionSpec::default()), ..TagSpec::default() };
    let valve = TagSpec { value_type: ValueType::Bool, select: Some(Duration::from_secs(10)), ..TagSpec::default() };
    let tags = [
        (name("setpoint"), at(Table::Holding, 0, setpoint)),
        (name("start"), at(Table::Holding, 8, start)),
        (name("valve"), at(Table::Coil, 0, valve)),
    ]
    .into();
    let device = DeviceSpec { segment: name("cryo"), address: "chiller.lab:502".into(), tags, ..DeviceSpec::default() };
    let lid = InterlockSpec {
        stage: Stage::Protect,
        require: "cryo/chiller-1/start < 1".into(),
        tags: vec![path("setpoint")],
        max_age: Duration::from_secs(5),
        ..InterlockSpec::default()
    };
    SiteSpec {
        name: "lab".into(),
        segments: [(name("cryo"), SegmentSpec { home: None, ..SegmentSpec::default() })].into(),
        devices: [(name("chiller-1"), device)].into(),
        interlocks: [(name("lid"), lid)].into(),
        routes: [(name("ops"), RouteSpec { webhook: Some("http://pager.lab/".into()), ..RouteSpec::default() })].into(),
        ..SiteSpec::default()
    }
}

/// What the commands make of a site.
fn machine() -> Machine {
    let founder =
        NodeInfo { name: name("lab-a"), instance: [7; 16], grpc: "a:1".into(), http: "http://a:2".into(), reach: vec!["*".into()] };
    let begin = [
        Command::FoundSite { site_id: *b"site-of-16-bytes", node: founder },
        Command::ApplySite { site: site(), expected_version: None, actor: "ann".into(), reason: String::new() },
        Command::OpenSession { node: 1, after: 0, terms: LeaseTerms::default() },
    ];
    let mut machine = Machine::new();
    for (index, command) in (1_u64..).zip(begin.into_iter().chain(commands().into_iter().map(|(_, command)| command))) {
        let at = Stamp { index, time: Timestamp(1_000 + i64::try_from(index).expect("small")), term: 3 };
        let applied = machine.apply(at, command.clone());
        let nothing = Ok(Reply::Reported { refused: 0 });
        let is_taken = applied.reply.is_ok() && (!matches!(applied.reply, Ok(Reply::Reported { .. })) || applied.reply == nothing);
        assert!(is_taken, "{command:?}: {:?}, {:?}", applied.reply, machine.ownership("cryo"));
    }
    assert_eq!(machine.violations(), vec![]);
    machine
}

#[test]
fn commands_of_groups() {
    for (file, value) in commands() {
        check(file, &value, |value| command::encode(value).to_vec(), |bytes| command::decode(&bytes).expect("a command"));
    }
}

/// A state of this version's format is restored as it was, and written again as it was.
#[test]
fn a_state_with_everything() {
    let bytes = golden("snapshot.v4", || snapshot::encode(&machine().dump()).to_vec());
    let dump = snapshot::decode(&bytes).expect("a state");
    assert_eq!(snapshot::encode(&dump).to_vec(), bytes, "the bytes written differ");
    let restored = has_everything(dump, 3);
    assert!(restored.deeds().get(&id(9)).is_some());
}

/// One that knew no deeds has none.
#[test]
fn a_state_of_format_3() {
    let dump = snapshot::decode(&golden("snapshot.v3", || panic!("format 3 is written no more"))).expect("a state");
    assert!(has_everything(dump, 2).deeds().is_empty());
}

fn has_everything(dump: Dump, comments: usize) -> Machine {
    let restored = Machine::restore(dump);
    assert!(restored.faults().is_empty(), "{:?}", restored.faults());
    let alarm = restored.alarm(&alarm()).expect("an alarm");
    assert!(alarm.overrides.shelf.is_some() && alarm.comments.len() == comments, "{alarm:?}");
    assert!(restored.ramp(&path("setpoint")).is_some() && restored.selection(&path("valve")).is_some());
    assert_eq!(restored.command(&id(1)).map(|record| record.state()), Some(CommandState::Cancelled));
    assert!(restored.interlock("lid").is_some_and(|lid| lid.defeat().is_some()));
    restored
}
