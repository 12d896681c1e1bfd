use super::*;

fn route() -> Name {
    Name::new("ops").expect("a name")
}

fn outbox(notices: usize) -> Outbox {
    let mut outbox = Outbox::default();
    for occurrence in (1..).take(notices) {
        let notice = Notice {
            alarm: AlarmId::parse("system/disk/lab-a").expect("an alarm"),
            occurrence,
            transition: "RAISED",
            state: String::new(),
            priority: Priority::High,
            segment: None,
            text: String::new(),
        };
        outbox.push(&route(), &notice, 7, Timestamp(0));
    }
    outbox
}

#[test]
fn attempts_come_later_each_time_until_the_notice_is_given_up() {
    let mut outbox = outbox(1);
    let key = outbox.pending()[&1].key();
    assert_eq!(key, "system/disk/lab-a#1#RAISED#ops#7");
    let (mut now, mut pauses) = (Timestamp(0), vec![]);
    for attempt in 1..ATTEMPTS_MAX {
        for _ in 0..2 {
            // The same word twice is one.
            outbox.failed(1, attempt, "no answer", now);
        }
        assert_eq!((outbox.pending()[&1].attempts, outbox.pending()[&1].key()), (attempt, key.clone()));
        let next = outbox.pending()[&1].next;
        pauses.push(next.saturating_since(now).as_secs());
        now = next;
    }
    assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 320, 600, 600]);
    assert_eq!(now.saturating_since(Timestamp(0)).as_secs() / 60, 30);
    assert_eq!(outbox.take_unshown(), None, "it may reach somebody yet");
    outbox.failed(1, ATTEMPTS_MAX, "no answer", now);
    assert!(outbox.pending().is_empty());
    assert_eq!(outbox.take_unshown(), Some(route()));
    let record = outbox.routes()[&route()].clone();
    assert_eq!((record.given_up, record.failing.as_deref()), (1, Some("no answer (attempt 10 of 10)")));
    assert_eq!(outbox.given_up()[0].key(), key);
    outbox.sent(1, now);
    assert_eq!(outbox.routes()[&route()].told, 0, "what was given up is not sent");
}

#[test]
fn a_route_reaches_somebody_again_when_a_notice_is_sent() {
    let mut outbox = outbox(2);
    (1..=ATTEMPTS_MAX).for_each(|attempt| outbox.failed(1, attempt, "no answer", Timestamp(0)));
    assert!(outbox.routes()[&route()].failing.is_some());
    outbox.sent(2, Timestamp(5));
    let expected = RouteRecord { told: 1, told_at: Some(Timestamp(5)), given_up: 1, failing: None };
    assert_eq!(outbox.routes()[&route()], expected);
    assert_eq!(outbox.take_unshown(), Some(route()));
}

#[test]
fn the_oldest_is_given_up_where_there_is_no_room_and_is_counted() {
    let mut full = outbox(OUTBOX_MAX);
    assert_eq!(full.take_unshown(), None);
    let mut over = outbox(OUTBOX_MAX + GIVEN_UP_MAX + 2);
    assert_eq!((over.pending().len(), over.pending().keys().next()), (OUTBOX_MAX, Some(&(GIVEN_UP_MAX as u64 + 3))));
    assert_eq!(over.routes()[&route()].given_up, GIVEN_UP_MAX as u64 + 2);
    assert_eq!((over.given_up().len(), over.given_up()[0].number), (GIVEN_UP_MAX, 3));
    assert_eq!((over.take_unshown(), over.take_unshown()), (Some(route()), None));
}

#[test]
fn of_a_dump_with_too_many_the_newest_are_kept() {
    let over = outbox(OUTBOX_MAX + GIVEN_UP_MAX);
    let mut all: Vec<Pending> = over.given_up().iter().chain(over.pending().values()).map(|pending| Pending::clone(pending)).collect();
    all.reverse();
    let restored = Outbox::restore(all.clone(), 3, all, BTreeMap::new());
    assert_eq!((restored.pending().len(), restored.last()), (OUTBOX_MAX, over.last()));
    assert_eq!(restored.pending(), over.pending());
    assert_eq!(restored.given_up().len(), GIVEN_UP_MAX);
}

#[test]
fn what_was_for_a_route_that_is_gone_goes_with_it() {
    let mut outbox = outbox(2);
    (1..=ATTEMPTS_MAX).for_each(|attempt| outbox.failed(1, attempt, "no answer", Timestamp(0)));
    let _ = outbox.take_unshown();
    outbox.forget(|_| false);
    assert_eq!((outbox.pending().len(), outbox.given_up().len(), outbox.routes().len()), (0, 0, 0));
    assert_eq!(outbox.take_unshown(), Some(route()), "its alarm is to be cleared");
}
