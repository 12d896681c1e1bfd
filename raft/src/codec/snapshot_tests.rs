use super::*;
use crate::codec::command::tests::every_command;
use labkeeper_machine::{Command, Machine, Stamp};

/// A machine that went through every command, and through the setpoints that are refused.
fn lived_in() -> Machine {
    let mut machine = Machine::new();
    for (index, command) in (1..).zip(every_command()) {
        machine.apply(Stamp { index, time: Timestamp(1_000), term: 1 }, command);
    }
    machine
}

/// What comes back is worth something only if it is there.
#[test]
fn the_state_that_comes_back_is_a_full_one() {
    let dump = lived_in().dump();
    assert!(!dump.sessions.is_empty() && dump.last_session > 0 && !dump.draining.is_empty());
    assert!(!dump.words.is_empty() && !dump.takeovers.is_empty() && !dump.quarantined.is_empty());
    assert!(dump.takeovers.iter().any(|record| record.report.is_some()));
    assert!(dump.authority.held.values().any(|control| control.asked.is_some()) && !dump.authority.lost.is_empty());
    let lid = dump.interlocks.states.values().next().expect("an interlock");
    assert!(lid.latched && lid.verdict.is_some() && !lid.forced.is_empty() && lid.defeat.is_some(), "{lid:?} {:?}", dump.ownerships);
    assert!(dump.ownerships.values().any(|ownership| ownership.session > 0));
    let alarm = dump.alarms.records().values().find(|alarm| alarm.overrides.any()).expect("an alarm that is overridden");
    assert!(alarm.occurrence > 0 && alarm.chatter.episode.is_some() && !alarm.comments.is_empty(), "{alarm:?}");
    let notices = &dump.notices;
    assert!(notices.pending().values().any(|pending| pending.attempts > 0) && !notices.given_up().is_empty(), "{notices:?}");
    assert!(
        notices.routes().values().any(|route| route.told_at.is_some()) && notices.routes().values().any(|route| route.failing.is_some())
    );
    let ramps: Vec<_> = dump.operate.ramps.values().collect();
    assert!(ramps.len() == 2 && ramps.iter().any(|ramp| ramp.start.is_some() && !ramp.by.is_empty()), "{ramps:?}");
    assert_eq!((dump.operate.selections.len(), dump.deeds.len()), (1, 1));
    assert!(dump.alarms.journal().count() > 5 && !dump.alarms.floods().areas.is_empty());
}

#[test]
fn a_state_comes_back() {
    for machine in [Machine::new(), lived_in()] {
        let dump = machine.dump();
        let back = decode(&encode(&dump)).expect("own bytes");
        assert_eq!(encode(&back), encode(&dump));
        assert_eq!(Machine::restore(back).dump(), Machine::restore(dump).dump());
    }
}

#[test]
fn equal_states_give_equal_bytes_whatever_the_order_of_their_commands() {
    let dump = lived_in().dump();
    assert!(dump.commands.len() > 1, "the order of one command says nothing");
    let mut turned = dump.clone();
    turned.commands.reverse();
    assert_eq!(encode(&turned), encode(&dump));
}

#[test]
fn a_machine_that_was_restored_goes_on_to_the_same_bytes() {
    let commands = every_command();
    for cut in 0..commands.len() {
        let apply = |machine: &mut Machine, from: usize, to: usize| {
            for (index, command) in (0..).zip(&commands).skip(from).take(to - from) {
                machine.apply(Stamp { index: index as u64 + 1, time: Timestamp(index as i64 * 10), term: 1 }, Command::clone(command));
            }
        };
        let mut straight = Machine::new();
        apply(&mut straight, 0, commands.len());
        let mut stopped = Machine::new();
        apply(&mut stopped, 0, cut);
        let mut resumed = Machine::restore(decode(&encode(&stopped.dump())).expect("own bytes"));
        apply(&mut resumed, cut, commands.len());
        assert_eq!(encode(&resumed.dump()), encode(&straight.dump()), "cut at {cut}");
    }
}

#[test]
fn another_format_and_nonsense_are_refused() {
    let snapshot = v1::Snapshot { format: FORMAT + 1, site: Some(v1::Site::default()), ..Default::default() };
    let error = decode(&snapshot.encode_to_vec()).expect_err("a later format");
    assert!(error.to_string().contains("format"), "{error}");
    assert!(decode(&[]).is_err());
    assert!(decode(&[0xff; 40]).is_err());
    let bytes = encode(&lived_in().dump());
    for len in 0..bytes.len() {
        // Some cut-offs are messages too; none may panic.
        drop(decode(&bytes[..len]).map(Machine::restore));
    }
}
