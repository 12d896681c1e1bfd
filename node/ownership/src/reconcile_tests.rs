use super::*;
use labkeeper_model::site::{Access, Register, Table, ValueType, WordOrder};
use labkeeper_model::{BadReason, CommandId, Timestamp};

const DESIRED: f64 = 20.0;
const SAFE: f64 = 5.0;

fn name() -> Name {
    Name::new("setpoint").expect("a name")
}

fn tag(takeover: Takeover) -> TagSpec {
    TagSpec {
        description: String::new(),
        register: Register { table: Table::Holding, address: 0 },
        value_type: ValueType::F64,
        word_order: WordOrder::Big,
        access: Access::ReadWrite,
        unit: "degC".into(),
        scale: 1.0,
        offset: 0.0,
        deadband: 0.0,
        limits: None,
        verify: None,
        takeover,
        safe: Some(Value::F64(SAFE)),
        dangerous: false,
        alarms: vec![],
        ..TagSpec::default()
    }
}

fn setpoint(state: CommandState) -> Setpoint {
    let id = CommandId([1; 16]);
    Setpoint { value: Value::F64(DESIRED), revision: 3, command_id: id, actor: "ann".into(), reason: String::new(), state }
}

fn readings(value: f64) -> BTreeMap<Name, Sample> {
    let sample = Sample { time: Timestamp::default(), value: Some(Value::F64(value)), quality: Quality::Good };
    [(name(), sample)].into()
}

/// What is reported and what is written for a verified setpoint.
fn check(policy: Takeover, reading: f64) -> (Reconciled, Option<Value>) {
    let decision =
        reconcile(&name(), &tag(policy), &setpoint(CommandState::Verified), Standing::Free, &readings(reading)).expect("a decision");
    (decision.outcome, decision.write)
}

fn actual(value: f64) -> Value {
    Value::F64(value)
}

#[test]
fn a_device_that_has_the_setpoint_matches() {
    for policy in [Takeover::Adopt, Takeover::Reassert] {
        assert_eq!(check(policy, DESIRED), (Reconciled::Matches, None));
    }
}

#[test]
fn each_policy_does_its_own_with_a_device_that_differs() {
    let actual = || actual(12.0);
    assert_eq!(check(Takeover::Adopt, 12.0), (Reconciled::Adopted { actual: actual() }, None));
    assert_eq!(check(Takeover::Reassert, 12.0), (Reconciled::Reasserted { actual: actual() }, Some(Value::F64(DESIRED))));
    assert_eq!(check(Takeover::Safe, 12.0), (Reconciled::DrivenSafe { actual: actual() }, Some(Value::F64(SAFE))));
    assert_eq!(check(Takeover::Hold, 12.0), (Reconciled::Held { actual: actual() }, None));
}

#[test]
fn safe_and_hold_act_even_where_the_device_has_the_setpoint() {
    assert_eq!(check(Takeover::Safe, DESIRED), (Reconciled::DrivenSafe { actual: actual(DESIRED) }, Some(Value::F64(SAFE))));
    assert_eq!(check(Takeover::Safe, SAFE), (Reconciled::DrivenSafe { actual: actual(SAFE) }, None), "it is there already");
    assert_eq!(check(Takeover::Hold, DESIRED), (Reconciled::Held { actual: actual(DESIRED) }, None));
    let at_rest = Setpoint { value: Value::F64(SAFE), ..setpoint(CommandState::Verified) };
    let decision = reconcile(&name(), &tag(Takeover::Safe), &at_rest, Standing::Free, &readings(SAFE)).expect("a decision");
    assert_eq!(decision, Decision { outcome: Reconciled::Matches, write: None });
}

#[test]
fn without_a_good_reading_nothing_is_written() {
    let bad = Sample { quality: Quality::Bad(BadReason::Timeout), ..readings(12.0)[&name()].clone() };
    let empty = Sample { value: None, ..readings(12.0)[&name()].clone() };
    for policy in [Takeover::Adopt, Takeover::Reassert, Takeover::Safe, Takeover::Hold] {
        for seen in [BTreeMap::new(), [(name(), bad.clone())].into(), [(name(), empty.clone())].into()] {
            let decision = reconcile(&name(), &tag(policy), &setpoint(CommandState::Verified), Standing::Free, &seen);
            assert_eq!(decision, Some(Decision { outcome: Reconciled::Unreadable, write: None }), "{policy:?}");
        }
    }
}

#[test]
fn a_held_tag_is_only_read() {
    for policy in [Takeover::Adopt, Takeover::Reassert, Takeover::Safe] {
        let decision = reconcile(&name(), &tag(policy), &setpoint(CommandState::Verified), Standing::Held, &readings(12.0));
        assert_eq!(decision, Some(Decision { outcome: Reconciled::Held { actual: actual(12.0) }, write: None }), "{policy:?}");
    }
}

/// An interlock outlives its owner, and so does what it did: the setpoint that was there before is not what anybody wants.
#[test]
fn what_an_interlock_drove_to_its_safe_value_is_not_driven_back() {
    let decide = |policy, readings| reconcile(&name(), &tag(policy), &setpoint(CommandState::Verified), Standing::Forced, &readings);
    for policy in [Takeover::Adopt, Takeover::Reassert, Takeover::Safe, Takeover::Hold] {
        for reading in [SAFE, 12.0, DESIRED] {
            let wanted = Decision { outcome: Reconciled::DrivenSafe { actual: actual(reading) }, write: None };
            assert_eq!(decide(policy, readings(reading)), Some(wanted), "{policy:?}");
        }
        assert_eq!(decide(policy, BTreeMap::new()), None, "what is remembered stays: {policy:?}");
    }
}

#[test]
fn only_a_setpoint_that_may_have_reached_its_device_is_looked_at() {
    use CommandState::{Cancelled, Committed, Dispatched, Expired, Failed, Unknown, VerifyFailed, Written};
    for state in [Committed, Dispatched, Written, Expired, Failed, Cancelled] {
        assert_eq!(reconcile(&name(), &tag(Takeover::Reassert), &setpoint(state), Standing::Free, &readings(12.0)), None, "{state}");
    }
    for state in [VerifyFailed, Unknown] {
        let decision = reconcile(&name(), &tag(Takeover::Reassert), &setpoint(state), Standing::Free, &readings(12.0));
        assert_eq!(decision, Some(Decision { outcome: Reconciled::Adopted { actual: actual(12.0) }, write: None }), "{state}");
    }
}

#[test]
fn a_tag_that_cannot_be_read_is_never_written_by_a_policy() {
    let write_only = TagSpec { access: Access::Write, ..tag(Takeover::Safe) };
    let decision = reconcile(&name(), &write_only, &setpoint(CommandState::Written), Standing::Free, &readings(12.0));
    assert_eq!(decision, Some(Decision { outcome: Reconciled::Unreadable, write: None }));
}
