use super::*;
use crate::config::SiteFile;
use crate::config::site_tag::LIMITS;
use labkeeper_model::Name;
use labkeeper_model::Value;

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
safe = 20.0
dangerous = true
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
            // What is never written has no safe value to be driven to.
            let takeover = if access.is_writable() { takeover } else { &TAKEOVER[0].0 };
            let safe = tag.safe.clone().filter(|_| access.is_writable());
            let mut variant = TagSpec { takeover: *takeover, access: *access, verify: None, safe, dangerous: false, ..tag.clone() };
            variant.register.address = u16::try_from(200 + 10 * i + 2 * j).expect("a small number");
            device.tags.insert(Name::new(&format!("t{i}{j}")).expect("a name"), variant);
        }
    }
    let alarm = device.tags["outlet_temperature"].alarms[0].clone();
    let all = LIMITS.iter().flat_map(|(limit, a)| {
        Priority::ALL.iter().map(move |(priority, b)| (AlarmKind::Levels(limit(20.0)), *priority, format!("{a}-{b}")))
    });
    device.tags.get_mut("outlet_temperature").expect("the tag").alarms =
        all.map(|(kind, priority, name)| AlarmSpec { name: Name::new(&name).expect("a name"), kind, priority, ..alarm.clone() }).collect();
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
            let tag = device.tags.get_mut("temperature_setpoint").expect("the tag");
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
