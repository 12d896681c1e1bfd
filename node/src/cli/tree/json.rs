//! A node's supervision tree in JSON. Its keys are a promise: they are only ever added to.

use labkeeper_proto::v1;
use serde::Serialize;

/// A node's tree.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct TreeJson {
    node: String,
    uptime_ms: u64,
    children: Vec<ChildJson>,
}

/// One task.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct ChildJson {
    path: String,
    kind: &'static str,
    state: &'static str,
    /// How long it has been in that state.
    state_ms: u64,
    retry_in_ms: Option<u64>,
    quarantine: Option<String>,
    restarts: u64,
    restarts_in_window: u32,
    restarts_max: u32,
    last_exit: Option<ExitJson>,
    mailbox: Option<MailboxJson>,
    busy_ms: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct ExitJson {
    ago_ms: u64,
    generation: u64,
    reason: String,
    location: Option<String>,
    abnormal: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct MailboxJson {
    depth: u64,
    capacity: u64,
    dropped: u64,
}

impl From<&v1::Tree> for TreeJson {
    fn from(tree: &v1::Tree) -> Self {
        let children = tree.children.iter().map(|child| ChildJson::new(child, tree.now_ms)).collect();
        Self { node: tree.node.clone(), uptime_ms: tree.now_ms, children }
    }
}

impl ChildJson {
    /// A task at the moment `now_ms` of its node.
    pub(super) fn new(child: &v1::TreeChild, now_ms: u64) -> Self {
        Self {
            path: child.path.clone(),
            kind: if child.kind() == v1::ChildKind::Supervisor { "supervisor" } else { "worker" },
            state: state(child.state()),
            state_ms: now_ms.saturating_sub(child.since_ms),
            retry_in_ms: child.retry_at_ms.map(|at| at.saturating_sub(now_ms)),
            quarantine: some(&child.quarantine),
            restarts: child.restarts,
            restarts_in_window: child.restarts_in_window,
            restarts_max: child.restarts_max,
            last_exit: child.last_exit.as_ref().map(|exit| ExitJson {
                ago_ms: now_ms.saturating_sub(exit.at_ms),
                generation: exit.generation,
                reason: exit.reason.clone(),
                location: some(&exit.location),
                abnormal: exit.abnormal,
            }),
            mailbox: child.mailbox.map(|mailbox| MailboxJson {
                depth: mailbox.depth,
                capacity: mailbox.capacity,
                dropped: mailbox.dropped,
            }),
            busy_ms: child.busy_since_ms.map(|since| now_ms.saturating_sub(since)),
        }
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// A state's stable word.
pub(super) fn state(state: v1::ChildState) -> &'static str {
    match state {
        v1::ChildState::Unspecified => "unknown",
        v1::ChildState::Waiting => "waiting",
        v1::ChildState::Starting => "starting",
        v1::ChildState::Running => "running",
        v1::ChildState::BackingOff => "backing_off",
        v1::ChildState::Stopping => "stopping",
        v1::ChildState::Stopped => "stopped",
        v1::ChildState::Quarantined => "quarantined",
    }
}

/// A tree with a task in every kind of trouble, for tests.
#[cfg(test)]
pub(super) fn sample() -> v1::Tree {
    let running = |path: &str, kind: v1::ChildKind| v1::TreeChild {
        path: path.into(),
        kind: kind.into(),
        state: v1::ChildState::Running.into(),
        since_ms: 1_000,
        restarts_max: 5,
        ..v1::TreeChild::default()
    };
    let panicked = v1::ChildExit {
        at_ms: 58_000,
        generation: 3,
        reason: "panicked: index out of bounds: the len is 2 but the index is 7".into(),
        location: "drivers/src/modbus/decode.rs:41:17".into(),
        abnormal: true,
    };
    let bus = v1::TreeChild {
        state: v1::ChildState::BackingOff.into(),
        since_ms: 58_000,
        retry_at_ms: Some(61_600),
        restarts: 3,
        restarts_in_window: 2,
        last_exit: Some(panicked.clone()),
        mailbox: Some(v1::Mailbox { depth: 64, capacity: 64, dropped: 12 }),
        ..running("node/segments/cryo/127.0.0.1:502", v1::ChildKind::Worker)
    };
    let pump = v1::TreeChild {
        state: v1::ChildState::Quarantined.into(),
        since_ms: 50_000,
        quarantine: "failed 6 times within 60s".into(),
        last_exit: Some(v1::ChildExit { at_ms: 50_000, reason: "hung: no progress for 5s".into(), location: String::new(), ..panicked }),
        ..running("node/segments/vacuum", v1::ChildKind::Worker)
    };
    let children = vec![
        running("node", v1::ChildKind::Supervisor),
        v1::TreeChild { busy_since_ms: Some(56_800), ..running("node/session", v1::ChildKind::Worker) },
        running("node/segments", v1::ChildKind::Supervisor),
        running("node/segments/cryo", v1::ChildKind::Supervisor),
        bus,
        pump,
    ];
    v1::Tree { node: "lab-a".into(), now_ms: 60_000, children }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_a_task_are_a_promise() {
        let json = serde_json::to_value(TreeJson::from(&sample())).expect("JSON");
        assert_eq!((json["node"].as_str(), json["uptime_ms"].as_u64()), (Some("lab-a"), Some(60_000)));
        assert_eq!(
            serde_json::to_string(&TreeJson::from(&sample()).children[4]).expect("JSON"),
            concat!(
                r#"{"path":"node/segments/cryo/127.0.0.1:502","kind":"worker","state":"backing_off","state_ms":2000,"retry_in_ms":1600,"#,
                r#""quarantine":null,"restarts":3,"restarts_in_window":2,"restarts_max":5,"last_exit":{"ago_ms":2000,"generation":3,"#,
                r#""reason":"panicked: index out of bounds: the len is 2 but the index is 7","location":"drivers/src/modbus/decode.rs:41:17","#,
                r#""abnormal":true},"mailbox":{"depth":64,"capacity":64,"dropped":12},"busy_ms":null}"#
            )
        );
    }
}
