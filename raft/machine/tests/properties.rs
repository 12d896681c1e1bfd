//! What the machine promises whatever it is told, tried on random histories of a small lab (`generate`).
//!
//! A failing case prints the history it was shrunk to and a seed that repeats it; `PROPTEST_CASES=10000` looks further.

mod generate;
mod steps;

use generate::{Stamped, alarm_history, control_history, damage, deed_history, history, hostile_history, operate_history, tenure_history};
use labkeeper_alarm::Transition;
use labkeeper_machine::authority::Lost;
use labkeeper_machine::interlocks::Word;
use labkeeper_machine::{Cause, Command, Dump, Machine, NodeInfo, Reply, Stamp};
use labkeeper_model::site::SiteSpec;
use labkeeper_model::{AlarmId, CommandId, CommandState, ErrorCode, Revision, TagPath, Timestamp};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::collections::{BTreeMap, BTreeSet};
use steps::{check_step, text};

/// Step up to which no command of a history (62 entries) reaches an age of 24 h: 62 x 20 min = 20.7 h.
const MILLIS_STEP_YOUNG: i64 = 20 * 60 * 1000;
/// Step by which some commands of a history are forgotten: 62 x 2 h is five days at most.
const MILLIS_STEP_OLD: i64 = 2 * 3_600 * 1000;

/// Applies a history; every invariant holds after every entry, and what else is asked of it.
fn play(entries: Vec<Stamped>, mut also: impl FnMut(&mut Machine, &Command) -> Result<(), TestCaseError>) -> Result<(), TestCaseError> {
    let mut machine = Machine::new();
    for (stamp, command) in entries {
        let before = machine.dump();
        let applied = machine.apply(stamp, command.clone());
        prop_assert_eq!(machine.violations(), vec![]);
        prop_assert!(machine.faults().is_empty());
        check_step(&before, &command, &applied, &machine)?;
        also(&mut machine, &command)?;
    }
    Ok(())
}

proptest! {
    /// Total, and every invariant holds after every entry. (A broken invariant of a step panics by itself in this build.)
    #[test]
    fn nothing_that_it_is_told_breaks_it(entries in hostile_history()) {
        play(entries, |_, _| Ok(()))?;
    }

    /// The same, in a lab in which more succeeds.
    #[test]
    fn an_ordinary_history_keeps_every_invariant(entries in history(MILLIS_STEP_OLD)) {
        play(entries, |_, _| Ok(()))?;
    }

    /// The same, in a lab in which nodes come and go and are at odds about their segments.
    #[test]
    fn a_history_of_owners_keeps_every_invariant(entries in tenure_history()) {
        play(entries, |_, _| Ok(()))?;
    }

    /// The same, in a lab in which people take control from each other.
    #[test]
    fn a_history_of_control_keeps_every_invariant(entries in control_history()) {
        play(entries, |_, _| Ok(()))?;
    }

    /// The same, in a lab in which people steer ramps and select before they operate.
    #[test]
    fn a_history_of_ramps_and_selections_keeps_every_invariant(entries in operate_history()) {
        play(entries, |_, _| Ok(()))?;
    }

    /// The same, in a lab with many alarms: each occurrence is raised once, in order, and firing timers again does nothing.
    #[test]
    fn a_history_of_alarms_keeps_every_invariant(entries in alarm_history()) {
        let mut raised: BTreeMap<AlarmId, u64> = BTreeMap::new();
        let mut rows = 0;
        play(entries, |machine, command| {
            for row in machine.alarm_journal().filter(|row| row.number > rows && row.transition == Transition::Raised) {
                let last = raised.insert(row.alarm.clone(), row.occurrence).unwrap_or(0);
                // An alarm that the site does not have any more is forgotten, with its number.
                prop_assert!(row.occurrence == last + 1 || row.occurrence == 1, "{:?} after {}", row, last);
            }
            rows = machine.alarm_journal().next_back().map_or(rows, |row| row.number);
            if *command == Command::FireTimers {
                prop_assert!(machine.next_timer().is_none_or(|due| due > machine.time()), "{:?}", machine.next_timer());
                let fired = machine.dump();
                let stamp = Stamp { index: fired.applied, time: fired.time, term: fired.term };
                let again = machine.apply(stamp, Command::FireTimers);
                prop_assert_eq!((text(&fired), vec![]), (text(&machine.dump()), again.effects));
            }
            Ok(())
        })?;
    }

    /// The same, in a lab in which what people do arrives again and again.
    #[test]
    fn a_history_of_deeds_keeps_every_invariant(entries in deed_history()) {
        play(entries, |_, _| Ok(()))?;
    }

    /// Deterministic, and a snapshot at any point, in the middle of an entry too, leaves no trace.
    #[test]
    fn a_restored_machine_goes_on_as_if_it_had_never_stopped(
        entries in prop_oneof![
            history(MILLIS_STEP_OLD), tenure_history(), control_history(), alarm_history(), operate_history(), deed_history()
        ],
        cut in any::<prop::sample::Index>(),
    ) {
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

    /// Whatever has happened: looking twice changes nothing, and if nothing happens any more but time passing and owners letting go as they
    /// are asked to, segments come to rest, and none returns to an owner that it left.
    #[test]
    fn placement_comes_to_rest(entries in prop_oneof![history(MILLIS_STEP_OLD), tenure_history()]) {
        let mut machine = Machine::new();
        for (stamp, command) in entries {
            machine.apply(stamp, command);
        }
        let mut owners: BTreeMap<String, Vec<Option<u64>>> = BTreeMap::new();
        let mut lap = 0;
        while step_to_rest(&mut machine, &mut owners)? {
            lap += 1;
            prop_assert!(lap < 10, "{owners:?}");
        }
        for (segment, owners) in owners {
            let distinct: BTreeSet<_> = owners.iter().collect();
            prop_assert_eq!(distinct.len(), owners.len(), "{} went to and fro: {:?}", segment, owners);
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
        let found = machine.violations().into_iter().chain(machine.audit_breach()).count();
        prop_assert_eq!(machine.faults().count, found as u64);
        for (stamp, command) in future.into_iter().chain(hostile) {
            machine.apply(stamp, command);
            let _ = machine.plan_site(&SiteSpec::default());
            let _ = Machine::restore(machine.dump());
        }
    }
}

/// Lets the time pass that placement waits for, looks, and lets owners let go. Whether anything is still to come.
fn step_to_rest(machine: &mut Machine, owners: &mut BTreeMap<String, Vec<Option<u64>>>) -> Result<bool, TestCaseError> {
    let due = machine.next_review();
    let stamp = Stamp { index: machine.applied() + 1, time: due.unwrap_or_default().max(machine.time()), term: 1 };
    machine.apply(stamp, Command::PlaceSegments).reply.map_err(|rejection| TestCaseError::fail(rejection.to_string()))?;
    let before = machine.dump();
    let again = machine.apply(stamp, Command::PlaceSegments);
    prop_assert_eq!((text(&before), vec![]), (text(&machine.dump()), again.effects));
    prop_assert!(machine.next_review().is_none_or(|next| next > machine.time()));
    for (segment, ownership) in machine.ownerships() {
        let seen = owners.entry(segment.to_owned()).or_default();
        if seen.last() != Some(&ownership.owner) {
            seen.push(ownership.owner);
        }
    }
    let asked: Vec<_> = machine.sessions().iter().map(|(node, session)| (*node, session.id, machine.releases_wanted(*node))).collect();
    let mut busy = due.is_some();
    for (node, session, wanted) in asked {
        for (segment, epoch) in wanted {
            busy = true;
            let released = machine.apply(stamp, Command::ReleaseSegment { node, session, segment, epoch });
            prop_assert_eq!(released.reply, Ok(Reply::Done));
            prop_assert_eq!(machine.violations(), vec![]);
        }
    }
    Ok(busy)
}

/// Numbers of nodes are never given twice, also if an entry carries many commands and nodes leave at once.
#[test]
fn no_number_is_given_twice() {
    let mut machine = Machine::new();
    let node = |n: u8| generate::plain_node(n);
    machine.apply(Stamp { index: 1, time: Timestamp(0), term: 1 }, Command::FoundSite { site_id: [1; 16], node: node(0) });
    let mut given = vec![1];
    for index in 2..20u64 {
        for n in 0..30u8 {
            let stamp = Stamp { index, time: Timestamp(0), term: 1 };
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
fn histories_reach_every_state_of_a_command_every_cause_of_a_grant_and_most_refusals() {
    let mut runner = TestRunner::deterministic();
    let mut reached: BTreeMap<CommandState, usize> = BTreeMap::new();
    let mut refused: BTreeMap<ErrorCode, usize> = BTreeMap::new();
    let mut causes: BTreeMap<Cause, usize> = BTreeMap::new();
    let mut lost: BTreeMap<&str, usize> = BTreeMap::new();
    let mut words: BTreeMap<Word, usize> = BTreeMap::new();
    let way = |how: &Lost| match how {
        Lost::Expired => "expired",
        Lost::Taken { .. } => "taken",
        Lost::Broken { .. } => "broken",
    };
    let mut held = 0;
    let mut changes: BTreeMap<Transition, usize> = BTreeMap::new();
    for _ in 0..3_000 {
        let mut machine = Machine::new();
        let entries = prop_oneof![2 => history(MILLIS_STEP_YOUNG), 2 => tenure_history(), 1 => control_history(), 3 => alarm_history()];
        for (stamp, command) in entries.new_tree(&mut runner).expect("a history").current() {
            if let Err(rejection) = machine.apply(stamp, command).reply {
                *refused.entry(rejection.code).or_default() += 1;
            }
        }
        machine.takeovers().for_each(|record| *causes.entry(record.cause).or_default() += 1);
        held += machine.holds_waiting().count();
        machine.interlocks().for_each(|(_, standing)| *words.entry(standing.word()).or_default() += 1);
        machine.control_losses().for_each(|(_, loss)| *lost.entry(way(&loss.how)).or_default() += 1);
        machine.alarm_journal().for_each(|row| *changes.entry(row.transition).or_default() += 1);
        for record in machine.recent_commands() {
            record.steps.iter().for_each(|step| *reached.entry(step.0).or_default() += 1);
            record.error.iter().for_each(|error| *refused.entry(error.0).or_default() += 1);
        }
    }
    for state in CommandState::ALL.into_iter().filter(|state| !matches!(state, CommandState::Received | CommandState::Validated)) {
        assert!(reached.get(&state).is_some_and(|times| *times >= 5), "{state}: {reached:?}");
    }
    assert!(refused.len() >= 27, "{refused:?}");
    for (cause, _) in Cause::TABLE {
        assert!(causes.get(cause).is_some_and(|times| *times >= 5), "{cause}: {causes:?}");
    }
    assert!(held >= 20, "{held} tags held");
    for word in [Word::Healthy, Word::Tripped, Word::Latched, Word::Unknown] {
        assert!(words.get(&word).is_some_and(|times| *times >= 5), "{word}: {words:?}");
    }
    for how in ["expired", "taken", "broken"] {
        assert!(lost.get(how).is_some_and(|times| *times >= 5), "{how}: {lost:?}");
    }
    // No class of this lab needs two people.
    for (transition, _) in Transition::ALL.iter().filter(|row| row.0 != Transition::OutOfServiceAsked) {
        assert!(changes.get(transition).is_some_and(|times| *times >= 3), "{}: {changes:?}", transition.as_str());
    }
}
