use super::*;
use crate::store::writer::{Submission, When};
use crate::types::{LeaderId, LogId, StoredMembership};
use labkeeper_model::ErrorCode;
use tempfile::TempDir;

/// Remembers what was submitted, and whether the file was there by then.
struct Names {
    dir: PathBuf,
    named: parking_lot::Mutex<Vec<Vec<String>>>,
}

impl Writer for Names {
    fn submit(&self, submission: Submission) {
        self.named.lock().push(names(&self.dir));
        if let When::Now(done) = submission.when {
            done(Ok(()));
        }
    }
}

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).expect("a directory");
    let mut names: Vec<_> = entries.map(|e| e.expect("an entry").file_name().into_string().expect("a name")).collect();
    names.sort();
    names
}

fn meta(index: u64) -> SnapshotMeta {
    let log_id = LogId { leader_id: LeaderId { term: 3, node_id: 2 }, index };
    SnapshotMeta { last_log_id: Some(log_id), last_membership: StoredMembership::default() }
}

type Opened = (Snapshots, Arc<Names>, Option<(SnapshotMeta, Bytes)>);

fn open(dir: &TempDir, name: Option<&str>) -> io::Result<Opened> {
    let files = SnapshotDir::open(dir.path(), |_| {}).expect("a directory");
    let writer = Arc::new(Names { dir: dir.path().to_owned(), named: parking_lot::Mutex::default() });
    let (snapshots, loaded) = Snapshots::open(Arc::new(files), writer.clone(), name.map(str::to_owned))?;
    Ok((snapshots, writer, loaded))
}

const FIFTH: &str = "00000000000000000005-3-2.snap";
const NINTH: &str = "00000000000000000009-3-2.snap";

#[tokio::test]
async fn a_snapshot_is_on_the_disk_before_it_is_named_and_alone_afterwards() {
    let dir = tempfile::tempdir().expect("a directory");
    let (snapshots, writer, _) = open(&dir, None).expect("none yet");
    snapshots.save(meta(5), || Bytes::from_static(b"five")).await.expect("room");
    snapshots.save(meta(9), || Bytes::from_static(b"nine")).await.expect("room");
    assert_eq!(*writer.named.lock(), [vec![FIFTH.to_owned()], vec![FIFTH.to_owned(), NINTH.to_owned()]]);
    assert_eq!(names(dir.path()), [NINTH]);
    assert_eq!(snapshots.current().await.expect("readable"), Some((meta(9), Bytes::from_static(b"nine"))));
    let (_, _, loaded) = open(&dir, Some(NINTH)).expect("intact");
    assert_eq!(loaded, Some((meta(9), Bytes::from_static(b"nine"))));
}

#[tokio::test]
async fn an_older_snapshot_never_takes_the_place_of_a_newer_one() {
    let dir = tempfile::tempdir().expect("a directory");
    let (snapshots, writer, _) = open(&dir, None).expect("none yet");
    snapshots.save(meta(9), || Bytes::from_static(b"nine")).await.expect("room");
    let bytes = snapshots.save(meta(5), || Bytes::from_static(b"five")).await.expect("room");
    assert_eq!(bytes, "five", "whoever asked for it still gets it");
    assert_eq!(writer.named.lock().len(), 1);
    assert_eq!(names(dir.path()), [NINTH]);
}

#[tokio::test]
async fn what_a_crash_left_behind_is_removed() {
    let dir = tempfile::tempdir().expect("a directory");
    let (snapshots, ..) = open(&dir, None).expect("none yet");
    snapshots.save(meta(9), || Bytes::from_static(b"nine")).await.expect("room");
    std::fs::write(dir.path().join("00000000000000000012-3-2.tmp"), b"half").expect("room");
    std::fs::write(dir.path().join(FIFTH), b"old").expect("room");
    open(&dir, Some(NINTH)).expect("intact");
    assert_eq!(names(dir.path()), [NINTH]);
}

#[tokio::test]
async fn a_damaged_or_missing_snapshot_is_said_to_be_so() {
    let dir = tempfile::tempdir().expect("a directory");
    let (snapshots, ..) = open(&dir, None).expect("none yet");
    snapshots.save(meta(9), || Bytes::from_static(b"nine")).await.expect("room");
    let file = dir.path().join(NINTH);
    let good = std::fs::read(&file).expect("a file");
    let kind = || open(&dir, Some(NINTH)).err().map(|e| e.kind());
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x40;
        std::fs::write(&file, &bad).expect("room");
        assert_eq!(kind(), Some(io::ErrorKind::InvalidData), "byte {at}");
        std::fs::write(&file, &good[..at]).expect("room");
        assert_eq!(kind(), Some(io::ErrorKind::InvalidData), "cut at {at}");
    }
    std::fs::remove_file(&file).expect("it is there");
    assert_eq!(kind(), Some(io::ErrorKind::InvalidData));
}

#[tokio::test]
async fn a_snapshot_that_cannot_be_written_is_reported() {
    let dir = tempfile::tempdir().expect("a directory");
    let faults = crate::fault::Faults::default();
    let report = faults.clone();
    let below = dir.path().join("below");
    let files = SnapshotDir::open(&below, move |e| report.report_io("a snapshot", e)).expect("a directory");
    let writer = Arc::new(Names { dir: dir.path().to_owned(), named: parking_lot::Mutex::default() });
    let (snapshots, _) = Snapshots::open(Arc::new(files), writer.clone(), None).expect("none yet");
    std::fs::remove_dir(&below).expect("it is empty");
    assert!(snapshots.save(meta(5), || Bytes::from_static(b"five")).await.is_err());
    assert_eq!(faults.first().await.code, ErrorCode::DataDirUnusable);
    assert!(writer.named.lock().is_empty(), "what is not there is not named");
}
