//! A closed load: each of n clients sends its next write when the last one was answered, for a given time.

use crate::etcd::{KvClient, PutRequest};
use labkeeper_proto::v1;
use labkeeper_proto::v1::command_service_client::CommandServiceClient;
use prost::Message as _;
use std::time::{Duration, Instant};
use tonic::transport::Channel;

/// Before counting begins: connections are made, and logs and caches are warm.
const WARM_UP: Duration = Duration::from_millis(500);
/// Clients that share a connection, as a client library does; eight connections at most.
const CLIENTS_PER_CONNECTION: usize = 16;
const CONNECTIONS_MAX: usize = 8;
/// How many tags (and keys) the writes spread over.
pub(crate) const TAGS: u64 = 1_000;

/// A client of either system.
#[derive(Clone, Debug)]
pub(crate) enum Client {
    /// Sets setpoints of a segment's device.
    Labkeeper(CommandServiceClient<Channel>, &'static str),
    /// Puts the same bytes under the same names.
    Etcd(KvClient<Channel>),
}

impl Client {
    /// One write, answered when a majority has it on disk.
    async fn write(&mut self, n: u64) -> anyhow::Result<()> {
        match self {
            Self::Labkeeper(client, device) => {
                let command = client.set_setpoint(request(device, n)).await?.into_inner().command.unwrap_or_default();
                anyhow::ensure!(command.revision > 0, "refused: {command:?}");
            }
            Self::Etcd(client) => {
                let request = request("bench/bank", n);
                let put = PutRequest { key: request.tag.clone().into_bytes(), value: request.encode_to_vec() };
                client.put(put).await?;
            }
        }
        Ok(())
    }
}

/// The same request for both: Labkeeper is sent it, etcd is given its bytes to keep.
fn request(device: &str, n: u64) -> v1::SetSetpointRequest {
    v1::SetSetpointRequest {
        id: uuid::Uuid::now_v7().to_string(),
        tag: format!("{device}/s{:03}", n % TAGS),
        value: Some(v1::Value { kind: Some(v1::value::Kind::Unsigned(n & 0xffff_ffff)) }),
        wait: v1::WaitLevel::Committed.into(),
        actor: "bench".into(),
        ..Default::default()
    }
}

/// What a load measured.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    /// Answered writes per second.
    pub per_s: f64,
    /// Median time to the answer.
    pub p50: Duration,
    /// 99 of 100 were answered within this.
    pub p99: Duration,
    /// Writes that were refused or not answered.
    pub failed: usize,
}

/// How many connections a number of clients gets.
#[must_use]
pub(crate) fn connections(clients: usize) -> usize {
    (clients / CLIENTS_PER_CONNECTION).clamp(1, CONNECTIONS_MAX)
}

/// Runs `clients` clients over the given connections (in turn) for `duration`.
///
/// # Errors
/// When a client's task panics.
pub(crate) async fn run(connections: &[Client], clients: usize, duration: Duration) -> anyhow::Result<Measured> {
    let from = Instant::now() + WARM_UP;
    let until = from + duration;
    let tasks: Vec<_> =
        (0..clients).map(|n| tokio::spawn(one_client(connections[n % connections.len()].clone(), n as u64, from, until))).collect();
    let (mut times, mut failed) = (Vec::new(), 0);
    for task in tasks {
        let (answered, lost) = task.await?;
        times.extend(answered);
        failed += lost;
    }
    times.sort_unstable();
    let quantile = |per_mille: usize| times.get(times.len().saturating_sub(1) * per_mille / 1_000).copied().unwrap_or_default();
    Ok(Measured { per_s: times.len() as f64 / duration.as_secs_f64(), p50: quantile(500), p99: quantile(990), failed })
}

async fn one_client(mut client: Client, n: u64, from: Instant, until: Instant) -> (Vec<Duration>, usize) {
    let (mut times, mut failed) = (Vec::new(), 0);
    // Far apart, so that clients rarely meet on a tag.
    let mut next = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    while Instant::now() < until {
        next = next.wrapping_add(1);
        let sent = Instant::now();
        let answer = client.write(next >> 8).await;
        let answered = Instant::now();
        if answer.is_err() {
            failed += 1;
        } else if sent >= from && answered <= until {
            times.push(answered - sent);
        }
    }
    (times, failed)
}
