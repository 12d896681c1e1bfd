//! What the `site` commands print as JSON. The keys are a promise.

use super::error::{CliError, ErrorJson};
use crate::config::{ConfigError, Finding, SiteFile, to_toml};
use labkeeper_model::site::SiteSpec;
use labkeeper_proto::v1;
use serde::Serialize;
use std::path::Path;

/// A finding about a declaration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct ProblemJson {
    severity: &'static str,
    /// From 1; null where no file is at hand.
    line: Option<usize>,
    key: String,
    what: String,
    remedy: String,
}

impl From<&Finding> for ProblemJson {
    fn from(finding: &Finding) -> Self {
        Self {
            severity: severity(finding.is_error()),
            line: finding.line,
            key: finding.key.clone(),
            what: finding.what.clone(),
            remedy: finding.remedy.clone(),
        }
    }
}

impl From<v1::SiteProblem> for ProblemJson {
    fn from(problem: v1::SiteProblem) -> Self {
        let (what, remedy) = (problem.what, problem.remedy);
        Self { severity: severity(problem.is_error), line: None, key: problem.path.join("."), what, remedy }
    }
}

const fn severity(is_error: bool) -> &'static str {
    if is_error { "error" } else { "warning" }
}

fn problems(wire: Vec<v1::SiteProblem>) -> Vec<ProblemJson> {
    wire.into_iter().map(Into::into).collect()
}

/// What checking a file found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct CheckJson {
    file: String,
    ok: bool,
    /// The code of the refusal.
    code: Option<String>,
    problems: Vec<ProblemJson>,
    segments: usize,
    devices: usize,
    tags: usize,
}

impl CheckJson {
    /// Of a file that was accepted or refused.
    #[must_use]
    pub(super) fn new(file: &Path, checked: &Result<SiteFile, ConfigError>) -> Self {
        let file = file.display().to_string();
        match checked {
            Ok(SiteFile { site, warnings }) => Self {
                file,
                ok: true,
                code: None,
                problems: warnings.iter().map(Into::into).collect(),
                segments: site.segments.len(),
                devices: site.devices.len(),
                tags: site.tags().count(),
            },
            Err(error) => {
                let problems = error.findings.iter().map(Into::into).collect();
                Self { file, ok: false, code: Some(error.code.to_string()), problems, segments: 0, devices: 0, tags: 0 }
            }
        }
    }
}

/// What a declaration would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct PlanJson {
    base_version: u64,
    changes: Vec<String>,
    problems: Vec<ProblemJson>,
}

impl From<v1::PlanSiteResponse> for PlanJson {
    fn from(plan: v1::PlanSiteResponse) -> Self {
        Self { base_version: plan.base_version, changes: plan.changes, problems: problems(plan.problems) }
    }
}

/// What applying a declaration did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct ApplyJson {
    version: u64,
    log_index: u64,
    changes: Vec<String>,
    problems: Vec<ProblemJson>,
    error: Option<ErrorJson>,
}

impl ApplyJson {
    /// Of a plan and what became of it.
    #[must_use]
    pub(super) fn new(plan: v1::PlanSiteResponse, answer: v1::ApplySiteResponse) -> Self {
        Self {
            version: answer.version,
            log_index: answer.log_index,
            changes: plan.changes,
            problems: problems(answer.problems),
            error: answer.error.map(Into::into),
        }
    }
}

/// What is in force.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct ShowJson {
    version: u64,
    /// With the keys of a site file; null before the first apply.
    site: Option<serde_json::Value>,
}

impl ShowJson {
    /// Of a version and its declaration.
    ///
    /// # Errors
    /// The declaration does not read back, which is a fault of the program.
    pub(super) fn new(version: u64, site: Option<&SiteSpec>) -> Result<Self, CliError> {
        let fault = |error: toml::de::Error| CliError::internal(format!("printing the site: {}", error.message()));
        let site = site.map(|site| toml::from_str(&to_toml(site))).transpose().map_err(fault)?;
        Ok(Self { version, site })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SITE: &str = "[site]\nname = \"Lab\"\n[segments.cryo]\nhome = \"a\"\n";

    fn text(value: &impl Serialize) -> String {
        serde_json::to_string(value).expect("JSON")
    }

    #[test]
    fn the_keys_of_a_check_are_a_promise() {
        let good = CheckJson::new(Path::new("s.toml"), &SiteFile::parse(SITE, "s.toml"));
        assert_eq!(text(&good), r#"{"file":"s.toml","ok":true,"code":null,"problems":[],"segments":1,"devices":0,"tags":0}"#);
        let bad = CheckJson::new(Path::new("s.toml"), &SiteFile::parse("[site]\nname = 1\n", "s.toml"));
        assert_eq!(
            text(&bad),
            concat!(
                r#"{"file":"s.toml","ok":false,"code":"LAB2001","problems":[{"severity":"error","line":2,"key":"site.name","#,
                r#""what":"takes a text, not an integer","remedy":"put it in quotes"}],"segments":0,"devices":0,"tags":0}"#
            )
        );
    }

    #[test]
    fn the_keys_of_plan_apply_and_show_are_a_promise() {
        let plan = v1::PlanSiteResponse { base_version: 3, changes: vec!["+ devices.a".into()], problems: vec![] };
        assert_eq!(text(&PlanJson::from(plan.clone())), r#"{"base_version":3,"changes":["+ devices.a"],"problems":[]}"#);
        let answer = v1::ApplySiteResponse { version: 4, log_index: 9, ..v1::ApplySiteResponse::default() };
        assert_eq!(
            text(&ApplyJson::new(plan, answer)),
            r#"{"version":4,"log_index":9,"changes":["+ devices.a"],"problems":[],"error":null}"#
        );
        let site = SiteFile::parse(SITE, "s.toml").expect("a site").site;
        assert_eq!(
            text(&ShowJson::new(4, Some(&site)).expect("JSON")),
            r#"{"version":4,"site":{"segments":{"cryo":{"home":"a"}},"site":{"name":"Lab"}}}"#
        );
        assert_eq!(text(&ShowJson::new(0, None).expect("JSON")), r#"{"version":0,"site":null}"#);
    }
}
