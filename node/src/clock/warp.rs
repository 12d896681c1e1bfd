//! Clocks that run wrong, for tests: a rate for both clocks, and a step for the wall clock alone, since a boot clock is never set.
//!
//! ```toml
//! rate = 1.02       # seconds by these clocks in a true second
//! step_ms = -3000   # added to the wall clock
//! ```
//!
//! The file is read again every 50 ms of true time. From a change on, the clocks go on from where they are at the new rate: a rate never makes
//! them jump. A file that is missing or cannot be read changes nothing. True times come in from outside; the file is all that is read here.

use labkeeper_model::Timestamp;
use labkeeper_ownership::Moment;
use std::path::PathBuf;
use std::time::Duration;

/// How old what is known of the file may get: a thirtieth of a lease, so that a test's change counts within the lease it is meant for.
const REREAD: Duration = Duration::from_millis(50);
/// Largest rate. Nothing that is called a clock runs ten times too fast.
const RATE_MAX: f64 = 10.0;

/// What the file says.
#[derive(Clone, Copy, Debug, PartialEq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    rate: f64,
    step_ms: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { rate: 1.0, step_ms: 0 }
    }
}

impl Settings {
    /// Whether clocks with these settings only go forward, and not absurdly fast.
    fn are_possible(self) -> bool {
        (0.0..=RATE_MAX).contains(&self.rate)
    }
}

/// Two clocks that are bent by a file.
pub(super) struct ClockFile {
    path: PathBuf,
    settings: Settings,
    /// When, in true time, the file was last read, and its text.
    read: Option<(Moment, String)>,
    /// Since when, in true time, the rate counts ...
    since: Moment,
    /// ... and what the boot clock showed then.
    shown: Moment,
}

impl ClockFile {
    /// Clocks that are right until the file is read.
    pub(super) fn new(path: PathBuf, truly: Moment) -> Self {
        Self { path, settings: Settings::default(), read: None, since: truly, shown: truly }
    }

    /// What the boot clock shows. Never goes back as long as `truly` does not.
    pub(super) fn boot(&mut self, truly: Moment) -> Moment {
        self.reread(truly);
        self.shown_at(truly)
    }

    /// What the wall clock shows, given what both clocks would show.
    pub(super) fn wall(&mut self, true_wall: Timestamp, truly: Moment) -> Timestamp {
        let shown = i128::from(self.boot(truly).0);
        let step = i128::from(self.settings.step_ms) * 1_000_000;
        let wall = i128::from(true_wall.0) + shown - i128::from(truly.0) + step;
        Timestamp(i64::try_from(wall).unwrap_or(if wall < 0 { i64::MIN } else { i64::MAX }))
    }

    fn shown_at(&self, truly: Moment) -> Moment {
        // `mul_f64` cannot fail: the rate is between 0 and 10, and a test lasts less than 58 years.
        self.shown.saturating_add(truly.saturating_since(self.since).mul_f64(self.settings.rate))
    }

    fn reread(&mut self, truly: Moment) {
        let is_fresh = |(at, _): &(Moment, String)| truly.saturating_since(*at) < REREAD;
        if self.read.as_ref().is_some_and(is_fresh) {
            return;
        }
        let text = std::fs::read_to_string(&self.path).unwrap_or_default();
        let is_new = self.read.as_ref().is_none_or(|(_, before)| *before != text);
        self.read = Some((truly, text.clone()));
        if !is_new || text.is_empty() {
            return;
        }
        match toml::from_str::<Settings>(&text).ok().filter(|settings| settings.are_possible()) {
            Some(settings) => {
                (self.shown, self.since) = (self.shown_at(truly), truly);
                self.settings = settings;
                tracing::warn!("clocks are bent: rate {}, wall clock stepped by {} ms", settings.rate, settings.step_ms);
            }
            None => tracing::warn!("{} does not say how to bend the clocks: {text:?}", self.path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    /// A file that can be rewritten, and its clocks, from second 100 on.
    fn clocks(text: &str) -> (tempfile::TempDir, PathBuf, ClockFile) {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("clock.toml");
        std::fs::write(&path, text).expect("a file");
        let clocks = ClockFile::new(path.clone(), Moment(100 * S));
        (dir, path, clocks)
    }

    #[test]
    fn the_rate_bends_both_clocks_and_the_step_only_the_wall_clock() {
        let (_dir, _, mut clocks) = clocks("rate = 1.5\nstep_ms = -3000\n");
        assert_eq!(clocks.boot(Moment(100 * S)), Moment(100 * S));
        assert_eq!(clocks.boot(Moment(102 * S)), Moment(103 * S));
        // One second gained by the rate, three lost by the step.
        assert_eq!(clocks.wall(Timestamp::from_millis(50_000), Moment(102 * S)), Timestamp::from_millis(48_000));
    }

    #[test]
    fn a_change_counts_from_where_the_clock_is() {
        let (_dir, path, mut clocks) = clocks("rate = 2.0");
        assert_eq!(clocks.boot(Moment(100 * S)), Moment(100 * S));
        assert_eq!(clocks.boot(Moment(101 * S)), Moment(102 * S));
        std::fs::write(&path, "rate = 0.5\nstep_ms = 7000").expect("a file");
        let soon = Moment(101 * S + 49_000_000);
        assert_eq!(clocks.boot(soon), Moment(102 * S + 98_000_000), "not read again before 50 ms have passed");
        assert_eq!(clocks.boot(Moment(102 * S)), Moment(104 * S), "the old rate up to the moment of reading");
        assert_eq!(clocks.boot(Moment(104 * S)), Moment(105 * S));
    }

    #[test]
    fn what_cannot_be_read_changes_nothing() {
        let (_dir, path, mut clocks) = clocks("rate = 2.0");
        assert_eq!(clocks.boot(Moment(101 * S)), Moment(101 * S), "right until it is read for the first time");
        for (n, bad) in ["rate = -1.0", "rate = nan", "rate = 11.0", "rate = ", "", "speed = 2.0"].into_iter().enumerate() {
            std::fs::write(&path, bad).expect("a file");
            let truly = 102 + n as u64;
            assert_eq!(clocks.boot(Moment(truly * S)), Moment((101 + 2 * (truly - 101)) * S), "{bad}");
        }
        std::fs::remove_file(&path).expect("the file");
        assert_eq!(clocks.boot(Moment(111 * S)), Moment(121 * S));
    }

    #[test]
    fn a_clock_may_stand_still_but_never_goes_back() {
        let (_dir, path, mut clocks) = clocks("rate = 0.0");
        assert_eq!(clocks.boot(Moment(100 * S)), Moment(100 * S));
        assert_eq!(clocks.boot(Moment(105 * S)), Moment(100 * S));
        let mut last = Moment(0);
        for n in 0..400_u64 {
            let text = format!("rate = {}", (n * 7 % 30) as f64 / 10.0);
            std::fs::write(&path, text).expect("a file");
            let shown = clocks.boot(Moment(105 * S + n * 13_000_001));
            assert!(shown >= last, "{shown:?} after {last:?}");
            last = shown;
        }
    }
}
