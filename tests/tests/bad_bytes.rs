//! Bytes that make no sense, on every port and from every device: the node goes on, and says what it saw.

use anyhow::{Context as _, ensure};
use labkeeper_proto::v1::value::Kind;
use labkeeper_proto::v1::{self, Quality};
use labkeeper_tests::client::{lab_code, quality, setpoint};
use labkeeper_tests::lab::Lab;
use labkeeper_tests::ports::Port;
use labkeeper_tests::{Cluster, chance, wait};
use rand::RngExt as _;
use rand::rngs::StdRng;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Openings that take a parser further in than noise does.
const OPENINGS: [&[u8]; 5] = [
    b"",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"POST /api/v1/commands HTTP/1.1\r\nhost: x\r\ncontent-length: 4000\r\n\r\n{\"id\": ",
    b"GET /api/v1/live HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    b"\x00\x01\x00\x00\x00\x06\x01\x03\x00\x00\x00\x7d",
];

/// Sends an opening and then noise, and reads until the other side has had enough.
async fn noise(to: SocketAddr, opening: &[u8], chance: &mut StdRng) -> anyhow::Result<()> {
    let mut socket = TcpStream::connect(to).await?;
    let bytes: Vec<u8> = (0..chance.random_range(1..4_000)).map(|_| chance.random()).collect();
    // The other side may hang up in the middle, which is its right.
    let _ = socket.write_all(opening).await;
    let _ = socket.write_all(&bytes).await;
    let _ = socket.shutdown().await;
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(2), socket.read_to_end(&mut answer)).await;
    Ok(())
}

#[tokio::test]
async fn noise_on_the_ports_of_a_node_disturbs_nobody() -> anyhow::Result<()> {
    let (seed, mut chance) = chance::from_environment();
    let mut cluster = Cluster::start(1).await?;
    let ports = [cluster.nodes[0].grpc.address(), cluster.nodes[0].http.address()];
    for _ in 0..8 {
        for opening in OPENINGS {
            for port in ports {
                noise(port, opening, &mut chance).await.with_context(|| format!("LABKEEPER_SEED={seed}"))?;
            }
        }
    }
    cluster.nodes[0].process()?.must_run()?;
    cluster.settled().await?;
    cluster.set(0, setpoint("cryo/bank-cryo/gain", Kind::Number(1.0))).await?;
    cluster.finish()
}

#[tokio::test]
async fn noise_on_the_port_of_a_simulated_device_disturbs_nobody() -> anyhow::Result<()> {
    let (seed, mut chance) = chance::from_environment();
    let cluster = Cluster::start(1).await?;
    let site = cluster.nodes[0].client.site().get_site(v1::GetSiteRequest {}).await?.into_inner().site.unwrap_or_default();
    let device: SocketAddr = site.devices["bank-cryo"].address.parse()?;
    for opening in OPENINGS.iter().cycle().take(20) {
        noise(device, opening, &mut chance).await.with_context(|| format!("LABKEEPER_SEED={seed}"))?;
    }
    cluster.settled().await?;
    cluster.finish()
}

/// A device that answers every request with noise, and sometimes hangs up.
async fn babble(listener: TcpListener, seed: u64) {
    let mut chance: StdRng = rand::SeedableRng::seed_from_u64(seed);
    loop {
        let Ok((mut socket, _)) = listener.accept().await else { return };
        let mut request = [0; 256];
        while let Ok(1..) = socket.read(&mut request).await {
            let mut answer: Vec<u8> = (0..chance.random_range(1..300)).map(|_| chance.random()).collect();
            if chance.random_ratio(1, 2) && answer.len() > 8 {
                // The request's own transaction and a plausible length take the client's parser further in.
                answer[..5].copy_from_slice(&request[..5]);
            }
            if socket.write_all(&answer).await.is_err() || chance.random_ratio(1, 4) {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_device_that_babbles_is_bad_and_its_neighbours_are_good() -> anyhow::Result<()> {
    let (seed, _) = chance::from_environment();
    let port = Port::reserve()?;
    tokio::spawn(babble(TcpListener::bind(port.address()).await?, seed));
    let babbler = format!(
        "\n[devices.babbler]\nsegment = \"cryo\"\ndriver = \"modbus-tcp\"\naddress = \"{}\"\npoll = \"20ms\"\ntimeout = \"100ms\"\n\n\
         [devices.babbler.tags.t]\nregister = \"holding:0\"\ntype = \"f32\"\naccess = \"rw\"\n",
        port.address()
    );
    // The plant does not simulate the babbler, so the site is applied in two steps.
    let cluster = Cluster::with_lab(1, Lab::spread(1)?).await?;
    std::fs::write(cluster.site_file(), format!("{}{babbler}", cluster.lab().site_toml()))?;
    cluster.apply().await?;
    let client = &cluster.nodes[0].client;
    let look = || async {
        let reading = client.reading("cryo/babbler/t").await?;
        ensure!(matches!(quality(&reading), Quality::BadProtocol | Quality::BadTimeout | Quality::BadCommFailure), "{reading:?}");
        Ok(())
    };
    wait::until("the babbler to be bad", wait::SOON, look).await?;
    let write = client.set(setpoint("cryo/babbler/t", Kind::Number(1.0))).await?;
    assert!(write.revision > 0, "the command is taken; that the device is not is another matter");
    for reading in client.readings("*/bank-*/*").await? {
        assert_eq!(quality(&reading), Quality::Good, "{} suffers from its neighbour (LABKEEPER_SEED={seed})", reading.tag);
    }
    cluster.finish()
}

#[tokio::test]
async fn each_fault_of_a_device_has_its_quality_and_passes() -> anyhow::Result<()> {
    let cluster = Cluster::start(1).await?;
    let client = &cluster.nodes[0].client;
    for (fault, wanted) in [
        ("no_answer", &[Quality::BadTimeout][..]),
        ("exception:4", &[Quality::BadDeviceError]),
        ("garbage", &[Quality::BadProtocol]),
        ("disconnect", &[Quality::BadCommFailure]),
    ] {
        cluster.plant.fault("bank-cryo", fault).await?;
        wait::until(&format!("{wanted:?} under {fault}"), wait::SOON, || async {
            let seen = quality(&client.reading("cryo/bank-cryo/gain").await?);
            ensure!(wanted.contains(&seen), "{seen:?}");
            Ok(())
        })
        .await?;
        assert_eq!(quality(&client.reading("furnace/bank-furnace/gain").await?), Quality::Good, "a neighbour under {fault}");
        cluster.plant.clear_fault("bank-cryo").await?;
        cluster.settled().await?;
    }
    cluster.finish()
}

#[tokio::test]
async fn malformed_and_oversized_requests_are_refused_with_a_code() -> anyhow::Result<()> {
    let cluster = Cluster::start(1).await?;
    let client = &cluster.nodes[0].client;
    let http = reqwest::Client::new();
    for (body, code) in [("", "LAB5001"), ("{", "LAB5001"), ("{\"colour\": 1}", "LAB5001"), ("[]", "LAB5001")] {
        let answer = http.post(client.url("/api/v1/commands")).body(body).send().await?;
        assert_eq!(answer.status().as_u16(), 400, "{body:?}");
        let error: v1::Error = serde_json::from_str(&answer.text().await?)?;
        assert!(error.code == code && !error.message.is_empty() && !error.remedy.is_empty(), "{body:?}: {error:?}");
    }
    // One byte more than the limit of 32 MiB.
    let answer = http.post(client.url("/api/v1/commands")).body(vec![b' '; (32 << 20) + 1]).send().await?;
    assert_eq!(answer.status().as_u16(), 413);
    let error: v1::Error = serde_json::from_str(&answer.text().await?)?;
    assert_eq!(error.code, "LAB5005");

    let mut huge = setpoint("cryo/bank-cryo/gain", Kind::Number(1.0));
    huge.reason = "x".repeat(33 << 20);
    let status = client.set(huge).await.expect_err("too large");
    assert!(matches!(status.code(), tonic::Code::OutOfRange | tonic::Code::ResourceExhausted | tonic::Code::InvalidArgument), "{status}");
    let many = v1::GetTagsRequest { selectors: vec!["**".into(); 10_000], linearizable: false };
    assert_eq!(lab_code(&client.tags().get_tags(many).await.expect_err("too many")), "LAB5004");
    cluster.settled().await?;
    assert!(cluster.plant.writes().await?.is_empty());
    cluster.finish()
}
