//! Takeovers: every grant of a segment to a node, timed from the loss of the former owner to control under the next.
//!
//! The machine knows when an owner was last heard of, when its session ended and when the segment was granted; when its devices were
//! connected, read and enabled, the owner tells. Both together are the answer to "how long was nobody in control?".
//!
//! Knows nothing of how a device is taken over.

use crate::Machine;
use crate::audit::{Deed, SELF};
use crate::reply::{Effect, Rejection, Reply};
use crate::state::{Cause, TakeoverRecord, TakeoverReport, Vacancy};
use labkeeper_model::{Epoch, NodeId, Timestamp};
use std::sync::Arc;
use std::time::Duration;

/// Most takeovers that are remembered: a node that fails takes ten segments or so with it, so these are twenty failures and more. A
/// record takes some 200 bytes, all of them 40 kB. The audit remembers further back.
pub const TAKEOVERS_MAX: usize = 200;

/// How far an owner's clock may be ahead of the machine's time; as for reports about commands.
const CLOCK_AHEAD_MAX: Duration = Duration::from_secs(60);

impl Machine {
    /// Remembers that a segment was granted to a node.
    pub(crate) fn begin_takeover(&mut self, segment: &str, to: NodeId, left: Option<Vacancy>) {
        let record = TakeoverRecord {
            segment: segment.to_owned(),
            from: left.map(|left| left.from),
            to,
            epoch: self.recorded(segment).epoch,
            cause: left.map_or(Cause::First, |left| left.cause),
            last_renewal: left.map(|left| left.last_renewal),
            ended: left.map(|left| left.since),
            assigned: self.time,
            log_index: self.applied,
            report: None,
        };
        self.takeovers.push_back(Arc::new(record));
        while self.takeovers.len() > TAKEOVERS_MAX {
            self.takeovers.pop_front();
        }
    }

    pub(crate) fn report_takeover(
        &mut self,
        node: NodeId,
        segment: &str,
        epoch: Epoch,
        told: TakeoverReport,
        effects: &mut Vec<Effect>,
    ) -> Result<Reply, Rejection> {
        self.owned_under(node, segment, epoch)?;
        let open = |record: &&mut Arc<TakeoverRecord>| record.segment == segment && record.epoch == epoch && record.report.is_none();
        let latest = self.time.saturating_add(CLOCK_AHEAD_MAX);
        // Told already, or so long ago that it is forgotten: a repeat, which changes nothing.
        let Some(record) = self.takeovers.iter_mut().rev().find(open) else { return Ok(Reply::Done) };
        let record = Arc::make_mut(record);
        record.report = Some(in_order(told, record.assigned, latest));
        let done = record.clone();
        self.note_takeover(&done);
        effects.push(Effect::TakenOver { segment: segment.to_owned() });
        self.end_takeover_excuse(segment, effects);
        if done.report.is_some_and(|report| u64::from(report.devices_reached) * 2 >= u64::from(report.devices)) {
            self.correct_word(&done, effects);
        }
        Ok(Reply::Done)
    }

    /// An owner that reaches its devices is not poor any more, whatever it said when it was asked to probe.
    fn correct_word(&mut self, done: &TakeoverRecord, effects: &mut Vec<Effect>) {
        let is_poor = self.words.get(&done.segment).and_then(|words| words.get(&done.to)).is_some_and(|word| word.is_poor());
        if let Some(report) = done.report.filter(|_| is_poor && self.has_segment(&done.segment) && self.nodes.contains_key(&done.to)) {
            self.take_word(&done.segment, done.to, report.devices_reached, report.devices, effects);
            self.review(effects);
        }
    }

    fn note_takeover(&mut self, done: &TakeoverRecord) {
        let (Some(report), Some(gap)) = (done.report, done.gap()) else { return };
        let after = |time: Timestamp| time.saturating_since(done.began()).as_millis();
        let from = done.from.map_or_else(|| "nobody".to_owned(), |from| self.in_words(Some(from)));
        let detail = format!(
            "{from} -> {} (epoch {}): {}; in control again after {} ms: assigned +{}, connected +{}, read +{}, enabled +{}; {} of {} devices",
            self.in_words(Some(done.to)),
            done.epoch,
            done.cause,
            gap.as_millis(),
            after(done.assigned),
            after(report.connected),
            after(report.read),
            after(report.enabled),
            report.devices_reached,
            report.devices,
        );
        self.note(Deed { actor: SELF, action: "takeover", target: &done.segment, detail, reason: "" });
    }
}

/// What an owner told, with each time moved behind the one before it: clocks of nodes differ, the order of steps does not.
fn in_order(told: TakeoverReport, assigned: Timestamp, latest: Timestamp) -> TakeoverReport {
    let latest = latest.max(assigned);
    let connected = told.connected.clamp(assigned, latest);
    let read = told.read.clamp(connected, latest);
    let enabled = told.enabled.clamp(read, latest);
    TakeoverReport { connected, read, enabled, ..told }
}
