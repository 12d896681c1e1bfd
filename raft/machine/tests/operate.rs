//! Actions in the replicated state: what is taken, what is refused, and what becomes of those that nobody begins.

#![expect(clippy::panic, reason = "a test that cannot go on says with what it was answered")]

use labkeeper_machine::{
    ACTIONS_MAX, ActionRequest, Command, CommandKind, CommandRecord, CommandReport, Machine, NodeInfo, OperateCommand, Rejection, Reply,
    SetpointRequest, Stamp,
};
use labkeeper_model::site::{Access, ActionSpec, DeviceSpec, Register, SegmentSpec, SiteSpec, Table, TagSpec, ValueType};
use labkeeper_model::{CommandId, CommandState, ErrorCode, LeaseTerms, Name, TagPath, Timestamp, Value};
use std::sync::Arc;

struct Lab {
    machine: Machine,
    index: u64,
    now: Timestamp,
}

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

fn path(tag: &str) -> TagPath {
    TagPath::parse(&format!("hall/plc-1/{tag}")).expect("a path")
}

fn site() -> SiteSpec {
    let tag = |address, action| TagSpec {
        register: Register { table: Table::Coil, address },
        value_type: ValueType::Bool,
        access: Access::ReadWrite,
        action,
        ..TagSpec::default()
    };
    let tags = [(name("start"), tag(0, Some(ActionSpec::default()))), (name("valve"), tag(1, None))].into();
    let plc = DeviceSpec { segment: name("hall"), address: "127.0.0.1:502".into(), tags, ..DeviceSpec::default() };
    SiteSpec { segments: [(name("hall"), SegmentSpec::default())].into(), devices: [(name("plc-1"), plc)].into(), ..SiteSpec::default() }
}

impl Lab {
    fn new() -> Self {
        let mut lab = Self { machine: Machine::new(), index: 0, now: Timestamp::from_millis(1_000_000) };
        let node =
            NodeInfo { name: name("a"), instance: [1; 16], grpc: "host:1".into(), http: "http://host:2".into(), reach: vec!["*".into()] };
        lab.apply(Command::FoundSite { site_id: [1; 16], node }).expect("founded");
        lab.declare(site());
        lab
    }

    fn apply(&mut self, command: Command) -> Result<Reply, Rejection> {
        self.index += 1;
        let reply = self.machine.apply(Stamp { index: self.index, time: self.now, term: 1 }, command).reply;
        assert_eq!(self.machine.violations(), []);
        reply
    }

    fn declare(&mut self, site: SiteSpec) {
        self.apply(Command::ApplySite { site, expected_version: None, actor: "ann".into(), reason: String::new() }).expect("applied");
    }

    fn open(&mut self) {
        self.apply(Command::OpenSession { node: 1, after: 0, terms: LeaseTerms::default() }).expect("opened");
    }

    fn run(&mut self, id: u8, tag: &str) -> Result<Arc<CommandRecord>, ErrorCode> {
        let deadline = self.now.saturating_add(std::time::Duration::from_secs(10));
        let request =
            ActionRequest { id: CommandId([id; 16]), tag: path(tag), value: None, deadline, actor: "ann".into(), reason: String::new() };
        self.command(Command::Operate(OperateCommand::SubmitAction(request)))
    }

    fn cancel(&mut self, id: u8) -> Result<Arc<CommandRecord>, ErrorCode> {
        let (id, actor, reason) = (CommandId([id; 16]), "bob".into(), String::new());
        self.command(Command::Operate(OperateCommand::Cancel { id, actor, reason }))
    }

    fn command(&mut self, command: Command) -> Result<Arc<CommandRecord>, ErrorCode> {
        match self.apply(command) {
            Ok(Reply::Command(record)) => Ok(record),
            Ok(other) => panic!("{other:?}"),
            Err(rejection) => Err(rejection.code),
        }
    }

    fn report(&mut self, id: u8, state: CommandState, mark: Option<Value>) -> u32 {
        let epoch = self.machine.ownership("hall").epoch;
        let report = CommandReport { id: CommandId([id; 16]), epoch, state, time: self.now, error: None, mark };
        let reply = self.apply(Command::ReportCommands { node: 1, reports: vec![report] });
        let Ok(Reply::Reported { refused }) = reply else { panic!("{reply:?}") };
        refused
    }

    fn record(&self, id: u8) -> &CommandRecord {
        self.machine.command(&CommandId([id; 16])).expect("remembered")
    }
}

fn refused(record: &CommandRecord) -> Option<ErrorCode> {
    record.error.as_ref().map(|error| error.0)
}

#[test]
fn an_action_is_taken_once_and_keeps_what_its_owner_has_marked() {
    let mut lab = Lab::new();
    lab.open();
    let record = lab.run(1, "start").expect("taken");
    assert_eq!(
        (record.kind, record.state(), record.accepted.clone()),
        (CommandKind::Action, CommandState::Committed, Some(Value::Bool(true)))
    );
    assert_eq!(lab.run(1, "start").expect("the same"), record, "a repeated id is no second action");
    assert_eq!(lab.run(1, "valve"), Err(ErrorCode::CommandIdReused));
    assert!(lab.machine.setpoint(&path("start")).is_none(), "an action is no setpoint");

    assert_eq!(lab.report(1, CommandState::Dispatched, Some(Value::U64(41))), 0);
    let begun = lab.record(1);
    assert_eq!((begun.mark.clone(), begun.dispatched_epoch), (Some(Value::U64(41)), Some(lab.machine.ownership("hall").epoch)));
    assert_eq!(lab.machine.outstanding("hall").count(), 1);
    assert_eq!(lab.cancel(1), Err(ErrorCode::NotCancellable));
    lab.report(1, CommandState::Written, None);
    assert_eq!((lab.record(1).state(), lab.machine.outstanding("hall").count()), (CommandState::Written, 0));
    assert_eq!(lab.report(1, CommandState::Failed, None), 1, "it has ended");
}

#[test]
fn actions_are_not_conflated_and_their_queue_is_bounded() {
    let mut lab = Lab::new();
    lab.open();
    let most = u8::try_from(ACTIONS_MAX).expect("few");
    for id in 1..=most {
        assert_eq!(refused(&lab.run(id, "start").expect("taken")), None);
    }
    assert_eq!(lab.machine.outstanding("hall").count(), ACTIONS_MAX, "none took another's place");
    let busy = lab.run(most + 1, "start").expect("an answer");
    assert_eq!((busy.state(), refused(&busy)), (CommandState::Rejected, Some(ErrorCode::TooManyActions)));
    assert_eq!(lab.cancel(1).expect("nobody has begun").state(), CommandState::Cancelled);
    assert_eq!(lab.cancel(1).expect("twice is once").state(), CommandState::Cancelled);
    assert_eq!(refused(&lab.run(most + 2, "start").expect("taken")), None, "there is room again");
}

#[test]
fn setpoints_and_actions_are_not_mixed() {
    let mut lab = Lab::new();
    assert_eq!(refused(&lab.run(1, "valve").expect("an answer")), Some(ErrorCode::TagIsNoAction));
    let request = SetpointRequest {
        id: CommandId([2; 16]),
        tag: path("start"),
        value: Value::Bool(true),
        expected_revision: None,
        deadline: lab.now.saturating_add(std::time::Duration::from_secs(10)),
        actor: "ann".into(),
        reason: String::new(),
        ramp_per_s: None,
    };
    assert_eq!(refused(&lab.command(Command::SubmitSetpoint(request)).expect("an answer")), Some(ErrorCode::TagIsAction));
    assert_eq!(lab.cancel(9), Err(ErrorCode::UnknownCommand));
}

#[test]
fn what_nobody_began_expires_with_certainty_and_what_was_begun_does_not() {
    let mut lab = Lab::new();
    lab.open();
    for id in 1..=2 {
        lab.run(id, "start").expect("taken");
    }
    lab.report(1, CommandState::Dispatched, None);
    let session = lab.machine.session(1).expect("open").id;
    lab.apply(Command::EndSession { node: 1, session }).expect("ended");
    lab.now = lab.now.saturating_add(std::time::Duration::from_secs(11));
    lab.apply(Command::ExpireCommands).expect("done");
    assert_eq!(lab.record(2).state(), CommandState::Expired, "it was owned, but an action is never begun in silence");
    assert_eq!(lab.record(1).state(), CommandState::Dispatched, "whoever owns it next settles it");

    let mut without = site();
    without.devices.get_mut("plc-1").expect("the device").tags.remove("start");
    lab.declare(without);
    assert_eq!(lab.record(1).state(), CommandState::Unknown);
}
