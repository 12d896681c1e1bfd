//! Alarms as a client sees them, through any node.

use crate::Client;
use anyhow::Context as _;
use labkeeper_proto::v1::{self, alarm_service_client::AlarmServiceClient};
use tonic::transport::Channel;

/// Entries of the journal asked for at once.
const PAGE: u32 = 500;

/// The alarm service of a node.
#[must_use]
pub fn service(client: &Client) -> AlarmServiceClient<Channel> {
    AlarmServiceClient::new(client.channel())
}

/// Alarms by their paths; all that have something to say if none is named.
///
/// # Errors
/// When the node does not answer.
pub async fn alarms(client: &Client, paths: &[&str]) -> anyhow::Result<Vec<v1::AlarmStatus>> {
    let alarms = paths.iter().map(|path| (*path).to_owned()).collect();
    let request = v1::ListAlarmsRequest { all: !paths.is_empty(), alarms };
    Ok(service(client).list_alarms(request).await?.into_inner().alarms)
}

/// One alarm, normal or not.
///
/// # Errors
/// When the node does not answer or has no such alarm.
pub async fn alarm(client: &Client, path: &str) -> anyhow::Result<v1::AlarmStatus> {
    alarms(client, &[path]).await?.into_iter().next().with_context(|| format!("no alarm {path}"))
}

/// The whole journal, newest first.
///
/// # Errors
/// When the node does not answer.
pub async fn journal(client: &Client) -> anyhow::Result<Vec<v1::AlarmJournalEntry>> {
    journal_after(client, 0).await
}

/// The journal after an entry of this number, newest first: the site keeps the last 10,000, so a long story is read as it goes on.
///
/// # Errors
/// When the node does not answer.
pub async fn journal_after(client: &Client, number: u64) -> anyhow::Result<Vec<v1::AlarmJournalEntry>> {
    let mut entries: Vec<v1::AlarmJournalEntry> = Vec::new();
    loop {
        let before = entries.last().map_or(0, |entry| entry.number);
        let request = v1::ListAlarmJournalRequest { limit: PAGE, alarm: String::new(), before };
        let page = service(client).list_alarm_journal(request).await?.into_inner().entries;
        let is_last = page.last().is_none_or(|oldest| oldest.number <= number);
        entries.extend(page.into_iter().filter(|entry| entry.number > number));
        if is_last {
            return Ok(entries);
        }
    }
}

/// The paths of the alarms that were raised, oldest first, one for each time.
///
/// # Errors
/// When the node does not answer.
pub async fn raised(client: &Client) -> anyhow::Result<Vec<String>> {
    let entries = journal(client).await?.into_iter().rev();
    Ok(entries.filter(|entry| entry.transition == "RAISED").map(|entry| entry.alarm).collect())
}
