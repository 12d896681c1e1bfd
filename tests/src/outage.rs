//! How long a client had to wait: from a fault until the site did again what it is for.
//!
//! A client that waits for one node's answer measures that node's patience. So the same request, under the same id, goes to one
//! node after the other at short intervals, and the first answer counts.

use crate::Client;
use crate::client::setpoint;
use crate::wait;
use anyhow::{Context as _, ensure};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use labkeeper_proto::v1;
use labkeeper_proto::v1::CommandState;
use labkeeper_proto::v1::value::Kind;
use std::time::{Duration, Instant};
use tokio::time::{MissedTickBehavior, interval, timeout};

/// Between two attempts of a measurement: its resolution.
pub const ASK_EVERY: Duration = Duration::from_millis(50);
/// Longest wait for one attempt: an election at its worst. With [`ASK_EVERY`], at most 30 are under way.
const ATTEMPT_MAX: Duration = Duration::from_millis(1_500);
/// Longest wait for one look at a command: a killed node's silence must not hide that another is back.
const LOOK_MAX: Duration = Duration::from_millis(500);
/// Longest wait for control: a takeover takes some two seconds at default timing, and a busy machine five times that.
pub const CONTROL_MAX: Duration = Duration::from_secs(20);

/// The time from `since` until a setpoint that `clients` send after it is committed.
///
/// # Errors
/// When none is.
pub async fn until_committed(clients: &[Client], tag: &str, value: u64, since: Instant) -> anyhow::Result<Duration> {
    commit(clients, tag, value).await?;
    Ok(since.elapsed())
}

/// The time from `since` until a setpoint that `clients` send after it has reached its device and was read back.
///
/// # Errors
/// When it is not, or has ended otherwise.
pub async fn until_controlled(clients: &[Client], tag: &str, value: u64, since: Instant) -> anyhow::Result<Duration> {
    let ended = outcome(clients, tag, value).await?;
    ensure!(ended == CommandState::Verified, "the setpoint of {tag} ended as {ended:?}");
    Ok(since.elapsed())
}

/// As [`until_controlled`], with another setpoint for each that ends otherwise, as it may while the device itself is cut off: the way
/// of somebody who wants control back.
///
/// # Errors
/// When none is carried out.
pub async fn until_controlled_at_last(clients: &[Client], tag: &str, value: u64, since: Instant) -> anyhow::Result<Duration> {
    while outcome(clients, tag, value).await? != CommandState::Verified {
        ensure!(since.elapsed() < 2 * CONTROL_MAX, "no setpoint of {tag} is carried out");
    }
    Ok(since.elapsed())
}

/// How a setpoint ends.
async fn outcome(clients: &[Client], tag: &str, value: u64) -> anyhow::Result<CommandState> {
    let id = commit(clients, tag, value).await?.id;
    let turn = std::cell::Cell::new(0);
    wait::until(&format!("a setpoint of {tag} to end"), CONTROL_MAX, || {
        let client = &clients[turn.get() % clients.len()];
        turn.set(turn.get() + 1);
        async {
            let state = timeout(LOOK_MAX, client.command(&id)).await??.state();
            ensure!(state >= CommandState::Verified, "{state:?}");
            Ok(state)
        }
    })
    .await
}

/// Has a setpoint committed, through whichever node answers first.
async fn commit(clients: &[Client], tag: &str, value: u64) -> anyhow::Result<v1::Command> {
    let request = setpoint(tag, Kind::Unsigned(value));
    let answer = first_answer(ASK_EVERY, |n| clients[n % clients.len()].set(request.clone())).await;
    answer.with_context(|| format!("nobody answers a setpoint of {tag}"))
}

/// Asks again at every interval, whether earlier attempts have been answered or not, until one is answered well. `ask` is given
/// the number of the attempt.
///
/// # Errors
/// When none is within [`CONTROL_MAX`].
pub async fn first_answer<T, E, F>(every: Duration, ask: impl Fn(usize) -> F) -> anyhow::Result<T>
where
    F: Future<Output = Result<T, E>>,
{
    let asked = async {
        let mut attempts = FuturesUnordered::new();
        let mut turns = interval(every);
        turns.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut n = 0;
        loop {
            tokio::select! {
                _ = turns.tick() => {
                    attempts.push(timeout(ATTEMPT_MAX, ask(n)));
                    n += 1;
                }
                Some(Ok(Ok(answer))) = attempts.next() => return answer,
            }
        }
    };
    Ok(timeout(CONTROL_MAX, asked).await?)
}
