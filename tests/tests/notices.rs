//! Who is told of an alarm, by which way, how often: seen by those who are told, through faults of nodes and of their own servers.

use anyhow::{Context as _, ensure};
use labkeeper_proto::v1;
use labkeeper_proto::v1::notice_service_client::NoticeServiceClient;
use labkeeper_tests::alarms::{alarm, journal, service};
use labkeeper_tests::outage::until_controlled;
use labkeeper_tests::pager::Mood;
use labkeeper_tests::{Client, Cluster, Lab, Pager, cli, wait};
use std::collections::BTreeSet;
use std::time::Instant;

const SETPOINT: &str = "cryo/bank-cryo/s00";
const ALARM: &str = "cryo/bank-cryo/seen/high";
/// What nobody is to be told of, as it is not urgent enough.
const LOW: &str = "cryo/bank-cryo/seen/low";

async fn cluster(pager: &Pager) -> anyhow::Result<Cluster> {
    let tag = r#"
[devices.bank-cryo.tags.seen]
register = "holding:0"
type = "u32"
alarms = [
  { name = "high", type = "hi", limit = 100.0, deadband = 5.0, priority = "high", guidance = "Lower the setpoint." },
  { name = "low", type = "hi", limit = 90.0, deadband = 5.0, priority = "low" },
]
"#;
    let lab = Lab::standard()?.text(tag).text(&pager.site_toml()).homes_return_after("3s");
    Cluster::with_lab(3, lab).await
}

async fn drive(clients: &[Client], value: u64) -> anyhow::Result<()> {
    until_controlled(clients, SETPOINT, value, Instant::now()).await.map(drop)
}

async fn notices(client: &Client) -> anyhow::Result<v1::ListNoticesResponse> {
    Ok(NoticeServiceClient::new(client.channel()).list_notices(v1::ListNoticesRequest {}).await?.into_inner())
}

async fn until_state(client: &Client, state: &str) -> anyhow::Result<()> {
    wait::until(&format!("{ALARM} to be {state}"), wait::SOON, || async {
        let seen = alarm(client, ALARM).await?;
        ensure!(seen.state == state, "{seen:?}");
        Ok(())
    })
    .await
}

/// Waits until the web server has been sent this many messages about the alarm.
async fn until_posted(pager: &Pager, wanted: usize) -> anyhow::Result<()> {
    wait::until(&format!("{wanted} messages to be sent"), wait::SOON, || async {
        let posts = pager.posts(ALARM);
        ensure!(posts.len() == wanted, "{posts:?}");
        Ok(())
    })
    .await
}

/// Waits until the alarm has had this many occurrences and everything that is to be told has been, and returns how often.
async fn until_told(client: &Client, occurrence: u64) -> anyhow::Result<u64> {
    wait::until(&format!("occurrence {occurrence} to be told"), 2 * wait::SOON, || async {
        let (seen, told) = (alarm(client, ALARM).await?, notices(client).await?);
        ensure!(seen.occurrence == occurrence && told.waiting.is_empty(), "{} {told:?}", seen.occurrence);
        Ok(told.routes.first().context("a route")?.told)
    })
    .await
}

#[tokio::test]
async fn an_alarm_is_one_message_and_one_mail_each_time_it_is_raised() -> anyhow::Result<()> {
    let pager = Pager::start().await?;
    let cluster = cluster(&pager).await?;
    let (clients, last) = (cluster.clients(), cluster.nodes[2].client.clone());
    drive(&clients, 120).await?;
    assert_eq!(until_told(&last, 1).await?, 1);
    let (posts, mails) = (pager.posts(ALARM), pager.mails(ALARM));
    ensure!(posts.len() == 1 && mails.len() == 1, "{posts:?} {mails:?}");
    let (body, key) = (&posts[0].body, &posts[0].key);
    ensure!(body["key"] == key.as_str() && key.starts_with(&format!("{ALARM}#1#RAISED#ops#")), "{key} {body}");
    ensure!(body["occurrence"] == 1 && body["priority"] == "high" && body["segment"] == "cryo", "{body}");
    ensure!(body["state"] == "unacknowledged" && body["guidance"]["action"] == "Lower the setpoint.", "{body}");
    ensure!(mails[0].header("Message-ID") == Some(format!("<{key}@lab.example>").as_str()), "{:?}", mails[0]);
    ensure!(mails[0].to == ["ann@lab.example", "bob@lab.example"], "{:?}", mails[0]);
    ensure!(mails[0].header("Subject") == Some("[Test lab] HIGH cryo/bank-cryo/seen/high"), "{:?}", mails[0]);

    // What returns is nobody's news; what is raised again is.
    let acknowledge =
        v1::AcknowledgeAlarmRequest { alarm: ALARM.into(), occurrence: 1, actor: "ann".into(), comment: String::new(), id: String::new() };
    service(&last).acknowledge_alarm(acknowledge).await?;
    drive(&clients, 50).await?;
    until_state(&last, "normal").await?;
    drive(&clients, 120).await?;
    assert_eq!(until_told(&last, 2).await?, 2);
    ensure!(pager.posts(ALARM).len() == 2 && pager.mails(ALARM).len() == 2);
    ensure!(alarm(&last, LOW).await?.occurrence == 2 && pager.posts(LOW).is_empty(), "{:?}", pager.posts(LOW));
    cluster.finish()
}

/// The messages are committed and on their way when the leader dies: its successor sends them, under the same keys.
#[tokio::test]
async fn what_a_killed_leader_had_not_sent_its_successor_sends() -> anyhow::Result<()> {
    let pager = Pager::start().await?;
    let mut cluster = cluster(&pager).await?;
    pager.set(Mood::Silent);
    drive(&cluster.clients(), 120).await?;
    until_posted(&pager, 1).await?;
    let leader = cluster.leader().await?;
    let others = cluster.clients_but(leader);
    cluster.nodes[leader].kill9()?;
    until_posted(&pager, 2).await?;
    pager.set(Mood::Takes);
    until_told(&others[0], 1).await?;
    let posts = pager.posts(ALARM);
    ensure!(posts.iter().map(|post| post.taken).collect::<Vec<_>>() == [false, true], "{posts:?}");
    ensure!(posts[0].key == posts[1].key && posts[0].body == posts[1].body, "{posts:?}");
    let ids: BTreeSet<_> = pager.mails(ALARM).iter().filter_map(|mail| mail.header("Message-ID").map(str::to_owned)).collect();
    ensure!(ids == [format!("<{}@lab.example>", posts[0].key)].into(), "{ids:?}");

    let lost = format!("system/node-lost/{}", cluster.nodes[leader].name);
    wait::until("the lost node to be told", wait::SOON, || async {
        ensure!(pager.mails(&lost).len() == 1 && notices(&others[0]).await?.waiting.is_empty());
        Ok(())
    })
    .await?;
    let announced: Vec<_> = journal(&others[0]).await?.into_iter().filter(|row| row.announced && row.priority == "high").collect();
    ensure!(pager.keys().len() == announced.len(), "{:?} {announced:?}", pager.keys());
    cluster.finish()
}

/// A refusal is shown, and tried again; what was refused is taken under the same key once it can be.
#[tokio::test]
async fn what_is_refused_is_tried_again() -> anyhow::Result<()> {
    let pager = Pager::start().await?;
    let cluster = cluster(&pager).await?;
    let endpoints = cluster.endpoints();
    let unknown = cli::run(&endpoints, &["notify", "test", "ghost"]).await?.with_code(1)?;
    ensure!(unknown.err.contains("LAB7303"), "{}", unknown.err);
    cli::run(&endpoints, &["notify", "test", "ops", "--reason", "commissioning"]).await?.with_code(0)?;
    pager.set(Mood::Refuses);
    let refused = cli::run(&endpoints, &["notify", "test", "ops"]).await?.with_code(1)?;
    ensure!(refused.err.contains("LAB7304") && refused.err.contains("webhook: the server answered 503"), "{}", refused.err);
    ensure!(refused.err.contains("mail: ") && refused.err.contains("not today"), "{}", refused.err);
    let list = cli::run(&endpoints, &["notify", "ls", "--json"]).await?.with_code(0)?.json()?;
    ensure!(list["waiting"][0]["attempts"] == 1 && list["waiting"][0]["transition"] == "TEST", "{list}");
    ensure!(list["routes"][0]["told"] == 1 && list["routes"][0]["waiting"] == 1, "{list}");
    pager.set(Mood::Takes);
    let client = &cluster.nodes[0].client;
    wait::until("the test to be taken", wait::SOON, || async {
        ensure!(notices(client).await?.waiting.is_empty());
        Ok(())
    })
    .await?;
    let posts = pager.posts("system/notify-test/ops");
    ensure!(posts.iter().map(|post| post.taken).collect::<Vec<_>>() == [true, false, true], "{posts:?}");
    ensure!(posts[1].key == posts[2].key && posts[0].key != posts[1].key, "{posts:?}");
    let audit = cli::run(&endpoints, &["audit", "export"]).await?.with_code(0)?;
    ensure!(audit.out.contains("commissioning") && audit.out.contains("\"refused\":\"LAB7303\""), "{}", audit.out);
    cluster.finish()
}

#[tokio::test]
async fn an_alarm_that_chatters_is_told_once() -> anyhow::Result<()> {
    let pager = Pager::start().await?;
    let cluster = cluster(&pager).await?;
    let (clients, client) = (cluster.clients(), &cluster.nodes[0].client);
    for value in [120, 50, 120, 50, 120, 50, 120, 50, 120] {
        drive(&clients, value).await?;
        let active = value > 100;
        wait::until("the owner to have seen it", wait::SOON, || async {
            let seen = alarm(client, ALARM).await?;
            // While it chatters it is shown as active; the reading is what comes and goes.
            ensure!(seen.active == active || seen.chattering, "{seen:?}");
            Ok(())
        })
        .await?;
    }
    let raised = journal(client).await?.into_iter().filter(|row| row.alarm == ALARM && row.transition == "RAISED").count();
    ensure!(raised > 1, "it came and went, {raised} times");
    until_told(client, alarm(client, ALARM).await?.occurrence).await?;
    ensure!(pager.posts(ALARM).len() == 1 && pager.mails(ALARM).len() == 1, "{:?}", pager.posts(ALARM));
    cluster.finish()
}
