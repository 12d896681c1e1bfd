//! The interlocks of one segment under one ownership: looked at all the time, and asked right before each write.
//!
//! ```text
//!   inputs ──► requirement ──► Interlock (pure) ──► verdict ──► report, safe values          every look
//!                   └───────────────────┬────────────────────► may this value be written?   every write
//!   replicated state: latched, defeated ┘
//! ```
//!
//! Evaluated here from local readings, so it also works while there is no leader. It is not a safety system.
//!
//! Knows nothing of buses.

use crate::clock;
use crate::telemetry::inputs::TagInputs;
use labkeeper_expression::{Expression, Input, Inputs};
use labkeeper_machine::Machine;
use labkeeper_machine::interlocks::Verdict as Told;
use labkeeper_model::site::SiteSpec;
use labkeeper_model::{Epoch, Name, Quality, TagPath, UncertainReason, Value};
use labkeeper_ownership::interlock::{Interlock, Record, Requirement, Verdict, of_segment, safe_values, why_not};
use labkeeper_raft::Cluster;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The interlocks of one segment.
pub struct Guardian {
    cluster: Cluster,
    epoch: Epoch,
    interlocks: Vec<Guarded>,
    inputs: TagInputs,
    /// The safe values of all tags that are guarded: those may always be written.
    safe: BTreeMap<TagPath, Value>,
}

/// What keeps a value from being written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// Which interlock, and why.
    pub why: String,
    /// Whether that is more than that nothing is known yet.
    pub is_known: bool,
}

struct Guarded {
    name: Name,
    tags: BTreeSet<TagPath>,
    forced: Vec<(TagPath, Value)>,
    /// What must hold, or why it cannot be evaluated.
    require: Result<Expression, String>,
    max_age: Duration,
    state: Mutex<Interlock>,
}

/// What a look at the interlocks has found.
#[derive(Debug, Default)]
pub struct Findings {
    /// What the replicated state is to be told.
    pub news: Vec<(Name, Told)>,
    /// The tags that are to have their safe values, these, and for which interlock.
    pub forced: BTreeMap<TagPath, (Value, Name)>,
}

impl Guardian {
    /// The interlocks of a segment whose ownership begins.
    #[must_use]
    pub fn new(cluster: Cluster, site: &SiteSpec, segment: &str, epoch: Epoch, inputs: TagInputs) -> Self {
        let now = clock::boot();
        let interlocks: Vec<Guarded> = of_segment(site, segment)
            .map(|(name, spec)| Guarded {
                name: name.clone(),
                tags: spec.tags.iter().cloned().collect(),
                forced: safe_values(site, name),
                require: Expression::condition(&spec.require, site).map_err(|flaw| flaw.to_string()),
                max_age: spec.max_age,
                state: Mutex::new(Interlock::new(spec, now)),
            })
            .collect();
        let guarded = interlocks.iter().flat_map(|interlock| &interlock.tags);
        let safe = guarded.filter_map(|tag| Some((tag.clone(), site.tag(tag)?.1.safe.clone()?))).collect();
        Self { cluster, epoch, interlocks, inputs, safe }
    }

    /// Whether there is nothing to look at.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        self.interlocks.is_empty()
    }

    /// Evaluates every interlock.
    #[must_use]
    pub fn look(&self) -> Findings {
        let mut findings = Findings::default();
        for interlock in &self.interlocks {
            let requirement = self.evaluate(interlock);
            let record = self.record(&interlock.name);
            let mut state = interlock.state.lock();
            state.handle(requirement, record, clock::boot());
            if state.differs_from(record)
                && let Some(told) = told(state.verdict())
            {
                findings.news.push((interlock.name.clone(), told));
            }
            if state.forces(record) {
                let forced = interlock.forced.iter().map(|(tag, value)| (tag.clone(), (value.clone(), interlock.name.clone())));
                findings.forced.extend(forced);
            }
        }
        findings
    }

    /// Why a value must not be written to a tag at this very moment, naming the interlock; `None` if it may be. The safe value always may.
    #[must_use]
    pub fn why_not(&self, tag: &TagPath, value: &Value) -> Option<Bar> {
        if self.safe.get(tag).is_some_and(|safe| safe.within(value, 0.0)) {
            return None;
        }
        self.interlocks.iter().filter(|interlock| interlock.tags.contains(tag)).find_map(|interlock| {
            let record = self.record(&interlock.name);
            let requirement = self.evaluate(interlock);
            let state = interlock.state.lock();
            let why = why_not(state.verdict(), &requirement, record)?;
            Some(Bar { why: format!("interlock {}: {why}", interlock.name), is_known: *state.verdict() != Verdict::Unknown })
        })
    }

    fn evaluate(&self, interlock: &Guarded) -> Requirement {
        let expression = match &interlock.require {
            Ok(expression) => expression,
            Err(flaw) => return Requirement::Unsure(flaw.clone()),
        };
        let evaluated = expression.eval(&Aged { inputs: &self.inputs, max_age: interlock.max_age });
        match evaluated.truth() {
            Some(true) => Requirement::Holds,
            Some(false) => Requirement::Violated("what it requires does not hold".into()),
            None => Requirement::Unsure(evaluated.why.unwrap_or_else(|| "what it requires cannot be told".into())),
        }
    }

    fn record(&self, interlock: &Name) -> Record {
        self.cluster.read(|machine| record(machine, interlock, self.epoch))
    }
}

/// Inputs of which older ones than this count for nothing.
struct Aged<'a> {
    inputs: &'a TagInputs,
    max_age: Duration,
}

impl Inputs for Aged<'_> {
    fn input(&self, tag: &TagPath) -> Option<Input> {
        let input = self.inputs.input(tag)?;
        let is_old = input.age > self.max_age && input.quality == Quality::Good;
        Some(if is_old { Input { quality: Quality::Uncertain(UncertainReason::Stale), ..input } } else { input })
    }
}

/// A verdict as the replicated state takes it; `None` where there is nothing to say.
fn told(verdict: &Verdict) -> Option<Told> {
    match verdict {
        Verdict::Unknown => None,
        Verdict::Healthy => Some(Told::Healthy),
        Verdict::Tripped(why) => Some(Told::Tripped { why: why.clone() }),
    }
}

/// What the replicated state has of an interlock under an ownership.
fn record(machine: &Machine, interlock: &Name, epoch: Epoch) -> Record {
    let Some(standing) = machine.interlock(interlock.as_str()) else { return Record::default() };
    let state = &standing.state;
    let is_ours = standing.known && state.epoch == epoch;
    let tripped = state.verdict.as_ref().filter(|_| is_ours).map(|verdict| matches!(verdict, Told::Tripped { .. }));
    Record { tripped, is_latched: state.latched, is_defeated: state.defeat.is_some() }
}
