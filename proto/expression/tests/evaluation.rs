//! What expressions come to, in the words of a lab.

use labkeeper_expression::{Expression, Flaw, Input, Inputs, Scope, Type, Unit};
use labkeeper_model::{BadReason, Name, Quality, TagPath, UncertainReason, Value};
use std::collections::BTreeMap;
use std::time::Duration;

/// A small lab: tags with their readings, and named conditions.
#[derive(Default)]
struct Lab {
    tags: BTreeMap<TagPath, Input>,
    conditions: BTreeMap<Name, String>,
}

impl Lab {
    /// A chiller at 21 degC (setpoint 20), a tank at 25 mbar, a closed door; a dead sensor and one that was last read 7 s ago.
    fn new() -> Self {
        let mut lab = Self::default();
        lab.set("cryo/chiller-1/temperature", Value::F64(21.0), "degC", Quality::Good);
        lab.set("cryo/chiller-1/setpoint", Value::I64(20), "degC", Quality::Good);
        lab.set("cryo/tank/pressure", Value::F64(25.0), "mbar", Quality::Good);
        lab.set("cryo/tank/level", Value::F64(130.0), "%", Quality::Uncertain(UncertainReason::OutOfRange));
        lab.set("cryo/tank/mode", Value::Text("auto".into()), "", Quality::Good);
        lab.set("hall/door/open", Value::Bool(false), "", Quality::Good);
        lab.set("hall/dead/flow", Value::F64(1.0), "l/min", Quality::Bad(BadReason::Timeout));
        lab.set("hall/dead/alive", Value::Bool(true), "", Quality::Bad(BadReason::CommFailure));
        lab.set("hall/slow/on", Value::Bool(true), "", Quality::Uncertain(UncertainReason::Stale));
        lab
    }

    fn set(&mut self, tag: &str, value: Value, unit: &str, quality: Quality) {
        let age = Duration::from_secs(if quality == Quality::Good { 1 } else { 7 });
        self.tags.insert(TagPath::parse(tag).expect("a path"), Input { value: Some(value), unit: unit.into(), quality, age });
    }

    fn with(mut self, name: &str, text: &str) -> Self {
        self.conditions.insert(Name::new(name).expect("a name"), text.into());
        self
    }

    fn check(&self, text: &str) -> Result<Type, Flaw> {
        Expression::parse(text)?.check(self)
    }

    fn truth(&self, text: &str) -> Option<bool> {
        Expression::condition(text, self).map_err(|flaw| format!("{text}: {flaw}")).expect("a condition").eval(self).truth()
    }
}

impl Scope for Lab {
    fn tag(&self, tag: &TagPath) -> Option<Type> {
        let input = self.tags.get(tag)?;
        Some(match input.value {
            Some(Value::Bool(_)) => Type::Bool,
            Some(Value::Text(_)) => Type::Text,
            _ => Type::Number(Unit::new(&input.unit)),
        })
    }

    fn condition(&self, name: &Name) -> Option<&str> {
        self.conditions.get(name).map(String::as_str)
    }
}

impl Inputs for Lab {
    fn input(&self, tag: &TagPath) -> Option<Input> {
        self.tags.get(tag).cloned()
    }
}

#[test]
fn conditions_hold_or_do_not() {
    let lab = Lab::new();
    for (text, holds) in [
        ("cryo/chiller-1/temperature > 20 degC and not hall/door/open", true),
        ("cryo/chiller-1/temperature > 21 degC", false),
        ("cryo/chiller-1/temperature >= 294.15 K", true),
        ("cryo/chiller-1/temperature > 69 degF", true),
        ("cryo/chiller-1/temperature > 70 degF", false),
        ("cryo/tank/pressure < 1 bar", true),
        ("cryo/tank/pressure == 2.5 kPa", true),
        ("cryo/tank/pressure > 24", true),
        ("abs(cryo/chiller-1/temperature - cryo/chiller-1/setpoint) <= 1 degC", true),
        ("cryo/chiller-1/temperature < cryo/chiller-1/setpoint + 2 degC", true),
        ("between(cryo/tank/pressure, 20 mbar, 0.025 bar)", true),
        ("between(cryo/tank/pressure, 26 mbar, 1 bar)", false),
        ("max(cryo/tank/pressure, 1 bar) == 1000 mbar", true),
        ("min(1 min, 30 s, 1 h) == 30 s", true),
        ("2 + 3 * 4 - 6 / 2 == 11", true),
        ("-cryo/tank/pressure < 0", true),
        ("cryo/tank/pressure / 1 bar == 0.025", true),
        ("cryo/tank/mode == \"auto\" and cryo/tank/mode != 'manual'", true),
        ("age(hall/dead/flow) < 5 s", false),
        ("age(hall/door/open) < 0.1 min", true),
        ("good(hall/door/open) && !good(hall/dead/flow)", true),
    ] {
        assert_eq!(lab.truth(text), Some(holds), "{text}");
    }
}

#[test]
fn logic_has_three_values() {
    let lab = Lab::new();
    let written = [("true", Some(true)), ("false", Some(false)), ("hall/dead/alive", None), ("hall/slow/on", None)];
    for (a, left) in written {
        for (b, right) in written {
            let and = if left == Some(false) || right == Some(false) { Some(false) } else { left.and(right) };
            let or = if left == Some(true) || right == Some(true) { Some(true) } else { left.and(right) };
            assert_eq!(lab.truth(&format!("{a} and {b}")), and, "{a} and {b}");
            assert_eq!(lab.truth(&format!("{a} or {b}")), or, "{a} or {b}");
        }
        assert_eq!(lab.truth(&format!("not {a}")), left.map(|truth| !truth), "not {a}");
    }
    assert_eq!(lab.truth("between(5, hall/dead/flow, 4)"), Some(false), "the end that is known decides");
}

#[test]
fn what_cannot_be_told_says_why() {
    let lab = Lab::new();
    for (text, quality, why) in [
        ("hall/dead/flow > 0", Quality::Bad(BadReason::Timeout), "hall/dead/flow is bad:timeout"),
        ("hall/slow/on", Quality::Uncertain(UncertainReason::Stale), "hall/slow/on is uncertain:stale"),
        ("1 / 0 > 1", Quality::Bad(BadReason::Configuration), "a calculation has no finite result"),
        ("1e300 * 1e300 > 1", Quality::Bad(BadReason::Configuration), "a calculation has no finite result"),
    ] {
        let result = Expression::condition(text, &lab).expect("a condition").eval(&lab);
        assert_eq!((result.value, result.quality, result.why.as_deref()), (None, quality, Some(why)), "{text}");
    }
}

#[test]
fn a_reading_out_of_its_range_counts_and_is_marked() {
    let lab = Lab::new();
    let result = Expression::condition("cryo/tank/level > 100 %", &lab).expect("a condition").eval(&lab);
    assert_eq!((result.truth(), result.quality), (Some(true), Quality::Uncertain(UncertainReason::OutOfRange)));
    // A good side that decides needs no uncertain one.
    let result = Expression::condition("cryo/tank/level > 100 % or not hall/door/open", &lab).expect("a condition").eval(&lab);
    assert_eq!((result.truth(), result.quality), (Some(true), Quality::Good));
}

#[test]
fn a_tag_that_has_gone_or_was_never_read_cannot_be_told() {
    let lab = Lab::new();
    let [compared, age, good] = ["cryo/tank/pressure > 1 mbar", "age(cryo/tank/pressure) > 1 h", "good(cryo/tank/pressure)"]
        .map(|text| Expression::condition(text, &lab).expect("a condition"));
    let mut without = Lab::new();
    without.tags.clear();
    assert_eq!([&compared, &age, &good].map(|expression| expression.eval(&without).truth()), [None, Some(true), Some(false)]);
    let mut never = Lab::new();
    let unread = Input { value: None, unit: "mbar".into(), quality: Quality::Bad(BadReason::NotYetRead), age: Duration::MAX };
    never.tags.insert(TagPath::parse("cryo/tank/pressure").expect("a path"), unread);
    assert_eq!([&compared, &age, &good].map(|expression| expression.eval(&never).truth()), [None, Some(true), Some(false)]);
}

#[test]
fn units_and_types_that_do_not_fit_are_refused_with_their_place() {
    let lab = Lab::new();
    for (text, at, what) in [
        ("20 degC + 3 bar", 10, "degC and bar do not go together"),
        ("cryo/tank/pressure > 25 degC", 21, "mbar and degC do not go together"),
        ("20 degC + 3 K > 1 degC", 10, "sums and differences of temperatures in degC and in K begin at different zeros"),
        ("cryo/tank/pressure * cryo/tank/pressure > 1", 21, "mbar times mbar is a unit that there is no name for"),
        ("1 / cryo/tank/pressure > 1", 4, "a number by mbar is a unit that there is no name for"),
        ("cryo/tank/missing > 1", 0, "there is no tag cryo/tank/missing"),
        ("good(cryo/tank/missing)", 0, "there is no tag cryo/tank/missing"),
        ("hall/door/open > 1", 17, "true or false is compared with a number"),
        ("hall/door/open < true", 0, "true or false has no order"),
        ("cryo/tank/pressure and true", 0, "this is a number in mbar, where true or false is wanted"),
        ("abs(hall/door/open)", 4, "this is true or false, where a number is wanted"),
        ("age(hall/door/open) < 5 bar", 22, "s and bar do not go together"),
    ] {
        assert_eq!(lab.check(text).map_err(|flaw| (flaw.at, flaw.what)), Err((at, what.to_owned())), "{text}");
    }
    assert_eq!(lab.check("cryo/tank/pressure + 1 bar"), Ok(Type::Number(Unit::new("mbar"))));
    assert!(Expression::condition("cryo/tank/pressure", &lab).is_err(), "a number is no condition");
}

#[test]
fn named_conditions_are_put_in() {
    let lab = Lab::new().with("cold", "cryo/chiller-1/temperature < 25 degC").with("ready", "condition cold and not hall/door/open");
    assert_eq!(lab.truth("condition ready"), Some(true));
    let resolved = Expression::condition("condition ready", &lab).expect("a condition");
    assert_eq!(resolved.tags().iter().map(TagPath::as_str).collect::<Vec<_>>(), ["cryo/chiller-1/temperature", "hall/door/open"]);
    assert!(resolved.conditions().is_empty());
    let open = Expression::parse("condition ready").expect("an expression");
    assert_eq!(open.conditions().len(), 1);
    assert_eq!(open.eval(&lab).why.as_deref(), Some("condition ready was not put in"));
}

#[test]
fn circles_of_conditions_are_shown() {
    let lab =
        Lab::new().with("a", "condition b or true").with("b", "not condition c").with("c", "condition a").with("own", "condition own");
    let flaw = |text: &str| lab.check(text).expect_err("a circle").what;
    assert!(flaw("condition a").ends_with("a -> b -> c -> a"), "{}", flaw("condition a"));
    assert!(flaw("condition own").ends_with("own -> own"));
    assert_eq!(flaw("condition nobody"), "there is no condition \"nobody\"");
}

#[test]
fn conditions_cannot_blow_an_expression_up() {
    // Each doubles the one before it: 2^10 parts, were they all put in.
    let mut doubling = Lab::new().with("c0", "true or true");
    for n in 1..9 {
        doubling = doubling.with(&format!("c{n}"), &format!("condition c{0} and condition c{0}", n - 1));
    }
    assert!(doubling.check("condition c3").is_ok());
    assert!(doubling.check("condition c8").expect_err("too large").what.contains("more than 1000 parts"));
    let mut row = Lab::new().with("c0", "true");
    for n in 1..12 {
        row = row.with(&format!("c{n}"), &format!("condition c{}", n - 1));
    }
    assert!(row.check("condition c9").is_ok());
    assert!(row.check("condition c10").expect_err("too many in a row").what.contains("more than 10 conditions"));
}
