//! Readings per second, over the last second.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Measures for ever: `rate_milli` becomes the growth of `counter` per second, in thousandths.
pub async fn run(counter: &AtomicU64, rate_milli: &AtomicU64) {
    let mut last = (Instant::now(), counter.load(Ordering::Relaxed));
    loop {
        sleep(Duration::from_secs(1)).await;
        let now = (Instant::now(), counter.load(Ordering::Relaxed));
        let elapsed_us = u64::try_from(now.0.duration_since(last.0).as_micros()).unwrap_or(u64::MAX).max(1);
        rate_milli.store((now.1 - last.1).saturating_mul(1_000_000_000) / elapsed_us, Ordering::Relaxed);
        last = now;
    }
}
