use super::*;

const T_IO: Duration = Duration::from_millis(200);

fn at(ms: u64) -> Moment {
    Moment(ms * 1_000_000)
}

/// A lease of the default terms (renewed every 300 ms, good for 1,500 ms, guard 400 ms) that has not opened a session.
fn lease() -> Lease {
    Lease::new(1, LeaseTerms::default(), T_IO, at(0))
}

/// One whose session 7 was opened by a proposal sent at 1,000 ms and answered at 1,050 ms.
fn held() -> Lease {
    let mut lease = lease();
    assert_eq!(lease.handle_timeout(at(1_000)), Some(Action::Open { after: 0 }));
    lease.handle_opened(7, at(1_000), at(1_050));
    lease
}

/// Everything that it wants done at that time.
fn actions(lease: &mut Lease, ms: u64) -> Vec<Action> {
    std::iter::from_fn(|| lease.handle_timeout(at(ms))).collect()
}

fn renew(seq: u64) -> Action {
    Action::Renew { session: 7, seq }
}

#[test]
fn a_process_waits_out_the_writes_of_the_one_before_it() {
    let mut lease = lease();
    assert_eq!(lease.poll_timeout(), Some((at(200), "open a session")));
    assert_eq!(actions(&mut lease, 199), []);
    assert_eq!(actions(&mut lease, 200), [Action::Open { after: 0 }]);
}

#[test]
fn the_lease_counts_from_sending_not_from_the_answer() {
    let mut lease = held();
    assert_eq!(lease.valid_until(), Some(at(2_500)));
    assert_eq!(actions(&mut lease, 1_300), [renew(1)]);
    lease.handle_renewed(1, at(1_900));
    assert_eq!(lease.valid_until(), Some(at(2_800)));
    assert_eq!(lease.write_until(), Some(at(2_600)));
}

#[test]
fn nothing_is_written_in_the_last_t_io_of_the_lease_or_without_a_session() {
    let mut lease = held();
    assert!(lease.may_write(at(2_299)));
    assert!(!lease.may_write(at(2_300)));
    lease.handle_view(7, false, at(1_100));
    assert!(!lease.may_write(at(1_100)));
    assert!(!self::lease().may_write(at(0)));
}

#[test]
fn renewals_go_out_every_r_whether_answered_or_not() {
    let mut lease = held();
    for (ms, seq) in [(1_300, 1), (1_600, 2), (1_900, 3)] {
        assert_eq!(lease.poll_timeout(), Some((at(ms), "renew the lease")));
        assert_eq!(actions(&mut lease, ms), [renew(seq)]);
    }
}

#[test]
fn a_lease_that_is_not_renewed_goes_safe_then_fences_then_opens_after_the_guard() {
    let mut lease = held();
    assert_eq!(actions(&mut lease, 2_099), [renew(1)]);
    assert_eq!(lease.poll_timeout(), Some((at(2_100), "the lease is about to run out")));
    assert_eq!(actions(&mut lease, 2_100), [Action::GoSafe]);
    assert_eq!(actions(&mut lease, 2_499), [renew(2)]);
    assert_eq!(actions(&mut lease, 2_500), [Action::Fence { why: "the lease ran out" }]);
    assert_eq!((lease.session(), lease.valid_until()), (None, None));
    assert_eq!(actions(&mut lease, 2_899), []);
    assert_eq!(actions(&mut lease, 2_900), [Action::Open { after: 7 }]);
}

#[test]
fn a_process_that_was_frozen_fences_before_anything_else() {
    let mut lease = held();
    assert!(!lease.may_write(at(60_000)));
    assert_eq!(actions(&mut lease, 60_000), [Action::Fence { why: "the lease ran out" }, Action::Open { after: 7 }]);
}

#[test]
fn a_renewal_after_the_warning_warns_again_later() {
    let mut lease = held();
    assert_eq!(actions(&mut lease, 2_100), [Action::GoSafe, renew(1)]);
    lease.handle_renewed(1, at(2_110));
    assert_eq!(lease.poll_timeout(), Some((at(2_400), "renew the lease")));
    assert_eq!(actions(&mut lease, 3_200), [Action::GoSafe, renew(2)]);
}

#[test]
fn an_answer_in_time_saves_a_lease_whose_end_was_not_noticed() {
    let mut lease = held();
    let _ = actions(&mut lease, 2_400);
    lease.handle_renewed(1, at(2_600));
    assert_eq!(actions(&mut lease, 2_600), []);
    assert_eq!(lease.valid_until(), Some(at(3_900)));
}

#[test]
fn a_refused_renewal_fences_and_opens_after_the_guard() {
    let mut lease = held();
    let _ = actions(&mut lease, 1_300);
    lease.handle_fenced(1, at(1_310));
    assert!(!lease.may_write(at(1_310)));
    assert_eq!(lease.session(), None);
    let why = "a renewal was refused: the session is over";
    assert_eq!(actions(&mut lease, 1_310), [Action::Fence { why }]);
    assert_eq!(lease.poll_timeout(), Some((at(1_710), "open a session")));
}

#[test]
fn an_outdated_answer_changes_nothing() {
    let mut lease = held();
    let _ = (actions(&mut lease, 1_300), actions(&mut lease, 1_600));
    lease.handle_renewed(2, at(1_650));
    lease.handle_fenced(1, at(1_660));
    lease.handle_renewed(1, at(1_670));
    assert_eq!((lease.session(), lease.valid_until()), (Some(7), Some(at(3_100))));

    lease.handle_view(7, false, at(1_700));
    let _ = (actions(&mut lease, 1_700), actions(&mut lease, 2_100));
    lease.handle_opened(9, at(2_100), at(2_110));
    assert_eq!(actions(&mut lease, 2_400), [Action::Renew { session: 9, seq: 3 }], "numbers go on from session to session");
    lease.handle_fenced(2, at(2_410));
    lease.handle_opened(8, at(1_000), at(2_420));
    assert_eq!(lease.session(), Some(9));
}

#[test]
fn the_replica_can_end_a_session_and_only_that() {
    let mut lease = held();
    for (newest, is_alive) in [(0, false), (3, true), (6, false), (7, true)] {
        lease.handle_view(newest, is_alive, at(1_100));
        assert_eq!(lease.session(), Some(7), "{newest} {is_alive}");
    }
    lease.handle_view(8, true, at(1_100));
    assert_eq!(lease.session(), None);
    let why = "the replicated state has ended the session";
    assert_eq!(actions(&mut lease, 1_100), [Action::Fence { why }]);
}

#[test]
fn an_opening_without_an_answer_is_tried_again_knowing_more() {
    let mut lost = lease();
    let _ = actions(&mut lost, 1_000);
    lost.handle_lost_answer(at(1_000), at(1_020));
    lost.handle_view(4, true, at(1_100));
    assert_eq!(actions(&mut lost, 1_319), []);
    assert_eq!(actions(&mut lost, 1_320), [Action::Open { after: 4 }]);

    let mut silent = lease();
    let _ = actions(&mut silent, 1_000);
    assert_eq!(silent.poll_timeout(), Some((at(2_500), "the opening has no answer")));
    assert_eq!(actions(&mut silent, 2_500), [Action::Open { after: 0 }]);
    silent.handle_opened(5, at(1_000), at(2_510));
    assert_eq!(silent.session(), None, "the first opening's answer, while the second is in doubt");
    silent.handle_opened(6, at(2_500), at(2_520));
    assert_eq!(silent.session(), Some(6));
}

#[test]
fn a_session_whose_opening_was_answered_too_late_is_not_used() {
    let mut lease = lease();
    let _ = actions(&mut lease, 1_000);
    lease.handle_opened(7, at(1_000), at(2_500));
    assert_eq!(lease.session(), None);
    assert_eq!(actions(&mut lease, 2_500), [Action::Open { after: 7 }]);
}

#[test]
fn a_closed_lease_wants_nothing_and_allows_nothing() {
    let mut lease = held();
    assert_eq!(lease.close(), Some(7));
    assert!(!lease.may_write(at(1_100)));
    assert_eq!((lease.poll_timeout(), actions(&mut lease, 60_000)), (None, vec![]));
    lease.handle_opened(8, at(1_000), at(1_200));
    assert_eq!(lease.session(), None);
}

#[test]
fn renewals_that_await_an_answer_are_bounded() {
    let mut lease = held();
    let mut seq = 0;
    for ms in (1_300..200_000).step_by(300) {
        let _ = actions(&mut lease, ms);
        seq += 1;
        if seq % 4 == 0 {
            lease.handle_renewed(seq, at(ms + 10));
        }
        assert!(lease.held().is_some_and(|held| held.sent.len() <= 6), "at {ms}");
    }
}
