//! Errors and findings that a person can act upon.

use super::ConvertError;
use crate::v1;
use labkeeper_model::ErrorCode;
use labkeeper_model::site::{Problem, Severity};

/// An error with its code's remedy, as clients get it.
#[must_use]
pub fn error(code: ErrorCode, message: impl Into<String>) -> v1::Error {
    v1::Error { code: code.to_string(), message: message.into(), remedy: code.remedy().to_owned() }
}

impl From<&(ErrorCode, String)> for v1::Error {
    fn from((code, message): &(ErrorCode, String)) -> Self {
        error(*code, message.clone())
    }
}

impl TryFrom<v1::Error> for (ErrorCode, String) {
    type Error = ConvertError;
    fn try_from(error: v1::Error) -> Result<Self, ConvertError> {
        let code = error.code.strip_prefix("LAB").and_then(|digits| digits.parse().ok()).and_then(ErrorCode::from_number);
        let code =
            code.ok_or_else(|| ConvertError::new("code", format!("{:?} is not an error code that this version knows", error.code)))?;
        Ok((code, error.message))
    }
}

impl From<&Problem> for v1::SiteProblem {
    fn from(problem: &Problem) -> Self {
        Self {
            is_error: problem.severity == Severity::Error,
            path: problem.path.clone(),
            what: problem.what.clone(),
            remedy: problem.remedy.clone(),
        }
    }
}

impl From<v1::SiteProblem> for Problem {
    fn from(problem: v1::SiteProblem) -> Self {
        let severity = if problem.is_error { Severity::Error } else { Severity::Warning };
        Self { severity, path: problem.path, what: problem.what, remedy: problem.remedy }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_comes_back_with_its_message_and_says_its_remedy() {
        for (code, ..) in ErrorCode::TABLE {
            let sent = (*code, "chiller-1 is gone".to_owned());
            let wire = v1::Error::from(&sent);
            assert_eq!(wire.remedy, code.remedy());
            assert_eq!(<(ErrorCode, String)>::try_from(wire), Ok(sent));
        }
    }

    #[test]
    fn what_is_not_a_code_is_refused() {
        for text in ["", "LAB", "LAB0000", "LAB99999", "3005", "lab3005"] {
            let wire = v1::Error { code: text.into(), ..Default::default() };
            assert!(<(ErrorCode, String)>::try_from(wire).is_err(), "{text:?}");
        }
    }

    #[test]
    fn findings_come_back() {
        for severity in [Severity::Error, Severity::Warning] {
            let problem = Problem { severity, path: vec!["devices".into(), "x".into()], what: "w".into(), remedy: "r".into() };
            assert_eq!(Problem::from(v1::SiteProblem::from(&problem)), problem);
        }
    }
}
