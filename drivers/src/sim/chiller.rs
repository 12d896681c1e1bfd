//! A recirculating chiller: a pump moves water through a load that heats it, a compressor (and, to warm up, a heater) keeps
//! its outlet temperature at the set point.
//!
//! Most significant register first throughout.
//!
//! | register | type | access | unit | meaning |
//! |---|---|---|---|---|
//! | input:0 | f32 | r | degC | outlet temperature |
//! | input:2 | f32 | r | degC | return temperature, behind the load |
//! | input:4 | f32 | r | L/min | flow |
//! | input:6 | i16, scale 0.01 | r | bar | pump pressure |
//! | input:7 | u16, scale 0.001 | r | kW | electrical power: compressor, heater and pump |
//! | input:8 | u32 | r | s | running time |
//! | input:20 | string(16) | r | | serial number |
//! | holding:10 | f32 | rw | degC | temperature set point, 5 to 40; else exception 3 |
//! | holding:12 | u16, scale 0.1 | rw | L/min | flow set point, 5 to 30; else exception 3 |
//! | holding:20 | string(16) | rw | | a label, kept |
//! | coil:0 | bool | rw | | run |
//! | discrete:0 | bool | r | | the pump turns |
//! | discrete:1 | bool | r | | low flow: below 3 L/min while running |
//! | discrete:2 | bool | r | | outlet within 0.5 K of the set point |
//!
//! It starts running at 22 degC with set point 15 degC, which it reaches in about a minute.

use super::image::{Field, Image};
use super::model::Model;
use super::physics::{Pi, approach, steps};
use crate::modbus::Exception;
use labkeeper_model::Value;
use labkeeper_model::site::{Table, ValueType};

const OUTLET: Field = Field::new(Table::Input, 0, ValueType::F32);
const RETURN: Field = Field::new(Table::Input, 2, ValueType::F32);
const FLOW: Field = Field::new(Table::Input, 4, ValueType::F32);
const PRESSURE: Field = Field::new(Table::Input, 6, ValueType::I16).scaled(0.01);
const POWER: Field = Field::new(Table::Input, 7, ValueType::U16).scaled(0.001);
const RUNNING_TIME: Field = Field::new(Table::Input, 8, ValueType::U32);
const SERIAL: Field = Field::new(Table::Input, 20, ValueType::Text(16));
const SETPOINT: Field = Field::new(Table::Holding, 10, ValueType::F32);
const FLOW_SETPOINT: Field = Field::new(Table::Holding, 12, ValueType::U16).scaled(0.1);
const LABEL: Field = Field::new(Table::Holding, 20, ValueType::Text(16));
const RUN: Field = Field::bit(Table::Coil, 0);
const PUMP_TURNS: Field = Field::bit(Table::Discrete, 0);
const LOW_FLOW: Field = Field::bit(Table::Discrete, 1);
const AT_SETPOINT: Field = Field::bit(Table::Discrete, 2);

/// Room temperature in degC.
const AMBIENT: f64 = 22.0;
/// Heat capacity of 3 L of water, in kJ/K.
const CAPACITY: f64 = 12.5;
/// Heat exchange with the room, in kW/K.
const LOSS: f64 = 0.02;
/// What the load gives off on average and how it swings, in kW; the period is in s.
const LOAD: (f64, f64, f64) = (1.5, 0.3, 60.0);
/// Heating and cooling at most, in kW.
const COOLING_RANGE: (f64, f64) = (-2.0, 4.0);
/// Below this flow, in L/min, the compressor stops: its evaporator would freeze.
const FLOW_LOW: f64 = 3.0;
/// Heat capacity of water, in kJ per litre and kelvin.
const WATER: f64 = 4.18;

/// A chiller.
#[derive(Clone, Debug)]
pub struct Chiller {
    serial: String,
    run: bool,
    setpoint: f64,
    flow_setpoint: f64,
    outlet: f64,
    flow: f64,
    /// Heat that is taken out, in kW; negative while heating.
    cooling: f64,
    controller: Pi,
    /// Seconds since power-on, and of those running.
    elapsed: f64,
    running: f64,
}

impl Chiller {
    /// A chiller that has just been switched on, with a serial number of at most 16 bytes.
    #[must_use]
    pub fn new(serial: &str) -> Self {
        Self {
            serial: serial.to_owned(),
            run: true,
            setpoint: 15.0,
            flow_setpoint: 15.0,
            outlet: AMBIENT,
            flow: 0.0,
            cooling: 0.0,
            controller: Pi::new(2.0, 0.1, COOLING_RANGE),
            elapsed: 0.0,
            running: 0.0,
        }
    }

    /// Heat from the load, in kW. Without flow none of it reaches the water.
    fn load(&self) -> f64 {
        let (mean, swing, period) = LOAD;
        if self.flow < 1.0 { 0.0 } else { mean + swing * (self.elapsed * std::f64::consts::TAU / period).sin() }
    }

    fn power_kw(&self) -> f64 {
        // A compressor moves three times the heat that it takes in power; a pump's power grows with the cube of the flow.
        self.cooling.max(0.0) / 3.0 + (-self.cooling).max(0.0) + 0.1 * (self.flow / 15.0).powi(3)
    }

    fn integrate(&mut self, dt: f64) {
        self.elapsed += dt;
        self.running += if self.run { dt } else { 0.0 };
        self.flow = approach(self.flow, if self.run { self.flow_setpoint } else { 0.0 }, dt, 2.0);
        let demand = if self.run && self.flow >= FLOW_LOW {
            self.controller.step(self.outlet - self.setpoint, dt)
        } else {
            self.controller.reset();
            0.0
        };
        self.cooling = approach(self.cooling, demand, dt, 3.0);
        self.outlet += (self.load() - self.cooling + LOSS * (AMBIENT - self.outlet)) / CAPACITY * dt;
    }
}

impl Model for Chiller {
    fn image(&self) -> Image {
        let image = Image::new()
            .with(SERIAL, Value::Text(self.serial.chars().take(16).collect()))
            .with(SETPOINT, Value::F64(self.setpoint))
            .with(FLOW_SETPOINT, Value::F64(self.flow_setpoint))
            .with(LABEL, Value::Text(String::new()))
            .with(RUN, Value::Bool(self.run))
            .with(RUNNING_TIME, Value::U64(0));
        let image = [PUMP_TURNS, LOW_FLOW, AT_SETPOINT].into_iter().fold(image, |image, bit| image.with(bit, Value::Bool(false)));
        let mut image = [OUTLET, RETURN, FLOW, PRESSURE, POWER].into_iter().fold(image, |image, field| image.with(field, Value::F64(0.0)));
        self.publish(&mut image);
        image
    }

    fn adopt(&mut self, image: &Image) -> Result<(), Exception> {
        let within = |field, low, high| image.number(field).filter(|v| (low..=high).contains(v)).ok_or(Exception::IllegalDataValue);
        let (setpoint, flow_setpoint) = (within(SETPOINT, 5.0, 40.0)?, within(FLOW_SETPOINT, 5.0, 30.0)?);
        (self.setpoint, self.flow_setpoint, self.run) = (setpoint, flow_setpoint, image.is_on(RUN));
        Ok(())
    }

    fn step(&mut self, dt: f64) {
        for dt in steps(dt) {
            self.integrate(dt);
        }
    }

    fn publish(&self, image: &mut Image) {
        let rise = if self.flow < 1.0 { 0.0 } else { self.load() / (self.flow / 60.0 * WATER) };
        image.put(OUTLET, Value::F64(self.outlet));
        image.put(RETURN, Value::F64(self.outlet + rise));
        image.put(FLOW, Value::F64(self.flow));
        image.put(PRESSURE, Value::F64(0.004 * self.flow.powi(2)));
        image.put(POWER, Value::F64(self.power_kw()));
        image.put(RUNNING_TIME, Value::U64(self.running as u64));
        image.put(PUMP_TURNS, Value::Bool(self.flow > 0.5));
        image.put(LOW_FLOW, Value::Bool(self.run && self.flow < FLOW_LOW));
        image.put(AT_SETPOINT, Value::Bool((self.outlet - self.setpoint).abs() <= 0.5));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reaches_its_setpoint_and_stays_there() {
        let mut chiller = Chiller::new("CH-1");
        for setpoint in [15.0, 25.0, 8.0] {
            chiller.setpoint = setpoint;
            chiller.step(60.0);
            chiller.step(60.0);
            for _ in 0..600 {
                chiller.step(0.1);
                assert!((chiller.outlet - setpoint).abs() <= 0.5, "{} at set point {setpoint}", chiller.outlet);
            }
        }
    }

    #[test]
    fn switched_off_it_warms_to_the_room_and_the_pump_stops() {
        let mut chiller = Chiller::new("CH-1");
        (0..3).for_each(|_| chiller.step(60.0));
        let mut image = chiller.image();
        image.put(RUN, Value::Bool(false));
        chiller.adopt(&image).unwrap();
        (0..60).for_each(|_| chiller.step(60.0));
        chiller.publish(&mut image);
        assert!((chiller.outlet - AMBIENT).abs() < 0.5, "{}", chiller.outlet);
        assert!(!image.is_on(PUMP_TURNS) && !image.is_on(LOW_FLOW));
    }

    #[test]
    fn what_flows_back_is_warmer_by_the_load() {
        let mut chiller = Chiller::new("CH-1");
        chiller.step(60.0);
        let image = chiller.image();
        let rise = image.number(RETURN).unwrap() - image.number(OUTLET).unwrap();
        // 1.2 to 1.8 kW into 0.25 kg/s of water.
        assert!((1.1..1.8).contains(&rise), "{rise} K");
    }

    #[test]
    fn a_setpoint_out_of_range_is_refused_and_nothing_of_it_remains() {
        let mut chiller = Chiller::new("CH-1");
        let mut image = chiller.image();
        image.put(SETPOINT, Value::F64(41.0));
        image.put(RUN, Value::Bool(false));
        assert_eq!(chiller.adopt(&image), Err(Exception::IllegalDataValue));
        assert!(chiller.run && chiller.setpoint == 15.0);
    }
}
