//! The turns of a bus under a clock that the tests turn.

use super::*;

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// A bus that is connected, with units of a period in ms and a number of requests.
fn connected(units: &[(u64, usize)], now: Instant) -> Turns {
    let mut turns = Turns::new(units.iter().map(|(period, requests)| (ms(*period), *requests)), now);
    assert_eq!(turns.next(now), Turn::Connect);
    turns.connected(now);
    turns
}

/// Runs a bus for a while: unit `u` answers after `latency(u)`, or not at all within a time-out. Returns how much of the time each took.
fn run(turns: &mut Turns, start: Instant, length: Duration, latency: impl Fn(usize) -> Result<Duration, Duration>) -> Vec<Duration> {
    let mut spent = vec![Duration::ZERO; turns.units.len()];
    let mut now = start;
    while now < start + length {
        match turns.next(now) {
            Turn::Connect => turns.connected(now),
            Turn::Wait { until } => now = until.expect("something is polled").max(now),
            Turn::Read { unit, .. } => {
                turns.begin(unit, now);
                let started = now;
                match latency(unit) {
                    Ok(took) => {
                        now += took;
                        turns.answered(unit, false, now);
                    }
                    Err(timeout) => {
                        now += timeout;
                        turns.failed(unit, started, now, 0.5);
                        turns.link_lost(now);
                    }
                }
                spent[unit] += now - started;
            }
        }
    }
    spent
}

#[test]
fn the_longest_due_goes_first_and_a_poll_is_taken_request_by_request() {
    let start = Instant::now();
    let mut turns = connected(&[(100, 2), (70, 1)], start);
    assert_eq!(turns.next(start), Turn::Read { unit: 0, request: 0 });
    turns.begin(0, start);
    turns.answered(0, false, start);
    assert_eq!(turns.next(start), Turn::Read { unit: 0, request: 1 });
    assert_eq!(turns.begin(0, start), None, "the second request is of the same poll");
    turns.answered(0, false, start);
    assert_eq!(turns.next(start), Turn::Read { unit: 1, request: 0 });
    turns.begin(1, start);
    turns.answered(1, false, start);
    assert_eq!(turns.next(start), Turn::Wait { until: Some(start + ms(70)) });
    assert_eq!(turns.next(start + ms(120)), Turn::Read { unit: 1, request: 0 }, "due since 70 goes before due since 100");
}

#[test]
fn one_dead_unit_takes_at_most_a_quarter_from_its_neighbours() {
    let start = Instant::now();
    // Ten dead units with a time-out of 1 s, whose back-offs alone would let them take the whole bus, and one that answers.
    let mut units = vec![(100, 1)];
    units.extend([(100, 1); 10]);
    let mut turns = connected(&units, start);
    // The first round finds out who is dead.
    run(&mut turns, start, ms(15_000), |unit| if unit == 0 { Ok(ms(5)) } else { Err(ms(1_000)) });
    let from = start + ms(20_000);
    let spent = run(&mut turns, from, ms(200_000), |unit| if unit == 0 { Ok(ms(5)) } else { Err(ms(1_000)) });
    let dead: Duration = spent[1..].iter().sum();
    assert!(dead <= ms(52_000), "the dead took {dead:?} of 200 s");
    assert!(dead >= ms(30_000), "but they are tried: {dead:?}");
    assert!(spent[1..].iter().all(|t| *t >= ms(1_000)), "each of them: {spent:?}");
    // 150 s are left for 1,500 polls of 5 ms: 7.5 s.
    assert!(spent[0] >= ms(6_500), "the living one got {:?}", spent[0]);
}

#[test]
fn a_unit_alone_on_its_bus_is_tried_as_soon_as_its_backoff_is_over() {
    let start = Instant::now();
    let mut turns = connected(&[(100, 1)], start);
    turns.begin(0, start);
    let now = start + ms(1_000);
    turns.failed(0, start, now, 1.0);
    turns.link_lost(now);
    assert_eq!(turns.next(now), Turn::Wait { until: Some(now + ms(200)) });
    assert_eq!(turns.next(now + ms(200)), Turn::Connect);
}

#[test]
fn a_failed_connect_holds_everybody_and_its_backoff_grows() {
    let start = Instant::now();
    let mut turns = Turns::new([(ms(100), 1), (ms(100), 1)], start);
    turns.connect_failed(start, 1.0);
    assert_eq!(turns.next(start), Turn::Wait { until: Some(start + ms(200)) });
    assert_eq!(turns.hopeless_until(0, start), Some(start + ms(200)));
    turns.connect_failed(start + ms(200), 1.0);
    assert_eq!(turns.next(start + ms(200)), Turn::Wait { until: Some(start + ms(600)) });
    turns.connect_failed(start + ms(600), 1.0);
    assert_eq!((turns.link_health(), turns.health(1)), (HealthState::Offline, HealthState::Offline));
    let back = start + ms(1_400);
    turns.connected(back);
    assert_eq!(turns.begin(0, back).map(|(tick, late)| (tick.skipped, late)), Some((0, false)), "an outage is no overload");
}

#[test]
fn a_command_has_no_prospect_only_while_the_device_is_offline_and_waiting() {
    let start = Instant::now();
    let mut turns = connected(&[(100, 1), (100, 1)], start);
    turns.failed(0, start, start, 1.0);
    assert_eq!(turns.hopeless_until(0, start), None, "one lost answer is not an outage");
    turns.failed(0, start, start, 1.0);
    turns.failed(0, start, start, 1.0);
    assert_eq!(turns.hopeless_until(0, start), Some(start + ms(800)));
    assert_eq!(turns.hopeless_until(1, start), None, "the neighbour is well");
    assert_eq!(turns.hopeless_until(0, start + ms(800)), None);
    turns.command_answered(0, start);
    assert_eq!(turns.next(start), Turn::Read { unit: 0, request: 0 }, "what answered is polled at once");
}

#[test]
fn an_idle_connection_is_opened_anew_before_use() {
    let start = Instant::now();
    let mut turns = connected(&[(60_000, 1)], start);
    turns.begin(0, start);
    turns.answered(0, false, start);
    assert!(turns.is_up(start + ms(29_999)) && !turns.is_up(start + ms(30_000)));
    assert_eq!(turns.next(start + ms(60_000)), Turn::Connect);
}

#[test]
fn units_without_requests_never_get_a_turn() {
    let start = Instant::now();
    let turns = Turns::new([(ms(100), 0)], start);
    assert_eq!(turns.next(start), Turn::Wait { until: None });
}

#[test]
fn a_greeting_is_a_poll_that_keeps_no_connection_young() {
    let start = Instant::now();
    let mut turns = connected(&[(10_000, 1)], start);
    for tick in 0..3 {
        let now = start + ms(10_000) * tick;
        assert_eq!(turns.next(now), Turn::Read { unit: 0, request: 0 });
        turns.begin(0, now);
        turns.greeted(0);
        assert_eq!((turns.health(0), turns.next(now)), (HealthState::Online, Turn::Wait { until: Some(now + ms(10_000)) }));
    }
    assert_eq!(turns.next(start + ms(30_000)), Turn::Connect, "nothing has come over it for 30 s");
}

#[test]
fn a_split_plan_goes_on_where_it_was() {
    let start = Instant::now();
    let mut turns = connected(&[(100, 2)], start);
    turns.begin(0, start);
    turns.answered(0, false, start);
    turns.replanned(0, 4);
    for request in 1..4 {
        assert_eq!(turns.next(start), Turn::Read { unit: 0, request });
        turns.answered(0, true, start);
    }
    assert_eq!(turns.health(0), HealthState::Degraded);
    assert!(matches!(turns.next(start), Turn::Wait { .. }));
}
