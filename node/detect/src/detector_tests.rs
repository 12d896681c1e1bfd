use super::*;
use crate::inputs::Written;
use crate::word::Level;
use labkeeper_expression::Input;
use labkeeper_model::site::{Levels, SiteSpec, TagSpec, Verify};
use labkeeper_model::{BadReason, Moment};
use std::cell::RefCell;
use std::time::Duration;

/// The world as a test sets it.
#[derive(Default)]
struct World {
    other: RefCell<Option<Sample>>,
    setpoint: RefCell<Option<Value>>,
    written: RefCell<Option<Written>>,
}

impl labkeeper_expression::Inputs for World {
    fn input(&self, _: &TagPath) -> Option<Input> {
        let Sample { value, quality, .. } = self.other.borrow().clone()?;
        Some(Input { value, unit: String::new(), quality, age: Duration::ZERO })
    }
}

impl Inputs for World {
    fn setpoint(&self, _: &TagPath) -> Option<Value> {
        self.setpoint.borrow().clone()
    }
    fn written(&self, _: &TagPath) -> Option<Written> {
        self.written.borrow().clone()
    }
}

fn tag(name: &str) -> TagPath {
    TagPath::parse(&format!("cryo/chiller/{name}")).expect("a tag")
}

fn now(ms: i64) -> Now {
    Now { time: Timestamp::from_millis(ms), moment: Moment(u64::try_from(ms).expect("positive") * 1_000_000) }
}

fn good(ms: i64, value: Value) -> Sample {
    Sample { time: Timestamp::from_millis(ms), value: Some(value), quality: Quality::Good }
}

fn bad(ms: i64) -> Sample {
    Sample { quality: Quality::Bad(BadReason::Timeout), ..good(ms, Value::F64(20.0)) }
}

struct Rig {
    detector: Detector,
    world: World,
}

impl Rig {
    fn new(kind: AlarmKind) -> Self {
        Self::taking_over(AlarmSpec { kind, ..AlarmSpec::default() }, Recorded::default())
    }

    fn taking_over(spec: AlarmSpec, recorded: Recorded) -> Self {
        let name = |text: &str| Name::new(text).expect("a name");
        let verify = Verify { readback: name("actual"), tolerance: 0.1, timeout: Duration::from_secs(1) };
        let device = DeviceSpec {
            segment: name("cryo"),
            tags: [(name("temperature"), TagSpec { verify: Some(verify), ..TagSpec::default() }), (name("pump"), TagSpec::default())]
                .into(),
            ..DeviceSpec::default()
        };
        let site = SiteSpec { devices: [(name("chiller"), device.clone())].into(), ..SiteSpec::default() };
        let detector = Detector::new((&name("chiller"), &device), &name("temperature"), &spec, &site, recorded, now(0));
        Self { detector, world: World::default() }
    }

    fn read(&mut self, ms: i64, value: f64) -> Vec<Word> {
        self.take(&good(ms, Value::F64(value)), ms)
    }

    fn take(&mut self, sample: &Sample, ms: i64) -> Vec<Word> {
        self.detector.handle_sample(sample, now(ms), &self.world);
        self.said()
    }

    fn wait(&mut self, ms: i64) -> Vec<Word> {
        self.detector.handle_time(now(ms), &self.world);
        self.said()
    }

    fn said(&mut self) -> Vec<Word> {
        let words = self.detector.words().iter().map(|(_, word)| word.clone()).collect();
        self.detector.delivered(Timestamp(i64::MAX));
        words
    }
}

fn active(severity: u8, value: f64) -> Vec<Word> {
    vec![Word::Active { severity, value: Some(Value::F64(value)) }]
}

fn clear(value: f64) -> Vec<Word> {
    vec![Word::Clear { value: Some(Value::F64(value)) }]
}

#[test]
fn levels() {
    let levels = Levels { hi: Some(30.0), hihi: Some(40.0), ..Levels::default() };
    let mut rig = Rig::new(AlarmKind::Levels(levels));
    assert_eq!(rig.read(100, 20.0), []);
    assert_eq!(rig.read(200, 30.0), active(1, 30.0));
    assert_eq!(rig.read(300, 41.0), active(2, 41.0), "a higher severity is news");
    assert_eq!(rig.read(400, 20.0), clear(20.0));
    assert_eq!(rig.take(&good(500, Value::F64(f64::NAN)), 500), [], "not a number is nothing to judge by");
}

#[test]
fn deviation_from_another_tag_or_the_setpoint() {
    let mut rig = Rig::new(AlarmKind::Deviation { from: Some(tag("pump")), limit: 2.0 });
    *rig.world.other.borrow_mut() = Some(good(0, Value::I64(18)));
    assert_eq!(rig.read(100, 20.0), []);
    assert_eq!(rig.read(200, 20.1), active(1, 20.1));
    *rig.world.other.borrow_mut() = Some(bad(0));
    assert_eq!(rig.read(300, 18.0), [], "without the other tag it stays what it was");
    *rig.world.other.borrow_mut() = Some(good(0, Value::I64(18)));
    assert_eq!(rig.read(400, 18.0), clear(18.0));
    let mut rig = Rig::new(AlarmKind::Deviation { from: None, limit: 2.0 });
    assert_eq!(rig.read(100, 99.0), [], "nothing to deviate from");
    *rig.world.setpoint.borrow_mut() = Some(Value::F64(25.0));
    assert_eq!(rig.read(200, 99.0), active(1, 99.0));
}

#[test]
fn rate_after_a_gap_begins_anew() {
    let mut rig = Rig::new(AlarmKind::Rate { per_s: 1.0, over: Duration::from_secs(1) });
    assert_eq!(rig.read(0, 20.0), []);
    assert_eq!(rig.read(1000, 23.0), active(1, 23.0));
    assert_eq!(rig.wait(4000), [Word::Bad { cause: "it is not read".into() }]);
    assert_eq!(rig.read(9000, 90.0), [Word::Good], "what happened in the gap is no rate");
    assert_eq!(rig.read(10_000, 90.0), clear(90.0));
}

#[test]
fn equals_a_state() {
    let mut rig = Rig::new(AlarmKind::Equals { value: Value::Bool(true) });
    assert_eq!(rig.take(&good(0, Value::Bool(false)), 0), []);
    assert_eq!(rig.take(&good(100, Value::Bool(true)), 100), [Word::Active { severity: 1, value: Some(Value::Bool(true)) }]);
    assert_eq!(rig.take(&good(200, Value::Bool(false)), 200), [Word::Clear { value: Some(Value::Bool(false)) }]);
    let mut rig = Rig::new(AlarmKind::Equals { value: Value::I64(3) });
    assert_eq!(rig.take(&good(0, Value::U64(3)), 0).len(), 1, "numbers are compared as numbers");
}

#[test]
fn changed_also_across_a_takeover() {
    let mut rig = Rig::new(AlarmKind::Changed);
    assert_eq!(rig.read(0, 1.0), [], "the first reading is no change");
    assert_eq!(rig.read(100, 1.0), []);
    assert_eq!(rig.read(200, 2.0), [active(1, 2.0), clear(2.0)].concat());
    let mut rig = Rig::new(AlarmKind::Changed);
    rig.detector.handle_last_known(Value::F64(1.0));
    assert_eq!(rig.read(0, 2.0).len(), 2);
}

#[test]
fn discrepancy_is_judged_by_the_readback_once_a_write_has_settled() {
    let mut rig = Rig::new(AlarmKind::Discrepancy { tolerance: 0.5, settle: Duration::from_secs(5) });
    assert_eq!(rig.detector.sources(), [tag("actual")]);
    assert_eq!(rig.read(0, 1.0), [], "nothing was written");
    let written = |age| Some(Written { value: Value::F64(10.0), age: Duration::from_secs(age) });
    *rig.world.written.borrow_mut() = written(4);
    assert_eq!(rig.read(100, 1.0), []);
    *rig.world.written.borrow_mut() = written(5);
    assert_eq!(rig.read(200, 1.0), active(1, 1.0));
    *rig.world.written.borrow_mut() = written(0);
    assert_eq!(rig.read(300, 1.0), [], "a write gives it time again, and it stays what it was");
    assert_eq!(rig.read(400, 9.6), clear(9.6), "as soon as it agrees");
}

#[test]
fn stale_is_about_silence_and_never_bad() {
    let mut rig = Rig::new(AlarmKind::Stale { after: Duration::from_secs(5) });
    assert_eq!(rig.read(1000, 1.0), []);
    assert_eq!(rig.take(&bad(2000), 2000), []);
    assert_eq!(rig.wait(6000), []);
    assert_eq!(rig.wait(6001), [Word::Active { severity: 1, value: None }]);
    assert_eq!(rig.take(&bad(7000), 7000), [], "a reading without a value ends no silence");
    assert_eq!(rig.read(8000, 1.0), clear(1.0));
}

#[test]
fn an_expression_is_judged_by_its_inputs_and_by_time() {
    let mut rig = Rig::new(AlarmKind::Expression { source: "cryo/chiller/pump > 10".into() });
    assert_eq!(rig.detector.sources(), [tag("pump"), tag("temperature")]);
    *rig.world.other.borrow_mut() = Some(good(0, Value::F64(11.0)));
    assert_eq!(rig.take(&bad(100), 100), [Word::Active { severity: 1, value: None }], "its own tag does not matter");
    *rig.world.other.borrow_mut() = None;
    assert_eq!(rig.wait(2000), []);
    assert_eq!(rig.wait(3000), [Word::Bad { cause: "there is no tag cryo/chiller/pump".into() }]);
    *rig.world.other.borrow_mut() = Some(good(0, Value::F64(9.0)));
    assert_eq!(rig.wait(4000), [Word::Good, Word::Clear { value: None }]);
}

#[test]
fn one_lost_answer_changes_nothing_and_silence_holds_the_condition() {
    let mut rig = Rig::new(AlarmKind::Levels(Levels { hi: Some(30.0), ..Levels::default() }));
    assert_eq!(rig.read(0, 31.0), active(1, 31.0));
    assert_eq!(rig.take(&bad(500), 500), []);
    assert_eq!(rig.read(1000, 31.0), []);
    assert_eq!(rig.take(&bad(1500), 1500), []);
    assert_eq!(rig.take(&bad(3100), 3100), [Word::Bad { cause: "bad:timeout".into() }]);
    assert_eq!(rig.take(&bad(3600), 3600), [], "said once, and neither cleared nor raised");
    assert_eq!(rig.read(9000, 20.0), [vec![Word::Good], clear(20.0)].concat());
}

#[test]
fn a_new_owner_says_nothing_before_a_fresh_reading_and_keeps_the_deadband() {
    let kind = AlarmKind::Levels(Levels { hi: Some(30.0), ..Levels::default() });
    let spec = AlarmSpec { kind, deadband: 1.0, ..AlarmSpec::default() };
    let recorded = Recorded { level: Level::Active(1), ..Recorded::default() };
    let mut rig = Rig::taking_over(spec, recorded);
    for ms in (0..=10_000).step_by(500) {
        assert_eq!(rig.take(&bad(ms), ms), [], "a takeover is no news");
    }
    assert_eq!(rig.read(10_000, 29.5), [], "within the deadband it still holds");
    assert_eq!(rig.read(10_100, 28.9), clear(28.9));
}

#[test]
fn a_suppression_that_cannot_be_told_hides_nothing_but_survives_a_takeover() {
    let spec = AlarmSpec {
        kind: AlarmKind::Levels(Levels { hi: Some(30.0), ..Levels::default() }),
        suppress_when: Some("cryo/chiller/pump > 10".into()),
        ..AlarmSpec::default()
    };
    let mut rig = Rig::taking_over(spec, Recorded { is_suppressed: true, ..Recorded::default() });
    assert_eq!(rig.wait(9_000), [], "as the machine has it, until it can be told");
    *rig.world.other.borrow_mut() = Some(good(0, Value::F64(11.0)));
    assert_eq!(rig.wait(9_500), []);
    assert_eq!(rig.read(9_500, 20.0), []);
    *rig.world.other.borrow_mut() = None;
    assert_eq!(rig.wait(11_000), []);
    assert_eq!(rig.wait(12_000)[0], Word::Suppressed(false), "for too long");
}
