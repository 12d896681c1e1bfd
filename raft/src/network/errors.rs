//! Errors between nodes: code and message travel in the status' details, so that the asking node says what the answering one
//! meant, and not that "something is unavailable".

use labkeeper_model::ErrorCode;
use labkeeper_proto::{convert, v1};
use prost::Message as _;
use tonic::{Code, ConnectError, Status};

/// A status that carries a code of ours.
pub(crate) fn to_status(code: ErrorCode, message: &str) -> Status {
    let details = convert::error(code, message).encode_to_vec();
    Status::with_details(grpc_code(code), format!("{code}: {message}"), details.into())
}

/// Code and message of a status, if it carries one of ours.
pub(crate) fn from_status(status: &Status) -> Option<(ErrorCode, String)> {
    (!status.details().is_empty()).then_some(())?;
    v1::Error::decode(status.details()).ok()?.try_into().ok()
}

/// Whether a call certainly never reached the other side.
pub(crate) fn never_sent(status: &Status) -> bool {
    let mut source = std::error::Error::source(status);
    while let Some(error) = source {
        if error.is::<ConnectError>() {
            return true;
        }
        source = error.source();
    }
    false
}

const fn grpc_code(code: ErrorCode) -> Code {
    match code {
        ErrorCode::NoLeader | ErrorCode::NodeUnreachable | ErrorCode::SeedUnreachable => Code::Unavailable,
        ErrorCode::CommitTimedOut => Code::DeadlineExceeded,
        ErrorCode::Overloaded | ErrorCode::TooLarge | ErrorCode::DiskFull => Code::ResourceExhausted,
        ErrorCode::BadRequest => Code::InvalidArgument,
        ErrorCode::UnknownNode => Code::NotFound,
        ErrorCode::DuplicateNodeName | ErrorCode::AlreadyInitialised => Code::AlreadyExists,
        ErrorCode::MembershipChanging => Code::Aborted,
        ErrorCode::Internal => Code::Internal,
        _ => Code::FailedPrecondition,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_survives_the_way() {
        let status = to_status(ErrorCode::OtherSite, "10.0.0.1:7400 belongs to another site");
        assert_eq!(from_status(&status), Some((ErrorCode::OtherSite, "10.0.0.1:7400 belongs to another site".into())));
        assert_eq!(from_status(&Status::internal("x")), None);
        assert_eq!(from_status(&Status::with_details(Code::Internal, "x", vec![1, 2, 3].into())), None);
    }
}
