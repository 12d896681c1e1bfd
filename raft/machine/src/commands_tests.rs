use super::*;
use labkeeper_model::{TagPath, Value};

const HOUR: i64 = 3600;

fn id(number: u64) -> CommandId {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    CommandId(bytes)
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

/// A command of the tag cryo/chiller-1/t`number` whose deadline is ten seconds after its last step.
fn record(number: u64, state: CommandState, seconds: i64) -> Arc<CommandRecord> {
    Arc::new(CommandRecord {
        id: id(number),
        tag: TagPath::parse(&format!("cryo/chiller-1/t{number}")).expect("a path"),
        asked: Value::F64(1.0),
        accepted: Some(Value::F64(1.0)),
        revision: 1,
        expected_revision: None,
        deadline: at(seconds + 10),
        actor: String::new(),
        reason: String::new(),
        log_index: number,
        steps: vec![(state, at(seconds))],
        error: None,
        owner: None,
        kind: crate::state::CommandKind::Setpoint,
        ramp_per_s: None,
        mark: None,
        dispatched_epoch: None,
    })
}

/// As many as there is room for, ten a second, all within three hours.
fn full_of_ended() -> Commands {
    let mut commands = Commands::default();
    for number in 0..COMMANDS_MAX as u64 {
        commands.insert(record(number, CommandState::Rejected, number as i64 / 10), Standing::Ended);
    }
    commands
}

#[test]
fn where_there_is_no_room_the_oldest_ended_goes_and_an_outstanding_one_stays() {
    let mut commands = full_of_ended();
    commands.insert(record(0, CommandState::Committed, 0), Standing::Outstanding);
    let (newest, end) = (COMMANDS_MAX as u64, COMMANDS_MAX as i64 / 10);
    commands.insert(record(newest, CommandState::Rejected, end), Standing::Ended);
    commands.forget(at(end));
    assert_eq!(commands.len(), COMMANDS_MAX);
    assert!(commands.get(&id(0)).is_some(), "outstanding");
    assert!(commands.get(&id(1)).is_none(), "the oldest that ended");
    assert!(commands.get(&id(2)).is_some());
    assert!(commands.get(&id(newest)).is_some());
}

#[test]
fn a_command_whose_deadline_is_ahead_is_kept_longer_than_one_whose_deadline_has_passed() {
    let mut commands = full_of_ended();
    let mut long = CommandRecord::clone(&record(0, CommandState::Rejected, 0));
    long.deadline = at(20 * HOUR);
    commands.insert(Arc::new(long), Standing::Ended);
    commands.insert(record(COMMANDS_MAX as u64, CommandState::Rejected, 0), Standing::Ended);
    commands.forget(at(0));
    assert_eq!(commands.len(), COMMANDS_MAX);
    assert!(commands.get(&id(0)).is_some(), "a repeat of it would be carried out");
}

#[test]
fn a_refused_deadline_in_another_age_does_not_hold_a_place_for_ever() {
    let mut commands = Commands::default();
    let mut absurd = CommandRecord::clone(&record(1, CommandState::Rejected, 0));
    absurd.deadline = Timestamp(i64::MAX);
    commands.insert(Arc::new(absurd), Standing::Ended);
    commands.forget(at(48 * HOUR));
    assert_eq!(commands.len(), 1);
    commands.forget(at(48 * HOUR + 1));
    assert_eq!(commands.len(), 0);
}

#[test]
fn a_day_after_its_end_a_command_may_be_forgotten_and_not_before() {
    let mut commands = Commands::default();
    for number in 0..5 {
        commands.insert(record(number, CommandState::Verified, 100), Standing::Ended);
    }
    commands.forget(at(100 + 24 * HOUR));
    assert_eq!(commands.len(), 5);
    commands.forget(at(100 + 24 * HOUR + 11));
    assert_eq!(commands.len(), 3, "two for each entry");
    commands.forget(at(100 + 24 * HOUR + 11));
    commands.forget(at(100 + 24 * HOUR + 11));
    assert_eq!(commands.len(), 0);
    assert!(commands.indexes_agree(|_| Standing::Ended));
}

#[test]
fn outstanding_commands_come_in_log_order_and_by_segment() {
    let mut commands = Commands::default();
    for number in [3, 1, 2] {
        commands.insert(record(number, CommandState::Committed, 100 - number as i64), Standing::Outstanding);
    }
    commands.insert(record(4, CommandState::Rejected, 0), Standing::Ended);
    let order = |segment: &str| commands.outstanding(segment).map(|record| record.log_index).collect::<Vec<_>>();
    assert_eq!(order("cryo"), [1, 2, 3]);
    assert_eq!(order("hall"), [0; 0]);
    assert_eq!(commands.newest_first().map(|record| record.log_index).collect::<Vec<_>>(), [4, 3, 2, 1]);
    assert_eq!(commands.waiting().next().map(|(deadline, _)| deadline), Some(at(107)));
    assert_eq!(commands.overdue(at(108)), [id(3), id(2)]);
}

#[test]
fn a_command_that_an_owner_began_has_no_deadline() {
    let mut commands = Commands::default();
    commands.insert(record(1, CommandState::Committed, 0), Standing::Outstanding);
    commands.insert(record(1, CommandState::Dispatched, 0), Standing::Outstanding);
    assert_eq!(commands.waiting().next().map(|(deadline, _)| deadline), None);
    assert_eq!(commands.outstanding("cryo").count(), 1);
    commands.insert(record(1, CommandState::Verified, 0), Standing::Ended);
    assert_eq!(commands.outstanding("cryo").count(), 0);
    assert_eq!(commands.len(), 1);
    assert!(commands.outstanding.is_empty(), "a segment without any has no set");
}

#[test]
fn times_at_the_ends_of_representable_time_do_no_harm() {
    for edge in [i64::MIN, i64::MAX] {
        let mut commands = Commands::default();
        let mut odd = CommandRecord::clone(&record(1, CommandState::Rejected, 0));
        odd.steps = vec![(CommandState::Rejected, Timestamp(edge))];
        odd.deadline = Timestamp(edge);
        commands.insert(Arc::new(odd), Standing::Ended);
        commands.forget(Timestamp(edge));
        assert_eq!(commands.len(), 1, "{edge}");
    }
    let mut commands = Commands::default();
    let mut without_steps = CommandRecord::clone(&record(1, CommandState::Rejected, 0));
    without_steps.steps = vec![];
    commands.insert(Arc::new(without_steps), Standing::Ended);
    commands.forget(Timestamp(i64::MAX));
    assert_eq!(commands.len(), 0);
}
