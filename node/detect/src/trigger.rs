//! A limit with a deadband: set at the limit, and reset only when back past `limit - deadband`, as EPICS has it ("Limit Alarms" in its Process
//! Database Concepts). So a value that rests on the limit does not chatter.

/// One limit on a quantity that grows towards it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Trigger {
    /// The limit, and how far back past it resets.
    limit: f64,
    deadband: f64,
    /// Whether the limit itself is beyond it.
    inclusive: bool,
    is_set: bool,
}

impl Trigger {
    /// Set by values at the limit or above.
    pub(crate) const fn at(limit: f64, deadband: f64) -> Self {
        Self { limit, deadband, inclusive: true, is_set: false }
    }

    /// Set by values above `limit`, which is the largest that is not beyond. For sizes, which are not negative: a deadband larger than the
    /// limit would never reset, so it ends at zero.
    pub(crate) const fn above(limit: f64, deadband: f64) -> Self {
        Self { limit, deadband: deadband.min(limit), inclusive: false, is_set: false }
    }

    /// As it stood when a former owner left it.
    pub(crate) const fn set(self, is_set: bool) -> Self {
        Self { is_set, ..self }
    }

    /// Takes a value that is not NaN; whether it is beyond.
    pub(crate) fn feed(&mut self, value: f64) -> bool {
        self.is_set = self.would_set(value);
        self.is_set
    }

    /// Whether a value would be beyond, without taking it.
    pub(crate) fn would_set(&self, value: f64) -> bool {
        let bound = if self.is_set { self.limit - self.deadband } else { self.limit };
        if self.inclusive { value >= bound } else { value > bound }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fed(mut trigger: Trigger, values: &[f64]) -> Vec<bool> {
        values.iter().map(|value| trigger.feed(*value)).collect()
    }

    #[test]
    fn the_deadband_counts_only_on_the_way_back() {
        let found = fed(Trigger::at(30.0, 1.0), &[29.9, 30.0, 29.5, 29.0, 28.9, 29.5, 30.1]);
        assert_eq!(found, [false, true, true, true, false, false, true]);
    }

    #[test]
    fn a_size_may_be_as_large_as_its_limit() {
        assert_eq!(fed(Trigger::above(2.0, 0.5), &[2.0, 2.1, 2.0, 1.6, 1.5, 1.9]), [false, true, true, true, false, false]);
        assert_eq!(fed(Trigger::above(2.0, 9.0), &[3.0, 0.1, 0.0]), [true, true, false], "a deadband beyond zero");
    }

    #[test]
    fn it_goes_on_where_a_former_owner_left_it() {
        assert_eq!(fed(Trigger::at(30.0, 1.0).set(true), &[29.5, 28.5, 29.5]), [true, false, false]);
    }
}
