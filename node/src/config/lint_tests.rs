use super::*;
use labkeeper_model::Name;
use labkeeper_model::site::{DeviceSpec, Guidance, Levels, SegmentSpec, ValueType};
use std::time::Duration;

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

/// An alarm that nobody could ask anything about.
fn sound(priority: Priority) -> AlarmSpec {
    AlarmSpec {
        name: name("high"),
        kind: AlarmKind::Levels(Levels { hi: Some(30.0), ..Levels::default() }),
        deadband: 0.5,
        priority,
        guidance: Guidance {
            action: "open the valve".into(),
            consequence: "the magnet quenches".into(),
            response_time: Some(Duration::from_secs(300)),
            link: String::new(),
        },
        ..AlarmSpec::default()
    }
}

/// A site with each of these alarms on a tag of its own, in degC.
fn site(alarms: &[AlarmSpec]) -> SiteSpec {
    let tag =
        |alarm: &AlarmSpec| TagSpec { value_type: ValueType::F32, unit: "degC".into(), alarms: vec![alarm.clone()], ..TagSpec::default() };
    let tags = alarms.iter().enumerate().map(|(n, alarm)| (name(&format!("t{n:03}")), tag(alarm))).collect();
    let device = DeviceSpec { segment: name("cryo"), tags, ..DeviceSpec::default() };
    SiteSpec {
        segments: [(name("cryo"), SegmentSpec::default())].into(),
        devices: [(name("chiller-1"), device)].into(),
        ..SiteSpec::default()
    }
}

fn rules(site: &SiteSpec) -> Vec<&'static str> {
    Lint::of(site).findings.iter().map(|advice| advice.rule).collect()
}

#[test]
fn a_sound_alarm_has_no_findings() {
    assert_eq!(rules(&site(&[sound(Priority::Critical)])), [""; 0]);
    assert_eq!(rules(&SiteSpec::default()), [""; 0]);
}

#[test]
fn an_alarm_without_guidance_is_named() {
    let mute = |priority| AlarmSpec { guidance: Guidance::default(), ..sound(priority) };
    let lint = Lint::of(&site(&[mute(Priority::Low)]));
    assert_eq!(
        lint.findings.iter().map(|a| (a.rule, a.subject.as_str())).collect::<Vec<_>>(),
        [("no-guidance", "cryo/chiller-1/t000/high")]
    );
    assert_eq!(rules(&site(&[mute(Priority::Diagnostic)])), [""; 0], "what is for the journal asks nobody to act");
}

#[test]
fn urgent_alarms_say_what_happens_and_how_soon() {
    let hasty = |priority| AlarmSpec { guidance: Guidance { action: "run".into(), ..Guidance::default() }, ..sound(priority) };
    assert_eq!(rules(&site(&[hasty(Priority::High)])), ["thin-guidance"]);
    assert_eq!(rules(&site(&[hasty(Priority::Medium)])), [""; 0]);
}

#[test]
fn a_limit_needs_a_deadband_or_a_delay() {
    let sharp = AlarmSpec { deadband: 0.0, ..sound(Priority::Low) };
    assert_eq!(rules(&site(std::slice::from_ref(&sharp))), ["no-deadband"]);
    let delayed = AlarmSpec { off_delay: Duration::from_secs(5), ..sharp.clone() };
    assert_eq!(rules(&site(&[delayed])), [""; 0]);
    let changed = AlarmSpec { kind: AlarmKind::Changed, ..sharp };
    assert_eq!(rules(&site(&[changed])), [""; 0], "a change has no limit to lie at");
}

#[test]
fn a_limit_needs_a_unit() {
    let mut site = site(&[sound(Priority::Low)]);
    site.devices.values_mut().flat_map(|device| device.tags.values_mut()).for_each(|tag| tag.unit.clear());
    assert_eq!(rules(&site), ["no-unit"]);
}

#[test]
fn too_many_urgent_alarms_are_told() {
    let mix = |critical: usize, high: usize, medium: usize, diagnostic: usize| {
        let of = |priority, count| std::iter::repeat_n(sound(priority), count);
        let all = of(Priority::Critical, critical).chain(of(Priority::High, high));
        site(&all.chain(of(Priority::Medium, medium)).chain(of(Priority::Diagnostic, diagnostic)).collect::<Vec<_>>())
    };
    assert_eq!(rules(&mix(5, 15, 80, 0)), [""; 0], "the target itself");
    assert_eq!(rules(&mix(6, 15, 79, 0)), ["priority-distribution"]);
    assert_eq!(rules(&mix(5, 16, 79, 0)), ["priority-distribution"]);
    assert_eq!(rules(&mix(2, 0, 18, 80)), ["priority-distribution"], "alarms for the journal are not counted");
    assert_eq!(rules(&mix(19, 0, 0, 0)), [""; 0], "too few to speak of shares");
    let lint = Lint::of(&mix(2, 0, 18, 80));
    assert_eq!((lint.announced(), lint.percent(Priority::Critical)), (20, 10));
}
