//! Limits on a value: up to two above and two below, each with its own hysteresis, as OPC UA has it (Part 9, B.1.5).

use crate::trigger::Trigger;
use crate::word::{Level, SEVERITY_INNER, SEVERITY_OUTER};
use labkeeper_model::site;

/// The limits of one alarm.
#[derive(Clone, Debug)]
pub(crate) struct Levels {
    limits: Vec<Limit>,
}

#[derive(Clone, Debug)]
struct Limit {
    severity: u8,
    /// 1: beyond is above; -1: beyond is below, so value and limit change their signs.
    sign: f64,
    trigger: Trigger,
}

impl Levels {
    /// Limits that stand as `recorded` says. On which side it was is not recorded: a limit that was not passed resets at the first reading,
    /// unless that is within its deadband.
    pub(crate) fn new(declared: site::Levels, deadband: f64, recorded: Level) -> Self {
        let limit = |limit: Option<f64>, sign: f64, severity: u8| {
            let trigger = Trigger::at(limit? * sign, deadband).set(recorded.severity() >= severity);
            Some(Limit { severity, sign, trigger })
        };
        let limits = [
            limit(declared.hihi, 1.0, SEVERITY_OUTER),
            limit(declared.hi, 1.0, SEVERITY_INNER),
            limit(declared.lo, -1.0, SEVERITY_INNER),
            limit(declared.lolo, -1.0, SEVERITY_OUTER),
        ];
        Self { limits: limits.into_iter().flatten().collect() }
    }

    /// The worst limit that a value is beyond.
    pub(crate) fn feed(&mut self, value: f64) -> Level {
        let beyond = |limit: &mut Limit| limit.trigger.feed(value * limit.sign).then_some(Level::Active(limit.severity));
        self.limits.iter_mut().filter_map(beyond).max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: site::Levels = site::Levels { lolo: Some(0.0), lo: Some(5.0), hi: Some(30.0), hihi: Some(40.0) };
    const CLEAR: Level = Level::Clear;
    const INNER: Level = Level::Active(SEVERITY_INNER);
    const OUTER: Level = Level::Active(SEVERITY_OUTER);

    fn fed(mut levels: Levels, values: &[f64]) -> Vec<Level> {
        values.iter().map(|value| levels.feed(*value)).collect()
    }

    #[test]
    fn each_limit_has_its_own_deadband() {
        let up = fed(Levels::new(ALL, 1.0, CLEAR), &[20.0, 30.0, 40.0, 39.0, 38.9, 29.0, 28.9]);
        assert_eq!(up, [CLEAR, INNER, OUTER, OUTER, INNER, INNER, CLEAR]);
        let down = fed(Levels::new(ALL, 1.0, CLEAR), &[20.0, 5.0, 0.0, 1.0, 1.1, 6.0, 6.1]);
        assert_eq!(down, [CLEAR, INNER, OUTER, OUTER, INNER, INNER, CLEAR]);
    }

    #[test]
    fn from_one_side_to_the_other_in_one_reading() {
        assert_eq!(fed(Levels::new(ALL, 1.0, CLEAR), &[45.0, -1.0, 20.0]), [OUTER, OUTER, CLEAR]);
    }

    #[test]
    fn a_single_limit_has_the_severity_of_its_kind() {
        let hihi = site::Levels { hihi: Some(40.0), ..site::Levels::default() };
        assert_eq!(fed(Levels::new(hihi, 0.0, CLEAR), &[39.9, 40.0, 39.9]), [CLEAR, OUTER, CLEAR]);
    }

    #[test]
    fn a_new_owner_keeps_the_hysteresis_of_the_former() {
        assert_eq!(fed(Levels::new(ALL, 1.0, OUTER), &[39.5, 38.0]), [OUTER, INNER]);
        assert_eq!(fed(Levels::new(ALL, 1.0, INNER), &[39.5]), [INNER], "the outer limit was not passed");
        assert_eq!(fed(Levels::new(ALL, 1.0, INNER), &[29.5, 28.0]), [INNER, CLEAR]);
        assert_eq!(fed(Levels::new(ALL, 1.0, CLEAR), &[29.5]), [CLEAR]);
        assert_eq!(fed(Levels::new(ALL, 1.0, OUTER), &[20.0]), [CLEAR]);
    }
}
