//! Bytes that were written once still mean the same: a file in `golden/` is never changed, and what this version writes for the same
//! thing is the same to the byte.
//!
//! A new kind of thing gets a new file: `UPDATE=1 cargo test -p labkeeper-raft --test golden` writes those that are missing, and only
//! those.

#[path = "golden/file.rs"]
mod file;

use file::{check, golden};
use labkeeper_machine::{
    AuditEntry, Cause, Command, CommandRecord, CommandReport, Cooldown, Drift, Dump, Hold, HoldReason, Machine, NodeInfo, NoticeCommand,
    Ownership, Quarantine, ReachWord, Reconciled, Rejection, Reply, Session, SetpointRequest, Stamp, TakeoverRecord, TakeoverReport,
    Vacancy, state::Setpoint,
};
use labkeeper_model::site::{
    Access, AlarmKind, AlarmSpec, DeviceSpec, DriverKind, Fencing, Guidance, Levels, Limits, OnLeaseLoss, Priority, Problem, Register,
    SegmentSpec, Severity, SiteSpec, TagSpec, Takeover, ValueType, Verify, WordOrder,
};
use labkeeper_model::{CommandId, CommandState, ErrorCode, LeaseTerms, Name, TagPath, Timestamp, Value};
use labkeeper_raft::Identity;
use labkeeper_raft::codec::{command, log, reply, snapshot};
use labkeeper_raft::store::data_dir::DataDir;
use labkeeper_raft::store::disk::{Disk, Op};
use labkeeper_raft::store::layout;
use labkeeper_raft::store::snapshots::{SnapshotDir, Snapshots};
use labkeeper_raft::store::writer::WriterThread;
use labkeeper_raft::types::{EncodedBatch, Entry, LeaderId, LogId, Member, Membership, Payload, SnapshotMeta, StoredMembership, Vote};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

fn path() -> TagPath {
    TagPath::parse("cryo/chiller-1/setpoint").expect("a path")
}

fn node() -> NodeInfo {
    NodeInfo {
        name: name("node-a"),
        instance: *b"instance-of-16-b",
        grpc: "10.0.0.1:7400".into(),
        http: "http://10.0.0.1:8080".into(),
        reach: vec!["cryo".into(), "*".into()],
    }
}

fn site() -> SiteSpec {
    let alarm = AlarmSpec {
        name: name("hot"),
        kind: AlarmKind::Levels(Levels { hi: Some(35.5), ..Levels::default() }),
        deadband: 0.5,
        on_delay: Duration::from_secs(3),
        priority: Priority::High,
        guidance: Guidance { action: "open the valve".into(), ..Guidance::default() },
        ..AlarmSpec::default()
    };
    let tag = TagSpec {
        description: "outlet".into(),
        register: Register::parse("holding:10").expect("a register"),
        value_type: ValueType::F32,
        word_order: WordOrder::Little,
        access: Access::ReadWrite,
        unit: "degC".into(),
        scale: 0.1,
        offset: -40.0,
        deadband: 0.05,
        limits: Some(Limits { min: 5.0, max: 40.0 }),
        verify: Some(Verify { readback: name("setpoint"), tolerance: 0.2, timeout: Duration::from_secs(30) }),
        takeover: Takeover::Reassert,
        safe: None,
        dangerous: false,
        alarms: vec![alarm],
        ..TagSpec::default()
    };
    let device = DeviceSpec {
        segment: name("cryo"),
        description: "chiller".into(),
        driver: DriverKind::ModbusTcp,
        address: "10.1.0.40:502".into(),
        unit_id: 7,
        poll: Duration::from_millis(250),
        timeout: Duration::from_millis(900),
        fencing: Fencing::LeaseOnly,
        watchdog: None,
        on_lease_loss: OnLeaseLoss::Hold,
        simulate: Some("chiller".into()),
        tags: BTreeMap::from([(name("setpoint"), tag)]),
        ..DeviceSpec::default()
    };
    let segment = SegmentSpec { description: "basement".into(), home: Some(name("node-a")) };
    SiteSpec {
        name: "Low temperature lab".into(),
        failback: Some(SiteSpec::FAILBACK_DEFAULT),
        segments: BTreeMap::from([(name("cryo"), segment)]),
        devices: BTreeMap::from([(name("chiller-1"), device)]),
        ..SiteSpec::default()
    }
}

fn first_commands() -> [(&'static str, Command); 8] {
    let submit = SetpointRequest {
        id: CommandId(*b"command-of-16-by"),
        tag: path(),
        value: Value::F64(-12.25),
        expected_revision: Some(3),
        deadline: Timestamp(1_800_000_000_000_000_000),
        actor: "ann".into(),
        reason: "warm up".into(),
        ramp_per_s: None,
    };
    let report = CommandReport {
        id: CommandId(*b"command-of-16-by"),
        epoch: 5,
        state: CommandState::Failed,
        time: Timestamp(1_800_000_000_000_000_001),
        error: Some((ErrorCode::WriteFailed, "exception 2".into())),
        mark: None,
    };
    [
        ("command-found-site.v1", Command::FoundSite { site_id: *b"site-of-16-bytes", node: node() }),
        ("command-admit-node.v1", Command::AdmitNode { node: node() }),
        ("command-update-node.v1", Command::UpdateNode { id: 17, node: node() }),
        ("command-remove-node.v1", Command::RemoveNode { id: 17, actor: "ann".into() }),
        (
            "command-apply-site.v1",
            Command::ApplySite { site: site(), expected_version: Some(2), actor: "ann".into(), reason: "why".into() },
        ),
        ("command-submit-setpoint.v1", Command::SubmitSetpoint(submit)),
        ("command-report-commands.v1", Command::ReportCommands { node: 17, reports: vec![report] }),
        ("command-expire-commands.v1", Command::ExpireCommands),
    ]
}

fn terms() -> LeaseTerms {
    let ms = Duration::from_millis;
    LeaseTerms { renew: ms(300), lease: ms(1_500), guard: ms(400), drift_ppm: 10_000 }
}

/// The commands about who drives what.
fn tenure_commands() -> [(&'static str, Command); 12] {
    let terms = terms();
    let outcomes = [
        Reconciled::Matches,
        Reconciled::Adopted { actual: Value::F64(-12.5) },
        Reconciled::Reasserted { actual: Value::I64(3) },
        Reconciled::DrivenSafe { actual: Value::U64(4) },
        Reconciled::Held { actual: Value::Bool(true) },
        Reconciled::Unreadable,
    ];
    let (segment, at) = ("cryo".to_owned(), |nanos: i64| Timestamp(1_800_000_000_000_000_000 + nanos));
    [
        ("command-open-session.v1", Command::OpenSession { node: 17, after: 4, terms }),
        ("command-renew-session.v1", Command::RenewSession { node: 17, session: 5, seq: 6 }),
        ("command-expire-session.v1", Command::ExpireSession { node: 17, session: 5, seq: 6 }),
        ("command-end-session.v1", Command::EndSession { node: 17, session: 5 }),
        ("command-release-segment.v1", Command::ReleaseSegment { node: 17, session: 5, segment: segment.clone(), epoch: 7 }),
        ("command-set-draining.v1", Command::SetDraining { node: 17, draining: true, actor: "ann".into(), reason: "why".into() }),
        ("command-place-segments.v1", Command::PlaceSegments),
        (
            "command-report-reach.v1",
            Command::ReportReach { node: 17, session: 5, segment: segment.clone(), epoch: Some(7), reached: 1, of: 4 },
        ),
        (
            "command-report-takeover.v1",
            Command::ReportTakeover {
                node: 17,
                segment: segment.clone(),
                epoch: 7,
                connected: at(1),
                read: at(2),
                enabled: at(3),
                devices_reached: 3,
                devices: 4,
            },
        ),
        (
            "command-report-reconciled.v1",
            Command::ReportReconciled { node: 17, segment, epoch: 7, outcomes: outcomes.map(|outcome| (path(), outcome)).into() },
        ),
        ("command-release-hold.v1", Command::ReleaseHold { tag: path(), actor: "ann".into(), reason: "why".into() }),
        (
            "command-set-quarantine.v1",
            Command::SetQuarantine { node: 17, device: name("chiller-1"), epoch: 7, reason: Some("five crashes in a minute".into()) },
        ),
    ]
}

fn notice_commands() -> [(&'static str, Command); 3] {
    let failed = NoticeCommand::Failed { number: 4, attempt: 2, why: "the server answered 503".into() };
    let test = NoticeCommand::Test { route: name("ops"), actor: "ann".into(), reason: "commissioning".into() };
    [
        ("command-notices-sent.v1", Command::Notice(NoticeCommand::Sent { numbers: vec![3, u64::MAX] })),
        ("command-notice-failed.v1", Command::Notice(failed)),
        ("command-notice-test.v1", Command::Notice(test)),
    ]
}

fn record() -> CommandRecord {
    CommandRecord {
        id: CommandId(*b"command-of-16-by"),
        tag: path(),
        asked: Value::I64(-12),
        accepted: Some(Value::F64(-12.0)),
        revision: 4,
        expected_revision: Some(3),
        deadline: Timestamp(1_800_000_000_000_000_000),
        actor: "ann".into(),
        reason: "warm up".into(),
        log_index: 1_234,
        steps: vec![(CommandState::Committed, Timestamp(7)), (CommandState::Failed, Timestamp(8))],
        error: Some((ErrorCode::WriteFailed, "exception 2".into())),
        owner: Some(17),
        kind: labkeeper_machine::CommandKind::Setpoint,
        ramp_per_s: None,
        mark: None,
        dispatched_epoch: None,
    }
}

fn id(index: u64) -> LogId {
    LogId { leader_id: LeaderId { term: 3, node_id: 17 }, index }
}

fn membership() -> Membership {
    let nodes: BTreeMap<u64, Member> = [1, 17, 30].into_iter().map(|n| (n, Member { grpc: format!("10.0.0.{n}:7400") })).collect();
    Membership::new(vec![BTreeSet::from([1]), BTreeSet::from([1, 17])], nodes).expect("valid")
}

/// A state as version 0.1 kept it.
fn first_state() -> Dump {
    let setpoint = Setpoint {
        value: Value::F64(-12.0),
        revision: 4,
        command_id: CommandId(*b"command-of-16-by"),
        actor: "ann".into(),
        reason: "warm up".into(),
        state: CommandState::Failed,
    };
    let audit = AuditEntry {
        number: 1,
        log_index: 1_234,
        time: Timestamp(7),
        actor: "ann".into(),
        action: "setpoint".into(),
        target: path().to_string(),
        detail: "-> -12 degC".into(),
        reason: "warm up".into(),
        command_id: Some(CommandId(*b"command-of-16-by")),
        refused: Some(ErrorCode::OutOfLimits),
        before: String::new(),
        after: String::new(),
        hash: None,
    };
    Dump {
        applied: 1_234,
        time: Timestamp(9),
        site_id: Some(*b"site-of-16-bytes"),
        site: Arc::new(site()),
        site_version: 2,
        nodes: BTreeMap::from([(1, node())]),
        ownerships: BTreeMap::from([("cryo".into(), Ownership { owner: Some(1), epoch: 5, ..Ownership::default() })]),
        setpoints: BTreeMap::from([(path(), Arc::new(setpoint))]),
        commands: vec![Arc::new(record())],
        audit: vec![Arc::new(audit)],
        audit_next: 2,
        ..Dump::default()
    }
}

/// A state with something of everything.
fn state() -> Dump {
    let terms = terms();
    let alive = Session { id: 8, seq: 9, alive: true, opened: Timestamp(2), renewed: Timestamp(3), ended: None, terms };
    let ended = Session { id: 5, alive: false, ended: Some(Timestamp(4)), ..alive };
    let vacancy = Vacancy { from: 17, cause: Cause::SessionExpired, last_renewal: Timestamp(3), since: Timestamp(4) };
    let owned = Ownership { owner: Some(1), session: 8, epoch: 5, since: Timestamp(5), successor: Some(17), vacancy: None };
    let vacant = Ownership { epoch: 6, since: Timestamp(4), vacancy: Some(vacancy), ..Ownership::default() };
    let takeover = TakeoverRecord {
        segment: "cryo".into(),
        from: Some(17),
        to: 1,
        epoch: 5,
        cause: Cause::SessionExpired,
        last_renewal: Some(Timestamp(3)),
        ended: Some(Timestamp(4)),
        assigned: Timestamp(5),
        log_index: 1_200,
        report: Some(TakeoverReport { connected: Timestamp(6), read: Timestamp(7), enabled: Timestamp(8), devices_reached: 3, devices: 4 }),
    };
    let first = TakeoverRecord { from: None, cause: Cause::First, last_renewal: None, ended: None, report: None, ..takeover.clone() };
    let word = ReachWord { reached: 1, of: 4, at: Timestamp(8), since: Timestamp(7) };
    let hold = Hold { reason: HoldReason::Dangerous, epoch: 5, since: Timestamp(5), actual: Some(Value::F64(-12.5)) };
    let drift = Drift { outcome: Reconciled::Adopted { actual: Value::F64(-12.5) }, epoch: 5, since: Timestamp(5) };
    let quarantine = Quarantine { node: 1, epoch: 5, since: Timestamp(8), reason: "five crashes".into(), segment: name("cryo") };
    Dump {
        ownerships: BTreeMap::from([("cryo".into(), owned), ("hall".into(), vacant)]),
        sessions: BTreeMap::from([(1, alive), (17, ended)]),
        last_session: 8,
        draining: BTreeSet::from([1]),
        words: BTreeMap::from([("cryo".into(), BTreeMap::from([(1, word)]))]),
        cooldowns: BTreeMap::from([("cryo".into(), Cooldown { moved: Timestamp(5), rest: Duration::from_secs(10) })]),
        takeovers: vec![Arc::new(first), Arc::new(takeover)],
        holds: BTreeMap::from([(path(), hold)]),
        drifts: BTreeMap::from([(path(), drift)]),
        quarantined: BTreeMap::from([(name("chiller-1"), quarantine)]),
        ..first_state()
    }
}

#[test]
fn commands_and_batches() {
    for (file, value) in first_commands().into_iter().chain(tenure_commands()).chain(notice_commands()) {
        check(file, &value, |c| command::encode(c).into(), |bytes| command::decode(&bytes).expect(file));
    }
    let batch = (Timestamp(1_800_000_000_000_000_000), first_commands().map(|(_, c)| command::encode(&c)).to_vec());
    let encode = |(time, commands): &(Timestamp, Vec<bytes::Bytes>)| command::encode_batch(*time, commands.clone()).into();
    check("batch.v1", &batch, encode, |bytes| command::decode_batch(bytes.into()).expect("a batch"));
}

#[test]
fn replies() {
    let problem = Problem { severity: Severity::Error, path: vec!["devices".into()], what: "wrong".into(), remedy: "right".into() };
    let rejection = Rejection { code: ErrorCode::SiteInvalid, message: "refused".into(), problems: vec![problem] };
    let replies = [
        ("reply-done.v1", Ok(Reply::Done)),
        ("reply-node.v1", Ok(Reply::Node(17))),
        ("reply-site-version.v1", Ok(Reply::SiteVersion(2))),
        ("reply-command.v1", Ok(Reply::Command(Arc::new(record())))),
        ("reply-reported.v1", Ok(Reply::Reported { refused: 3 })),
        ("reply-session.v1", Ok(Reply::Session(5))),
        ("reply-expired.v1", Ok(Reply::Expired { ended: true })),
        ("reply-not-expired.v1", Ok(Reply::Expired { ended: false })),
        ("reply-rejected.v1", Err(rejection)),
    ];
    for (file, value) in replies {
        check(file, &value, |r| reply::encode(r).into(), |bytes| reply::decode(&bytes).expect(file));
    }
}

#[test]
fn the_log() {
    let payloads = [
        ("entry-blank.v1", Payload::Blank),
        (
            "entry-batch.v1",
            Payload::Normal(EncodedBatch(command::encode_batch(Timestamp(5), vec![command::encode(&Command::ExpireCommands)]))),
        ),
        ("entry-membership.v1", Payload::Membership(membership())),
    ];
    for (file, payload) in payloads {
        let entry = Entry { log_id: id(1_234), payload };
        check(file, &entry, log::encode_entry, |bytes| log::decode_entry(bytes.into()).expect(file));
    }
    check("vote.v1", &Vote::new_committed(3, 17), log::encode_vote, |bytes| log::decode_vote(&bytes).expect("a vote"));
    check("log-id.v1", &id(1_234), log::encode_log_id, |bytes| log::decode_log_id(&bytes).expect("an id"));
    let meta = SnapshotMeta { last_log_id: Some(id(1_234)), last_membership: StoredMembership::new(Some(id(9)), membership()) };
    check("snapshot-meta.v1", &meta, log::encode_meta, |bytes| log::decode_meta(&bytes).expect("a description"));
}

#[test]
fn the_state() {
    let again = snapshot::decode(&snapshot::encode(&state())).expect("a state");
    assert_eq!(again, state());
}

/// What version 2 of the format has means the same.
#[test]
fn the_state_of_the_second_format() {
    let dump = snapshot::decode(&golden("snapshot.v2", || panic!("format 2 is written no more"))).expect("a state");
    assert_eq!(dump, state());
}

/// A node that starts over the snapshot of version 0.1 knows everything in it, and owns nothing until it opens a session: epochs go on.
#[test]
fn the_state_of_the_first_version() {
    let dump = snapshot::decode(&golden("snapshot.v1", || panic!("version 0.1 wrote it"))).expect("a state");
    assert_eq!(dump, first_state());
    let mut machine = Machine::restore(dump);
    assert!(machine.faults().is_empty());
    assert_eq!(machine.ownership("cryo").owner, None);
    assert_eq!(machine.setpoint(&path()).map(|setpoint| setpoint.revision), Some(4));
    let at = Stamp { index: 1_235, time: Timestamp(10), term: 1 };
    let opened = machine.apply(at, Command::OpenSession { node: 1, after: 0, terms: LeaseTerms::default() });
    assert_eq!(opened.reply, Ok(Reply::Session(1)));
    let ownership = machine.ownership("cryo");
    assert_eq!((ownership.owner, ownership.session), (Some(1), 1));
    assert!(ownership.epoch > 5, "{ownership:?}");
}

#[test]
fn keys_and_values_of_the_log() {
    let written = |ops: Vec<Op>| -> Vec<u8> {
        let pairs = ops.into_iter().map(|op| match op {
            Op::Put(key, value) => [key, value].concat(),
            Op::Remove(_) => panic!("a put was expected"),
        });
        pairs.collect::<Vec<_>>().concat()
    };
    let entry = written(layout::put_entry(1_234, b"the bytes of an entry"));
    assert_eq!(golden("log-entry-pair.v1", || entry.clone()), entry);
    let mark = written(vec![layout::put_mark(layout::VOTE, b"the bytes of a vote")]);
    assert_eq!(golden("log-mark-pair.v1", || mark.clone()), mark);
}

#[test]
fn identity_of_a_directory() {
    let identity = Identity { node_id: 17, site_id: *b"site-of-16-bytes" };
    let bytes = golden("identity.v1", || {
        let dir = tempfile::tempdir().expect("a directory");
        DataDir::open(dir.path(), &name("node-a")).expect("a directory").settle(identity).expect("room");
        std::fs::read(dir.path().join("identity")).expect("a file")
    });
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("identity"), bytes).expect("room");
    assert_eq!(DataDir::open(dir.path(), &name("node-a")).expect("a directory").identity(), Some(identity));
}

#[tokio::test]
async fn file_of_a_snapshot() {
    const NAME: &str = "00000000000000001234-3-17.snap";
    let meta = SnapshotMeta { last_log_id: Some(id(1_234)), last_membership: StoredMembership::new(Some(id(9)), membership()) };
    let open = |dir: &Path, named: Option<&str>| {
        let files = SnapshotDir::open(dir, |e| panic!("{e}")).expect("a directory");
        let writer = WriterThread::start(Arc::new(Nowhere), |e| panic!("{e}")).expect("a thread");
        Snapshots::open(Arc::new(files), Arc::new(writer), named.map(str::to_owned)).expect("intact")
    };
    let dir = tempfile::tempdir().expect("a directory");
    let (snapshots, _) = open(dir.path(), None);
    snapshots.save(meta.clone(), || snapshot::encode(&state())).await.expect("room");
    let written = std::fs::read(dir.path().join(NAME)).expect("a file");
    let second = golden("snapshot-file.v2", || panic!("format 2 is written no more"));
    let first = golden("snapshot-file.v1", || panic!("version 0.1 wrote it"));
    for (bytes, state) in [(written, state()), (second, state()), (first, first_state())] {
        let old = tempfile::tempdir().expect("a directory");
        std::fs::write(old.path().join(NAME), bytes).expect("room");
        let (read, bytes) = open(old.path(), Some(NAME)).1.expect("a snapshot");
        assert_eq!((read, snapshot::decode(&bytes)), (meta.clone(), Ok(state)));
    }
}

/// A disk that keeps nothing: only files matter here.
struct Nowhere;

impl Disk for Nowhere {
    fn commit(&self, _: Vec<Op>) -> std::io::Result<()> {
        Ok(())
    }

    fn range(&self, _: &[u8], _: &[u8]) -> std::io::Result<Vec<(Vec<u8>, bytes::Bytes)>> {
        Ok(vec![])
    }
}
