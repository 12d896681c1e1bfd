//! What a node's refusal, or its silence, means for the next step: ask another node, ask again, or give up.
//!
//! | kind | the request had | next |
//! |---|---|---|
//! | unreached | not been sent | another node |
//! | elsewhere | no effect; another node, or the same one later, may do it | another node, later again |
//! | in doubt | perhaps an effect | another node only if asking twice is harmless |
//! | final | been answered | nothing |

use super::error::CliError;
use labkeeper_model::ErrorCode;
use labkeeper_proto::v1;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// What to do after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// No connection.
    Unreached,
    /// The node could not do it, and did not.
    Elsewhere,
    /// Nobody knows whether it was done.
    InDoubt,
    /// The answer, however often one asks.
    Final,
}

/// A request that failed at one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// What to do next.
    pub(super) kind: Kind,
    /// What and where, with its code and remedy.
    pub(super) error: v1::Error,
}

impl Failure {
    /// A failure found on this side, with the code's own remedy.
    #[must_use]
    pub(super) fn new(kind: Kind, code: ErrorCode, message: impl Into<String>) -> Self {
        let (code, remedy) = (code.to_string(), code.remedy().to_owned());
        Self { kind, error: v1::Error { code, message: message.into(), remedy } }
    }

    /// No connection to `endpoint`, and why.
    #[must_use]
    pub(super) fn unreached(endpoint: &str, why: &str) -> Self {
        Self::new(Kind::Unreached, ErrorCode::NodeUnreachable, format!("{endpoint}: {why}"))
    }

    /// `endpoint` took the request and did not answer in time.
    #[must_use]
    pub(super) fn silent(endpoint: &str) -> Self {
        Self::new(Kind::InDoubt, ErrorCode::NodeUnreachable, format!("{endpoint}: no answer in time"))
    }

    /// What `endpoint` answered instead of doing what was asked.
    #[must_use]
    pub(super) fn answered(endpoint: &str, status: &Status) -> Self {
        let Some(info) = status.get_details_error_info().filter(|info| info.reason.starts_with("LAB")) else {
            return Self::without_code(endpoint, status);
        };
        let remedy = info.metadata.get("remedy").cloned().unwrap_or_default();
        let code = info.reason.strip_prefix("LAB").and_then(|n| n.parse().ok()).and_then(ErrorCode::from_number);
        let kind = match code {
            Some(ErrorCode::NoLeader | ErrorCode::NotInitialised | ErrorCode::Overloaded) => Kind::Elsewhere,
            // A follower says so when its way to the leader broke under the request.
            Some(ErrorCode::CommitTimedOut | ErrorCode::NodeUnreachable) => Kind::InDoubt,
            _ => Kind::Final,
        };
        Self { kind, error: v1::Error { code: info.reason, message: format!("{endpoint}: {}", status.message()), remedy } }
    }

    /// The transport's own words, or those of something that is not a node.
    fn without_code(endpoint: &str, status: &Status) -> Self {
        let message = format!("{endpoint}: {}", explain(status));
        match status.code() {
            Code::Unavailable | Code::Cancelled | Code::Unknown | Code::DeadlineExceeded | Code::Aborted => {
                Self::new(Kind::InDoubt, ErrorCode::NodeUnreachable, message)
            }
            Code::Unimplemented => Self::new(Kind::Final, ErrorCode::BadRequest, format!("{message}: not a node of this version")),
            Code::ResourceExhausted | Code::OutOfRange => Self::new(Kind::Final, ErrorCode::TooLarge, message),
            _ => Self::new(Kind::Final, ErrorCode::Internal, message),
        }
    }

    /// The stable code, if this version knows it.
    #[must_use]
    pub(super) fn code(&self) -> Option<ErrorCode> {
        self.error.code.strip_prefix("LAB").and_then(|n| n.parse().ok()).and_then(ErrorCode::from_number)
    }

    /// Whether asking the same nodes again a moment later is pointless: nobody is there, or the node belongs to no cluster.
    #[must_use]
    pub(super) fn outlasts_a_moment(&self) -> bool {
        self.kind == Kind::Unreached || self.code() == Some(ErrorCode::NotInitialised)
    }
}

/// The status's message, with what lies behind it: tonic's own "transport error" says nothing.
fn explain(status: &Status) -> String {
    let mut text = status.message().to_owned();
    let mut source = std::error::Error::source(status);
    while let Some(error) = source {
        let deeper = error.to_string();
        if !text.contains(&deeper) {
            text = format!("{text}: {deeper}");
        }
        source = error.source();
    }
    text
}

impl From<Failure> for CliError {
    fn from(failure: Failure) -> Self {
        Self::answered(&failure.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ApiError;

    fn kind_of(code: ErrorCode) -> Kind {
        Failure::answered("a:1", &Status::from(ApiError::new(code, "x"))).kind
    }

    #[test]
    fn only_what_had_no_effect_for_certain_goes_elsewhere() {
        assert_eq!(kind_of(ErrorCode::NoLeader), Kind::Elsewhere);
        assert_eq!(kind_of(ErrorCode::CommitTimedOut), Kind::InDoubt);
        assert_eq!(kind_of(ErrorCode::NodeUnreachable), Kind::InDoubt);
        assert_eq!(kind_of(ErrorCode::OutOfLimits), Kind::Final);
        assert_eq!(Failure::answered("a:1", &Status::unavailable("broken pipe")).kind, Kind::InDoubt);
        assert_eq!(Failure::answered("a:1", &Status::unimplemented("what?")).kind, Kind::Final);
    }

    #[test]
    fn a_nodes_code_message_and_remedy_reach_the_person() {
        let failure = Failure::answered("a:1", &Status::from(ApiError::new(ErrorCode::UnknownNode, "there is no node lab-z")));
        assert_eq!(
            CliError::from(failure).to_string(),
            "LAB4005 unknown_node: a:1: there is no node lab-z; see `labkeeper cluster status`"
        );
    }
}
