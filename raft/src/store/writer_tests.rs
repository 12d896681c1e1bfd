use super::*;
use bytes::Bytes;
use std::sync::mpsc::{Sender, channel};

/// Tells what is committed, and waits to be let on.
struct Watched {
    commits: Sender<Vec<Op>>,
    go_on: Mutex<Receiver<io::Result<()>>>,
}

impl Disk for Watched {
    fn commit(&self, ops: Vec<Op>) -> io::Result<()> {
        self.commits.send(ops).expect("the test listens");
        self.go_on.lock().recv().expect("the test speaks")
    }

    fn range(&self, _: &[u8], _: &[u8]) -> io::Result<Vec<(Vec<u8>, Bytes)>> {
        Ok(vec![])
    }
}

struct Setup {
    writer: WriterThread,
    commits: Receiver<Vec<Op>>,
    go_on: Sender<io::Result<()>>,
    failures: Receiver<io::ErrorKind>,
}

fn setup() -> Setup {
    let ((commit, commits), (go_on, wait), (fail, failures)) = (channel(), channel(), channel());
    let disk = Arc::new(Watched { commits: commit, go_on: Mutex::new(wait) });
    let writer = WriterThread::start(disk, move |e| fail.send(e.kind()).expect("the test listens")).expect("a thread");
    Setup { writer, commits, go_on, failures }
}

fn put(key: u8) -> Op {
    Op::Put(vec![key], vec![key])
}

impl Setup {
    fn submit(&self, key: u8) -> Receiver<Result<(), io::ErrorKind>> {
        let (sender, receiver) = channel();
        let done = Box::new(move |result: io::Result<()>| sender.send(result.map_err(|e| e.kind())).expect("the test listens"));
        self.writer.submit(Submission { ops: vec![put(key)], when: When::Now(done) });
        receiver
    }
}

#[test]
fn what_waits_while_the_disk_is_busy_goes_out_together_and_in_order() {
    let s = setup();
    let first = s.submit(1);
    assert_eq!(s.commits.recv(), Ok(vec![put(1)]));
    s.writer.submit(Submission { ops: vec![put(2)], when: When::Lazily });
    let (third, fourth) = (s.submit(3), s.submit(4));
    assert!(first.try_recv().is_err(), "not told before it is durable");
    s.go_on.send(Ok(())).expect("the disk waits");
    assert_eq!(first.recv(), Ok(Ok(())));
    assert_eq!(s.commits.recv(), Ok(vec![put(2), put(3), put(4)]), "one round, the lazy one before what came after it");
    assert!(third.try_recv().is_err() && fourth.try_recv().is_err());
    s.go_on.send(Ok(())).expect("the disk waits");
    assert_eq!((third.recv(), fourth.recv()), (Ok(Ok(())), Ok(Ok(()))));
}

#[test]
fn after_the_first_error_nothing_is_written_any_more() {
    let s = setup();
    let first = s.submit(1);
    s.commits.recv().expect("a commit");
    let second = s.submit(2);
    s.go_on.send(Err(io::ErrorKind::StorageFull.into())).expect("the disk waits");
    assert_eq!(first.recv(), Ok(Err(io::ErrorKind::StorageFull)));
    assert_eq!(second.recv(), Ok(Err(io::ErrorKind::StorageFull)), "told, without a second try");
    assert_eq!(s.submit(3).recv(), Ok(Err(io::ErrorKind::StorageFull)));
    assert!(s.commits.try_recv().is_err());
    assert_eq!(s.failures.recv(), Ok(io::ErrorKind::StorageFull));
    assert!(s.failures.try_recv().is_err(), "reported once");
}

#[test]
fn what_is_put_off_goes_out_in_slices_and_lets_others_in_between() {
    let mut rounds = Rounds::default();
    let removals: Vec<Op> = (0..LATER_OPS_MAX * 2 + 1).map(|i| Op::Remove(i.to_be_bytes().to_vec())).collect();
    let mut waiting = vec![Submission { ops: removals.clone(), when: When::Later }];
    let round = rounds.gather(|| waiting.pop()).expect("a round");
    assert_eq!(round.ops, removals[..LATER_OPS_MAX]);
    let mut waiting = vec![Submission { ops: vec![put(1)], when: When::Now(Box::new(drop)) }];
    let round = rounds.gather(|| waiting.pop()).expect("a round");
    assert_eq!((&round.ops[0], round.ops.len(), round.dones.len()), (&put(1), LATER_OPS_MAX + 1, 1));
    assert!(rounds.has_more());
    assert_eq!(rounds.gather(|| None).expect("a round").ops, removals[LATER_OPS_MAX * 2..]);
    assert!(!rounds.has_more() && rounds.gather(|| None).is_none());
}

#[test]
fn a_round_is_closed_once_it_is_large() {
    let mut rounds = Rounds::default();
    let large = || Submission { ops: vec![Op::Put(vec![], vec![0; ROUND_BYTES_MAX / 2 + 1])], when: When::Now(Box::new(drop)) };
    let mut waiting = vec![large(), large(), large()];
    assert_eq!(rounds.gather(|| waiting.pop()).expect("a round").dones.len(), 2);
    assert_eq!(waiting.len(), 1);
}

#[test]
fn lazy_operations_wait_for_company_but_do_not_pile_up() {
    let mut rounds = Rounds::default();
    let mut lazy = |n: usize| {
        let mut waiting: Vec<_> = (0..n).map(|_| Submission { ops: vec![put(1)], when: When::Lazily }).collect();
        rounds.gather(|| waiting.pop()).map(|round| round.ops.len())
    };
    assert_eq!(lazy(LATER_OPS_MAX), None);
    assert_eq!(lazy(1), Some(LATER_OPS_MAX + 1));
}

#[test]
fn a_closed_writer_has_written_everything_and_refuses_more() {
    let s = setup();
    let first = s.submit(1);
    let second = s.submit(2);
    s.go_on.send(Ok(())).expect("the disk waits");
    s.go_on.send(Ok(())).expect("the disk waits");
    s.writer.stop();
    assert_eq!((first.recv(), second.recv()), (Ok(Ok(())), Ok(Ok(()))));
    assert_eq!(s.submit(3).recv(), Ok(Err(io::ErrorKind::Other)));
}
