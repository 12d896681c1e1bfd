//! A bus with several units behind one scripted driver, under a paused clock.

use crate::scripted::Script;
use crate::support::{Readings, device, name, tag};
use labkeeper_drivers::bus::Progress;
use labkeeper_drivers::{BusFactory, BusHandle, BusOptions, SystemClock, WriteError, Written, buses};
use labkeeper_model::Value;
use labkeeper_model::site::{DeviceSpec, ValueType};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) struct Rig {
    pub(crate) bus: BusHandle,
    pub(crate) factory: BusFactory,
    pub(crate) script: Script,
    /// Where samples go; nobody looks at them.
    _readings: Readings,
}

pub(crate) async fn advance(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

/// Units by name and number, each with one register "a", polled every `poll_ms`; a request takes 10 ms.
pub(crate) fn rig(units: &[(&str, u8)], poll_ms: u64, timeout_ms: u64, options: BusOptions) -> Rig {
    let of = |unit| DeviceSpec {
        poll: Duration::from_millis(poll_ms),
        timeout: Duration::from_millis(timeout_ms),
        ..device("scripted:1", unit, "bank", &[("a", tag("holding:0", ValueType::U16))])
    };
    let spec = buses(units.iter().map(|(unit_name, unit)| (name(unit_name), of(*unit)))).remove(0);
    let script = Script::new(Duration::from_millis(10));
    let drivers = script.clone();
    let (sink, readings) = Readings::new();
    let (bus, factory) = BusHandle::open_with(move || drivers.driver(), spec, options, sink, Arc::new(SystemClock));
    Rig { bus, factory, script, _readings: readings }
}

impl Rig {
    /// Runs the bus until the test ends.
    pub(crate) fn run(&self) -> JoinHandle<()> {
        self.run_with(Arc::new(|| ()))
    }

    pub(crate) fn run_with(&self, progress: Progress) -> JoinHandle<()> {
        tokio::spawn(self.factory.task(progress).run(CancellationToken::new()))
    }

    pub(crate) fn write(&self, device: &str) -> JoinHandle<Result<Written, WriteError>> {
        let (bus, device) = (self.bus.clone(), name(device));
        tokio::spawn(async move {
            let tag = name("a");
            let write = bus.write(&device, &tag, Value::U64(1), || Ok(()));
            // Of the paused clock: a write that nobody answers fails its test instead of waiting for ever.
            tokio::time::timeout(Duration::from_secs(600), write).await.expect("the write is answered")
        })
    }
}
