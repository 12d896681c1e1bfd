//! Clients that command all the time while something else goes on: setpoints over every segment, each with a value that no
//! other has, each repeated under its id until somebody acknowledges it.

use crate::Client;
use crate::client::setpoint;
use crate::outage::first_answer;
use anyhow::ensure;
use futures::future::try_join_all;
use labkeeper_proto::v1;
use labkeeper_proto::v1::value::Kind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// When a client asks the next node, with the first one's answer still to come: some ten times what a command takes, so that a
/// client meets a second node only when something is wrong, and then the same command is under way through two.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(300);

/// How to command.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Clients that send at the same time.
    pub clients: u64,
    /// Each client's pause after an acknowledgement.
    pub pause: Duration,
    /// How many of each bank's tags are set: `s00` to the one before this.
    pub tags: u64,
    /// The first value; the next command has the next one.
    pub first: u64,
    /// Where to stop: after so many commands, however long that takes.
    pub most: u64,
}

/// Does something while something else goes on, and ends that with it, however it ends: what nobody ends would hang the test.
pub async fn beside<T>(done: watch::Sender<bool>, day: impl Future<Output = T>) -> T {
    let result = day.await;
    // Nobody listens if it has ended by itself.
    let _ = done.send(true);
    result
}

impl Load {
    /// Commands through `nodes` until `done` says so or `most` commands are acknowledged. Returns what the clients were told.
    ///
    /// # Errors
    /// When a command is refused, or nobody acknowledges it.
    pub async fn run(self, nodes: &[Client], done: watch::Receiver<bool>) -> anyhow::Result<Vec<v1::Command>> {
        let taken = AtomicU64::new(0);
        let told = try_join_all((0..self.clients).map(|n| self.client(nodes, n, &taken, done.clone()))).await?;
        Ok(told.into_iter().flatten().collect())
    }

    async fn client(
        self,
        nodes: &[Client],
        n: u64,
        taken: &AtomicU64,
        mut done: watch::Receiver<bool>,
    ) -> anyhow::Result<Vec<v1::Command>> {
        let mut told = Vec::new();
        while !*done.borrow_and_update() {
            let at = taken.fetch_add(1, Ordering::Relaxed);
            if at >= self.most {
                break;
            }
            let segment = ["cryo", "furnace", "vacuum"][usize::try_from(at % 3)?];
            let tag = format!("{segment}/bank-{segment}/s{:02}", (at / 3) % self.tags);
            let request = setpoint(&tag, Kind::Unsigned(self.first + at));
            let first = usize::try_from(n + at)?;
            let command = first_answer(ASK_AGAIN_AFTER, |n| nodes[(first + n) % nodes.len()].set(request.clone())).await?;
            ensure!(command.revision > 0, "refused: {command:?}");
            told.push(command);
            let _ = tokio::time::timeout(self.pause, done.changed()).await;
        }
        Ok(told)
    }
}
