//! `labkeeper cluster status`: the cluster as one node sees it, in JSON with stable keys, or as two tables.

use super::client::{ANSWER_BYTES_MAX, Client, ClientArgs, Repeat};
use super::error::CliError;
use super::failure::Failure;
use super::output::{Form, Output, columns, row};
use labkeeper_proto::v1;
use labkeeper_proto::v1::cluster_service_client::ClusterServiceClient;
use serde::Serialize;
use tonic::Response;

/// The cluster in JSON. Its keys are a promise.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct StatusJson {
    leader: Option<String>,
    term: u64,
    nodes: Vec<NodeJson>,
    segments: Vec<SegmentJson>,
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
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct SiteJson {
    name: String,
    id: String,
    version: u64,
}

/// Runs the command.
///
/// # Errors
/// No node answers.
pub(super) async fn run(args: &ClientArgs) -> Result<(), CliError> {
    let status = fetch(&Client::new(args)?).await?;
    let output = Output { json: args.json };
    if output.json { output.json(&StatusJson::from(status), Form::Document) } else { output.text(&text(&status)) }
}

/// Asks for the cluster's state.
///
/// # Errors
/// No node answers.
pub(super) async fn fetch(client: &Client) -> Result<v1::GetClusterStatusResponse, Failure> {
    client
        .call(Repeat::Harmless, async |channel, _| {
            let mut service = ClusterServiceClient::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX);
            service.get_cluster_status(v1::GetClusterStatusRequest {}).await.map(Response::into_inner)
        })
        .await
}

/// A role's stable word.
fn role_word(role: i32) -> &'static str {
    match v1::NodeRole::try_from(role) {
        Ok(v1::NodeRole::Leader) => "leader",
        Ok(v1::NodeRole::Follower) => "follower",
        Ok(v1::NodeRole::Learner) => "learner",
        Ok(v1::NodeRole::Candidate) => "candidate",
        Ok(v1::NodeRole::Unreachable | v1::NodeRole::Unspecified) | Err(_) => "unreachable",
    }
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

impl From<v1::GetClusterStatusResponse> for StatusJson {
    fn from(status: v1::GetClusterStatusResponse) -> Self {
        let node = |node: v1::NodeStatus| NodeJson {
            role: role_word(node.role),
            name: node.name,
            id: node.id,
            grpc: node.grpc,
            http: node.http,
            reach: node.reach,
            applied_index: node.applied_index,
            version: node.version,
            samples_per_s: node.samples_per_s,
            uptime_ms: node.uptime_ms,
        };
        let segment = |segment: v1::SegmentStatus| SegmentJson {
            name: segment.name,
            owner: some(segment.owner),
            epoch: segment.epoch,
            lease_remaining_ms: segment.lease_remaining_ms,
            home: some(segment.home),
            devices: segment.devices,
            devices_online: segment.devices_online,
        };
        Self {
            leader: some(status.leader),
            term: status.term,
            nodes: status.nodes.into_iter().map(node).collect(),
            segments: status.segments.into_iter().map(segment).collect(),
            initialised: status.initialised,
            answered_by: status.answered_by,
            site: SiteJson { name: status.site_name, id: status.site_id, version: status.site_version },
        }
    }
}

fn or_dash(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { text.to_owned() }
}

/// The cluster for people.
#[must_use]
pub(super) fn text(status: &v1::GetClusterStatusResponse) -> String {
    if !status.initialised {
        let node = &status.answered_by;
        return format!(
            "{node} belongs to no cluster: run `labkeeper cluster init --endpoint A` once per site, or `cluster join --endpoint B --to A`\n"
        );
    }
    let head = format!(
        "site {:?}, version {}; leader {}, term {}; told by {}",
        status.site_name,
        status.site_version,
        or_dash(&status.leader),
        status.term,
        status.answered_by
    );
    let mut nodes = vec![row(["NODE", "ID", "ROLE", "GRPC", "HTTP", "REACH", "SAMPLES/S", "APPLIED"])];
    nodes.extend(status.nodes.iter().map(|node| {
        let id = node.id.to_string();
        let (rate, applied) = (format!("{:.0}", node.samples_per_s), node.applied_index.to_string());
        row([&node.name, &id, role_word(node.role), &node.grpc, &node.http, &node.reach.join(","), &rate, &applied])
    }));
    let mut segments = vec![row(["SEGMENT", "OWNER", "EPOCH", "LEASE", "HOME", "DEVICES"])];
    segments.extend(status.segments.iter().map(|segment| {
        let lease = segment.lease_remaining_ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms} ms"));
        let devices = format!("{}/{} answer", segment.devices_online, segment.devices);
        row([&segment.name, &or_dash(&segment.owner), &segment.epoch.to_string(), &lease, &or_dash(&segment.home), &devices])
    }));
    let mut lines = vec![head, String::new()];
    lines.extend(columns(&nodes));
    if status.segments.is_empty() {
        lines.extend([String::new(), "no segments: `labkeeper site apply FILE` declares them".to_owned()]);
    } else {
        lines.push(String::new());
        lines.extend(columns(&segments));
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> v1::GetClusterStatusResponse {
        let node = |name: &str, id, role: v1::NodeRole| v1::NodeStatus {
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
        };
        v1::GetClusterStatusResponse {
            leader: "lab-a".into(),
            term: 4,
            nodes: vec![node("lab-a", 1, v1::NodeRole::Leader), node("lab-b", 5, v1::NodeRole::Unreachable)],
            segments: vec![v1::SegmentStatus {
                name: "cryo".into(),
                owner: "lab-a".into(),
                epoch: 2,
                devices: 3,
                devices_online: 2,
                ..Default::default()
            }],
            answered_by: "lab-a".into(),
            site_name: "Lab".into(),
            site_version: 7,
            site_id: "s".into(),
            initialised: true,
        }
    }

    #[test]
    fn the_keys_of_the_status_are_a_promise() {
        let json = serde_json::to_string(&StatusJson::from(status())).expect("JSON");
        assert_eq!(
            json,
            concat!(
                r#"{"leader":"lab-a","term":4,"nodes":["#,
                r#"{"name":"lab-a","id":1,"role":"leader","grpc":"127.0.0.1:7601","http":"http://127.0.0.1:7681","reach":["*"],"#,
                r#""applied_index":42,"version":"0.1.0","samples_per_s":99.6,"uptime_ms":5},"#,
                r#"{"name":"lab-b","id":5,"role":"unreachable","grpc":"127.0.0.1:7605","http":"http://127.0.0.1:7685","reach":["*"],"#,
                r#""applied_index":42,"version":"0.1.0","samples_per_s":99.6,"uptime_ms":5}],"#,
                r#""segments":[{"name":"cryo","owner":"lab-a","epoch":2,"lease_remaining_ms":null,"home":null,"devices":3,"devices_online":2}],"#,
                r#""initialised":true,"answered_by":"lab-a","site":{"name":"Lab","id":"s","version":7}}"#
            )
        );
    }

    #[test]
    fn nobody_is_null() {
        let lost = v1::GetClusterStatusResponse { leader: String::new(), ..status() };
        let json = serde_json::to_value(StatusJson::from(lost)).expect("JSON");
        assert_eq!(json["leader"], serde_json::Value::Null);
    }

    #[test]
    fn people_get_two_tables_or_what_to_do() {
        let text_of = text(&status());
        assert!(text_of.starts_with("site \"Lab\", version 7; leader lab-a, term 4; told by lab-a\n\nNODE   ID  ROLE"), "{text_of}");
        assert!(text_of.contains("cryo     lab-a  2      -      -     2/3 answer"), "{text_of}");
        let empty = v1::GetClusterStatusResponse { answered_by: "lab-a".into(), ..Default::default() };
        assert!(text(&empty).contains("lab-a belongs to no cluster: run `labkeeper cluster init --endpoint A`"));
    }
}
