//! All doers at once, for as long as a day lasts, and the judgement of what they were told.

use super::{acks, actions, batons, journal, shelves};
use crate::alarms;
use crate::{Client, Cluster, Evidence, Lab, Nemesis, wait};
use anyhow::{Context as _, ensure};
use labkeeper_proto::v1::{self, CommandState, audit_service_client::AuditServiceClient};
use std::collections::BTreeMap;
use std::fmt;
use tokio::sync::watch;

/// How many numbers a day has; a device keeps them as 32-bit reals, which are exact up to 16 million.
const NUMBERS_A_DAY: u32 = 60_000;
/// Entries of the audit asked for at once.
const PAGE: u32 = 1_000;

/// A lab with what the doers work on: a device that counts in each segment, of which one cannot be asked how often it has counted; a device that
/// two want; and alarms.
///
/// # Errors
/// When there is no free port.
pub fn furnish(mut lab: Lab) -> anyhow::Result<Lab> {
    for segment in actions::SEGMENTS {
        let action = if segment == "vacuum" { "true" } else { "{ probe = \"writes\" }" };
        let tags = format!(
            "writes = {{ register = \"input:2\", type = \"u32\" }}\ndo = {{ register = \"holding:0\", type = \"f32\", access = \"rw\", action = {action} }}\n"
        );
        lab = lab.device(segment, &actions::device(segment), "plc", &tags)?;
    }
    Ok(lab.bank(batons::SEGMENT, batons::DEVICE)?.text(&acks::declared()).text(&shelves::declared()))
}

/// What has gone on over several days.
#[derive(Debug, Default)]
pub struct Desk {
    /// Whose turn it is among the alarms.
    turns: (u64, u64),
    acks: Vec<acks::Told>,
    shelves: Vec<shelves::Told>,
    actions: Vec<actions::Told>,
    baton: batons::Baton,
    takings: usize,
    writes: usize,
    /// The audit is judged up to this entry.
    audited: u64,
    /// The alarms' journal so far, oldest first: of many days, the site does not keep all.
    rows: Vec<v1::AlarmJournalEntry>,
}

/// What the doers were told on one day and is judged with the audit of that day.
#[derive(Debug)]
pub struct Day(batons::Told);

impl Desk {
    /// Everybody is at work until the day is done.
    ///
    /// # Errors
    /// When nobody answers one of them, or an alarm is not raised.
    pub async fn work(&mut self, nodes: &[Client], done: &watch::Receiver<bool>, day: u32) -> anyhow::Result<Day> {
        let first = day * NUMBERS_A_DAY + 1;
        let (acted, held, acked, shelved) = tokio::try_join!(
            actions::run(nodes, done, first),
            batons::run(nodes, done, u64::from(day) * 1_000_000),
            acks::run(nodes, done.clone(), &mut self.turns.0),
            shelves::run(nodes, done.clone(), &mut self.turns.1),
        )?;
        self.actions.extend(acted);
        self.acks.extend(acked);
        self.shelves.extend(shelved);
        let (takings, writes) = held.counts();
        (self.takings, self.writes) = (self.takings + takings, self.writes + writes);
        Ok(Day(held))
    }

    /// Fails if anything that somebody was told is not so.
    ///
    /// # Errors
    /// With every conviction; or when the plant or the cluster does not answer.
    pub async fn judge(&mut self, cluster: &Cluster, nemesis: &Nemesis, evidence: &Evidence, day: Day) -> anyhow::Result<()> {
        let mut wrong = actions::convictions(&self.actions, &done(cluster).await?, &owners(evidence), nemesis.faults());
        let clients = cluster.clients();
        shelves::ended(&clients[0]).await?;
        let after = self.rows.last().map_or(0, |row| row.number);
        let rows =
            equal(
                "journal",
                &clients,
                |client| async move { Ok(alarms::journal_after(&client, after).await?.into_iter().rev().collect()) },
            );
        self.rows.extend(rows.await?);
        wrong.extend(journal::convictions(&self.rows, &self.acks, &self.shelves));
        let from = self.audited + 1;
        let entries = equal("audit", &clients, |client| async move { audit(&client, from).await }).await?;
        wrong.extend(self.baton.convictions(&entries, &day.0));
        self.audited = entries.last().map_or(self.audited, |last| last.number);
        ensure!(wrong.is_empty(), "not as people were told:\n{}\nafter\n{}", wrong.join("\n"), nemesis.story());
        Ok(())
    }

    /// Fails if a kind of deed has hardly been done, so that its judgement says nothing.
    ///
    /// # Errors
    /// With the counts.
    pub fn must_have_worked(&self, days: u32) -> anyhow::Result<()> {
        let each = [self.actions.len(), self.takings, self.writes, self.acks.len(), self.shelves.len()];
        ensure!(each.iter().all(|count| *count >= days as usize), "too little to judge: {self}");
        Ok(())
    }
}

impl fmt::Display for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut states: BTreeMap<&str, usize> = BTreeMap::new();
        for told in &self.actions {
            *states.entry(told.command.state().as_str_name().trim_start_matches("COMMAND_STATE_")).or_default() += 1;
        }
        let doubts = self.actions.iter().filter(|told| told.command.state() == CommandState::Unknown).count();
        let (actions, acks, shelves) = (self.actions.len(), self.acks.len(), self.shelves.len());
        let (takings, writes) = (self.takings, self.writes);
        write!(
            f,
            "{actions} actions {states:?}, {doubts} doubts explained by faults; {takings} takings of control with {writes} writes; "
        )?;
        write!(f, "{acks} acknowledgements; {shelves} shelves begun or ended")
    }
}

/// How often each number reached its device and was done, by the device's record, which must agree with the device's own count.
async fn done(cluster: &Cluster) -> anyhow::Result<BTreeMap<u32, usize>> {
    let mut done = BTreeMap::new();
    let recorded = cluster.plant.recorded()?;
    for segment in actions::SEGMENTS {
        let device = actions::device(segment);
        let writes = recorded.iter().filter(|write| write.device == device && write.outcome == "applied" && !write.claim);
        let words: Vec<&Vec<u16>> = writes.map(|write| &write.values).collect();
        let counted = cluster.plant.cells(&device, "input", 2, 2).await?;
        let counted = u64::from(counted[0]) << 16 | u64::from(counted[1]);
        ensure!(counted == words.len() as u64, "{device} has counted {counted} writes and recorded {}", words.len());
        for words in words {
            let [high, low] = words.as_slice() else { anyhow::bail!("{device} was written {words:?}") };
            let number = f32::from_bits(u32::from(*high) << 16 | u32::from(*low));
            // What is written are whole numbers that a 32-bit real holds exactly.
            *done.entry(number as u32).or_default() += 1;
        }
    }
    Ok(done)
}

fn owners(evidence: &Evidence) -> actions::Owners {
    let mut owners = actions::Owners::new();
    for grant in evidence.grants().values() {
        let at_ms = grant.began_unix_ms.saturating_add_unsigned(grant.assigned_ms);
        owners.entry(grant.segment.clone()).or_default().insert(at_ms.saturating_mul(1_000_000), grant.to.clone());
    }
    owners
}

/// What every node says, once all say the same.
async fn equal<T, F>(what: &str, clients: &[Client], ask: impl Fn(Client) -> F) -> anyhow::Result<Vec<T>>
where
    T: PartialEq + fmt::Debug,
    F: Future<Output = anyhow::Result<Vec<T>>>,
{
    wait::until(&format!("the same {what} on every node"), wait::SOON, || async {
        let mut first: Option<Vec<T>> = None;
        for client in clients {
            let said = ask(client.clone()).await?;
            let other = first.get_or_insert_with(Vec::new);
            if other.is_empty() {
                *other = said;
                continue;
            }
            let differs = other.iter().zip(&said).find(|(a, b)| a != b);
            ensure!(differs.is_none() && other.len() == said.len(), "{} and {} entries, {differs:?}", other.len(), said.len());
        }
        first.context("a node")
    })
    .await
}

/// The audit from an entry on.
async fn audit(client: &Client, from: u64) -> anyhow::Result<Vec<v1::AuditEntry>> {
    let mut entries: Vec<v1::AuditEntry> = Vec::new();
    loop {
        let from = entries.last().map_or(from, |last| last.number + 1);
        let request = v1::ListAuditRequest { from, limit: PAGE };
        let page = AuditServiceClient::new(client.channel()).list_audit(request).await?.into_inner();
        if page.entries.is_empty() {
            return Ok(entries);
        }
        ensure!(page.entries[0].number == from, "entry {from} has left the audit: judge it more often");
        entries.extend(page.entries);
    }
}
