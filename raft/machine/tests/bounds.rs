//! Every bound on what is kept, from both sides: the longest that is taken, and one more.

use labkeeper_machine::authority::HOLD_MAX;
use labkeeper_machine::notices::OUTBOX_MAX;
use labkeeper_machine::once::DEEDS_MAX;
use labkeeper_machine::text::{ACTOR_LEN_MAX, DETAIL_LEN_MAX, MESSAGE_LEN_MAX, REASON_LEN_MAX, VALUE_LEN_MAX};
use labkeeper_machine::{
    AuthorityCommand, Command, CommandReport, Machine, NODES_MAX, NodeInfo, NoticeCommand, Reconciled, Rejection, Reply, SetpointRequest,
    Stamp, TAKEOVERS_MAX,
};
use labkeeper_model::site::{
    Access, DeviceSpec, DriverKind, Fencing, OnLeaseLoss, Register, RouteSpec, SegmentSpec, SiteSpec, Table, TagSpec, Takeover, ValueType,
    WordOrder,
};
use labkeeper_model::{CommandId, CommandState, ErrorCode, LeaseTerms, Name, Scope, TagPath, Timestamp, Value};
use std::sync::Arc;

struct Lab {
    machine: Machine,
    index: u64,
}

impl Lab {
    /// A site of one node and one device with a text of eight bytes and a real number.
    fn new() -> Self {
        let mut lab = Self { machine: Machine::new(), index: 0 };
        lab.apply(Command::FoundSite { site_id: [1; 16], node: node("a") }).expect("founded");
        lab.apply(Command::ApplySite { site: site(), expected_version: None, actor: "ann".into(), reason: String::new() })
            .expect("applied");
        lab
    }

    fn apply(&mut self, command: Command) -> Result<Reply, Rejection> {
        self.index += 1;
        self.machine.apply(Stamp { index: self.index, time: Timestamp::from_millis(1_000_000), term: 1 }, command).reply
    }

    /// The node starts again.
    fn open(&mut self) {
        let after = self.machine.session(1).map_or(0, |session| session.id);
        self.apply(Command::OpenSession { node: 1, after, terms: LeaseTerms::default() }).expect("opened");
    }

    fn set(&mut self, request: SetpointRequest) -> Result<Reply, ErrorCode> {
        self.apply(Command::SubmitSetpoint(request)).map_err(|rejection| rejection.code)
    }
}

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

fn node(text: &str) -> NodeInfo {
    NodeInfo { name: name(text), instance: instance(text), grpc: "host:1".into(), http: "http://host:2".into(), reach: vec!["*".into()] }
}

fn instance(text: &str) -> [u8; 16] {
    let mut instance = [0; 16];
    instance.iter_mut().zip(text.bytes()).for_each(|(byte, letter)| *byte = letter);
    instance
}

fn tag(value_type: ValueType, address: u16) -> TagSpec {
    TagSpec {
        description: String::new(),
        register: Register { table: Table::Holding, address },
        value_type,
        word_order: WordOrder::Big,
        access: Access::ReadWrite,
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

fn site() -> SiteSpec {
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
        tags: [(name("label"), tag(ValueType::Text(8), 0)), (name("setpoint"), tag(ValueType::F64, 10))].into(),
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

fn request(number: u8, path: &str, value: Value) -> SetpointRequest {
    SetpointRequest {
        id: CommandId([number; 16]),
        tag: TagPath::parse(path).expect("a path"),
        value,
        expected_revision: None,
        deadline: Timestamp::from_millis(1_010_000),
        actor: "ann".into(),
        reason: String::new(),
        ramp_per_s: None,
    }
}

const SETPOINT: &str = "cryo/chiller-1/setpoint";

#[test]
fn texts_of_a_request_are_bounded_and_what_is_too_long_is_not_remembered() {
    let mut lab = Lab::new();
    let long = |actor: usize, reason: usize| SetpointRequest {
        actor: "a".repeat(actor),
        reason: "r".repeat(reason),
        ..request(1, SETPOINT, Value::F64(1.0))
    };
    assert_eq!(lab.set(long(ACTOR_LEN_MAX + 1, 0)), Err(ErrorCode::BadRequest));
    assert_eq!(lab.set(long(0, REASON_LEN_MAX + 1)), Err(ErrorCode::BadRequest));
    let text = |len: usize| request(1, "cryo/chiller-1/label", Value::Text("v".repeat(len)));
    assert_eq!(lab.set(text(VALUE_LEN_MAX + 1)), Err(ErrorCode::BadRequest));
    assert_eq!(lab.machine.command(&CommandId([1; 16])), None);
    assert!(lab.set(long(ACTOR_LEN_MAX, REASON_LEN_MAX)).is_ok());

    let number_2 = SetpointRequest { id: CommandId([2; 16]), ..text(VALUE_LEN_MAX) };
    let Ok(Reply::Command(record)) = lab.set(number_2) else { panic!("remembered") };
    assert_eq!(record.state(), CommandState::Rejected);
    assert!(record.error.as_ref().is_some_and(|(code, message)| *code == ErrorCode::OutOfRange && message.len() <= MESSAGE_LEN_MAX));
}

#[test]
fn the_outbox_is_bounded_and_what_is_given_up_for_lack_of_room_is_an_alarm() {
    let mut lab = Lab::new();
    let route = RouteSpec { webhook: Some("http://pager.lab/".into()), ..RouteSpec::default() };
    let site = SiteSpec { routes: [(name("ops"), route)].into(), ..site() };
    lab.apply(Command::ApplySite { site, expected_version: None, actor: "ann".into(), reason: String::new() }).expect("applied");
    let test = |actor: usize| {
        let (actor, reason) = ("a".repeat(actor), String::new());
        Command::Notice(NoticeCommand::Test { route: name("ops"), actor, reason })
    };
    assert!(lab.apply(test(ACTOR_LEN_MAX + 1)).is_err_and(|rejection| rejection.code == ErrorCode::BadRequest));
    let is_shown = |lab: &Lab| lab.machine.alarm_records().any(|(id, _)| id.as_str() == "system/notify-failed/ops");
    (0..OUTBOX_MAX).for_each(|_| drop(lab.apply(test(ACTOR_LEN_MAX)).expect("kept")));
    assert_eq!((lab.machine.notices().count(), is_shown(&lab)), (OUTBOX_MAX, false));
    lab.apply(test(0)).expect("kept");
    // The alarm is itself told by the route, for which another had to go.
    assert_eq!((lab.machine.notices().count(), is_shown(&lab)), (OUTBOX_MAX, true));
    let record = lab.machine.notice_routes().next().map(|(_, record)| record).expect("a route");
    assert_eq!((record.given_up, lab.machine.notices_given_up().count()), (2, 2));
    assert!(lab.machine.violations().is_empty());
}

#[test]
fn the_oldest_deed_is_forgotten_first() {
    let mut lab = Lab::new();
    let take = |n: usize, client: &str| {
        let (scope, actor, client) = (Scope::parse("device/chiller-1").expect("a scope"), "ann".to_owned(), client.to_owned());
        let deed = Command::Authority(AuthorityCommand::Take { scope, actor, client, reason: String::new(), hold: HOLD_MAX });
        Command::Once { id: CommandId((n as u128).to_be_bytes()), deed: Box::new(deed) }
    };
    (0..=DEEDS_MAX).for_each(|n| drop(lab.apply(take(n, "desk")).expect("taken")));
    assert_eq!(lab.machine.deeds().len(), DEEDS_MAX);
    let reused = |reply: Result<Reply, Rejection>| reply.is_err_and(|rejection| rejection.code == ErrorCode::CommandIdReused);
    assert!(reused(lab.apply(take(1, "bench"))), "the second is still known, as what it was");
    assert!(lab.apply(take(0, "bench")).is_ok(), "the first may be another deed by now");
    assert!(lab.machine.violations().is_empty());
}

#[test]
fn texts_of_a_site_change_and_of_a_removal_are_bounded() {
    let mut lab = Lab::new();
    let change = |actor: usize, reason: usize| Command::ApplySite {
        site: SiteSpec::default(),
        expected_version: None,
        actor: "a".repeat(actor),
        reason: "r".repeat(reason),
    };
    assert!(lab.apply(change(ACTOR_LEN_MAX + 1, 0)).is_err_and(|rejection| rejection.code == ErrorCode::BadRequest));
    assert!(lab.apply(change(0, REASON_LEN_MAX + 1)).is_err_and(|rejection| rejection.code == ErrorCode::BadRequest));
    assert_eq!(lab.machine.site_version(), 1);
    assert_eq!(lab.apply(change(ACTOR_LEN_MAX, REASON_LEN_MAX)), Ok(Reply::SiteVersion(2)));
    let removal = Command::RemoveNode { id: 1, actor: "a".repeat(ACTOR_LEN_MAX + 1) };
    assert!(lab.apply(removal).is_err_and(|rejection| rejection.code == ErrorCode::BadRequest));
}

#[test]
fn an_owners_words_are_cut() {
    let mut lab = Lab::new();
    lab.set(request(1, SETPOINT, Value::F64(1.0))).expect("committed");
    let report = CommandReport {
        id: CommandId([1; 16]),
        epoch: 1,
        state: CommandState::Failed,
        time: Timestamp::from_millis(1_000_001),
        error: Some((ErrorCode::DeviceRefused, "\u{1f9ca}".repeat(MESSAGE_LEN_MAX))),
        mark: None,
    };
    assert_eq!(lab.apply(Command::ReportCommands { node: 1, reports: vec![report] }), Ok(Reply::Reported { refused: 0 }));
    let record = lab.machine.command(&CommandId([1; 16])).expect("remembered");
    assert!(record.error.as_ref().is_some_and(|(_, message)| message.len() <= MESSAGE_LEN_MAX && message.ends_with("\u{1f9ca}...")));
}

#[test]
fn an_audit_entry_shows_the_beginning_of_a_large_change() {
    let mut lab = Lab::new();
    let mut large = site();
    let description = "d".repeat(DETAIL_LEN_MAX);
    large.devices.values_mut().for_each(|device| device.description = description.clone());
    large.segments.extend((0..30).map(|n| (name(&format!("hall-{n}")), SegmentSpec::default())));
    lab.apply(Command::ApplySite { site: large.clone(), expected_version: None, actor: "ann".into(), reason: String::new() })
        .expect("applied");
    assert!(lab.machine.audit().all(|entry| entry.detail.len() <= DETAIL_LEN_MAX));
    let entry = lab.machine.audit().rfind(|entry| entry.action == "site").expect("an entry");
    assert!(entry.detail.contains("+ segments.hall-0\n") && entry.detail.ends_with("and 11 more"), "{}", entry.detail);

    let mut long = large;
    long.devices.values_mut().for_each(|device| device.description = "e".repeat(2_000));
    lab.apply(Command::ApplySite { site: long, expected_version: None, actor: "ann".into(), reason: String::new() }).expect("applied");
    let entry = lab.machine.audit().next_back().expect("an entry");
    assert!(entry.detail.len() <= DETAIL_LEN_MAX && entry.detail.ends_with("ddd..."), "{}", entry.detail);
}

#[test]
fn a_node_is_bounded() {
    let mut lab = Lab::new();
    let bad = [
        NodeInfo { grpc: "g".repeat(301), ..node("b") },
        NodeInfo { http: "h".repeat(301), ..node("b") },
        NodeInfo { reach: vec!["cryo".into(); 1_001], ..node("b") },
        NodeInfo { reach: vec!["r".repeat(65)], ..node("b") },
        NodeInfo { reach: vec![String::new()], ..node("b") },
    ];
    for node in bad {
        for command in
            [Command::AdmitNode { node: node.clone() }, Command::UpdateNode { id: 1, node: NodeInfo { instance: instance("a"), ..node } }]
        {
            let reply = lab.apply(command.clone());
            assert!(reply.is_err_and(|rejection| rejection.code == ErrorCode::BadRequest), "{command:?}");
        }
    }
    let longest = NodeInfo { grpc: "g".repeat(300), http: "h".repeat(300), reach: vec!["cryo".into(); 1_000], ..node("b") };
    assert!(lab.apply(Command::AdmitNode { node: longest }).is_ok());
    assert!(lab.machine.audit().all(|entry| entry.detail.len() <= DETAIL_LEN_MAX));
}

#[test]
fn a_site_has_only_so_many_nodes_and_room_again_when_one_leaves() {
    let mut lab = Lab::new();
    for n in 1..NODES_MAX {
        assert!(lab.apply(Command::AdmitNode { node: node(&format!("n{n}")) }).is_ok(), "{n}");
    }
    let one_more = || Command::AdmitNode { node: node("one-more") };
    assert!(lab.apply(one_more()).is_err_and(|rejection| rejection.code == ErrorCode::BadRequest));
    assert_eq!(lab.machine.nodes().len(), NODES_MAX);
    assert!(lab.apply(Command::RemoveNode { id: 1, actor: "ann".into() }).is_ok());
    assert!(lab.apply(one_more()).is_ok());
}

/// Half a million years of use cannot be waited for; a damaged snapshot can get there at once.
#[test]
fn a_number_at_the_end_of_its_range_stays_there() {
    let mut lab = Lab::new();
    lab.set(request(1, SETPOINT, Value::F64(1.0))).expect("committed");
    let mut dump = lab.machine.dump();
    dump.ownerships.values_mut().for_each(|ownership| ownership.epoch = u64::MAX);
    dump.setpoints.values_mut().for_each(|setpoint| Arc::make_mut(setpoint).revision = u64::MAX);
    (dump.site_version, dump.audit, dump.audit_next) = (u64::MAX, vec![], u64::MAX);
    lab.machine = Machine::restore(dump);

    let Ok(Reply::Command(record)) = lab.set(request(2, SETPOINT, Value::F64(2.0))) else { panic!("committed") };
    assert_eq!(record.revision, u64::MAX);
    let empty = Command::ApplySite { site: SiteSpec::default(), expected_version: None, actor: "ann".into(), reason: String::new() };
    assert_eq!(lab.apply(empty), Ok(Reply::SiteVersion(u64::MAX)));
    let ownership = lab.machine.ownership("cryo");
    assert_eq!((ownership.owner, ownership.epoch), (None, u64::MAX));
    assert!(lab.machine.audit().all(|entry| entry.number == u64::MAX));
}

#[test]
fn the_last_session_of_all_can_still_be_opened_and_renewed() {
    let mut lab = Lab::new();
    lab.open();
    let mut dump = lab.machine.dump();
    dump.last_session = u64::MAX;
    lab.machine = Machine::restore(dump);
    let open = Command::OpenSession { node: 1, after: u64::MAX, terms: LeaseTerms::default() };
    assert_eq!(lab.apply(open), Ok(Reply::Session(u64::MAX)));
    assert_eq!(lab.apply(Command::RenewSession { node: 1, session: u64::MAX, seq: u64::MAX }), Ok(Reply::Done));
    assert_eq!(lab.machine.ownership("cryo").session, u64::MAX);
}

#[test]
fn texts_about_drains_holds_and_quarantines_are_bounded() {
    let mut lab = Lab::new();
    lab.open();
    let tag = || TagPath::parse(SETPOINT).expect("a path");
    let texts = [("a".repeat(ACTOR_LEN_MAX + 1), String::new()), (String::new(), "r".repeat(REASON_LEN_MAX + 1))];
    for (actor, reason) in texts {
        let drain = Command::SetDraining { node: 1, draining: true, actor: actor.clone(), reason: reason.clone() };
        for command in [drain, Command::ReleaseHold { tag: tag(), actor, reason }] {
            assert!(lab.apply(command).is_err_and(|rejection| rejection.code == ErrorCode::BadRequest));
        }
    }
    let epoch = lab.machine.ownership("cryo").epoch;
    let reason = Some("\u{1f9ca}".repeat(MESSAGE_LEN_MAX));
    assert_eq!(lab.apply(Command::SetQuarantine { node: 1, device: name("chiller-1"), epoch, reason }), Ok(Reply::Done));
    assert!(lab.machine.quarantined().all(|(_, quarantine)| quarantine.reason.len() <= MESSAGE_LEN_MAX));
    assert_eq!(lab.machine.quarantined().count(), 1);
}

#[test]
fn a_reading_that_is_too_long_to_keep_is_refused() {
    let mut lab = Lab::new();
    lab.open();
    let label = TagPath::parse("cryo/chiller-1/label").expect("a path");
    lab.set(request(1, label.as_str(), Value::Text("cold".into()))).expect("committed");
    let epoch = lab.machine.ownership("cryo").epoch;
    let mut told = |len: usize| {
        let outcomes = vec![(label.clone(), Reconciled::Adopted { actual: Value::Text("v".repeat(len)) })];
        lab.apply(Command::ReportReconciled { node: 1, segment: "cryo".into(), epoch, outcomes })
    };
    assert_eq!(told(VALUE_LEN_MAX), Ok(Reply::Reported { refused: 0 }));
    assert_eq!(told(VALUE_LEN_MAX + 1), Ok(Reply::Reported { refused: 1 }));
}

#[test]
fn only_the_latest_takeovers_are_kept() {
    let mut lab = Lab::new();
    for _ in 0..TAKEOVERS_MAX + 5 {
        lab.open();
    }
    assert_eq!(lab.machine.takeovers().count(), TAKEOVERS_MAX);
    let epochs: Vec<u64> = lab.machine.takeovers().map(|record| record.epoch).collect();
    assert_eq!(epochs.last(), Some(&lab.machine.ownership("cryo").epoch));
    assert!(epochs.is_sorted());
}

#[test]
fn a_large_reconciliation_is_one_entry_of_the_audit() {
    let mut lab = Lab::new();
    lab.open();
    lab.set(request(1, SETPOINT, Value::F64(1.0))).expect("committed");
    let epoch = lab.machine.ownership("cryo").epoch;
    let tag = TagPath::parse(SETPOINT).expect("a path");
    let outcomes = vec![(tag, Reconciled::Unreadable); 10_000];
    let before = lab.machine.audit().count();
    lab.apply(Command::ReportReconciled { node: 1, segment: "cryo".into(), epoch, outcomes }).expect("told");
    assert_eq!(lab.machine.audit().count(), before + 1);
}
