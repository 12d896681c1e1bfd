//! Whom a notice concerns: by priority, segment and time of day.

use super::Notice;
use labkeeper_model::Timestamp;
use labkeeper_model::site::RouteSpec;

/// Whether a route is for this notice at this time. One that is about no segment concerns every route but those of certain segments.
pub(super) fn wants(route: &RouteSpec, notice: &Notice, now: Timestamp) -> bool {
    let urgent = notice.priority <= route.min_priority;
    let concerned = route.segments.is_empty() || notice.segment.as_ref().is_some_and(|segment| route.segments.contains(segment));
    let open = route.hours.is_none_or(|(from, until)| {
        let minute = minute_of_day(now);
        // Hours that pass midnight are the ones outside of those between.
        if from <= until { (from..until).contains(&minute) } else { minute >= from || minute < until }
    });
    urgent && concerned && open
}

/// Minutes since midnight, UTC.
fn minute_of_day(now: Timestamp) -> u16 {
    let minutes = now.0.div_euclid(60_000_000_000).rem_euclid(24 * 60);
    // Less than 1,440.
    u16::try_from(minutes).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use labkeeper_model::site::Priority;
    use labkeeper_model::{AlarmId, Name};

    fn name(text: &str) -> Name {
        Name::new(text).expect("a name")
    }

    fn notice(priority: Priority, segment: Option<&str>) -> Notice {
        let alarm = AlarmId::system(&name("disk"), &name("lab-a"));
        Notice {
            alarm,
            occurrence: 1,
            transition: "RAISED",
            priority,
            state: String::new(),
            segment: segment.map(name),
            text: String::new(),
        }
    }

    fn at(hour: i64, minute: i64) -> Timestamp {
        Timestamp((1_000 * 24 * 60 + hour * 60 + minute) * 60_000_000_000)
    }

    #[test]
    fn a_route_gets_what_is_urgent_enough() {
        let route = RouteSpec { min_priority: Priority::High, ..RouteSpec::default() };
        let wanted: Vec<bool> = [Priority::Critical, Priority::High, Priority::Medium, Priority::Low]
            .map(|priority| wants(&route, &notice(priority, None), at(0, 0)))
            .to_vec();
        assert_eq!(wanted, [true, true, false, false]);
    }

    #[test]
    fn a_route_of_segments_gets_theirs() {
        let route = RouteSpec { segments: vec![name("cryo")], min_priority: Priority::Low, ..RouteSpec::default() };
        let wanted = [Some("cryo"), Some("hall"), None].map(|segment| wants(&route, &notice(Priority::High, segment), at(0, 0)));
        assert_eq!(wanted, [true, false, false]);
    }

    #[test]
    fn hours_begin_and_end_to_the_minute_and_may_pass_midnight() {
        let wanted = |hours, now| {
            let route = RouteSpec { hours: Some(hours), min_priority: Priority::Low, ..RouteSpec::default() };
            wants(&route, &notice(Priority::High, None), now)
        };
        let day = (8 * 60, 17 * 60 + 30);
        assert_eq!([at(7, 59), at(8, 0), at(17, 29), at(17, 30)].map(|now| wanted(day, now)), [false, true, true, false]);
        let night = (22 * 60, 6 * 60);
        assert_eq!([at(21, 59), at(22, 0), at(0, 0), at(5, 59), at(6, 0)].map(|now| wanted(night, now)), [false, true, true, true, false]);
    }
}
