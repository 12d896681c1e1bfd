//! How long the interval between polls really is: longer than declared, if polls take longer than that.
//!
//! A device that answers slowly, or a bus with too many devices, cannot keep its interval. Left alone, polls would follow each other
//! without a pause at an uneven pace, and commands would always find the bus in use. So the interval becomes a multiple of the
//! declared one in which a poll fits with room to spare, and returns when polls are short again.
//!
//! ```text
//!             3 overruns in a row                               10 polls in a row would fit less
//!   interval ─────────────────────► smallest multiple that fits ────────────────────────────────► smallest multiple that fits all of them
//!                                                                (twice as many after each time
//!                                                                 that it did not last)
//! ```
//!
//! It knows nothing of devices or clocks: durations are passed in.

use std::time::Duration;

/// So many overruns in a row lengthen the interval. One or two are a lost packet, or a neighbour that did not answer.
const OVERRUNS_IN_A_ROW: u32 = 3;
/// So many polls in a row that would fit less shorten it, at first and at most. Each lengthening doubles it, and as many polls at
/// the declared interval without one halve it: a bus at the edge of what it can do changes its mind every 640 polls, not every 13.
const CALM_IN_A_ROW: (u32, u32) = (10, 640);
/// Longest interval, in declared ones: a poll of 100 ms may become one of 6 s; what is slower than that is no overload but a fault,
/// and time-outs deal with it.
const STRETCH_MAX: u32 = 60;

/// What a complete poll meant for the pace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paced {
    /// It took longer than the interval.
    pub(crate) overrun: bool,
    /// The interval that polls have from here on, if that is another one.
    pub(crate) changed: Option<Duration>,
}

/// The pace of one device.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    declared: Duration,
    stretch: u32,
    overruns: u32,
    calm: u32,
    /// The longest of the calm polls.
    calm_longest: Duration,
    /// How many of them shorten the interval.
    patience: u32,
}

impl Pace {
    /// The declared interval, which must not be zero.
    pub(crate) const fn new(declared: Duration) -> Self {
        Self { declared, stretch: 1, overruns: 0, calm: 0, calm_longest: Duration::ZERO, patience: CALM_IN_A_ROW.0 }
    }

    /// The interval that polls have.
    pub(crate) fn interval(&self) -> Duration {
        self.declared * self.stretch
    }

    /// A poll was completed, so long after it could have begun.
    pub(crate) fn completed(&mut self, took: Duration) -> Paced {
        let overrun = took > self.interval();
        Paced { overrun, changed: if overrun { self.overrun(took) } else { self.in_time(took) } }
    }

    fn overrun(&mut self, took: Duration) -> Option<Duration> {
        self.begin_calm();
        self.overruns += 1;
        if self.overruns < OVERRUNS_IN_A_ROW {
            return None;
        }
        self.patience = (self.patience * 2).min(CALM_IN_A_ROW.1);
        self.stretch_to(self.fitting(took))
    }

    fn in_time(&mut self, took: Duration) -> Option<Duration> {
        self.overruns = 0;
        let may_shrink = self.stretch > 1;
        if may_shrink && self.fitting(took) >= self.stretch {
            self.begin_calm();
            return None;
        }
        self.calm += 1;
        self.calm_longest = self.calm_longest.max(took);
        if self.calm < self.patience {
            return None;
        }
        if may_shrink {
            return self.stretch_to(self.fitting(self.calm_longest));
        }
        self.begin_calm();
        self.patience = (self.patience / 2).max(CALM_IN_A_ROW.0);
        None
    }

    const fn begin_calm(&mut self) {
        (self.calm, self.calm_longest) = (0, Duration::ZERO);
    }

    fn stretch_to(&mut self, stretch: u32) -> Option<Duration> {
        self.overruns = 0;
        self.begin_calm();
        let changes = stretch != self.stretch;
        self.stretch = stretch;
        changes.then(|| self.interval())
    }

    /// The smallest multiple of which such a poll takes four fifths at most: the rest is for commands and for the next poll to be in time.
    fn fitting(&self, took: Duration) -> u32 {
        let room = (self.declared.as_nanos() * 4 / 5).max(1);
        u32::try_from(took.as_nanos().div_ceil(room)).unwrap_or(STRETCH_MAX).clamp(1, STRETCH_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    fn after(pace: &mut Pace, polls: &[u64]) -> Vec<Option<Duration>> {
        polls.iter().map(|took| pace.completed(ms(*took)).changed).collect()
    }

    #[test]
    fn three_overruns_in_a_row_lengthen_it_to_what_fits() {
        let mut pace = Pace::new(ms(100));
        assert_eq!(after(&mut pace, &[150, 150, 90, 150, 150]), [None; 5], "a short one between is no overload");
        assert_eq!(after(&mut pace, &[250]), [Some(ms(400))], "250 ms are within four fifths of 400 ms, and of no less");
        assert_eq!(pace.interval(), ms(400));
        assert_eq!(after(&mut pace, &[300, 300, 300]), [None; 3], "it fits");
    }

    #[test]
    fn it_returns_when_polls_are_short_again_and_not_at_the_first() {
        let mut pace = Pace::new(ms(100));
        after(&mut pace, &[250; 3]);
        assert_eq!(after(&mut pace, &[10; 19]), [None; 19]);
        assert_eq!(after(&mut pace, &[350]), [None], "one that needs the room starts the count again");
        after(&mut pace, &[10; 19]);
        assert_eq!(after(&mut pace, &[120]), [Some(ms(200))], "as short as the longest of the twenty allows");
        assert_eq!(after(&mut pace, &[10; 20])[19], Some(ms(100)));
        assert_eq!(after(&mut pace, &[10; 100]), [None; 100], "never below the declared one");
    }

    #[test]
    fn at_the_edge_it_changes_its_mind_more_and_more_rarely_and_forgets_that_when_all_is_well() {
        let mut pace = Pace::new(ms(100));
        let polls_until_shorter = |pace: &mut Pace| {
            after(pace, &[150; 3]);
            (1..).find(|_| pace.completed(ms(10)).changed.is_some()).unwrap_or(0)
        };
        let waits: Vec<i32> = (0..8).map(|_| polls_until_shorter(&mut pace)).collect();
        assert_eq!(waits, [20, 40, 80, 160, 320, 640, 640, 640]);
        after(&mut pace, &[10; 2_000]);
        assert_eq!(polls_until_shorter(&mut pace), 20);
    }

    #[test]
    fn it_counts_overruns_and_has_a_longest() {
        let mut pace = Pace::new(ms(100));
        assert!(pace.completed(ms(101)).overrun && !pace.completed(ms(100)).overrun);
        after(&mut pace, &[1_000_000; 3]);
        assert_eq!(pace.interval(), ms(6_000));
        assert_eq!(after(&mut pace, &[1_000_000; 3]), [None; 3], "it stays there");
    }
}
