//! Alarms that are put aside: for a moment, which ends by itself, or for long, until somebody takes them back.

use super::{Answer, ask, goes_on, mark, new_id};
use crate::Client;
use crate::alarms::{alarms, service};
use crate::wait;
use anyhow::ensure;
use labkeeper_proto::v1;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// How many alarms there are: each is put aside again only after its shelf has ended, by a wide margin.
const ALARMS: u64 = 40;
const DEVICE: &str = "bank-vacuum";
/// A moment: it ends within one fault or the next.
const SHORT: Duration = Duration::from_millis(1_200);
/// Long: longer than anybody waits for an answer.
const LONG: Duration = Duration::from_secs(120);
/// Pause between two.
const PAUSE: Duration = Duration::from_millis(150);

/// A deed, and what came of it.
#[derive(Clone, Debug)]
pub struct Told {
    /// Which alarm.
    pub alarm: String,
    /// Its reason, which no other has.
    pub mark: String,
    /// Until when it was put aside, UTC in nanoseconds since 1970; `None` if it was taken back.
    pub until_ns: Option<i64>,
    /// What was answered.
    pub answer: Answer<v1::AlarmDeedResponse>,
}

/// The alarms' declaration, as a part of a site file; none is ever raised.
#[must_use]
pub fn declared() -> String {
    let mut text = format!("\n[devices.{DEVICE}.tags.calm]\nregister = \"holding:26\"\ntype = \"u32\"\nalarms = [\n");
    for n in 0..ALARMS {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "  {{ name = \"aside-{n}\", type = \"equals\", value = {}, priority = \"low\" }},", 900_000 + n);
    }
    text + "]\n"
}

/// Puts aside and takes back until the day is done.
///
/// # Errors
/// When nobody answers.
pub async fn run(nodes: &[Client], mut done: watch::Receiver<bool>, turn: &mut u64) -> anyhow::Result<Vec<Told>> {
    let mut told = Vec::new();
    while goes_on(&mut done, PAUSE).await {
        let n = *turn;
        *turn += 1;
        let path = format!("vacuum/{DEVICE}/calm/aside-{}", n % ALARMS);
        let is_long = n.is_multiple_of(2);
        let shelf = put_aside(nodes, n, &path, if is_long { LONG } else { SHORT }).await?;
        let is_there = is_long && shelf.answer.said.is_ok();
        told.push(shelf);
        if is_there {
            told.push(take_back(nodes, n, &path).await?);
        }
    }
    Ok(told)
}

/// Waits until nothing is put aside.
///
/// # Errors
/// When something is for longer than it should be.
pub async fn ended(node: &Client) -> anyhow::Result<()> {
    wait::until("every shelf to end", SHORT + wait::SOON, || async {
        let aside = alarms(node, &[]).await?.into_iter().filter(|alarm| alarm.shelf.is_some()).map(|alarm| alarm.alarm);
        let aside: Vec<String> = aside.collect();
        ensure!(aside.is_empty(), "{aside:?}");
        Ok(())
    })
    .await
}

async fn put_aside(nodes: &[Client], n: u64, path: &str, lasting: Duration) -> anyhow::Result<Told> {
    let until = SystemTime::now().duration_since(UNIX_EPOCH)? + lasting;
    let (until_ns, mark) = (Some(i64::try_from(until.as_nanos())?), mark("works"));
    let request =
        v1::ShelveAlarmRequest { alarm: path.into(), until_unix_ns: until_ns, actor: "dan".into(), reason: mark.clone(), id: new_id() };
    let answer = ask(nodes, usize::try_from(n)?, |node| {
        let request = request.clone();
        async move { Ok(service(&node).shelve_alarm(request).await?.into_inner()) }
    });
    Ok(Told { alarm: path.into(), mark, until_ns, answer: answer.await? })
}

async fn take_back(nodes: &[Client], n: u64, path: &str) -> anyhow::Result<Told> {
    let mark = mark("works over");
    let request = v1::AlarmDeedRequest { alarm: path.into(), actor: "dan".into(), reason: mark.clone(), id: new_id() };
    let answer = ask(nodes, usize::try_from(n)?, |node| {
        let request = request.clone();
        async move { Ok(service(&node).unshelve_alarm(request).await?.into_inner()) }
    });
    Ok(Told { alarm: path.into(), mark, until_ns: None, answer: answer.await? })
}
