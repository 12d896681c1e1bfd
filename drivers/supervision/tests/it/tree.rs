//! The tree as data.

use crate::support::{Cue, Part, Play, SECOND, Stage, quiet, spec};
use labkeeper_supervision::{ChildSpec, Kind, MailboxStats, State, Strategy};
use std::time::Duration;
use tokio::sync::mpsc;

#[tokio::test(start_paused = true)]
async fn the_tree_is_listed_from_the_root_in_the_order_of_starting() {
    let stage = Stage::default();
    let cryo = ChildSpec::supervisor("cryo", spec(Strategy::RestForOne, vec![stage.child("bus"), stage.part("z", Part::Slow)]));
    let segments = ChildSpec::supervisor("segments", spec(Strategy::OneForOne, vec![cryo]));
    let play = Play::begin(spec(Strategy::OneForOne, vec![segments, stage.child("api")])).await;
    let rows = play.system.tree();
    let shown: Vec<_> = rows.iter().map(|row| format!("{} {:?} {}", row.path, row.kind, row.state.as_str())).collect();
    assert_eq!(
        shown,
        [
            "lab Supervisor starting",
            "lab/segments Supervisor starting",
            "lab/segments/cryo Supervisor starting",
            "lab/segments/cryo/bus Worker running",
            "lab/segments/cryo/z Worker starting",
            "lab/api Worker waiting",
        ]
    );
    assert_eq!(stage.context("bus").path(), "lab/segments/cryo/bus");
    assert!(play.system.find("lab/segments/nothing").is_none());
    assert!(play.system.find("lab/api/below a worker").is_none());
    stage.cue("z", Cue::Ready).await;
    assert!(play.system.tree().iter().all(|row| row.state == State::Running));
    assert_eq!(play.row("lab/segments/cryo").kind, Kind::Supervisor);
    play.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_row_says_since_when() {
    let stage = Stage::default();
    let play = Play::begin(spec(Strategy::OneForOne, vec![stage.part("a", Part::Slow)])).await;
    let began = play.row("lab/a").since;
    tokio::time::sleep(5 * SECOND).await;
    assert_eq!(play.row("lab/a").since, began);
    stage.cue("a", Cue::Fail).await;
    let row = play.row("lab/a");
    assert!(row.since - began >= 5 * SECOND, "a restart is a change, though it was starting before and is after");
    assert_eq!(row.last_exit.unwrap().at, row.since);
    play.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_is_shown_while_its_owner_lives() {
    let (send, mut letters) = mpsc::channel::<u32>(8);
    let gauge = send.downgrade();
    let stage = Stage::default();
    let play = Play::begin(spec(Strategy::OneForOne, vec![stage.child("a")])).await;
    stage.context("a").mailbox(move || {
        let depth = gauge.upgrade().map_or(0, |sender| sender.max_capacity() - sender.capacity());
        MailboxStats { depth, capacity: 8, dropped: 2 }
    });
    send.try_send(1).unwrap();
    send.try_send(2).unwrap();
    assert_eq!(play.row("lab/a").mailbox, Some(MailboxStats { depth: 2, capacity: 8, dropped: 2 }));
    assert_eq!(letters.try_recv(), Ok(1));
    assert_eq!(play.row("lab/a").mailbox.unwrap().depth, 1);
    stage.cue("a", Cue::Fail).await;
    assert_eq!(play.row("lab/a").mailbox, None);
    play.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn changes_are_announced() {
    let stage = Stage::default();
    let play = Play::begin(spec(Strategy::OneForOne, vec![stage.child("a")])).await;
    let mut changes = play.system.changes();
    let unchanged = tokio::time::timeout(SECOND, changes.changed()).await;
    assert!(unchanged.is_err(), "nothing has happened");
    let reader = play.system.clone();
    let seen = tokio::spawn(async move { changes.wait_for(|_| reader.find("lab/a").is_none()).await.map(|_| ()) });
    quiet().await;
    play.system.children("lab").stop_child("a").await.unwrap();
    tokio::time::timeout(Duration::from_millis(1), seen).await.expect("woken by the change").unwrap().unwrap();
    play.end().await.unwrap();
}
