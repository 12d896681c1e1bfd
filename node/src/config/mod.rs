//! The files that people write: `node.toml` and `site.toml`, read into types that hold only what is valid.
//!
//! ```text
//! text -> source (TOML with lines) -> kinds (single values) -> node | site (our types) -> model::site::check
//!                \________________________ every complaint: finding ______________________________/
//! ```
//!
//! A refused file says every line that is wrong, and nothing of it takes effect. Nothing here connects, writes, or knows
//! a running node.

mod finding;
mod kinds;
mod lint;
mod node;
mod sheet;
mod site;
mod site_alarm;
mod site_fence;
mod site_guard;
mod site_tag;
mod site_toml;
mod source;
mod timing;
mod toml_alarm;
mod toml_guard;

pub(crate) use finding::as_clause;
pub use finding::{ConfigError, Finding};
pub(crate) use kinds::is_host_port;
pub use lint::{Advice, Lint};
pub use node::NodeConfig;
pub use sheet::{Imported, Sheet, export, import};
pub use site::SiteFile;
pub use site_toml::to_toml;
pub use timing::Timing;
