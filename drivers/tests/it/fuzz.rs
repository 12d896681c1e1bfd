//! Noise on a Modbus port, in both directions: nothing panics, and what is well goes on. Seeds are printed on failure.

use crate::support::{bank, tag};
use labkeeper_drivers::link::Link;
use labkeeper_drivers::modbus::ModbusTcp;
use labkeeper_drivers::plan::Span;
use labkeeper_drivers::{Cells, Departure, Driver, SystemClock, Target};
use labkeeper_model::site::{Register, Table, ValueType};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Panics outside of the tests' own files since [`watch_panics`] was first called.
static PANICS: AtomicUsize = AtomicUsize::new(0);

/// A connection's task that panics looks from outside like one that ended in order, so panics are counted where they begin.
fn watch_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let own = info.location().is_some_and(|at| at.file().contains("tests/it/"));
            PANICS.fetch_add(usize::from(!own), Ordering::SeqCst);
            report(info);
        }));
    });
}

/// Bytes that are noise, or a frame with a proper header and noise in it, or a proper request cut or lengthened.
fn noise(rng: &mut StdRng, transaction: [u8; 2], unit: u8, function: u8) -> Vec<u8> {
    let mut body = vec![0; rng.random_range(0..260)];
    rng.fill(&mut body[..]);
    if rng.random_ratio(1, 4) {
        return body;
    }
    let mut pdu = vec![if rng.random_ratio(1, 4) { rng.random() } else { function }];
    pdu.extend(&body[..rng.random_range(0..=body.len().min(252))]);
    // Counts that fit an answer, or a request, so that the noise gets as deep as it can.
    if rng.random_ratio(1, 3) && pdu.len() >= 2 {
        pdu[1] = u8::try_from(pdu.len() - 2).unwrap();
    } else if rng.random_ratio(1, 2) && pdu.len() >= 6 {
        pdu[3] = rng.random_range(0..8);
        pdu[5] = u8::try_from(pdu.len() - 6).unwrap();
    }
    let [l0, l1] = u16::try_from(pdu.len() + 1).unwrap().to_be_bytes();
    let mut frame = vec![transaction[0], transaction[1], 0, 0, l0, l1, unit];
    frame.extend(pdu);
    if rng.random_ratio(1, 8) {
        let at = rng.random_range(0..frame.len());
        frame[at] = rng.random();
    }
    frame
}

#[tokio::test]
async fn noise_to_the_plant() {
    watch_panics();
    let mut lab = bank(&[("a", tag("holding:0", ValueType::U16))]).await;
    let address = lab.plant.address("bank").unwrap();
    for seed in 0..400u64 {
        println!("seed {seed}");
        let mut rng = StdRng::seed_from_u64(seed);
        let mut stream = TcpStream::connect(address).await.unwrap();
        for _ in 0..rng.random_range(1..5) {
            let function = [1, 2, 3, 4, 5, 6, 15, 16, 23, 43][rng.random_range(0..10)];
            let bytes = noise(&mut rng, [0, 1], 1, function);
            // The plant closes the connection at the first header that cannot be one.
            if stream.write_all(&bytes).await.is_err() {
                break;
            }
        }
        let _ = stream.shutdown().await;
        let mut answers = vec![];
        let ended = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answers)).await;
        assert!(ended.is_ok(), "seed {seed}: the connection hangs");
        assert_eq!(PANICS.load(Ordering::SeqCst), 0, "seed {seed}: the plant panicked");
    }
    lab.readings.clear();
    lab.readings.wait_good("a").await;
    assert_eq!(lab.bus.stats().errors().total(), 0, "a well-behaved master has noticed nothing");
}

/// A device that answers every request with noise and hangs up.
async fn noisy_device(listener: TcpListener) {
    for seed in 0.. {
        let Ok((mut stream, _)) = listener.accept().await else { return };
        println!("seed {seed}");
        let mut rng = StdRng::seed_from_u64(seed);
        let mut request = [0; 260];
        let Ok(length @ 8..) = stream.read(&mut request).await else { continue };
        assert!(length <= 260);
        let answer = noise(&mut rng, [request[0], request[1]], request[6], request[7]);
        let _ = stream.write_all(&answer).await;
    }
}

#[tokio::test]
async fn noise_from_a_device() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let device = tokio::spawn(noisy_device(listener));
    let link = Link { address: address.to_string(), source: None, write_timeout: Duration::from_secs(5), gate: None };
    let mut driver = ModbusTcp::new(link);
    let target = Target { unit_id: 1, timeout: Duration::from_secs(5) };
    let mut rng = StdRng::seed_from_u64(7);
    let (mut answers, mut failures) = (0, 0);
    for _ in 0..2_000 {
        driver.connect().await.unwrap();
        let table = [Table::Coil, Table::Discrete, Table::Input, Table::Holding][rng.random_range(0..4)];
        let first = Register { table, address: rng.random() };
        let count = rng.random_range(1..=if table.is_bits() { 2_000 } else { 125 });
        if table.is_writable() && rng.random_ratio(1, 3) {
            let cells = if table.is_bits() { Cells::Bits(vec![true; 3]) } else { Cells::Words(vec![7]) };
            let departure = Arc::new(Departure::new(Box::new(|| Ok(())), Arc::new(SystemClock)));
            let _ = driver.write(target, first, cells, &departure).await;
            continue;
        }
        match driver.read(target, Span { first, count }).await {
            Ok(cells) => {
                assert_eq!(cells.len(), usize::from(count), "an answer has as many cells as were asked for");
                answers += 1;
            }
            Err(_) => failures += 1,
        }
    }
    device.abort();
    assert!(failures > 1_000, "{failures} failures, {answers} answers by chance");
    assert!(device.await.unwrap_err().is_cancelled(), "the device itself did not fail");
}
