//! What a person or a monitoring system can see of a node: its log and its figures.

pub mod logging;
pub mod metrics;
pub mod own_alarms;
pub mod rate;
pub mod watchdog;

pub use logging::init_logging;
