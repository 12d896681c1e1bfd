use super::*;

/// The shape of a text, with parentheses for every part that has several.
fn shape(node: &Node) -> String {
    let many = |word: &str, members: &[Node]| format!("({})", members.iter().map(shape).collect::<Vec<_>>().join(word));
    match &node.kind {
        Kind::Number(number, unit) if unit.is_any() => number.to_string(),
        Kind::Number(number, unit) => format!("{number} {unit}"),
        Kind::Tag(tag) => tag.to_string(),
        Kind::Not(inner) => format!("not {}", shape(inner)),
        Kind::Negate(inner) => format!("-{}", shape(inner)),
        Kind::All(members) => many(" and ", members),
        Kind::Any(members) => many(" or ", members),
        Kind::Call(function, members) => format!("{}{}", function.as_str(), many(", ", members)),
        Kind::Compare(left, how, right) => format!("({} {how:?} {})", shape(left), shape(right)),
        Kind::Chain(first, rest) => {
            let rest: String = rest.iter().map(|(operator, member)| format!(" {operator:?} {}", shape(member))).collect();
            format!("({}{rest})", shape(first))
        }
        Kind::Condition(name) => format!("condition {name}"),
        other => format!("{other:?}"),
    }
}

fn check(text: &str, expected: &str) {
    assert_eq!(parse(text).map(|node| shape(&node)).as_deref(), Ok(expected), "{text}");
}

#[test]
fn what_binds_closer_is_read_first() {
    check("a/b/c > 25 degC and not d/e/f", "((a/b/c Greater 25 degC) and not d/e/f)");
    check("a/b/c || d/e/f && g/h/i", "(a/b/c or (d/e/f and g/h/i))");
    check("(a/b/c or d/e/f) and g/h/i", "((a/b/c or d/e/f) and g/h/i)");
    check("1 + 2 * 3 - -4", "(1 Add (2 Multiply 3) Subtract -4)");
    check("not a/b/c == d/e/f", "not (a/b/c Equal d/e/f)");
    check("!a/b/c = true", "not (a/b/c Equal Bool(true))");
    check("condition cold and between(a/b/c, 1 bar, 2 bar)", "(condition cold and between(a/b/c, 1 bar, 2 bar))");
    check("age(a/b/c) < 5 min", "(Age(\"a/b/c\") Less 5 min)");
    check("min(1 min, 30 s) > 3 [kg m2]", "(min(1 min, 30 s) Greater 3 kg m2)");
}

#[test]
fn a_flaw_shows_its_place() {
    for (text, at) in [
        ("", 0),
        ("a/b/c >", 7),
        ("a/b/c > 5 6", 10),
        ("1 < a/b/c < 2", 10),
        ("a/b > 5", 0),
        ("temperature > 5", 0),
        ("sin(a/b/c) > 0", 0),
        ("abs(1, 2)", 0),
        ("good(5)", 5),
        ("(a/b/c", 6),
        ("a/b/c and", 9),
        ("a/b/c or and", 9),
        ("condition", 0),
        ("[bar] 5", 0),
    ] {
        assert_eq!(parse(text).map(|node| shape(&node)).map_err(|flaw| flaw.at), Err(at), "{text:?}");
    }
}

#[test]
fn size_and_depth_have_their_bounds() {
    let sum = |terms: usize| vec!["1"; terms].join("+");
    // Every number is a part, and so is their sum.
    assert!(parse(&sum(NODES_MAX - 1)).is_ok());
    assert!(parse(&sum(NODES_MAX)).is_err());
    let nested = |levels: usize| format!("{}1{}", "(".repeat(levels), ")".repeat(levels));
    assert!(parse(&nested(DEPTH_MAX)).is_ok());
    assert!(parse(&nested(DEPTH_MAX + 1)).is_err());
    assert!(parse(&"-".repeat(1_000)).is_err());
    assert!(parse(&"not ".repeat(400)).is_err());
    assert!(parse(&" ".repeat(TEXT_LEN_MAX + 1)).is_err());
}
