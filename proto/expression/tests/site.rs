//! The expressions of a whole site are found wherever they stand, and told with the key they stand at.

use labkeeper_expression::check_site;
use labkeeper_model::Name;
use labkeeper_model::site::{AlarmKind, AlarmSpec, ConditionSpec, DeviceSpec, InterlockSpec, SegmentSpec, SiteSpec, TagSpec, ValueType};

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

fn site() -> SiteSpec {
    let mut site = SiteSpec::default();
    site.segments.insert(name("cryo"), SegmentSpec::default());
    let alarm = AlarmSpec {
        kind: AlarmKind::Expression { source: "cryo/tank/pressure > 2 bar".into() },
        suppress_when: Some("condition idle".into()),
        ..AlarmSpec::default()
    };
    let mut device = DeviceSpec { segment: name("cryo"), ..DeviceSpec::default() };
    device
        .tags
        .insert(name("pressure"), TagSpec { value_type: ValueType::F32, unit: "mbar".into(), alarms: vec![alarm], ..TagSpec::default() });
    device.tags.insert(name("idle"), TagSpec { value_type: ValueType::Bool, ..TagSpec::default() });
    site.devices.insert(name("tank"), device);
    site.conditions.insert(name("idle"), ConditionSpec { expr: "cryo/tank/idle".into(), ..ConditionSpec::default() });
    site.interlocks.insert(name("burst"), InterlockSpec { require: "cryo/tank/pressure < 3 bar".into(), ..InterlockSpec::default() });
    site
}

#[test]
fn a_sound_site_has_no_findings() {
    assert_eq!(check_site(&site()), []);
}

#[test]
fn every_expression_is_looked_at() {
    let mut site = site();
    site.conditions.get_mut("idle").expect("it").expr = "cryo/tank/idle > 5 s".into();
    site.interlocks.get_mut("burst").expect("it").require = "cryo/tank/presure < 3 bar".into();
    let alarm = &mut site.devices.get_mut("tank").expect("it").tags.get_mut("pressure").expect("it").alarms[0];
    alarm.kind = AlarmKind::Expression { source: "cryo/tank/pressure > 25 degC".into() };
    let found: Vec<_> = check_site(&site).iter().map(|problem| format!("{}: {}", problem.path.join("."), problem.what)).collect();
    assert_eq!(
        found,
        [
            "conditions.idle.expr: true or false is compared with a number in s, at \"5 s\"",
            "interlocks.burst.require: there is no tag cryo/tank/presure, at \"cryo/tank/presure < 3 ba\"",
            "devices.tank.tags.pressure.alarms.0.expr: mbar and degC do not go together, at \"25 degC\"",
            "devices.tank.tags.pressure.alarms.0.suppress_when: in condition idle: true or false is compared with a number in s, at \"condition idle\"",
        ]
    );
}

#[test]
fn a_circle_of_conditions_is_an_error_of_the_site() {
    let mut site = site();
    for (one, other) in [("a", "b"), ("b", "a")] {
        site.conditions.insert(name(one), ConditionSpec { expr: format!("condition {other}"), ..ConditionSpec::default() });
    }
    let found = check_site(&site);
    assert_eq!(found.iter().map(|problem| problem.path.join(".")).collect::<Vec<_>>(), ["conditions.a.expr", "conditions.b.expr"]);
    assert!(found[0].what.contains("a -> b -> a") || found[0].what.contains("b -> a -> b"), "{}", found[0].what);
}
