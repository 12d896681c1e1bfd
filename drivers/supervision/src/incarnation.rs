//! One incarnation of a child as a task: makes it, polls it, catches what it throws, and reports its end exactly once.
//!
//! ```text
//!   Unborn ──first poll──► Alive ──returned | panicked──► dropped ──► reported
//!      └───────────────────────┴───────── aborted ──────────►┘
//! ```
//!
//! The report is sent after everything of the child's has been dropped, whichever way it ended: its sockets are closed
//! before its successor is started. It knows nothing of restarts.

use crate::context::{Context, Inner};
use crate::exit::Reason;
use crate::now;
use crate::panic;
use crate::spec::{ChildFuture, Start};
use crate::tree::Event;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, ready};
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use tracing::instrument::Instrumented;

/// What a supervisor holds of a running child. Dropping it takes the child along, as a link does: when a supervisor itself is
/// aborted or panics, nothing below it is left behind.
pub(crate) struct Live {
    pub(crate) token: CancellationToken,
    pub(crate) abort: AbortHandle,
}

impl Drop for Live {
    fn drop(&mut self) {
        self.token.cancel();
        self.abort.abort();
    }
}

/// The task. The order of the fields is the order in which they are dropped: the child before the report of its end.
pub(crate) struct Incarnation {
    life: Life,
    report: Report,
}

enum Life {
    Unborn(Start),
    Alive(Instrumented<ChildFuture>),
}

/// Sends the end when it is dropped, so an abort is reported too.
struct Report {
    context: Context,
    reason: Reason,
}

impl Drop for Report {
    fn drop(&mut self) {
        let Inner { key, generation, events, .. } = self.context.inner();
        // A supervisor that is gone needs no report.
        let _ = events.send(Event::Ended { key: *key, generation: *generation, reason: self.reason.clone() });
    }
}

impl Incarnation {
    /// An incarnation that has not begun. Dropped before it has ended by itself, it reports that it was killed.
    pub(crate) fn new(start: Start, context: Context) -> Self {
        Self { life: Life::Unborn(start), report: Report { context, reason: Reason::Killed } }
    }

    fn poll_life(&mut self, cx: &mut std::task::Context<'_>) -> Poll<Reason> {
        loop {
            match &mut self.life {
                Life::Unborn(start) => {
                    let context = self.report.context.clone();
                    // At this level so that it is there for the error lines of a program that logs nothing else.
                    let span = tracing::error_span!("actor", path = context.path(), generation = context.generation());
                    let child = span.in_scope(|| start(context));
                    self.life = Life::Alive(child.instrument(span));
                }
                Life::Alive(child) => {
                    return Poll::Ready(match ready!(Pin::new(child).poll(cx)) {
                        Ok(()) if self.report.context.token().is_cancelled() => Reason::Stopped,
                        Ok(()) => Reason::Finished,
                        Err(error) => Reason::failed(&*error),
                    });
                }
            }
        }
    }
}

impl Future for Incarnation {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let Inner { system, cell, .. } = this.report.context.inner();
        cell.set_step(Some(system.nanos(now())));
        let polled = panic::catch(|| this.poll_life(cx));
        this.report.context.inner().cell.set_step(None);
        let reason = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(reason)) => reason,
            Err(panic) => Reason::Panicked(Arc::new(panic)),
        };
        this.report.reason = reason;
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::Cell;
    use crate::spec::{ChildSpec, Role, Strategy, SupervisorSpec};
    use crate::system::System;
    use parking_lot::Mutex;
    use std::time::Duration;
    use tokio::sync::mpsc;

    type Reports = Arc<Mutex<mpsc::UnboundedReceiver<Event>>>;

    /// A socket of the child's. When it is closed, nobody may have been told that the child has ended.
    struct Socket(Reports);

    impl Drop for Socket {
        fn drop(&mut self) {
            assert!(self.0.lock().try_recv().is_err(), "the end was reported before everything was dropped");
        }
    }

    /// Lets an incarnation run, and returns its one report.
    async fn report<W>(work: impl Fn() -> W + Send + Sync + 'static, abort: bool) -> String
    where
        W: Future<Output = ()> + Send + 'static,
    {
        let (events, reports) = mpsc::unbounded_channel();
        let reports = Arc::new(Mutex::new(reports));
        let socket = Arc::clone(&reports);
        let spec = ChildSpec::worker("child", move |_| {
            let (work, socket) = (work(), Socket(Arc::clone(&socket)));
            async move {
                let _held = socket;
                work.await;
                Ok(())
            }
        });
        let Role::Worker(start) = spec.role.clone() else { unreachable!("it is a worker") };
        let root = SupervisorSpec { strategy: Strategy::OneForOne, intensity: 0, period: Duration::from_secs(1), children: vec![] };
        let (system, _root) = System::new("lab", root.clone()).unwrap();
        let cell = Arc::new(Cell::child(&spec, &Arc::new(Cell::root("lab".into(), &root, now())), now()));
        let context = Context::new(Inner { system, cell, key: 7, generation: 3, token: CancellationToken::new(), events });
        let task = tokio::spawn(Incarnation::new(start, context));
        tokio::task::yield_now().await;
        if abort {
            task.abort();
        }
        let _ = task.await;
        let mut reports = reports.lock();
        let Ok(Event::Ended { key: 7, generation: 3, reason }) = reports.try_recv() else { panic!("it ended without a report") };
        assert!(reports.try_recv().is_err(), "it ended twice");
        reason.to_string()
    }

    #[tokio::test]
    async fn the_end_is_reported_once_and_after_everything_is_dropped() {
        assert_eq!(report(|| async {}, false).await, "finished");
        assert_eq!(report(|| async { panic!("on purpose") }, false).await, "panicked: on purpose");
        assert_eq!(report(std::future::pending, true).await, "killed: did not end in time");
    }
}
