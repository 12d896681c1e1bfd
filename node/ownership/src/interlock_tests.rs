use super::*;
use labkeeper_model::site::{ActionSpec, DeviceSpec, TagSpec};
use labkeeper_model::{Quality, Timestamp};
use std::collections::BTreeMap;

const HEALTHY: Record = Record { tripped: Some(false), is_latched: false, is_defeated: false };
const TRIPPED: Record = Record { tripped: Some(true), is_latched: false, is_defeated: false };
const UNTOLD: Record = Record { tripped: None, is_latched: false, is_defeated: false };

fn ms(at: u64) -> Moment {
    Moment(at * 1_000_000)
}

fn interlock(stage: Stage) -> Interlock {
    Interlock::new(&InterlockSpec { stage, max_age: Duration::from_secs(1), ..InterlockSpec::default() }, ms(0))
}

fn violated() -> Requirement {
    Requirement::Violated("temperature is 90 degC".into())
}

fn unsure() -> Requirement {
    Requirement::Unsure("temperature is not read".into())
}

fn tripped(interlock: &Interlock) -> bool {
    matches!(interlock.verdict(), Verdict::Tripped(_))
}

#[test]
fn a_takeover_is_no_trip() {
    let mut fresh = interlock(Stage::Protect);
    fresh.handle(unsure(), UNTOLD, ms(0));
    fresh.handle(unsure(), UNTOLD, ms(2_999));
    assert_eq!(fresh.verdict(), &Verdict::Unknown);
    assert!(!fresh.differs_from(UNTOLD) && !fresh.forces(UNTOLD), "nothing is told, nothing is forced");
    assert!(why_not(fresh.verdict(), &Requirement::Holds, UNTOLD).is_some(), "and nothing is driven");
    fresh.handle(Requirement::Holds, UNTOLD, ms(2_999));
    assert_eq!((fresh.verdict(), fresh.differs_from(UNTOLD)), (&Verdict::Healthy, true));
}

#[test]
fn inputs_that_never_come_trip_after_the_grace() {
    let mut blind = interlock(Stage::Interlock);
    blind.handle(unsure(), UNTOLD, ms(3_000));
    assert_eq!(blind.verdict(), &Verdict::Tripped("temperature is not read".into()));
    assert!(blind.forces(UNTOLD));

    let patient = InterlockSpec { max_age: Duration::from_secs(60), ..InterlockSpec::default() };
    let mut patient = Interlock::new(&patient, ms(0));
    patient.handle(unsure(), UNTOLD, ms(59_999));
    assert_eq!(patient.verdict(), &Verdict::Unknown, "an input may be that old, so it may take that long");
}

#[test]
fn a_violation_trips_at_once_and_lost_inputs_too() {
    for requirement in [violated(), unsure()] {
        let mut healthy = interlock(Stage::Interlock);
        healthy.handle(Requirement::Holds, UNTOLD, ms(0));
        healthy.handle(requirement.clone(), HEALTHY, ms(1));
        assert!(tripped(&healthy) && healthy.differs_from(HEALTHY) && healthy.forces(HEALTHY), "{requirement:?}");
    }
}

#[test]
fn a_blink_is_told_before_it_is_over() {
    let mut blinking = interlock(Stage::Protect);
    blinking.handle(Requirement::Holds, UNTOLD, ms(0));
    blinking.handle(violated(), HEALTHY, ms(10));
    blinking.handle(Requirement::Holds, HEALTHY, ms(20));
    blinking.handle(Requirement::Holds, HEALTHY, ms(60_000));
    assert!(tripped(&blinking), "however long nobody could be told");
    blinking.handle(Requirement::Holds, TRIPPED, ms(60_001));
    assert_eq!((blinking.verdict(), blinking.differs_from(TRIPPED)), (&Verdict::Healthy, true));
}

#[test]
fn fluttering_inputs_do_not_flutter_the_verdict() {
    let mut fluttering = interlock(Stage::Interlock);
    fluttering.handle(violated(), UNTOLD, ms(0));
    for at in (0..100).map(|n| 1_000 * n) {
        fluttering.handle(Requirement::Holds, TRIPPED, ms(at));
        fluttering.handle(Requirement::Holds, TRIPPED, ms(at + 998));
        assert!(tripped(&fluttering));
        fluttering.handle(violated(), TRIPPED, ms(at + 999));
    }
    fluttering.handle(Requirement::Holds, TRIPPED, ms(200_000));
    fluttering.handle(Requirement::Holds, TRIPPED, ms(201_000));
    assert_eq!(fluttering.verdict(), &Verdict::Healthy);
}

#[test]
fn only_stages_that_force_do_and_a_latch_goes_on_forcing() {
    for (stage, forces) in [(Stage::Permit, false), (Stage::Interlock, true), (Stage::Protect, true)] {
        let mut tripped = interlock(stage);
        tripped.handle(violated(), UNTOLD, ms(0));
        assert_eq!(tripped.forces(UNTOLD), forces, "{stage:?}");
        assert!(!tripped.forces(Record { is_defeated: true, ..TRIPPED }), "{stage:?} is defeated");
    }
    let mut latched = interlock(Stage::Protect);
    latched.handle(Requirement::Holds, UNTOLD, ms(0));
    assert!(latched.forces(Record { is_latched: true, ..HEALTHY }), "until somebody resets it");
}

#[test]
fn a_write_is_asked_about_at_its_own_moment() {
    let latched = Record { is_latched: true, ..HEALTHY };
    let defeated = Record { is_defeated: true, is_latched: true, ..TRIPPED };
    let was = Verdict::Tripped("temperature was 90 degC".into());
    let cases = [
        (Verdict::Healthy, Requirement::Holds, HEALTHY, true),
        (Verdict::Healthy, violated(), HEALTHY, false),
        (Verdict::Healthy, unsure(), HEALTHY, false),
        (Verdict::Healthy, Requirement::Holds, latched, false),
        (was.clone(), Requirement::Holds, TRIPPED, false),
        (Verdict::Unknown, Requirement::Holds, UNTOLD, false),
        (was, violated(), defeated, true),
    ];
    for (verdict, requirement, record, may) in cases {
        assert_eq!(why_not(&verdict, &requirement, record).is_none(), may, "{verdict:?} {requirement:?} {record:?}");
    }
}

#[test]
fn a_safe_value_is_written_until_it_is_there_and_again_when_it_is_moved() {
    let reads = |value: f64| Sample { time: Timestamp(0), value: Some(Value::F64(value)), quality: Quality::Good };
    let safe = Value::F64(0.0);
    let mut forced = Forced::default();
    assert!(forced.is_due(&safe, 0.1, Some(&reads(50.0)), ms(0)));
    assert!(!forced.is_due(&safe, 0.1, Some(&reads(50.0)), ms(999)), "one attempt a second");
    assert!(forced.is_due(&safe, 0.1, Some(&reads(50.0)), ms(1_000)));
    forced.handle_written(true);
    assert!(!forced.is_due(&safe, 0.1, Some(&reads(0.05)), ms(5_000)));
    assert!(forced.is_due(&safe, 0.1, Some(&reads(50.0)), ms(6_000)), "somebody at the panel");

    let mut blind = Forced::default();
    assert!(blind.is_due(&safe, 0.0, None, ms(0)));
    blind.handle_written(false);
    assert!(blind.is_due(&safe, 0.0, None, ms(1_000)));
    blind.handle_written(true);
    assert!(!blind.is_due(&safe, 0.0, None, ms(9_000)), "what cannot be read is written once");
}

#[test]
fn actions_are_not_written_to_make_anything_safe() {
    let name = |text: &str| Name::new(text).expect("a name");
    let path = |tag: &str| TagPath::new(&name("hall"), &name("plc-1"), &name(tag));
    let tag = |action| TagSpec { safe: Some(Value::Bool(false)), action, ..TagSpec::default() };
    let tags = BTreeMap::from([(name("valve"), tag(None)), (name("start"), tag(Some(ActionSpec::default())))]);
    let device = DeviceSpec { segment: name("hall"), tags, ..DeviceSpec::default() };
    let spec = |stage| InterlockSpec { stage, tags: vec![path("valve"), path("start")], ..InterlockSpec::default() };
    let site = SiteSpec {
        devices: BTreeMap::from([(name("plc-1"), device)]),
        interlocks: BTreeMap::from([(name("door"), spec(Stage::Interlock)), (name("permit"), spec(Stage::Permit))]),
        ..SiteSpec::default()
    };
    assert_eq!(safe_values(&site, &name("door")), [(path("valve"), Value::Bool(false))]);
    assert_eq!(safe_values(&site, &name("permit")), []);
    assert_eq!(of_segment(&site, "hall").count(), 2);
    assert_eq!(of_segment(&site, "cryo").count(), 0);
}
