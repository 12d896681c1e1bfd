//! The parts of an expression. A chain of `and`, `or`, sums or products is one part with many members, so that depth is nesting alone.

use crate::Unit;
use labkeeper_model::{Name, TagPath};

/// One part, and where it begins in its text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    /// In bytes from the start of the text that it was read from.
    pub(crate) at: usize,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Bool(bool),
    Text(String),
    Number(f64, Unit),
    Tag(TagPath),
    Good(TagPath),
    Age(TagPath),
    /// A condition by its name.
    Condition(Name),
    /// What a named condition stands for.
    Named(Name, Box<Node>),
    Not(Box<Node>),
    Negate(Box<Node>),
    /// Every member holds.
    All(Vec<Node>),
    /// Some member holds.
    Any(Vec<Node>),
    Compare(Box<Node>, Comparison, Box<Node>),
    /// From left to right.
    Chain(Box<Node>, Vec<(Operator, Node)>),
    Call(Function, Vec<Node>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
}

impl Comparison {
    /// Whether it asks for order, which only numbers have.
    pub(crate) const fn is_order(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Abs,
    Min,
    Max,
    Between,
}

impl Function {
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "abs" => Self::Abs,
            "min" => Self::Min,
            "max" => Self::Max,
            "between" => Self::Between,
            _ => return None,
        })
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Abs => "abs",
            Self::Min => "min",
            Self::Max => "max",
            Self::Between => "between",
        }
    }

    /// How it is written with as many arguments as it takes; `None` if it takes `count`.
    pub(crate) const fn wrong_count(self, count: usize) -> Option<&'static str> {
        match (self, count) {
            (Self::Abs, 1) | (Self::Min | Self::Max, 2..) | (Self::Between, 3) => None,
            (Self::Abs, _) => Some("write abs(x)"),
            (Self::Min, _) => Some("write min(x, y), with two or more"),
            (Self::Max, _) => Some("write max(x, y), with two or more"),
            (Self::Between, _) => Some("write between(x, low, high)"),
        }
    }
}

impl Node {
    /// Calls `see` with this part and every one below it.
    pub(crate) fn visit(&self, see: &mut dyn FnMut(&Self)) {
        see(self);
        match &self.kind {
            Kind::Named(_, inner) | Kind::Not(inner) | Kind::Negate(inner) => inner.visit(see),
            Kind::All(members) | Kind::Any(members) | Kind::Call(_, members) => members.iter().for_each(|member| member.visit(see)),
            Kind::Compare(left, _, right) => [left, right].into_iter().for_each(|side| side.visit(see)),
            Kind::Chain(first, rest) => {
                first.visit(see);
                rest.iter().for_each(|(_, member)| member.visit(see));
            }
            Kind::Bool(_) | Kind::Text(_) | Kind::Number(..) | Kind::Tag(_) | Kind::Good(_) | Kind::Age(_) | Kind::Condition(_) => {}
        }
    }
}
