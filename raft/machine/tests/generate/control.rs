//! Random commands about control: few people who want the same few things.

use super::{text, value};
use labkeeper_machine::{AuthorityCommand, Command};
use labkeeper_model::Scope;
use proptest::prelude::*;
use std::time::Duration;

pub(crate) fn command() -> impl Strategy<Value = Command> {
    authority().prop_map(Command::Authority)
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
