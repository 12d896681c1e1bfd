//! A plain memory: whatever is written is read back.
//!
//! | table | cells | content |
//! |---|---|---|
//! | coil | 0 to 65535 | as written |
//! | holding | 0 to 65535 | as written |
//! | discrete | 0 to 65535 | the coil of the same address |
//! | input | 0 to 65535 | the holding register of the same address |
//!
//! So every type in every word order can be written and read back through all four tables.

use super::image::Image;
use super::model::Model;
use crate::modbus::Exception;
use labkeeper_model::site::{Register, Table};

/// The memory has no physics; its content is the image.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bank;

impl Model for Bank {
    fn image(&self) -> Image {
        Image::whole()
    }

    fn adopt(&mut self, _image: &Image) -> Result<(), Exception> {
        Ok(())
    }

    fn step(&mut self, _dt: f64) {}

    fn publish(&self, image: &mut Image) {
        for (written, mirror) in [(Table::Coil, Table::Discrete), (Table::Holding, Table::Input)] {
            for (address, cells) in image.content(written) {
                image.set(Register { table: mirror, address }, &cells);
            }
        }
    }
}
