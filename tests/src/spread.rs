//! How times spread: what one figure hides.

use std::fmt;
use std::time::Duration;

/// Times, to be summed up. Shown as `n 12, median 1,803, 9 of 10 within 2,011, longest 2,240 ms`.
#[derive(Clone, Debug, Default)]
pub struct Spread {
    times: Vec<Duration>,
}

impl Spread {
    /// Adds one.
    pub fn add(&mut self, time: Duration) {
        let at = self.times.partition_point(|other| *other <= time);
        self.times.insert(at, time);
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// The time that this share (0 to 1) of all does not exceed: an actual one, the nearest from above.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Duration {
        // A few hundred times, so nothing is lost or cut off.
        let rank = (self.times.len() as f64 * share).ceil() as usize;
        self.times.get(rank.clamp(1, self.times.len().max(1)) - 1).copied().unwrap_or_default()
    }

    /// `| 12 | 1501 | 1803 | 2011 | 2240 |`: how many, the shortest, the median, 9 of 10, the longest; in milliseconds.
    #[must_use]
    pub fn row(&self) -> String {
        let ms = |share| self.quantile(share).as_millis();
        format!("| {} | {} | {} | {} | {} |", self.len(), ms(0.0), ms(0.5), ms(0.9), ms(1.0))
    }
}

/// The heading of [`Spread::row`], without its first cell's left border.
pub const ROW_HEAD: &str = "n | shortest | median | 9 of 10 | longest |";

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |share| self.quantile(share).as_millis();
        write!(f, "n {}, shortest {}, median {}, 9 of 10 within {}, longest {} ms", self.len(), ms(0.0), ms(0.5), ms(0.9), ms(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_times_that_were_measured() {
        let mut spread = Spread::default();
        assert_eq!(spread.row(), "| 0 | 0 | 0 | 0 | 0 |");
        for ms in [30, 10, 100, 20, 40, 50, 60, 70, 80, 90] {
            spread.add(Duration::from_millis(ms));
        }
        assert_eq!(spread.row(), "| 10 | 10 | 50 | 90 | 100 |");
        assert_eq!(spread.to_string(), "n 10, shortest 10, median 50, 9 of 10 within 90, longest 100 ms");
    }
}
