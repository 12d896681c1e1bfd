//! What a reading means for an alarm, by the kind of the alarm. Says what is found, not what has been said.

use crate::inputs::Inputs;
use crate::levels::Levels;
use crate::rate::Rate;
use crate::trigger::Trigger;
use crate::word::{Level, SEVERITY_INNER};
use labkeeper_expression::Expression;
use labkeeper_model::site::{AlarmKind, AlarmSpec};
use labkeeper_model::{Moment, Quality, TagPath, UncertainReason, Value};
use std::time::Duration;

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Finding {
    /// The condition holds, or does not.
    Level(Level),
    /// The value changed, which holds for no time.
    Changed,
    /// The reading is fine, but says nothing about the condition: it stays what it was.
    Unjudged,
    /// The condition cannot be told by this reading, and why.
    Unusable(String),
}

/// The rule of one alarm, with what it remembers from reading to reading.
pub(crate) enum Judge {
    Levels(Levels),
    Deviation { from: Option<TagPath>, trigger: Trigger },
    Rate(Rate),
    Equals(Value),
    Changed { last: Option<Value> },
    Discrepancy { settle: Duration, trigger: Trigger },
    Stale { after: Duration },
    Expression(Option<Expression>),
}

impl Judge {
    /// The rule of an alarm that stands as `recorded` says. `condition` is its expression, if it has one that could be read.
    pub(crate) fn new(spec: &AlarmSpec, recorded: Level, condition: Option<Expression>) -> Self {
        let above = |limit| Trigger::above(limit, spec.deadband).set(recorded.is_active());
        match &spec.kind {
            AlarmKind::Levels(levels) => Self::Levels(Levels::new(*levels, spec.deadband, recorded)),
            AlarmKind::Deviation { from, limit } => Self::Deviation { from: from.clone(), trigger: above(*limit) },
            AlarmKind::Rate { per_s, over } => Self::Rate(Rate::new(*per_s, *over, spec.deadband, recorded)),
            AlarmKind::Equals { value } => Self::Equals(value.clone()),
            AlarmKind::Changed => Self::Changed { last: None },
            AlarmKind::Discrepancy { tolerance, settle } => Self::Discrepancy { settle: *settle, trigger: above(*tolerance) },
            AlarmKind::Stale { after } => Self::Stale { after: *after },
            AlarmKind::Expression { .. } => Self::Expression(condition),
        }
    }

    /// Takes a good reading of `tag`.
    pub(crate) fn judge(&mut self, tag: &TagPath, value: &Value, now: Moment, inputs: &dyn Inputs) -> Finding {
        match self {
            Self::Levels(levels) => number(value).map_or_else(Finding::Unusable, |number| Finding::Level(levels.feed(number))),
            Self::Deviation { from, trigger } => deviation(tag, value, from.as_ref(), trigger, inputs),
            Self::Rate(rate) => match number(value) {
                Ok(number) => rate.feed(number, now).map_or(Finding::Unjudged, Finding::Level),
                Err(why) => Finding::Unusable(why),
            },
            Self::Equals(wanted) => Finding::Level(level(value.within(wanted, 0.0))),
            Self::Changed { last } => match last.replace(value.clone()) {
                Some(before) if !before.within(value, 0.0) => Finding::Changed,
                _ => Finding::Level(Level::Clear),
            },
            Self::Discrepancy { settle, trigger } => discrepancy(tag, value, *settle, trigger, inputs),
            Self::Stale { .. } => Finding::Level(Level::Clear),
            Self::Expression(condition) => truth(condition.as_ref(), inputs),
        }
    }

    /// What time alone says, after so much silence of the tag.
    pub(crate) fn judge_silence(&self, silence: Duration, inputs: &dyn Inputs) -> Option<Finding> {
        match self {
            Self::Stale { after } => (silence > *after).then_some(Finding::Level(level(true))),
            Self::Expression(condition) => Some(truth(condition.as_ref(), inputs)),
            _ => None,
        }
    }

    /// Whether it is judged without a reading of its own tag.
    pub(crate) const fn is_by_expression(&self) -> bool {
        matches!(self, Self::Expression(_))
    }

    /// Whether silence is what it is about, so that silence does not keep it from being told.
    pub(crate) const fn is_about_silence(&self) -> bool {
        matches!(self, Self::Stale { .. })
    }

    /// What the tag was before the first reading, if that is known.
    pub(crate) fn remember(&mut self, value: Value) {
        if let Self::Changed { last } = self {
            *last = Some(value);
        }
    }

    /// Nothing usable came for a while.
    pub(crate) fn forget(&mut self) {
        if let Self::Rate(rate) = self {
            rate.forget();
        }
    }
}

const fn level(holds: bool) -> Level {
    if holds { Level::Active(SEVERITY_INNER) } else { Level::Clear }
}

fn number(value: &Value) -> Result<f64, String> {
    let number = value.as_f64().ok_or_else(|| format!("{} has no limits", value.kind()))?;
    if number.is_nan() { Err("not a number".into()) } else { Ok(number) }
}

/// How far two values are apart: by any measure, if they are not numbers and not the same.
fn distance(a: &Value, b: &Value) -> Result<f64, String> {
    if a.as_f64().is_none() && b.as_f64().is_none() {
        return Ok(if a == b { 0.0 } else { f64::INFINITY });
    }
    Ok((number(a)? - number(b)?).abs())
}

fn deviation(tag: &TagPath, value: &Value, from: Option<&TagPath>, trigger: &mut Trigger, inputs: &dyn Inputs) -> Finding {
    let reference = match from {
        Some(other) => {
            let Some(input) = inputs.input(other) else { return Finding::Unusable(format!("there is no tag {other}")) };
            match (input.quality, input.value) {
                (Quality::Good | Quality::Uncertain(UncertainReason::OutOfRange), Some(value)) => Some(value),
                (quality, _) => return Finding::Unusable(format!("{other} is {quality}")),
            }
        }
        None => inputs.setpoint(tag),
    };
    // Without a setpoint there is nothing to deviate from.
    let Some(reference) = reference else { return Finding::Level(level(trigger.feed(0.0))) };
    distance(value, &reference).map_or_else(Finding::Unusable, |distance| Finding::Level(level(trigger.feed(distance))))
}

fn discrepancy(tag: &TagPath, value: &Value, settle: Duration, trigger: &mut Trigger, inputs: &dyn Inputs) -> Finding {
    let Some(written) = inputs.written(tag) else { return Finding::Unjudged };
    match distance(value, &written.value) {
        Ok(distance) if written.age < settle && trigger.would_set(distance) => Finding::Unjudged,
        Ok(distance) => Finding::Level(level(trigger.feed(distance))),
        Err(why) => Finding::Unusable(why),
    }
}

fn truth(condition: Option<&Expression>, inputs: &dyn Inputs) -> Finding {
    let Some(evaluated) = condition.map(|condition| condition.eval(inputs)) else {
        return Finding::Unusable("the expression cannot be read".into());
    };
    match evaluated.truth() {
        Some(holds) => Finding::Level(level(holds)),
        None => Finding::Unusable(evaluated.why.unwrap_or_else(|| "it is not true or false".into())),
    }
}
