//! `site.toml`: what the whole site agrees on, read into a declaration that has been checked.
//!
//! ```text
//! text -> keys and kinds (here, line by line) -> SiteSpec -> model::site::check (as a whole) -> lines again
//! ```
//!
//! Either there is a declaration without an error, or every line that is wrong. It knows nothing of the site that is in
//! force; comparing with that is `site plan`.

use super::finding::{ConfigError, Finding};
use super::kinds::{self, Wrong};
use super::site_fence::{self, ON_LEASE_LOSS};
use super::source::{Source, Table};
use super::{site_alarm, site_guard, site_tag};
use labkeeper_model::site::{DeviceSpec, DriverKind, Priority, SegmentSpec, SiteSpec, check};
use labkeeper_model::{ErrorCode, Name};
use std::path::Path;
use toml::de::DeValue;

/// Drivers that site files may come to name, which this version does not have.
const DRIVERS_TO_COME: [&str; 5] = ["modbus-rtu", "scpi", "mqtt", "python", "sim"];

/// A site file that is accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct SiteFile {
    /// The declaration, checked.
    pub site: SiteSpec,
    /// What somebody should look at; never an error.
    pub warnings: Vec<Finding>,
}

impl SiteFile {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`ConfigError`] with code `site_unreadable` if the file cannot be read or is not TOML, else `site_invalid` with every
    /// line that is wrong.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let file = path.display().to_string();
        let text =
            std::fs::read_to_string(path).map_err(|why| ConfigError::unreadable(ErrorCode::SiteUnreadable, &file, &why.to_string()))?;
        Self::parse(&text, &file)
    }

    /// Checks the text of a file; `file` is its name in messages.
    ///
    /// # Errors
    /// As [`SiteFile::load`].
    pub fn parse(text: &str, file: &str) -> Result<Self, ConfigError> {
        let source = Source::parse(file, text);
        if !source.is_readable() {
            return Err(ConfigError { code: ErrorCode::SiteUnreadable, findings: source.into_findings() });
        }
        let site = read_site(&source);
        check_whole(&source, &site);
        if source.has_errors() {
            return Err(ConfigError { code: ErrorCode::SiteInvalid, findings: source.into_findings() });
        }
        Ok(Self { site, warnings: source.into_findings() })
    }
}

/// What is wrong with the declaration as a whole, at the lines of its keys.
///
/// A tag whose register or type is unusable, and a device whose segment, driver or address is, are missing from `site`.
/// What the rest lacks because of that is a consequence and is not told: it goes away with its cause.
fn check_whole(source: &Source<'_>, site: &SiteSpec) {
    let unusable = source.error_keys();
    let is_unusable = |path: &[String]| {
        let prefix = path.join(".");
        let under = |key: &String| key.strip_prefix(&prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        unusable.iter().any(under)
    };
    // To an expression, a tag that could not be read does not exist: what it lacks is told when nothing else is missing.
    let expressions = if unusable.is_empty() { labkeeper_expression::check_site(site) } else { vec![] };
    for problem in check(site).into_iter().chain(expressions) {
        let path = &problem.path;
        let is_consequence = match path.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["devices", _, "segment"] => is_unusable(&["segments".to_owned()]),
            ["devices", _, "tags", _, "verify", "readback"] => is_unusable(&path[..3]),
            ["devices", device, "on_lease_loss"] => is_unusable(&["devices", device, "tags"].map(str::to_owned)),
            ["devices", _, "tags", _, ..] => is_unusable(&path[..4]),
            _ => is_unusable(path),
        };
        if !is_consequence {
            source.add_at_path(problem.severity, path, Wrong::new(problem.what.clone(), problem.remedy.clone()));
        }
    }
}

fn read_site(source: &Source<'_>) -> SiteSpec {
    let root = source.root();
    let (name, failback) = match root.table("site") {
        Some(table) => {
            let name = table.need("name", "\"the lab's name\"", kinds::text);
            let failback = table.get("failback", site_fence::failback);
            table.finish();
            (name, failback)
        }
        None => {
            if !root.has("site") {
                root.error("site", Wrong::new("is missing", "add a table [site] with name = \"the lab's name\""));
            }
            (None, None)
        }
    };
    let segments = root.tables("segments").into_iter().map(|(name, table)| (name, read_segment(table))).collect();
    let devices = root.tables("devices").into_iter().filter_map(|(name, table)| Some((name, read_device(table)?))).collect();
    let site = SiteSpec {
        name: name.unwrap_or_default(),
        failback: failback.unwrap_or(Some(SiteSpec::FAILBACK_DEFAULT)),
        segments,
        devices,
        groups: root.tables("groups").into_iter().filter_map(|(name, table)| Some((name, site_guard::group(table)?))).collect(),
        conditions: root.tables("conditions").into_iter().filter_map(|(name, table)| Some((name, site_guard::condition(table)?))).collect(),
        interlocks: root.tables("interlocks").into_iter().filter_map(|(name, table)| Some((name, site_guard::interlock(table)?))).collect(),
        classes: root.tables("classes").into_iter().map(|(name, table)| (name, site_alarm::class(table))).collect(),
        routes: root.tables("notify").into_iter().map(|(name, table)| (name, site_guard::route(table))).collect(),
        mail: root.table("mail").and_then(site_guard::mail).map(Box::new),
    };
    root.finish();
    site
}

fn read_segment(table: Table<'_>) -> SegmentSpec {
    let description = table.get("description", kinds::text).unwrap_or_default();
    let home = table.get("home", kinds::name);
    table.finish();
    SegmentSpec { description, home }
}

fn read_device(table: Table<'_>) -> Option<DeviceSpec> {
    let segment = table.need("segment", "\"cryo\"", kinds::name);
    let driver = table.need("driver", "\"modbus-tcp\"", driver);
    let address = table.need("address", "\"10.1.0.40:502\"", kinds::text);
    let description = table.get("description", kinds::text).unwrap_or_default();
    // 1 is what most devices answer to; those that are not behind a gateway ignore it.
    let unit_id = table.get("unit_id", kinds::whole(0..=255)).unwrap_or(1);
    let poll = table.get("poll", kinds::duration).unwrap_or(DeviceSpec::POLL_DEFAULT);
    let timeout = table.get("timeout", kinds::duration).unwrap_or(DeviceSpec::TIMEOUT_DEFAULT);
    let fencing = site_fence::fence(&table);
    let watchdog = table.get("watchdog", kinds::duration);
    let on_lease_loss = table.get("on_lease_loss", kinds::word(ON_LEASE_LOSS)).unwrap_or_default();
    let exclusive = table.get("exclusive", kinds::flag).unwrap_or_default();
    let comm_priority = table.get("comm_priority", kinds::word(&Priority::ALL)).unwrap_or_default();
    let simulate = table.get("simulate", kinds::name).map(|model: Name| model.as_str().to_owned());
    let tags = table.tables("tags").into_iter().filter_map(|(name, tag)| Some((name, site_tag::read(tag)?))).collect();
    table.finish();
    Some(DeviceSpec {
        segment: segment?,
        description,
        driver: driver?,
        address: address?,
        unit_id: u8::try_from(unit_id).ok()?,
        poll,
        timeout,
        fencing,
        watchdog,
        on_lease_loss,
        simulate,
        tags,
        exclusive,
        comm_priority,
    })
}

fn driver(value: &DeValue<'_>) -> Result<DriverKind, Wrong> {
    let text = kinds::text(value)?;
    DriverKind::parse(&text).ok_or_else(|| {
        if DRIVERS_TO_COME.contains(&text.as_str()) {
            return Wrong::new(format!("this version has no driver {text:?} yet"), "leave the device out, or reach it by \"modbus-tcp\"");
        }
        Wrong::new(format!("there is no driver {text:?}"), format!("use {:?}", DriverKind::ModbusTcp.as_str()))
    })
}
