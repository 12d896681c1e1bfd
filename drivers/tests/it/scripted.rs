//! A driver that does what a test says, and writes down when it did it.

use labkeeper_drivers::plan::Span;
use labkeeper_drivers::{Cells, Departure, Driver, DriverError, Obstacle, Target, WriteError};
use labkeeper_model::site::Register;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// What a unit does with a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mood {
    /// It answers.
    #[default]
    Well,
    /// It never answers; the driver gives up after the time-out.
    Dead,
    /// The driver panics.
    Panic,
    /// The driver waits for ever.
    Hang,
}

#[derive(Debug, Default)]
struct Inner {
    journal: Vec<(u64, String)>,
    moods: BTreeMap<u8, Mood>,
    latency: Duration,
    full: Duration,
}

/// What drivers of one script share with the test: what they are to do, and what they did, with the milliseconds since the script began.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    inner: Arc<Mutex<Inner>>,
    began: Instant,
}

impl Script {
    /// Every request takes the same time.
    pub(crate) fn new(latency: Duration) -> Self {
        let script = Self { inner: Arc::default(), began: Instant::now() };
        script.set_latency(latency);
        script
    }

    pub(crate) fn set_latency(&self, latency: Duration) {
        self.inner.lock().unwrap().latency = latency;
    }

    /// So long it takes until the socket takes a write.
    pub(crate) fn set_full(&self, full: Duration) {
        self.inner.lock().unwrap().full = full;
    }

    fn full(&self) -> Duration {
        self.inner.lock().unwrap().full
    }

    fn latency(&self) -> Duration {
        self.inner.lock().unwrap().latency
    }

    pub(crate) fn driver(&self) -> Scripted {
        Scripted { script: self.clone(), connected: false }
    }

    pub(crate) fn set(&self, unit: u8, mood: Mood) {
        self.inner.lock().unwrap().moods.insert(unit, mood);
    }

    pub(crate) fn note(&self, what: impl Into<String>) {
        let at = u64::try_from(self.began.elapsed().as_millis()).unwrap();
        self.inner.lock().unwrap().journal.push((at, what.into()));
    }

    /// What was done at `from` milliseconds or later.
    pub(crate) fn since(&self, from: u64) -> Vec<(u64, String)> {
        self.inner.lock().unwrap().journal.iter().filter(|(at, _)| *at >= from).cloned().collect()
    }

    /// How often something was done, of all whose words begin so.
    pub(crate) fn count(&self, start: &str) -> usize {
        self.inner.lock().unwrap().journal.iter().filter(|(_, what)| what.starts_with(start)).count()
    }
}

pub(crate) struct Scripted {
    script: Script,
    connected: bool,
}

impl Scripted {
    async fn request(&mut self, target: Target) -> Result<(), DriverError> {
        let mood = self.script.inner.lock().unwrap().moods.get(&target.unit_id).copied().unwrap_or_default();
        match mood {
            Mood::Well => tokio::time::sleep(self.script.latency()).await,
            Mood::Dead => {
                tokio::time::sleep(target.timeout).await;
                self.connected = false;
                return Err(DriverError::timeout("no answer"));
            }
            Mood::Panic => panic!("the driver panics, as it was told to"),
            Mood::Hang => std::future::pending().await,
        }
        Ok(())
    }
}

impl Driver for Scripted {
    async fn connect(&mut self) -> Result<(), DriverError> {
        self.script.note("connect");
        tokio::time::sleep(self.script.latency()).await;
        self.connected = true;
        Ok(())
    }

    fn is_connected(&self) -> bool {
        self.connected
    }

    async fn read(&mut self, target: Target, span: Span) -> Result<Cells, DriverError> {
        self.script.note(format!("read {} of {}", span.first, target.unit_id));
        self.request(target).await?;
        Ok(Cells::Words(vec![0; usize::from(span.count)]))
    }

    async fn write(&mut self, target: Target, first: Register, _: Cells, departure: &Arc<Departure>) -> Result<(), WriteError> {
        tokio::time::sleep(self.script.full()).await;
        if !departure.ask() {
            return Err(WriteError::NotSent(Obstacle::Guard(departure.refusal().unwrap().to_owned())));
        }
        self.script.note(format!("write {first} of {}", target.unit_id));
        departure.left();
        self.request(target).await.map_err(WriteError::after_sending)
    }

    fn close(&mut self) {
        self.connected = false;
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.script.note("dropped");
    }
}
