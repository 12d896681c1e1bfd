//! The cluster's status in JSON. Its keys are a promise: they are only ever added to.

use super::words;
use crate::cli::error::CliError;
use crate::cli::field::{Drift, DriftJson, Hold, HoldJson};
use crate::cli::reading::bad_answer;
use crate::cli::value;
use labkeeper_model::Timestamp;
use labkeeper_proto::convert::value_opt;
use labkeeper_proto::v1;
use serde::Serialize;
use std::collections::BTreeMap;

/// The cluster.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct StatusJson {
    leader: Option<String>,
    term: u64,
    nodes: Vec<NodeJson>,
    segments: Vec<SegmentJson>,
    takeovers: Vec<TakeoverJson>,
    initialised: bool,
    answered_by: String,
    site: SiteJson,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct NodeJson {
    name: String,
    id: u64,
    role: &'static str,
    grpc: String,
    http: String,
    reach: Vec<String>,
    applied_index: u64,
    version: String,
    samples_per_s: f64,
    uptime_ms: u64,
    session: Option<SessionJson>,
    draining: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct SessionJson {
    id: u64,
    alive: bool,
    since: String,
    renewed: String,
    renew_ms: u64,
    lease_ms: u64,
    guard_ms: u64,
    drift_ppm: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct SegmentJson {
    name: String,
    owner: Option<String>,
    epoch: u64,
    lease_remaining_ms: Option<u64>,
    home: Option<String>,
    devices: u32,
    devices_online: u32,
    successor: Option<String>,
    since: Option<String>,
    cause: Option<String>,
    fencing: BTreeMap<String, u32>,
    held: Vec<HeldJson>,
    drifting: Vec<DriftingJson>,
    quarantined: Vec<QuarantinedJson>,
    /// Only if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<WhyJson>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct HeldJson {
    tag: String,
    #[serde(flatten)]
    hold: HoldJson,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct DriftingJson {
    tag: String,
    desired: serde_json::Value,
    #[serde(flatten)]
    drift: DriftJson,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct QuarantinedJson {
    device: String,
    reason: String,
    since: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct WhyJson {
    choice: Option<String>,
    in_words: String,
    candidates: Vec<CandidateJson>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct CandidateJson {
    node: String,
    eligible: bool,
    why: String,
}

/// One grant of a segment; the steps are in milliseconds since `began`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(in crate::cli) struct TakeoverJson {
    segment: String,
    from: Option<String>,
    to: String,
    epoch: u64,
    cause: Option<String>,
    log_index: u64,
    began: String,
    ended_ms: Option<u64>,
    assigned_ms: u64,
    connected_ms: Option<u64>,
    read_ms: Option<u64>,
    enabled_ms: Option<u64>,
    devices_reached: u32,
    devices: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct SiteJson {
    name: String,
    id: String,
    version: u64,
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn at(unix_ms: i64) -> String {
    value::time(Timestamp::from_millis(unix_ms))
}

impl TryFrom<v1::GetClusterStatusResponse> for StatusJson {
    type Error = CliError;
    fn try_from(status: v1::GetClusterStatusResponse) -> Result<Self, CliError> {
        Ok(Self {
            leader: some(status.leader),
            term: status.term,
            nodes: status.nodes.into_iter().map(Into::into).collect(),
            segments: status.segments.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            takeovers: status.takeovers.into_iter().map(Into::into).collect(),
            initialised: status.initialised,
            answered_by: status.answered_by,
            site: SiteJson { name: status.site_name, id: status.site_id, version: status.site_version },
        })
    }
}

impl From<v1::NodeStatus> for NodeJson {
    fn from(node: v1::NodeStatus) -> Self {
        Self {
            role: words::role(node.role),
            name: node.name,
            id: node.id,
            grpc: node.grpc,
            http: node.http,
            reach: node.reach,
            applied_index: node.applied_index,
            version: node.version,
            samples_per_s: node.samples_per_s,
            uptime_ms: node.uptime_ms,
            session: node.session.map(Into::into),
            draining: node.draining,
        }
    }
}

impl From<v1::SessionStatus> for SessionJson {
    fn from(session: v1::SessionStatus) -> Self {
        Self {
            id: session.id,
            alive: session.alive,
            since: at(session.since_unix_ms),
            renewed: at(session.renewed_unix_ms),
            renew_ms: session.renew_ms,
            lease_ms: session.lease_ms,
            guard_ms: session.guard_ms,
            drift_ppm: session.drift_ppm,
        }
    }
}

impl TryFrom<v1::SegmentStatus> for SegmentJson {
    type Error = CliError;
    fn try_from(segment: v1::SegmentStatus) -> Result<Self, CliError> {
        Ok(Self {
            name: segment.name,
            owner: some(segment.owner),
            epoch: segment.epoch,
            lease_remaining_ms: segment.lease_remaining_ms,
            home: some(segment.home),
            devices: segment.devices,
            devices_online: segment.devices_online,
            successor: some(segment.successor),
            since: (segment.since_unix_ms != 0).then(|| at(segment.since_unix_ms)),
            cause: words::cause(segment.cause),
            fencing: segment.rungs,
            held: segment.held.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            drifting: segment.drifting.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            quarantined: segment.quarantined.into_iter().map(Into::into).collect(),
            why: segment.placement.map(Into::into),
        })
    }
}

impl TryFrom<v1::HeldTag> for HeldJson {
    type Error = CliError;
    fn try_from(held: v1::HeldTag) -> Result<Self, CliError> {
        Ok(Self { tag: held.tag, hold: Hold::try_from(held.hold.unwrap_or_default())?.json() })
    }
}

impl TryFrom<v1::DriftingTag> for DriftingJson {
    type Error = CliError;
    fn try_from(drifting: v1::DriftingTag) -> Result<Self, CliError> {
        let desired = value_opt(drifting.desired).map_err(|error| bad_answer(&error))?;
        let drift = Drift::try_from(drifting.drift.unwrap_or_default())?.json();
        Ok(Self { tag: drifting.tag, desired: value::to_json(desired.as_ref()), drift })
    }
}

impl From<v1::QuarantinedDevice> for QuarantinedJson {
    fn from(device: v1::QuarantinedDevice) -> Self {
        Self { device: device.device, reason: device.reason, since: at(device.since_unix_ms) }
    }
}

impl From<v1::PlacementStatus> for WhyJson {
    fn from(placement: v1::PlacementStatus) -> Self {
        let candidate = |one: v1::CandidateStatus| CandidateJson { node: one.node, eligible: one.eligible, why: one.why };
        Self {
            choice: some(placement.choice),
            in_words: placement.in_words,
            candidates: placement.candidates.into_iter().map(candidate).collect(),
        }
    }
}

impl From<v1::TakeoverStatus> for TakeoverJson {
    fn from(takeover: v1::TakeoverStatus) -> Self {
        Self {
            segment: takeover.segment,
            from: some(takeover.from),
            to: takeover.to,
            epoch: takeover.epoch,
            cause: words::cause(takeover.cause),
            log_index: takeover.log_index,
            began: at(takeover.began_unix_ms),
            ended_ms: takeover.ended_ms,
            assigned_ms: takeover.assigned_ms,
            connected_ms: takeover.connected_ms,
            read_ms: takeover.read_ms,
            enabled_ms: takeover.enabled_ms,
            devices_reached: takeover.devices_reached,
            devices: takeover.devices,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::status;
    use super::*;

    #[test]
    fn the_keys_of_the_status_are_a_promise() {
        let json = serde_json::to_string(&StatusJson::try_from(status()).expect("a status")).expect("JSON");
        let session = |alive: bool| {
            format!(
                r#""session":{{"id":3,"alive":{alive},"since":"2026-03-01T11:59:00Z","renewed":"2026-03-01T11:59:59.8Z","renew_ms":300,"lease_ms":1500,"guard_ms":400,"drift_ppm":10000}}"#
            )
        };
        let expected = [
            r#"{"leader":"lab-a","term":4,"nodes":["#,
            r#"{"name":"lab-a","id":1,"role":"leader","grpc":"127.0.0.1:7601","http":"http://127.0.0.1:7681","reach":["*"],"#,
            r#""applied_index":42,"version":"0.1.0","samples_per_s":99.6,"uptime_ms":5,"#,
            &session(true),
            r#","draining":true},"#,
            r#"{"name":"lab-b","id":5,"role":"unreachable","grpc":"127.0.0.1:7605","http":"http://127.0.0.1:7685","reach":["*"],"#,
            r#""applied_index":42,"version":"0.1.0","samples_per_s":99.6,"uptime_ms":5,"#,
            &session(false),
            r#","draining":false}],"#,
            r#""segments":[{"name":"cryo","owner":"lab-a","epoch":2,"lease_remaining_ms":1240,"home":null,"devices":3,"devices_online":2,"#,
            r#""successor":"lab-b","since":"2026-03-01T11:59:30Z","cause":"session_expired","fencing":{"F1":2,"F5":1},"#,
            r#""held":[{"tag":"cryo/valve-1/open","reason":"dangerous","actual":null,"since":"2026-03-01T11:59:30Z"}],"#,
            r#""drifting":[{"tag":"cryo/chiller-1/temperature_setpoint","desired":12.5,"#,
            r#""outcome":"adopted","actual":20.0,"since":"2026-03-01T11:59:30Z"}],"#,
            r#""quarantined":[{"device":"pump-3","reason":"panicked 5 times","since":"2026-03-01T11:59:51Z"}],"#,
            r#""why":{"choice":"lab-b","in_words":"cryo goes from lab-a to lab-b: the owner is being drained","candidates":["#,
            r#"{"node":"lab-a","eligible":false,"why":"is being drained"},{"node":"lab-b","eligible":true,"why":"has 0 other segments"}]}}],"#,
            r#""takeovers":[{"segment":"cryo","from":"lab-b","to":"lab-a","epoch":2,"cause":"session_expired","log_index":40,"#,
            r#""began":"2026-03-01T11:59:28Z","ended_ms":1810,"assigned_ms":1810,"connected_ms":1840,"read_ms":1902,"enabled_ms":1911,"#,
            r#""devices_reached":2,"devices":3}],"#,
            r#""initialised":true,"answered_by":"lab-a","site":{"name":"Lab","id":"s","version":7}}"#,
        ];
        assert_eq!(json, expected.concat());
    }

    #[test]
    fn nobody_is_null_and_reasons_are_there_only_if_asked_for() {
        let segments = vec![v1::SegmentStatus { name: "cryo".into(), ..v1::SegmentStatus::default() }];
        let lost = v1::GetClusterStatusResponse { leader: String::new(), segments, ..status() };
        let json = serde_json::to_value(StatusJson::try_from(lost).expect("a status")).expect("JSON");
        assert_eq!(json["leader"], serde_json::Value::Null);
        let segment = &json["segments"][0];
        for key in ["owner", "lease_remaining_ms", "successor", "since", "cause"] {
            assert_eq!(segment.get(key), Some(&serde_json::Value::Null), "{key}");
        }
        assert_eq!(segment.get("why"), None);
    }
}
