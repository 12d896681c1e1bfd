//! Whether a site's alarms are worth being announced: what somebody who reviews them (ISA-18.2 calls it rationalisation) would ask about.
//!
//! Nothing here is an error: a site with findings is applied and runs. It knows nothing of files and of the alarms' present state.

use labkeeper_model::site::{AlarmKind, AlarmSpec, Priority, SiteSpec, TagSpec};

/// Largest share of critical alarms, in percent: what is urgent everywhere is urgent nowhere. This and the next are the distribution of
/// 80/15/5 that EEMUA 191 and ISA-18.2 are usually quoted with.
const CRITICAL_PERCENT_MAX: usize = 5;
/// Largest share of alarms of high priority, in percent.
const HIGH_PERCENT_MAX: usize = 15;
/// Fewest alarms of which shares say anything: of 20, one is 5 %.
const SHARES_FROM: usize = 20;

/// What a review of a site's alarms found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lint {
    /// How many alarms have each priority, in the order of [`Priority::ALL`].
    pub priorities: [usize; 5],
    /// What to look at, in the order of the alarms.
    pub findings: Vec<Advice>,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// A stable word for the rule.
    pub rule: &'static str,
    /// The alarm, as `segment/device/tag/alarm`; empty where all of them are meant.
    pub subject: String,
    /// What was found.
    pub what: String,
    /// What to do.
    pub remedy: &'static str,
}

impl Lint {
    /// Reviews the alarms of a site.
    #[must_use]
    pub fn of(site: &SiteSpec) -> Self {
        let mut lint = Self::default();
        for (path, _, tag) in site.tags() {
            for alarm in &tag.alarms {
                let at = Priority::ALL.iter().position(|(priority, _)| *priority == alarm.priority);
                if let Some(count) = at.and_then(|at| lint.priorities.get_mut(at)) {
                    *count += 1;
                }
                let subject = format!("{path}/{}", alarm.name);
                lint.findings.extend(review(alarm, tag).map(|(rule, what, remedy)| Advice {
                    rule,
                    subject: subject.clone(),
                    what,
                    remedy,
                }));
            }
        }
        lint.distribution();
        lint
    }

    /// How many alarms are announced to people; those for the journal alone are not.
    #[must_use]
    pub fn announced(&self) -> usize {
        self.priorities.iter().sum::<usize>() - self.count(Priority::Diagnostic)
    }

    /// How many alarms have a priority.
    #[must_use]
    pub fn count(&self, priority: Priority) -> usize {
        Priority::ALL.iter().zip(self.priorities).find(|((known, _), _)| *known == priority).map_or(0, |(_, count)| count)
    }

    /// A priority's share of the announced alarms, in percent, rounded up: 1 of 30 is 4 %, and below the target's 5.
    #[must_use]
    pub fn percent(&self, priority: Priority) -> usize {
        (self.count(priority) * 100).div_ceil(self.announced().max(1))
    }

    fn distribution(&mut self) {
        let announced = self.announced();
        if announced < SHARES_FROM {
            return;
        }
        for (priority, most) in [(Priority::Critical, CRITICAL_PERCENT_MAX), (Priority::High, HIGH_PERCENT_MAX)] {
            let count = self.count(priority);
            if count * 100 > announced * most {
                let what =
                    format!("{count} of {announced} alarms are {}: {} %, more than {most} %", priority.as_str(), self.percent(priority));
                let remedy = "keep the priority for those that must be acted upon first";
                self.findings.push(Advice { rule: "priority-distribution", subject: String::new(), what, remedy });
            }
        }
    }
}

type Finding = (&'static str, String, &'static str);

/// What there is to say about one alarm.
fn review(alarm: &AlarmSpec, tag: &TagSpec) -> impl Iterator<Item = Finding> {
    [no_guidance(alarm), thin_guidance(alarm), no_deadband(alarm, tag), no_unit(alarm, tag)].into_iter().flatten()
}

/// If there is nothing to do about it, it is no alarm.
fn no_guidance(alarm: &AlarmSpec) -> Option<Finding> {
    (alarm.priority != Priority::Diagnostic && alarm.guidance.action.is_empty()).then(|| {
        let what = "nobody is told what to do about it".to_owned();
        ("no-guidance", what, "add guidance = \"what to do\", or make it priority = \"diagnostic\" if there is nothing to do")
    })
}

fn thin_guidance(alarm: &AlarmSpec) -> Option<Finding> {
    let lacks = match (alarm.guidance.consequence.is_empty(), alarm.guidance.response_time.is_none()) {
        (true, true) => "the consequence nor the time to act",
        (true, false) => "the consequence",
        (false, true) => "the time to act",
        (false, false) => return None,
    };
    let is_urgent = matches!(alarm.priority, Priority::Critical | Priority::High);
    (is_urgent && !alarm.guidance.action.is_empty()).then(|| {
        let not = if lacks.contains(" nor ") { "neither" } else { "not" };
        ("thin-guidance", format!("it is {} and says {not} {lacks}", alarm.priority.as_str()), "add consequence and response_time")
    })
}

/// A measured value that lies at its limit crosses it with every digit of noise.
fn no_deadband(alarm: &AlarmSpec, tag: &TagSpec) -> Option<Finding> {
    let is_limit = matches!(alarm.kind, AlarmKind::Levels(_) | AlarmKind::Deviation { .. });
    let is_calmed = alarm.deadband > 0.0 || !alarm.on_delay.is_zero() || !alarm.off_delay.is_zero();
    (is_limit && tag.value_type.is_number() && !is_calmed).then(|| {
        let what = "it has neither a deadband nor a delay, and chatters when the value lies at its limit".to_owned();
        ("no-deadband", what, "add deadband = about 1 % of the range, or a delay")
    })
}

/// Without a unit, expressions over the tag cannot be checked, and people have to know it.
fn no_unit(alarm: &AlarmSpec, tag: &TagSpec) -> Option<Finding> {
    let has_limit = matches!(alarm.kind, AlarmKind::Levels(_) | AlarmKind::Deviation { .. } | AlarmKind::Rate { .. });
    (has_limit && tag.unit.is_empty())
        .then(|| ("no-unit", "its limit is a number without a unit".to_owned(), "add unit to the tag; \"1\" if it has none"))
}

#[cfg(test)]
#[path = "lint_tests.rs"]
mod tests;
