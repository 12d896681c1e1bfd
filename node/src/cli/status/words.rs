//! The wire's enums as words: stable ones for JSON, and sentences for people.

use labkeeper_proto::v1;

/// The stable word of an enum's value: its name on the wire without the enum's own, in small letters.
fn word(name: &str, of: &str) -> String {
    name.strip_prefix(of).unwrap_or(name).to_lowercase()
}

/// A role's stable word.
#[must_use]
pub(super) fn role(number: i32) -> &'static str {
    match v1::NodeRole::try_from(number) {
        Ok(v1::NodeRole::Leader) => "leader",
        Ok(v1::NodeRole::Follower) => "follower",
        Ok(v1::NodeRole::Learner) => "learner",
        Ok(v1::NodeRole::Candidate) => "candidate",
        Ok(v1::NodeRole::Unreachable | v1::NodeRole::Unspecified) | Err(_) => "unreachable",
    }
}

/// Why a segment was given to somebody, as a stable word; `None` if that is not known, or not to this version.
#[must_use]
pub(super) fn cause(number: i32) -> Option<String> {
    let cause = v1::GrantCause::try_from(number).ok().filter(|cause| *cause != v1::GrantCause::Unspecified)?;
    Some(word(cause.as_str_name(), "GRANT_CAUSE_"))
}

/// Why a segment was given to somebody, for people; goes on after "because".
#[must_use]
pub(super) fn cause_in_words(number: i32) -> &'static str {
    match v1::GrantCause::try_from(number).unwrap_or_default() {
        v1::GrantCause::Unspecified => "of something that is not known",
        v1::GrantCause::First => "nobody owned it before",
        v1::GrantCause::SessionExpired => "the owner was lost",
        v1::GrantCause::SessionEnded => "the owner stopped",
        v1::GrantCause::Restarted => "the owner started again",
        v1::GrantCause::Drained => "the owner is drained",
        v1::GrantCause::HomeReturn => "its home is back",
        v1::GrantCause::Reach => "it reaches more devices",
        v1::GrantCause::SiteChanged => "the site was changed",
        v1::GrantCause::NodeRemoved => "the owner was removed",
        v1::GrantCause::Released => "the owner let go",
    }
}

/// What a new owner did with a setpoint, as a stable word.
#[must_use]
pub(in crate::cli) fn outcome(number: i32) -> String {
    word(v1::ReconcileOutcome::try_from(number).unwrap_or_default().as_str_name(), "RECONCILE_OUTCOME_")
}

/// Why a tag is held, as a stable word.
#[must_use]
pub(in crate::cli) fn hold_reason(number: i32) -> String {
    word(v1::TagHoldReason::try_from(number).unwrap_or_default().as_str_name(), "TAG_HOLD_REASON_")
}

/// Why a tag is held, for people.
#[must_use]
pub(super) fn hold_in_words(number: i32) -> &'static str {
    match v1::TagHoldReason::try_from(number).unwrap_or_default() {
        v1::TagHoldReason::Unspecified => "held after a takeover",
        v1::TagHoldReason::Policy => "held after a takeover, as declared",
        v1::TagHoldReason::Dangerous => "held after a takeover: dangerous, and its device cannot tell an earlier owner's late write",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_enums_are_a_promise() {
        let causes: Vec<_> = (0..=11).map(|number| cause(number).unwrap_or_default()).collect();
        let expected = [
            "",
            "first",
            "session_expired",
            "session_ended",
            "restarted",
            "drained",
            "home_return",
            "reach",
            "site_changed",
            "node_removed",
            "released",
            "",
        ];
        assert_eq!(causes, expected);
        let outcomes: Vec<_> = (1..=6).map(outcome).collect();
        assert_eq!(outcomes, ["matches", "adopted", "reasserted", "driven_safe", "held", "unreadable"]);
        assert_eq!([hold_reason(1), hold_reason(2), outcome(99)], ["policy", "dangerous", "unspecified"]);
    }
}
