//! Every error that a person can meet, by number: what it means and what to do about it.
//!
//! The numbers are a promise: scripts and dashboards hold on to them, so a code is never reused or renumbered.
//! `docs/errors/README.md` is the same table for reading, and a test holds the two together.
//!
//! | range | where it comes from |
//! |---|---|
//! | LAB1xxx | starting a node: its configuration, ports, data directory |
//! | LAB2xxx | the site's declaration |
//! | LAB3xxx | commands and setpoints |
//! | LAB4xxx | the cluster: leadership, membership, ownership |
//! | LAB5xxx | requests as such |
//! | LAB6xxx | devices |
//! | LAB7xxx | alarms, interlocks, the audit |

use std::fmt;

/// A stable error code, printed as `LAB3005`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
#[expect(missing_docs, reason = "each variant's meaning is its row in ErrorCode::summary, which the docs repeat")]
pub enum ErrorCode {
    ConfigInvalid = 1001,
    ConfigUnreadable = 1002,
    PortUnavailable = 1003,
    DataDirInUse = 1004,
    DataDirOfOtherSite = 1005,
    DataDirNewer = 1006,
    DataDirCorrupt = 1007,
    DiskFull = 1008,
    SeedUnreachable = 1009,
    DataDirUnusable = 1010,

    SiteInvalid = 2001,
    SiteConflict = 2002,
    SiteUnreadable = 2003,

    UnknownTag = 3001,
    ReadOnlyTag = 3002,
    WrongType = 3003,
    NotFinite = 3004,
    OutOfLimits = 3005,
    OutOfRange = 3006,
    RevisionConflict = 3007,
    Expired = 3008,
    CommandIdReused = 3009,
    Superseded = 3010,
    WriteFailed = 3011,
    VerifyFailed = 3012,
    BadCommandId = 3013,
    UnknownCommand = 3014,
    BadDeadline = 3015,
    Cancelled = 3016,
    OutcomeUnknown = 3017,
    WaitTimedOut = 3018,
    AlreadyDecided = 3019,
    Held = 3020,
    TagIsAction = 3021,
    TagIsNoAction = 3022,
    TooManyActions = 3023,
    NotCancellable = 3024,
    BadRamp = 3025,
    ControlTaken = 3040,
    ControlNeeded = 3041,
    ControlNotHeld = 3042,
    UnknownScope = 3043,
    BadControlTime = 3044,

    NoLeader = 4001,
    NotInitialised = 4002,
    AlreadyInitialised = 4003,
    DuplicateNodeName = 4004,
    UnknownNode = 4005,
    StaleEpoch = 4006,
    NotOwner = 4007,
    CommitTimedOut = 4008,
    NodeUnreachable = 4009,
    LastVoter = 4010,
    OtherSite = 4011,
    MembershipChanging = 4012,
    Fenced = 4013,
    NoOtherOwner = 4014,

    BadRequest = 5001,
    Overloaded = 5002,
    Internal = 5003,
    BadSelector = 5004,
    TooLarge = 5005,
    UnknownTask = 5006,

    DeviceTimeout = 6001,
    DeviceUnreachable = 6002,
    DeviceProtocol = 6003,
    DeviceRefused = 6004,
    DeviceConfiguration = 6005,

    UnknownAlarm = 7101,
    StaleOccurrence = 7102,
    ReasonNeeded = 7103,
    NotShelvable = 7104,
    ShelfTooLong = 7105,
    AlarmOverridden = 7106,
    ResetWhileActive = 7107,
    ResetUnacknowledged = 7108,
    SecondPersonNeeded = 7109,
    InterlockTripped = 7201,
    UnknownInterlock = 7202,
    ResetWhileTripped = 7203,
    BadDefeatTime = 7204,
    AuditBroken = 7301,
    BadAuditFile = 7302,
}

impl ErrorCode {
    /// Every code with its name, meaning and remedy, in the order of the numbers.
    pub const TABLE: &'static [(Self, &'static str, &'static str, &'static str)] = &[
        (
            Self::ConfigInvalid,
            "config_invalid",
            "A configuration file has an unknown key or a value that cannot be.",
            "Correct the line that the message names.",
        ),
        (Self::ConfigUnreadable, "config_unreadable", "A configuration file cannot be read.", "Check the path and its permissions."),
        (
            Self::PortUnavailable,
            "port_unavailable",
            "A listen address cannot be bound: in use, not local, or not permitted.",
            "Stop the other process or change [listen] in node.toml.",
        ),
        (
            Self::DataDirInUse,
            "data_dir_in_use",
            "Another process has this data directory open.",
            "Stop the other node, or give this one its own data_dir.",
        ),
        (
            Self::DataDirOfOtherSite,
            "data_dir_of_other_site",
            "The data directory belongs to another site or another node.",
            "Point data_dir at this node's own directory.",
        ),
        (Self::DataDirNewer, "data_dir_newer", "The data directory was written by a newer version.", "Start that version, or a later one."),
        (
            Self::DataDirCorrupt,
            "data_dir_corrupt",
            "The data directory is damaged; it was set aside under a new name.",
            "Start again with an empty data_dir, join as a new node and remove the old one with `labkeeper cluster leave`.",
        ),
        (
            Self::DiskFull,
            "disk_full",
            "The disk of the data directory is full.",
            "Free space and start the node again; nothing that was acknowledged is lost.",
        ),
        (
            Self::SeedUnreachable,
            "seed_unreachable",
            "None of the addresses answers.",
            "Check the addresses, that the nodes run, and the network between.",
        ),
        (
            Self::DataDirUnusable,
            "data_dir_unusable",
            "The data directory cannot be created, read or written.",
            "Check the path and its permissions.",
        ),
        (
            Self::SiteInvalid,
            "site_invalid",
            "The site's declaration has an error; nothing of it was applied.",
            "Run `labkeeper site check FILE` and correct what it names.",
        ),
        (
            Self::SiteConflict,
            "site_conflict",
            "The site changed since the version that the change was based on.",
            "Run `labkeeper site plan FILE` again and look at the difference.",
        ),
        (
            Self::SiteUnreadable,
            "site_unreadable",
            "A site file cannot be read or is not TOML.",
            "Check the path, and the line that the message names.",
        ),
        (Self::UnknownTag, "unknown_tag", "The site has no tag of that name.", "List the tags with `labkeeper get '**'`."),
        (
            Self::ReadOnlyTag,
            "read_only_tag",
            "The tag takes no setpoints.",
            "Declare it with access = \"rw\" on a writable register, if the device allows it.",
        ),
        (Self::WrongType, "wrong_type", "The value's type is not the tag's.", "Give a value of the type that the message names."),
        (Self::NotFinite, "not_finite", "NaN and infinity are not setpoints.", "Give a finite number."),
        (
            Self::OutOfLimits,
            "out_of_limits",
            "The value lies outside the tag's limits.",
            "Give a value within the limits, or change them in the site file.",
        ),
        (
            Self::OutOfRange,
            "out_of_range",
            "The device's registers cannot hold the value.",
            "Give a value within the range that the message names.",
        ),
        (
            Self::RevisionConflict,
            "revision_conflict",
            "The setpoint changed since the revision that was expected.",
            "Read the tag again and decide anew.",
        ),
        (
            Self::Expired,
            "expired",
            "The command's deadline passed before it was carried out; it never will be.",
            "Send it again as a new command if it is still wanted.",
        ),
        (
            Self::CommandIdReused,
            "command_id_reused",
            "The same command id was sent before with other contents.",
            "Use a new id for each command; repeat an id only to ask again.",
        ),
        (
            Self::Superseded,
            "superseded",
            "A newer setpoint of the same tag took this one's place.",
            "Nothing to do, unless this one is still wanted.",
        ),
        (
            Self::WriteFailed,
            "write_failed",
            "The device could not be made to take the value.",
            "See the message for the device's own words; check the device.",
        ),
        (
            Self::VerifyFailed,
            "verify_failed",
            "The device took the value, but the reading did not follow in time.",
            "Compare wanted and got; check the device, the tolerance and the time-out.",
        ),
        (
            Self::BadCommandId,
            "bad_command_id",
            "The command id is not a UUID, or is all zeros.",
            "Send a UUID, version 7 for preference, or leave it out.",
        ),
        (
            Self::UnknownCommand,
            "unknown_command",
            "No command of that id is known; outcomes are kept for a day.",
            "Check the id; `labkeeper audit` has what is older.",
        ),
        (Self::BadDeadline, "bad_deadline", "The deadline is in the past, or too far ahead.", "Give a deadline within a day from now."),
        (
            Self::Cancelled,
            "cancelled",
            "The command was withdrawn before it was carried out.",
            "Send it again as a new command if it is wanted.",
        ),
        (
            Self::OutcomeUnknown,
            "outcome_unknown",
            "Whether the device carried the command out cannot be known.",
            "Look at the device and decide; it will not be repeated.",
        ),
        (
            Self::WaitTimedOut,
            "wait_timed_out",
            "The command is committed, but did not get as far as was waited for in time.",
            "Ask again with the same id; the command goes on.",
        ),
        (Self::AlreadyDecided, "already_decided", "The command has already been carried out or has ended.", "Nothing to do."),
        (
            Self::Held,
            "held",
            "The tag is held after a takeover: it takes no setpoints until an operator confirms.",
            "Look at the device and its reading, then run `labkeeper cluster confirm TAG`.",
        ),
        (
            Self::TagIsAction,
            "tag_is_action",
            "The tag has no setpoint: writing it does something that must not be repeated.",
            "Run it as an action: `RunAction` of the command service.",
        ),
        (Self::TagIsNoAction, "tag_is_no_action", "The tag is not declared as an action.", "Set it: `labkeeper set TAG VALUE`."),
        (
            Self::TooManyActions,
            "too_many_actions",
            "As many actions wait for the device as may.",
            "Wait until some have ended, or cancel what nobody wants.",
        ),
        (
            Self::NotCancellable,
            "not_cancellable",
            "The command has been begun or has ended: it cannot be withdrawn.",
            "See what became of it, and send the opposite command if there is one.",
        ),
        (
            Self::BadRamp,
            "bad_ramp",
            "The rate is not a positive number, or the tag takes no numbers.",
            "Give a positive rate in the tag's units per second, or none.",
        ),
        (
            Self::ControlTaken,
            "control_taken",
            "Somebody else has taken control of the device.",
            "Wait until the time that the message names, ask with `labkeeper control ask SCOPE`, or `labkeeper control break SCOPE`.",
        ),
        (
            Self::ControlNeeded,
            "control_needed",
            "The device is written only by whoever has taken control of it.",
            "Take control first: `labkeeper control take device/NAME --reason WHY`.",
        ),
        (
            Self::ControlNotHeld,
            "control_not_held",
            "You do not have that control: it ran out, was given back, broken or taken over.",
            "See `labkeeper control ls`, and take it again if it is still wanted.",
        ),
        (
            Self::UnknownScope,
            "unknown_scope",
            "The site has no such device, segment or group.",
            "Name one as device/NAME, segment/NAME or group/NAME.",
        ),
        (
            Self::BadControlTime,
            "bad_control_time",
            "Control is taken for five seconds to ten minutes at a time.",
            "Give a time within that range, and renew it for as long as it is needed.",
        ),
        (
            Self::NoLeader,
            "no_leader",
            "The cluster has no leader at present: too few nodes reach each other.",
            "Wait for an election, or start nodes until a majority runs.",
        ),
        (
            Self::NotInitialised,
            "not_initialised",
            "The node belongs to no cluster.",
            "Run `labkeeper cluster init --endpoint A` once per site, or `cluster join --endpoint B --to A`.",
        ),
        (
            Self::AlreadyInitialised,
            "already_initialised",
            "The node belongs to a cluster already.",
            "Nothing to do, or give it an empty data_dir to start anew.",
        ),
        (
            Self::DuplicateNodeName,
            "duplicate_node_name",
            "Another node of the site has this name.",
            "Change [node] name in node.toml, or remove the old node with `labkeeper cluster leave`.",
        ),
        (Self::UnknownNode, "unknown_node", "The site has no node of that name.", "See `labkeeper cluster status`."),
        (
            Self::StaleEpoch,
            "stale_epoch",
            "The report carries an older ownership epoch than the segment has.",
            "Nothing to do: another node owns the segment.",
        ),
        (Self::NotOwner, "not_owner", "The node does not own the segment.", "Nothing to do: another node owns the segment."),
        (
            Self::CommitTimedOut,
            "commit_timed_out",
            "No majority confirmed in time; whether the entry will be committed is not known.",
            "Send the same command id again: it is carried out once at most.",
        ),
        (Self::NodeUnreachable, "node_unreachable", "The node does not answer.", "Check that it runs, and the network between."),
        (Self::LastVoter, "last_voter", "The cluster's only voter cannot leave.", "Join another node first."),
        (Self::OtherSite, "other_site", "The node belongs to another site.", "Check the address; one node serves one site."),
        (
            Self::MembershipChanging,
            "membership_changing",
            "Another change of membership is under way.",
            "Wait for it to end, then try again.",
        ),
        (
            Self::Fenced,
            "fenced",
            "The node's session has ended, so it may not drive devices under it.",
            "Nothing to do: the node lets go of its devices and opens another session by itself.",
        ),
        (
            Self::NoOtherOwner,
            "no_other_owner",
            "No other node can take a segment that the node owns.",
            "Start or join a node that reaches the segment, or undrain one; `labkeeper cluster status --why` says what keeps each.",
        ),
        (Self::BadRequest, "bad_request", "The request is malformed.", "Correct what the message names."),
        (Self::Overloaded, "overloaded", "Too many requests are waiting.", "Try again shortly, with fewer at a time."),
        (Self::Internal, "internal", "A fault in Labkeeper.", "Report it with the node's log of that moment."),
        (Self::BadSelector, "bad_selector", "The selector is not a glob over segment/device/tag.", "Write it like cryo/*/temperature."),
        (Self::TooLarge, "too_large", "The request is larger than is allowed.", "Split it."),
        (Self::UnknownTask, "unknown_task", "The node's supervision tree has no such task.", "See `labkeeper tree NODE`."),
        (
            Self::DeviceTimeout,
            "device_timeout",
            "The device did not answer in time.",
            "Check the device and its network; raise its timeout if it is slow.",
        ),
        (Self::DeviceUnreachable, "device_unreachable", "No connection to the device.", "Check its power, address and network."),
        (
            Self::DeviceProtocol,
            "device_protocol",
            "The device answered with something that is not its protocol.",
            "Check the address and the driver.",
        ),
        (Self::DeviceRefused, "device_refused", "The device refused the request.", "Compare the tag's registers with the device's manual."),
        (
            Self::DeviceConfiguration,
            "device_configuration",
            "The declaration does not fit the device.",
            "Correct the device's tags in the site file.",
        ),
        (
            Self::UnknownAlarm,
            "unknown_alarm",
            "The site has no such alarm.",
            "List them with `labkeeper alarms ls --all`; an alarm is named segment/device/tag/alarm.",
        ),
        (
            Self::StaleOccurrence,
            "stale_occurrence",
            "The acknowledged occurrence is not the alarm's present one.",
            "Look at the alarm again, and acknowledge the occurrence that it shows.",
        ),
        (
            Self::ReasonNeeded,
            "reason_needed",
            "What is done to this alarm needs a reason, or a comment.",
            "Say why, for whoever comes after you.",
        ),
        (
            Self::NotShelvable,
            "not_shelvable",
            "The alarm's class does not allow it to be shelved.",
            "Take it out of service if it is under repair, or change its class in the site file.",
        ),
        (
            Self::ShelfTooLong,
            "shelf_too_long",
            "The shelf would end later than the alarm's class allows, or in the past.",
            "Give a time within the limit that the message names; it can be shelved again.",
        ),
        (
            Self::AlarmOverridden,
            "alarm_overridden",
            "The alarm is suppressed or out of service already.",
            "Nothing needs to be shelved; wait for the suppression to end or return it to service.",
        ),
        (
            Self::ResetWhileActive,
            "reset_while_active",
            "The alarm's condition lasts, so its latch cannot be reset.",
            "Remove the cause first.",
        ),
        (
            Self::ResetUnacknowledged,
            "reset_unacknowledged",
            "Nobody has acknowledged the alarm, so its latch cannot be reset.",
            "Acknowledge it first.",
        ),
        (
            Self::SecondPersonNeeded,
            "second_person_needed",
            "Another person must agree before this alarm is out of service.",
            "Let somebody else ask for the same within a quarter of an hour.",
        ),
        (
            Self::InterlockTripped,
            "interlock_tripped",
            "An interlock keeps the tag from being driven, except to its safe value.",
            "See `labkeeper why TAG`; put right what it requires, and reset it with `labkeeper interlocks reset NAME` if it is latched.",
        ),
        (Self::UnknownInterlock, "unknown_interlock", "The site has no interlock of that name.", "See `labkeeper interlocks`."),
        (
            Self::ResetWhileTripped,
            "reset_while_tripped",
            "What the interlock requires does not hold, so it cannot be reset.",
            "Put right what the message names, then reset it.",
        ),
        (
            Self::BadDefeatTime,
            "bad_defeat_time",
            "An interlock is defeated until a time within the next day.",
            "Give a time that is ahead, by 24 hours at most.",
        ),
        (
            Self::AuditBroken,
            "audit_broken",
            "The audit is not what was written: an entry was changed, removed or moved.",
            "Keep what you have, and compare it with the other nodes and with earlier exports to find out what was changed, and where.",
        ),
        (
            Self::BadAuditFile,
            "bad_audit_file",
            "The file is no export of the audit.",
            "Give a file that `labkeeper audit export` wrote, as it wrote it.",
        ),
    ];

    /// The number after `LAB`.
    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// The code of a number, if there is one.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        Self::TABLE.iter().map(|row| row.0).find(|code| code.number() == number)
    }

    /// A stable word for the code.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// What it means, in one sentence.
    #[must_use]
    pub fn summary(self) -> &'static str {
        self.row().2
    }

    /// What to do about it, in one sentence.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        self.row().3
    }

    fn row(self) -> &'static (Self, &'static str, &'static str, &'static str) {
        const INTERNAL: (ErrorCode, &str, &str, &str) = (ErrorCode::Internal, "internal", "A fault in Labkeeper.", "Report it.");
        Self::TABLE.iter().find(|row| row.0 == self).unwrap_or(&INTERNAL)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LAB{:04}", self.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_and_come_back_from_their_numbers() {
        assert!(ErrorCode::TABLE.windows(2).all(|w| w[0].0 < w[1].0));
        for (code, name, ..) in ErrorCode::TABLE {
            assert_eq!(ErrorCode::from_number(code.number()), Some(*code));
            assert_eq!(code.name(), *name);
        }
    }
}
