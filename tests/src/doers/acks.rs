//! Alarms that are raised one after the other, each acknowledged by somebody who has seen exactly that occurrence.
//!
//! The alarms are of one tag, each at a value of its own: driving the tag to a value raises that value's alarm and clears the one before. There
//! are so many that none comes often enough to count as chatter.

use super::{Answer, ask, goes_on, mark, new_id};
use crate::Client;
use crate::alarms::{alarm, service};
use crate::client::setpoint;
use crate::wait;
use anyhow::ensure;
use labkeeper_proto::v1::{self, value::Kind};
use std::fmt::Write as _;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How many alarms there are. A step takes a quarter of a second at least, so each comes once in half a minute at most.
const ALARMS: u64 = 120;
/// The value at which the first is raised.
const FIRST: u64 = 1_000;
/// The setpoint that raises them, its device, and the register of both.
const SETPOINT: &str = "vacuum/bank-vacuum/s12";
const DEVICE: &str = "bank-vacuum";
const REGISTER: &str = "holding:24";
/// Pause between two of them.
const PAUSE: Duration = Duration::from_millis(20);
/// Longest wait for an alarm before its setpoint is sent again: a takeover.
const SET_AGAIN_AFTER: Duration = Duration::from_secs(3);
/// Longest wait for an alarm to be raised: two faults, a takeover after each, and what a busy machine makes of it.
const RAISED_MAX: Duration = Duration::from_secs(30);

/// An acknowledgement, and what came of it.
#[derive(Clone, Debug)]
pub struct Told {
    /// Which alarm.
    pub alarm: String,
    /// Which occurrence was acknowledged.
    pub occurrence: u64,
    /// The comment that went with it, which no other has.
    pub mark: String,
    /// What was answered.
    pub answer: Answer<v1::AlarmDeedResponse>,
}

/// The alarms' declaration, as a part of a site file.
#[must_use]
pub fn declared() -> String {
    let mut text = format!("\n[devices.{DEVICE}.tags.seen]\nregister = \"{REGISTER}\"\ntype = \"u32\"\nalarms = [\n");
    for n in 0..ALARMS {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "  {{ name = \"is-{n}\", type = \"equals\", value = {}, priority = \"low\" }},", FIRST + n);
    }
    text + "]\n"
}

/// Raises and acknowledges until the day is done.
///
/// # Errors
/// When an alarm is not raised, or nobody answers.
pub async fn run(nodes: &[Client], mut done: watch::Receiver<bool>, turn: &mut u64) -> anyhow::Result<Vec<Told>> {
    let mut told = Vec::new();
    while goes_on(&mut done, PAUSE).await {
        let n = *turn % ALARMS;
        *turn += 1;
        let path = format!("vacuum/{DEVICE}/seen/is-{n}");
        let (first, mark) = (usize::try_from(n)?, mark("seen"));
        let occurrence = raise(nodes, first, &path, FIRST + n).await?;
        let request =
            v1::AcknowledgeAlarmRequest { alarm: path.clone(), occurrence, actor: "cara".into(), comment: mark.clone(), id: new_id() };
        let answer = ask(nodes, first, |node| {
            let request = request.clone();
            async move { Ok(service(&node).acknowledge_alarm(request).await?.into_inner()) }
        });
        told.push(Told { alarm: path, occurrence, mark, answer: answer.await? });
    }
    Ok(told)
}

/// Drives the tag to a value until that value's alarm is raised; its occurrence. A setpoint may end without effect on a bad day.
async fn raise(nodes: &[Client], first: usize, path: &str, value: u64) -> anyhow::Result<u64> {
    let began = Instant::now();
    loop {
        let request = setpoint(SETPOINT, Kind::Unsigned(value));
        let answer = ask(nodes, first, |node| {
            let request = request.clone();
            async move { node.set(request).await }
        });
        answer.await?.said?;
        match raised(nodes, path).await {
            Err(error) if began.elapsed() > RAISED_MAX => return Err(error),
            Err(_) => {}
            raised => return raised,
        }
    }
}

/// Waits until an alarm needs somebody, as any node sees it; its occurrence. No older one is taken for it: that one is acknowledged.
async fn raised(nodes: &[Client], path: &str) -> anyhow::Result<u64> {
    let turn = std::cell::Cell::new(0);
    wait::until(&format!("{path} to be raised"), SET_AGAIN_AFTER, || {
        let node = &nodes[turn.get() % nodes.len()];
        turn.set(turn.get() + 1);
        async move {
            let seen = tokio::time::timeout(Duration::from_millis(500), alarm(node, path)).await??;
            ensure!(seen.active && !seen.acknowledged, "{seen:?}");
            Ok(seen.occurrence)
        }
    })
    .await
}
