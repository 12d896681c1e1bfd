//! A node's clock, set wrong by the test: the node reads `LABKEEPER_CLOCK_FILE` and distorts what its own clock says.
//!
//! `rate` is how fast its boot clock runs (1.01: one per cent fast), by which leases are counted; `step_ms` is how far its
//! wall clock is ahead, by which entries are stamped and samples dated.

use std::path::PathBuf;

/// The file that says how wrong a node's clock is.
#[derive(Debug)]
pub struct ClockFile {
    path: PathBuf,
    rate: f64,
    step_ms: i64,
}

impl ClockFile {
    /// A file that says: right.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(path: PathBuf) -> anyhow::Result<Self> {
        let clock = Self { path, rate: 1.0, step_ms: 0 };
        clock.write()?;
        Ok(clock)
    }

    /// The environment variable that shows it to a node.
    #[must_use]
    pub fn variable(&self) -> (String, String) {
        ("LABKEEPER_CLOCK_FILE".into(), self.path.display().to_string())
    }

    /// Steps the wall clock by this many milliseconds from where it is.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn step(&mut self, ms: i64) -> anyhow::Result<()> {
        self.step_ms += ms;
        self.write()
    }

    /// Lets the clocks run at this rate.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn run_at(&mut self, rate: f64) -> anyhow::Result<()> {
        self.rate = rate;
        self.write()
    }

    /// Whole or not at all: the node may read at any moment.
    fn write(&self) -> anyhow::Result<()> {
        let draft = self.path.with_extension("clock-draft");
        std::fs::write(&draft, format!("rate = {:?}\nstep_ms = {}\n", self.rate, self.step_ms))?;
        std::fs::rename(&draft, &self.path)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_add_up_and_the_rate_is_a_number_with_a_point() {
        let dir = tempfile::tempdir().unwrap();
        let mut clock = ClockFile::create(dir.path().join("c.clock")).unwrap();
        assert_eq!(std::fs::read_to_string(&clock.path).unwrap(), "rate = 1.0\nstep_ms = 0\n");
        clock.step(-5_000).unwrap();
        clock.step(1_000).unwrap();
        clock.run_at(1.02).unwrap();
        assert_eq!(std::fs::read_to_string(&clock.path).unwrap(), "rate = 1.02\nstep_ms = -4000\n");
    }
}
