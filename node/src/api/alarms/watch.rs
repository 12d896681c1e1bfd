//! Following alarms: first everything, then what changes, each message as of a log entry.
//!
//! ```text
//!   effects (which alarm changed) --collected--> the state, read once --> one message --> the watcher
//!        \__ some were missed: everything again
//! ```
//!
//! A watcher that is slow gets fewer messages, not older ones: what changed meanwhile is collected and read when it is ready. What waits for
//! it is bounded by the number of alarms. What is too much for one message goes on in the next.

use super::{silence, statuses, wire};
use crate::clock;
use labkeeper_machine::{Effect, Machine};
use labkeeper_model::{AlarmId, LogIndex};
use labkeeper_proto::v1;
use labkeeper_raft::Cluster;
use prost::Message as _;
use std::collections::HashSet;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};
use tokio::time::{Instant, timeout_at};
use tonic::Status;

/// How long changes are collected before they are sent: nobody sees a tenth of a second, and a burst of 10,000 is a handful of messages.
const COLLECT: Duration = Duration::from_millis(50);
/// How often a watcher's node looks whether it has had nothing for too long, which no change tells it.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Most bytes of alarms in one message: a quarter of the 4 MiB that gRPC's clients take where nobody tells them otherwise, so that an alarm
/// with the longest texts (some 10 kB) fits beside them. A usual alarm has 300 bytes, so 10,000 are three messages.
const PAGE_BYTES: usize = 1 << 20;

type Out = mpsc::Sender<Result<v1::WatchAlarmsResponse, Status>>;

/// Which alarms changed, in order, each once.
#[derive(Default)]
struct Changed {
    order: Vec<AlarmId>,
    known: HashSet<AlarmId>,
    /// Some changes were missed.
    missed: bool,
}

impl Changed {
    fn take(&mut self, effect: Effect) {
        match effect {
            Effect::AlarmChanged { alarm } if self.known.insert(alarm.clone()) => self.order.push(alarm),
            // A state that was replaced by a snapshot says so by this; rules may have changed as well.
            Effect::SiteChanged => self.missed = true,
            _ => {}
        }
    }

    fn is_empty(&self) -> bool {
        self.order.is_empty() && !self.missed
    }
}

/// Tells a watcher, until it is gone or the node ends.
pub async fn watch(cluster: Cluster, all: bool, out: Out) {
    // Before the snapshot is read, so that nothing falls between.
    let mut effects = cluster.effects();
    let mut changed = Changed { missed: true, ..Changed::default() };
    let mut was_silent = false;
    loop {
        let (silent, message) = cluster.read(|machine| {
            let silence = silence::status(machine, clock::now());
            let silent = silence.is_some();
            if silent != was_silent {
                changed.order.extend(Machine::no_quorum_alarm().filter(|alarm| !changed.known.contains(alarm)));
            }
            if changed.missed {
                let mut alarms = statuses(machine, all);
                silence::add_to(&mut alarms, silence);
                let (floods, log_index) = (wire::floods(machine), machine.applied());
                return (silent, v1::WatchAlarmsResponse { snapshot: true, alarms, removed: vec![], floods, log_index, more: false });
            }
            let (mut alarms, removed) = read(machine, &changed.order);
            silence::add_to(&mut alarms, silence.filter(|_| silent != was_silent));
            let floods = wire::floods(machine);
            (silent, v1::WatchAlarmsResponse { snapshot: false, alarms, removed, floods, log_index: machine.applied(), more: false })
        });
        if silent != was_silent || !changed.is_empty() {
            for page in pages(message, PAGE_BYTES) {
                if out.send(Ok(page)).await.is_err() {
                    return;
                }
            }
        }
        was_silent = silent;
        let Some(next) = collect(&mut effects, &out).await else { return };
        changed = next;
    }
}

fn read(machine: &Machine, changed: &[AlarmId]) -> (Vec<v1::AlarmStatus>, Vec<String>) {
    let (mut alarms, mut removed) = (vec![], vec![]);
    for id in changed {
        match wire::status(machine, id) {
            Some(status) => alarms.push(status),
            None => removed.push(id.to_string()),
        }
    }
    (alarms, removed)
}

/// A message in parts of at most `bytes_max` of alarms each, or of one alarm. Everything but the alarms is in the first.
fn pages(message: v1::WatchAlarmsResponse, bytes_max: usize) -> Vec<v1::WatchAlarmsResponse> {
    let log_index = message.log_index;
    let mut rest = message.alarms.into_iter().peekable();
    let mut page = v1::WatchAlarmsResponse { alarms: vec![], ..message };
    let mut pages = vec![];
    loop {
        let mut bytes = 0;
        while let Some(alarm) = rest.next_if(|alarm| bytes == 0 || bytes + alarm.encoded_len() <= bytes_max) {
            bytes += alarm.encoded_len();
            page.alarms.push(alarm);
        }
        page.more = rest.peek().is_some();
        let more = page.more;
        pages.push(page);
        if !more {
            return pages;
        }
        page = v1::WatchAlarmsResponse { log_index, ..v1::WatchAlarmsResponse::default() };
    }
}

/// Waits for a change, and for what comes with it, or until it is time to look again; `None` when there is nobody to tell any more. What comes is taken at once, not at the
/// end of the wait: only so much waits for a listener.
async fn collect(effects: &mut broadcast::Receiver<(LogIndex, Effect)>, out: &Out) -> Option<Changed> {
    let mut changed = Changed::default();
    let look_at = Instant::now() + LOOK_EVERY;
    let mut until: Option<Instant> = None;
    loop {
        let next = timeout_at(until.unwrap_or(look_at), effects.recv());
        let effect = tokio::select! {
            () = out.closed() => return None,
            effect = next => effect,
        };
        match effect {
            Ok(Ok((_, effect))) => changed.take(effect),
            Ok(Err(RecvError::Lagged(_))) => changed.missed = true,
            Ok(Err(RecvError::Closed)) => return None,
            Err(_) => return Some(changed),
        }
        if until.is_none() && !changed.is_empty() {
            until = Some(Instant::now() + COLLECT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(n: usize) -> (LogIndex, Effect) {
        (1, Effect::AlarmChanged { alarm: AlarmId::parse(&format!("cryo/bank/tag-{n}/high")).expect("an alarm") })
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_longer_than_what_may_wait_is_collected_whole_and_in_its_order() {
        // Room for 16, and 100 come: half of the room at once, then a pause that any listener has.
        let (effects, mut listener) = broadcast::channel(16);
        let (out, _watcher) = mpsc::channel(1);
        let burst = async {
            for n in 0..100 {
                effects.send(changed(n)).expect("a listener");
                if n % 8 == 7 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
        };
        let (collected, ()) = tokio::join!(collect(&mut listener, &out), burst);
        let collected = collected.expect("a watcher");
        assert!(!collected.missed);
        let wanted: Vec<Effect> = (0..100).map(|n| changed(n).1).collect();
        assert_eq!(collected.order.into_iter().map(|alarm| Effect::AlarmChanged { alarm }).collect::<Vec<_>>(), wanted);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_missed_something_is_told_everything() {
        let (effects, mut listener) = broadcast::channel(16);
        let (out, _watcher) = mpsc::channel(1);
        (0..17).for_each(|n| drop(effects.send(changed(n))));
        assert!(collect(&mut listener, &out).await.expect("a watcher").missed);
    }

    #[test]
    fn what_is_too_much_for_one_message_goes_on_in_the_next() {
        let alarm = |n: usize| v1::AlarmStatus { alarm: format!("cryo/bank/tag/alarm-{n:03}"), ..v1::AlarmStatus::default() };
        let alarms: Vec<_> = (0..10).map(alarm).collect();
        let size = alarms[0].encoded_len();
        let whole = v1::WatchAlarmsResponse {
            snapshot: true,
            alarms: alarms.clone(),
            removed: vec!["gone".into()],
            log_index: 7,
            ..Default::default()
        };
        let told = |bytes_max| -> Vec<(bool, bool, usize, usize, u64)> {
            let pages = pages(whole.clone(), bytes_max);
            assert_eq!(pages.iter().flat_map(|page| page.alarms.clone()).collect::<Vec<_>>(), alarms);
            pages.iter().map(|page| (page.snapshot, page.more, page.alarms.len(), page.removed.len(), page.log_index)).collect()
        };
        assert_eq!(told(10 * size), [(true, false, 10, 1, 7)]);
        assert_eq!(told(4 * size), [(true, true, 4, 1, 7), (false, true, 4, 0, 7), (false, false, 2, 0, 7)]);
        assert_eq!(told(1).len(), 10, "one that is too large goes alone");
        let nothing = v1::WatchAlarmsResponse { snapshot: true, ..Default::default() };
        assert_eq!(pages(nothing.clone(), 1), [nothing]);
    }
}
