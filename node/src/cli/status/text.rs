//! The cluster's status for people: who is there, who owns what, what wants a person's attention, and the latest takeovers.
//!
//! What has nothing to say takes no room: a lab in good order is a table of nodes and a table of segments.

use super::words;
use crate::cli::output::{columns, row};
use crate::cli::value;
use labkeeper_model::{Timestamp, Value};
use labkeeper_proto::v1;
use std::time::Duration;

/// Takeovers that are shown; JSON has all that the node tells.
const TAKEOVERS_SHOWN: usize = 5;

/// The cluster.
#[must_use]
pub(in crate::cli) fn text(status: &v1::GetClusterStatusResponse) -> String {
    text_at(status, crate::clock::now())
}

fn text_at(status: &v1::GetClusterStatusResponse, now: Timestamp) -> String {
    if !status.initialised {
        let node = &status.answered_by;
        return format!(
            "{node} belongs to no cluster: run `labkeeper cluster init --endpoint A` once per site, or `cluster join --endpoint B --to A`\n"
        );
    }
    let mut blocks = vec![vec![head(status)], columns(&nodes(status, now))];
    if status.segments.is_empty() {
        blocks.push(vec!["no segments: `labkeeper site apply FILE` declares them".to_owned()]);
    } else {
        blocks.push(columns(&segments(status, now)));
    }
    blocks.push(attention(status, now));
    blocks.extend(status.segments.iter().filter_map(why));
    if !status.takeovers.is_empty() {
        blocks.push(columns(&takeovers(&status.takeovers, now)));
    }
    let blocks: Vec<String> = blocks.into_iter().filter(|lines| !lines.is_empty()).map(|lines| lines.join("\n")).collect();
    blocks.join("\n\n") + "\n"
}

fn head(status: &v1::GetClusterStatusResponse) -> String {
    let (leader, term, teller) = (or_dash(&status.leader), status.term, &status.answered_by);
    format!("site {:?}, version {}; leader {leader}, term {term}; told by {teller}", status.site_name, status.site_version)
}

fn or_dash(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { text.to_owned() }
}

fn ago(unix_ms: i64, now: Timestamp) -> String {
    value::age(Timestamp::from_millis(unix_ms), now)
}

fn nodes(status: &v1::GetClusterStatusResponse, now: Timestamp) -> Vec<Vec<String>> {
    let heads = row(["NODE", "ID", "ROLE", "SESSION", "GRPC", "HTTP", "REACH", "SAMPLES/S", "APPLIED"]);
    let of = |node: &v1::NodeStatus| {
        let (rate, applied) = (format!("{:.0}", node.samples_per_s), node.applied_index.to_string());
        let role = words::role(node.role);
        let role = if node.draining { format!("{role}, draining") } else { role.to_owned() };
        row([&node.name, &node.id.to_string(), &role, &session(node, now), &node.grpc, &node.http, &node.reach.join(","), &rate, &applied])
    };
    std::iter::once(heads).chain(status.nodes.iter().map(of)).collect()
}

fn session(node: &v1::NodeStatus, now: Timestamp) -> String {
    match &node.session {
        None => "none".to_owned(),
        Some(session) if session.alive => format!("alive {}", ago(session.since_unix_ms, now)),
        Some(session) => format!("ended {} ago", ago(session.since_unix_ms, now)),
    }
}

fn segments(status: &v1::GetClusterStatusResponse, now: Timestamp) -> Vec<Vec<String>> {
    let heads = row(["SEGMENT", "OWNER", "EPOCH", "LEASE", "SINCE", "HOME", "DEVICES", "FENCING"]);
    let of = |segment: &v1::SegmentStatus| {
        let moves = if segment.successor.is_empty() { String::new() } else { format!(" -> {}", segment.successor) };
        let owner = or_dash(&segment.owner) + &moves;
        let lease = segment.lease_remaining_ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms} ms"));
        let since = if segment.since_unix_ms == 0 { "-".to_owned() } else { ago(segment.since_unix_ms, now) };
        let devices = format!("{}/{} answer", segment.devices_online, segment.devices);
        let rungs: Vec<String> = segment.rungs.iter().map(|(rung, count)| format!("{count} x {rung}")).collect();
        row([
            &segment.name,
            &owner,
            &segment.epoch.to_string(),
            &lease,
            &since,
            &or_dash(&segment.home),
            &devices,
            &or_dash(&rungs.join(", ")),
        ])
    };
    std::iter::once(heads).chain(status.segments.iter().map(of)).collect()
}

/// What a person should look at: one line each.
fn attention(status: &v1::GetClusterStatusResponse, now: Timestamp) -> Vec<String> {
    status.segments.iter().flat_map(|segment| attention_of(segment, now)).collect()
}

fn attention_of(segment: &v1::SegmentStatus, now: Timestamp) -> Vec<String> {
    let held = segment.held.iter().map(|held| {
        let reason = words::hold_in_words(held.hold.as_ref().map_or(0, |hold| hold.reason));
        format!("! {}: {reason}; look, then `labkeeper cluster confirm {}`", held.tag, held.tag)
    });
    let drifting = segment.drifting.iter().map(|drifting| {
        let (wanted, got) =
            (in_words(drifting.desired.as_ref()), in_words(drifting.drift.as_ref().and_then(|drift| drift.actual.as_ref())));
        let outcome = words::outcome(drifting.drift.as_ref().map_or(0, |drift| drift.outcome));
        format!("! {}: the setpoint is {wanted}, the device had {got} ({outcome})", drifting.tag)
    });
    let quarantined = segment.quarantined.iter().map(|device| {
        format!("! {}/{}: left alone for {}: {}", segment.name, device.device, ago(device.since_unix_ms, now), device.reason)
    });
    held.chain(drifting).chain(quarantined).collect()
}

/// A value from the wire; what this version does not know is not shown.
fn in_words(value: Option<&v1::Value>) -> String {
    value::to_text(value.cloned().and_then(|value| Value::try_from(value).ok()).as_ref())
}

/// Why a segment is where it is, if that was asked for.
fn why(segment: &v1::SegmentStatus) -> Option<Vec<String>> {
    let placement = segment.placement.as_ref()?;
    let mut lines = vec![placement.in_words.clone()];
    if !segment.owner.is_empty() {
        lines.push(format!("  {} got it because {}", segment.owner, words::cause_in_words(segment.cause)));
    }
    let candidates = placement.candidates.iter().map(|candidate| {
        let can = if candidate.eligible { "can own it" } else { "cannot own it" };
        row([&format!("  {}", candidate.node), can, &candidate.why])
    });
    lines.extend(columns(&candidates.collect::<Vec<_>>()));
    Some(lines)
}

fn takeovers(takeovers: &[v1::TakeoverStatus], now: Timestamp) -> Vec<Vec<String>> {
    let heads = row(["TAKEOVER", "FROM", "TO", "EPOCH", "AGO", "BECAUSE", "ENDED", "ASSIGNED", "CONNECTED", "READ", "DRIVEN"]);
    let ms = |step: Option<u64>| step.map_or_else(|| "-".to_owned(), gap);
    let of = |one: &v1::TakeoverStatus| {
        row([
            &one.segment,
            &or_dash(&one.from),
            &one.to,
            &one.epoch.to_string(),
            &ago(one.began_unix_ms, now),
            words::cause_in_words(one.cause),
            &ms(one.ended_ms),
            &ms(Some(one.assigned_ms)),
            &ms(one.connected_ms),
            &ms(one.read_ms),
            &ms(one.enabled_ms),
        ])
    };
    std::iter::once(heads).chain(takeovers.iter().take(TAKEOVERS_SHOWN).map(of)).collect()
}

/// How long a step took: to the millisecond where that matters, else as long as a person would say that a cluster was off.
fn gap(ms: u64) -> String {
    if ms < 10_000 { format!("{ms} ms") } else { value::span(Duration::from_millis(ms)) }
}

/// One takeover in a line: "cryo: lab-b -> lab-a, nobody drove it for 1911 ms".
#[must_use]
pub(in crate::cli) fn took(takeover: &v1::TakeoverStatus) -> String {
    let v1::TakeoverStatus { segment, from, to, .. } = takeover;
    match takeover.enabled_ms {
        Some(ms) => format!("{segment}: {} -> {to}, nobody drove it for {}", or_dash(from), gap(ms)),
        None => format!("{segment}: {} -> {to}, not driven yet", or_dash(from)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{NOON_MS, status, takeover};
    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(NOON_MS);

    #[test]
    fn people_see_who_is_there_who_owns_what_what_is_wrong_and_how_long_takeovers_took() {
        let expected = [
            r#"site "Lab", version 7; leader lab-a, term 4; told by lab-a"#,
            "",
            "NODE   ID  ROLE              SESSION         GRPC            HTTP                   REACH  SAMPLES/S  APPLIED",
            "lab-a  1   leader, draining  alive 60 s      127.0.0.1:7601  http://127.0.0.1:7681  *      100        42",
            "lab-b  5   unreachable       ended 60 s ago  127.0.0.1:7605  http://127.0.0.1:7685  *      100        42",
            "",
            "SEGMENT  OWNER           EPOCH  LEASE    SINCE  HOME  DEVICES     FENCING",
            "cryo     lab-a -> lab-b  2      1240 ms  30 s   -     2/3 answer  2 x F1, 1 x F5",
            "",
            "! cryo/valve-1/open: held after a takeover: dangerous, and its device cannot tell an earlier owner's late write; look, then `labkeeper cluster confirm cryo/valve-1/open`",
            "! cryo/chiller-1/temperature_setpoint: the setpoint is 12.5, the device had 20 (adopted)",
            "! cryo/pump-3: left alone for 9.0 s: panicked 5 times",
            "",
            "cryo goes from lab-a to lab-b: the owner is being drained",
            "  lab-a got it because the owner was lost",
            "  lab-a  cannot own it  is being drained",
            "  lab-b  can own it     has 0 other segments",
            "",
            "TAKEOVER  FROM   TO     EPOCH  AGO   BECAUSE             ENDED    ASSIGNED  CONNECTED  READ     DRIVEN",
            "cryo      lab-b  lab-a  2      32 s  the owner was lost  1810 ms  1810 ms   1840 ms    1902 ms  1911 ms",
            "",
        ];
        assert_eq!(text_at(&status(), NOON), expected.join("\n"));
    }

    #[test]
    fn a_lab_in_good_order_is_two_tables() {
        let segments = vec![v1::SegmentStatus { name: "cryo".into(), owner: "lab-a".into(), ..v1::SegmentStatus::default() }];
        let quiet = v1::GetClusterStatusResponse { segments, takeovers: vec![], ..status() };
        assert_eq!(text_at(&quiet, NOON).matches("\n\n").count(), 2);
    }

    #[test]
    fn a_node_without_a_cluster_says_what_to_do() {
        let empty = v1::GetClusterStatusResponse { answered_by: "lab-a".into(), ..Default::default() };
        assert!(text(&empty).contains("lab-a belongs to no cluster: run `labkeeper cluster init --endpoint A`"));
    }

    #[test]
    fn a_takeover_is_told_in_a_line() {
        assert_eq!(took(&takeover()), "cryo: lab-b -> lab-a, nobody drove it for 1911 ms");
        let under_way = v1::TakeoverStatus { from: String::new(), enabled_ms: None, ..takeover() };
        assert_eq!(took(&under_way), "cryo: - -> lab-a, not driven yet");
        let long = v1::TakeoverStatus { enabled_ms: Some(1_189_904), ..takeover() };
        assert_eq!(took(&long), "cryo: lab-b -> lab-a, nobody drove it for 20 min", "the whole cluster was off");
    }
}
