//! The gate as it is run, with the driver's own way past it: an owner passes, an earlier one is told so, and a gate that was killed
//! still knows.

use labkeeper_drivers::DriverError;
use labkeeper_drivers::gate::Pass;
use labkeeper_drivers::link::Link;
use labkeeper_model::{Epoch, Name};
use std::io::{BufRead as _, BufReader, ErrorKind};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A gate in its own process, killed when the test ends.
struct Gate {
    process: Child,
    address: String,
}

impl Gate {
    /// Starts one before a device.
    fn start(device: &TcpListener, state: &Path) -> Self {
        let device = device.local_addr().expect("an address").to_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_labkeeper"));
        command.args(["gate", "--listen", "127.0.0.1:0", "--device", &device, "--json", "--state"]).arg(state);
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it runs");
        let mut first = String::new();
        BufReader::new(process.stdout.take().expect("a pipe")).read_line(&mut first).expect("a line");
        let said: serde_json::Value = serde_json::from_str(&first).expect("JSON");
        assert_eq!(said["device"], device);
        let address = said["listen"].as_str().expect("an address").to_owned();
        Self { process, address }
    }

    async fn open(&self, epoch: Epoch, node: &str) -> Result<TcpStream, DriverError> {
        let segment = Name::new("cryo").expect("a name");
        let pass = Pass { address: self.address.clone(), segment, epoch, node: node.to_owned() };
        let link = Link { address: "192.0.2.1:502".into(), source: None, write_timeout: Duration::from_millis(200), gate: Some(pass) };
        link.open().await
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        // SIGKILL, so that nothing is tidied up on the way out.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn a_driver_passes_an_earlier_owner_does_not_and_a_killed_gate_still_knows() {
    let dir = tempfile::tempdir().expect("a directory");
    let state = dir.path().join("gate.state");
    let device = TcpListener::bind("127.0.0.1:0").await.expect("a port");

    let gate = Gate::start(&device, &state);
    let mut node = gate.open(5, "lab-a").await.expect("the first owner passes");
    let (mut at_device, _) = device.accept().await.expect("a connection");
    node.write_all(b"request").await.expect("the gate is there");
    let mut received = [0; 7];
    at_device.read_exact(&mut received).await.expect("bytes");
    assert_eq!(&received, b"request", "the device sees nothing of the claim");

    drop(gate);
    let reset = at_device.read_u8().await.expect_err("the gate is gone");
    assert_eq!(reset.kind(), ErrorKind::ConnectionReset, "what a killed gate still had for the device is dropped");

    let gate = Gate::start(&device, &state);
    match gate.open(4, "lab-b").await {
        Err(DriverError::Fenced { newest, .. }) => assert_eq!(newest, Some(5)),
        other => panic!("an earlier owner passes: {other:?}"),
    }
    assert!(gate.open(6, "lab-b").await.is_ok());
}

#[test]
fn a_gate_that_cannot_remember_does_not_start() {
    let dir = tempfile::tempdir().expect("a directory");
    let state = dir.path().join("gate.state");
    std::fs::write(&state, "labkeeper-gate 1\nsegment=cryo epo").expect("a file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_labkeeper"));
    command.args(["gate", "--listen", "127.0.0.1:0", "--device", "127.0.0.1:1", "--state"]).arg(&state);
    let gate = command.output().expect("it runs");
    let told = String::from_utf8_lossy(&gate.stderr);
    assert_eq!(gate.status.code(), Some(1), "{told}");
    assert!(told.contains("gate.state: line 2: no epoch; restore it; or delete it"), "{told}");
}
