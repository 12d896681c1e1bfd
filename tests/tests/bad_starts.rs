//! Starts that cannot be: each ends at once with one line that has code, place and remedy, and leaves everything as it was.

use anyhow::{Context as _, ensure};
use labkeeper_proto::v1;
use labkeeper_proto::v1::value::Kind;
use labkeeper_tests::client::{lab_code, setpoint};
use labkeeper_tests::cluster::join;
use labkeeper_tests::lab::Lab;
use labkeeper_tests::ports::Port;
use labkeeper_tests::{Cluster, Node, cli};
use prost::Message as _;
use std::net::TcpListener;
use std::path::Path;

/// Starts a node that must not come up; fails unless it ends with exit code 1 and one line with `code` and `says`.
async fn refuses(node: &Node, data_dir: &Path, code: &str, says: &str) -> anyhow::Result<()> {
    std::fs::write(node.config(), node.config_text(data_dir, ""))?;
    let ran = cli::run("", &["node", "--config", &node.config().display().to_string()]).await?.with_code(1)?;
    let line = ran.err.lines().find(|line| line.contains(code)).with_context(|| format!("no {code}: {ran:#?}"))?;
    ensure!(line.contains(says) && line.contains("; "), "{code} without {says:?} or a remedy: {line}");
    ensure!(!ran.err.contains("panicked"), "{}", ran.err);
    Ok(())
}

#[tokio::test]
async fn a_data_directory_belongs_to_one_process_and_one_node() -> anyhow::Result<()> {
    let mut cluster = Cluster::start(1).await?;
    let taken = cluster.nodes[0].data_dir();
    let other = Node::prepare("lab-x", cluster.dir())?;
    refuses(&other, &taken, "LAB1004", &taken.display().to_string()).await?;

    cluster.nodes[0].stop().await?;
    refuses(&other, &taken, "LAB1005", "lab-a").await?;
    // The rightful owner finds everything as it was.
    cluster.nodes[0].start().await?;
    cluster.settled().await?;
    cluster.finish()
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() -> anyhow::Result<()> {
    let cluster = Cluster::uninitialised(1, Lab::empty()).await?;
    for key in ["grpc", "http"] {
        let node = Node::prepare(&format!("lab-{key}"), cluster.dir())?;
        let address = if key == "grpc" { node.grpc.address() } else { node.http.address() };
        let _squatter = TcpListener::bind(address)?;
        refuses(&node, &node.data_dir(), "LAB1003", &format!("listen.{key}")).await?;
    }
    cluster.finish()
}

#[tokio::test]
async fn a_data_directory_that_cannot_be_read_is_refused_with_the_reason() -> anyhow::Result<()> {
    let cluster = Cluster::uninitialised(1, Lab::empty()).await?;
    let node = Node::prepare("lab-x", cluster.dir())?;
    let file = cluster.dir().join("a-file");
    std::fs::write(&file, "not a directory")?;
    refuses(&node, &file, "LAB1010", "a-file").await?;
    refuses(&node, Path::new("/proc/labkeeper"), "LAB1010", "/proc/labkeeper").await?;
    cluster.finish()
}

#[tokio::test]
async fn a_data_directory_of_a_newer_version_is_left_alone() -> anyhow::Result<()> {
    let mut cluster = Cluster::start(1).await?;
    cluster.nodes[0].stop().await?;
    let node = &cluster.nodes[0];
    let identity = node.data_dir().join("identity");
    let before = std::fs::read(&identity)?;
    // A checksum of four bytes, then the record.
    let mut record = v1::DataDirRecord::decode(&before[4..])?;
    record.format = 999;
    let bytes = record.encode_to_vec();
    std::fs::write(&identity, [&crc32fast::hash(&bytes).to_le_bytes(), bytes.as_slice()].concat())?;
    refuses(node, &node.data_dir(), "LAB1006", "999").await?;
    std::fs::write(&identity, before)?;
    cluster.nodes[0].start().await?;
    cluster.settled().await?;
    cluster.finish()
}

#[tokio::test]
async fn a_damaged_data_directory_is_set_aside_and_the_site_goes_on_without_it() -> anyhow::Result<()> {
    let mut cluster = Cluster::start(3).await?;
    let victim = cluster.follower().await?;
    cluster.nodes[victim].kill9()?;
    let data_dir = cluster.nodes[victim].data_dir();
    let damaged = damage(&data_dir)?;
    refuses(&cluster.nodes[victim], &data_dir, "LAB1007", &data_dir.display().to_string()).await?;
    let kept = std::fs::read_dir(cluster.dir())?.filter_map(Result::ok).any(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.starts_with(&cluster.nodes[victim].name) && name != cluster.nodes[victim].name && entry.path().is_dir()
    });
    let moved_inside = std::fs::read_dir(&data_dir).is_ok_and(|mut dir| dir.next().is_some());
    assert!(kept || moved_inside, "{damaged:?} was thrown away instead of kept");

    let owner = (victim + 1) % 3;
    let segment = ["cryo", "furnace", "vacuum"][owner];
    let command = cluster.set(owner, setpoint(&format!("{segment}/bank-{segment}/gain"), Kind::Number(1.0))).await?;
    assert_eq!(command.revision, 1);

    // As the remedy says: the old node leaves, and joins as a new one.
    let name = cluster.nodes[victim].name.clone();
    cli::run(&cluster.endpoints(), &["cluster", "leave", &name]).await?.with_code(0)?;
    cluster.nodes[victim].start().await?;
    join(&cluster.nodes[victim].client, &cluster.nodes[owner].grpc.address().to_string()).await?;
    cluster.settled().await?;
    cluster.finish()
}

/// Overwrites the middle of the largest file of the store.
fn damage(data_dir: &Path) -> anyhow::Result<std::path::PathBuf> {
    let mut files: Vec<(u64, std::path::PathBuf)> = Vec::new();
    let mut dirs = vec![data_dir.to_path_buf()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                dirs.push(entry.path());
            } else {
                files.push((entry.metadata()?.len(), entry.path()));
            }
        }
    }
    let (_, path) = files.into_iter().max().context("a store has files")?;
    let mut bytes = std::fs::read(&path)?;
    bytes.iter_mut().for_each(|byte| *byte = byte.wrapping_mul(31).wrapping_add(17));
    std::fs::write(&path, bytes)?;
    Ok(path)
}

#[tokio::test]
async fn a_name_is_used_once_in_a_site() -> anyhow::Result<()> {
    let mut cluster = Cluster::start(1).await?;
    let dir = cluster.dir().join("elsewhere");
    std::fs::create_dir(&dir)?;
    let mut twin = Node::prepare("lab-a", &dir)?;
    twin.start().await?;
    let to = cluster.nodes[0].grpc.address().to_string();
    let error = join(&twin.client, &to).await.expect_err("the name is taken");
    let status = error.downcast_ref::<tonic::Status>().context("a status")?;
    assert_eq!(lab_code(status), "LAB4004", "{status}");
    assert_eq!(cluster.nodes[0].client.status().await?.nodes.len(), 1, "nothing of it was admitted");
    cluster.nodes[0].process()?.must_run()?;
    twin.process()?.must_not_have_panicked()?;
    cluster.finish()
}

#[tokio::test]
async fn a_join_that_cannot_be_says_why() -> anyhow::Result<()> {
    let cluster = Cluster::uninitialised(2, Lab::empty()).await?;
    let code = async |client: &labkeeper_tests::Client, to: &str| -> anyhow::Result<String> {
        let error = join(client, to).await.expect_err("it cannot be joined");
        Ok(lab_code(error.downcast_ref::<tonic::Status>().context("a status")?))
    };
    let (a, b) = (&cluster.nodes[0], &cluster.nodes[1]);
    let nobody = Port::reserve()?.address().to_string();
    assert_eq!(code(&b.client, &nobody).await?, "LAB4009", "nobody is there");
    assert_eq!(code(&b.client, &a.grpc.address().to_string()).await?, "LAB4002", "a site is not founded there");
    assert_eq!(code(&b.client, "no address").await?, "LAB4009", "nor is it an address");
    for node in [a, b] {
        node.client.cluster().init_cluster(v1::InitClusterRequest {}).await?;
    }
    assert_eq!(code(&b.client, &a.grpc.address().to_string()).await?, "LAB4011", "it has a site of its own");
    cluster.finish()
}

#[tokio::test]
async fn seeds_that_do_not_answer_are_named_and_the_node_waits() -> anyhow::Result<()> {
    let cluster = Cluster::uninitialised(1, Lab::empty()).await?;
    let mut node = Node::prepare("lab-x", cluster.dir())?;
    let nobody = Port::reserve()?.address();
    let config = node.config_text(&node.data_dir(), &format!("\n[cluster]\nseeds = [\"{nobody}\"]\n"));
    std::fs::write(node.config(), config)?;
    node.start().await?;
    node.logged("LAB1009").await?;
    assert!(node.log().contains(&nobody.to_string()), "{}", node.log());
    node.process()?.must_run()?;
    cluster.finish()
}
