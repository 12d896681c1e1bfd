//! What a simulated device is to the plant, and the catalogue of them.
//!
//! A model is pure: it advances by the seconds it is given, and talks to the world through an image alone.

use super::bank::Bank;
use super::chiller::Chiller;
use super::furnace::Furnace;
use super::image::Image;
use super::plc::Plc;
use super::vacuum::VacuumStand;
use crate::modbus::Exception;

/// The physics of one device.
pub trait Model: Send {
    /// Every cell that the device has, with its content at power-on.
    fn image(&self) -> Image;
    /// Takes over what a master wrote. After a refusal the caller restores the image.
    ///
    /// # Errors
    /// The exception with which the device refuses the write.
    fn adopt(&mut self, image: &Image) -> Result<(), Exception>;
    /// Advances by `dt` seconds.
    fn step(&mut self, dt: f64);
    /// Shows the present state in the image.
    fn publish(&self, image: &mut Image);
}

/// The names that a device's `simulate` can have.
pub const MODELS: &[&str] = &["bank", "chiller", "furnace", "plc", "vacuum"];

/// The model of that name; `bank` for no name. `serial` tells several of a kind apart. `None` if there is none.
#[must_use]
pub fn model(name: Option<&str>, serial: &str) -> Option<Box<dyn Model>> {
    Some(match name.unwrap_or("bank") {
        "bank" => Box::new(Bank),
        "chiller" => Box::new(Chiller::new(serial)),
        "furnace" => Box::new(Furnace::new(serial)),
        "plc" => Box::new(Plc::default()),
        "vacuum" => Box::new(VacuumStand::new(serial)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_model_that_accepts_its_own_image() {
        for name in MODELS {
            let mut model = model(Some(name), "SN-1").expect(name);
            let image = model.image();
            assert_eq!(model.adopt(&image), Ok(()), "{name}");
            let mut shown = image.clone();
            model.publish(&mut shown);
            for table in [labkeeper_model::site::Table::Input, labkeeper_model::site::Table::Discrete] {
                let declared = |i: &Image| i.content(table).into_iter().map(|(address, _)| address).collect::<Vec<_>>();
                assert_eq!(declared(&shown), declared(&image), "{name} shows cells that it does not declare");
            }
        }
        assert!(model(Some("teapot"), "SN-1").is_none());
        assert!(model(None, "SN-1").is_some());
    }
}
