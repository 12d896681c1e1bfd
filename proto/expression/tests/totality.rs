//! Any text is read or refused, and whatever is read comes to something, the same each time.

use labkeeper_expression::{Expression, Input, Inputs, NODES_MAX, Scope, Type, Unit};
use labkeeper_model::{BadReason, Name, Quality, TagPath, UncertainReason, Value};
use proptest::prelude::*;
use std::time::Duration;

/// Answers every question from the name of the tag, so that any expression has inputs of every type and quality.
struct Anything;

impl Anything {
    fn value(tag: &TagPath) -> Value {
        match tag.tag() {
            "b" => Value::Bool(true),
            "t" => Value::Text("on".into()),
            "i" => Value::I64(i64::MIN),
            "n" => Value::F64(f64::NAN),
            _ => Value::F64(25.0),
        }
    }
}

impl Inputs for Anything {
    fn input(&self, tag: &TagPath) -> Option<Input> {
        let quality = match tag.device() {
            "bad" => Quality::Bad(BadReason::Timeout),
            "stale" => Quality::Uncertain(UncertainReason::Stale),
            "odd" => Quality::Uncertain(UncertainReason::OutOfRange),
            "none" => return None,
            _ => Quality::Good,
        };
        Some(Input { value: Some(Self::value(tag)), unit: unit(tag).into(), quality, age: Duration::MAX })
    }
}

fn unit(tag: &TagPath) -> &str {
    match tag.segment() {
        "warm" => "degC",
        "cold" => "K",
        "tight" => "mbar",
        _ => "",
    }
}

impl Scope for Anything {
    fn tag(&self, tag: &TagPath) -> Option<Type> {
        Some(match Self::value(tag) {
            Value::Bool(_) => Type::Bool,
            Value::Text(_) => Type::Text,
            _ => Type::Number(Unit::new(unit(tag))),
        })
    }

    fn condition(&self, name: &Name) -> Option<&str> {
        match name.as_str() {
            "fine" => Some("warm/good/x > 20 degC or condition finer"),
            "finer" => Some("plain/good/b"),
            "circle" => Some("not condition circle"),
            _ => None,
        }
    }
}

/// Texts that are almost expressions: words of the language in any order.
fn jumble() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "and",
        "or",
        "not",
        "(",
        ")",
        ",",
        "<",
        ">",
        "==",
        "!=",
        "+",
        "-",
        "*",
        "/",
        "5",
        "0",
        "1.5e3",
        "25 degC",
        "3 bar",
        "1 K",
        "true",
        "'on'",
        "abs(",
        "min(",
        "max(",
        "between(",
        "good(",
        "age(",
        "warm/good/x",
        "cold/odd/x",
        "tight/bad/x",
        "plain/stale/b",
        "plain/good/b",
        "plain/none/t",
        "plain/good/n",
        "plain/good/i",
        "condition fine",
        "condition circle",
        "!",
        "&&",
        "||",
        "%",
        "[m",
        "\"",
    ]);
    prop::collection::vec(word, 0..24).prop_map(|words| words.join(" "))
}

/// Texts that are expressions: of both types that can be combined.
fn grown() -> impl Strategy<Value = String> {
    let tag =
        prop::sample::select(vec!["warm/good/x", "warm/bad/x", "warm/stale/x", "warm/odd/x", "warm/none/x", "warm/good/n", "21 degC", "3"]);
    let number = (tag.clone(), prop::sample::select(vec!["+", "-", "*"]), 0..9u8)
        .prop_map(|(tag, operator, n)| format!("{tag} {operator} {n}"))
        .boxed();
    let number =
        prop_oneof![tag.prop_map(str::to_owned), number.clone(), (number.clone(), number).prop_map(|(a, b)| format!("max({a}, {b})"))];
    let leaf = (number.clone(), prop::sample::select(vec!["<", "<=", ">", ">=", "==", "!="]), number)
        .prop_map(|(left, how, right)| format!("{left} {how} {right}"));
    let leaf = prop_oneof![
        leaf,
        Just("plain/good/b".to_owned()),
        Just("plain/bad/b".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
        Just("condition fine".to_owned()),
        Just("good(warm/bad/x)".to_owned()),
    ];
    leaf.prop_recursive(4, 30, 3, |inner| {
        prop_oneof![
            (inner.clone(), prop::sample::select(vec!["and", "or", "&&", "||"]), inner.clone())
                .prop_map(|(a, by, b)| format!("({a}) {by} ({b})")),
            inner.prop_map(|a| format!("not ({a})")),
        ]
    })
}

/// Two answers are the same one; compared by their text, because NaN is not itself.
fn evaluate(expression: &Expression) -> String {
    let once = format!("{:?}", expression.eval(&Anything));
    assert_eq!(once, format!("{:?}", expression.eval(&Anything)));
    once
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        match Expression::parse(&text) {
            Ok(expression) => drop(evaluate(&expression)),
            Err(flaw) => prop_assert!(flaw.at <= text.len() && text.is_char_boundary(flaw.at), "{text:?}: {flaw}"),
        }
    }

    #[test]
    fn any_words_are_read_or_refused(text in jumble()) {
        if let Ok(expression) = Expression::parse(&text) {
            evaluate(&expression);
            drop(expression.check(&Anything));
            if let Ok(checked) = Expression::condition(&text, &Anything) {
                // What was checked is never refused at evaluation for its types or units.
                let why = checked.eval(&Anything).why.unwrap_or_default();
                prop_assert!(!["not true or false", "not a number where", "one type", "go together", "put in"].iter().any(|misfit| why.contains(misfit)), "{text:?}: {why}");
            }
        }
    }

    #[test]
    fn what_is_true_is_false_when_negated(text in grown()) {
        let Ok(expression) = Expression::condition(&text, &Anything) else { return Ok(()) };
        let negated = Expression::condition(&format!("not ({text})"), &Anything).expect("no deeper than is allowed");
        prop_assert_eq!(expression.eval(&Anything).truth().map(|truth| !truth), negated.eval(&Anything).truth(), "{}", text);
    }

    #[test]
    fn a_side_that_decides_needs_no_other(text in grown()) {
        let Ok(expression) = Expression::condition(&text, &Anything) else { return Ok(()) };
        prop_assert_eq!(Expression::condition(&format!("false and ({text})"), &Anything).expect("fits").eval(&Anything).truth(), Some(false));
        prop_assert_eq!(Expression::condition(&format!("({text}) or true"), &Anything).expect("fits").eval(&Anything).truth(), Some(true));
        let neutral = Expression::condition(&format!("({text}) and true"), &Anything).expect("fits").eval(&Anything).truth();
        prop_assert_eq!(neutral, expression.eval(&Anything).truth());
    }
}

#[test]
fn the_longest_chains_are_evaluated() {
    let text = vec!["plain/good/b"; NODES_MAX / 2].join(" or ");
    assert_eq!(Expression::parse(&text).expect("within the bounds").eval(&Anything).truth(), Some(true));
}
