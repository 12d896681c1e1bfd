//! Children that come and go while their supervisor runs.

use crate::support::{Cue, Part, Play, SECOND, Stage, quiet, spec};
use labkeeper_supervision::{Backoff, ChildSpec, CommandError, OnGiveUp, SpecFault, State, Strategy};
use std::time::Duration;
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn a_child_comes_and_goes() {
    let stage = Stage::default();
    let play = Play::begin(spec(Strategy::OneForOne, vec![stage.child("a")])).await;
    let children = play.system.children("lab");
    children.start_child(stage.child("b")).await.unwrap();
    assert_eq!(play.paths(), ["lab", "lab/a", "lab/b"], "it is in the tree with the answer");
    assert_eq!(children.start_child(stage.child("b")).await, Err(CommandError::AlreadyThere("lab/b".into())));
    quiet().await;
    stage.cue("b", Cue::Fail).await;
    children.stop_child("b").await.unwrap();
    assert_eq!(stage.told(), "+a +b -b +b -b", "it has ended with the answer");
    assert_eq!(play.paths(), ["lab", "lab/a"]);
    assert_eq!(children.stop_child("b").await, Err(CommandError::NoSuchChild("lab/b".into())));
    children.start_child(stage.child("b")).await.unwrap();
    quiet().await;
    assert_eq!((stage.told().as_str(), play.row("lab/b").restarts), ("+b", 0), "it is another child");
    play.end().await.unwrap();
    assert_eq!(stage.told(), "-b -a");
}

#[tokio::test(start_paused = true)]
async fn stopping_waits_for_the_end_and_the_name_is_taken_until_then() {
    let stage = Stage::default();
    let play = Play::begin(spec(Strategy::OneForOne, vec![stage.part("a", Part::Deaf), stage.child("b")])).await;
    let (children, began) = (play.system.children("lab"), Instant::now());
    let other = children.clone();
    let stopping = tokio::spawn(async move { other.stop_child("a").await });
    quiet().await;
    assert_eq!(children.start_child(stage.child("a")).await, Err(CommandError::AlreadyThere("lab/a".into())));
    assert_eq!(children.restart_child("a").await, Err(CommandError::NoSuchChild("lab/a".into())), "it is leaving");
    assert_eq!(children.quarantine_child("a", "no").await, Err(CommandError::NoSuchChild("lab/a".into())));
    stage.cue("b", Cue::Fail).await;
    assert_eq!(play.state("lab/b"), State::Running, "a stop holds up nobody");
    let again = children.stop_child("a");
    let (first, second) = tokio::join!(stopping, again);
    assert_eq!((first.unwrap(), second), (Ok(()), Ok(())), "whoever waits is answered");
    assert_eq!(began.elapsed(), 5 * SECOND);
    play.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_person_can_hold_a_child_and_let_it_go() {
    let stage = Stage::default();
    let play = Play::begin(spec(Strategy::OneForOne, vec![stage.child("a"), stage.child("b")])).await;
    stage.told();
    play.system.quarantine("lab/a", "being rewired").await.unwrap();
    assert_eq!(stage.told(), "-a", "it has ended with the answer");
    assert_eq!(play.state("lab/a"), State::Quarantined { reason: "being rewired".into() });
    play.system.quarantine("lab/a", "still being rewired").await.unwrap();
    assert_eq!(play.state("lab/a"), State::Quarantined { reason: "still being rewired".into() });
    play.system.release("lab/a").await.unwrap();
    quiet().await;
    assert_eq!((stage.told().as_str(), play.state("lab/a")), ("+a", State::Running));
    play.system.restart("lab/a").await.unwrap();
    quiet().await;
    assert_eq!(stage.told(), "-a +a");
    assert_eq!(play.row("lab/a").restarts_in_window, 0, "what a person asks for is not counted");
    play.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_child_that_waits_to_be_restarted_can_be_stopped() {
    let stage = Stage::default();
    let backoff = Backoff { min: 60 * SECOND, max: 60 * SECOND, stable: SECOND };
    let play = Play::begin(spec(Strategy::OneForOne, vec![ChildSpec { backoff: Some(backoff), ..stage.part("a", Part::Broken) }])).await;
    let began = Instant::now();
    play.system.children("lab").stop_child("a").await.unwrap();
    assert_eq!((play.paths(), began.elapsed()), (vec!["lab".to_owned()], Duration::ZERO));
    tokio::time::sleep(120 * SECOND).await;
    assert_eq!(stage.told(), "+a -a", "its pause is forgotten with it");
    play.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_handle_outlives_its_supervisor() {
    let stage = Stage::default();
    let below = ChildSpec::supervisor("below", spec(Strategy::OneForOne, vec![stage.child("a")]));
    let play = Play::begin(spec(Strategy::OneForOne, vec![below])).await;
    let children = play.system.children("lab/below");
    children.start_child(stage.child("b")).await.unwrap();
    quiet().await;
    play.system.restart("lab/below").await.unwrap();
    quiet().await;
    assert_eq!(stage.told(), "+a +b -b -a +a", "a restarted supervisor begins with its own children");
    children.start_child(stage.child("b")).await.unwrap();
    quiet().await;
    assert_eq!(stage.told(), "+b");
    play.system.quarantine("lab/below", "test").await.unwrap();
    assert_eq!(children.start_child(stage.child("c")).await, Err(CommandError::NoSuchSupervisor("lab/below".into())));
    play.end().await.unwrap();
    assert_eq!(children.stop_child("b").await, Err(CommandError::NoSuchSupervisor("lab/below".into())));
}

#[tokio::test(start_paused = true)]
async fn what_contradicts_itself_is_refused() {
    let stage = Stage::default();
    let play = Play::begin(spec(Strategy::OneForOne, vec![])).await;
    let slow = Backoff { min: 10 * SECOND, max: 10 * SECOND, stable: SECOND };
    let never = ChildSpec { backoff: Some(slow), on_give_up: OnGiveUp::Quarantine, ..stage.child("a") };
    let Err(CommandError::Refused(error)) = play.system.children("lab").start_child(never).await else { panic!("was started") };
    assert_eq!((error.path.as_str(), error.fault), ("a", SpecFault::NeverQuarantined { failures: 2 }));
    assert_eq!(play.system.restart("lab").await, Err(CommandError::NoSuchChild("lab".into())), "the root is nobody's child");
    assert_eq!(play.system.restart("other/a").await, Err(CommandError::NoSuchSupervisor("other".into())));
    play.end().await.unwrap();
}
