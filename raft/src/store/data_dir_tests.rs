use super::*;
use labkeeper_model::ErrorCode;

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

fn refused(path: &Path) -> (ErrorCode, OpenError) {
    let error = DataDir::open(path, &name("a")).err().expect("a refusal");
    (error.code(), error)
}

#[test]
fn a_directory_keeps_who_the_node_is() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("deep/er");
    let identity = Identity { node_id: 17, site_id: [5; 16] };
    let instance = {
        let opened = DataDir::open(&path, &name("a")).expect("a new directory");
        assert_eq!(opened.identity(), None);
        opened.settle(identity).expect("room");
        opened.instance()
    };
    let opened = DataDir::open(&path, &name("a")).expect("the same directory");
    assert_eq!((opened.identity(), opened.instance()), (Some(identity), instance));
    let other = tempfile::tempdir().expect("a directory");
    assert_ne!(DataDir::open(other.path(), &name("a")).expect("a new directory").instance(), instance);
}

#[test]
fn only_one_may_have_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let opened = DataDir::open(dir.path(), &name("a")).expect("a new directory");
    assert_eq!(refused(dir.path()).0, ErrorCode::DataDirInUse);
    drop(opened);
    assert!(DataDir::open(dir.path(), &name("a")).is_ok());
}

#[test]
fn another_nodes_directory_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    drop(DataDir::open(dir.path(), &name("b")).expect("a new directory"));
    let before = std::fs::read(dir.path().join("identity")).expect("a file");
    assert_eq!(refused(dir.path()).0, ErrorCode::DataDirOfOtherSite);
    assert_eq!(std::fs::read(dir.path().join("identity")).expect("a file"), before);
}

#[test]
fn a_newer_directory_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    let record = v1::DataDirRecord { format: FORMAT + 1, node_name: "a".into(), ..Default::default() };
    write_identity(dir.path(), &record).expect("room");
    let (code, error) = refused(dir.path());
    assert_eq!(code, ErrorCode::DataDirNewer);
    assert!(error.to_string().contains(&format!("format {}", FORMAT + 1)), "{error}");
    assert!(dir.path().join("identity").exists());
}

#[test]
fn a_damaged_directory_is_set_aside_as_a_whole_and_then_empty() {
    let dir = tempfile::tempdir().expect("a directory");
    drop(DataDir::open(dir.path(), &name("a")).expect("a new directory"));
    std::fs::create_dir(dir.path().join("log")).expect("room");
    std::fs::write(dir.path().join("log/db"), b"entries").expect("room");
    std::fs::write(dir.path().join("identity"), b"nonsense").expect("room");
    let (code, error) = refused(dir.path());
    assert_eq!(code, ErrorCode::DataDirCorrupt);
    let OpenError::Corrupt { kept, .. } = &error else { panic!("{error}") };
    assert_eq!(std::fs::read(kept.join("log/db")).expect("kept"), b"entries");
    assert_eq!(std::fs::read(kept.join("identity")).expect("kept"), b"nonsense");
    assert!(!dir.path().join("log").exists());
    assert_eq!(DataDir::open(dir.path(), &name("a")).expect("an empty directory").identity(), None);
}

#[test]
fn a_log_without_an_identity_is_nobodys() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(dir.path().join("log")).expect("room");
    assert_eq!(refused(dir.path()).0, ErrorCode::DataDirCorrupt);
}

#[test]
fn every_kind_of_damage_to_the_identity_is_noticed() {
    let dir = tempfile::tempdir().expect("a directory");
    drop(DataDir::open(dir.path(), &name("a")).expect("a new directory"));
    let good = std::fs::read(dir.path().join("identity")).expect("a file");
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        std::fs::write(dir.path().join("identity"), &bad).expect("room");
        assert!(matches!(read_identity(dir.path()), Err(Unread::Damaged)), "byte {at}");
        std::fs::write(dir.path().join("identity"), &good[..at]).expect("room");
        assert!(matches!(read_identity(dir.path()), Err(Unread::Damaged)), "cut at {at}");
    }
}

#[test]
fn a_path_that_is_a_file_is_unusable() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("file"), b"").expect("room");
    assert_eq!(refused(&dir.path().join("file")).0, ErrorCode::DataDirUnusable);
    assert_eq!(refused(&dir.path().join("file/below")).0, ErrorCode::DataDirUnusable);
}
