//! A driver that does what a test says, and writes down when it did it.

use labkeeper_drivers::plan::Span;
use labkeeper_drivers::{Cells, Driver, DriverError, Target};
use labkeeper_model::site::Register;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// What the driver did, with the milliseconds since it was made.
pub(crate) type Journal = Arc<Mutex<Vec<(u64, String)>>>;

/// Every request takes the same time.
pub(crate) struct Scripted {
    pub(crate) journal: Journal,
    began: Instant,
    latency: Duration,
    connected: bool,
}

impl Scripted {
    pub(crate) fn new(latency: Duration) -> Self {
        Self { journal: Journal::default(), began: Instant::now(), latency, connected: false }
    }

    fn note(&self, what: String) {
        let at = u64::try_from(self.began.elapsed().as_millis()).unwrap();
        self.journal.lock().unwrap().push((at, what));
    }
}

impl Driver for Scripted {
    async fn connect(&mut self) -> Result<(), DriverError> {
        self.note("connect".into());
        tokio::time::sleep(self.latency).await;
        self.connected = true;
        Ok(())
    }

    fn is_connected(&self) -> bool {
        self.connected
    }

    async fn read(&mut self, _target: Target, span: Span) -> Result<Cells, DriverError> {
        self.note(format!("read {}", span.first));
        tokio::time::sleep(self.latency).await;
        Ok(Cells::Words(vec![0; usize::from(span.count)]))
    }

    async fn write(&mut self, _target: Target, first: Register, _cells: Cells) -> Result<(), DriverError> {
        self.note(format!("write {first}"));
        tokio::time::sleep(self.latency).await;
        Ok(())
    }

    async fn close(&mut self) {
        self.connected = false;
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.note("dropped".into());
    }
}
