use super::*;
use labkeeper_model::site::ValueType;

const PACE_100: Duration = Duration::from_millis(100);

fn ms(at: u64) -> Moment {
    Moment(at * 1_000_000)
}

fn manner(rate_per_s: f64) -> Manner {
    Manner { rate_per_s, resolution: 0.0, pace: PACE_100 }
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

/// Looks every pace and writes each step; all steps with their times in milliseconds.
fn play(ramp: &mut Ramp, from_ms: u64, until_ms: u64) -> Vec<(u64, f64)> {
    let mut steps = vec![];
    for at in (from_ms..=until_ms).step_by(100) {
        if let Some(step) = ramp.step(ms(at)) {
            ramp.handle_written(step);
            steps.push((at, step));
        }
    }
    steps
}

#[test]
fn it_goes_at_its_rate_and_ends_at_the_target() {
    for (from, target) in [(20.0, 21.0), (21.0, 20.0), (-1.0, 0.0)] {
        let mut ramp = Ramp::new(from, target, manner(0.5), ms(0));
        let steps = play(&mut ramp, 0, 3_000);
        assert_eq!(steps.len(), 20, "{steps:?}");
        for (at, value) in &steps {
            let way = 0.5 * (*at as f64) / 1_000.0;
            assert!(close((value - from).abs(), way), "{way} at {at}: {value}");
        }
        assert_eq!(steps.last(), Some(&(2_000, target)), "the target itself, and nothing after it");
    }
}

#[test]
fn a_pause_of_the_process_is_no_leap() {
    let mut ramp = Ramp::new(0.0, 100.0, manner(1.0), ms(0));
    play(&mut ramp, 100, 1_000);
    let step = ramp.step(ms(61_000)).expect("a step");
    assert!(close(step, 1.2), "a minute later it goes on with two paces, not sixty units: {step}");
    assert_eq!(ramp.step(ms(10)), Some(step), "a clock that goes back moves nothing");
}

#[test]
fn what_is_held_stays_and_goes_on_from_there() {
    let mut ramp = Ramp::new(0.0, 10.0, manner(1.0), ms(0));
    play(&mut ramp, 100, 2_000);
    ramp.hold(true, ms(2_050));
    assert_eq!((play(&mut ramp, 2_100, 9_000), ramp.time_to_target()), (vec![], None));
    ramp.hold(false, ms(9_000));
    let steps = play(&mut ramp, 9_100, 9_200);
    assert!(close(steps[0].1, 2.1) && close(steps[1].1, 2.2), "{steps:?}");
    assert!(ramp.time_to_target().expect("on its way").abs_diff(Duration::from_millis(7_800)) < Duration::from_micros(1));
}

#[test]
fn steps_that_a_register_cannot_tell_apart_are_not_written() {
    let mut ramp = Ramp::new(10.0, 13.0, Manner { resolution: 1.0, ..manner(0.5) }, ms(0));
    let steps = play(&mut ramp, 100, 10_000);
    assert_eq!(steps.len(), 3, "{steps:?}");
    let mut slow = Ramp::new(10.0, 10.4, Manner { resolution: 1.0, ..manner(0.5) }, ms(0));
    assert_eq!(play(&mut slow, 100, 10_000), [(800, 10.4)], "the target is written however near it is");
}

#[test]
fn the_rate_is_the_slower_of_what_was_asked_for_and_what_is_declared() {
    let device = DeviceSpec { poll: Duration::from_secs(60), ..DeviceSpec::default() };
    let declared = TagSpec { ramp_per_s: Some(0.5), value_type: ValueType::I16, scale: 0.1, ..TagSpec::default() };
    let rate = |tag: &TagSpec, asked| Manner::of(&device, tag, asked).map(|manner| manner.rate_per_s);
    assert_eq!(rate(&declared, None), Some(0.5));
    assert_eq!(rate(&declared, Some(0.2)), Some(0.2));
    assert_eq!(rate(&declared, Some(9.0)), Some(0.5), "nobody asks a device for more than it is declared to bear");
    assert_eq!(rate(&TagSpec::default(), None), None);
    assert_eq!(rate(&TagSpec::default(), Some(2.0)), Some(2.0));
    assert_eq!(rate(&TagSpec::default(), Some(f64::NAN)), None);
    let manner = Manner::of(&device, &declared, None).expect("a ramp");
    assert_eq!((manner.pace, manner.resolution), (PACE.1, 0.1));
}

#[test]
fn a_step_has_the_kind_of_its_target() {
    assert_eq!(as_value(2.7, &Value::U64(9)), Value::U64(2));
    assert_eq!(as_value(-2.7, &Value::I64(9)), Value::I64(-2));
    assert_eq!(as_value(2.7, &Value::F64(9.0)), Value::F64(2.7));
    assert_eq!(as_value(-1.0, &Value::U64(9)), Value::U64(0));
}

#[test]
fn arrival_is_told_ahead() {
    assert_eq!(manner(0.5).arrival(20.0, 25.0, Timestamp::from_millis(1_000)), Timestamp::from_millis(11_000));
    assert_eq!(manner(1e-300).duration(0.0, 1e300), Duration::MAX);
}
