//! Conditions over tags, as scientists write them: `cryo/chiller-1/temperature > 25 degC and not hall/door/open`.
//!
//! ```text
//! text ── parse ─► Expression ── resolve (named conditions put in) ─► check (types, units) ─► eval (inputs) ─► Evaluated
//! ```
//!
//! | written | means |
//! |---|---|
//! | `segment/device/tag` | the tag's value, with its unit and quality |
//! | `25`, `25 degC`, `1.5e-3 mbar`, `3 [any text]` | a number, with a unit or without |
//! | `true`, `false`, `"text"`, `'text'` | a constant |
//! | `condition NAME` | the named condition of the site |
//! | `+ - * /`, `abs(x)`, `min(x, y, ..)`, `max(x, y, ..)` | arithmetic |
//! | `< <= > >= == !=`, `between(x, low, high)` | comparison; `between` includes both ends, `=` is `==` |
//! | `and or not`, `&& \|\| !` | logic; `not` binds closest, then `and`, then `or` |
//! | `good(tag)`, `age(tag)` | whether a tag's value can be trusted; how long ago it was read, in seconds |
//!
//! Names may contain `-` and paths contain `/`, so beside a name the operators `-` and `/` have a space around them.
//!
//! **What cannot be told.** An input that is bad, stale or missing makes what depends on it unknown, and so does a division by zero.
//! `and` and `or` are decided by their good side where it decides: `false and unknown` is false, `true or unknown` is true, and what is
//! left is unknown ([`Evaluated::value`] is `None`, and [`Evaluated::why`] names the input). `good` and `age` are always known.
//!
//! **Units.** A number without a unit fits every unit. Within a dimension scales are converted (25 mbar < 1 bar); a unit that the table
//! does not have is equal to itself alone. See [`Unit`] for temperatures.
//!
//! **Cost.** A text has at most [`TEXT_LEN_MAX`] bytes, [`NODES_MAX`] parts and [`DEPTH_MAX`] levels, there are no loops, and each part is
//! looked at once in an evaluation.
//!
//! It knows nothing of clocks, networks, alarms and interlocks.

mod check;
mod eval;
mod flaw;
mod node;
mod parse;
mod resolve;
mod site;
mod token;
mod unit;

pub use check::{Scope, Type};
pub use eval::{Evaluated, Input, Inputs};
pub use flaw::Flaw;
pub use parse::{DEPTH_MAX, NODES_MAX, TEXT_LEN_MAX};
pub use resolve::{RESOLVED_DEPTH_MAX, RESOLVED_NODES_MAX};
pub use site::check_site;
pub use unit::Unit;

use labkeeper_model::{Name, TagPath};
use node::{Kind, Node};
use std::collections::BTreeSet;

/// A condition or a calculation over tags, read from its text once.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    root: Node,
}

impl Expression {
    /// Reads a text.
    ///
    /// # Errors
    /// [`Flaw`] where it is not an expression, or a larger one than is allowed.
    pub fn parse(text: &str) -> Result<Self, Flaw> {
        parse::parse(text).map(|root| Self { root })
    }

    /// Reads a text that must come to true or false, puts in the conditions that it names, and checks it: ready to be evaluated.
    ///
    /// # Errors
    /// [`Flaw`] where [`Expression::parse`], [`Expression::resolve`] or [`Expression::check`] has one, or where it comes to something else.
    pub fn condition(text: &str, scope: &dyn Scope) -> Result<Self, Flaw> {
        let resolved = Self::parse(text)?.resolve(scope)?;
        match check::check(&resolved.root, scope)? {
            Type::Bool => Ok(resolved),
            other => Err(Flaw::new(resolved.root.at, format!("it comes to {other}, not to true or false"), other.remedy_for_bool())),
        }
    }

    /// The expression with the conditions that it names put in.
    ///
    /// # Errors
    /// [`Flaw`] where a condition does not exist, is no expression, refers to itself in a circle (which is shown), or where the whole
    /// becomes larger than [`RESOLVED_NODES_MAX`] or deeper than [`RESOLVED_DEPTH_MAX`].
    pub fn resolve(&self, scope: &dyn Scope) -> Result<Self, Flaw> {
        resolve::resolve(&self.root, scope).map(|root| Self { root })
    }

    /// What it comes to.
    ///
    /// # Errors
    /// [`Flaw`] where a tag does not exist, types or units do not fit, or [`Expression::resolve`] has one.
    pub fn check(&self, scope: &dyn Scope) -> Result<Type, Flaw> {
        check::check(&self.resolve(scope)?.root, scope)
    }

    /// What it comes to over these inputs. Total and without memory: the same inputs give the same answer. A named condition that was not
    /// put in by [`Expression::resolve`] cannot be told.
    #[must_use]
    pub fn eval(&self, inputs: &dyn Inputs) -> Evaluated {
        eval::eval(&self.root, inputs)
    }

    /// The tags that it looks at, each once, in the order of their names; those of named conditions once they are put in.
    #[must_use]
    pub fn tags(&self) -> Vec<TagPath> {
        let mut tags = BTreeSet::new();
        self.root.visit(&mut |node| {
            if let Kind::Tag(tag) | Kind::Good(tag) | Kind::Age(tag) = &node.kind {
                tags.insert(tag.clone());
            }
        });
        tags.into_iter().collect()
    }

    /// The conditions that it names and that were not put in, each once, in the order of their names.
    #[must_use]
    pub fn conditions(&self) -> Vec<Name> {
        let mut names = BTreeSet::new();
        self.root.visit(&mut |node| {
            if let Kind::Condition(name) = &node.kind {
                names.insert(name.clone());
            }
        });
        names.into_iter().collect()
    }
}
