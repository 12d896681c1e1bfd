//! A child that makes no progress is restarted; one that does is not.

use crate::support::{Cue, Part, Play, SECOND, Stage, quiet, spec};
use labkeeper_supervision::{ChildSpec, Reason, State, Strategy};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_silent_child_is_aborted_and_restarted() {
    let stage = Stage::default();
    let watched = ChildSpec { hang_after: Some(3 * SECOND), ..stage.child("a") };
    let play = Play::begin(spec(Strategy::OneForOne, vec![watched, stage.child("b")])).await;
    stage.told();
    for _ in 0..4 {
        tokio::time::sleep(2 * SECOND).await;
        stage.cue("a", Cue::Progress).await;
    }
    assert_eq!((stage.told().as_str(), play.row("lab/a").restarts), ("", 0), "it reports progress");
    let progress_at = play.row("lab/a").progress_at.unwrap();
    tokio::time::sleep_until(tokio::time::Instant::from_std(progress_at) + 3 * SECOND - Duration::from_millis(2)).await;
    assert_eq!(play.state("lab/a"), State::Running);
    tokio::time::sleep(Duration::from_millis(4)).await;
    assert_eq!((stage.told().as_str(), play.state("lab/a")), ("-a +a", State::Running));
    assert!(matches!(play.last_exit("lab/a"), Reason::Hung(silent) if silent == 3 * SECOND));
    assert_eq!(play.row("lab/a").restarts_in_window, 1, "a hang counts as a failure");
    assert_eq!(play.row("lab/a").progress_at, None, "progress of the one before is none of this one");
    play.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_an_incarnation_left_behind_cannot_speak_for_its_successor() {
    let stage = Stage::default();
    let watched = ChildSpec { hang_after: Some(3 * SECOND), start_timeout: SECOND, ..stage.part("a", Part::Slow) };
    let play = Play::begin(spec(Strategy::OneForOne, vec![watched])).await;
    let left_behind = stage.context("a");
    stage.cue("a", Cue::Fail).await;
    assert!(left_behind.token().is_cancelled(), "what it started can hang on its token");
    left_behind.ready();
    left_behind.progress();
    left_behind.mailbox(Default::default);
    quiet().await;
    let row = play.row("lab/a");
    assert_eq!((row.state, row.progress_at, row.mailbox), (State::Starting, None, None));
    assert_eq!((left_behind.generation(), stage.context("a").generation()), (1, 2));
    play.end().await.unwrap();
}
