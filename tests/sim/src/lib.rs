//! A world in which the product's ownership cores are played over an agreed log: several nodes with wrong clocks, a network that loses and
//! delays, processes that die and freeze, devices with requests in flight, and people who set setpoints. Everything follows from a seed.
//!
//! ```text
//!   seed --> setting --> world: agenda of events --> nodes (lease, expiry, duty, takeover, reach, job: the product's cores)
//!                          |        ^                  |                      |
//!                          |        +---- log <--------+ proposals            +--> field (devices)
//!                          v
//!                        facts --> invariants: one file each, and one that is broken ends the world
//! ```
//!
//! What consensus promises is assumed here, and tested elsewhere: there is one log, and whoever has applied as much of it has the same
//! state. What is tested is everything that is built upon it: that no two nodes drive a device, and that devices are not left alone.
//!
//! The same seed gives the same world to the last line of its trace, in any process. A rule of the product can be left out
//! ([`mutation`]), to see that the invariants notice.

mod client;
pub mod clock;
pub mod dice;
pub mod env;
pub mod event;
pub mod fact;
pub mod fault;
pub mod field;
pub mod invariants;
pub mod log;
pub mod mutation;
pub mod network;
pub mod node;
pub mod plant;
pub mod rights;
pub mod runner;
pub mod setting;
pub mod timers;
pub mod trace;
pub mod world;

use crate::clock::SimTime;
use crate::env::Counts;
use crate::fact::Fact;
use crate::invariants::Invariant;
use crate::mutation::Mutation;
use crate::trace::Trace;
use crate::world::World;
use labkeeper_machine::Command;
use std::fmt;

/// How to play a seed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Play {
    /// The rule that is left out.
    pub mutation: Option<Mutation>,
    /// Whether to keep the trace.
    pub is_traced: bool,
    /// The names of the invariants that are watched; empty: all.
    pub watched: &'static [&'static str],
}

/// What became of a world.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The first invariant that was broken.
    pub violation: Option<Violation>,
    /// What the world has seen.
    pub counts: Counts,
    /// What happened, if it was wanted.
    pub trace: Vec<String>,
}

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub invariant: &'static str,
    /// What was found.
    pub detail: String,
    /// When.
    pub at: SimTime,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} broken at {}: {}", self.invariant, self.at, self.detail)
    }
}

/// Plays the world of a seed to its end, or to the first broken invariant.
#[must_use]
pub fn play(seed: u64, how: Play) -> Outcome {
    let mut world = World::new(seed, how.mutation, Trace::new(how.is_traced));
    let mut invariants = invariants::all();
    invariants.retain(|invariant| how.watched.is_empty() || how.watched.contains(&invariant.name()));
    let mut violation = judge(&mut world, &mut invariants);
    while violation.is_none() {
        let Some(event) = world.env.next() else { break };
        world.handle(event);
        violation = judge(&mut world, &mut invariants);
    }
    if violation.is_none() {
        world.env.facts.push(Fact::End);
        violation = judge(&mut world, &mut invariants);
    }
    if let Some(violation) = &violation {
        world.env.say(|| violation);
    }
    Outcome { violation, counts: world.env.counts, trace: world.env.trace().lines().to_vec() }
}

/// Tells the invariants what happened.
fn judge(world: &mut World, invariants: &mut [Box<dyn Invariant>]) -> Option<Violation> {
    for fact in std::mem::take(&mut world.env.facts) {
        for invariant in invariants.iter_mut() {
            if let Err(detail) = invariant.observe(&fact, world) {
                return Some(Violation { invariant: invariant.name(), detail, at: world.env.now });
            }
        }
        count(world, &fact);
    }
    None
}

/// Counts what only the whole world can see.
fn count(world: &mut World, fact: &Fact) {
    let agreed = world.log.agreed();
    match fact {
        Fact::Committed => {
            let Some(Command::ReportCommands { reports, .. }) = world.log.newest().map(|entry| &entry.asked) else { return };
            let epoch = |id| agreed.command(id).map(|record| agreed.ownership(record.tag.segment()).epoch);
            let stale = reports.iter().filter(|report| epoch(&report.id).is_some_and(|epoch| epoch != report.epoch));
            world.env.counts.stale_reports += stale.count() as u64;
        }
        Fact::End => {
            let takeovers = agreed.takeovers().filter(|takeover| takeover.from.is_some_and(|from| from != takeover.to));
            world.env.counts.takeovers += takeovers.count() as u64;
        }
        _ => {}
    }
}
