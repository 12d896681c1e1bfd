//! The HTTP API and the live socket, as the web page uses them: at the leader and at a follower.

use anyhow::{Context as _, ensure};
use futures::{SinkExt as _, StreamExt as _};
use labkeeper_proto::v1::live_response::Kind;
use labkeeper_proto::v1::{self, CommandState, Quality};
use labkeeper_tests::client::{Client, setpoint};
use labkeeper_tests::{Cluster, wait};
use prost::Message as _;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// The live socket of a node.
struct Live(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Live {
    async fn open(client: &Client) -> anyhow::Result<Self> {
        let url = client.url("/api/v1/live").replace("http://", "ws://");
        Ok(Self(connect_async(url).await?.0))
    }

    async fn subscribe(&mut self, selector: &str) -> anyhow::Result<()> {
        let subscribe = v1::LiveSubscribe { selectors: vec![selector.into()], rate_hz_max: 50 };
        let request = v1::LiveRequest { kind: Some(v1::live_request::Kind::Subscribe(subscribe)) };
        Ok(self.0.send(Message::binary(request.encode_to_vec())).await?)
    }

    async fn next(&mut self) -> anyhow::Result<Kind> {
        let message = tokio::time::timeout(wait::SOON, self.0.next()).await.context("silence")?.context("the socket closed")??;
        v1::LiveResponse::decode(message.into_data())?.kind.context("a kind")
    }

    /// Reads on until `choose` finds what it wants.
    async fn until<T>(&mut self, what: &str, mut choose: impl FnMut(Kind) -> Option<T>) -> anyhow::Result<T> {
        let look = async {
            loop {
                if let Some(found) = choose(self.next().await?) {
                    return anyhow::Ok(found);
                }
            }
        };
        tokio::time::timeout(wait::SOON, look).await.with_context(|| format!("no {what} came"))?
    }
}

#[tokio::test]
async fn the_leader_sends_a_snapshot_frames_and_commands() -> anyhow::Result<()> {
    let cluster = Cluster::start(3).await?;
    let leader = &cluster.nodes[cluster.leader().await?];
    let mut live = Live::open(&leader.client).await?;
    let Kind::Welcome(welcome) = live.next().await? else { anyhow::bail!("a welcome comes first") };
    assert!(welcome.is_leader && welcome.node == leader.name && welcome.leader == leader.name, "{welcome:?}");
    assert_eq!(welcome.peers.len(), 3, "the page must know where else to go: {welcome:?}");

    live.subscribe("cryo/bank-cryo/*").await?;
    let has_selected = |s: &v1::LiveSnapshot| !s.tags.is_empty() && s.tags.iter().all(|t| t.tag.starts_with("cryo/bank-cryo/"));
    let choose = |kind| if let Kind::Snapshot(s) = kind { has_selected(&s).then_some(s) } else { None };
    let snapshot = live.until("snapshot of what was selected", choose).await?;
    let gain = &snapshot.tags.iter().find(|t| t.tag == "cryo/bank-cryo/gain").context("the tag")?;
    assert_eq!((gain.unit.as_str(), gain.owner.as_str(), gain.poll_ms), ("mV", "lab-a", 100));

    let command = cluster.set(0, setpoint("cryo/bank-cryo/gain", v1::value::Kind::Number(42.0))).await?;
    let (mut states, mut current, mut shown) = (Vec::new(), snapshot, false);
    live.until("command that is verified and frame with its value", |kind| {
        match kind {
            Kind::Command(c) if c.id == command.id => states.push(c.state()),
            Kind::Snapshot(s) => current = s,
            Kind::Frame(f) if f.generation == current.generation => {
                let values = f.ids.iter().zip(&f.values).zip(&f.qualities);
                shown |= values.into_iter().any(|((id, value), quality)| {
                    let tag = current.tags.get(*id as usize).map(|t| t.tag.as_str());
                    tag == Some("cryo/bank-cryo/gain") && *value == 42.0 && *quality == Quality::Good as i32
                });
            }
            _ => {}
        }
        (shown && states.last() == Some(&CommandState::Verified)).then_some(())
    })
    .await?;
    assert!(states.is_sorted(), "a command never moves back: {states:?}");
    cluster.finish()
}

#[tokio::test]
async fn a_follower_sends_heartbeats_and_no_data_until_it_leads() -> anyhow::Result<()> {
    let mut cluster = Cluster::start(3).await?;
    let old = cluster.leader().await?;
    let mut lives = Vec::new();
    for at in (0..3).filter(|at| *at != old) {
        let mut live = Live::open(&cluster.nodes[at].client).await?;
        live.subscribe("**").await?;
        let Kind::Welcome(welcome) = live.next().await? else { anyhow::bail!("a welcome comes first") };
        assert!(!welcome.is_leader && welcome.leader == cluster.nodes[old].name, "{welcome:?}");
        let mut beats = 0;
        live.until("third heartbeat", |kind| {
            assert!(!matches!(kind, Kind::Snapshot(_) | Kind::Frame(_)), "a follower sends no data");
            beats += usize::from(matches!(kind, Kind::Heartbeat(_)));
            (beats == 3).then_some(())
        })
        .await?;
        lives.push((at, live, welcome.term));
    }
    cluster.nodes[old].kill9()?;
    let new = cluster.leader().await?;
    let (_, live, old_term) = lives.iter_mut().find(|(at, ..)| *at == new).context("the new leader's socket")?;
    let welcome =
        live.until("welcome of the new leader", |kind| if let Kind::Welcome(w) = kind { w.is_leader.then_some(w) } else { None }).await?;
    assert!(welcome.term > *old_term, "a page drops what comes from an older term: {welcome:?}");
    live.until("snapshot from the new leader", |kind| matches!(kind, Kind::Snapshot(_)).then_some(())).await?;
    cluster.finish()
}

#[tokio::test]
async fn the_http_api_speaks_canonical_json_at_every_node() -> anyhow::Result<()> {
    let cluster = Cluster::start(3).await?;
    for node in &cluster.nodes {
        let client = &node.client;
        let (status, text) = client.get("/api/v1/tags?selector=cryo/*/gain").await?;
        let tags: Value = serde_json::from_str(&text)?;
        assert_eq!((status, &tags["tags"][0]["tag"], &tags["tags"][0]["unit"]), (200, &json!("cryo/bank-cryo/gain"), &json!("mV")));
        assert_eq!(tags["tags"][0]["sample"]["quality"], "QUALITY_GOOD");
        let (_, text) = client.get("/api/v1/cluster").await?;
        let cluster: Value = serde_json::from_str(&text)?;
        assert_eq!((&cluster["answeredBy"], &cluster["siteName"]), (&json!(node.name), &json!("Test lab")));

        let id = uuid::Uuid::now_v7().to_string();
        let body =
            json!({"id": id, "tag": "cryo/bank-cryo/gain", "value": {"number": 7.5}, "wait": "WAIT_LEVEL_VERIFIED", "actor": "page"});
        let (status, text) = client.post("/api/v1/commands", &body).await?;
        let set: Value = serde_json::from_str(&text)?;
        assert_eq!((status, &set["command"]["state"]), (200, &json!("COMMAND_STATE_VERIFIED")), "{text}");
        // 64-bit integers are texts in JSON, because a browser's numbers end at 2^53.
        assert!(set["command"]["logIndex"].is_string(), "{text}");

        let (_, text) = client.get(&format!("/api/v1/commands/{id}?wait=verified&wait_ms_max=1000")).await?;
        assert_eq!(serde_json::from_str::<Value>(&text)?["command"]["id"], json!(id));
        let (_, text) = client.get("/api/v1/commands?limit=1").await?;
        assert_eq!(serde_json::from_str::<Value>(&text)?["commands"][0]["id"], json!(id));

        let refused = json!({"id": uuid::Uuid::now_v7().to_string(), "tag": "cryo/bank-cryo/gain", "value": {"number": 101}});
        let (status, text) = client.post("/api/v1/commands", &refused).await?;
        let answer: Value = serde_json::from_str(&text)?;
        assert_eq!((status, &answer["command"]["error"]["code"]), (200, &json!("LAB3005")), "{text}");
    }
    cluster.finish()
}

#[tokio::test]
async fn any_node_serves_the_page_and_strangers_pages_are_kept_out() -> anyhow::Result<()> {
    let cluster = Cluster::start(3).await?;
    let http = reqwest::Client::new();
    for node in &cluster.nodes {
        let (status, page) = node.client.get("/").await?;
        assert!(status == 200 && page.contains("<script"), "{status} {page}");
        assert_eq!(node.client.get("/no/such.file").await?.0, 404);
        assert_eq!(node.client.get("/api/v1/no-such-path").await?.0, 404);
    }
    let url = cluster.nodes[0].client.url("/api/v1/cluster");
    let friend = http.get(&url).header("origin", cluster.nodes[1].client.url("")).send().await?;
    ensure!(friend.status().is_success() && friend.headers().contains_key("access-control-allow-origin"), "{friend:?}");
    let stranger = http.get(&url).header("origin", "http://elsewhere.example").send().await?;
    assert_eq!(stranger.status().as_u16(), 403);
    cluster.finish()
}
