//! What a person is told of a crash.

use crate::support::{Cue, Play, Stage, quiet, spec};
use labkeeper_supervision::{ChildSpec, Reason, Restart, State, Strategy, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

fn once(child: ChildSpec) -> ChildSpec {
    ChildSpec { restart: Restart::Transient, ..child }
}

/// A child that crashes in its first life and waits in its second.
fn crashing<F: Future<Output = ()> + Send + 'static>(id: &str, crash: impl Fn() -> F + Send + Sync + 'static) -> ChildSpec {
    let (lives, crash) = (AtomicU32::new(0), Arc::new(crash));
    ChildSpec::worker(id, move |context| {
        let (first, crash) = (lives.fetch_add(1, Ordering::Relaxed) == 0, Arc::clone(&crash));
        async move {
            if first {
                crash().await;
            }
            context.ready();
            context.cancelled().await;
            Ok(())
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_shown_with_its_message_place_and_backtrace() {
    let line = line!() + 1;
    let a = crashing("a", || async { panic!("valve {} stuck", 7) });
    let play = Play::begin(spec(Strategy::OneForOne, vec![a])).await;
    let exit = play.row("lab/a").last_exit.unwrap();
    assert_eq!((exit.reason.to_string().as_str(), exit.generation), ("panicked: valve 7 stuck", 1));
    assert!(exit.reason.location().unwrap().contains(&format!("panics.rs:{line}:")), "{:?}", exit.reason.location());
    let Reason::Panicked(panic) = &exit.reason else { panic!("{:?}", exit.reason) };
    assert!(panic.backtrace.as_ref().unwrap().to_string().contains("panics::"), "the backtrace leads to the child");
    assert_eq!(play.state("lab/a"), State::Running);
    play.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn panics_of_two_children_at_once_are_not_mixed_up() {
    let stage = Stage::default();
    let play = Play::begin(spec(Strategy::OneForOne, vec![stage.child("a"), stage.child("b")])).await;
    tokio::join!(stage.cue("a", Cue::Panic), stage.cue("b", Cue::Panic));
    assert_eq!(play.last_exit("lab/a").to_string(), "panicked: a panics on purpose");
    assert_eq!(play.last_exit("lab/b").to_string(), "panicked: b panics on purpose");
    play.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_a_child_is_made_or_torn_down_is_caught_too() {
    struct Sharp;
    impl Drop for Sharp {
        fn drop(&mut self) {
            panic!("in a destructor");
        }
    }
    let unborn = ChildSpec::worker("unborn", |context| {
        assert_ne!(context.generation(), 1, "cannot be made");
        async move {
            context.cancelled().await;
            Ok(())
        }
    });
    let sharp = crashing("sharp", || async {
        let _sharp = Sharp;
        tokio::task::yield_now().await;
    });
    let play = Play::begin(spec(Strategy::OneForOne, vec![unborn, sharp])).await;
    assert!(play.last_exit("lab/unborn").to_string().contains("cannot be made"));
    assert_eq!(play.last_exit("lab/sharp").to_string(), "panicked: in a destructor");
    play.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_error_is_shown_with_its_sources() {
    #[derive(Debug)]
    struct Outer(std::io::Error);
    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("opening the journal")
        }
    }
    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
    let child = ChildSpec::worker("a", |_| async { Err(Outer(std::io::Error::other("disk full")).into()) });
    let (system, root) = System::new("lab", spec(Strategy::OneForOne, vec![once(child)])).unwrap();
    let error = root.run(Default::default()).await.unwrap_err();
    assert_eq!(error.reason.to_string(), "failed: opening the journal: disk full");
    quiet().await;
    assert_eq!(system.tree().len(), 1, "nothing is left below a root that has ended");
}
