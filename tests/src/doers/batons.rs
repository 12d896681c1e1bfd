//! Two people who both want control of one device, each of whom writes whether he has it or not. In the order of the audit, nobody's write is
//! taken while the other has control, none is refused without cause, and what a client was told is there.
//!
//! A hold whose time is over is nobody's, though the entry that says so may come later: so a write is judged by the time of its entry and the
//! latest end of the hold that its holder was told of.

use super::{Answer, ask, goes_on, mark, new_id};
use crate::Client;
use crate::client::setpoint;
use labkeeper_proto::v1::{self, control_service_client::ControlServiceClient, value::Kind};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::sync::watch;
use tonic::Status;

/// The device that both want.
pub const DEVICE: &str = "bank-shared";
/// Its segment.
pub const SEGMENT: &str = "furnace";
/// The two.
const RIVALS: [&str; 2] = ["ann", "bob"];
/// How long control lasts without a renewal: the shortest time, so that some of it runs out.
pub const HOLD: Duration = Duration::from_secs(5);
/// Writes, with as many renewals, before it is given back.
const WRITES: u32 = 3;
/// Pause between two deeds.
const PAUSE: Duration = Duration::from_millis(60);
/// The refusal of a write while another has control.
const TAKEN: &str = "LAB3040";

/// What the two were told.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Reasons of the takings that were acknowledged.
    taken: BTreeSet<String>,
    /// Until when a hold lasts at least, by the reason of its taking: UTC, milliseconds since 1970.
    until_ms: BTreeMap<String, i64>,
    /// Their writes.
    writes: Vec<v1::Command>,
}

/// The device's scope.
fn scope() -> String {
    format!("device/{DEVICE}")
}

fn service(node: &Client) -> ControlServiceClient<tonic::transport::Channel> {
    ControlServiceClient::new(node.channel())
}

/// Both are at work until the day is done; `first` is the first value that is written.
///
/// # Errors
/// When nobody answers one of them.
pub async fn run(nodes: &[Client], done: &watch::Receiver<bool>, first: u64) -> anyhow::Result<Told> {
    let [ann, bob] = [(0, first), (1, first + 100_000)].map(|(n, first)| rival(nodes, done.clone(), n, first));
    let (mut told, bob) = tokio::try_join!(ann, bob)?;
    told.taken.extend(bob.taken);
    told.until_ms.extend(bob.until_ms);
    told.writes.extend(bob.writes);
    Ok(told)
}

async fn rival(nodes: &[Client], mut done: watch::Receiver<bool>, n: usize, mut value: u64) -> anyhow::Result<Told> {
    let (actor, mut told) = (RIVALS[n], Told::default());
    for round in n.. {
        let reason = mark(actor);
        let took = take(nodes, round, actor, &reason).await?;
        told.hear(&reason, &took);
        if took.said.is_ok() {
            told.taken.insert(reason.clone());
        }
        for deed in 0..WRITES as usize {
            value += 1;
            told.writes.push(write(nodes, round + deed, actor, value).await?);
            if took.said.is_ok() {
                let renewed = renew(nodes, round + deed, actor).await?;
                told.hear(&reason, &renewed);
            }
            if !goes_on(&mut done, PAUSE).await {
                return Ok(told);
            }
        }
        // Every third time whoever has it walks away.
        if took.said.is_ok() && round % 3 != 0 {
            let request = v1::ControlDeedRequest { scope: scope(), actor: actor.into(), reason: String::new(), id: new_id() };
            ask(nodes, round, |node| give(node, request.clone())).await?;
        }
    }
    Ok(told)
}

async fn take(nodes: &[Client], first: usize, actor: &str, reason: &str) -> anyhow::Result<Answer<v1::ControlResponse>> {
    let hold_ms = u32::try_from(HOLD.as_millis())?;
    let request =
        v1::TakeControlRequest { scope: scope(), actor: actor.into(), client: client(actor), reason: reason.into(), hold_ms, id: new_id() };
    ask(nodes, first, |node| {
        let request = request.clone();
        async move { Ok::<_, Status>(service(&node).take_control(request).await?.into_inner()) }
    })
    .await
}

async fn renew(nodes: &[Client], first: usize, actor: &str) -> anyhow::Result<Answer<v1::ControlResponse>> {
    let request = v1::RenewControlRequest { scope: scope(), actor: actor.into(), client: client(actor) };
    ask(nodes, first, |node| {
        let request = request.clone();
        async move { Ok::<_, Status>(service(&node).renew_control(request).await?.into_inner()) }
    })
    .await
}

async fn give(node: Client, request: v1::ControlDeedRequest) -> Result<v1::ControlResponse, Status> {
    Ok(service(&node).give_control(request).await?.into_inner())
}

async fn write(nodes: &[Client], first: usize, actor: &str, value: u64) -> anyhow::Result<v1::Command> {
    let tag = format!("{SEGMENT}/{DEVICE}/s00");
    let request = v1::SetSetpointRequest { actor: actor.into(), ..setpoint(&tag, Kind::Unsigned(value)) };
    let answer = ask(nodes, first, |node| {
        let request = request.clone();
        async move { node.set(request).await }
    });
    Ok(answer.await?.said?)
}

fn client(actor: &str) -> String {
    format!("{actor}'s desk")
}

impl Told {
    /// A hold lasts until what the answer says of it.
    fn hear(&mut self, reason: &str, answer: &Answer<v1::ControlResponse>) {
        let held = answer.said.iter().flat_map(|answer| &answer.held).find(|held| held.reason == reason);
        if let Some(held) = held {
            let until = self.until_ms.entry(reason.to_owned()).or_default();
            *until = held.until_unix_ms.max(*until);
        }
    }

    /// How many takings and writes were acknowledged.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        (self.taken.len(), self.writes.iter().filter(|write| write.revision > 0).count())
    }
}

/// Control as the audit has it so far.
#[derive(Clone, Debug, Default)]
pub struct Baton {
    /// Who has it, and the reason of the taking.
    held: Option<(String, String)>,
    /// Reasons of takings that were given back: whoever did that has gone on to something else.
    over: BTreeSet<String>,
}

impl Baton {
    /// Everything that is wrong with the entries that follow those judged before, under what clients were told by the end of them.
    pub fn convictions(&mut self, entries: &[v1::AuditEntry], told: &Told) -> Vec<String> {
        let mut wrong = Vec::new();
        let tag = format!("{SEGMENT}/{DEVICE}/s00");
        for entry in entries {
            if entry.action == "control" && entry.target == scope() && entry.refused.is_empty() {
                wrong.extend(self.passes(entry, told));
            } else if entry.target == tag && !entry.command_id.is_empty() {
                wrong.extend(self.why_wrong(entry, told).map(|why| format!("{why}: {entry:?}")));
            }
        }
        let known: BTreeSet<&str> = entries.iter().map(|entry| entry.command_id.as_str()).collect();
        let lost = told.writes.iter().filter(|write| !known.contains(write.id.as_str()));
        wrong.extend(lost.map(|write| format!("was answered and is not in the audit: {write:?}")));
        let reasons: BTreeSet<&str> = entries.iter().map(|entry| entry.reason.as_str()).collect();
        let lost = told.taken.iter().filter(|reason| !reasons.contains(reason.as_str()));
        wrong.extend(lost.map(|reason| format!("control was acknowledged as taken and is not in the audit: {reason}")));
        wrong
    }

    /// Control changes hands, or ends.
    fn passes(&mut self, entry: &v1::AuditEntry, told: &Told) -> Option<String> {
        let before = self.held.take();
        if entry.detail.starts_with("taken") {
            self.held = Some((entry.actor.clone(), entry.reason.clone()));
            if self.over.contains(&entry.reason) {
                return Some(format!("given back, and taken again by the same request: {entry:?}"));
            }
            let (holder, reason) = before?;
            return (holder != entry.actor || reason == entry.reason).then(|| format!("{holder} has it ({reason}), and then {entry:?}"));
        }
        let Some((holder, reason)) = before else { return Some(format!("nobody has it, and then {entry:?}")) };
        let ran_out = entry.detail.contains("did not renew");
        if !ran_out {
            self.over.insert(reason.clone());
        }
        let early = told.until_ms.get(&reason).is_some_and(|until| entry.time_unix_ns / 1_000_000 < *until);
        (ran_out && early).then(|| format!("{holder}'s ended before its time: {entry:?}"))
    }

    fn why_wrong(&self, entry: &v1::AuditEntry, told: &Told) -> Option<String> {
        let rival = self.held.as_ref().filter(|(holder, _)| *holder != entry.actor);
        match rival {
            Some((holder, reason)) if entry.refused.is_empty() => {
                let lasts = told.until_ms.get(reason).is_some_and(|until| entry.time_unix_ns / 1_000_000 < *until);
                lasts.then(|| format!("taken while {holder} has control"))
            }
            None if entry.refused == TAKEN => Some("refused while nobody else has control".into()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(actor: &str, detail: &str, reason: &str, s: i64) -> v1::AuditEntry {
        let (action, time_unix_ns) = ("control".into(), s * 1_000_000_000);
        v1::AuditEntry {
            actor: actor.into(),
            action,
            target: scope(),
            detail: detail.into(),
            reason: reason.into(),
            time_unix_ns,
            ..Default::default()
        }
    }

    fn set(actor: &str, refused: &str, s: i64) -> v1::AuditEntry {
        let (target, command_id) = ("furnace/bank-shared/s00".into(), "id".into());
        v1::AuditEntry { target, command_id, refused: refused.into(), ..control(actor, "", "", s) }
    }

    fn judged(entries: &[v1::AuditEntry]) -> usize {
        let told = Told { taken: ["r".to_owned()].into(), until_ms: [("r".to_owned(), 6_000)].into(), writes: vec![] };
        Baton::default().convictions(entries, &told).len()
    }

    #[test]
    fn the_one_who_has_it_writes_and_the_other_is_refused() {
        let taken = || control("ann", "taken through x for 5 s at a time", "r", 1);
        let given = || control("ann", "given back", "", 3);
        let ran_out = |s| control("labkeeper", "ann did not renew it in time", "", s);
        assert_eq!(judged(&[set("bob", "", 0), taken(), set("ann", "", 2), set("bob", TAKEN, 2), given(), set("bob", "", 3)]), 0);
        assert_eq!(judged(&[taken(), set("bob", "", 7), ran_out(7), set("bob", "", 8)]), 0, "over, though not yet said so");
        assert_eq!(judged(&[taken(), set("bob", "", 2)]), 1);
        assert_eq!(judged(&[taken(), set("ann", TAKEN, 2)]), 1);
        assert_eq!(judged(&[taken(), ran_out(2)]), 1, "before its time");
        assert_eq!(judged(&[taken(), taken()]), 1, "taken twice");
        assert_eq!(judged(&[taken(), control("bob", "taken for 5 s", "q", 2)]), 1, "from somebody who has it");
        assert_eq!(judged(&[taken(), given(), given()]), 1);
        assert_eq!(judged(&[taken(), given(), taken()]), 1, "a request that came late");
        assert_eq!(judged(&[set("bob", "", 0)]), 1, "an acknowledged taking is lost");
    }
}
