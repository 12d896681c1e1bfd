//! Whether an alarm is suppressed by design: a rule over tags that says when it means nothing, such as a low flow while the pump is off.
//!
//! A rule that cannot be told hides nothing, but not at once: a new owner first waits for readings, and goes on as the machine has it.

use crate::freshness::{Freshness, Watcher};
use crate::inputs::Inputs;
use labkeeper_expression::Expression;
use labkeeper_model::Moment;
use std::time::Duration;

/// The rule of one alarm, if it has one.
pub(crate) struct Suppression {
    rule: Option<Expression>,
    watcher: Watcher,
    holds: bool,
}

impl Suppression {
    pub(crate) fn new(rule: Option<Expression>, patience: Duration, now: Moment) -> Self {
        Self { rule, watcher: Watcher::new(patience, now), holds: false }
    }

    /// Whether the alarm is suppressed; `None` if that stays as the machine has it. Without a rule it is not.
    pub(crate) fn is_suppressed(&mut self, now: Moment, inputs: &dyn Inputs) -> Option<bool> {
        let Some(rule) = &self.rule else { return Some(false) };
        let Some(holds) = rule.eval(inputs).truth() else {
            return match self.watcher.state(now) {
                Freshness::Starting => None,
                Freshness::Fresh => Some(self.holds),
                Freshness::Bad(_) => Some(false),
            };
        };
        self.watcher.seen(now);
        self.holds = holds;
        Some(holds)
    }
}
