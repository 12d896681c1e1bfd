//! A PLC that counts: it shows whether something was done once, twice or not at all.
//!
//! Most significant register first throughout.
//!
//! | register | type | access | unit | meaning |
//! |---|---|---|---|---|
//! | input:0 | u32 | r | | steps taken since power-on |
//! | input:2 | u32 | r | | writes taken since power-on, without claims of its fence |
//! | input:4 | u32 | r | s | running time |
//! | holding:0 | f32 | rw | | a set value, kept |
//! | holding:2 | f32 | rw | | another, kept |
//! | coil:0 | bool | rw | | writing "on" takes one step, and the coil falls back: not to be repeated unawares |
//! | coil:1 | bool | rw | | an output, kept |
//! | discrete:0 | bool | r | | the output |

use super::image::{Field, Image};
use super::model::Model;
use crate::modbus::Exception;
use labkeeper_model::Value;
use labkeeper_model::site::{Table, ValueType};

const STEPS: Field = Field::new(Table::Input, 0, ValueType::U32);
const WRITES: Field = Field::new(Table::Input, 2, ValueType::U32);
const RUNNING_TIME: Field = Field::new(Table::Input, 4, ValueType::U32);
const SET_VALUES: [Field; 2] = [Field::new(Table::Holding, 0, ValueType::F32), Field::new(Table::Holding, 2, ValueType::F32)];
const STEP: Field = Field::bit(Table::Coil, 0);
const OUTPUT: Field = Field::bit(Table::Coil, 1);
const OUTPUT_SHOWN: Field = Field::bit(Table::Discrete, 0);

/// A PLC that has just been switched on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plc {
    steps: u32,
    writes: u32,
    output: bool,
    running: f64,
}

impl Model for Plc {
    fn image(&self) -> Image {
        let numbers = [STEPS, WRITES, RUNNING_TIME].into_iter().fold(Image::new(), |image, field| image.with(field, Value::U64(0)));
        let values = SET_VALUES.into_iter().fold(numbers, |image, field| image.with(field, Value::F64(0.0)));
        let mut image = [STEP, OUTPUT, OUTPUT_SHOWN].into_iter().fold(values, |image, bit| image.with(bit, Value::Bool(false)));
        self.publish(&mut image);
        image
    }

    fn adopt(&mut self, image: &Image) -> Result<(), Exception> {
        if SET_VALUES.into_iter().any(|field| image.number(field).is_none()) {
            return Err(Exception::IllegalDataValue);
        }
        self.writes = self.writes.wrapping_add(1);
        self.steps = self.steps.wrapping_add(u32::from(image.is_on(STEP)));
        self.output = image.is_on(OUTPUT);
        Ok(())
    }

    fn step(&mut self, dt: f64) {
        self.running += dt.max(0.0);
    }

    fn publish(&self, image: &mut Image) {
        image.put(STEPS, Value::U64(self.steps.into()));
        image.put(WRITES, Value::U64(self.writes.into()));
        image.put(RUNNING_TIME, Value::U64(self.running as u64));
        image.put(STEP, Value::Bool(false));
        image.put(OUTPUT_SHOWN, Value::Bool(self.output));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(plc: &mut Plc, image: &mut Image, field: Field, value: Value) -> Result<(), Exception> {
        image.put(field, value);
        plc.adopt(image)?;
        plc.publish(image);
        Ok(())
    }

    #[test]
    fn each_command_is_one_step_and_the_coil_falls_back() {
        let (mut plc, mut image) = (Plc::default(), Plc::default().image());
        for _ in 0..3 {
            write(&mut plc, &mut image, STEP, Value::Bool(true)).unwrap();
            assert!(!image.is_on(STEP));
        }
        write(&mut plc, &mut image, STEP, Value::Bool(false)).unwrap();
        write(&mut plc, &mut image, SET_VALUES[0], Value::F64(1.5)).unwrap();
        assert_eq!((image.number(STEPS), image.number(WRITES), image.number(SET_VALUES[0])), (Some(3.0), Some(5.0), Some(1.5)));
    }

    #[test]
    fn what_is_no_number_is_refused_and_not_counted() {
        let (mut plc, mut image) = (Plc::default(), Plc::default().image());
        image.set(SET_VALUES[1].first, &crate::cells::Cells::Words(vec![0x7fc0, 0]));
        assert_eq!(plc.adopt(&image), Err(Exception::IllegalDataValue));
        assert_eq!(plc.writes, 0);
    }
}
