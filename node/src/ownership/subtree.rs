//! The subtree of the supervision tree in which one segment is kept.
//!
//! ```text
//!   cryo
//!   ├── 10.1.0.40:502    one bus for each connection; failing too often it is quarantined, alone
//!   ├── 10.1.0.41:502
//!   ├── control          takeover, commands, reach
//!   ├── interlocks       whether what they require holds, safe values where it does not
//!   └── alarms           whether the conditions of its alarms hold
//! ```
//!
//! It is stopped without waiting: a dropped bus resets its connection.

use super::control;
use super::interlocks;
use super::segment::Segment;
use crate::telemetry::detect;
use labkeeper_drivers::bus::{BusFactory, BusHandle};
use labkeeper_supervision::{Backoff, ChildError, ChildSpec, Context, MailboxStats, OnGiveUp, Restart, Strategy, SupervisorSpec};
use std::sync::Arc;
use std::time::Duration;

/// Most restarts of one bus within [`PERIOD`] before it is quarantined: with pauses that double from [`PAUSE_MIN`] to [`PAUSE_MAX`] a bus
/// that always fails is started 9 times in the first minute, so it is given up within two; one that fails now and then never is.
const INTENSITY: u32 = 12;
/// The time over which restarts are counted.
const PERIOD: Duration = Duration::from_secs(120);
/// First pause before a bus is started again: a crash costs its device a few polls.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// Longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// A bus that was up this long has got over its trouble: as long as its restarts are counted.
const STABLE: Duration = PERIOD;
/// A segment's subtree.
#[must_use]
pub fn subtree(segment: &Arc<Segment>) -> ChildSpec {
    let mut children: Vec<ChildSpec> = segment.factories().map(|(address, bus)| bus_child(address, bus.clone())).collect();
    let (shared, name) = (Arc::clone(segment), segment.name.as_str());
    let control = ChildSpec::worker("control", move |actor| control::run(Arc::clone(&shared), actor));
    // Finishing is how it ends at a hand-over.
    let (restart, shutdown, hang_after) = (Restart::Transient, Duration::ZERO, Some(control::HANG_AFTER));
    children.push(ChildSpec { restart, shutdown, hang_after, ..control });
    let shared = Arc::clone(segment);
    let watch = ChildSpec::worker("interlocks", move |actor| interlocks::run(Arc::clone(&shared), actor));
    // If it fails for good the segment fails with it: nobody would force what must be forced.
    let backoff = Some(Backoff { min: PAUSE_MIN, max: PAUSE_MAX, stable: STABLE });
    let hang_after = Some(interlocks::HANG_AFTER);
    children.push(ChildSpec { restart: Restart::Transient, shutdown: Duration::ZERO, backoff, hang_after, ..watch });
    let shared = Arc::clone(segment);
    let alarms = ChildSpec::worker("alarms", move |actor| detect::run(Arc::clone(&shared), actor));
    // Devices are driven whatever becomes of it.
    children.push(ChildSpec {
        shutdown: Duration::ZERO,
        backoff: Some(Backoff { min: PAUSE_MIN, max: PAUSE_MAX, stable: STABLE }),
        hang_after: Some(detect::HANG_AFTER),
        on_give_up: OnGiveUp::Quarantine,
        ..alarms
    });
    let spec = SupervisorSpec { strategy: Strategy::OneForOne, intensity: INTENSITY, period: PERIOD, children };
    // A segment that fails as a whole does not take the others with it.
    ChildSpec { on_give_up: OnGiveUp::Quarantine, ..ChildSpec::supervisor(name, spec) }
}

/// A bus under supervision: what it panics or hangs by is its own affair.
fn bus_child(address: &str, (handle, factory): (BusHandle, BusFactory)) -> ChildSpec {
    let hang_after = factory.longest_turn() * 2;
    let run = move |actor: Context| {
        let (handle, factory) = (handle.clone(), factory.clone());
        async move {
            actor.mailbox(move || {
                let (depth, capacity, dropped) = handle.mailbox();
                MailboxStats { depth, capacity, dropped }
            });
            actor.ready();
            let (progress, token) = (actor.clone(), actor.token().clone());
            factory.task(Arc::new(move || progress.progress())).run(token).await;
            Ok::<(), ChildError>(())
        }
    };
    ChildSpec {
        shutdown: Duration::ZERO,
        backoff: Some(Backoff { min: PAUSE_MIN, max: PAUSE_MAX, stable: STABLE }),
        hang_after: Some(hang_after),
        on_give_up: OnGiveUp::Quarantine,
        ..ChildSpec::worker(address, run)
    }
}
