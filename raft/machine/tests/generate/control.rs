//! Random commands about control and interlocks: few people who want the same few things.

use super::tenure::{node, number, segment};
use super::{extreme_time, tag, text, value};
use labkeeper_machine::interlocks::Verdict;
use labkeeper_machine::{AuthorityCommand, Command, InterlockCommand};
use labkeeper_model::{Name, Scope, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;
use std::time::Duration;

pub(crate) fn command() -> impl Strategy<Value = Command> {
    prop_oneof![3 => authority().prop_map(Command::Authority), 2 => interlock().prop_map(Command::Interlock)]
}

fn authority() -> impl Strategy<Value = AuthorityCommand> {
    prop_oneof![
        8 => (scope(), person(), client(), text(), hold()).prop_map(|(scope, actor, client, reason, hold)| {
            AuthorityCommand::Take { scope, actor, client, reason, hold }
        }),
        3 => (scope(), person(), client()).prop_map(|(scope, actor, client)| AuthorityCommand::Renew { scope, actor, client }),
        1 => (scope(), person()).prop_map(|(scope, actor)| AuthorityCommand::Give { scope, actor }),
        3 => (scope(), person(), text()).prop_map(|(scope, actor, reason)| AuthorityCommand::Ask { scope, actor, reason }),
        1 => (scope(), person(), text()).prop_map(|(scope, actor, reason)| AuthorityCommand::Break { scope, actor, reason }),
    ]
}

fn interlock() -> impl Strategy<Value = InterlockCommand> {
    let states = || vec((lock(), verdict()), 0..3);
    let until = prop_oneof![8 => (-1..90_000i64).prop_map(|s| Timestamp::from_millis(s * 1_000)), 1 => extreme_time()];
    prop_oneof![
        12 => (node(), segment(), number(), states(), vec((lock(), tag()), 0..3)).prop_map(|(node, segment, epoch, states, forced)| {
            InterlockCommand::Report { node, segment, epoch, states, forced }
        }),
        3 => (lock(), person(), text()).prop_map(|(interlock, actor, reason)| InterlockCommand::Reset { interlock, actor, reason }),
        2 => (lock(), until, person(), text()).prop_map(|(interlock, until, actor, reason)| {
            InterlockCommand::Defeat { interlock, until, actor, reason }
        }),
        1 => (lock(), person(), text()).prop_map(|(interlock, actor, reason)| InterlockCommand::EndDefeat { interlock, actor, reason }),
    ]
}

fn lock() -> impl Strategy<Value = Name> {
    prop::sample::select(vec!["lid", "lid", "quench", "quench", "ghost"]).prop_map(|name| Name::new(name).expect("a name"))
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![3 => Just(Verdict::Healthy), 2 => text().prop_map(|why| Verdict::Tripped { why })]
}

fn scope() -> impl Strategy<Value = Scope> {
    let scopes = ["device/d1", "device/d1", "device/d2", "segment/cryo", "group/both", "segment/hall", "device/ghost"];
    prop::sample::select(scopes.to_vec()).prop_map(|scope| Scope::parse(scope).expect("a scope"))
}

/// Somebody who takes control or writes.
pub(crate) fn person() -> impl Strategy<Value = String> {
    prop_oneof![12 => prop::sample::select(vec!["ann", "ann", "ann", "bob"]).prop_map(str::to_owned), 1 => text()]
}

fn client() -> impl Strategy<Value = String> {
    prop_oneof![9 => Just(String::new()), 1 => value().prop_map(|value| value.to_string())]
}

fn hold() -> impl Strategy<Value = Duration> {
    prop_oneof![12 => (5..=600u64).prop_map(Duration::from_secs), 1 => any::<u64>().prop_map(Duration::from_nanos)]
}
