//! What a furnace does in minutes, computed in milliseconds.

use super::*;

fn furnace(setpoints: [f64; 3]) -> Furnace {
    let mut furnace = Furnace::new("FU-1");
    for (zone, setpoint) in furnace.zones.iter_mut().zip(setpoints) {
        zone.setpoint = setpoint;
    }
    furnace
}

fn minutes(furnace: &mut Furnace, minutes: u32) {
    (0..minutes).for_each(|_| furnace.step(60.0));
}

#[test]
fn it_reaches_500_degrees_in_four_minutes_without_much_overshoot() {
    let mut furnace = furnace([500.0; 3]);
    let mut hottest = 0.0f64;
    for _ in 0..240 {
        furnace.step(1.0);
        hottest = furnace.zones.iter().map(|zone| zone.temperature).fold(hottest, f64::max);
    }
    for zone in &furnace.zones {
        assert!((zone.temperature - 500.0).abs() < 5.0, "{}", zone.temperature);
    }
    assert!(hottest < 525.0, "overshoot to {hottest}");
}

#[test]
fn the_ramp_bounds_how_fast_it_heats() {
    let mut furnace = furnace([800.0; 3]);
    furnace.ramp = 1.0;
    minutes(&mut furnace, 2);
    for zone in &furnace.zones {
        assert!((zone.working - 140.0).abs() < 0.1 && zone.temperature < 145.0, "{} of {}", zone.temperature, zone.working);
    }
}

#[test]
fn a_hot_zone_warms_its_neighbour_more_than_the_far_one() {
    let mut furnace = furnace([600.0, 20.0, 20.0]);
    minutes(&mut furnace, 10);
    let [front, middle, back] = furnace.zones.each_ref().map(|zone| zone.temperature);
    assert!(front > 590.0 && middle > back + 20.0 && back > AMBIENT + 1.0, "{front} {middle} {back}");
}

#[test]
fn opening_the_door_switches_the_heaters_off_and_it_cools() {
    let mut furnace = furnace([500.0; 3]);
    minutes(&mut furnace, 5);
    let mut image = furnace.image();
    image.put(OPEN_DOOR, Value::Bool(true));
    furnace.adopt(&image).unwrap();
    let hot = furnace.zones[1].temperature;
    minutes(&mut furnace, 1);
    furnace.publish(&mut image);
    assert!(!image.is_on(DOOR_CLOSED) && !image.is_on(HEATERS_ON));
    assert_eq!(image.number(OUTPUT[1]), Some(0.0));
    assert!(furnace.zones[1].temperature < hot - 100.0, "{}", furnace.zones[1].temperature);
}

#[test]
fn the_largest_setpoint_is_reached_and_energy_only_grows() {
    let mut furnace = furnace([1100.0; 3]);
    let mut energy = 0.0;
    for _ in 0..20 {
        minutes(&mut furnace, 1);
        assert!(furnace.energy_j > energy);
        energy = furnace.energy_j;
    }
    assert!(furnace.zones.iter().all(|zone| (zone.temperature - 1100.0).abs() < 10.0), "{:?}", furnace.zones);
}

#[test]
fn a_setpoint_out_of_range_is_refused() {
    let mut furnace = furnace([20.0; 3]);
    let mut image = furnace.image();
    image.put(SETPOINT[2], Value::F64(1100.5));
    assert_eq!(furnace.adopt(&image), Err(Exception::IllegalDataValue));
    assert_eq!(furnace.zones[2].setpoint, 20.0);
}
