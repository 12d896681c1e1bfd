//! What can go wrong, sorted by what the caller can do next. Every error has a code, and with it a remedy.

use labkeeper_machine::Rejection;
use labkeeper_model::{ErrorCode, NodeId};
use std::io;
use std::path::PathBuf;

/// Why a data directory could not be opened. The node cannot start; a person must act.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process holds the directory's lock.
    #[error("{path}: another process has this data directory open")]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The directory was written by a node of another name.
    #[error("{path} belongs to node {found:?}, not to {expected:?}")]
    OtherNode {
        /// The directory.
        path: PathBuf,
        /// Whose it is.
        found: String,
        /// Whose it should be.
        expected: String,
    },
    /// The directory's format is newer than this program.
    #[error("{path} has format {found}; this version reads up to {known}")]
    Newer {
        /// The directory.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that this version reads.
        known: u32,
    },
    /// Something in the directory is damaged. What was there has been moved to `kept`.
    #[error("{path} is damaged: {what}; its contents were moved to {kept}")]
    Corrupt {
        /// The directory.
        path: PathBuf,
        /// What is damaged.
        what: String,
        /// Where its contents are.
        kept: PathBuf,
    },
    /// No space is left.
    #[error("{path}: no space is left on the disk")]
    DiskFull {
        /// The directory.
        path: PathBuf,
    },
    /// It cannot be created, read or written.
    #[error("{path}: {what}")]
    Unusable {
        /// The directory.
        path: PathBuf,
        /// What the operating system says.
        what: String,
    },
    /// Options that cannot work together.
    #[error("{0}")]
    BadOptions(String),
    /// The consensus core did not start.
    #[error("consensus did not start: {0}")]
    NotStarted(String),
}

impl OpenError {
    /// An operating system's error about a directory.
    pub(crate) fn io(path: impl Into<PathBuf>, error: &io::Error) -> Self {
        let path = path.into();
        if is_disk_full(error) { Self::DiskFull { path } } else { Self::Unusable { path, what: error.to_string() } }
    }

    /// The error's code.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::InUse { .. } => ErrorCode::DataDirInUse,
            Self::OtherNode { .. } => ErrorCode::DataDirOfOtherSite,
            Self::Newer { .. } => ErrorCode::DataDirNewer,
            Self::Corrupt { .. } => ErrorCode::DataDirCorrupt,
            Self::DiskFull { .. } => ErrorCode::DiskFull,
            Self::Unusable { .. } => ErrorCode::DataDirUnusable,
            Self::BadOptions(_) => ErrorCode::ConfigInvalid,
            Self::NotStarted(_) => ErrorCode::Internal,
        }
    }
}

/// Whether an error means that there is no space left (or no quota, which is the same to us).
pub(crate) fn is_disk_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Why a command has no outcome. Whether it may still be committed is said by [`ProposeError::in_doubt`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    /// The node belongs to no site.
    #[error("the node belongs to no cluster")]
    NotInitialised,
    /// No leader appeared before the deadline, or the one that was asked is none.
    #[error("there is no leader")]
    NoLeader {
        /// Who leads, as far as the node that was asked knows.
        leader: Option<NodeId>,
    },
    /// The deadline passed, or the connection broke, before an outcome was known.
    #[error("no majority confirmed in time{}", if *in_doubt { "; it may still be committed" } else { "" })]
    TimedOut {
        /// Whether the command may still be committed.
        in_doubt: bool,
    },
    /// The leader's queue is full; nothing was proposed.
    #[error("too many proposals are waiting")]
    Overloaded,
    /// The command is larger than an entry may be; nothing was proposed.
    #[error("a command of {bytes} bytes is larger than {bytes_max}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The largest size.
        bytes_max: usize,
    },
    /// The bytes are not a command; nothing was proposed.
    #[error("not a command: {0}")]
    Malformed(String),
    /// Consensus has stopped on this node.
    #[error("consensus has stopped: {0}")]
    Stopped(String),
}

impl ProposeError {
    /// The error's code.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::NotInitialised => ErrorCode::NotInitialised,
            Self::NoLeader { .. } | Self::TimedOut { in_doubt: false } => ErrorCode::NoLeader,
            Self::TimedOut { in_doubt: true } => ErrorCode::CommitTimedOut,
            Self::Overloaded => ErrorCode::Overloaded,
            Self::TooLarge { .. } => ErrorCode::TooLarge,
            Self::Malformed(_) => ErrorCode::BadRequest,
            Self::Stopped(_) => ErrorCode::Internal,
        }
    }

    /// Whether the command may still be committed, so that only the same command id may be sent again.
    #[must_use]
    pub const fn in_doubt(&self) -> bool {
        matches!(self, Self::TimedOut { in_doubt: true } | Self::Stopped(_))
    }
}

/// Why a change of the cluster did not happen, or is not known to have happened. All of them may be tried again as they are.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The node belongs to no site.
    #[error("the node belongs to no cluster")]
    NotInitialised,
    /// The node belongs to a site already.
    #[error("the node belongs to a cluster already")]
    AlreadyInitialised,
    /// Only the leader can do it.
    #[error("this node does not lead")]
    NotLeader {
        /// Who leads, as far as the node knows.
        leader: Option<NodeId>,
    },
    /// A node of another site was met.
    #[error("{address} belongs to another site")]
    OtherSite {
        /// Its address.
        address: String,
    },
    /// The node at an address does not answer.
    #[error("{address} does not answer: {what}")]
    Unreachable {
        /// Its address.
        address: String,
        /// Why.
        what: String,
    },
    /// The only voter cannot leave.
    #[error("the cluster's only voter cannot leave")]
    LastVoter,
    /// No node has this number.
    #[error("the site has no node {0}")]
    UnknownNode(NodeId),
    /// Another change of membership is under way.
    #[error("another change of membership is under way")]
    MembershipChanging,
    /// It took too long; it may yet happen.
    #[error("{0} took too long")]
    TimedOut(&'static str),
    /// The machine refused it.
    #[error("{}", .0.message)]
    Rejected(Rejection),
    /// The command that goes with it has no outcome.
    #[error(transparent)]
    Propose(#[from] ProposeError),
    /// The node's own data directory.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Another node refused, with its own code.
    #[error("{message}")]
    Remote {
        /// Its code.
        code: ErrorCode,
        /// Its message.
        message: String,
    },
}

impl ClusterError {
    /// The error's code.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::NotInitialised => ErrorCode::NotInitialised,
            Self::AlreadyInitialised => ErrorCode::AlreadyInitialised,
            Self::NotLeader { .. } => ErrorCode::NoLeader,
            Self::OtherSite { .. } => ErrorCode::OtherSite,
            Self::Unreachable { .. } => ErrorCode::NodeUnreachable,
            Self::LastVoter => ErrorCode::LastVoter,
            Self::UnknownNode(_) => ErrorCode::UnknownNode,
            Self::MembershipChanging => ErrorCode::MembershipChanging,
            Self::TimedOut(_) => ErrorCode::CommitTimedOut,
            Self::Rejected(rejection) => rejection.code,
            Self::Propose(error) => error.code(),
            Self::Open(error) => error.code(),
            Self::Remote { code, .. } => *code,
        }
    }
}
