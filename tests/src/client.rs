//! A client of one node: gRPC and HTTP, as any user's program would be.

use anyhow::Context as _;
use labkeeper_proto::v1::{
    self, cluster_service_client::ClusterServiceClient, command_service_client::CommandServiceClient,
    site_service_client::SiteServiceClient, tag_service_client::TagServiceClient,
};
use std::net::SocketAddr;
use std::time::Duration;
use tonic::transport::{Channel, Endpoint};
use tonic_types::StatusExt as _;

/// Longest wait for one answer: the longest that a node itself waits for a command by default (5 s), and as much again for
/// a busy machine.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Talks to one node. Cheap to clone; connects by itself, again after each restart of the node.
#[derive(Clone, Debug)]
pub struct Client {
    channel: Channel,
    http: reqwest::Client,
    http_url: String,
}

impl Client {
    /// A client of the node at these addresses. Connects at the first request.
    ///
    /// # Errors
    /// When the addresses cannot be written as URLs.
    pub fn new(grpc: SocketAddr, http: SocketAddr) -> anyhow::Result<Self> {
        let endpoint = Endpoint::from_shared(format!("http://{grpc}"))?;
        let channel = endpoint.tcp_nodelay(true).connect_timeout(Duration::from_secs(1)).timeout(ANSWER_MAX).connect_lazy();
        let http_client = reqwest::Client::builder().timeout(ANSWER_MAX).build()?;
        Ok(Self { channel, http: http_client, http_url: format!("http://{http}") })
    }

    /// The gRPC channel, for services that this file does not name.
    #[must_use]
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// Membership and status.
    #[must_use]
    pub fn cluster(&self) -> ClusterServiceClient<Channel> {
        ClusterServiceClient::new(self.channel())
    }

    /// Commands.
    #[must_use]
    pub fn commands(&self) -> CommandServiceClient<Channel> {
        CommandServiceClient::new(self.channel())
    }

    /// Live values.
    #[must_use]
    pub fn tags(&self) -> TagServiceClient<Channel> {
        TagServiceClient::new(self.channel())
    }

    /// The declaration.
    #[must_use]
    pub fn site(&self) -> SiteServiceClient<Channel> {
        SiteServiceClient::new(self.channel())
    }

    /// The cluster as this node sees it.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn status(&self) -> anyhow::Result<v1::GetClusterStatusResponse> {
        let answer = self.cluster().get_cluster_status(v1::GetClusterStatusRequest::default()).await;
        Ok(answer.map_err(explain)?.into_inner())
    }

    /// The readings that a selector chooses, from this node's own copy.
    ///
    /// # Errors
    /// When the node does not answer or refuses the selector.
    pub async fn readings(&self, selector: &str) -> anyhow::Result<Vec<v1::TagReading>> {
        let request = v1::GetTagsRequest { selectors: vec![selector.to_owned()], linearizable: false };
        Ok(self.tags().get_tags(request).await.map_err(explain)?.into_inner().tags)
    }

    /// The reading of one tag, from this node's own copy.
    ///
    /// # Errors
    /// When the node does not answer or has no such tag.
    pub async fn reading(&self, tag: &str) -> anyhow::Result<v1::TagReading> {
        self.readings(tag).await?.into_iter().next().with_context(|| format!("no tag {tag}"))
    }

    /// Sets a setpoint and returns the command as this node answers.
    ///
    /// # Errors
    /// The node's refusal, or that it does not answer: then the outcome is open.
    pub async fn set(&self, request: v1::SetSetpointRequest) -> Result<v1::Command, tonic::Status> {
        let answer = self.commands().set_setpoint(request).await?.into_inner();
        answer.command.ok_or_else(|| tonic::Status::internal("an answer without a command"))
    }

    /// What the node knows of a command.
    ///
    /// # Errors
    /// When it does not answer or knows none.
    pub async fn command(&self, id: &str) -> anyhow::Result<v1::Command> {
        let request = v1::GetCommandRequest { id: id.to_owned(), wait: 0, wait_ms_max: 0 };
        let answer = self.commands().get_command(request).await.map_err(explain)?.into_inner();
        answer.command.context("an answer without a command")
    }

    /// The URL of a path of the node's HTTP port.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.http_url)
    }

    /// Asks the HTTP port: status and body.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn get(&self, path: &str) -> anyhow::Result<(u16, String)> {
        let answer = self.http.get(self.url(path)).send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    /// Posts JSON to the HTTP port: status and body.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn post(&self, path: &str, json: &serde_json::Value) -> anyhow::Result<(u16, String)> {
        let answer = self.http.post(self.url(path)).json(json).send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }
}

/// A request to set `tag` to `value` under a fresh id, waiting until it is committed.
#[must_use]
pub fn setpoint(tag: &str, value: v1::value::Kind) -> v1::SetSetpointRequest {
    v1::SetSetpointRequest {
        id: uuid::Uuid::now_v7().to_string(),
        tag: tag.to_owned(),
        value: Some(v1::Value { kind: Some(value) }),
        actor: "test".into(),
        wait: v1::WaitLevel::Committed.into(),
        ..Default::default()
    }
}

/// How far a reading can be trusted.
#[must_use]
pub fn quality(reading: &v1::TagReading) -> v1::Quality {
    reading.sample.as_ref().map_or(v1::Quality::Unspecified, v1::Sample::quality)
}

/// A reading's value, if it has one.
#[must_use]
pub fn value(reading: &v1::TagReading) -> Option<v1::value::Kind> {
    reading.sample.as_ref()?.value.as_ref()?.kind.clone()
}

/// When a command reached a state: UTC, nanoseconds since 1970; `None` if it has not.
#[must_use]
pub fn reached(command: &v1::Command, state: v1::CommandState) -> Option<i64> {
    command.steps.iter().find(|step| step.state() == state).map(|step| step.time_unix_ns)
}

/// The LAB code that a refusal carries; empty if it carries none.
#[must_use]
pub fn lab_code(status: &tonic::Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

/// The remedy that a refusal carries; empty if it carries none.
#[must_use]
pub fn remedy(status: &tonic::Status) -> String {
    status.get_details_error_info().and_then(|mut info| info.metadata.remove("remedy")).unwrap_or_default()
}

/// A refusal as one line.
fn explain(status: tonic::Status) -> anyhow::Error {
    anyhow::anyhow!("{:?} {} {}", status.code(), lab_code(&status), status.message())
}
