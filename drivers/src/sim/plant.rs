//! All simulated devices, their servers and their clock.
//!
//! It knows nothing of frames, registers and physics.

use super::device::Device;
use super::fault::Fault;
use super::fence::FenceMode;
use super::model::MODELS;
use super::server::{SecondConnection, Server};
use super::units::Units;
use super::write_log::{WriteLog, WriteRecord};
use crate::cells::Cells;
use crate::modbus::Exception;
use labkeeper_model::Name;
use labkeeper_model::site::{DeviceSpec, Fencing, Register};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Where the servers listen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bind {
    /// At each device's declared address, which must be of this machine.
    #[default]
    Declared,
    /// At a free port of the loopback for each declared address; [`Plant::address`] tells which.
    Loopback,
}

/// How to run a plant.
#[derive(Clone, Debug)]
pub struct PlantOptions {
    /// A file that every write is appended to, one JSON object per line.
    pub write_log: Option<PathBuf>,
    /// How often the physics advances.
    pub tick: Duration,
    /// Where the servers listen.
    pub bind: Bind,
    /// What devices that compare epochs do about an older owner.
    pub fence: FenceMode,
    /// What devices that serve one connection do with a second one.
    pub second_connection: SecondConnection,
}

impl Default for PlantOptions {
    /// Declared addresses, no file, fences that are enforced, and ten steps a second: as fine as a person's eye on a trend.
    fn default() -> Self {
        let (fence, second_connection) = (FenceMode::default(), SecondConnection::default());
        Self { write_log: None, tick: Duration::from_millis(100), bind: Bind::Declared, fence, second_connection }
    }
}

/// Why a plant does not start.
#[derive(Debug, thiserror::Error)]
pub enum PlantError {
    /// A device's `simulate` names no model.
    #[error("{device}: there is no simulated {model:?}; there is {}", MODELS.join(", "))]
    UnknownModel {
        /// The device.
        device: Name,
        /// What it names.
        model: String,
    },
    /// Two devices at one address have the same unit.
    #[error("{device} and {other} are both unit {unit} at {address}")]
    SameUnit {
        /// One device.
        device: Name,
        /// The other.
        other: Name,
        /// Their unit.
        unit: u8,
        /// Their address.
        address: String,
    },
    /// An address cannot be listened at.
    #[error("cannot listen at {address}: {source}")]
    Listen {
        /// The address.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// The write log cannot be opened.
    #[error("cannot open the write log: {0}")]
    WriteLog(io::Error),
}

/// A running plant. Dropping it stops it too, but [`Plant::stop`] waits until its ports are free.
pub struct Plant {
    devices: BTreeMap<Name, Arc<Mutex<Device>>>,
    addresses: BTreeMap<Name, SocketAddr>,
    log: Arc<WriteLog>,
    /// Changes when a fault begins or ends.
    faults: watch::Sender<()>,
    cancel: CancellationToken,
    tasks: TaskTracker,
}

impl Plant {
    /// Starts the devices: those that share an address share a server, with different units.
    ///
    /// # Errors
    /// [`PlantError`]; nothing runs then.
    pub async fn start(devices: &BTreeMap<Name, DeviceSpec>, options: PlantOptions) -> Result<Self, PlantError> {
        let log = Arc::new(WriteLog::open(options.write_log.as_deref()).map_err(PlantError::WriteLog)?);
        let mut plant = Self {
            devices: BTreeMap::new(),
            addresses: BTreeMap::new(),
            log: Arc::clone(&log),
            faults: watch::Sender::new(()),
            cancel: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        let mut servers: BTreeMap<&str, Units> = BTreeMap::new();
        for (name, spec) in devices {
            let device = Arc::new(Mutex::new(Device::new(name, spec, options.fence)?));
            plant.devices.insert(name.clone(), Arc::clone(&device));
            let units = servers.entry(&spec.address).or_insert_with(|| Units::new(Arc::clone(&log)));
            if let Some(other) = units.add(spec.unit_id, device) {
                let other = other.lock().name.clone();
                return Err(PlantError::SameUnit { device: name.clone(), other, unit: spec.unit_id, address: spec.address.clone() });
            }
        }
        for (address, units) in servers {
            let listener = listen(address, options.bind).await?;
            let local = listener.local_addr().map_err(|source| PlantError::Listen { address: address.to_owned(), source })?;
            let here = devices.iter().filter(|(_, spec)| spec.address == address);
            let is_single = here.clone().any(|(_, spec)| spec.fencing == Fencing::SingleConnection);
            plant.addresses.extend(here.map(|(name, _)| (name.clone(), local)));
            let server = Server {
                units: Arc::new(units),
                single: is_single.then_some(options.second_connection),
                faults: plant.faults.subscribe(),
                cancel: plant.cancel.clone(),
                tasks: plant.tasks.clone(),
            };
            plant.tasks.spawn(server.serve(listener));
        }
        let all = plant.devices.values().cloned().collect();
        plant.tasks.spawn(plant.cancel.clone().run_until_cancelled_owned(advance(all, options.tick)));
        Ok(plant)
    }

    /// Where a device's server listens.
    #[must_use]
    pub fn address(&self, device: &str) -> Option<SocketAddr> {
        self.addresses.get(device).copied()
    }

    /// The devices by name.
    pub fn devices(&self) -> impl Iterator<Item = &Name> {
        self.devices.keys()
    }

    /// Makes a fault begin, or all faults end. `false` if there is no such device.
    pub fn inject(&self, device: &str, fault: Option<Fault>) -> bool {
        let Some(device) = self.devices.get(device) else { return false };
        device.lock().inject(fault);
        self.faults.send_replace(());
        true
    }

    /// The fault of a device, if it has one.
    #[must_use]
    pub fn fault(&self, device: &str) -> Option<Fault> {
        self.devices.get(device)?.lock().fault()
    }

    /// The writes that have arrived, oldest first: the last 100,000 of them.
    #[must_use]
    pub fn writes(&self) -> Vec<WriteRecord> {
        self.log.records()
    }

    /// What the device really holds, whatever fault it has. `None` if it has no such device or cells.
    #[must_use]
    pub fn peek(&self, device: &str, first: Register, count: u16) -> Option<Cells> {
        self.devices.get(device)?.lock().peek(first, count)
    }

    /// Changes coils or holding registers behind the masters' backs, as somebody at the device's panel would; it is not logged.
    ///
    /// # Errors
    /// The exception with which the device refuses it; [`Exception::GatewayTargetFailedToRespond`] if there is no such device.
    pub fn poke(&self, device: &str, first: Register, cells: &Cells) -> Result<(), Exception> {
        self.devices.get(device).ok_or(Exception::GatewayTargetFailedToRespond)?.lock().write(first, cells)
    }

    /// Stops the devices and waits until their connections and ports are closed.
    pub async fn stop(self) {
        self.cancel.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Plant {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

async fn listen(address: &str, bind: Bind) -> Result<TcpListener, PlantError> {
    let bound = match bind {
        Bind::Declared => TcpListener::bind(address).await,
        Bind::Loopback => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await,
    };
    bound.map_err(|source| PlantError::Listen { address: address.to_owned(), source })
}

/// The plant's clock. After a pause of the machine it goes on from there: the ticks that were missed are skipped, and the
/// models bound the time they advance.
async fn advance(devices: Vec<Arc<Mutex<Device>>>, tick: Duration) {
    // An interval of zero panics; a millisecond is finer than any model needs.
    let mut ticks = tokio::time::interval(tick.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut before = ticks.tick().await;
    loop {
        let now = ticks.tick().await;
        let dt = (now - before).as_secs_f64();
        before = now;
        for device in &devices {
            device.lock().step(dt);
        }
    }
}
