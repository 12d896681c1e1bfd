//! What becomes of a command: one enum for gRPC, Python, the UI, the CLI and the audit.
//!
//! ```text
//! received -> validated -> committed -> dispatched -> written -> verified
//!      \                       |             |           |
//!       rejected       expired, superseded,  failed   verify_failed      (unknown: the outcome can't be known)
//!                          cancelled
//! ```

use std::fmt;

/// A command's identity, chosen by the client (a UUID, version 7 for preference): the same id sent again, to any
/// node, after any failover, gets the same outcome and drives nothing twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub [u8; 16]);

impl CommandId {
    /// Parses the usual form `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` (hyphens optional, any case).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits: Vec<u8> = text.bytes().filter(|b| *b != b'-').collect();
        if digits.len() != 32 || text.len() > 36 {
            return None;
        }
        let mut bytes = [0u8; 16];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            let pair = std::str::from_utf8(pair).ok()?;
            if pair.starts_with('+') {
                return None;
            }
            *byte = u8::from_str_radix(pair, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.0.iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Where a command stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CommandState {
    /// A node has it; nothing is decided.
    Received,
    /// Well-formed; not yet replicated.
    Validated,
    /// In the replicated log: it will not be lost.
    Committed,
    /// The segment's owner has taken it up.
    Dispatched,
    /// The device acknowledged the write.
    Written,
    /// A reading within tolerance followed the write.
    Verified,
    /// Refused; nothing was or will be driven.
    Rejected,
    /// Its deadline passed before the owner began.
    Expired,
    /// A newer setpoint of the same tag took its place.
    Superseded,
    /// Withdrawn by a person before the owner began.
    Cancelled,
    /// The device refused it, or could not be made to take it before the deadline.
    Failed,
    /// The device took it, but the reading did not follow in time.
    VerifyFailed,
    /// What happened cannot be known.
    Unknown,
}

impl CommandState {
    /// Every state, in the order of the life cycle.
    pub const ALL: [Self; 13] = [
        Self::Received,
        Self::Validated,
        Self::Committed,
        Self::Dispatched,
        Self::Written,
        Self::Verified,
        Self::Rejected,
        Self::Expired,
        Self::Superseded,
        Self::Cancelled,
        Self::Failed,
        Self::VerifyFailed,
        Self::Unknown,
    ];

    /// Stable words for JSON and the CLI.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Validated => "validated",
            Self::Committed => "committed",
            Self::Dispatched => "dispatched",
            Self::Written => "written",
            Self::Verified => "verified",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Superseded => "superseded",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::VerifyFailed => "verify_failed",
            Self::Unknown => "unknown",
        }
    }

    /// Whether nothing further happens to the command.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::Received | Self::Validated | Self::Committed | Self::Dispatched | Self::Written)
    }
}

impl fmt::Display for CommandState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How far a client waits for its command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WaitLevel {
    /// Until it is in the replicated log.
    #[default]
    Committed,
    /// Until the device acknowledged the write.
    Written,
    /// Until a reading within tolerance followed.
    Verified,
}

impl WaitLevel {
    /// Whether a command in `state` has got far enough, or will get no further.
    #[must_use]
    pub fn is_reached_by(self, state: CommandState) -> bool {
        let enough = match self {
            Self::Committed => CommandState::Committed,
            Self::Written => CommandState::Written,
            Self::Verified => CommandState::Verified,
        };
        state.is_terminal() || state >= enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text() {
        let id = CommandId::parse("018f3e1c-7a2b-7c3d-8e4f-0123456789ab").expect("a valid id");
        assert_eq!(CommandId::parse(&id.to_string()), Some(id));
        assert_eq!(CommandId::parse("018f3e1c"), None);
        assert_eq!(CommandId::parse("018f3e1c-7a2b-7c3d-8e4f-0123456789xy"), None);
    }

    #[test]
    fn waiting_ends_at_the_level_or_at_a_terminal_state() {
        assert!(!WaitLevel::Verified.is_reached_by(CommandState::Written));
        assert!(WaitLevel::Written.is_reached_by(CommandState::Verified));
        assert!(WaitLevel::Verified.is_reached_by(CommandState::Rejected));
        assert!(!WaitLevel::Committed.is_reached_by(CommandState::Validated));
    }
}
