//! A vacuum stand: a chamber, a roughing pump, a turbomolecular pump that needs the roughing pump behind it, valves between
//! them, and two gauges.
//!
//! ```text
//!                 vent (coil:5)
//!                    │
//!               ┌────┴────┐  gate (coil:3)   turbo (coil:1)   backing (coil:4)
//!               │ chamber ├──────X──────────────(T)───────────────X──────┐
//!               │  50 L   │                                              ├──(R) roughing pump (coil:0)
//!               └────┬────┘                 bypass (coil:2)              │
//!                    └─────────────────────────X─────────────────────────┘
//! ```
//!
//! Most significant register first, except where it says little.
//!
//! | register | type | access | unit | meaning |
//! |---|---|---|---|---|
//! | input:0 | f64 | r | mbar | Pirani gauge, 1e-4 to 1013 |
//! | input:4 | f64 | r | mbar | ion gauge, 1e-9 to 1e-2; stands at its end beyond |
//! | input:8 | i16, scale 0.001 | r | | decimal logarithm of the chamber's pressure in mbar |
//! | input:9 | u16 | r | 1/min | turbo speed |
//! | input:10 | u32, little | r | s | turbo running time |
//! | input:12 | i16, scale 0.1 | r | degC | turbo temperature |
//! | input:13 | f32, little | r | mbar | foreline pressure, behind the turbo |
//! | input:20 | string(12) | r | | serial number |
//! | holding:0 | u16 | rw | 1/min | turbo speed set point, 20000 to 60000; else exception 3 |
//! | coil:0 to 5 | bool | rw | | roughing pump, turbo, bypass, gate, backing, vent |
//! | discrete:0 | bool | r | | roughing pump runs |
//! | discrete:1 | bool | r | | turbo at speed: above 80 % of its set point |
//! | discrete:2 | bool | r | | ion gauge in range |
//! | discrete:3 | bool | r | | chamber vented: above 900 mbar |
//!
//! Interlocks, refused with exception 4: opening the vent, or the gate to a chamber above 1 mbar, while the turbo spins.
//!
//! It starts vented with everything off. To pump down: roughing pump and bypass, wait for 0.1 mbar (about two minutes), close the
//! bypass, open backing, start the turbo, wait until it is at speed (half a minute), open the gate.

use super::image::{Field, Image};
use super::model::Model;
use super::physics::{approach, steps};
use crate::modbus::Exception;
use labkeeper_model::Value;
use labkeeper_model::site::{Table, ValueType};

const PIRANI: Field = Field::new(Table::Input, 0, ValueType::F64);
const ION: Field = Field::new(Table::Input, 4, ValueType::F64);
const LOG_PRESSURE: Field = Field::new(Table::Input, 8, ValueType::I16).scaled(0.001);
const SPEED: Field = Field::new(Table::Input, 9, ValueType::U16);
const TURBO_TIME: Field = Field::new(Table::Input, 10, ValueType::U32).little();
const TURBO_TEMPERATURE: Field = Field::new(Table::Input, 12, ValueType::I16).scaled(0.1);
const FORELINE: Field = Field::new(Table::Input, 13, ValueType::F32).little();
const SERIAL: Field = Field::new(Table::Input, 20, ValueType::Text(12));
const SPEED_SETPOINT: Field = Field::new(Table::Holding, 0, ValueType::U16);
const SWITCHES: [Field; 6] = [
    Field::bit(Table::Coil, 0),
    Field::bit(Table::Coil, 1),
    Field::bit(Table::Coil, 2),
    Field::bit(Table::Coil, 3),
    Field::bit(Table::Coil, 4),
    Field::bit(Table::Coil, 5),
];
const ROUGHING_RUNS: Field = Field::bit(Table::Discrete, 0);
const AT_SPEED: Field = Field::bit(Table::Discrete, 1);
const ION_IN_RANGE: Field = Field::bit(Table::Discrete, 2);
const VENTED: Field = Field::bit(Table::Discrete, 3);

/// Air pressure in mbar.
const AIR: f64 = 1013.0;
/// Volumes in litres.
const CHAMBER_L: f64 = 50.0;
const FORELINE_L: f64 = 2.0;
/// Pumping speeds in L/s; the turbo's at full speed.
const ROUGHING_L_S: f64 = 5.0;
const TURBO_L_S: f64 = 60.0;
/// The best that the roughing pump reaches, in mbar.
const ROUGHING_LIMIT: f64 = 0.01;
/// Full speed of the turbo in revolutions per minute.
const SPEED_MAX: f64 = 60_000.0;
/// A steady leak in mbar L/s.
const LEAK: f64 = 1e-5;
/// Gas on the walls after venting, in mbar L, and how fast it comes off, per second.
const ADSORBED: f64 = 0.5;
const DESORPTION: f64 = 1e-3;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Switches {
    roughing: bool,
    turbo: bool,
    bypass: bool,
    gate: bool,
    backing: bool,
    vent: bool,
}

/// A vacuum stand.
#[derive(Clone, Debug)]
pub struct VacuumStand {
    serial: String,
    switches: Switches,
    speed_setpoint: f64,
    /// Pressures in mbar.
    chamber: f64,
    foreline: f64,
    /// Revolutions per minute.
    speed: f64,
    /// Gas left on the walls, in mbar L.
    adsorbed: f64,
    turbo_temperature: f64,
    turbo_s: f64,
}

impl VacuumStand {
    /// A vented stand with everything off, with a serial number of at most 12 bytes.
    #[must_use]
    pub fn new(serial: &str) -> Self {
        Self {
            serial: serial.to_owned(),
            switches: Switches::default(),
            speed_setpoint: SPEED_MAX,
            chamber: AIR,
            foreline: AIR,
            speed: 0.0,
            adsorbed: ADSORBED,
            turbo_temperature: 22.0,
            turbo_s: 0.0,
        }
    }

    fn turbo_spins(&self) -> bool {
        self.speed > 0.1 * SPEED_MAX
    }

    fn integrate(&mut self, dt: f64) {
        let switches = self.switches;
        self.spin(dt);
        // A turbo moves gas in proportion to its speed, and loses its grip when the pressure behind it rises to some 0.1 mbar.
        let turbo = if switches.gate { TURBO_L_S * self.speed / SPEED_MAX / (1.0 + (self.foreline / 0.2).powi(2)) } else { 0.0 };
        let bypass = if switches.bypass && switches.roughing { ROUGHING_L_S } else { 0.0 };
        let desorbed = DESORPTION * self.adsorbed;
        self.adsorbed = if switches.vent { ADSORBED } else { self.adsorbed - desorbed * dt };
        let through_turbo = turbo * self.chamber;
        // dp/dt = (gas in - gas out) / volume, solved exactly over the step so that it can be as stiff as it likes.
        let (inflow, outflow) = (LEAK + desorbed + bypass * ROUGHING_LIMIT, bypass + turbo);
        self.chamber = if switches.vent {
            approach(self.chamber, AIR, dt, 3.0)
        } else if outflow > 0.0 {
            approach(self.chamber, inflow / outflow, dt, CHAMBER_L / outflow)
        } else {
            (self.chamber + inflow / CHAMBER_L * dt).min(AIR)
        };
        let backing = if switches.backing && switches.roughing { ROUGHING_L_S } else { 0.0 };
        self.foreline = if backing > 0.0 {
            approach(self.foreline, ROUGHING_LIMIT + through_turbo / backing, dt, FORELINE_L / backing)
        } else {
            (self.foreline + through_turbo / FORELINE_L * dt).min(AIR)
        };
    }

    /// The turbo runs up only against a low foreline pressure; above 5 mbar it brakes on the gas.
    fn spin(&mut self, dt: f64) {
        let driven = self.switches.turbo && self.foreline < 5.0;
        let (target, tau) = if driven { (self.speed_setpoint, 15.0) } else { (0.0, if self.foreline > 5.0 { 5.0 } else { 60.0 }) };
        self.speed = approach(self.speed, target, dt, tau);
        self.turbo_temperature = approach(self.turbo_temperature, 22.0 + 25.0 * self.speed / SPEED_MAX, dt, 90.0);
        self.turbo_s += if self.switches.turbo { dt } else { 0.0 };
    }
}

impl Model for VacuumStand {
    fn image(&self) -> Image {
        let image = Image::new()
            .with(SERIAL, Value::Text(self.serial.chars().take(12).collect()))
            .with(SPEED_SETPOINT, Value::F64(self.speed_setpoint))
            .with(SPEED, Value::U64(0))
            .with(TURBO_TIME, Value::U64(0));
        let numbers = [PIRANI, ION, LOG_PRESSURE, TURBO_TEMPERATURE, FORELINE];
        let image = numbers.into_iter().fold(image, |image, field| image.with(field, Value::F64(0.0)));
        let bits = SWITCHES.into_iter().chain([ROUGHING_RUNS, AT_SPEED, ION_IN_RANGE, VENTED]);
        let mut image = bits.fold(image, |image, bit| image.with(bit, Value::Bool(false)));
        self.publish(&mut image);
        image
    }

    fn adopt(&mut self, image: &Image) -> Result<(), Exception> {
        let speed_setpoint = image.number(SPEED_SETPOINT).filter(|v| (20_000.0..=SPEED_MAX).contains(v));
        let speed_setpoint = speed_setpoint.ok_or(Exception::IllegalDataValue)?;
        let [roughing, turbo, bypass, gate, backing, vent] = SWITCHES.map(|switch| image.is_on(switch));
        let opens_vent = vent && !self.switches.vent;
        let opens_gate = gate && !self.switches.gate;
        if self.turbo_spins() && (opens_vent || (opens_gate && self.chamber > 1.0)) {
            return Err(Exception::ServerDeviceFailure);
        }
        self.switches = Switches { roughing, turbo, bypass, gate, backing, vent };
        self.speed_setpoint = speed_setpoint;
        Ok(())
    }

    fn step(&mut self, dt: f64) {
        for dt in steps(dt) {
            self.integrate(dt);
        }
    }

    fn publish(&self, image: &mut Image) {
        image.put(PIRANI, Value::F64(self.chamber.clamp(1e-4, AIR)));
        image.put(ION, Value::F64(self.chamber.clamp(1e-9, 1e-2)));
        image.put(LOG_PRESSURE, Value::F64(self.chamber.log10()));
        image.put(SPEED, Value::U64(self.speed.round() as u64));
        image.put(TURBO_TIME, Value::U64(self.turbo_s as u64));
        image.put(TURBO_TEMPERATURE, Value::F64(self.turbo_temperature));
        image.put(FORELINE, Value::F64(self.foreline));
        image.put(ROUGHING_RUNS, Value::Bool(self.switches.roughing));
        image.put(AT_SPEED, Value::Bool(self.switches.turbo && self.speed > 0.8 * self.speed_setpoint));
        image.put(ION_IN_RANGE, Value::Bool((1e-9..=1e-2).contains(&self.chamber)));
        image.put(VENTED, Value::Bool(self.chamber > 900.0));
    }
}

#[cfg(test)]
#[path = "vacuum_tests.rs"]
mod tests;
