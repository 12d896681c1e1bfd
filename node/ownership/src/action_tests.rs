use super::*;
use labkeeper_model::{BadReason, Name, TagPath};

const DEADLINE: Timestamp = Timestamp::from_millis(10_000);
const SETTLE: Duration = Duration::from_millis(200);

fn ms(at: i64) -> Timestamp {
    Timestamp::from_millis(at)
}

fn record(state: CommandState) -> CommandRecord {
    CommandRecord {
        id: CommandId([1; 16]),
        tag: TagPath::parse("hall/plc-1/start").expect("a path"),
        asked: Value::Bool(true),
        accepted: Some(Value::Bool(true)),
        revision: 0,
        expected_revision: None,
        deadline: DEADLINE,
        actor: "ann".into(),
        reason: String::new(),
        log_index: 7,
        steps: vec![(state, ms(0))],
        error: None,
        owner: None,
        kind: labkeeper_machine::CommandKind::Action,
        ramp_per_s: None,
        mark: None,
        dispatched_epoch: None,
    }
}

fn probed() -> Means {
    Means { has_probe: true, verification: None, settle: SETTLE }
}

fn verified() -> Means {
    let readback = Name::new("running").expect("a name");
    let verification = Some(Verify { readback, tolerance: 0.0, timeout: Duration::from_secs(2) });
    Means { verification, ..Means::default() }
}

fn action(state: CommandState, means: Means, mark: Option<u64>) -> Action {
    Action::new(&record(state), Value::Bool(true), mark.map(Value::U64), means, 3, ms(0))
}

fn reads(value: Value) -> Event {
    Event::Read(Ok(Sample { time: ms(0), value: Some(value), quality: Quality::Good }))
}

fn counts(count: u64) -> Event {
    reads(Value::U64(count))
}

fn ends(action: &mut Action) -> Vec<(CommandState, Option<ErrorCode>)> {
    action.take_reports().into_iter().map(|report| (report.state, report.error.map(|error| error.0))).collect()
}

const UNKNOWN: (CommandState, Option<ErrorCode>) = (CommandState::Unknown, Some(ErrorCode::OutcomeUnknown));
const NOT_EXECUTED: (CommandState, Option<ErrorCode>) = (CommandState::Failed, Some(ErrorCode::WriteFailed));

#[test]
fn nothing_is_sent_before_the_intent_is_committed() {
    let mut with_probe = action(CommandState::Committed, probed(), None);
    assert_eq!(with_probe.start(ms(0)), Next::Probe(Duration::ZERO));
    assert_eq!(with_probe.handle(counts(41), ms(1)), Next::Declare { mark: Some(Value::U64(41)) });
    assert_eq!(with_probe.handle_declared(), Next::Write(Duration::ZERO));
    assert_eq!(with_probe.handle(Event::Written(ms(3)), ms(3)), Next::End);
    assert_eq!(ends(&mut with_probe), [(CommandState::Written, None)]);

    let mut without = action(CommandState::Committed, Means::default(), None);
    assert_eq!(without.start(ms(0)), Next::Declare { mark: None });
    assert_eq!(without.handle(Event::Written(ms(1)), ms(1)), Next::Declare { mark: None }, "nobody has written for it");
}

#[test]
fn whoever_finds_it_begun_never_sends_it() {
    let cases = [
        (Some(41), counts(41), NOT_EXECUTED),
        (Some(41), counts(42), (CommandState::Written, None)),
        (Some(41), counts(43), UNKNOWN),
        (Some(41), counts(0), UNKNOWN),
        (Some(41), reads(Value::Text("broken".into())), UNKNOWN),
    ];
    for (mark, reading, expected) in cases {
        for at in [ms(0), DEADLINE, ms(1_000_000)] {
            let mut found = action(CommandState::Dispatched, probed(), mark);
            assert_eq!(found.start(at), Next::Probe(SETTLE), "what was sent may still be on its way");
            assert_eq!(found.handle(reading.clone(), at), Next::End, "{reading:?}");
            assert_eq!(ends(&mut found), [expected], "{reading:?}");
        }
    }
}

#[test]
fn without_a_counter_or_a_mark_it_is_unknown_at_once() {
    for (means, mark) in [(Means::default(), None), (Means::default(), Some(41)), (probed(), None), (verified(), None)] {
        let mut found = action(CommandState::Dispatched, means, mark);
        assert_eq!(found.start(ms(0)), Next::End);
        assert_eq!(ends(&mut found), [UNKNOWN]);
    }
}

#[test]
fn a_lost_answer_is_never_repeated() {
    let mut counted = action(CommandState::Committed, probed(), None);
    let _ = counted.start(ms(0));
    let _ = counted.handle(counts(41), ms(1));
    let _ = counted.handle_declared();
    assert_eq!(counted.handle(Event::MayHaveReached("timeout".into()), ms(300)), Next::Probe(SETTLE));
    assert_eq!(counted.handle(Event::Read(Err("timeout".into())), ms(600)), Next::Probe(RETRY_AFTER));
    assert_eq!(counted.handle(counts(42), ms(800)), Next::End);
    assert_eq!(ends(&mut counted), [(CommandState::Written, None)]);

    let mut uncounted = action(CommandState::Committed, Means::default(), None);
    let _ = uncounted.start(ms(0));
    let _ = uncounted.handle_declared();
    assert_eq!(uncounted.handle(Event::MayHaveReached("timeout".into()), ms(300)), Next::End);
    assert_eq!(ends(&mut uncounted), [UNKNOWN]);
}

#[test]
fn a_doubt_ends_when_the_counter_cannot_be_read() {
    let mut found = action(CommandState::Dispatched, probed(), Some(41));
    let _ = found.start(ms(0));
    let bad = Event::Read(Ok(Sample { time: ms(0), value: Some(Value::U64(42)), quality: Quality::Bad(BadReason::Timeout) }));
    assert_eq!(found.handle(bad.clone(), ms(9_999)), Next::Probe(RETRY_AFTER), "a value of bad quality tells nothing");
    assert_eq!(found.handle(bad, ms(10_000)), Next::End);
    assert_eq!(ends(&mut found), [UNKNOWN]);
}

#[test]
fn what_certainly_was_not_sent_is_tried_again_until_the_deadline() {
    let mut blocked = action(CommandState::Committed, Means::default(), None);
    let _ = blocked.start(ms(0));
    let _ = blocked.handle_declared();
    assert_eq!(blocked.handle(Event::NotSent("connection refused".into()), ms(2)), Next::Write(RETRY_AFTER));
    assert_eq!(blocked.handle(Event::NotSent("connection refused".into()), DEADLINE), Next::End);
    assert_eq!(ends(&mut blocked), [NOT_EXECUTED]);
}

#[test]
fn what_was_never_begun_expires_and_says_so_with_certainty() {
    let expired = [(CommandState::Expired, Some(ErrorCode::Expired))];
    let mut late = action(CommandState::Committed, probed(), None);
    assert_eq!(late.start(DEADLINE), Next::End);
    assert_eq!(ends(&mut late), expired);

    let mut unread = action(CommandState::Committed, probed(), None);
    let _ = unread.start(ms(0));
    assert_eq!(unread.handle(Event::Read(Err("connection refused".into())), ms(1)), Next::Probe(RETRY_AFTER));
    assert_eq!(unread.handle(counts(41), DEADLINE), Next::End, "a mark that comes too late begins nothing");
    assert_eq!(ends(&mut unread), expired);
}

#[test]
fn a_refusal_is_final() {
    let mut refused = action(CommandState::Committed, Means::default(), None);
    let _ = refused.start(ms(0));
    let _ = refused.handle_declared();
    assert_eq!(refused.handle(Event::Refused(ErrorCode::DeviceRefused, "illegal data value".into()), ms(2)), Next::End);
    assert_eq!(ends(&mut refused), [(CommandState::Failed, Some(ErrorCode::DeviceRefused))]);
}

#[test]
fn another_tag_may_verify_what_was_done() {
    let begin = || {
        let mut action = action(CommandState::Committed, verified(), None);
        let _ = action.start(ms(0));
        let _ = action.handle_declared();
        assert_eq!(action.handle(Event::Written(ms(2)), ms(2)), Next::Verify(Duration::ZERO));
        action
    };
    let mut follows = begin();
    assert_eq!(follows.handle(reads(Value::Bool(false)), ms(3)), Next::Verify(Duration::from_millis(100)));
    assert_eq!(follows.handle(reads(Value::Bool(true)), ms(103)), Next::End);
    assert_eq!(ends(&mut follows), [(CommandState::Written, None), (CommandState::Verified, None)]);

    let mut never = begin();
    assert_eq!(never.handle(reads(Value::Bool(false)), ms(2_002)), Next::End);
    assert_eq!(ends(&mut never)[1], (CommandState::VerifyFailed, Some(ErrorCode::VerifyFailed)));

    let mut found = action(CommandState::Written, verified(), None);
    assert_eq!(found.start(ms(50)), Next::Verify(Duration::ZERO), "a successor only reads");
}

#[test]
fn what_was_declared_and_not_sent_is_not_left_in_doubt_at_a_hand_over() {
    let mut marking = action(CommandState::Committed, probed(), None);
    let _ = marking.start(ms(0));
    marking.handle_withdrawn(ms(1));
    assert_eq!(ends(&mut marking), [], "the successor begins it");

    let mut declaring = action(CommandState::Committed, Means::default(), None);
    let _ = declaring.start(ms(0));
    declaring.handle_withdrawn(ms(1));
    assert_eq!(ends(&mut declaring), [NOT_EXECUTED]);

    let mut writing = action(CommandState::Committed, Means::default(), None);
    let _ = writing.start(ms(0));
    let _ = writing.handle_declared();
    let _ = writing.handle(Event::NotSent("connection refused".into()), ms(1));
    writing.handle_withdrawn(ms(2));
    assert_eq!(ends(&mut writing), [NOT_EXECUTED]);

    let mut doubting = action(CommandState::Dispatched, probed(), Some(41));
    let _ = doubting.start(ms(0));
    doubting.handle_withdrawn(ms(1));
    assert_eq!(ends(&mut doubting), [], "the successor reads the counter");
}
