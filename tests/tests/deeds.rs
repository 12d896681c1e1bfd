//! What people do to alarms and control is done once under its id: sent again through another node after another has undone it, and under
//! another leader, it is answered as done, and nothing happens.

use anyhow::ensure;
use labkeeper_proto::v1::{self, control_service_client::ControlServiceClient};
use labkeeper_tests::alarms::{alarm, journal, service};
use labkeeper_tests::client::lab_code;
use labkeeper_tests::{Client, Cluster, wait};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tonic::Code;

const ALARM: &str = "cryo/bank-cryo/comm-fault";
const SCOPE: &str = "device/bank-cryo";

fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// Asks until a leader has decided: the one of before may just have died.
async fn decided<T>(what: &str, ask: impl AsyncFn() -> Result<T, tonic::Status>) -> anyhow::Result<Result<T, tonic::Status>> {
    wait::until(what, wait::SOON, || async {
        match ask().await {
            Err(status) if lab_code(&status).is_empty() || matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded) => {
                Err(status.into())
            }
            decided => Ok(decided),
        }
    })
    .await
}

async fn until_shelved(node: &Client, shelved: bool) -> anyhow::Result<()> {
    wait::until("the shelf to be as it should", wait::SOON, || async {
        let seen = alarm(node, ALARM).await?;
        ensure!(seen.shelf.is_some() == shelved, "{seen:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_shelf_that_was_taken_back_does_not_come_back_with_a_late_attempt() -> anyhow::Result<()> {
    let mut cluster = Cluster::start(3).await?;
    let leader = cluster.leader().await?;
    let others = cluster.clients_but(leader);
    let until = SystemTime::now().duration_since(UNIX_EPOCH)? + Duration::from_secs(3_600);
    let shelf = v1::ShelveAlarmRequest {
        alarm: ALARM.into(),
        until_unix_ns: Some(i64::try_from(until.as_nanos())?),
        actor: "ann".into(),
        reason: "works".into(),
        id: new_id(),
    };
    let shelve = async |node: &Client, shelf: &v1::ShelveAlarmRequest| service(node).shelve_alarm(shelf.clone()).await;
    decided("the shelf", || shelve(&others[0], &shelf)).await??;
    until_shelved(&others[1], true).await?;

    cluster.nodes[leader].kill9()?;
    let back = v1::AlarmDeedRequest { alarm: ALARM.into(), actor: "bob".into(), reason: "seen to".into(), id: new_id() };
    decided("its end", || async { service(&others[1]).unshelve_alarm(back.clone()).await }).await??;
    decided("the shelf, late", || shelve(&others[1], &shelf)).await??;
    until_shelved(&others[0], false).await?;
    let shelved = journal(&others[0]).await?.into_iter().filter(|row| row.transition == "SHELVED").count();
    assert_eq!(shelved, 1, "one deed");

    let other = v1::ShelveAlarmRequest { reason: "holiday".into(), ..shelf.clone() };
    let refused = decided("another deed under its id", || shelve(&others[0], &other)).await?.expect_err("an id is of one deed");
    assert_eq!((refused.code(), lab_code(&refused).as_str()), (Code::InvalidArgument, "LAB3009"), "{refused:?}");
    let nonsense = v1::ShelveAlarmRequest { id: "seven".into(), ..shelf };
    let refused = decided("no id", || shelve(&others[0], &nonsense)).await?.expect_err("it is no id");
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");
    cluster.nodes[leader].start().await?;
    until_shelved(&cluster.nodes[leader].client, false).await?;
    cluster.finish()
}

#[tokio::test]
async fn control_that_was_broken_is_not_taken_again_by_a_late_attempt() -> anyhow::Result<()> {
    let mut cluster = Cluster::start(3).await?;
    let leader = cluster.leader().await?;
    let others = cluster.clients_but(leader);
    let service = |node: &Client| ControlServiceClient::new(node.channel());
    let taking = v1::TakeControlRequest {
        scope: SCOPE.into(),
        actor: "ann".into(),
        client: "desk".into(),
        reason: "tuning".into(),
        hold_ms: 600_000,
        id: new_id(),
    };
    let take = async |node: &Client| service(node).take_control(taking.clone()).await;
    let held = decided("control", || take(&others[0])).await??.into_inner().held;
    assert_eq!(held.len(), 1, "{held:?}");

    cluster.nodes[leader].kill9()?;
    let end = v1::ControlDeedRequest { scope: SCOPE.into(), actor: "bob".into(), reason: "she has left".into(), id: new_id() };
    decided("its end", || async { service(&others[1]).break_control(end.clone()).await }).await??;
    let held = decided("control, late", || take(&others[1])).await??.into_inner().held;
    assert_eq!(held, vec![], "bob would find her at it again");
    cluster.nodes[leader].start().await?;
    cluster.finish()
}
