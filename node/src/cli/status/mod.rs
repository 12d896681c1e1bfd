//! `labkeeper cluster status`: the cluster as one node sees it, in JSON with stable keys, or as tables for people.

mod json;
mod text;
pub(super) mod words;

pub(super) use json::TakeoverJson;
pub(super) use text::{text, took};

use super::client::{ANSWER_BYTES_MAX, Client, ClientArgs, Repeat};
use super::error::CliError;
use super::failure::Failure;
use super::output::{Form, Output};
use json::StatusJson;
use labkeeper_proto::v1;
use labkeeper_proto::v1::cluster_service_client::ClusterServiceClient;
use tonic::Response;

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
pub(super) struct StatusArgs {
    /// Say for each segment what speaks for and against each node as its owner
    #[arg(long)]
    why: bool,
    #[command(flatten)]
    client: ClientArgs,
}

/// Runs the command.
///
/// # Errors
/// No node answers, or one answers with what this version does not understand.
pub(super) async fn run(args: &StatusArgs) -> Result<(), CliError> {
    let status = ask(&Client::new(&args.client)?, args.why).await?;
    let output = Output { json: args.client.json };
    if output.json { output.json(&StatusJson::try_from(status)?, Form::Document) } else { output.text(&text(&status)) }
}

/// Asks for the cluster's state, without reasons.
///
/// # Errors
/// No node answers.
pub(super) async fn fetch(client: &Client) -> Result<v1::GetClusterStatusResponse, Failure> {
    ask(client, false).await
}

async fn ask(client: &Client, why: bool) -> Result<v1::GetClusterStatusResponse, Failure> {
    client
        .call(Repeat::Harmless, async |channel, _| {
            let mut service = ClusterServiceClient::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX);
            service.get_cluster_status(v1::GetClusterStatusRequest { why }).await.map(Response::into_inner)
        })
        .await
}

/// A cluster with everything in it, for tests.
#[cfg(test)]
pub(super) mod sample {
    use labkeeper_model::Value;
    use labkeeper_proto::v1;

    /// 12:00:00 on 1 March 2026, UTC.
    pub(in crate::cli) const NOON_MS: i64 = 1_772_366_400_000;

    fn node(name: &str, id: u64, role: v1::NodeRole) -> v1::NodeStatus {
        v1::NodeStatus {
            name: name.into(),
            id,
            role: role.into(),
            grpc: format!("127.0.0.1:760{id}"),
            http: format!("http://127.0.0.1:768{id}"),
            reach: vec!["*".into()],
            applied_index: 42,
            version: "0.1.0".into(),
            samples_per_s: 99.6,
            uptime_ms: 5,
            session: Some(v1::SessionStatus {
                id: 3,
                alive: role != v1::NodeRole::Unreachable,
                since_unix_ms: NOON_MS - 60_000,
                renewed_unix_ms: NOON_MS - 200,
                renew_ms: 300,
                lease_ms: 1_500,
                guard_ms: 400,
                drift_ppm: 10_000,
            }),
            draining: id == 1,
        }
    }

    fn drift() -> v1::DriftingTag {
        v1::DriftingTag {
            tag: "cryo/chiller-1/temperature_setpoint".into(),
            desired: Some((&Value::F64(12.5)).into()),
            drift: Some(v1::TagDrift {
                outcome: v1::ReconcileOutcome::Adopted.into(),
                actual: Some((&Value::F64(20.0)).into()),
                epoch: 2,
                since_unix_ms: NOON_MS - 30_000,
            }),
        }
    }

    fn held() -> v1::HeldTag {
        let reason = v1::TagHoldReason::Dangerous.into();
        let hold = v1::TagHold { reason, actual: None, epoch: 2, since_unix_ms: NOON_MS - 30_000 };
        v1::HeldTag { tag: "cryo/valve-1/open".into(), hold: Some(hold) }
    }

    pub(in crate::cli) fn takeover() -> v1::TakeoverStatus {
        v1::TakeoverStatus {
            segment: "cryo".into(),
            from: "lab-b".into(),
            to: "lab-a".into(),
            epoch: 2,
            cause: v1::GrantCause::SessionExpired.into(),
            log_index: 40,
            began_unix_ms: NOON_MS - 32_000,
            ended_ms: Some(1_810),
            assigned_ms: 1_810,
            connected_ms: Some(1_840),
            read_ms: Some(1_902),
            enabled_ms: Some(1_911),
            devices_reached: 2,
            devices: 3,
        }
    }

    fn segment() -> v1::SegmentStatus {
        let candidate = |node: &str, eligible, why: &str| v1::CandidateStatus { node: node.into(), eligible, why: why.into() };
        v1::SegmentStatus {
            name: "cryo".into(),
            owner: "lab-a".into(),
            epoch: 2,
            lease_remaining_ms: Some(1_240),
            devices: 3,
            devices_online: 2,
            successor: "lab-b".into(),
            since_unix_ms: NOON_MS - 30_000,
            cause: v1::GrantCause::SessionExpired.into(),
            rungs: [("F1".to_owned(), 2), ("F5".to_owned(), 1)].into(),
            held: vec![held()],
            drifting: vec![drift()],
            quarantined: vec![v1::QuarantinedDevice {
                device: "pump-3".into(),
                reason: "panicked 5 times".into(),
                since_unix_ms: NOON_MS - 9_000,
            }],
            placement: Some(v1::PlacementStatus {
                choice: "lab-b".into(),
                in_words: "cryo goes from lab-a to lab-b: the owner is being drained".into(),
                candidates: vec![candidate("lab-a", false, "is being drained"), candidate("lab-b", true, "has 0 other segments")],
            }),
            ..v1::SegmentStatus::default()
        }
    }

    pub(in crate::cli) fn status() -> v1::GetClusterStatusResponse {
        v1::GetClusterStatusResponse {
            leader: "lab-a".into(),
            term: 4,
            nodes: vec![node("lab-a", 1, v1::NodeRole::Leader), node("lab-b", 5, v1::NodeRole::Unreachable)],
            segments: vec![segment()],
            answered_by: "lab-a".into(),
            site_name: "Lab".into(),
            site_version: 7,
            site_id: "s".into(),
            initialised: true,
            takeovers: vec![takeover()],
        }
    }
}
