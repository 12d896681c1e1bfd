//! The promises of a group, under whatever happens to it, without a single task.

use super::*;
use crate::backoff::Backoff;
use crate::spec::{ChildSpec, OnGiveUp, Restart};
use proptest::prelude::{Just, ProptestConfig, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::strategy::Strategy as Generator;

const PERIOD: Duration = Duration::from_secs(60);

/// A group whose tasks are entries of a map, watched act by act.
struct World {
    group: Group,
    now: Instant,
    /// The generation of every task that exists.
    tasks: BTreeMap<Key, u64>,
    stuck: BTreeSet<Key>,
    spawned: u32,
}

fn spec(strategy: Strategy, intensity: u32) -> SupervisorSpec {
    SupervisorSpec { strategy, intensity, period: PERIOD, children: Vec::new() }
}

fn child(restart: Restart, on_give_up: OnGiveUp, backoff: Option<Backoff>) -> ChildSpec {
    let second = Duration::from_secs(1);
    let worker = ChildSpec::worker("child", |_| async { Ok(()) });
    ChildSpec { restart, on_give_up, backoff, shutdown: second, hang_after: Some(3 * second), ..worker }
}

fn permanent() -> ChildSpec {
    child(Restart::Permanent, OnGiveUp::Escalate, None)
}

fn failed() -> Reason {
    Reason::Failed("on purpose".into())
}

impl World {
    fn new(spec: SupervisorSpec, children: Vec<ChildSpec>) -> Self {
        let (now, spec) = (Instant::now(), Arc::new(SupervisorSpec { children, ..spec }));
        let (tasks, stuck) = Default::default();
        let mut world = Self { group: Group::new(&spec, now), now, tasks, stuck, spawned: 0 };
        world.perform();
        world
    }

    /// Does what the group says, and holds it to the promises of the crate.
    fn perform(&mut self) -> Vec<Act> {
        let mut acts = Vec::new();
        while let Some(act) = self.group.next_act() {
            match &act {
                Act::Spawn(key) => self.spawn(*key),
                Act::Cancel(key) => self.told(*key),
                Act::Abort(key) => assert!(self.tasks.contains_key(key), "{key} was aborted and has no task"),
                Act::Stuck(key) => drop(self.stuck.insert(*key).then_some(())),
                _ => {}
            }
            acts.push(act);
        }
        acts
    }

    fn spawn(&mut self, key: Key) {
        let generation = self.group.members[&key].generation;
        assert_eq!(self.tasks.insert(key, generation), None, "a second incarnation of {key}");
        self.spawned += 1;
        assert!(!self.group.is_ending(), "{key} started while the supervisor ends");
        if self.group.strategy == Strategy::OneForOne {
            return;
        }
        // One that blocks its thread holds up only those that depend on it.
        let waited_for = |later: &Key| self.group.strategy == Strategy::OneForAll || !self.stuck.contains(later);
        let later = self.tasks.range(key + 1..).find(|(later, _)| waited_for(later));
        assert_eq!(later, None, "{key} started before those that depend on it were down");
        for (earlier, member) in self.group.members.range(..key) {
            let leaving = matches!(member.then, Some(Then::Forget));
            let as_it_should = leaving || matches!(member.phase, Phase::Running | Phase::Done | Phase::Stopping { failure: None, .. });
            assert!(as_it_should, "{key} started while {earlier}, which it depends on, is {:?}", member.phase);
        }
    }

    fn told(&mut self, key: Key) {
        assert!(self.tasks.contains_key(&key), "{key} was told to end and has no task");
        let leaves = matches!(self.group.members[&key].then, Some(Then::Forget));
        let alone = leaves || self.group.strategy == Strategy::OneForOne && !self.group.is_ending();
        let later = self.tasks.range(key + 1..).find(|(later, _)| !self.stuck.contains(later));
        assert!(alone || later.is_none(), "{key} was told to end before {later:?}");
    }

    fn ready(&mut self, key: Key) {
        let generation = self.tasks.get(&key).copied().unwrap_or(0);
        self.group.ready(key, generation, self.now);
        self.perform();
    }

    fn end(&mut self, key: Key, reason: Reason, jitter: f64) {
        let Some(generation) = self.tasks.remove(&key) else { return };
        self.stuck.remove(&key);
        let others_may_move = self.group.strategy != Strategy::OneForOne || self.group.is_ending() || !self.group.is_settled();
        self.group.ended(key, generation, reason, self.now, jitter);
        let acts = self.perform();
        let escalated = self.group.is_ending();
        for act in acts {
            let (Act::Spawn(whom) | Act::Cancel(whom) | Act::Abort(whom)) = act else { continue };
            assert!(whom == key || others_may_move || escalated, "the end of {key} disturbed {whom}");
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.group.tick(self.now, |_| None);
        self.perform();
    }

    fn state(&self, key: Key) -> State {
        self.group.state(key).unwrap_or(State::Stopped)
    }
}

#[derive(Clone, Debug)]
enum Step {
    Ready(Key),
    End(Key, bool),
    Stale(Key),
    Pass(u64),
    Add(Restart, OnGiveUp),
    Stop(Key),
    Restart(Key),
    Quarantine(Key),
    Shutdown,
}

fn restarts() -> impl Generator<Value = Restart> {
    prop_oneof![4 => Just(Restart::Permanent), 1 => Just(Restart::Transient), 1 => Just(Restart::Temporary)]
}

fn give_ups() -> impl Generator<Value = OnGiveUp> {
    prop_oneof![Just(OnGiveUp::Escalate), Just(OnGiveUp::Quarantine)]
}

fn steps() -> impl Generator<Value = Vec<Step>> {
    let key = || 0..6_u64;
    let step = prop_oneof![
        8 => key().prop_map(Step::Ready),
        6 => (key(), any::<bool>()).prop_map(|(key, abnormal)| Step::End(key, abnormal)),
        1 => key().prop_map(Step::Stale),
        4 => (0..4_000_u64).prop_map(Step::Pass),
        1 => (restarts(), give_ups()).prop_map(|(restart, on_give_up)| Step::Add(restart, on_give_up)),
        1 => key().prop_map(Step::Stop),
        2 => key().prop_map(Step::Restart),
        2 => key().prop_map(Step::Quarantine),
        1 => Just(Step::Shutdown),
    ];
    prop::collection::vec(step, 0..80)
}

fn strategies() -> impl Generator<Value = Strategy> {
    prop_oneof![Just(Strategy::OneForOne), Just(Strategy::RestForOne), Just(Strategy::OneForAll)]
}

impl World {
    fn take(&mut self, step: &Step) {
        match step {
            Step::Ready(key) => self.ready(*key),
            Step::End(key, abnormal) => self.end(*key, if *abnormal { failed() } else { Reason::Finished }, 1.0),
            Step::Stale(key) => {
                let generation = self.group.member(*key).map_or(0, |member| member.generation);
                self.group.ready(*key, generation.wrapping_sub(1), self.now);
                self.group.ended(*key, generation.wrapping_sub(1), failed(), self.now, 1.0);
                assert!(self.perform().is_empty(), "a stale report of {key} had an effect");
            }
            Step::Pass(ms) => self.pass(Duration::from_millis(*ms)),
            Step::Add(restart, on_give_up) if !self.group.is_ending() => {
                self.group.add(SharedSpec::Own(Arc::new(child(*restart, *on_give_up, None))), self.now);
            }
            Step::Stop(key) if !self.group.is_ending() => self.group.stop(*key, self.now),
            Step::Restart(key) if !self.group.is_ending() => self.group.restart(*key, self.now),
            Step::Quarantine(key) if !self.group.is_ending() => self.group.quarantine(*key, "a person".into(), self.now),
            Step::Shutdown => self.group.shutdown(self.now),
            Step::Add(..) | Step::Stop(_) | Step::Restart(_) | Step::Quarantine(_) => {}
        }
        self.perform();
    }

    /// Every task ends that was told to, every start succeeds, every pause passes, and a person releases what is held.
    fn calm_down(&mut self) {
        for _ in 0..200 {
            for key in 0..self.group.next_key() {
                match self.state(key) {
                    State::Starting => self.ready(key),
                    State::Stopping => self.end(key, Reason::Killed, 1.0),
                    State::Quarantined { .. } if !self.group.is_ending() => self.group.restart(key, self.now),
                    State::BackingOff { until } => {
                        self.now = self.now.max(until);
                        self.group.tick(self.now, |_| Some(self.now));
                    }
                    _ => {}
                }
                self.perform();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_order_is_kept_and_all_come_up_or_down(
        strategy in strategies(),
        children in prop::collection::vec((restarts(), give_ups(), any::<bool>()), 1..5),
        steps in steps(),
    ) {
        let backoff = Backoff { min: Duration::from_millis(100), max: Duration::from_secs(1), stable: PERIOD };
        let children = children.into_iter().map(|(restart, on_give_up, pauses)| child(restart, on_give_up, pauses.then_some(backoff)));
        let mut world = World::new(spec(strategy, 3), children.collect());
        steps.iter().for_each(|step| world.take(step));
        world.calm_down();
        for (key, member) in &world.group.members {
            let fine = world.group.is_ending() || matches!(member.phase, Phase::Running | Phase::Done);
            prop_assert!(fine, "{key} is {:?} when all is calm", member.phase);
        }
        world.group.shutdown(world.now);
        world.perform();
        world.calm_down();
        prop_assert!(world.group.ending().is_some(), "the supervisor does not end");
        prop_assert!(world.tasks.keys().all(|key| world.stuck.contains(key)), "left behind: {:?}", world.tasks);
    }

    #[test]
    fn a_child_that_always_fails_is_given_up_exactly_when_the_check_says(
        min_ms in 1_u64..500, factor in 1_u32..200, intensity in 0_u32..14, jitter in prop_oneof![Just(0.0), Just(1.0)],
    ) {
        let min = Duration::from_millis(min_ms);
        let backoff = Backoff { min, max: min * factor, stable: PERIOD };
        let failing = child(Restart::Permanent, OnGiveUp::Escalate, Some(backoff));
        let mut world = World::new(spec(Strategy::OneForOne, intensity), vec![failing]);
        // As long as the pauses grow the first period has the most failures; ten more of the longest show what stays.
        for _ in 0..20 {
            world.end(0, failed(), jitter);
            if let State::BackingOff { until } = world.state(0) {
                world.pass(until - world.now);
            }
        }
        let predicted = backoff.failures_within(PERIOD, jitter, intensity + 1) > intensity;
        prop_assert_eq!(world.group.is_ending(), predicted);
    }
}

#[test]
fn children_that_hang_are_told_from_those_that_report_progress() {
    let mut world = World::new(spec(Strategy::OneForOne, 9), vec![permanent(), permanent()]);
    world.ready(0);
    world.ready(1);
    let start = world.now;
    let at = |ms| start + Duration::from_millis(ms);
    world.now = at(3_000);
    world.group.tick(world.now, |key| (key == 1).then_some(at(2_500)));
    world.perform();
    assert_eq!((world.state(0), world.state(1)), (State::Stopping, State::Running));
    assert_eq!(world.group.next_tick(), Some(at(4_000)), "the aborted one has a second to be gone");
    world.end(0, Reason::Killed, 1.0);
    assert_eq!(world.state(0), State::Starting, "a hang counts as a failure");
    assert_eq!(world.group.next_tick(), Some(at(5_500)), "three seconds after the last progress");
}

#[test]
fn a_pause_begins_anew_after_a_stable_time() {
    let backoff = Backoff { min: Duration::from_secs(1), max: Duration::from_secs(8), stable: Duration::from_secs(10) };
    let mut world = World::new(spec(Strategy::OneForOne, 9), vec![child(Restart::Permanent, OnGiveUp::Escalate, Some(backoff))]);
    let mut pause_after = |up_s: u64| {
        world.ready(0);
        world.now += Duration::from_secs(up_s);
        world.end(0, failed(), 1.0);
        let State::BackingOff { until } = world.state(0) else { panic!("it is {:?}", world.state(0)) };
        let pause = until - world.now;
        world.pass(pause);
        pause.as_secs()
    };
    assert_eq!([pause_after(0), pause_after(9), pause_after(10), pause_after(0)], [1, 2, 1, 2]);
}

#[test]
fn one_that_blocks_its_thread_is_never_replaced_beside_itself() {
    for strategy in [Strategy::OneForOne, Strategy::RestForOne, Strategy::OneForAll] {
        let mut world = World::new(spec(strategy, 9), vec![permanent(), permanent()]);
        world.ready(0);
        world.ready(1);
        world.group.restart(0, world.now);
        world.perform();
        world.end(1, Reason::Stopped, 1.0);
        // Asked for a second, aborted, and a second later it is still there.
        world.pass(Duration::from_secs(1));
        world.pass(ABORT_GRACE);
        assert!(world.stuck.contains(&0), "{strategy:?}");
        let spawned = world.spawned;
        world.pass(PERIOD);
        assert_eq!((world.state(0), world.spawned), (State::Stopping, spawned), "{strategy:?}");
        world.end(0, Reason::Killed, 1.0);
        assert_eq!(world.state(0), State::Starting, "{strategy:?}: its thread came back");
    }
}
