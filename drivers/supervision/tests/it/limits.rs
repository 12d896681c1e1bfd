//! Too many restarts: escalation, quarantine, pauses.

use crate::support::{Cue, Part, Play, SECOND, Stage, quiet, spec};
use labkeeper_supervision::{Backoff, ChildSpec, CommandError, OnGiveUp, Reason, State, Strategy, SupervisorSpec};
use std::time::Duration;

fn quarantined(child: ChildSpec) -> ChildSpec {
    ChildSpec { on_give_up: OnGiveUp::Quarantine, ..child }
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_restarts_do_not_cure_ends_the_tree_with_an_error() {
    let stage = Stage::default();
    let play = Play::begin(spec(Strategy::OneForOne, vec![stage.child("a"), stage.child("b"), stage.child("c")])).await;
    for _ in 0..3 {
        stage.cue("b", Cue::Fail).await;
    }
    let row = play.row("lab/b");
    assert_eq!((row.restarts, row.restarts_in_window, row.intensity), (3, 3, 3));
    assert_eq!(play.row("lab/c").restarts_in_window, 3, "escalating siblings share one count");
    stage.told();
    stage.cue("b", Cue::Panic).await;
    assert_eq!(stage.told(), "-b -c -a", "the others end in reverse order");
    let system = play.system.clone();
    let gave_up = play.outcome().await.unwrap_err();
    let said = gave_up.to_string();
    assert_eq!(said, "lab gave up: restart 4 within 10s was asked for by b, which panicked: b panics on purpose");
    let row = system.find("lab").unwrap();
    assert_eq!((row.state, row.last_exit.unwrap().reason.to_string()), (State::Stopped, format!("failed: {said}")));
}

#[tokio::test(start_paused = true)]
async fn restarts_that_are_far_enough_apart_are_never_too_many() {
    let stage = Stage::default();
    let play = Play::begin(spec(Strategy::OneForOne, vec![stage.child("a")])).await;
    for _ in 0..20 {
        stage.cue("a", Cue::Fail).await;
        tokio::time::sleep(3 * SECOND + SECOND / 3).await;
    }
    assert_eq!((play.row("lab/a").restarts, play.row("lab/a").restarts_in_window), (20, 2));
    tokio::time::sleep(10 * SECOND).await;
    assert_eq!(play.row("lab/a").restarts_in_window, 0, "the count falls by itself");
    play.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_fault_goes_up_level_by_level() {
    let stage = Stage::default();
    let inner = SupervisorSpec { intensity: 1, ..spec(Strategy::OneForOne, vec![stage.child("x"), stage.child("y")]) };
    let play = Play::begin(spec(Strategy::OneForOne, vec![stage.child("a"), ChildSpec::supervisor("segment", inner)])).await;
    stage.told();
    stage.cue("y", Cue::Fail).await;
    assert_eq!(stage.told(), "-y +y");
    stage.cue("y", Cue::Fail).await;
    assert_eq!(stage.told(), "-y -x +x +y", "the segment is started afresh, and its neighbour runs on");
    let row = play.row("lab/segment");
    assert_eq!((row.restarts, row.restarts_in_window), (1, 1));
    let why = row.last_exit.unwrap().reason.to_string();
    assert_eq!(why, "failed: lab/segment gave up: restart 2 within 10s was asked for by y, which failed: on purpose");
    assert_eq!(play.row("lab/segment/y").restarts, 0, "it is another tree of tasks");
    play.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_device_that_fails_too_often_is_quarantined_and_its_neighbours_are_not() {
    let stage = Stage::default();
    let play =
        Play::begin(spec(Strategy::OneForOne, vec![quarantined(stage.child("a")), quarantined(stage.child("b")), stage.child("c")])).await;
    for _ in 0..3 {
        stage.cue("a", Cue::Fail).await;
        stage.cue("b", Cue::Fail).await;
        stage.cue("c", Cue::Fail).await;
    }
    assert_eq!(play.row("lab/a").restarts_in_window, 3);
    stage.told();
    stage.cue("a", Cue::Panic).await;
    assert_eq!(stage.told(), "-a");
    let reason = "4 failures within 10s; the last: panicked: a panics on purpose".into();
    assert_eq!(play.state("lab/a"), State::Quarantined { reason });
    assert_eq!((play.state("lab/b"), play.state("lab/c")), (State::Running, State::Running), "each has a count of its own");
    tokio::time::sleep(3600 * SECOND).await;
    assert_eq!(stage.told(), "", "time alone does not release it");

    play.system.release("lab/a").await.unwrap();
    quiet().await;
    assert_eq!((stage.told().as_str(), play.state("lab/a"), play.row("lab/a").restarts_in_window), ("+a", State::Running, 0));
    assert_eq!(play.system.release("lab/a").await, Err(CommandError::NotQuarantined("lab/a".into())));
    for _ in 0..3 {
        stage.cue("a", Cue::Fail).await;
    }
    assert_eq!(play.state("lab/a"), State::Running, "its failures were forgiven");
    play.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn those_that_depend_on_a_quarantined_child_stay_down_until_it_is_released() {
    for (strategy, down) in [(Strategy::RestForOne, "-b -c"), (Strategy::OneForAll, "-b -c -a")] {
        let stage = Stage::default();
        let children = vec![stage.child("a"), quarantined(stage.child("b")), stage.child("c")];
        let play = Play::begin(SupervisorSpec { intensity: 0, ..spec(strategy, children) }).await;
        stage.told();
        stage.cue("b", Cue::Fail).await;
        assert_eq!((stage.told().as_str(), play.state("lab/c")), (down, State::Waiting), "{strategy:?}");
        play.system.restart("lab/b").await.unwrap();
        quiet().await;
        let up: Vec<_> = down.replace('-', "+").split(' ').map(str::to_owned).collect();
        let mut told: Vec<_> = stage.told().split(' ').map(str::to_owned).collect();
        assert!(told.is_sorted(), "{told:?} in order");
        told.sort_by_key(|id| up.iter().position(|other| other == id));
        assert_eq!(told, up, "{strategy:?}");
        play.end().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_and_are_cut_short_by_a_person() {
    let stage = Stage::default();
    let backoff = Backoff { min: SECOND, max: 4 * SECOND, stable: 60 * SECOND };
    let broken = ChildSpec { backoff: Some(backoff), ..stage.part("a", Part::Broken) };
    let play = Play::begin(SupervisorSpec { intensity: 12, ..spec(Strategy::OneForOne, vec![broken, stage.child("b")]) }).await;
    for whole in [SECOND, 2 * SECOND, 4 * SECOND, 4 * SECOND] {
        let State::BackingOff { until } = play.state("lab/a") else { panic!("{:?}", play.row("lab/a")) };
        let pause = until - play.row("lab/a").since;
        assert!((whole / 2..=whole).contains(&pause), "{pause:?} is not between {:?} and {whole:?}", whole / 2);
        let restarts = play.row("lab/a").restarts;
        tokio::time::sleep_until(tokio::time::Instant::from_std(until) - Duration::from_millis(2)).await;
        assert_eq!(play.row("lab/a").restarts, restarts, "not before its time");
        tokio::time::sleep(Duration::from_millis(4)).await;
        assert_eq!(play.row("lab/a").restarts, restarts + 1);
    }
    let restarts = play.row("lab/a").restarts;
    play.system.restart("lab/a").await.unwrap();
    quiet().await;
    assert_eq!(play.row("lab/a").restarts, restarts + 1, "a person need not wait");
    let State::BackingOff { until } = play.state("lab/a") else { panic!("{:?}", play.row("lab/a")) };
    assert!(until - play.row("lab/a").since <= SECOND, "and the pauses begin anew");
    assert_eq!(play.state("lab/b"), State::Running);
    play.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_pause_holds_back_those_that_depend_on_the_child() {
    let stage = Stage::default();
    let backoff = Backoff { min: SECOND, max: SECOND, stable: 60 * SECOND };
    let a = ChildSpec { backoff: Some(backoff), ..stage.child("a") };
    let play = Play::begin(spec(Strategy::RestForOne, vec![a, stage.child("b")])).await;
    stage.cue("a", Cue::Fail).await;
    assert_eq!((stage.told().as_str(), play.state("lab/b")), ("+a +b -a -b", State::Waiting));
    tokio::time::sleep(SECOND).await;
    assert_eq!(stage.told(), "+a +b");
    assert!(matches!(play.last_exit("lab/b"), Reason::Stopped));
    play.end().await.unwrap();
}
