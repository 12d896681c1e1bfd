//! The expressions of a whole site: what they may name, and what is wrong with them.

use crate::check::{Scope, Type};
use crate::unit::Unit;
use crate::{Expression, Flaw};
use labkeeper_model::site::{AlarmKind, AlarmSpec, Problem, Severity, SiteSpec, ValueType};
use labkeeper_model::{Name, TagPath};

impl Scope for SiteSpec {
    fn tag(&self, tag: &TagPath) -> Option<Type> {
        let (_, spec) = Self::tag(self, tag)?;
        Some(match spec.value_type {
            ValueType::Bool => Type::Bool,
            ValueType::Text(_) => Type::Text,
            _ => Type::Number(Unit::new(&spec.unit)),
        })
    }

    fn condition(&self, name: &Name) -> Option<&str> {
        self.conditions.get(name).map(|condition| condition.expr.as_str())
    }
}

/// What is wrong with the expressions of a site, in the order conditions, interlocks, alarms; what else is wrong with a site is
/// `labkeeper_model::site::check`'s to say.
#[must_use]
pub fn check_site(site: &SiteSpec) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut look = |path: &[&str], text: &str| {
        if let Err(flaw) = Expression::condition(text, site) {
            problems.push(problem(path, text, flaw));
        }
    };
    for (name, condition) in &site.conditions {
        look(&["conditions", name.as_str(), "expr"], &condition.expr);
    }
    for (name, interlock) in &site.interlocks {
        look(&["interlocks", name.as_str(), "require"], &interlock.require);
    }
    for (device, spec) in &site.devices {
        for (tag, spec) in &spec.tags {
            for (at, alarm) in spec.alarms.iter().enumerate() {
                let at = at.to_string();
                for (key, text) in expressions(alarm) {
                    look(&["devices", device.as_str(), "tags", tag.as_str(), "alarms", &at, key], text);
                }
            }
        }
    }
    problems
}

/// The expressions of an alarm by their keys.
fn expressions(alarm: &AlarmSpec) -> impl Iterator<Item = (&'static str, &str)> {
    let raised = match &alarm.kind {
        AlarmKind::Expression { source } => Some(("expr", source.as_str())),
        _ => None,
    };
    raised.into_iter().chain(alarm.suppress_when.as_deref().map(|text| ("suppress_when", text)))
}

fn problem(path: &[&str], text: &str, flaw: Flaw) -> Problem {
    // As many characters of the place as tell it apart, from where the flaw is.
    let place: String = text.get(flaw.at..).unwrap_or_default().chars().take(24).collect();
    let what = if place.is_empty() { format!("{}, at the end", flaw.what) } else { format!("{}, at {place:?}", flaw.what) };
    Problem { severity: Severity::Error, path: path.iter().map(|key| (*key).to_owned()).collect(), what, remedy: flaw.remedy }
}
