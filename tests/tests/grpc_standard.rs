//! What any gRPC client, probe or scraper expects of a service, without knowing ours: reflection, health, readiness, metrics.

use anyhow::{Context as _, ensure};
use futures::{StreamExt as _, stream};
use labkeeper_proto::v1;
use labkeeper_tests::client::{lab_code, remedy};
use labkeeper_tests::lab::Lab;
use labkeeper_tests::{Client, Cluster, wait};
use prost::Message as _;
use std::collections::BTreeSet;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};

async fn reflect(client: &Client, what: MessageRequest) -> anyhow::Result<MessageResponse> {
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(what) };
    let mut reflection = ServerReflectionClient::new(client.channel());
    let mut answers = reflection.server_reflection_info(stream::iter([request])).await?.into_inner();
    let ServerReflectionResponse { message_response, .. } = answers.next().await.context("an answer")??;
    message_response.context("a message")
}

#[tokio::test]
async fn reflection_tells_a_stranger_all_there_is() -> anyhow::Result<()> {
    let cluster = Cluster::start(1).await?;
    let client = &cluster.nodes[0].client;
    let MessageResponse::ListServicesResponse(list) = reflect(client, MessageRequest::ListServices(String::new())).await? else {
        anyhow::bail!("no list of services")
    };
    let services: BTreeSet<String> = list.service.into_iter().map(|service| service.name).collect();
    for wanted in ["ClusterService", "CommandService", "SiteService", "TagService"] {
        assert!(services.contains(&format!("labkeeper.v1.{wanted}")), "{wanted} is not among {services:?}");
    }
    assert!(services.contains("grpc.health.v1.Health"), "{services:?}");

    let symbol = MessageRequest::FileContainingSymbol("labkeeper.v1.CommandService".into());
    let MessageResponse::FileDescriptorResponse(files) = reflect(client, symbol).await? else { anyhow::bail!("no descriptors") };
    let files: Vec<_> = files
        .file_descriptor_proto
        .iter()
        .map(|bytes| prost_types::FileDescriptorProto::decode(bytes.as_slice()))
        .collect::<Result<_, _>>()?;
    let methods: Vec<&str> = files.iter().flat_map(|f| &f.service).flat_map(|s| &s.method).map(|m| m.name()).collect();
    assert!(methods.contains(&"SetSetpoint"), "{methods:?}");
    cluster.finish()
}

async fn health(client: &Client, service: &str) -> anyhow::Result<ServingStatus> {
    let answer = HealthClient::new(client.channel()).check(HealthCheckRequest { service: service.into() }).await?;
    Ok(answer.into_inner().status())
}

async fn becomes(client: &Client, wanted: ServingStatus) -> anyhow::Result<()> {
    wait::until(&format!("health to be {wanted:?}"), wait::SOON, || async {
        let seen = health(client, "").await?;
        ensure!(seen == wanted, "{seen:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_node_is_ready_when_it_can_take_commands_and_says_how_to_get_there() -> anyhow::Result<()> {
    let mut cluster = Cluster::uninitialised(2, Lab::empty()).await?;
    let client = cluster.nodes[0].client.clone();
    let address = cluster.nodes[0].grpc.address();

    becomes(&client, ServingStatus::NotServing).await?;
    assert_eq!(client.get("/healthz").await?.0, 200, "the process is well all the same");
    let (status, text) = client.get("/readyz").await?;
    assert_eq!(status, 503);
    assert!(text.contains(&format!("labkeeper cluster init --endpoint {address}")), "{text}");
    cluster.nodes[0].logged(&format!("labkeeper cluster init --endpoint {address}")).await?;
    let status = client.set(labkeeper_tests::client::setpoint("a/b/c", v1::value::Kind::Boolean(true))).await.expect_err("no cluster");
    assert_eq!(lab_code(&status), "LAB4002");
    assert!(remedy(&status).contains("cluster init"), "{}", remedy(&status));

    cluster.found().await?;
    for node in &cluster.nodes {
        becomes(&node.client, ServingStatus::Serving).await?;
        assert_eq!(node.client.get("/readyz").await?, (200, "ready\n".into()));
    }

    // With one of two nodes gone there is no majority: alive, but not ready.
    cluster.nodes[1].kill9()?;
    becomes(&client, ServingStatus::NotServing).await?;
    wait::until("readiness to be withdrawn", wait::SOON, || async {
        let (status, text) = client.get("/readyz").await?;
        ensure!(status == 503, "{status} {text}");
        Ok(())
    })
    .await?;
    assert_eq!(client.get("/healthz").await?.0, 200);
    cluster.finish()
}

#[tokio::test]
async fn metrics_are_what_a_scraper_reads() -> anyhow::Result<()> {
    let cluster = Cluster::start(1).await?;
    let (status, text) = cluster.nodes[0].client.get("/metrics").await?;
    assert_eq!(status, 200);
    let mut typed = BTreeSet::new();
    let mut samples = 0;
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let words: Vec<&str> = comment.splitn(3, ' ').collect();
            assert!(matches!(words[0], "HELP" | "TYPE" | "UNIT" | "EOF"), "{line}");
            if words[0] == "TYPE" {
                assert!(matches!(words[2], "counter" | "gauge" | "histogram" | "info"), "{line}");
                typed.insert(words[1].to_owned());
            }
            continue;
        }
        let name: String = line.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        let (labels, number) = line[name.len()..].rsplit_once(' ').with_context(|| line.to_owned())?;
        assert!(labels.is_empty() || labels.starts_with('{') && labels.ends_with('}'), "{line}");
        number.parse::<f64>().with_context(|| line.to_owned())?;
        assert!(typed.iter().any(|family| name.starts_with(family.as_str())), "{line} belongs to no family");
        assert!(name.starts_with("labkeeper_"), "{line}");
        samples += 1;
    }
    assert!(samples > 5 && text.trim_end().ends_with("# EOF"), "{text}");
    cluster.finish()
}
