//! One error for everything that a client can be told, and the one table that turns it into gRPC and HTTP statuses.

use axum::response::{IntoResponse, Response};
use labkeeper_model::ErrorCode;
use labkeeper_proto::v1;
use std::collections::HashMap;
use std::fmt;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// A refusal or failure with its code; the remedy comes with the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// Which kind.
    pub code: ErrorCode,
    /// What, and where.
    pub message: String,
}

impl ApiError {
    /// An error of a kind, with what and where.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// As it stands in answers.
    #[must_use]
    pub fn to_wire(&self) -> v1::Error {
        v1::Error { code: self.code.to_string(), message: self.message.clone(), remedy: self.code.remedy().to_owned() }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}; {}", self.code, self.code.name(), self.message, self.code.remedy())
    }
}

impl std::error::Error for ApiError {}

/// gRPC status and HTTP status of each kind of error: by what the caller can do next.
fn statuses(code: ErrorCode) -> (Code, u16) {
    use ErrorCode as E;
    match code {
        E::NoLeader | E::SeedUnreachable | E::NodeUnreachable => (Code::Unavailable, 503),
        E::CommitTimedOut | E::WaitTimedOut => (Code::DeadlineExceeded, 504),
        E::Overloaded => (Code::ResourceExhausted, 429),
        E::TooLarge => (Code::ResourceExhausted, 413),
        E::UnknownTag | E::UnknownCommand | E::UnknownNode | E::UnknownTask | E::UnknownAlarm | E::UnknownScope | E::UnknownInterlock => {
            (Code::NotFound, 404)
        }
        E::NotInitialised => (Code::FailedPrecondition, 503),
        E::AlreadyInitialised
        | E::DuplicateNodeName
        | E::SiteConflict
        | E::RevisionConflict
        | E::LastVoter
        | E::OtherSite
        | E::MembershipChanging
        | E::StaleEpoch
        | E::NotOwner
        | E::NoOtherOwner
        | E::Fenced
        | E::Held
        | E::StaleOccurrence
        | E::AlarmOverridden
        | E::ResetWhileActive
        | E::ResetUnacknowledged
        | E::SecondPersonNeeded
        | E::ControlTaken
        | E::ControlNeeded
        | E::ControlNotHeld
        | E::InterlockTripped
        | E::ResetWhileTripped
        | E::TooManyActions
        | E::NotCancellable
        | E::NoRamp
        | E::SelectionNeeded
        | E::StaleSelection
        | E::SelectionOfOther
        | E::SelectionMismatch
        | E::SelectionNotTaken
        | E::AlreadyDecided => (Code::FailedPrecondition, 409),
        E::Internal | E::DiskFull | E::DataDirCorrupt | E::DataDirUnusable => (Code::Internal, 500),
        _ => (Code::InvalidArgument, 400),
    }
}

impl From<ApiError> for Status {
    fn from(error: ApiError) -> Self {
        let details = ErrorDetails::with_error_info(
            error.code.to_string(),
            "labkeeper",
            HashMap::from([("remedy".to_owned(), error.code.remedy().to_owned()), ("name".to_owned(), error.code.name().to_owned())]),
        );
        Self::with_error_details(statuses(error.code).0, error.message, details)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = axum::http::StatusCode::from_u16(statuses(self.code).1).unwrap_or(axum::http::StatusCode::INTERNAL_SERVER_ERROR);
        (status, axum::Json(self.to_wire())).into_response()
    }
}

impl From<labkeeper_machine::reply::Rejection> for ApiError {
    fn from(rejection: labkeeper_machine::reply::Rejection) -> Self {
        Self::new(rejection.code, rejection.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_carries_code_and_remedy() {
        let status = Status::from(ApiError::new(ErrorCode::NoLeader, "two of three nodes are down"));
        assert_eq!(status.code(), Code::Unavailable);
        let info = status.get_details_error_info().expect("error info");
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("LAB4001", "labkeeper"));
        assert_eq!(info.metadata["remedy"], ErrorCode::NoLeader.remedy());
    }
}
