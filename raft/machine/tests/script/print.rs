//! Answers, as a script shows them, and the words that `show` shares with them.

use labkeeper_machine::{Applied, CommandKind, CommandRecord, Effect, Rejection, Reply, SitePlan};
use labkeeper_model::{CommandId, Timestamp};

pub(crate) fn applied(applied: &Applied) -> String {
    let mut out = match &applied.reply {
        Ok(reply) => format!("{}\n", reply_in_words(reply)),
        Err(rejection) => rejection_in_words(rejection),
    };
    if !applied.effects.is_empty() {
        let effects: Vec<String> = applied.effects.iter().map(effect_in_words).collect();
        out.push_str(&format!("  changed: {}\n", effects.join(", ")));
    }
    out
}

fn reply_in_words(reply: &Reply) -> String {
    match reply {
        Reply::Done => "done".into(),
        Reply::Node(id) => format!("node {id}"),
        Reply::SiteVersion(version) => format!("site version {version}"),
        Reply::Command(record) => command_in_words(record),
        Reply::Reported { refused } => format!("reported, {refused} refused"),
        Reply::Session(id) => format!("session {id}"),
        Reply::Expired { ended: true } => "ended".into(),
        Reply::Expired { ended: false } => "not ended".into(),
    }
}

fn rejection_in_words(rejection: &Rejection) -> String {
    let problems = rejection.problems.iter().map(|problem| format!("  {:?}: {problem}\n", problem.severity));
    format!("refused, {rejection}\n{}", problems.collect::<String>())
}

fn effect_in_words(effect: &Effect) -> String {
    match effect {
        Effect::SiteChanged => "site".into(),
        Effect::NodesChanged => "nodes".into(),
        Effect::SessionChanged { node } => format!("session of {node}"),
        Effect::SessionRenewed { node } => format!("renewal of {node}"),
        Effect::OwnershipChanged { segment } => format!("owner of {segment}"),
        Effect::ReachChanged { segment } => format!("reach of {segment}"),
        Effect::TakenOver { segment } => format!("{segment} taken over"),
        Effect::TagChanged { tag } => tag.to_string(),
        Effect::DeviceChanged { device } => format!("device {device}"),
        Effect::ControlChanged { scope } => format!("control of {scope}"),
        Effect::AlarmChanged { alarm } => format!("alarm {alarm}"),
        Effect::InterlockChanged { interlock } => format!("interlock {interlock}"),
        Effect::CommandChanged { id } => format!("command {}", short(id)),
    }
}

pub(crate) fn command_in_words(record: &CommandRecord) -> String {
    let value = record.accepted.as_ref().map_or(String::new(), |value| match record.kind {
        CommandKind::Setpoint => format!(" = {value}, revision {}", record.revision),
        CommandKind::Action => format!(" does {value}"),
    });
    let error = record.error.as_ref().map_or(String::new(), |(code, message)| format!(", {code}: {message}"));
    let mark = record.mark.as_ref().map_or(String::new(), |mark| format!(", counter {mark}"));
    let owner = record.owner.map_or(String::new(), |owner| format!(", by node {owner}{mark}"));
    let steps: Vec<String> = record.steps.iter().map(|(state, time)| format!("{state} {}", seconds(*time))).collect();
    format!("{} {}{value}: {} (entry {}){owner}{error}", short(&record.id), record.tag, steps.join(", "), record.log_index)
}

pub(crate) fn plan(plan: &SitePlan) -> String {
    let changes = plan.changes.iter().map(|line| format!("{line}\n"));
    let problems = plan.problems.iter().map(|problem| format!("{:?}: {problem}\n", problem.severity));
    changes.chain(problems).collect()
}

pub(crate) fn audit_line(entry: &labkeeper_machine::AuditEntry) -> String {
    let refused = entry.refused.map_or(String::new(), |code| format!(" refused {code}"));
    let id = entry.command_id.map_or(String::new(), |id| format!(" command {}", short(&id)));
    let detail = entry.detail.replace('\n', " | ");
    let reason = if entry.reason.is_empty() { String::new() } else { format!(" because {:?}", entry.reason) };
    format!(
        "{}. entry {} {:?} {} {}{id}{refused}: {detail}{reason}",
        entry.number, entry.log_index, entry.actor, entry.action, entry.target
    )
}

pub(crate) fn owner(owner: Option<u64>) -> String {
    owner.map_or("nobody".into(), |id| format!("node {id}"))
}

/// An id of a script is a number.
pub(crate) fn short(id: &CommandId) -> String {
    format!("#{}", u128::from_be_bytes(id.0))
}

pub(crate) fn seconds(time: Timestamp) -> String {
    let millis = time.as_millis();
    if millis % 1000 == 0 { format!("{}s", millis / 1000) } else { format!("{millis}ms") }
}
