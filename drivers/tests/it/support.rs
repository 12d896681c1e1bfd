//! What the tests are made of: declarations, a sink to wait on, and a bus with a plant behind it.

use labkeeper_drivers::sim::{Bind, Fault, Plant, PlantOptions};
use labkeeper_drivers::{BusHandle, BusOptions, BusSpec, Milestones, Sink, SystemClock, buses};
use labkeeper_model::site::{Access, DeviceSpec, DriverKind, Fencing, OnLeaseLoss, Register, TagSpec, Takeover, ValueType, WordOrder};
use labkeeper_model::{BadReason, Name, Quality, Sample, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// After so long a test that waits has failed; a loaded machine needs a fraction of it.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// A tag that can be read, and written if its table can be.
pub(crate) fn tag(register: &str, value_type: ValueType) -> TagSpec {
    let register = Register::parse(register).unwrap();
    TagSpec {
        description: String::new(),
        register,
        value_type,
        word_order: WordOrder::Big,
        access: if register.table.is_writable() { Access::ReadWrite } else { Access::Read },
        unit: String::new(),
        scale: 1.0,
        offset: 0.0,
        deadband: 0.0,
        limits: None,
        verify: None,
        takeover: Takeover::Adopt,
        safe: None,
        dangerous: false,
        alarms: vec![],
        ..TagSpec::default()
    }
}

/// A device polled every 20 ms, with a time-out that no loaded machine runs into.
pub(crate) fn device(address: &str, unit_id: u8, simulate: &str, tags: &[(&str, TagSpec)]) -> DeviceSpec {
    DeviceSpec {
        segment: name("lab"),
        description: String::new(),
        driver: DriverKind::ModbusTcp,
        address: address.to_owned(),
        unit_id,
        poll: Duration::from_millis(20),
        timeout: Duration::from_secs(5),
        fencing: Fencing::LeaseOnly,
        watchdog: None,
        on_lease_loss: OnLeaseLoss::Hold,
        simulate: Some(simulate.to_owned()),
        tags: tags.iter().map(|(tag_name, spec)| (name(tag_name), spec.clone())).collect(),
        ..DeviceSpec::default()
    }
}

/// The same with a time-out of 300 ms, for tests that wait for one.
pub(crate) fn impatient(device: DeviceSpec) -> DeviceSpec {
    DeviceSpec { timeout: Duration::from_millis(300), ..device }
}

/// One reading as the sink got it.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) device: String,
    pub(crate) tag: String,
    pub(crate) sample: Sample,
}

struct Forward(mpsc::UnboundedSender<Reading>);

impl Sink for Forward {
    fn sample(&self, device: &Name, tag: &Name, sample: Sample) {
        // A test that has ended does not listen.
        let _ = self.0.send(Reading { device: device.to_string(), tag: tag.to_string(), sample });
    }
}

/// The readings of a bus, in order.
pub(crate) struct Readings(mpsc::UnboundedReceiver<Reading>);

impl Readings {
    pub(crate) fn new() -> (Arc<dyn Sink>, Self) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Arc::new(Forward(sender)), Self(receiver))
    }

    /// Forgets what has arrived so far.
    pub(crate) fn clear(&mut self) {
        while self.0.try_recv().is_ok() {}
    }

    pub(crate) async fn next(&mut self) -> Reading {
        tokio::time::timeout(PATIENCE, self.0.recv()).await.expect("a reading in time").expect("the bus runs")
    }

    /// The next reading of a tag that is as wanted.
    pub(crate) async fn wait(&mut self, tag: &str, wanted: impl Fn(&Sample) -> bool) -> Sample {
        let mut last = None;
        let search = async {
            loop {
                let reading = self.0.recv().await.expect("the bus runs");
                if reading.tag == tag && wanted(&reading.sample) {
                    return reading.sample;
                }
                last = Some(reading);
            }
        };
        let found = tokio::time::timeout(PATIENCE, search).await;
        found.unwrap_or_else(|_| panic!("no such reading of {tag}; the last of all was {last:?}"))
    }

    pub(crate) async fn wait_good(&mut self, tag: &str) -> Sample {
        self.wait(tag, |sample| sample.quality == Quality::Good).await
    }

    pub(crate) async fn wait_bad(&mut self, tag: &str, reason: BadReason) -> Sample {
        self.wait(tag, |sample| sample.quality == Quality::Bad(reason)).await
    }
}

/// A bus on its own.
pub(crate) struct Bus {
    pub(crate) bus: BusHandle,
    pub(crate) readings: Readings,
    pub(crate) cancel: CancellationToken,
    pub(crate) task: JoinHandle<()>,
}

impl Bus {
    pub(crate) fn start(spec: BusSpec, options: BusOptions) -> Self {
        let (sink, readings) = Readings::new();
        let cancel = CancellationToken::new();
        let (bus, task) = BusHandle::spawn(spec, options, sink, Arc::new(SystemClock), cancel.clone());
        Self { bus, readings, cancel, task }
    }

    /// Waits until every device has passed a milestone.
    pub(crate) async fn pass(&self, passed: impl Fn(&Milestones) -> bool) {
        let mut watch = self.bus.watch_milestones();
        let all = watch.wait_for(|all| all.values().all(&passed));
        let reached = tokio::time::timeout(PATIENCE, all).await;
        assert!(reached.is_ok(), "the milestone is not passed: {:?} {:?}", self.bus.milestones(), self.bus.stats());
    }

    pub(crate) async fn stop(self) {
        self.cancel.cancel();
        self.task.await.unwrap();
    }
}

/// A plant and one bus to it.
pub(crate) struct Lab {
    pub(crate) plant: Plant,
    pub(crate) bus: BusHandle,
    pub(crate) readings: Readings,
    pub(crate) cancel: CancellationToken,
    pub(crate) task: JoinHandle<()>,
}

/// A plant in which everything is at a free port of the loopback.
pub(crate) fn loopback() -> PlantOptions {
    PlantOptions { bind: Bind::Loopback, tick: Duration::from_millis(10), ..PlantOptions::default() }
}

/// Starts the devices, all behind one address; the bus's declaration leads there.
pub(crate) async fn plant(devices: &[(&str, DeviceSpec)], options: PlantOptions) -> (Plant, BusSpec) {
    let mut devices: BTreeMap<Name, DeviceSpec> = devices.iter().map(|(n, spec)| (name(n), spec.clone())).collect();
    let plant = Plant::start(&devices, options).await.unwrap();
    for (device, spec) in &mut devices {
        spec.address = plant.address(device.as_str()).unwrap().to_string();
    }
    let [spec]: [BusSpec; 1] = buses(devices.into_iter()).try_into().expect("one address");
    (plant, spec)
}

/// Starts the devices, all behind one address, and a bus to them, which has read each of them once.
pub(crate) async fn lab(devices: &[(&str, DeviceSpec)]) -> Lab {
    let (plant, spec) = plant(devices, loopback()).await;
    let bus = Bus::start(spec, BusOptions::default());
    bus.pass(|device| device.first_reading_at.is_some()).await;
    let Bus { bus, readings, cancel, task } = bus;
    Lab { plant, bus, readings, cancel, task }
}

/// A lab with one bank named "bank" with these tags and a time-out of 300 ms.
pub(crate) async fn impatient_bank(tags: &[(&str, TagSpec)]) -> Lab {
    lab(&[("bank", impatient(device("127.0.0.1:1", 1, "bank", tags)))]).await
}

/// A lab with one bank named "bank" with these tags.
pub(crate) async fn bank(tags: &[(&str, TagSpec)]) -> Lab {
    lab(&[("bank", device("127.0.0.1:1", 1, "bank", tags))]).await
}

impl Lab {
    pub(crate) fn inject(&self, device: &str, fault: Option<Fault>) {
        assert!(self.plant.inject(device, fault));
    }

    pub(crate) async fn set(
        &self,
        device: &str,
        tag: &str,
        value: Value,
    ) -> Result<labkeeper_drivers::Written, labkeeper_drivers::WriteError> {
        self.bus.write(&name(device), &name(tag), value, || Ok(())).await
    }

    pub(crate) async fn get(&self, device: &str, tag: &str) -> Sample {
        self.bus.read(&name(device), &name(tag)).await.unwrap()
    }
}
