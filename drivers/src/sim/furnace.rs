//! A tube furnace with three zones: each has a heater and a controller in the furnace's own PLC, and each warms its neighbours.
//!
//! Least significant register first throughout, as many PLCs have it.
//!
//! | register | type | access | unit | meaning |
//! |---|---|---|---|---|
//! | input:0, 2, 4 | f32 | r | degC | temperature of the front, middle and back zone |
//! | input:6, 8, 10 | f32 | r | degC | working set point of each zone, on its way along the ramp |
//! | input:12, 13, 14 | u16, scale 0.1 | r | % | heater output of each zone |
//! | input:15 | i16, scale 0.1 | r | degC | temperature of the cabinet |
//! | input:16 | u32 | r | s | time with heaters on |
//! | input:20 | u64 | r | J | energy since power-on |
//! | input:30 | string(20) | r | | serial number |
//! | holding:0, 2, 4 | f32 | rw | degC | set point of each zone, 0 to 1100; else exception 3 |
//! | holding:6 | u16, scale 0.1 | rw | K/s | ramp of the working set points, 0.1 to 50; else exception 3 |
//! | coil:0 | bool | rw | | heaters enabled |
//! | coil:1 | bool | rw | | open the door (it has a motor) |
//! | discrete:0 | bool | r | | the door is closed |
//! | discrete:1 | bool | r | | heaters are on: enabled and the door closed |
//! | discrete:2 | bool | r | | over-temperature: a zone above 1150 degC |
//!
//! It starts cold with set points of 20 degC, heaters enabled, and a ramp of 5 K/s. From 20 to 500 degC takes about two minutes.

use super::image::{Field, Image};
use super::model::Model;
use super::physics::{Pi, approach, steps};
use crate::modbus::Exception;
use labkeeper_model::Value;
use labkeeper_model::site::{Table, ValueType};

const fn f32_at(table: Table, address: u16) -> Field {
    Field::new(table, address, ValueType::F32).little()
}

const TEMPERATURE: [Field; 3] = [f32_at(Table::Input, 0), f32_at(Table::Input, 2), f32_at(Table::Input, 4)];
const WORKING: [Field; 3] = [f32_at(Table::Input, 6), f32_at(Table::Input, 8), f32_at(Table::Input, 10)];
const OUTPUT: [Field; 3] = [
    Field::new(Table::Input, 12, ValueType::U16).scaled(0.1),
    Field::new(Table::Input, 13, ValueType::U16).scaled(0.1),
    Field::new(Table::Input, 14, ValueType::U16).scaled(0.1),
];
const CABINET: Field = Field::new(Table::Input, 15, ValueType::I16).scaled(0.1);
const HEATER_TIME: Field = Field::new(Table::Input, 16, ValueType::U32).little();
const ENERGY: Field = Field::new(Table::Input, 20, ValueType::U64).little();
const SERIAL: Field = Field::new(Table::Input, 30, ValueType::Text(20));
const SETPOINT: [Field; 3] = [f32_at(Table::Holding, 0), f32_at(Table::Holding, 2), f32_at(Table::Holding, 4)];
const RAMP: Field = Field::new(Table::Holding, 6, ValueType::U16).scaled(0.1);
const HEATERS: Field = Field::bit(Table::Coil, 0);
const OPEN_DOOR: Field = Field::bit(Table::Coil, 1);
const DOOR_CLOSED: Field = Field::bit(Table::Discrete, 0);
const HEATERS_ON: Field = Field::bit(Table::Discrete, 1);
const OVER_TEMPERATURE: Field = Field::bit(Table::Discrete, 2);

/// Room temperature in degC.
const AMBIENT: f64 = 20.0;
/// Heat capacity of a zone in J/K.
const CAPACITY: f64 = 400.0;
/// Largest power of a zone's heater in W.
const POWER_MAX: f64 = 3_000.0;
/// Heat through the insulation in W/K, and by radiation in W/K^4.
const LOSS: (f64, f64) = (1.2, 4e-10);
/// Heat between neighbours in W/K.
const COUPLING: f64 = 0.8;
/// How much more heat is lost with the door open.
const DOOR_FACTOR: f64 = 4.0;

/// One third of the tube.
#[derive(Clone, Debug)]
struct Zone {
    temperature: f64,
    setpoint: f64,
    working: f64,
    /// 0 to 1.
    output: f64,
    controller: Pi,
}

/// A furnace.
#[derive(Clone, Debug)]
pub struct Furnace {
    serial: String,
    zones: [Zone; 3],
    ramp: f64,
    heaters: bool,
    door_open: bool,
    cabinet: f64,
    heater_s: f64,
    energy_j: f64,
}

impl Furnace {
    /// A cold furnace, with a serial number of at most 20 bytes.
    #[must_use]
    pub fn new(serial: &str) -> Self {
        let zone = Zone {
            temperature: AMBIENT,
            setpoint: AMBIENT,
            working: AMBIENT,
            output: 0.0,
            // Full power at 50 K of error, and the integral fills in half a minute from there.
            controller: Pi::new(0.02, 0.000_6, (0.0, 1.0)),
        };
        Self {
            serial: serial.to_owned(),
            zones: [zone.clone(), zone.clone(), zone],
            ramp: 5.0,
            heaters: true,
            door_open: false,
            cabinet: AMBIENT,
            heater_s: 0.0,
            energy_j: 0.0,
        }
    }

    const fn heaters_on(&self) -> bool {
        self.heaters && !self.door_open
    }

    fn integrate(&mut self, dt: f64) {
        let on = self.heaters_on();
        let before: [f64; 3] = std::array::from_fn(|i| self.zones[i].temperature);
        let loss_factor = if self.door_open { DOOR_FACTOR } else { 1.0 };
        for (i, zone) in self.zones.iter_mut().enumerate() {
            zone.control(on, self.ramp, dt);
            let kelvin = |celsius: f64| celsius + 273.15;
            let radiated = LOSS.1 * (kelvin(before[i]).powi(4) - kelvin(AMBIENT).powi(4));
            let lost = (LOSS.0 * (before[i] - AMBIENT) + radiated) * loss_factor;
            let neighbours = [i.checked_sub(1), (i < 2).then_some(i + 1)];
            let gained: f64 = neighbours.into_iter().flatten().map(|n| COUPLING * (before[n] - before[i])).sum();
            zone.temperature += (zone.output * POWER_MAX - lost + gained) / CAPACITY * dt;
            self.energy_j += zone.output * POWER_MAX * dt;
        }
        self.heater_s += if on { dt } else { 0.0 };
        let mean = before.iter().sum::<f64>() / 3.0;
        self.cabinet = approach(self.cabinet, AMBIENT + 0.03 * (mean - AMBIENT), dt, 120.0);
    }
}

impl Zone {
    /// What the furnace's PLC does with one zone.
    fn control(&mut self, on: bool, ramp: f64, dt: f64) {
        if on {
            self.working += (self.setpoint - self.working).clamp(-ramp * dt, ramp * dt);
            self.output = self.controller.step(self.working - self.temperature, dt);
        } else {
            // The ramp begins at the present temperature when the heaters come on again.
            self.controller.reset();
            (self.working, self.output) = (self.temperature, 0.0);
        }
    }
}

impl Model for Furnace {
    fn image(&self) -> Image {
        let mut image = Image::new()
            .with(SERIAL, Value::Text(self.serial.chars().take(20).collect()))
            .with(RAMP, Value::F64(self.ramp))
            .with(HEATERS, Value::Bool(self.heaters))
            .with(OPEN_DOOR, Value::Bool(self.door_open))
            .with(CABINET, Value::F64(self.cabinet))
            .with(HEATER_TIME, Value::U64(0))
            .with(ENERGY, Value::U64(0));
        for (i, zone) in self.zones.iter().enumerate() {
            image = image.with(SETPOINT[i], Value::F64(zone.setpoint));
            image = [TEMPERATURE[i], WORKING[i], OUTPUT[i]].into_iter().fold(image, |image, field| image.with(field, Value::F64(0.0)));
        }
        image = [DOOR_CLOSED, HEATERS_ON, OVER_TEMPERATURE].into_iter().fold(image, |image, bit| image.with(bit, Value::Bool(false)));
        self.publish(&mut image);
        image
    }

    fn adopt(&mut self, image: &Image) -> Result<(), Exception> {
        let within = |field, low, high| image.number(field).filter(|v| (low..=high).contains(v)).ok_or(Exception::IllegalDataValue);
        let setpoints = [within(SETPOINT[0], 0.0, 1100.0)?, within(SETPOINT[1], 0.0, 1100.0)?, within(SETPOINT[2], 0.0, 1100.0)?];
        self.ramp = within(RAMP, 0.1, 50.0)?;
        for (zone, setpoint) in self.zones.iter_mut().zip(setpoints) {
            zone.setpoint = setpoint;
        }
        (self.heaters, self.door_open) = (image.is_on(HEATERS), image.is_on(OPEN_DOOR));
        Ok(())
    }

    fn step(&mut self, dt: f64) {
        for dt in steps(dt) {
            self.integrate(dt);
        }
    }

    fn publish(&self, image: &mut Image) {
        for (i, zone) in self.zones.iter().enumerate() {
            image.put(TEMPERATURE[i], Value::F64(zone.temperature));
            image.put(WORKING[i], Value::F64(zone.working));
            image.put(OUTPUT[i], Value::F64(zone.output * 100.0));
        }
        image.put(CABINET, Value::F64(self.cabinet));
        image.put(HEATER_TIME, Value::U64(self.heater_s as u64));
        image.put(ENERGY, Value::U64(self.energy_j as u64));
        image.put(DOOR_CLOSED, Value::Bool(!self.door_open));
        image.put(HEATERS_ON, Value::Bool(self.heaters_on()));
        image.put(OVER_TEMPERATURE, Value::Bool(self.zones.iter().any(|zone| zone.temperature > 1150.0)));
    }
}

#[cfg(test)]
#[path = "furnace_tests.rs"]
mod tests;
