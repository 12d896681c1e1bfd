use super::*;
use crate::config::SiteFile;
use labkeeper_model::Value;
use labkeeper_model::site::{AlarmSpec, Priority};

/// Every key, every word, in the form that is printed.
const PRINTED: &str = r#"[site]
name = "Low-temperature lab"
failback = "1m"

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
fence = { register = "holding:100" }
watchdog = "10s"
on_lease_loss = "stop_polling"
simulate = "chiller"
exclusive = true
comm_priority = "high"

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
  { name = "low", type = "lolo", limit = 1.0, priority = "diagnostic" },
  { name = "range", type = "levels", lolo = 1.0, lo = 2.0, hi = 30.0, hihi = 35.0, off_delay = "5s", re_alarm = "1h", response_time = "10m", priority = "medium", class = "water", consequence = "It warms up.", link = "https://lab.example.org/chiller", suppress_when = "cryo/chiller-1/starts = 0" },
  { name = "apart", type = "deviation", limit = 2.0, from = "cryo/chiller-1/temperature_setpoint", priority = "low" },
  { name = "fast", type = "rate", per_s = 0.5, over = "10s", priority = "low" },
  { name = "silent", type = "stale", after = "30s", priority = "low" },
  { name = "exact", type = "equals", value = 21.0, priority = "low" },
  { name = "moved", type = "changed", off_delay = "1s", priority = "low" },
  { name = "both", type = "expression", expr = "cryo/chiller-1/outlet_temperature > 30", priority = "low" },
]

[devices.chiller-1.tags.restart]
register = "coil:0"
type = "bool"
access = "w"
action = { probe = "starts" }

[devices.chiller-1.tags.starts]
register = "input:20"
type = "u32"

[devices.chiller-1.tags.tap]
register = "coil:1"
type = "bool"
access = "w"
action = true

[devices.chiller-1.tags.temperature_setpoint]
description = "wanted"
register = "holding:10"
type = "f32"
access = "rw"
unit = "degC"
limits = { min = 5.0, max = 40.0 }
verify = { readback = "temperature_setpoint", tolerance = 0.05, timeout = "2s" }
takeover = "reassert"
safe = 20.0
dangerous = true
select = "10s"
ramp = 0.1
alarms = [
  { name = "stuck", type = "discrepancy", tolerance = 0.5, settle = "5s", priority = "medium" },
]

[groups.cryostat]
devices = ["chiller-1"]

[conditions.cold]
description = "It is cold"
expr = "cryo/chiller-1/outlet_temperature < 5 degC"

[interlocks.water]
description = "Nothing without water"
stage = "protect"
require = "condition cold"
tags = ["cryo/chiller-1/temperature_setpoint"]
max_age = "2s"
priority = "high"

[classes.water]
description = "Around the water"
shelvable = false
max_shelve = "1h"
needs_comment = true
latching = true
highly_managed = true

[notify.oncall]
webhook = "https://pager.example.org/lab"
email = ["ann@example.org", "bob@example.org"]
min_priority = "high"
segments = ["cryo"]
hours = "18:00-08:00"

[mail]
server = "mail.example.org:25"
from = "lab@example.org"
user = "lab@example.org"
"#;

#[test]
fn what_is_printed_reads_back_and_prints_the_same() {
    let file = SiteFile::parse(PRINTED, "site.toml").expect("a valid file");
    assert_eq!(to_toml(&file.site), PRINTED);
}

#[test]
fn a_mail_server_that_is_not_encrypted_is_printed_as_such() {
    let open = PRINTED.replace("user = \"lab@example.org\"", "tls = false");
    assert_eq!(to_toml(&SiteFile::parse(&open, "site.toml").expect("a valid file").site), open);
}

#[test]
fn every_word_survives_being_printed() {
    let mut site = SiteFile::parse(PRINTED, "site.toml").expect("a valid file").site;
    let tag = site.devices["chiller-1"].tags["temperature_setpoint"].clone();
    // Without what only a tag can have that is written, or read.
    let plain = TagSpec { alarms: vec![], select: None, ramp_per_s: None, ..tag.clone() };
    let device = site.devices.get_mut("chiller-1").expect("the device");
    for (i, (takeover, _)) in TAKEOVER.iter().enumerate() {
        for (j, (access, _)) in ACCESS.iter().enumerate() {
            // What is never written has no safe value to be driven to.
            let takeover = if access.is_writable() { takeover } else { &TAKEOVER[0].0 };
            let safe = tag.safe.clone().filter(|_| access.is_writable());
            let mut variant = TagSpec { takeover: *takeover, access: *access, verify: None, safe, dangerous: false, ..plain.clone() };
            variant.register.address = u16::try_from(200 + 10 * i + 2 * j).expect("a small number");
            device.tags.insert(Name::new(&format!("t{i}{j}")).expect("a name"), variant);
        }
    }
    let alarms = &mut device.tags.get_mut("outlet_temperature").expect("the tag").alarms;
    *alarms = alarms
        .iter()
        .flat_map(|alarm| {
            Priority::ALL.map(|(priority, word)| {
                let name = Name::new(&format!("{}-{word}", alarm.name)).expect("a name");
                AlarmSpec { name, priority, ..alarm.clone() }
            })
        })
        .collect();
    let again = SiteFile::parse(&to_toml(&site), "site.toml").expect("what was printed");
    assert_eq!(again.site, site);
}

#[test]
fn every_fence_and_safe_value_survives_being_printed() {
    let site = SiteFile::parse(PRINTED, "site.toml").expect("a valid file").site;
    let reread = |change: &dyn Fn(&mut SiteSpec)| {
        let mut site = site.clone();
        change(&mut site);
        let again = SiteFile::parse(&to_toml(&site), "site.toml").map_err(|refused| refused.to_string());
        assert_eq!(again.map(|file| file.site), Ok(site));
    };
    reread(&|site| site.failback = None);
    for fencing in [Fencing::LeaseOnly, Fencing::SingleConnection, Fencing::Gate { address: "gate.lab:7502".into() }] {
        reread(&|site| site.devices.get_mut("chiller-1").expect("the device").fencing = fencing.clone());
    }
    for (on_lease_loss, _) in ON_LEASE_LOSS {
        reread(&|site| site.devices.get_mut("chiller-1").expect("the device").on_lease_loss = *on_lease_loss);
    }
    let kinds =
        [("bool", Value::Bool(true)), ("i16", Value::I64(-5)), ("f32", Value::F64(-0.5)), ("string(4)", Value::Text("a\"b".into()))];
    for (kind, safe) in kinds {
        reread(&|site| {
            let device = site.devices.get_mut("chiller-1").expect("the device");
            // What only a number can have.
            device.tags.values_mut().for_each(|tag| tag.alarms.clear());
            let tag = device.tags.get_mut("temperature_setpoint").expect("the tag");
            tag.ramp_per_s = None;
            (tag.value_type, tag.limits) = (labkeeper_model::site::ValueType::parse(kind).expect("a type"), None);
            tag.safe = Some(safe.clone());
        });
    }
}

#[test]
fn an_empty_site_prints_and_reads_back() {
    let site = SiteSpec { name: "a \"lab\"\nwith two lines".into(), ..SiteSpec::default() };
    assert_eq!(SiteFile::parse(&to_toml(&site), "site.toml").expect("what was printed").site, site);
}
