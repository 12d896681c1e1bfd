//! A child that blocks its thread cannot be ended; that is said, and nothing is started beside it. On a real clock.

use crate::support::spec;
use labkeeper_supervision::{ChildSpec, CommandError, State, Strategy, System};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(20);

async fn wait_for(system: &System, what: impl Fn(&System) -> bool) {
    let mut changes = system.changes();
    let waited = tokio::time::timeout(PATIENCE, changes.wait_for(|_| what(system))).await;
    assert!(waited.is_ok(), "last seen: {:#?}", system.tree());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child_that_blocks_its_thread_is_shown_and_not_replaced() {
    let (unblock, blocked) = mpsc::channel::<()>();
    let blocked = Arc::new(Mutex::new(blocked));
    let child = ChildSpec::worker("a", move |context| {
        let blocked = Arc::clone(&blocked);
        async move {
            context.ready();
            tokio::task::yield_now().await;
            if context.generation() == 1 {
                blocked.lock().unwrap().recv().unwrap();
            }
            context.cancelled().await;
            Ok(())
        }
    });
    let spec = spec(Strategy::OneForOne, vec![ChildSpec { shutdown: Duration::ZERO, ..child }]);
    let (system, root) = System::new("lab", spec).unwrap();
    let stop = CancellationToken::new();
    let running = tokio::spawn(root.run(stop.clone()));
    let row = |system: &System| system.find("lab/a").unwrap();
    wait_for(&system, |system| system.find("lab/a").is_some_and(|row| row.state == State::Running)).await;
    let deadline = std::time::Instant::now() + PATIENCE;
    while row(&system).busy_since.is_none() {
        assert!(std::time::Instant::now() < deadline, "never busy: {:?}", row(&system));
        tokio::task::yield_now().await;
    }

    assert_eq!(system.quarantine("lab/a", "test").await, Err(CommandError::Stuck("lab/a".into())));
    assert_eq!((row(&system).state, row(&system).busy_since.is_some()), (State::Stopping, true));
    system.restart("lab/a").await.unwrap();
    assert_eq!((row(&system).state, row(&system).restarts), (State::Stopping, 0), "nothing is started beside it");
    unblock.send(()).unwrap();
    wait_for(&system, |system| row(system).state == State::Running).await;
    assert_eq!(row(&system).restarts, 1);
    stop.cancel();
    running.await.unwrap().unwrap();
}
