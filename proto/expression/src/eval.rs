//! What an expression comes to over present readings: three-valued, total, each part looked at once.
//!
//! Whatever is not good enough makes what depends on it unknown; `and` and `or` are decided by the sides that are known, where those decide.

use crate::node::{Comparison, Function, Kind, Node, Operator};
use crate::unit::{Mismatch, Unit};
use labkeeper_model::{BadReason, Quality, TagPath, UncertainReason, Value};
use std::cmp::Ordering;
use std::time::Duration;

/// One tag as an expression sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// The value; `None` if there never was one.
    pub value: Option<Value>,
    /// Its engineering unit, as declared.
    pub unit: String,
    /// How far to trust it. A caller for whom older readings count for nothing passes them as stale.
    pub quality: Quality,
    /// How long ago it was read; `Duration::MAX` if it never was.
    pub age: Duration,
}

/// Where an evaluation gets its readings.
pub trait Inputs {
    /// A tag's latest reading; `None` if the site has no such tag.
    fn input(&self, tag: &TagPath) -> Option<Input>;
}

/// What an expression came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluated {
    /// The value; `None` if it cannot be told.
    pub value: Option<Value>,
    /// Good, or uncertain if an input was out of its range; of what cannot be told, the quality of the input that is to blame.
    pub quality: Quality,
    /// Why it cannot be told, in words that name the input.
    pub why: Option<String>,
}

impl Evaluated {
    /// Whether a condition holds; `None` if that cannot be told.
    #[must_use]
    pub const fn truth(&self) -> Option<bool> {
        match self.value {
            Some(Value::Bool(truth)) => Some(truth),
            _ => None,
        }
    }
}

/// A value of a part, and the quality that it has from its inputs: good or uncertain.
struct Known {
    term: Term,
    quality: Quality,
}

enum Term {
    Bool(bool),
    Number(f64, Unit),
    Text(String),
}

/// A part that cannot be told.
struct Unknown {
    quality: Quality,
    why: String,
}

type Outcome = Result<Known, Unknown>;

/// What a tree comes to.
pub(crate) fn eval(root: &Node, inputs: &dyn Inputs) -> Evaluated {
    match part(root, inputs) {
        Ok(Known { term, quality }) => {
            let value = match term {
                Term::Bool(truth) => Value::Bool(truth),
                Term::Number(number, _) => Value::F64(number),
                Term::Text(text) => Value::Text(text),
            };
            Evaluated { value: Some(value), quality, why: None }
        }
        Err(Unknown { quality, why }) => Evaluated { value: None, quality, why: Some(why) },
    }
}

fn part(node: &Node, inputs: &dyn Inputs) -> Outcome {
    match &node.kind {
        Kind::Bool(truth) => Ok(good(Term::Bool(*truth))),
        Kind::Text(text) => Ok(good(Term::Text(text.clone()))),
        Kind::Number(number, unit) => Ok(good(Term::Number(*number, unit.clone()))),
        Kind::Tag(tag) => reading(tag, inputs.input(tag)),
        Kind::Good(tag) => {
            let is_good = inputs.input(tag).is_some_and(|input| input.quality == Quality::Good && input.value.is_some());
            Ok(good(Term::Bool(is_good)))
        }
        Kind::Age(tag) => Ok(good(Term::Number(inputs.input(tag).map_or(f64::INFINITY, |input| seconds(input.age)), Unit::seconds()))),
        Kind::Condition(name) => Err(misfit(format!("condition {name} was not put in"))),
        Kind::Named(_, inner) => part(inner, inputs),
        Kind::Not(inner) => truth(inner, inputs).map(|(truth, quality)| Known { term: Term::Bool(!truth), quality }),
        Kind::Negate(inner) => {
            let (number, unit, quality) = number(inner, inputs)?;
            Ok(Known { term: Term::Number(-number, unit), quality })
        }
        Kind::All(members) => decided(members.iter().map(|member| truth(member, inputs)), false),
        Kind::Any(members) => decided(members.iter().map(|member| truth(member, inputs)), true),
        Kind::Compare(left, how, right) => compare(part(left, inputs)?, *how, part(right, inputs)?),
        Kind::Chain(first, rest) => chain(first, rest, inputs),
        Kind::Call(function, arguments) => call(*function, arguments, inputs),
    }
}

const fn good(term: Term) -> Known {
    Known { term, quality: Quality::Good }
}

/// What the declaration should have excluded, or a calculation that has no result.
const fn misfit(why: String) -> Unknown {
    Unknown { quality: Quality::Bad(BadReason::Configuration), why }
}

fn mismatch((why, _): Mismatch) -> Unknown {
    misfit(why)
}

fn seconds(age: Duration) -> f64 {
    if age == Duration::MAX { f64::INFINITY } else { age.as_secs_f64() }
}

fn reading(tag: &TagPath, input: Option<Input>) -> Outcome {
    let Some(input) = input else { return Err(misfit(format!("there is no tag {tag}"))) };
    match input.quality {
        Quality::Good | Quality::Uncertain(UncertainReason::OutOfRange) => {}
        quality => return Err(Unknown { quality, why: format!("{tag} is {}", quality.as_str()) }),
    }
    let term = match input.value {
        Some(Value::Bool(truth)) => Term::Bool(truth),
        Some(Value::Text(text)) => Term::Text(text),
        Some(number) => match number.as_f64().filter(|number| number.is_finite()) {
            Some(number) => Term::Number(number, Unit::new(&input.unit)),
            None => return Err(Unknown { quality: Quality::Bad(BadReason::Protocol), why: format!("{tag} is not a finite number") }),
        },
        None => return Err(Unknown { quality: Quality::Bad(BadReason::NotYetRead), why: format!("{tag} has no value") }),
    };
    Ok(Known { term, quality: input.quality })
}

/// The worse of two qualities that are good or uncertain.
fn worse(a: Quality, b: Quality) -> Quality {
    if a == Quality::Good { b } else { a }
}

fn truth(node: &Node, inputs: &dyn Inputs) -> Result<(bool, Quality), Unknown> {
    match part(node, inputs)? {
        Known { term: Term::Bool(truth), quality } => Ok((truth, quality)),
        _ => Err(misfit("a part is not true or false where that is wanted".into())),
    }
}

fn number(node: &Node, inputs: &dyn Inputs) -> Result<(f64, Unit, Quality), Unknown> {
    match part(node, inputs)? {
        Known { term: Term::Number(number, unit), quality } => Ok((number, unit, quality)),
        _ => Err(misfit("a part is not a number where one is wanted".into())),
    }
}

/// Members of which one with the value `decisive` decides, whatever the others are: false for `and`, true for `or`. A good one is preferred
/// to an uncertain one; without any, the first unknown one makes the whole unknown.
fn decided(members: impl Iterator<Item = Result<(bool, Quality), Unknown>>, decisive: bool) -> Outcome {
    let (mut uncertain, mut unknown, mut quality) = (None, None, Quality::Good);
    for member in members {
        match member {
            Ok((truth, Quality::Good)) if truth == decisive => return Ok(good(Term::Bool(decisive))),
            Ok((truth, how)) if truth == decisive => uncertain = uncertain.or(Some(how)),
            Ok((_, how)) => quality = worse(quality, how),
            Err(why) => unknown = unknown.or(Some(why)),
        }
    }
    match (uncertain, unknown) {
        (Some(quality), _) => Ok(Known { term: Term::Bool(decisive), quality }),
        (None, Some(why)) => Err(why),
        (None, None) => Ok(Known { term: Term::Bool(!decisive), quality }),
    }
}

fn compare(left: Known, how: Comparison, right: Known) -> Outcome {
    let quality = worse(left.quality, right.quality);
    let order = match (left.term, right.term) {
        (Term::Number(l, unit), Term::Number(r, other)) => {
            let conversion = unit.compared(&other).map_err(mismatch)?;
            l.partial_cmp(&conversion.apply(r)).ok_or_else(|| misfit("a number is not a number".into()))?
        }
        (Term::Bool(l), Term::Bool(r)) if !how.is_order() => l.cmp(&r),
        (Term::Text(l), Term::Text(r)) if !how.is_order() => l.cmp(&r),
        _ => return Err(misfit("what is compared is not of one type".into())),
    };
    Ok(Known { term: Term::Bool(holds(how, order)), quality })
}

fn holds(how: Comparison, order: Ordering) -> bool {
    match how {
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
    }
}

fn chain(first: &Node, rest: &[(Operator, Node)], inputs: &dyn Inputs) -> Outcome {
    let (mut value, mut unit, mut quality) = number(first, inputs)?;
    for (operator, member) in rest {
        let (right, other, how) = number(member, inputs)?;
        quality = worse(quality, how);
        (value, unit) = match operator {
            Operator::Add => unit.added(&other, false).map(|(unit, conversion)| (value + conversion.apply(right), unit)),
            Operator::Subtract => unit.added(&other, true).map(|(unit, conversion)| (value - conversion.apply(right), unit)),
            Operator::Multiply => unit.multiplied(&other).map(|unit| (value * right, unit)),
            Operator::Divide => unit.divided(&other).map(|(unit, conversion)| (value / conversion.apply(right), unit)),
        }
        .map_err(mismatch)?;
        if !value.is_finite() {
            return Err(misfit("a calculation has no finite result".into()));
        }
    }
    Ok(Known { term: Term::Number(value, unit), quality })
}

fn call(function: Function, arguments: &[Node], inputs: &dyn Inputs) -> Outcome {
    if let (Function::Between, [x, low, high]) = (function, arguments) {
        // Looked at once: a comparison with each end, of which one that fails decides.
        let x = number(x, inputs)?;
        let ends = [(low, Comparison::GreaterOrEqual), (high, Comparison::LessOrEqual)];
        return decided(ends.into_iter().map(|(end, how)| beside(&x, how, number(end, inputs)?)), false);
    }
    let Some((first, rest)) = arguments.split_first() else { return Err(misfit(format!("{} has no values", function.as_str()))) };
    let (mut value, mut unit, mut quality) = number(first, inputs)?;
    for argument in rest {
        let (right, other, how) = number(argument, inputs)?;
        let right = unit.compared(&other).map_err(mismatch)?.apply(right);
        value = if function == Function::Min { value.min(right) } else { value.max(right) };
        unit = if unit.is_any() { other } else { unit };
        quality = worse(quality, how);
    }
    let value = if function == Function::Abs { value.abs() } else { value };
    Ok(Known { term: Term::Number(value, unit), quality })
}

fn beside(x: &(f64, Unit, Quality), how: Comparison, end: (f64, Unit, Quality)) -> Result<(bool, Quality), Unknown> {
    let conversion = x.1.compared(&end.1).map_err(mismatch)?;
    let order = x.0.partial_cmp(&conversion.apply(end.0)).ok_or_else(|| misfit("a number is not a number".into()))?;
    Ok((holds(how, order), worse(x.2, end.2)))
}
