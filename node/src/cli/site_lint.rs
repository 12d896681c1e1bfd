//! `labkeeper site lint`: what somebody who reviews the alarms of a site file would ask about. Advice, so it fails for no finding.

use super::error::CliError;
use super::output::{Form, Output, note};
use crate::config::{Advice, Lint, SiteFile};
use labkeeper_model::site::Priority;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// What a review found, as JSON. The keys are a promise.
#[derive(Debug, Serialize)]
struct LintJson<'a> {
    file: String,
    /// How many alarms have each priority.
    priorities: BTreeMap<&'static str, usize>,
    findings: Vec<AdviceJson<'a>>,
}

#[derive(Debug, Serialize)]
struct AdviceJson<'a> {
    rule: &'static str,
    /// `segment/device/tag/alarm`; null where all alarms are meant.
    alarm: Option<&'a str>,
    what: &'a str,
    remedy: &'static str,
}

impl<'a> From<&'a Advice> for AdviceJson<'a> {
    fn from(advice: &'a Advice) -> Self {
        let alarm = (!advice.subject.is_empty()).then_some(advice.subject.as_str());
        Self { rule: advice.rule, alarm, what: &advice.what, remedy: advice.remedy }
    }
}

/// Runs the command.
///
/// # Errors
/// The file is refused.
pub(super) fn run(file: &Path, output: Output) -> Result<(), CliError> {
    let checked = SiteFile::load(file)?;
    let lint = Lint::of(&checked.site);
    let priorities = || Priority::ALL.iter().map(|(_, word)| *word).zip(lint.priorities);
    if output.json {
        let findings = lint.findings.iter().map(Into::into).collect();
        let json = LintJson { file: file.display().to_string(), priorities: priorities().collect(), findings };
        return output.json(&json, Form::Document);
    }
    checked.warnings.iter().for_each(|warning| note(format!("warning: {warning}")));
    for advice in &lint.findings {
        let subject = if advice.subject.is_empty() { "alarms" } else { &advice.subject };
        output.line(format!("{subject}: {}: {}; {}", advice.rule, advice.what, advice.remedy))?;
    }
    let counts: Vec<String> = priorities().map(|(word, count)| format!("{count} {word}")).collect();
    output.line(format!("{}: {} findings; {}", file.display(), lint.findings.len(), counts.join(", ")))
}
