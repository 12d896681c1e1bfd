//! What the machine promises whatever it is told, tried on random histories of a small lab (`generate`).
//!
//! A failing case prints the history it was shrunk to and a seed that repeats it; `PROPTEST_CASES=10000` looks further.

mod generate;

use generate::{damage, history, hostile_history};
use labkeeper_machine::{Applied, Command, CommandRecord, Dump, Effect, Machine, NodeInfo, Reply, Stamp};
use labkeeper_model::site::SiteSpec;
use labkeeper_model::{CommandId, CommandState, ErrorCode, Revision, TagPath, Timestamp};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Step up to which no command of a history (62 entries) reaches an age of 24 h: 62 x 20 min = 20.7 h.
const MILLIS_STEP_YOUNG: i64 = 20 * 60 * 1000;
/// Step by which some commands of a history are forgotten: 62 x 2 h is five days at most.
const MILLIS_STEP_OLD: i64 = 2 * 3_600 * 1000;

proptest! {
    /// Total, and every invariant holds after every entry. (A broken invariant of a step panics by itself in this build.)
    #[test]
    fn nothing_that_it_is_told_breaks_it(entries in hostile_history()) {
        let mut machine = Machine::new();
        for (stamp, command) in entries {
            let before = machine.dump();
            let applied = machine.apply(stamp, command.clone());
            prop_assert_eq!(machine.violations(), vec![]);
            prop_assert!(machine.faults().is_empty());
            check_step(&before, &command, &applied, &machine)?;
        }
    }

    /// The same, in a lab in which more succeeds.
    #[test]
    fn an_ordinary_history_keeps_every_invariant(entries in history(MILLIS_STEP_OLD)) {
        let mut machine = Machine::new();
        for (stamp, command) in entries {
            let before = machine.dump();
            let applied = machine.apply(stamp, command.clone());
            prop_assert_eq!(machine.violations(), vec![]);
            check_step(&before, &command, &applied, &machine)?;
        }
    }

    /// Deterministic, and a snapshot at any point, in the middle of an entry too, leaves no trace.
    #[test]
    fn a_restored_machine_goes_on_as_if_it_had_never_stopped(entries in history(MILLIS_STEP_OLD), cut in any::<prop::sample::Index>()) {
        let cut = cut.index(entries.len() + 1);
        let mut steady = Machine::new();
        let mut stopped = Machine::new();
        for (n, (stamp, command)) in entries.into_iter().enumerate() {
            if n == cut {
                stopped = Machine::restore(stopped.dump());
                prop_assert!(stopped.faults().is_empty());
            }
            prop_assert_eq!(text(&steady.apply(stamp, command.clone())), text(&stopped.apply(stamp, command)));
        }
        let shuffled = Dump { commands: stopped.dump().commands.into_iter().rev().collect(), ..stopped.dump() };
        prop_assert_eq!(text(&steady.dump()), text(&stopped.dump()));
        prop_assert_eq!(text(&steady), text(&Machine::restore(shuffled)), "indexes too");
    }

    /// What was acknowledged as committed stays the desired value until something newer was committed, and stays remembered.
    #[test]
    fn an_acknowledged_setpoint_is_not_lost(entries in history(MILLIS_STEP_YOUNG)) {
        let mut machine = Machine::new();
        let mut latest: BTreeMap<TagPath, (Revision, CommandId)> = BTreeMap::new();
        let mut ids = Vec::new();
        for (stamp, command) in entries {
            let applied = machine.apply(stamp, command);
            if let Ok(Reply::Command(record)) = applied.reply && record.state() == CommandState::Committed && !ids.contains(&record.id) {
                ids.push(record.id);
                latest.insert(record.tag.clone(), (record.revision, record.id));
            }
            latest.retain(|tag, _| machine.site().tag(tag).is_some());
            for (tag, promised) in &latest {
                let setpoint = machine.setpoint(tag).map(|setpoint| (setpoint.revision, setpoint.command_id));
                prop_assert_eq!(setpoint, Some(*promised), "{}", tag);
            }
            for id in &ids {
                let record = machine.command(id);
                prop_assert!(record.is_some_and(|record| record.accepted.is_some() && record.revision > 0), "{}", id);
            }
        }
    }

    /// A request that was answered may be sent again at any time, by anybody, any number of times: it gets the same command and changes
    /// nothing at all.
    #[test]
    fn repeats_change_nothing(entries in history(MILLIS_STEP_YOUNG), picks in prop::collection::vec(any::<prop::sample::Index>(), 62)) {
        let mut machine = Machine::new();
        let mut answered = Vec::new();
        for ((stamp, command), pick) in entries.into_iter().zip(picks) {
            let applied = machine.apply(stamp, command.clone());
            if let (Command::SubmitSetpoint(request), Ok(Reply::Command(_))) = (command, applied.reply) {
                answered.push(request);
            }
            if answered.is_empty() {
                continue;
            }
            let mut repeat = pick.get(&answered).clone();
            (repeat.deadline, repeat.actor) = (Timestamp(0), "somebody else".into());
            let before = machine.dump();
            let again = machine.apply(stamp, Command::SubmitSetpoint(repeat.clone()));
            prop_assert_eq!(text(&machine.dump()), text(&before));
            prop_assert_eq!(again.effects, vec![]);
            let Ok(Reply::Command(record)) = again.reply else { return Err(TestCaseError::fail(format!("{:?}", again.reply))) };
            prop_assert_eq!(text(&Some(&record)), text(&machine.command(&repeat.id)));
        }
    }

    /// A damaged dump still gives a machine that works, and that says what it found.
    #[test]
    fn a_damaged_dump_does_not_stop_a_node(
        mut past in history(MILLIS_STEP_OLD),
        cut in any::<prop::sample::Index>(),
        damage in damage::damage(),
        hostile in hostile_history(),
    ) {
        let future = past.split_off(cut.index(past.len()));
        let mut machine = Machine::new();
        for (stamp, command) in past {
            machine.apply(stamp, command);
        }
        let mut dump = machine.dump();
        damage.iter().for_each(|change| change(&mut dump));
        let mut machine = Machine::restore(dump);
        prop_assert_eq!(machine.faults().count, machine.violations().len() as u64);
        for (stamp, command) in future.into_iter().chain(hostile) {
            machine.apply(stamp, command);
            let _ = machine.plan_site(&SiteSpec::default());
            let _ = Machine::restore(machine.dump());
        }
    }
}

/// Everything there is, as text: unlike `==`, it finds NaN equal to NaN and 0 different from -0, as copies of a state must be.
fn text(thing: &impl std::fmt::Debug) -> String {
    format!("{thing:?}")
}

/// What one entry may do to the state.
fn check_step(before: &Dump, command: &Command, applied: &Applied, machine: &Machine) -> Result<(), TestCaseError> {
    let after = machine.dump();
    prop_assert!(after.applied >= before.applied && after.time >= before.time);
    for (segment, old) in &before.ownerships {
        let new = after.ownerships[segment];
        prop_assert!(new == *old || new.epoch > old.epoch, "{}: {:?} after {:?}", segment, new, old);
        prop_assert!(new.owner == old.owner || new.epoch > old.epoch, "{}: {:?} after {:?}", segment, new, old);
    }
    for id in after.nodes.keys().filter(|id| !before.nodes.contains_key(id)) {
        prop_assert!(*id > before.applied || *id == after.applied || *id == 1, "number {} could have been given before", id);
    }
    if applied.reply.is_err() {
        prop_assert_eq!(&applied.effects, &vec![]);
        let untouched = Dump { applied: after.applied, time: after.time, commands: after.commands.clone(), ..before.clone() };
        prop_assert_eq!(text(&untouched), text(&after), "refused: {:?}", applied.reply);
        let kept = |record: &Arc<CommandRecord>| before.commands.iter().any(|earlier| Arc::ptr_eq(earlier, record));
        prop_assert!(after.commands.iter().all(kept), "refused: {:?}", applied.reply);
    }
    if let Command::ReportCommands { node, reports } = command {
        for effect in &applied.effects {
            let Effect::CommandChanged { id } = effect else { continue };
            let Some(record) = machine.command(id) else { continue };
            let ownership = after.ownerships[record.tag.segment()];
            let told = reports.iter().any(|report| report.id == *id && report.epoch == ownership.epoch);
            prop_assert!(told && ownership.owner == Some(*node), "{:?} was believed about {:?}", node, record);
        }
    }
    Ok(())
}

/// Numbers of nodes are never given twice, also if an entry carries many commands and nodes leave at once.
#[test]
fn no_number_is_given_twice() {
    let mut machine = Machine::new();
    let node = |n: u8| generate::plain_node(n);
    machine.apply(Stamp { index: 1, time: Timestamp(0) }, Command::FoundSite { site_id: [1; 16], node: node(0) });
    let mut given = vec![1];
    for index in 2..20u64 {
        for n in 0..30u8 {
            let stamp = Stamp { index, time: Timestamp(0) };
            let removed = given.last().copied().unwrap_or_default();
            machine.apply(stamp, Command::RemoveNode { id: removed, actor: "ann".into() });
            let mut stranger = NodeInfo { instance: [0xff; 16], ..node(n) };
            (stranger.instance[0], stranger.instance[1]) = (index as u8, n);
            if let Ok(Reply::Node(id)) = machine.apply(stamp, Command::AdmitNode { node: stranger }).reply {
                assert!(!given.contains(&id), "{id} again");
                given.push(id);
            }
        }
    }
    assert!(given.len() > 10, "{given:?}");
}

/// The histories above are worth something only if what can happen does happen in them.
#[test]
fn histories_reach_every_state_of_a_command_and_most_refusals() {
    let mut runner = TestRunner::deterministic();
    let mut reached: BTreeMap<CommandState, usize> = BTreeMap::new();
    let mut refused: BTreeMap<ErrorCode, usize> = BTreeMap::new();
    for _ in 0..300 {
        let mut machine = Machine::new();
        for (stamp, command) in history(MILLIS_STEP_YOUNG).new_tree(&mut runner).expect("a history").current() {
            if let Err(rejection) = machine.apply(stamp, command).reply {
                *refused.entry(rejection.code).or_default() += 1;
            }
        }
        for record in machine.recent_commands() {
            record.steps.iter().for_each(|step| *reached.entry(step.0).or_default() += 1);
            record.error.iter().for_each(|error| *refused.entry(error.0).or_default() += 1);
        }
    }
    for state in CommandState::ALL.into_iter().filter(|state| !matches!(state, CommandState::Received | CommandState::Validated)) {
        assert!(reached.get(&state).is_some_and(|times| *times >= 5), "{state}: {reached:?}");
    }
    assert!(refused.len() >= 20, "{refused:?}");
}
