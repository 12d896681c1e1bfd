//! How long this machine's disk takes to keep what was written, measured once at the start.
//!
//! A renewal counts only when it is on disk, so a disk that is slower than the lease allows makes owners lose their segments in every
//! election. That shows on a bad day only, unless somebody looks before. The node starts meanwhile; what is found is a warning.

use crate::config::Timing;
use std::fs::File;
use std::io::{Result, Seek as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

/// Most writes: with 50, one that is slow once in a hundred times is met with 40 %, and a disk that is slow always is met at once.
const WRITES_MAX: usize = 50;
/// Longest measurement, plus the one write that is under way: 40 ms for each of 50 writes, the longest that the default timing allows.
const MEASURE_MAX: Duration = Duration::from_secs(2);
/// What is written: one page, as a log entry mostly is.
const PAGE: [u8; 4096] = [0x5a; 4096];

/// Measures the disk under `dir` in the background, and warns if it is too slow for the timing.
pub fn watch(dir: &Path, timing: Timing) {
    let dir = dir.to_owned();
    tokio::task::spawn_blocking(move || match slowest_sync(&dir) {
        Ok(slowest) => {
            tracing::debug!("the slowest of the disk's first writes took {slowest:.1?}");
            if let Some(warning) = timing.disk_too_slow(slowest) {
                tracing::warn!("{warning}");
            }
        }
        Err(error) => tracing::warn!("how fast the disk under {} is cannot be measured: {error}", dir.display()),
    });
}

/// The longest of up to 50 `fdatasync` within about two seconds.
///
/// # Errors
/// The directory does not take a file.
fn slowest_sync(dir: &Path) -> Result<Duration> {
    let path = dir.join(".disk-probe");
    let mut file = File::create(&path)?;
    // Without a name while it is written: nothing is left behind, however the process ends.
    std::fs::remove_file(&path)?;
    let (began, mut slowest) = (Instant::now(), Duration::ZERO);
    for _ in 0..WRITES_MAX {
        let write = Instant::now();
        file.rewind()?;
        file.write_all(&PAGE)?;
        file.sync_data()?;
        slowest = slowest.max(write.elapsed());
        if began.elapsed() > MEASURE_MAX {
            break;
        }
    }
    Ok(slowest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_measured_and_nothing_is_left() {
        let dir = tempfile::tempdir().expect("a directory");
        let slowest = slowest_sync(dir.path()).expect("a measurement");
        assert!(slowest > Duration::ZERO);
        assert_eq!(std::fs::read_dir(dir.path()).expect("a directory").count(), 0);
        assert!(slowest_sync(&dir.path().join("missing")).is_err());
    }
}
