//! Actions on devices that count, each with a value that no other has, repeated under its id through one node after the other until it has an
//! outcome. A device that did one twice shows the value twice.
//!
//! | outcome | the device has done it |
//! |---|---|
//! | written | once |
//! | failed, expired, rejected, cancelled | never |
//! | unknown | never or once, and at that time its owner was really hit by a fault, or the leader cut off, or so many nodes hit that its outcome could not be kept |

use super::{ask, goes_on};
use crate::Client;
use crate::faults::Faults;
use anyhow::Context as _;
use futures::future::try_join_all;
use labkeeper_proto::v1::{self, CommandState};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// The segments; each has a device that counts.
pub const SEGMENTS: [&str; 3] = ["cryo", "furnace", "vacuum"];
/// People at each device: one's action is before the other's in the device's queue.
const PEOPLE: u64 = 2;
/// Nodes of the cluster.
const NODES: usize = 3;
/// Pause after an outcome.
const PAUSE: Duration = Duration::from_millis(40);
/// How far a client waits for one node's answer before it asks the next.
const WAIT_MS: u32 = 700;
/// Deadlines: one that a short fault outlasts, and one that none does.
const DEADLINES: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(10)];
/// For how long after a fault its owner's lease may still run out by it: a lease, the guard, and an election at its worst.
const AFTERMATH_NS: i64 = 4_000_000_000;

/// An action and what its client was told.
#[derive(Clone, Debug)]
pub struct Told {
    /// The value that it writes.
    pub number: u32,
    /// The outcome.
    pub command: v1::Command,
}

/// The device of a segment that counts.
#[must_use]
pub fn device(segment: &str) -> String {
    format!("plc-{segment}")
}

/// Runs actions at every device until the day is done; `first` is the first of their numbers.
///
/// # Errors
/// When one has no outcome in the end.
pub async fn run(nodes: &[Client], done: &watch::Receiver<bool>, first: u32) -> anyhow::Result<Vec<Told>> {
    let people = (0..PEOPLE).flat_map(|person| SEGMENTS.into_iter().map(move |segment| (person, segment)));
    let numbered = (0_u32..).zip(people);
    let at_work = numbered.map(|(n, (_, segment))| person(nodes, done.clone(), segment, first + n * 10_000, n));
    Ok(try_join_all(at_work).await?.into_iter().flatten().collect())
}

async fn person(nodes: &[Client], mut done: watch::Receiver<bool>, segment: &str, first: u32, n: u32) -> anyhow::Result<Vec<Told>> {
    let mut told = Vec::new();
    for number in first.. {
        let deadline = SystemTime::now().duration_since(UNIX_EPOCH)? + DEADLINES[number as usize % 2];
        let request = v1::RunActionRequest {
            id: uuid::Uuid::now_v7().to_string(),
            tag: format!("{segment}/{}/do", device(segment)),
            value: Some(v1::Value { kind: Some(v1::value::Kind::Number(number.into())) }),
            deadline_unix_ms: i64::try_from(deadline.as_millis())?,
            actor: format!("person-{n}"),
            wait: v1::WaitLevel::Written.into(),
            wait_ms_max: WAIT_MS,
            ..Default::default()
        };
        let answer = ask(nodes, (n + number) as usize, |node| outcome(node, request.clone())).await;
        let command = answer.with_context(|| format!("action {number} of {segment}, {}", request.id))?.said?;
        told.push(Told { number, command });
        if !goes_on(&mut done, PAUSE).await {
            break;
        }
    }
    Ok(told)
}

/// Asks a node for an action's outcome; none yet is no answer.
async fn outcome(node: Client, request: v1::RunActionRequest) -> Result<v1::Command, tonic::Status> {
    let answer = node.commands().run_action(request).await?.into_inner();
    let ended = answer.command.filter(|command| command.state() >= CommandState::Written);
    ended.ok_or_else(|| tonic::Status::unavailable("it has no outcome yet"))
}

/// Who owned each segment since when: UTC, nanoseconds since 1970.
pub type Owners = BTreeMap<String, BTreeMap<i64, String>>;

/// Everything that is wrong with the actions that clients were told of; `done` says how often the devices did each number.
#[must_use]
pub fn convictions(told: &[Told], done: &BTreeMap<u32, usize>, owners: &Owners, faults: &Faults) -> Vec<String> {
    let mut wrong = Vec::new();
    for Told { number, command } in told {
        let times = done.get(number).copied().unwrap_or(0);
        let state = command.state();
        let may = match state {
            CommandState::Written | CommandState::Verified | CommandState::VerifyFailed => 1..=1,
            CommandState::Unknown => 0..=1,
            _ => 0..=0,
        };
        if !may.contains(&times) {
            wrong.push(format!("action {number} was done {times} times and ended as {state:?}: {command:?}"));
        }
        if state == CommandState::Unknown {
            wrong.extend(unexplained(command, owners, faults).map(|why| format!("action {number} is in doubt, {why}: {command:?}")));
        }
    }
    let asked: Vec<u32> = told.iter().map(|told| told.number).collect();
    wrong.extend(done.keys().filter(|number| !asked.contains(number)).map(|number| format!("nobody asked for {number}")));
    wrong
}

/// Why a doubt is not explained by a fault; `None` if it is.
fn unexplained(command: &v1::Command, owners: &Owners, faults: &Faults) -> Option<String> {
    let at = |state| crate::client::reached(command, state);
    let (Some(begun), Some(ended)) = (at(CommandState::Dispatched), at(CommandState::Unknown)) else {
        return Some("though nobody had begun it".into());
    };
    let segment = command.tag.split('/').next().unwrap_or_default();
    let Some(owner) = owners.get(segment).and_then(|owners| owners.range(..=begun).next_back()).map(|(_, owner)| owner) else {
        return Some("and nobody owned the segment when it was begun".into());
    };
    let span = || begun - AFTERMATH_NS..=ended;
    let is_explained = faults.of(owner, span()).next().is_some() || faults.left_no_majority(NODES, span()) || faults.cut_a_leader(span());
    (!is_explained).then(|| format!("and nothing had happened to {owner}, which began it"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::Harm;

    const S: i64 = 1_000_000_000;

    fn told(number: u32, state: CommandState) -> Told {
        let step = |state: CommandState, s: i64| v1::CommandStep { state: state.into(), time_unix_ns: s * S };
        let steps = vec![step(CommandState::Committed, 100), step(CommandState::Dispatched, 101), step(state, 104)];
        Told { number, command: v1::Command { tag: "cryo/plc-cryo/do".into(), state: state.into(), steps, ..v1::Command::default() } }
    }

    fn judged(told: &[Told], done: &[(u32, usize)], hit: &[(&str, i64)]) -> usize {
        let owners = [("cryo".to_owned(), [(90 * S, "a".to_owned()), (102 * S, "b".to_owned())].into())].into();
        let mut faults = Faults::default();
        for (node, s) in hit {
            faults.begin(node, Harm::Frozen, s * S);
            faults.end(Harm::Frozen, (s + 1) * S);
        }
        convictions(told, &done.iter().copied().collect(), &owners, &faults).len()
    }

    #[test]
    fn what_is_done_must_be_what_was_told() {
        use CommandState::{Expired, Failed, Written};
        assert_eq!(judged(&[told(1, Written), told(2, Failed), told(3, Expired)], &[(1, 1)], &[]), 0);
        for (state, times) in [(Written, 0), (Written, 2), (Failed, 1), (Expired, 1)] {
            assert_eq!(judged(&[told(1, state)], &[(1, times)], &[]), 1, "{state:?} {times}");
        }
        assert_eq!(judged(&[told(1, Written)], &[(1, 1), (9, 1)], &[]), 1, "something that nobody asked for");
    }

    #[test]
    fn a_doubt_needs_a_fault_of_whoever_had_begun() {
        let doubt = [told(1, CommandState::Unknown)];
        for (hit, done, wrong) in [
            (&[("a", 102)][..], 1, 0),
            (&[("a", 102)], 0, 0),
            (&[("a", 98)], 1, 0),
            (&[("a", 102)], 2, 1),
            (&[("b", 102)], 1, 1),
            (&[("a", 90)], 1, 1),
            (&[("a", 105)], 1, 1),
            (&[("b", 102), ("c", 102)], 1, 0),
            (&[("b", 102), ("c", 104)], 1, 1),
            (&[], 1, 1),
        ] {
            assert_eq!(judged(&doubt, &[(1, done)], hit), wrong, "{hit:?} {done}");
        }
    }
}
