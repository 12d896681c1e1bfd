use super::*;
use labkeeper_model::{Name, Quality, TagPath};

const DEADLINE: Timestamp = Timestamp::from_millis(10_000);

fn ms(at: i64) -> Timestamp {
    Timestamp::from_millis(at)
}

fn record(state: CommandState) -> CommandRecord {
    CommandRecord {
        id: CommandId([1; 16]),
        tag: TagPath::parse("cryo/chiller-1/setpoint").expect("a path"),
        asked: Value::F64(20.0),
        accepted: Some(Value::F64(20.0)),
        revision: 1,
        expected_revision: None,
        deadline: DEADLINE,
        actor: "ann".into(),
        reason: String::new(),
        log_index: 7,
        steps: vec![(state, ms(0))],
        error: None,
        owner: None,
        kind: labkeeper_machine::CommandKind::Setpoint,
        ramp_per_s: None,
        mark: None,
        dispatched_epoch: None,
    }
}

fn verify() -> Option<Verify> {
    Some(Verify { readback: Name::new("setpoint").expect("a name"), tolerance: 0.1, timeout: Duration::from_secs(2) })
}

fn job(state: CommandState, verification: Option<Verify>, is_inherited: bool) -> Job {
    Job::new(&record(state), Value::F64(20.0), verification, 3, is_inherited)
}

fn reads(value: f64, at: i64) -> Event {
    Event::Read(Ok(Sample { time: ms(at), value: Some(Value::F64(value)), quality: Quality::Good }))
}

fn states(job: &mut Job) -> Vec<CommandState> {
    job.take_reports().into_iter().map(|r| r.state).collect()
}

#[test]
fn a_fresh_command_is_written_and_verified() {
    let mut job = job(CommandState::Committed, verify(), false);
    assert_eq!(job.start(ms(0)), Next::Write(Duration::ZERO));
    assert_eq!(job.handle(Event::Written(ms(5)), ms(5)), Next::Read(Duration::ZERO));
    assert_eq!(states(&mut job), [CommandState::Dispatched, CommandState::Written]);
    assert_eq!(job.handle(reads(15.0, 6), ms(6)), Next::Read(Duration::from_millis(100)));
    assert_eq!(job.handle(reads(19.95, 106), ms(106)), Next::End);
    let reports = job.take_reports();
    assert_eq!((reports[0].state, reports[0].time, reports[0].epoch), (CommandState::Verified, ms(106), 3));
}

#[test]
fn an_inherited_command_that_the_device_has_already_is_not_written_again() {
    for state in [CommandState::Committed, CommandState::Dispatched, CommandState::Written] {
        let mut job = job(state, verify(), true);
        assert_eq!(job.start(ms(0)), Next::Read(Duration::ZERO), "{state}");
        assert_eq!(job.handle(reads(20.0, 3), ms(3)), Next::End, "{state}");
        assert_eq!(states(&mut job), [CommandState::Verified], "{state}");
    }
}

#[test]
fn an_inherited_command_that_the_device_does_not_have_is_written_unless_it_had_been() {
    let mut committed = job(CommandState::Committed, verify(), true);
    let _ = committed.start(ms(0));
    assert_eq!(committed.handle(reads(5.0, 3), ms(3)), Next::Write(Duration::ZERO));

    let mut written = job(CommandState::Written, verify(), true);
    let _ = written.start(ms(0));
    assert_eq!(written.handle(reads(5.0, 3), ms(3)), Next::Read(Duration::ZERO), "it only waits for the reading to follow");
    assert_eq!(written.handle(reads(5.0, 2_003), ms(2_003)), Next::End);
    assert_eq!(states(&mut written), [CommandState::VerifyFailed]);
}

#[test]
fn a_command_is_never_begun_after_its_deadline() {
    let mut late = job(CommandState::Committed, verify(), false);
    assert_eq!(late.start(DEADLINE), Next::End);
    assert_eq!(states(&mut late), [CommandState::Expired]);

    let mut inherited = job(CommandState::Committed, verify(), true);
    let _ = inherited.start(ms(9_999));
    assert_eq!(inherited.handle(reads(5.0, 10_000), DEADLINE), Next::End);
    assert_eq!(states(&mut inherited), [CommandState::Unknown], "it may have been written, and changed since");
}

#[test]
fn an_inherited_command_that_cannot_be_compared_is_never_called_expired() {
    let mut unread = job(CommandState::Committed, verify(), true);
    let _ = unread.start(ms(0));
    assert_eq!(unread.handle(Event::Read(Err("connection refused".into())), DEADLINE), Next::End);
    assert_eq!(states(&mut unread), [CommandState::Unknown], "an owner that died may have written it");

    let mut write_only = job(CommandState::Committed, None, true);
    assert_eq!(write_only.start(DEADLINE), Next::End);
    assert_eq!(states(&mut write_only), [CommandState::Unknown]);
}

#[test]
fn a_device_that_cannot_be_reached_is_tried_until_the_deadline() {
    let mut job = job(CommandState::Committed, verify(), false);
    let _ = job.start(ms(0));
    assert_eq!(job.handle(Event::NotSent("connection refused".into()), ms(50)), Next::Write(RETRY_AFTER));
    assert_eq!(job.handle(Event::NotSent("connection refused".into()), DEADLINE), Next::End);
    let report = job.take_reports().remove(0);
    assert_eq!(report.state, CommandState::Expired);
    assert!(report.error.expect("a reason").1.contains("connection refused"));
}

#[test]
fn a_lost_answer_is_settled_by_a_reading() {
    let mut arrived = job(CommandState::Committed, verify(), false);
    let _ = arrived.start(ms(0));
    assert_eq!(arrived.handle(Event::MayHaveReached("timeout".into()), ms(300)), Next::Read(Duration::ZERO));
    assert_eq!(arrived.handle(reads(20.0, 310), ms(310)), Next::End);
    assert_eq!(states(&mut arrived), [CommandState::Dispatched, CommandState::Verified]);

    let mut lost = job(CommandState::Committed, verify(), false);
    let _ = lost.start(ms(0));
    let _ = lost.handle(Event::MayHaveReached("timeout".into()), ms(300));
    assert_eq!(lost.handle(reads(5.0, 310), ms(310)), Next::Write(Duration::ZERO));
}

#[test]
fn a_lost_answer_that_cannot_be_settled_is_unknown() {
    let mut unread = job(CommandState::Committed, verify(), false);
    let _ = unread.start(ms(0));
    let _ = unread.handle(Event::MayHaveReached("timeout".into()), ms(300));
    assert_eq!(unread.handle(Event::Read(Err("timeout".into())), ms(600)), Next::Read(RETRY_AFTER));
    assert_eq!(unread.handle(Event::Read(Err("timeout".into())), DEADLINE), Next::End);
    assert_eq!(states(&mut unread), [CommandState::Dispatched, CommandState::Unknown]);

    let mut write_only = job(CommandState::Committed, None, false);
    let _ = write_only.start(ms(0));
    assert_eq!(write_only.handle(Event::MayHaveReached("timeout".into()), ms(300)), Next::Write(RETRY_AFTER));
    assert_eq!(write_only.handle(Event::MayHaveReached("timeout".into()), DEADLINE), Next::End);
    assert_eq!(states(&mut write_only), [CommandState::Dispatched, CommandState::Unknown]);
}

#[test]
fn a_refusal_by_the_device_is_final() {
    let mut job = job(CommandState::Committed, verify(), false);
    let _ = job.start(ms(0));
    assert_eq!(job.handle(Event::Refused(ErrorCode::WriteFailed, "illegal data value".into()), ms(5)), Next::End);
    assert_eq!(states(&mut job), [CommandState::Failed]);
}

#[test]
fn a_tag_that_cannot_be_read_back_ends_at_written() {
    let mut job = job(CommandState::Committed, None, true);
    assert_eq!(job.start(ms(0)), Next::Write(Duration::ZERO));
    assert_eq!(job.handle(Event::Written(ms(5)), ms(5)), Next::End);
    assert_eq!(states(&mut job), [CommandState::Dispatched, CommandState::Written]);
}

#[test]
fn a_reading_that_never_follows_says_what_was_wanted_and_got() {
    let mut job = job(CommandState::Committed, verify(), false);
    let _ = job.start(ms(0));
    let _ = job.handle(Event::Written(ms(5)), ms(5));
    assert_eq!(job.handle(reads(15.0, 2_005), ms(2_005)), Next::End);
    let error = job.take_reports().pop().expect("a report").error.expect("a reason");
    assert_eq!(error, (ErrorCode::VerifyFailed, "wanted 20, got 15".to_owned()));
}

#[test]
fn what_a_ramp_has_written_is_only_verified() {
    let begin = |verification| Job::of_written(&record(CommandState::Dispatched), Value::F64(20.0), verification, 3, ms(50_000));
    let mut follows = begin(verify());
    assert_eq!(follows.start(ms(50_000)), Next::Read(Duration::ZERO));
    assert_eq!(follows.handle(reads(20.0, 50_003), ms(50_003)), Next::End);
    assert_eq!(states(&mut follows), [CommandState::Verified]);

    let mut elsewhere = begin(verify());
    assert_eq!(elsewhere.handle(reads(5.0, 52_000), ms(52_000)), Next::End, "and never written again, however late it is");
    assert_eq!(states(&mut elsewhere), [CommandState::VerifyFailed]);
    assert_eq!(begin(None).start(ms(50_000)), Next::End);
}
