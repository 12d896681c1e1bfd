//! Whatever comes in from outside is answered with a code, or not at all; never with a panic, never half done.

use crate::harness::{Node, PATIENCE, founded, propose, soon};
use labkeeper_model::{ErrorCode, Name};
use labkeeper_proto::convert::uuid_text;
use labkeeper_proto::v1;
use labkeeper_proto::v1::raft_service_client::RaftServiceClient;
use labkeeper_proto::v1::snapshot_chunk::Kind;
use labkeeper_raft::network::SNAPSHOT_BYTES_MAX;
use labkeeper_raft::{Cluster, ClusterError, OpenError, Options};
use prost::Message as _;
use rand::{RngExt as _, SeedableRng as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::transport::Channel;
use tonic::{Request, Status};

async fn client(node: &Node) -> RaftServiceClient<Channel> {
    RaftServiceClient::connect(format!("http://{}", node.address)).await.expect("a connection")
}

/// A message with the site and addressee that a node wants to see, or others.
fn tagged<T>(message: T, site: [u8; 16], to: u64) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("labkeeper-site", uuid_text(site).parse().expect("ascii"));
    request.metadata_mut().insert("labkeeper-to", to.into());
    request
}

fn code(status: &Status) -> Option<ErrorCode> {
    let error = v1::Error::decode(status.details()).ok()?;
    <(ErrorCode, String)>::try_from(error).ok().map(|(code, _)| code)
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_on_the_port_is_shaken_off() {
    let node = founded("a").await;
    crate::harness::apply_site(&node.cluster).await;
    let seed = 7;
    let mut random = rand::rngs::StdRng::seed_from_u64(seed);
    for round in 0..60 {
        let mut stream = TcpStream::connect(&node.address).await.expect("a connection");
        let mut bytes = match round % 3 {
            0 => vec![],
            1 => b"GET / HTTP/1.1\r\nhost: x\r\n\r\n".to_vec(),
            _ => b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        };
        bytes.extend((0..random.random_range(0..4_000)).map(|_| random.random::<u8>()));
        // The node may hang up in the middle.
        let _ = stream.write_all(&bytes).await;
        let _ = stream.shutdown().await;
        let mut answer = vec![];
        let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("it hangs up");
    }
    assert_eq!(node.cluster.status().leader, Some(1), "seed {seed}");
    propose(&node.cluster, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_other_sites_and_for_other_nodes_are_refused() {
    let node = founded("a").await;
    let site = node.cluster.identity().expect("a site").site_id;
    let mut client = client(&node).await;
    let refused = client.vote(v1::VoteRequest::default()).await.expect_err("no site");
    assert_eq!(code(&refused), Some(ErrorCode::OtherSite));
    let refused = client.vote(tagged(v1::VoteRequest::default(), [9; 16], 1)).await.expect_err("another site");
    assert_eq!(code(&refused), Some(ErrorCode::OtherSite));
    let refused = client.vote(tagged(v1::VoteRequest::default(), site, 2)).await.expect_err("another node");
    assert_eq!(code(&refused), Some(ErrorCode::UnknownNode));
    let empty = Node::start("b").await;
    let mut client = RaftServiceClient::connect(format!("http://{}", empty.address)).await.expect("a connection");
    let refused = client.vote(tagged(v1::VoteRequest::default(), site, 1)).await.expect_err("no site yet");
    assert_eq!(code(&refused), Some(ErrorCode::NotInitialised));
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_make_no_sense_are_refused_and_change_nothing() {
    let node = founded("a").await;
    let before = node.cluster.status();
    let site = node.cluster.identity().expect("a site").site_id;
    let mut client = client(&node).await;
    let refused = client.vote(tagged(v1::VoteRequest::default(), site, 1)).await.expect_err("no vote");
    assert_eq!(code(&refused), Some(ErrorCode::BadRequest));
    let refused = client.transfer(tagged(v1::TransferRequest::default(), site, 1)).await.expect_err("from nobody");
    assert_eq!(code(&refused), Some(ErrorCode::BadRequest));

    let header = |bytes| {
        Kind::Header(v1::SnapshotHeader {
            vote: Some(v1::Vote { term: 1, node_id: 9, committed: true }),
            meta: Some(v1::SnapshotMeta {
                last_log_id: None,
                membership: Some(v1::StoredMembership { log_id: None, membership: Some(v1::Membership::default()) }),
            }),
            bytes,
        })
    };
    let data = |n: usize| Kind::Data(vec![0; n].into());
    let snapshots = [
        (vec![], ErrorCode::BadRequest),
        (vec![data(3)], ErrorCode::BadRequest),
        (vec![Kind::Header(v1::SnapshotHeader::default())], ErrorCode::BadRequest),
        (vec![header(3), data(2)], ErrorCode::BadRequest),
        (vec![header(3), data(4)], ErrorCode::BadRequest),
        (vec![header(3), header(3)], ErrorCode::BadRequest),
        (vec![header(SNAPSHOT_BYTES_MAX + 1)], ErrorCode::TooLarge),
    ];
    for (kinds, expected) in snapshots {
        let chunks: Vec<_> = kinds.into_iter().map(|kind| v1::SnapshotChunk { kind: Some(kind) }).collect();
        let shown = format!("{:.120?}", chunks);
        let refused = client.install_snapshot(tagged(futures::stream::iter(chunks), site, 1)).await.expect_err("nonsense");
        assert_eq!(code(&refused), Some(expected), "{shown}");
    }

    let nonsense = v1::AppendRequest { vote: None, ..Default::default() };
    let mut answers = client.append(tagged(futures::stream::iter([nonsense]), site, 1)).await.expect("a stream").into_inner();
    let refused = answers.message().await.expect_err("no vote");
    assert_eq!(code(&refused), Some(ErrorCode::BadRequest));

    let after = node.cluster.status();
    assert_eq!((after.term, after.leader, after.last_log), (before.term, before.leader, before.last_log));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_of_another_site_or_of_none_takes_nobody_in() {
    let (one, other) = (founded("a").await, founded("z").await);
    let second = Node::start("b").await;
    second.join(&one).await;
    let error = second.cluster.join(&other.address, second.info(), |_| {}).await.expect_err("it has a site");
    assert_eq!(error.code(), ErrorCode::OtherSite);
    assert!(other.cluster.read(|m| m.nodes().len()) == 1, "nothing was left behind there");
    let (empty, third) = (Node::start("c").await, Node::start("d").await);
    let error = third.cluster.join(&empty.address, third.info(), |_| {}).await.expect_err("it has no site");
    assert_eq!(error.code(), ErrorCode::NotInitialised);
    let error = third.cluster.join("127.0.0.1:1", third.info(), |_| {}).await.expect_err("nobody is there");
    assert!(matches!(error, ClusterError::Unreachable { .. }), "{error:?}");
    let error = third.cluster.join("not an address", third.info(), |_| {}).await.expect_err("no address");
    assert_eq!(error.code(), ErrorCode::NodeUnreachable);
    assert_eq!(third.cluster.identity(), None);
    let twin = Node::start("b").await;
    let error = twin.cluster.join(&one.address, twin.info(), |_| {}).await.expect_err("the name is taken");
    assert_eq!(error.code(), ErrorCode::DuplicateNodeName);
    assert_eq!(twin.cluster.identity(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_in_use_is_refused() {
    let node = founded("a").await;
    let options = Options::new(node.dir.path(), Name::new("a").expect("a name"));
    let error = Cluster::open(options).await.err().expect("it is in use");
    assert_eq!(error.code(), ErrorCode::DataDirInUse);
    crate::harness::apply_site(&node.cluster).await;
    propose(&node.cluster, 1).await;
}

/// Damages a file of a node's directory and says what opening it says.
async fn damaged(spoil: impl FnOnce(&std::path::Path)) -> OpenError {
    let often = |options: &mut Options| {
        options.snapshot_every = 60;
        options.snapshot_keep = 10;
    };
    let node = Node::start_with("a", tempfile::tempdir().expect("a directory"), None, often).await;
    node.cluster.initialize(node.info()).await.expect("a site");
    crate::harness::apply_site(&node.cluster).await;
    for number in 1..=200 {
        propose(&node.cluster, number).await;
    }
    node.cluster.shutdown().await;
    let (dir, _) = node.kill();
    spoil(dir.path());
    let options = Options::new(dir.path(), Name::new("a").expect("a name"));
    let until = soon();
    let error = loop {
        match Cluster::open(options.clone()).await {
            Ok(_) => panic!("the damage was not noticed"),
            // The killed node lets go within moments.
            Err(OpenError::InUse { .. } | OpenError::Unusable { .. }) if tokio::time::Instant::now() < until => {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            Err(error) => break error,
        }
    };
    let OpenError::Corrupt { kept, .. } = &error else { panic!("{error}") };
    assert!(kept.join("identity").exists() && kept.join("log").exists(), "everything is kept");
    let opened = Cluster::open(options).await.expect("an empty directory");
    assert_eq!(opened.identity(), None, "it may join as a new node");
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_log_is_set_aside() {
    let error = damaged(|dir| {
        let path = dir.join("log/db");
        let mut bytes = std::fs::read(&path).expect("a file");
        for byte in bytes.iter_mut().step_by(97) {
            *byte ^= 0x55;
        }
        std::fs::write(&path, bytes).expect("room");
    });
    assert_eq!(error.await.code(), ErrorCode::DataDirCorrupt);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_snapshot_is_noticed_as_the_log_begins_behind_it() {
    let error = damaged(|dir| std::fs::remove_dir_all(dir.join("snapshot")).expect("a directory")).await;
    assert!(error.to_string().contains("missing"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_snapshot_is_set_aside() {
    let error = damaged(|dir| {
        let file = std::fs::read_dir(dir.join("snapshot")).expect("a directory").next().expect("one").expect("readable").path();
        let mut bytes = std::fs::read(&file).expect("a file");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&file, bytes).expect("room");
    });
    assert!(error.await.to_string().contains("checksum"));
}
