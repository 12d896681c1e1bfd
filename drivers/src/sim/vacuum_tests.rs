//! A pump-down from air to high vacuum, and what must not be done on the way.

use super::*;

/// Steps a second at a time for at most `seconds`, until `done`. The chamber's pressure must never rise.
fn pump(stand: &mut VacuumStand, seconds: u32, done: impl Fn(&VacuumStand) -> bool) -> u32 {
    for second in 0..seconds {
        if done(stand) {
            return second;
        }
        let before = stand.chamber;
        stand.step(1.0);
        assert!(stand.chamber <= before, "with pumps on the pressure rose from {before} to {}", stand.chamber);
    }
    panic!("not done in {seconds} s: {stand:?}");
}

fn roughed() -> VacuumStand {
    let mut stand = VacuumStand::new("VA-1");
    stand.switches = Switches { roughing: true, bypass: true, ..Switches::default() };
    pump(&mut stand, 180, |stand| stand.chamber < 0.1);
    stand
}

fn at_speed() -> VacuumStand {
    let mut stand = roughed();
    stand.switches = Switches { roughing: true, backing: true, turbo: true, ..Switches::default() };
    for _ in 0..60 {
        stand.step(1.0);
    }
    assert!(stand.speed > 0.9 * SPEED_MAX, "{}", stand.speed);
    stand
}

#[test]
fn it_pumps_down_to_high_vacuum_without_ever_rising() {
    let mut stand = at_speed();
    stand.switches.gate = true;
    let took = pump(&mut stand, 600, |stand| stand.chamber < 1e-5);
    assert!(took > 3, "no pump is that fast: {took} s");
    pump(&mut stand, 7_200, |stand| stand.chamber < 1e-6);
}

#[test]
fn the_roughing_pump_alone_stops_at_its_limit() {
    let mut stand = roughed();
    for _ in 0..3_600 {
        stand.step(1.0);
    }
    assert!(stand.chamber > ROUGHING_LIMIT && stand.chamber < 2.0 * ROUGHING_LIMIT, "{}", stand.chamber);
}

#[test]
fn shut_off_it_leaks_and_vented_it_fills_with_air() {
    let mut stand = roughed();
    stand.switches = Switches::default();
    let before = stand.chamber;
    stand.step(60.0);
    assert!(stand.chamber > before);
    stand.switches.vent = true;
    stand.step(60.0);
    assert!((stand.chamber - AIR).abs() < 1.0, "{}", stand.chamber);
}

#[test]
fn without_backing_the_turbo_chokes_on_its_own_gas() {
    let mut stand = VacuumStand::new("VA-1");
    stand.switches.turbo = true;
    stand.step(60.0);
    assert!(stand.speed < 1.0, "it does not start against air: {}", stand.speed);
}

#[test]
fn interlocks_refuse_what_would_break_the_turbo() {
    let mut stand = at_speed();
    let mut image = stand.image();
    let running = stand.switches;
    [running.roughing, running.turbo, running.bypass, running.gate, running.backing, true]
        .into_iter()
        .zip(SWITCHES)
        .for_each(|(on, switch)| image.put(switch, Value::Bool(on)));
    assert_eq!(stand.adopt(&image), Err(Exception::ServerDeviceFailure), "vent");
    assert_eq!(stand.switches, running);
    image.put(SWITCHES[5], Value::Bool(false));
    image.put(SWITCHES[3], Value::Bool(true));
    stand.chamber = 2.0;
    assert_eq!(stand.adopt(&image), Err(Exception::ServerDeviceFailure), "gate to a chamber at 2 mbar");
    stand.chamber = 0.5;
    assert_eq!(stand.adopt(&image), Ok(()));
}

#[test]
fn gauges_stand_at_their_ends() {
    let stand = VacuumStand::new("VA-1");
    let image = stand.image();
    assert_eq!(image.number(ION), Some(1e-2));
    assert_eq!(image.number(PIRANI), Some(AIR));
    assert!(!image.is_on(ION_IN_RANGE) && image.is_on(VENTED));
    assert_eq!(image.number(LOG_PRESSURE), Some(3.006));
}
