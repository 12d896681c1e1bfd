//! The lanes without a bus.

use super::*;
use crate::clock::SystemClock;
use futures::FutureExt;
use labkeeper_model::site::Table;

type Answer<T, E> = oneshot::Receiver<Result<T, E>>;

fn write(unit: usize) -> (WriteJob, Answer<Written, WriteError>) {
    let (reply, answer) = oneshot::channel();
    let departure = Arc::new(Departure::new(Box::new(|| Ok(())), Arc::new(SystemClock)));
    let first = Register { table: Table::Holding, address: 0 };
    (WriteJob { unit, tag: Name::new("a").unwrap(), first, cells: Cells::Words(vec![0]), departure, reply }, answer)
}

fn read(unit: usize) -> ReadJob {
    ReadJob { unit, tag: Name::new("a").unwrap(), reply: oneshot::channel().0 }
}

/// What is taken next: `w0` is a write of device 0. Nothing if it would wait, or there is a newer task.
fn take(lanes: &Lanes, task: u64) -> Option<String> {
    match lanes.take(task).now_or_never()?? {
        Job::Write(job) => Some(format!("w{}", job.unit)),
        Job::Read(job) => Some(format!("r{}", job.unit)),
    }
}

#[test]
fn devices_take_turns_and_of_one_device_writes_go_first() {
    let lanes = Lanes::new(3);
    let task = lanes.open();
    let mut answers = vec![];
    for unit in [0, 0, 0, 2] {
        let (job, answer) = write(unit);
        lanes.push_write(job).unwrap();
        answers.push(answer);
    }
    lanes.push_read(read(0)).unwrap();
    lanes.push_read(read(1)).unwrap();
    let taken: Vec<String> = std::iter::from_fn(|| take(&lanes, task)).collect();
    assert_eq!(taken, ["w0", "r1", "w2", "w0", "w0", "r0"]);
}

#[test]
fn a_full_lane_is_full_for_one_device_and_one_kind() {
    let lanes = Lanes::new(2);
    lanes.open();
    for _ in 0..QUEUE_LEN {
        lanes.push_write(write(0).0).unwrap();
    }
    assert_eq!(lanes.push_write(write(0).0), Err(Refusal::Full));
    assert_eq!((lanes.push_write(write(1).0), lanes.push_read(read(0))), (Ok(()), Ok(())));
    assert_eq!(lanes.depths(), [(QUEUE_LEN, 1), (1, 0)]);
}

#[test]
fn closing_answers_what_waits_and_lets_nothing_in_until_the_next_task() {
    let lanes = Lanes::new(1);
    let (job, mut answer) = write(0);
    assert_eq!(lanes.push_write(job), Ok(()), "before the first task too");
    let first = lanes.open();
    lanes.close(first);
    assert_eq!(answer.try_recv(), Err(oneshot::error::TryRecvError::Closed));
    assert_eq!(lanes.push_write(write(0).0), Err(Refusal::Closed));
    let second = lanes.open();
    lanes.push_write(write(0).0).unwrap();
    lanes.close(first);
    assert_eq!(lanes.depths(), [(1, 0)], "a task that ends late closes nothing of its successor's");
    assert_eq!(take(&lanes, first), None, "and gets nothing");
    assert_eq!(take(&lanes, second), Some("w0".into()));
}

#[tokio::test]
async fn one_that_waits_is_woken_by_a_command_and_by_a_newer_task() {
    let lanes = Arc::new(Lanes::new(1));
    let task = lanes.open();
    let waiting = |task| {
        let lanes = Arc::clone(&lanes);
        tokio::spawn(async move { lanes.take(task).await.is_some() })
    };
    let first = waiting(task);
    tokio::task::yield_now().await;
    lanes.push_read(read(0)).unwrap();
    assert!(first.await.unwrap());
    let second = waiting(task);
    tokio::task::yield_now().await;
    lanes.open();
    assert!(!second.await.unwrap());
}
