//! Each strategy with each kind of child.

use crate::support::{Cue, Part, Play, SECOND, Stage, quiet, spec};
use labkeeper_supervision::{ChildSpec, Restart, State, Strategy};

/// Three children, of which the middle one is of the given kind and ends; what is told then, and where it is.
async fn check(strategy: Strategy, restart: Restart, cue: Cue, expected: &str, state: Option<State>) {
    let stage = Stage::default();
    let middle = ChildSpec { restart, ..stage.child("b") };
    let play = Play::begin(spec(strategy, vec![stage.child("a"), middle, stage.child("c")])).await;
    assert_eq!(stage.told(), "+a +b +c");
    stage.cue("b", cue).await;
    assert_eq!(stage.told(), expected, "{strategy:?} {restart:?} {cue:?}");
    assert_eq!(play.system.find("lab/b").map(|row| row.state), state, "{strategy:?} {restart:?} {cue:?}");
    play.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_failed_child_is_restarted_with_those_whom_it_concerns() {
    let running = || Some(State::Running);
    for cue in [Cue::Fail, Cue::Panic] {
        for restart in [Restart::Permanent, Restart::Transient] {
            check(Strategy::OneForOne, restart, cue, "-b +b", running()).await;
            check(Strategy::RestForOne, restart, cue, "-b -c +b +c", running()).await;
            check(Strategy::OneForAll, restart, cue, "-b -c -a +a +b +c", running()).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_finished_child_is_restarted_only_if_it_is_permanent() {
    for (strategy, permanent) in
        [(Strategy::OneForOne, "-b +b"), (Strategy::RestForOne, "-b -c +b +c"), (Strategy::OneForAll, "-b -c -a +a +b +c")]
    {
        check(strategy, Restart::Permanent, Cue::Finish, permanent, Some(State::Running)).await;
        check(strategy, Restart::Transient, Cue::Finish, "-b", Some(State::Stopped)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_temporary_child_leaves_the_tree_when_it_ends() {
    for strategy in [Strategy::OneForOne, Strategy::RestForOne, Strategy::OneForAll] {
        for cue in [Cue::Finish, Cue::Fail, Cue::Panic] {
            check(strategy, Restart::Temporary, cue, "-b", None).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_of_all_leaves_temporary_children_out_and_starts_finished_ones_again() {
    let stage = Stage::default();
    let temporary = ChildSpec { restart: Restart::Temporary, ..stage.child("t") };
    let transient = ChildSpec { restart: Restart::Transient, ..stage.child("f") };
    let play = Play::begin(spec(Strategy::OneForAll, vec![temporary, transient, stage.child("a")])).await;
    stage.cue("f", Cue::Finish).await;
    assert_eq!(stage.told(), "+t +f +a -f");
    stage.cue("a", Cue::Fail).await;
    assert_eq!(stage.told(), "-a -t +f +a");
    assert_eq!(play.paths(), ["lab", "lab/f", "lab/a"]);
    play.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_crash_during_a_restart_of_the_rest_reaches_further_down() {
    let stage = Stage::default();
    let children = vec![stage.child("a"), stage.child("b"), stage.child("c"), stage.part("d", Part::Deaf)];
    let play = Play::begin(spec(Strategy::RestForOne, children)).await;
    stage.cue("c", Cue::Fail).await;
    assert_eq!(stage.told(), "+a +b +c +d -c", "d takes its time");
    stage.cue("a", Cue::Fail).await;
    assert_eq!(stage.told(), "-a");
    tokio::time::sleep(5 * SECOND).await;
    quiet().await;
    assert_eq!(stage.told(), "-d -b +a +b +c +d", "b goes down too, and each is started once");
    play.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_slow_restart_holds_up_no_independent_sibling() {
    let stage = Stage::default();
    let play = Play::begin(spec(Strategy::OneForOne, vec![stage.part("a", Part::Slow), stage.child("b")])).await;
    stage.cue("a", Cue::Ready).await;
    stage.cue("a", Cue::Fail).await;
    assert_eq!(play.state("lab/a"), State::Starting);
    stage.cue("b", Cue::Fail).await;
    assert_eq!(stage.told(), "+a +b -a +a -b +b");
    play.end().await.unwrap();
}
