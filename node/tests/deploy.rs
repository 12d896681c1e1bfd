//! Whatever `deploy/` offers as an example is accepted by the program that it is an example for.

use labkeeper::config::{NodeConfig, SiteFile, Timing};
use std::path::PathBuf;

fn deploy(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(path)
}

#[test]
fn every_site_file_is_accepted() {
    for path in ["demo/site.toml", "example/site.toml"] {
        assert_eq!(SiteFile::load(&deploy(path)).err().map(|error| error.to_string()), None);
    }
}

#[test]
fn the_demonstration_has_devices_on_three_segments_and_nothing_to_warn_of() {
    let SiteFile { site, warnings } = SiteFile::load(&deploy("demo/site.toml")).expect("the demonstration's site");
    assert_eq!(warnings, []);
    assert_eq!(site.segments.len(), 3);
    for segment in site.segments.keys() {
        assert!(site.devices.values().any(|device| device.segment == *segment), "{segment} has a device");
    }
    let tag = |name: &str| site.tags().find(|(path, ..)| path.as_str() == name).map(|(_, _, tag)| tag.clone());
    let setpoint = tag("cryo/chiller-1/temperature_setpoint").expect("the tag that the documentation speaks of");
    assert!(setpoint.access.is_writable() && setpoint.limits.is_some_and(|l| (l.min, l.max) == (5.0, 40.0)));
    assert!(tag("cryo/chiller-1/outlet_temperature").is_some());
    assert!(site.tags().count() >= 40);
}

#[test]
fn the_example_of_a_node_shows_the_defaults() {
    let config = NodeConfig::load(&deploy("example/node.toml")).expect("the example");
    assert_eq!(config.timing, Timing::default());
    assert_eq!(config.name.as_str(), "cryo-a");
    assert_eq!(config.mail_password_file, Some("/etc/labkeeper/mail-password".into()));
}

#[test]
fn the_service_runs_the_node_and_leaves_a_refused_file_alone() {
    let unit = std::fs::read_to_string(deploy("systemd/labkeeper.service")).expect("the unit");
    for line in ["ExecStart=/usr/local/bin/labkeeper node --config /etc/labkeeper/node.toml", "RestartPreventExitStatus=2"] {
        assert!(unit.lines().any(|l| l == line), "{line}");
    }
    assert!(unit.contains("LoadCredential=mail-password:/etc/labkeeper/mail-password"), "the file that the example of a node names");
}
