//! What an expression comes to, found without a reading: the types and units of its parts fit.

use crate::flaw::Flaw;
use crate::node::{Comparison, Function, Kind, Node, Operator};
use crate::unit::{Mismatch, Unit};
use labkeeper_model::{Name, TagPath};
use std::fmt;

/// What can be named in an expression.
pub trait Scope {
    /// What a tag comes to; `None` if there is no such tag.
    fn tag(&self, tag: &TagPath) -> Option<Type>;
    /// The text of a named condition; `None` if there is none.
    fn condition(&self, name: &Name) -> Option<&str>;
}

/// What an expression comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// True or false.
    Bool,
    /// A number in a unit.
    Number(Unit),
    /// A text.
    Text,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("true or false"),
            Self::Number(unit) if unit.is_any() => f.write_str("a number"),
            Self::Number(unit) => write!(f, "a number in {unit}"),
            Self::Text => f.write_str("a text"),
        }
    }
}

impl Type {
    /// What to do where true or false is wanted.
    pub(crate) const fn remedy_for_bool(&self) -> &'static str {
        match self {
            Self::Bool => "nothing",
            Self::Number(_) => "compare it with something: x > 5, x != 0",
            Self::Text => "compare it with a text: x == \"on\"",
        }
    }
}

/// What a tree without open conditions comes to.
pub(crate) fn check(node: &Node, scope: &dyn Scope) -> Result<Type, Flaw> {
    match &node.kind {
        Kind::Bool(_) => Ok(Type::Bool),
        Kind::Text(_) => Ok(Type::Text),
        Kind::Number(_, unit) => Ok(Type::Number(unit.clone())),
        Kind::Tag(tag) => known(node.at, tag, scope),
        Kind::Good(tag) => known(node.at, tag, scope).map(|_| Type::Bool),
        Kind::Age(tag) => known(node.at, tag, scope).map(|_| Type::Number(Unit::seconds())),
        Kind::Condition(name) => Err(Flaw::new(node.at, format!("there is no condition {:?}", name.as_str()), "correct the name")),
        Kind::Named(name, inner) => check(inner, scope).map_err(|flaw| Flaw {
            at: node.at,
            what: format!("in condition {name}: {}", flaw.what),
            remedy: flaw.remedy,
        }),
        Kind::Not(inner) => truth(inner, scope),
        Kind::Negate(inner) => number(inner, scope).map(Type::Number),
        Kind::All(members) | Kind::Any(members) => {
            members.iter().try_for_each(|member| truth(member, scope).map(|_| ()))?;
            Ok(Type::Bool)
        }
        Kind::Compare(left, how, right) => compare(left, *how, right, scope),
        Kind::Chain(first, rest) => chain(first, rest, scope),
        Kind::Call(function, arguments) => call(*function, arguments, scope),
    }
}

fn known(at: usize, tag: &TagPath, scope: &dyn Scope) -> Result<Type, Flaw> {
    let remedy = "correct its path; put spaces around - and / beside a name";
    scope.tag(tag).ok_or_else(|| Flaw::new(at, format!("there is no tag {tag}"), remedy))
}

fn truth(node: &Node, scope: &dyn Scope) -> Result<Type, Flaw> {
    match check(node, scope)? {
        Type::Bool => Ok(Type::Bool),
        other => Err(Flaw::new(node.at, format!("this is {other}, where true or false is wanted"), other.remedy_for_bool())),
    }
}

fn number(node: &Node, scope: &dyn Scope) -> Result<Unit, Flaw> {
    match check(node, scope)? {
        Type::Number(unit) => Ok(unit),
        other => Err(Flaw::new(node.at, format!("this is {other}, where a number is wanted"), "calculate with numbers only")),
    }
}

fn mismatch(at: usize) -> impl Fn(Mismatch) -> Flaw {
    move |(what, remedy)| Flaw::new(at, what, remedy)
}

fn compare(left: &Node, how: Comparison, right: &Node, scope: &dyn Scope) -> Result<Type, Flaw> {
    match (check(left, scope)?, check(right, scope)?) {
        (Type::Number(l), Type::Number(r)) => l.compared(&r).map(|_| Type::Bool).map_err(mismatch(right.at)),
        (l, r) if l != r => Err(Flaw::new(right.at, format!("{l} is compared with {r}"), "compare what is of one type")),
        (l, _) if how.is_order() => Err(Flaw::new(left.at, format!("{l} has no order"), "compare with == or !=")),
        _ => Ok(Type::Bool),
    }
}

fn chain(first: &Node, rest: &[(Operator, Node)], scope: &dyn Scope) -> Result<Type, Flaw> {
    let mut unit = number(first, scope)?;
    for (operator, member) in rest {
        let right = number(member, scope)?;
        unit = match operator {
            Operator::Add => unit.added(&right, false).map(|(unit, _)| unit),
            Operator::Subtract => unit.added(&right, true).map(|(unit, _)| unit),
            Operator::Multiply => unit.multiplied(&right),
            Operator::Divide => unit.divided(&right).map(|(unit, _)| unit),
        }
        .map_err(mismatch(member.at))?;
    }
    Ok(Type::Number(unit))
}

fn call(function: Function, arguments: &[Node], scope: &dyn Scope) -> Result<Type, Flaw> {
    let mut unit = Unit::ANY;
    for argument in arguments {
        let next = number(argument, scope)?;
        if unit.is_any() {
            unit = next;
        } else {
            unit.compared(&next).map_err(mismatch(argument.at))?;
        }
    }
    Ok(if function == Function::Between { Type::Bool } else { Type::Number(unit) })
}
