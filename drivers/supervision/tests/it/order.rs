//! Children start in order and stop in reverse, each in its time.

use crate::support::{Cue, Part, Play, SECOND, Stage, quiet, spec};
use labkeeper_supervision::{ChildSpec, Reason, State, Strategy};
use std::time::Duration;
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn a_child_is_started_when_those_before_it_are_ready() {
    for strategy in [Strategy::OneForOne, Strategy::RestForOne, Strategy::OneForAll] {
        let stage = Stage::default();
        let children = vec![stage.child("a"), stage.part("b", Part::Slow), stage.child("c")];
        let play = Play::begin(spec(strategy, children)).await;
        assert_eq!(stage.told(), "+a +b", "{strategy:?}");
        assert_eq!((play.state("lab/b"), play.state("lab/c")), (State::Starting, State::Waiting));
        assert_eq!(play.state("lab"), State::Starting, "a supervisor is ready when its children are");
        stage.cue("b", Cue::Ready).await;
        assert_eq!(stage.told(), "+c", "{strategy:?}");
        assert_eq!((play.state("lab/b"), play.state("lab")), (State::Running, State::Running));
        play.end().await.unwrap();
        assert_eq!(stage.told(), "-c -b -a", "{strategy:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_not_ready_in_time_is_restarted_and_holds_up_only_those_that_depend_on_it() {
    for (strategy, then) in [(Strategy::OneForOne, "-a +b +a"), (Strategy::RestForOne, "-a +a"), (Strategy::OneForAll, "-a +a")] {
        let stage = Stage::default();
        let slow = ChildSpec { start_timeout: 2 * SECOND, ..stage.part("a", Part::Slow) };
        let play = Play::begin(spec(strategy, vec![slow, stage.child("b")])).await;
        tokio::time::sleep(2 * SECOND - Duration::from_millis(2)).await;
        assert_eq!(stage.told(), "+a", "{strategy:?}");
        tokio::time::sleep(Duration::from_millis(2)).await;
        let mut told: Vec<String> = stage.told().split(' ').map(str::to_owned).collect();
        told.sort();
        let mut expected: Vec<&str> = then.split(' ').collect();
        expected.sort_unstable();
        assert_eq!(told, expected, "{strategy:?}");
        assert!(matches!(play.last_exit("lab/a"), Reason::NotReady(within) if within == 2 * SECOND));
        stage.cue("a", Cue::Ready).await;
        assert_eq!((play.state("lab/a"), play.state("lab/b")), (State::Running, State::Running), "{strategy:?}");
        play.end().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn each_child_has_its_own_deadline_and_is_aborted_after_it() {
    let stage = Stage::default();
    let deaf = |id: &str, seconds: u32| ChildSpec { shutdown: seconds * SECOND, ..stage.part(id, Part::Deaf) };
    let play = Play::begin(spec(Strategy::OneForOne, vec![deaf("a", 2), stage.child("b"), deaf("c", 3)])).await;
    stage.told();
    let (system, began) = (play.system.clone(), Instant::now());
    let ending = tokio::spawn(play.end());
    tokio::time::sleep(3 * SECOND - Duration::from_millis(1)).await;
    assert_eq!((stage.told().as_str(), system.find("lab/c").unwrap().state), ("", State::Stopping), "nobody before c is told to end");
    tokio::time::sleep(Duration::from_millis(2)).await;
    assert_eq!(stage.told(), "-c -b", "a has two seconds of its own");
    ending.await.unwrap().unwrap();
    assert_eq!(stage.told(), "-a");
    assert_eq!(began.elapsed(), 5 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_child_without_time_to_end_is_aborted_at_once() {
    let stage = Stage::default();
    let play = Play::begin(spec(Strategy::OneForOne, vec![ChildSpec { shutdown: Duration::ZERO, ..stage.part("a", Part::Deaf) }])).await;
    play.system.restart("lab/a").await.unwrap();
    quiet().await;
    assert_eq!(stage.told(), "+a -a +a");
    assert!(matches!(play.last_exit("lab/a"), Reason::Killed));
    play.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn dropping_a_tree_takes_everything_along() {
    let stage = Stage::default();
    let below = ChildSpec::supervisor("below", spec(Strategy::OneForOne, vec![stage.part("b", Part::Deaf), stage.child("c")]));
    let play = Play::begin(spec(Strategy::OneForOne, vec![stage.child("a"), below])).await;
    assert_eq!(stage.told(), "+a +b +c");
    play.abort().await;
    let mut told: Vec<_> = stage.told().split(' ').map(str::to_owned).collect();
    told.sort();
    assert_eq!(told, ["-a", "-b", "-c"]);
    assert_eq!((play.paths(), play.state("lab")), (vec!["lab".to_owned()], State::Stopped));
    assert!(play.system.restart("lab/a").await.is_err());
}

#[tokio::test(start_paused = true)]
async fn an_aborted_supervisor_takes_everything_below_it_along() {
    let stage = Stage::default();
    let below = ChildSpec::supervisor("below", spec(Strategy::OneForOne, vec![stage.part("b", Part::Deaf)]));
    let play = Play::begin(spec(Strategy::OneForOne, vec![ChildSpec { shutdown: Duration::ZERO, ..below }, stage.child("a")])).await;
    assert_eq!(stage.told(), "+b +a");
    play.system.quarantine("lab/below", "test").await.unwrap();
    quiet().await;
    assert_eq!(stage.told(), "-b");
    assert_eq!(play.paths(), ["lab", "lab/below", "lab/a"]);
    play.end().await.unwrap();
}
