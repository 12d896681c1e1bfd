//! Eight clients that command the same few tags at the same time, through kills and partitions, each command through two nodes at once:
//! what they are told is what one machine could have told them that takes one command after the other.
//!
//! That each command counts once is what its id is for. The second test is the first one without that: its clients send the copy of each
//! command under an id of its own, as if nobody remembered ids. Then a history must be found that no single machine could have brought
//! about, or the check proves nothing.

use anyhow::{Context as _, ensure};
use labkeeper_proto::v1;
use labkeeper_proto::v1::CommandState;
use labkeeper_proto::v1::value::Kind;
use labkeeper_tests::client::setpoint;
use labkeeper_tests::linear::{Histories, Set};
use labkeeper_tests::load::beside;
use labkeeper_tests::outage::first_answer;
use labkeeper_tests::{Client, Cluster, Lab, Nemesis, Setup, Step, Who, chance, scenario};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use std::time::Duration;
use tokio::sync::watch;

const CLIENTS: usize = 8;
/// As many questions about one tag are under way at once as there are clients for each.
const TAGS: [&str; 3] = ["cryo/bank-cryo/s00", "furnace/bank-furnace/s01", "vacuum/bank-vacuum/s02"];
/// When a client asks another node, with the first one's answer still to come: an answer takes some ten milliseconds.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(200);
/// After each answer, so that a history of a few seconds stays one of hundreds of commands.
const PAUSE: Duration = Duration::from_millis(40);

/// What the copy of a command carries.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ids {
    Same,
    Fresh,
}

struct Asking<'a> {
    nodes: &'a [Client],
    histories: &'a Histories,
    ids: Ids,
}

impl Asking<'_> {
    /// One client, until it is told to end.
    async fn client(&self, client: usize, mut chance: StdRng, done: watch::Receiver<bool>) -> anyhow::Result<()> {
        let mut known = 0;
        while !*done.borrow() {
            let tag = TAGS[chance.random_range(0..TAGS.len())];
            // Every other set expects the revision that its client heard of last, of whichever tag: right often enough.
            let expected = chance.random_bool(0.5).then_some(known);
            let request =
                v1::SetSetpointRequest { expected_revision: expected, ..setpoint(tag, Kind::Unsigned(chance.random_range(0..1_000_000))) };
            self.histories.asked(tag, client, expected);
            let command = self.twice(client, &request).await?;
            let made = match command.state() {
                CommandState::Rejected => {
                    ensure!(command.error.as_ref().is_some_and(|error| error.code == "LAB3007"), "{command:?}");
                    None
                }
                _ => Some(command.revision),
            };
            self.histories.told(tag, client, Set { expected, made });
            known = made.unwrap_or(known + 1);
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// The command and a copy of it, through two nodes at once; the answer to the first. With the same id both are told the same.
    async fn twice(&self, client: usize, request: &v1::SetSetpointRequest) -> anyhow::Result<v1::Command> {
        let copy = match self.ids {
            Ids::Same => request.clone(),
            Ids::Fresh => v1::SetSetpointRequest { id: setpoint("", Kind::Unsigned(0)).id, ..request.clone() },
        };
        let ask = |first: usize, request: v1::SetSetpointRequest| {
            first_answer(ASK_AGAIN_AFTER, move |n| {
                let (node, request) = (self.nodes[(first + n) % self.nodes.len()].clone(), request.clone());
                async move { node.set(request).await }
            })
        };
        let (told, again) = tokio::join!(ask(client, request.clone()), ask(client + 1, copy));
        let (told, again) = (told?, again?);
        let is_same = (told.revision, told.log_index) == (again.revision, again.log_index);
        ensure!(is_same || self.ids == Ids::Fresh, "two answers to one command: {told:?}, {again:?}");
        Ok(told)
    }
}

/// Goes on with the histories while these steps are taken.
async fn go_on(histories: &Histories, cluster: &mut Cluster, steps: &[Step], ids: Ids, seed: u64) -> anyhow::Result<()> {
    let nodes = cluster.clients();
    let mut nemesis = Nemesis::default();
    let asking = Asking { nodes: &nodes, histories, ids };
    let (done, is_done) = watch::channel(false);
    let clients = (0..CLIENTS).map(|n| asking.client(n, StdRng::seed_from_u64(seed.wrapping_add(n as u64)), is_done.clone()));
    let (clients, taken) = tokio::join!(futures::future::try_join_all(clients), beside(done, nemesis.take(cluster, steps)));
    taken.and(clients.map(drop)).with_context(|| nemesis.story())
}

#[tokio::test]
async fn what_clients_are_told_through_kills_and_partitions_is_linearizable() -> anyhow::Result<()> {
    let (seed, mut chance) = chance::from_environment();
    let mut cluster = Setup::new(3, Lab::for_bad_days()?).with_network().start().await?;
    // One history over all days: what was said on the day before belongs to it.
    let histories = Histories::default();
    for day in 0..chance::rounds(4) {
        let mut steps = vec![
            Step::Kill(Who::Leader),
            Step::Wait(Duration::from_millis(chance.random_range(300..1_500))),
            Step::Restart,
            Step::Isolate(Who::Leader),
            Step::Wait(Duration::from_millis(chance.random_range(300..1_500))),
        ];
        if day % 2 == 1 {
            steps = scenario::bad_day(&mut chance);
        }
        steps.extend(scenario::repair());
        let told = || format!("day {day}, LABKEEPER_SEED={seed}, {steps:?}");
        go_on(&histories, &mut cluster, &steps, Ids::Same, seed ^ u64::from(day)).await.with_context(told)?;
        println!("day {day}: {} answers", histories.len());
        ensure!(histories.len() > CLIENTS, "{}", told());
        let wrong = histories.contradictions();
        ensure!(wrong.is_empty(), "{}\nnot linearizable:\n{}", told(), wrong.join("\n"));
    }
    cluster.finish()
}

#[tokio::test]
async fn without_remembered_ids_the_same_clients_are_told_what_cannot_be() -> anyhow::Result<()> {
    let (seed, _) = chance::from_environment();
    let mut cluster = Cluster::with_lab(3, Lab::standard()?).await?;
    let steps = [Step::Wait(Duration::from_secs(1))];
    let histories = Histories::default();
    go_on(&histories, &mut cluster, &steps, Ids::Fresh, seed).await?;
    ensure!(histories.len() > CLIENTS, "{} answers", histories.len());
    ensure!(!histories.contradictions().is_empty(), "every copy counted, and nobody could tell");
    cluster.finish()
}
