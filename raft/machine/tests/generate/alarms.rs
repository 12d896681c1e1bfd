//! Commands about alarms. A number of [`KNOWN`] stands for the present one, which [`meant`] puts in its place, mostly.

use super::actor;
use super::tenure::KNOWN;
use labkeeper_alarm::Word;
use labkeeper_machine::{AlarmCommand, Command, ConditionWord, Machine, NoticeCommand};
use labkeeper_model::{AlarmId, Name, Timestamp};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

pub(crate) fn command() -> impl Strategy<Value = Command> {
    let epoch = || prop_oneof![9 => Just(KNOWN), 1 => any::<u64>()];
    let segment = prop::sample::select(vec!["cryo", "cryo", "cryo", "hall", "ghost"]);
    let report = (segment, epoch(), vec(word(), 0..6)).prop_map(|(segment, epoch, words)| AlarmCommand::Report {
        node: 1,
        segment: segment.into(),
        epoch,
        words,
    });
    let itself = (epoch(), vec((itself(), any::<bool>(), reason()), 0..3)).prop_map(|(session, words)| AlarmCommand::ReportSystem {
        node: 1,
        session,
        words,
    });
    prop_oneof![20 => report, 2 => itself, 12 => deed()].prop_map(Command::Alarm)
}

/// What the leader says of its sending, about notices that wait mostly, and tests.
pub(crate) fn notice() -> impl Strategy<Value = Command> {
    let number = || prop_oneof![9 => 1..20u64, 1 => any::<u64>()];
    let attempt = prop_oneof![9 => 1..12u32, 1 => any::<u32>()];
    let route = prop::sample::select(vec!["ops", "ops", "ghost"]).prop_map(|route| Name::new(route).expect("a name"));
    let command = prop_oneof![
        3 => vec(number(), 0..4).prop_map(|numbers| NoticeCommand::Sent { numbers }),
        6 => (number(), attempt, super::text()).prop_map(|(number, attempt, why)| NoticeCommand::Failed { number, attempt, why }),
        1 => (route, actor(), reason()).prop_map(|(route, actor, reason)| NoticeCommand::Test { route, actor, reason }),
    ];
    command.prop_map(Command::Notice)
}

/// The alarms of one tag mostly, so that much happens to them; those of the others, of devices and of the lab itself.
fn id() -> impl Strategy<Value = AlarmId> {
    let tag = (1..3u8, 0..3u8, prop::sample::select(vec!["high", "vital", "ghost"]))
        .prop_map(|(device, tag, alarm)| format!("cryo/d{device}/t{tag}/{alarm}"));
    let own = prop::sample::select(vec![
        "system/node-lost/a",
        "system/node-lost/b",
        "system/no-keeper/cryo",
        "system/quarantined/d1",
        "interlock/x/tripped",
    ]);
    let often = prop::sample::select(vec!["cryo/d1/t0/high", "cryo/d1/t0/vital"]).prop_map(str::to_owned);
    let text = prop_oneof![20 => often, 4 => tag, 2 => (1..3u8).prop_map(|device| format!("cryo/d{device}/comm-fault")), 2 => own.prop_map(str::to_owned)];
    text.prop_map(|text| AlarmId::parse(&text).expect("an alarm"))
}

fn itself() -> impl Strategy<Value = AlarmId> {
    prop::sample::select(vec!["system/clock/a", "system/disk/a", "system/clock/b", "system/node-lost/a"])
        .prop_map(|text| AlarmId::parse(text).expect("an alarm"))
}

fn word() -> impl Strategy<Value = ConditionWord> {
    let value = || option::of(super::value());
    let word = prop_oneof![
        6 => (0..3u8, value()).prop_map(|(severity, value)| Word::Active { severity, value }),
        6 => value().prop_map(|value| Word::Clear { value }),
        1 => super::text().prop_map(|cause| Word::Bad { cause }),
        1 => Just(Word::Good),
        1 => any::<bool>().prop_map(Word::Suppressed),
        1 => (any::<u32>(), any::<bool>(), any::<u8>(), value()).prop_map(|(cycles, active, severity, value)| Word::Chattering { cycles, active, severity, value }),
    ];
    let at = prop_oneof![20 => (0..2_000i64).prop_map(Timestamp::from_millis), 1 => any::<i64>().prop_map(Timestamp)];
    (id(), at, word).prop_map(|(alarm, at, word)| ConditionWord { alarm, at, word })
}

fn deed() -> impl Strategy<Value = AlarmCommand> {
    let occurrence = prop_oneof![9 => Just(KNOWN), 1 => 0..4u64];
    let until = option::weighted(0.7, (-5_000..5_000_000i64).prop_map(Timestamp::from_millis));
    let who = || (id(), actor(), reason());
    prop_oneof![
        6 => (who(), occurrence).prop_map(|((alarm, actor, comment), occurrence)| AlarmCommand::Acknowledge { alarm, occurrence, actor, comment }),
        3 => (who(), until).prop_map(|((alarm, actor, reason), until)| AlarmCommand::Shelve { alarm, until, actor, reason }),
        1 => who().prop_map(|(alarm, actor, reason)| AlarmCommand::Unshelve { alarm, actor, reason }),
        1 => who().prop_map(|(alarm, actor, reason)| AlarmCommand::OutOfService { alarm, actor, reason }),
        1 => who().prop_map(|(alarm, actor, reason)| AlarmCommand::ReturnToService { alarm, actor, reason }),
        2 => who().prop_map(|(alarm, actor, reason)| AlarmCommand::Reset { alarm, actor, reason }),
        1 => who().prop_map(|(alarm, actor, text)| AlarmCommand::Comment { alarm, actor, text }),
    ]
}

fn reason() -> impl Strategy<Value = String> {
    prop_oneof![8 => Just("works".to_owned()), 2 => super::text()]
}

/// Puts the present epoch, session and occurrence where they are meant, and counts times from the entry on.
pub(crate) fn meant(command: &mut AlarmCommand, machine: &Machine, now: Timestamp) {
    let from_now = |time: &mut Timestamp| time.0 = time.0.saturating_add(now.0);
    match command {
        AlarmCommand::Report { node, segment, epoch, words } => {
            words.iter_mut().for_each(|word| from_now(&mut word.at));
            if *epoch == KNOWN {
                let ownership = machine.ownership(segment);
                (*node, *epoch) = (ownership.owner.unwrap_or(*node), ownership.epoch);
            }
        }
        AlarmCommand::ReportSystem { node, session, .. } if *session == KNOWN => {
            *session = machine.session(*node).map_or(0, |session| session.id);
        }
        AlarmCommand::Acknowledge { alarm, occurrence, .. } if *occurrence == KNOWN => {
            *occurrence = machine.alarm(alarm).map_or(0, |alarm| alarm.occurrence);
        }
        AlarmCommand::Shelve { until: Some(until), .. } => from_now(until),
        _ => {}
    }
}
