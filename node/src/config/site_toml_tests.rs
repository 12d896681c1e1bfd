use super::*;
use crate::config::SiteFile;
use labkeeper_model::Name;

/// Every key, every word, in the form that is printed.
const PRINTED: &str = r#"[site]
name = "Low-temperature lab"

[segments.cryo]
description = "Cryostat hall"
home = "cryo-a"

[segments.spare]

[devices.chiller-1]
segment = "cryo"
description = 'Chiller "one"'
driver = "modbus-tcp"
address = "10.1.0.40:502"
unit_id = 1
poll = "100ms"
timeout = "1s 500ms"
simulate = "chiller"

[devices.chiller-1.tags.outlet_temperature]
register = "input:0"
type = "f32"
word_order = "little"
unit = "degC"
scale = 0.1
offset = -273.15
deadband = 0.05
alarms = [
  { name = "high", type = "hi", limit = 30.0, deadband = 0.5, on_delay = "2s", priority = "high", guidance = "Look at the valve." },
  { name = "low", type = "lolo", limit = 1.0, deadband = 0.0, on_delay = "0s", priority = "diagnostic" },
]

[devices.chiller-1.tags.temperature_setpoint]
description = "wanted"
register = "holding:10"
type = "f32"
access = "rw"
unit = "degC"
limits = { min = 5.0, max = 40.0 }
verify = { readback = "temperature_setpoint", tolerance = 0.05, timeout = "2s" }
takeover = "reassert"
"#;

#[test]
fn what_is_printed_reads_back_and_prints_the_same() {
    let file = SiteFile::parse(PRINTED, "site.toml").expect("a valid file");
    assert_eq!(to_toml(&file.site), PRINTED);
}

#[test]
fn every_word_survives_being_printed() {
    let mut site = SiteFile::parse(PRINTED, "site.toml").expect("a valid file").site;
    let tag = site.devices["chiller-1"].tags["temperature_setpoint"].clone();
    let device = site.devices.get_mut("chiller-1").expect("the device");
    for (i, (takeover, _)) in TAKEOVER.iter().enumerate() {
        for (j, (access, _)) in ACCESS.iter().enumerate() {
            let mut variant = TagSpec { takeover: *takeover, access: *access, verify: None, ..tag.clone() };
            variant.register.address = u16::try_from(100 + 10 * i + 2 * j).expect("a small number");
            device.tags.insert(Name::new(&format!("t{i}{j}")).expect("a name"), variant);
        }
    }
    let alarm = device.tags["outlet_temperature"].alarms[0].clone();
    let all =
        AlarmKind::ALL.iter().flat_map(|(kind, a)| Priority::ALL.iter().map(move |(priority, b)| (*kind, *priority, format!("{a}-{b}"))));
    device.tags.get_mut("outlet_temperature").expect("the tag").alarms =
        all.map(|(kind, priority, name)| AlarmSpec { name: Name::new(&name).expect("a name"), kind, priority, ..alarm.clone() }).collect();
    let again = SiteFile::parse(&to_toml(&site), "site.toml").expect("what was printed");
    assert_eq!(again.site, site);
}

#[test]
fn an_empty_site_prints_and_reads_back() {
    let site = SiteSpec { name: "a \"lab\"\nwith two lines".into(), ..SiteSpec::default() };
    assert_eq!(SiteFile::parse(&to_toml(&site), "site.toml").expect("what was printed").site, site);
}
