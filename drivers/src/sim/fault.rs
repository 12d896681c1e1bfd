//! What can be made to go wrong with a simulated device.
//!
//! | text and JSON | what a master sees | a write is |
//! |---|---|---|
//! | `no_answer`, `{"kind":"no_answer"}` | the connection stands, no answer comes | not carried out |
//! | `slow:250`, `{"kind":"slow","ms":250}` | every answer comes that many milliseconds late | carried out at once |
//! | `exception:4`, `{"kind":"exception","code":4}` | every request is refused with that code | not carried out |
//! | `garbage`, `{"kind":"garbage"}` | bytes that are no frame, for every answer | carried out |
//! | `disconnect`, `{"kind":"disconnect"}` | the connection is closed at every request | not carried out |
//! | `flood`, `{"kind":"flood"}` | bytes that nobody asked for, as fast as they are taken, between proper answers | carried out |
//! | `stuck`, `{"kind":"stuck"}` | every reading stays as it was when the fault began | carried out and confirmed |

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A fault of one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// No answer to anything.
    NoAnswer,
    /// Answers come late.
    Slow {
        /// By how many milliseconds.
        ms: u64,
    },
    /// Every request is refused.
    Exception {
        /// With this Modbus exception code.
        code: u8,
    },
    /// Answers are bytes that are no frame.
    Garbage,
    /// The connection is closed at every request.
    Disconnect,
    /// Bytes that nobody asked for.
    Flood,
    /// Readings do not change.
    Stuck,
}

/// A text that names no fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no fault: it is one of no_answer, slow:MS, exception:CODE, garbage, disconnect, flood, stuck")]
pub struct UnknownFault(String);

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        let unknown = || UnknownFault(text.to_owned());
        Ok(match text.split_once(':') {
            None => match text {
                "no_answer" => Self::NoAnswer,
                "garbage" => Self::Garbage,
                "disconnect" => Self::Disconnect,
                "flood" => Self::Flood,
                "stuck" => Self::Stuck,
                _ => return Err(unknown()),
            },
            Some(("slow", ms)) => Self::Slow { ms: ms.parse().map_err(|_| unknown())? },
            Some(("exception", code)) => Self::Exception { code: code.parse().map_err(|_| unknown())? },
            Some(_) => return Err(unknown()),
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAnswer => f.write_str("no_answer"),
            Self::Slow { ms } => write!(f, "slow:{ms}"),
            Self::Exception { code } => write!(f, "exception:{code}"),
            Self::Garbage => f.write_str("garbage"),
            Self::Disconnect => f.write_str("disconnect"),
            Self::Flood => f.write_str("flood"),
            Self::Stuck => f.write_str("stuck"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_come_back_from_text_and_from_json() {
        let all = [
            (Fault::NoAnswer, r#"{"kind":"no_answer"}"#),
            (Fault::Slow { ms: 250 }, r#"{"kind":"slow","ms":250}"#),
            (Fault::Exception { code: 4 }, r#"{"kind":"exception","code":4}"#),
            (Fault::Garbage, r#"{"kind":"garbage"}"#),
            (Fault::Disconnect, r#"{"kind":"disconnect"}"#),
            (Fault::Flood, r#"{"kind":"flood"}"#),
            (Fault::Stuck, r#"{"kind":"stuck"}"#),
        ];
        for (fault, json) in all {
            assert_eq!(fault.to_string().parse(), Ok(fault));
            assert_eq!(serde_json::to_string(&fault).unwrap(), json);
            assert_eq!(serde_json::from_str::<Fault>(json).unwrap(), fault);
        }
        for bad in ["", "slow", "slow:x", "exception:256", "stuck:1", "fire"] {
            assert!(bad.parse::<Fault>().is_err(), "{bad}");
        }
    }
}
