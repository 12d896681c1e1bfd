use super::*;
use labkeeper_supervision::{Reason, Strategy, SupervisorSpec};

fn status(started: Instant) -> ChildStatus {
    let at = |ms| started + Duration::from_millis(ms);
    ChildStatus {
        path: "node/segments/cryo".into(),
        kind: Kind::Worker,
        state: State::BackingOff { until: at(9_500) },
        since: at(8_000),
        restarts: 3,
        restarts_in_window: 2,
        intensity: 5,
        last_exit: Some(Arc::new(Exit { at: at(8_000), generation: 4, reason: Reason::Hung(Duration::from_secs(5)) })),
        mailbox: Some(MailboxStats { depth: 3, capacity: 64, dropped: 1 }),
        busy_since: Some(at(8_950)),
        progress_at: None,
    }
}

#[test]
fn a_task_is_told_in_milliseconds_since_the_node_started() {
    let started = Instant::now();
    let clock = Clock { started, now: started + Duration::from_millis(9_000) };
    let told = clock.child(&status(started));
    let expected = v1::TreeChild {
        path: "node/segments/cryo".into(),
        kind: v1::ChildKind::Worker.into(),
        state: v1::ChildState::BackingOff.into(),
        since_ms: 8_000,
        retry_at_ms: Some(9_500),
        quarantine: String::new(),
        restarts: 3,
        restarts_in_window: 2,
        restarts_max: 5,
        last_exit: Some(v1::ChildExit {
            at_ms: 8_000,
            generation: 4,
            reason: "hung: no progress for 5s".into(),
            location: String::new(),
            abnormal: true,
        }),
        mailbox: Some(v1::Mailbox { depth: 3, capacity: 64, dropped: 1 }),
        busy_since_ms: None,
    };
    assert_eq!(told, expected, "a step of 50 ms is no news");
    let later = Clock { started, now: started + Duration::from_millis(9_100) };
    assert_eq!(later.child(&status(started)).busy_since_ms, Some(8_950));
    assert_eq!(
        later.child(&ChildStatus { busy_since: None, ..status(started) }),
        expected,
        "what did not change is told in the same words"
    );
}

#[test]
fn a_quarantine_is_told_with_its_reason() {
    let started = Instant::now();
    let quarantined = ChildStatus { state: State::Quarantined { reason: "failed 6 times".into() }, ..status(started) };
    let told = Clock { started, now: started }.child(&quarantined);
    assert_eq!((told.state(), told.quarantine.as_str(), told.retry_at_ms), (v1::ChildState::Quarantined, "failed 6 times", None));
    assert_eq!(quarantine_reason("ann", "leaks"), "by ann: leaks");
    assert_eq!(quarantine_reason("", ""), "by an operator");
}

#[test]
fn the_root_may_be_left_out_of_a_path() {
    let spec = SupervisorSpec { strategy: Strategy::OneForOne, intensity: 1, period: Duration::from_secs(1), children: vec![] };
    let (system, _root) = System::new("node", spec).expect("a tree");
    assert_eq!(full_path(&system, "segments/cryo"), "node/segments/cryo");
    assert_eq!(full_path(&system, "node"), "node");
}

#[test]
fn errors_say_whether_there_is_no_such_task_or_nothing_to_do() {
    assert_eq!(command_error(CommandError::NoSuchChild("node/x".into())).code, ErrorCode::UnknownTask);
    assert_eq!(command_error(CommandError::NotQuarantined("node/x".into())).code, ErrorCode::AlreadyDecided);
    assert_eq!(command_error(CommandError::Stuck("node/x".into())).code, ErrorCode::Internal);
}
