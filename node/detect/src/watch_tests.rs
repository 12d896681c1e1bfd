use super::*;
use crate::inputs::Written;
use crate::word::Level;
use labkeeper_model::site::{AlarmKind, AlarmSpec, DeviceSpec, Levels, TagSpec};
use labkeeper_model::{BadReason, Moment, Quality};

/// Alarms of one device, so many.
const ALARMS: usize = 200;

struct Nothing;

impl labkeeper_expression::Inputs for Nothing {
    fn input(&self, _: &TagPath) -> Option<labkeeper_expression::Input> {
        None
    }
}

impl Inputs for Nothing {
    fn setpoint(&self, _: &TagPath) -> Option<Value> {
        None
    }
    fn written(&self, _: &TagPath) -> Option<Written> {
        None
    }
}

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

fn tag(number: usize) -> TagPath {
    TagPath::new(&name("cryo"), &name("chiller"), &name(&format!("t{number}")))
}

fn now(ms: i64) -> Now {
    Now { time: Timestamp::from_millis(ms), moment: Moment(u64::try_from(ms).expect("positive") * 1_000_000) }
}

fn site() -> SiteSpec {
    let kind = AlarmKind::Levels(Levels { hi: Some(30.0), ..Levels::default() });
    let alarm = AlarmSpec { name: name("high"), kind, ..AlarmSpec::default() };
    let tags = (0..ALARMS).map(|number| (name(&format!("t{number}")), TagSpec { alarms: vec![alarm.clone()], ..TagSpec::default() }));
    let device = DeviceSpec { segment: name("cryo"), tags: tags.collect(), ..DeviceSpec::default() };
    let other = DeviceSpec { segment: name("vacuum"), ..DeviceSpec::default() };
    SiteSpec { devices: [(name("chiller"), device), (name("gauge"), other)].into(), ..SiteSpec::default() }
}

/// The replicated machine, as far as an owner sees it.
#[derive(Default)]
struct Machine {
    recorded: BTreeMap<AlarmId, Recorded>,
    raised: usize,
    bad: usize,
}

impl Machine {
    fn owner(&self, ms: i64) -> Watch {
        Watch::new(&site(), &name("cryo"), &|id| self.get(id), now(ms))
    }

    fn get(&self, id: &AlarmId) -> Recorded {
        self.recorded.get(id).copied().unwrap_or_default()
    }

    fn take(&mut self, words: &[Spoken]) {
        for Spoken { alarm, at, word } in words {
            let recorded = self.recorded.entry(alarm.clone()).or_default();
            if *at <= recorded.word_at {
                continue;
            }
            recorded.word_at = *at;
            match word {
                Word::Active { severity, .. } => (recorded.level, self.raised) = (Level::Active(*severity), self.raised + 1),
                Word::Clear { .. } => recorded.level = Level::Clear,
                Word::Bad { .. } => (recorded.is_bad, self.bad) = (true, self.bad + 1),
                Word::Good => recorded.is_bad = false,
                Word::Suppressed(_) | Word::Chattering { .. } => unreachable!("{word:?}"),
            }
        }
    }

    /// Brings all that waits into the log.
    fn deliver(&mut self, watch: &mut Watch) -> usize {
        let words = watch.pending(usize::MAX);
        self.take(&words);
        watch.delivered(&words);
        words.len()
    }
}

fn read_all(watch: &mut Watch, ms: i64, value: f64) {
    let sample = Sample { time: Timestamp::from_millis(ms), value: Some(Value::F64(value)), quality: Quality::Good };
    (0..ALARMS).for_each(|number| watch.handle_sample(&tag(number), &sample, now(ms), &Nothing));
}

fn fail_all(watch: &mut Watch, ms: i64) {
    let sample = Sample { time: Timestamp::from_millis(ms), value: None, quality: Quality::Bad(BadReason::CommFailure) };
    (0..ALARMS).for_each(|number| watch.handle_sample(&tag(number), &sample, now(ms), &Nothing));
    watch.handle_device(&name("chiller"), Answering::No, now(ms));
    watch.handle_time(now(ms), &Nothing);
}

#[test]
fn a_segment_has_its_own_alarms_and_a_fault_for_each_device() {
    let watch = Machine::default().owner(0);
    assert_eq!(watch.alarms().count(), ALARMS + 1);
    assert_eq!(watch.sources().count(), ALARMS);
}

#[test]
fn an_owner_lost_with_200_alarms_active_raises_none_again() {
    let mut machine = Machine::default();
    let mut first = machine.owner(0);
    read_all(&mut first, 100, 35.0);
    assert_eq!((machine.deliver(&mut first), machine.raised), (ALARMS, ALARMS));
    let mut second = machine.owner(5_000);
    for ms in (5_100..9_000).step_by(100) {
        fail_all(&mut second, ms);
    }
    second.handle_device(&name("chiller"), Answering::Yes, now(9_000));
    read_all(&mut second, 9_100, 35.0);
    assert_eq!((machine.deliver(&mut second), machine.raised, machine.bad), (0, ALARMS, 0), "a takeover says nothing");
    read_all(&mut second, 9_200, 20.0);
    assert_eq!(machine.deliver(&mut second), ALARMS, "and the new owner clears them");
}

#[test]
fn a_device_that_does_not_answer_is_one_alarm() {
    let mut machine = Machine::default();
    let mut watch = machine.owner(0);
    watch.handle_device(&name("chiller"), Answering::Yes, now(100));
    read_all(&mut watch, 100, 20.0);
    for ms in (600..10_000).step_by(100) {
        fail_all(&mut watch, ms);
    }
    machine.deliver(&mut watch);
    assert_eq!((machine.raised, machine.bad), (1, ALARMS));
    watch.handle_device(&name("chiller"), Answering::Yes, now(10_000));
    read_all(&mut watch, 10_000, 20.0);
    machine.deliver(&mut watch);
    assert!(machine.recorded.values().all(|recorded| !recorded.is_bad && recorded.level == Level::Clear));
}

#[test]
fn a_device_that_stays_silent_after_a_takeover_is_told_of_in_the_end() {
    let mut machine = Machine::default();
    let mut watch = machine.owner(0);
    (100..10_000).step_by(100).for_each(|ms| fail_all(&mut watch, ms));
    machine.deliver(&mut watch);
    assert_eq!(machine.raised, 0);
    fail_all(&mut watch, 10_100);
    machine.deliver(&mut watch);
    assert_eq!((machine.raised, machine.bad), (1, ALARMS));
}

#[test]
fn what_is_known_not_to_answer_is_told_of_by_every_owner_after_a_few_polls() {
    let mut machine = Machine::default();
    let mut first = machine.owner(0);
    first.handle_device(&name("chiller"), Answering::Yes, now(100));
    first.handle_device(&name("chiller"), Answering::No, now(200));
    assert_eq!((machine.deliver(&mut first), machine.raised), (1, 1), "the device's alarm, before any tag is stale");
    let mut second = machine.owner(1_000);
    (1_100..3_100).step_by(100).for_each(|ms| fail_all(&mut second, ms));
    assert_eq!((machine.deliver(&mut second), machine.bad), (0, 0), "its own polls may yet be answered");
    fail_all(&mut second, 3_100);
    machine.deliver(&mut second);
    assert_eq!((machine.raised, machine.bad), (1, ALARMS), "the time of a takeover excuses nothing");
}

#[test]
fn words_wait_in_the_order_in_which_they_were_found() {
    let mut machine = Machine::default();
    let mut watch = machine.owner(0);
    for number in (0..ALARMS).rev() {
        let ms = i64::try_from(1_000 - number).expect("small");
        let sample = Sample { time: Timestamp::from_millis(ms), value: Some(Value::F64(35.0)), quality: Quality::Good };
        watch.handle_sample(&tag(number), &sample, now(ms), &Nothing);
    }
    let first = watch.pending(3);
    let alarms: Vec<_> = first.iter().map(|word| word.alarm.as_str()).collect();
    assert_eq!(alarms, ["cryo/chiller/t199/high", "cryo/chiller/t198/high", "cryo/chiller/t197/high"]);
    // In doubt: said again, and taken once.
    machine.take(&first);
    machine.deliver(&mut watch);
    assert_eq!(machine.raised, ALARMS);
    assert!(watch.pending(9).is_empty());
}

#[test]
fn what_the_machine_has_otherwise_is_set_right() {
    let mut machine = Machine::default();
    let mut watch = machine.owner(0);
    read_all(&mut watch, 100, 35.0);
    machine.deliver(&mut watch);
    machine.recorded.remove(&AlarmId::parse("cryo/chiller/t7/high").expect("an alarm"));
    watch.settle(&|id| machine.get(id));
    watch.handle_time(now(500), &Nothing);
    assert_eq!(machine.deliver(&mut watch), 1);
}
