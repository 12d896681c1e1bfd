use super::*;
use crate::Value;
use crate::site::check::tests::{errors, name, site_with, tag};
use crate::site::{Access, Severity, TagSpec, Takeover, check};

fn valve() -> TagSpec {
    TagSpec { access: Access::ReadWrite, dangerous: true, ..tag("coil:0", "bool") }
}

/// A site of one device with two tags, after a change of the device.
fn changed(change: impl FnOnce(&mut DeviceSpec)) -> SiteSpec {
    let mut site = site_with(&[("level", tag("holding:10", "f32")), ("flow", tag("input:0", "f32"))]);
    change(site.devices.get_mut("chiller-1").expect("the device"));
    site
}

/// All that is found, `key: what`.
fn found(site: &SiteSpec, severity: Severity) -> Vec<String> {
    let of = check(site).into_iter().filter(|p| p.severity == severity);
    of.map(|p| format!("{}: {}", p.path.join(".").replace("devices.chiller-1.", ""), p.what)).collect()
}

fn token(register: &str) -> Fencing {
    Fencing::DeviceToken { register: Register::parse(register).expect("a register") }
}

#[test]
fn a_fence_has_two_holding_registers_of_its_own() {
    for good in ["holding:8", "holding:12", "holding:65534"] {
        assert_eq!(errors(&changed(|d| d.fencing = token(good))), [""; 0], "{good}");
    }
    // The tag takes 10 and 11.
    for bad in ["holding:9", "holding:10", "holding:11", "holding:65535", "input:8", "coil:8"] {
        assert_eq!(errors(&changed(|d| d.fencing = token(bad))), ["fence.register"], "{bad}");
    }
    let overlap = found(&changed(|d| d.fencing = token("holding:9")), Severity::Error);
    assert_eq!(overlap, ["fence.register: holding:9 takes 9 to 10, and level takes 10 to 11"]);
}

#[test]
fn a_gate_is_another_address_than_the_device() {
    let gate = |address: &str| changed(|d| d.fencing = Fencing::Gate { address: address.into() });
    assert_eq!(errors(&gate("10.1.0.9:7502")), [""; 0]);
    for bad in ["10.1.0.9", "10.1.0.40:502"] {
        assert_eq!(errors(&gate(bad)), ["fence.gate"], "{bad}");
    }
    assert_eq!(errors(&changed(|d| d.fencing = Fencing::DeviceLock)), ["fence"]);
}

#[test]
fn devices_on_one_connection_agree_on_it() {
    let twins = |first: Fencing, second: Fencing, address: &str| {
        let mut site = changed(|d| d.fencing = first);
        let mut twin = site.devices["chiller-1"].clone();
        (twin.unit_id, twin.fencing, twin.address) = (2, second, address.into());
        site.devices.insert(name("chiller-2"), twin);
        errors(&site)
    };
    let gate = || Fencing::Gate { address: "10.1.0.9:7502".into() };
    assert_eq!(twins(gate(), gate(), "10.1.0.40:502"), [""; 0]);
    assert_eq!(twins(token("holding:50"), Fencing::LeaseOnly, "10.1.0.40:502"), [""; 0], "each unit has its own registers");
    assert_eq!(twins(gate(), Fencing::LeaseOnly, "10.1.0.40:502"), ["devices.chiller-2.fence"]);
    assert_eq!(twins(Fencing::LeaseOnly, Fencing::SingleConnection, "10.1.0.40:502"), ["devices.chiller-2.fence"]);
    assert_eq!(twins(gate(), gate(), "10.1.0.41:502"), ["devices.chiller-2.fence.gate"], "a gate serves one address");
}

#[test]
fn a_watchdog_that_a_takeover_would_trip_is_told_with_the_arithmetic() {
    let with = |watchdog: u64| changed(|d| d.watchdog = Some(Duration::from_millis(watchdog)));
    assert_eq!(
        found(&with(5_000), Severity::Warning),
        [
            "watchdog: 5s is shorter than a takeover with default timing may take, so losing one node would trip it: 500ms since the last poll \
          + 860ms election + 1.931s lease and guard + 2s to connect and read = 5.291s"
        ]
    );
    assert_eq!(found(&with(5_290), Severity::Warning).len(), 1);
    assert_eq!(found(&with(5_291), Severity::Warning), [""; 0]);
    assert_eq!(errors(&with(0)), ["watchdog"]);
    assert_eq!(errors(&with(3_600_001)), ["watchdog"]);
}

#[test]
fn danger_wants_a_fence_and_a_watchdog() {
    let with = |fencing: Fencing, watchdog: Option<Duration>| {
        changed(|d| {
            d.tags.insert(name("valve"), valve());
            (d.fencing, d.watchdog) = (fencing, watchdog);
        })
    };
    let keys = |site: &SiteSpec| -> Vec<String> {
        found(site, Severity::Warning).iter().map(|line| line.split(':').next().unwrap_or("").to_owned()).collect()
    };
    let long = Some(Duration::from_secs(10));
    assert_eq!(keys(&with(Fencing::LeaseOnly, None)), ["fence", "watchdog"]);
    assert_eq!(keys(&with(Fencing::LeaseOnly, long)), ["fence"]);
    assert_eq!(keys(&with(Fencing::SingleConnection, long)), [""; 0]);
    assert_eq!(keys(&with(token("holding:50"), None)), ["watchdog"]);
    let read_only = changed(|d| drop(d.tags.insert(name("lamp"), TagSpec { dangerous: true, ..tag("discrete:0", "bool") })));
    assert!(keys(&read_only).contains(&"tags.lamp.dangerous".to_owned()));
}

#[test]
fn what_is_done_without_a_lease_must_be_possible() {
    assert_eq!(errors(&changed(|d| d.on_lease_loss = OnLeaseLoss::Safe)), ["on_lease_loss"]);
    let safe = changed(|d| {
        d.on_lease_loss = OnLeaseLoss::Safe;
        d.tags.insert(name("valve"), TagSpec { safe: Some(Value::Bool(false)), ..valve() });
    });
    assert_eq!(errors(&safe), [""; 0]);
    let silent = |watchdog| changed(|d| (d.on_lease_loss, d.watchdog) = (OnLeaseLoss::StopPolling, watchdog));
    assert_eq!(found(&silent(None), Severity::Warning), ["on_lease_loss: the device has no watchdog that would notice"]);
    assert_eq!(found(&silent(Some(Duration::from_secs(10))), Severity::Warning), [""; 0]);
}

#[test]
fn a_safe_value_is_one_that_the_tag_accepts() {
    let number = |safe: Option<Value>, takeover| {
        let limits = Some(crate::site::Limits { min: 5.0, max: 40.0 });
        errors(&site_with(&[("t", TagSpec { access: Access::ReadWrite, safe, takeover, limits, ..tag("holding:0", "u64") })]))
    };
    assert_eq!(number(Some(Value::I64(20)), Takeover::Safe), [""; 0]);
    assert_eq!(number(None, Takeover::Safe), ["tags.t.takeover"]);
    for bad in [Value::I64(4), Value::Bool(true), Value::F64(5.5), Value::F64(f64::NAN), Value::U64(u64::MAX)] {
        assert_eq!(number(Some(bad.clone()), Takeover::Adopt), ["tags.t.safe"], "{bad:?}");
    }
    let read_only = TagSpec { safe: Some(Value::I64(1)), ..tag("holding:0", "u16") };
    assert_eq!(errors(&site_with(&[("t", read_only)])), ["tags.t.safe"]);
    let whole = TagSpec { access: Access::ReadWrite, safe: Some(Value::F64(20.0)), ..tag("holding:0", "u16") };
    assert_eq!(errors(&site_with(&[("t", whole)])), [""; 0]);
}

#[test]
fn a_home_return_is_seconds_or_off() {
    let with = |failback| errors(&SiteSpec { failback, ..changed(|_| {}) });
    assert_eq!(with(None), [""; 0]);
    assert_eq!(with(Some(Duration::from_secs(1))), [""; 0]);
    assert_eq!(with(Some(Duration::from_millis(999))), ["site.failback"]);
    assert_eq!(with(Some(Duration::from_secs(3601))), ["site.failback"]);
}
