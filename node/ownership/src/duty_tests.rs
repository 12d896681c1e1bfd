use super::*;
use labkeeper_machine::{Command, NodeInfo, SetpointRequest, Stamp};
use labkeeper_model::site::{
    Access, DeviceSpec, DriverKind, Fencing, OnLeaseLoss, Register, SegmentSpec, SiteSpec, Table, TagSpec, ValueType, WordOrder,
};
use labkeeper_model::{CommandId, LeaseTerms, TagPath, Timestamp, Value};

fn duty(epoch: Epoch, stance: Stance) -> (String, Duty) {
    (format!("s{epoch}"), Duty { epoch, stance })
}

fn never(_: &str, _: Epoch) -> bool {
    false
}

fn segment(epoch: Epoch) -> String {
    format!("s{epoch}")
}

#[test]
fn what_is_right_is_left_alone() {
    assert_eq!(steps(&[duty(1, Stance::Keep)].into(), &[(segment(1), 1)].into(), never), []);
}

#[test]
fn what_is_over_goes_before_anything_is_taken() {
    let duties = [duty(1, Stance::Keep), duty(2, Stance::Keep)].into();
    let kept = [(segment(1), 9), (segment(3), 3)].into();
    let expected = [
        Step::LetGo { segment: segment(1), epoch: 9 },
        Step::LetGo { segment: segment(3), epoch: 3 },
        Step::Take { segment: segment(1), epoch: 1 },
        Step::Take { segment: segment(2), epoch: 2 },
    ];
    assert_eq!(steps(&duties, &kept, never), expected);
}

#[test]
fn a_segment_with_a_successor_is_released_until_the_state_has_it_and_never_taken() {
    let duties = [duty(4, Stance::HandOver)].into();
    let release = [Step::Release { segment: segment(4), epoch: 4 }];
    assert_eq!(steps(&duties, &[(segment(4), 4)].into(), never), release);
    assert_eq!(steps(&duties, &BTreeMap::new(), never), release);
}

#[test]
fn a_release_is_not_taken_back_when_the_successor_is_withdrawn() {
    let duties = [duty(4, Stance::Keep), duty(5, Stance::Keep)].into();
    let release = Step::Release { segment: segment(4), epoch: 4 };
    let take = Step::Take { segment: segment(5), epoch: 5 };
    assert_eq!(steps(&duties, &BTreeMap::new(), |released, epoch| released == segment(4) && epoch == 4), [release, take]);
}

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

fn path(tag: &str) -> TagPath {
    TagPath::parse(tag).expect("a path")
}

fn apply(machine: &mut Machine, command: Command) {
    let index = machine.applied() + 1;
    let reply = machine.apply(Stamp { index, time: Timestamp::from_millis(1_000), term: 1 }, command).reply;
    assert!(reply.is_ok(), "{reply:?}");
}

fn open(machine: &mut Machine, node: NodeId) {
    let after = machine.session(node).map_or(0, |session| session.id);
    apply(machine, Command::OpenSession { node, after, terms: LeaseTerms::default() });
}

/// Two nodes, each with a segment at home; in `cryo` a chiller with a setpoint and one that is held after a takeover.
fn site() -> SiteSpec {
    let tag = |takeover| TagSpec {
        description: String::new(),
        register: Register { table: Table::Holding, address: 0 },
        value_type: ValueType::F64,
        word_order: WordOrder::Big,
        access: Access::ReadWrite,
        unit: String::new(),
        scale: 1.0,
        offset: 0.0,
        deadband: 0.0,
        limits: None,
        verify: None,
        takeover,
        safe: None,
        dangerous: false,
        alarms: vec![],
        ..TagSpec::default()
    };
    use labkeeper_model::site::Takeover::{Adopt, Hold};
    let held = TagSpec { register: Register { table: Table::Holding, address: 4 }, ..tag(Hold) };
    let chiller = DeviceSpec {
        segment: name("cryo"),
        description: String::new(),
        driver: DriverKind::ModbusTcp,
        address: "10.0.0.1:502".into(),
        unit_id: 1,
        poll: DeviceSpec::POLL_DEFAULT,
        timeout: DeviceSpec::TIMEOUT_DEFAULT,
        fencing: Fencing::LeaseOnly,
        watchdog: None,
        on_lease_loss: OnLeaseLoss::Hold,
        simulate: None,
        tags: [(name("setpoint"), tag(Adopt)), (name("laser"), held)].into(),
        ..DeviceSpec::default()
    };
    let segment = |home| SegmentSpec { description: String::new(), home: Some(name(home)) };
    let segments = [(name("cryo"), segment("a")), (name("hall"), segment("b"))].into();
    SiteSpec { segments, devices: [(name("chiller"), chiller)].into(), ..SiteSpec::default() }
}

/// A founded site, and the numbers of its two nodes, both of which have a session.
fn lab() -> (Machine, NodeId, NodeId) {
    let mut machine = Machine::new();
    let node = |text: &str| NodeInfo {
        name: name(text),
        instance: [text.as_bytes()[0]; 16],
        grpc: format!("{text}:7600"),
        http: format!("http://{text}:7680"),
        reach: vec!["*".into()],
    };
    apply(&mut machine, Command::FoundSite { site_id: [1; 16], node: node("a") });
    apply(&mut machine, Command::AdmitNode { node: node("b") });
    apply(&mut machine, Command::ApplySite { site: site(), expected_version: None, actor: "ann".into(), reason: String::new() });
    let nodes: Vec<NodeId> = machine.nodes().keys().copied().collect();
    open(&mut machine, nodes[1]);
    open(&mut machine, nodes[0]);
    (machine, nodes[0], nodes[1])
}

fn session(machine: &Machine, node: NodeId) -> Option<SessionId> {
    machine.session(node).map(|session| session.id)
}

fn stances(machine: &Machine, node: NodeId, session: Option<SessionId>) -> Vec<(String, Stance)> {
    duties(machine, node, session).into_iter().map(|(segment, duty)| (segment, duty.stance)).collect()
}

#[test]
fn only_what_is_granted_to_the_very_session_is_a_duty() {
    let (mut machine, a, b) = lab();
    let first = session(&machine, b);
    assert_eq!(duties(&machine, b, None), BTreeMap::new());
    let before = duties(&machine, b, first);
    assert!(before.contains_key("cryo"), "the first to open a session was granted everything: {before:?}");
    open(&mut machine, b);
    assert_eq!(duties(&machine, b, first), BTreeMap::new(), "it was granted again, to the next session");
    let after = duties(&machine, b, session(&machine, b));
    assert!(before.iter().all(|(segment, duty)| after[segment].epoch > duty.epoch), "{before:?} {after:?}");
    assert_eq!(duties(&machine, a, session(&machine, b)), BTreeMap::new());
}

#[test]
fn a_drained_node_hands_over_and_so_does_the_owner_of_a_segment_that_left_the_site() {
    let (mut machine, _, b) = lab();
    let drain = Command::SetDraining { node: b, draining: true, actor: "ann".into(), reason: String::new() };
    apply(&mut machine, drain);
    let owned = stances(&machine, b, session(&machine, b));
    assert!(!owned.is_empty() && owned.iter().all(|(_, stance)| *stance == Stance::HandOver), "{owned:?}");
    assert_eq!(stances(&machine, b, Some(SessionId::MAX)), [], "another session's segments are not its to hand over");

    let (mut machine, a, b) = lab();
    let gone = SiteSpec { segments: [(name("hall"), SegmentSpec::default())].into(), ..SiteSpec::default() };
    apply(&mut machine, Command::ApplySite { site: gone, expected_version: None, actor: "ann".into(), reason: String::new() });
    let owner = machine.ownership("cryo").owner.expect("it is not released");
    assert!([a, b].contains(&owner));
    assert!(stances(&machine, owner, session(&machine, owner)).contains(&("cryo".into(), Stance::HandOver)));
}

#[test]
fn commands_wait_for_their_device_and_for_the_operator() {
    let (mut machine, ..) = lab();
    let set = |number: u8, tag: &str| {
        Command::SubmitSetpoint(SetpointRequest {
            id: CommandId([number; 16]),
            tag: path(tag),
            value: Value::F64(f64::from(number)),
            expected_revision: None,
            deadline: Timestamp::from_millis(9_000),
            actor: "ann".into(),
            reason: String::new(),
            ramp_per_s: None,
        })
    };
    apply(&mut machine, set(1, "cryo/chiller/setpoint"));
    apply(&mut machine, set(2, "cryo/chiller/laser"));
    apply(&mut machine, set(3, "cryo/chiller/laser"));
    let mut takeover = Takeover::new(machine.site(), "cryo", Timestamp::default(), crate::Moment(0));
    let open_for = |machine: &Machine, takeover: &Takeover| -> Vec<u8> {
        commands(machine, "cryo", takeover).into_iter().map(|(record, _)| record.id.0[0]).collect()
    };
    assert_eq!(open_for(&machine, &takeover), [0; 0], "the chiller was not read");
    takeover.handle_read(&name("chiller"), vec![], Timestamp::default());
    assert_eq!(open_for(&machine, &takeover), [1, 3]);

    let owner = machine.ownership("cryo").owner.expect("an owner");
    open(&mut machine, owner);
    assert!(machine.hold(&path("cryo/chiller/laser")).is_some(), "it was set before and taken over");
    assert_eq!(open_for(&machine, &takeover), [1]);
}
