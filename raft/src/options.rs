//! What a node of the cluster can be told at its start, and the consensus core's configuration with the reasons for it.

use crate::error::OpenError;
use labkeeper_model::Name;
use openraft::{Config, SnapshotPolicy};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How a node of the cluster runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// Its own directory, on a disk that keeps what was synced. Created if it does not exist.
    pub data_dir: PathBuf,
    /// Its name. A directory that was written under another name is refused.
    pub name: Name,
    /// Heartbeats and elections.
    pub timing: Timing,
    /// A snapshot is taken each time that this many entries have been applied since the last one. At 64 commands of 200 bytes
    /// to an entry, 20,000 entries are 256 MB of log at most, and are applied again within seconds after a restart.
    pub snapshot_every: u64,
    /// How many entries in a snapshot stay in the log: a follower that is back within that many catches up without a snapshot.
    pub snapshot_keep: u64,
}

impl Options {
    /// The usual tuning.
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>, name: Name) -> Self {
        Self { data_dir: data_dir.into(), name, timing: Timing::default(), snapshot_every: 20_000, snapshot_keep: 5_000 }
    }
}

/// Heartbeats and elections. A leader's crash is noticed after `election_max`, plus a random time between `election_min` and
/// `election_max`, plus one round of votes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Between two heartbeats.
    pub heartbeat: Duration,
    /// Shortest wait before asking for votes.
    pub election_min: Duration,
    /// Longest wait before asking for votes; also the leader's lease.
    pub election_max: Duration,
}

impl Default for Timing {
    /// Three lost heartbeats of 100 ms are an election's shortest wait, and the wait spreads over as much again, so that three
    /// nodes rarely ask at once. A crashed leader is replaced within 600 + 600 ms and a round of votes; a pause of a
    /// scheduler or a disk of up to 300 ms unseats nobody.
    fn default() -> Self {
        Self { heartbeat: Duration::from_millis(100), election_min: Duration::from_millis(300), election_max: Duration::from_millis(600) }
    }
}

/// The consensus core's configuration. Used by the simulation as it is, so that what is simulated is what runs.
///
/// # Errors
/// [`OpenError::BadOptions`] when the times do not fit together.
pub fn config(timing: Timing, snapshot_every: u64, snapshot_keep: u64) -> Result<Arc<Config>, OpenError> {
    let ms = |d: Duration| u64::try_from(d.as_millis()).unwrap_or(u64::MAX);
    let config = Config {
        cluster_name: "labkeeper".to_owned(),
        heartbeat_interval: ms(timing.heartbeat),
        election_timeout_min: ms(timing.election_min),
        election_timeout_max: ms(timing.election_max),
        // A leader that lost power before its own disk had its last entries must not go on in the same term without an
        // election: it would give their places to other entries, and replicas would differ for good.
        enable_leader_restore: Some(false),
        // A node that was cut off would come back with a grown term and unseat a healthy leader.
        enable_pre_vote: Some(true),
        // A leader that lost its majority stops claiming to lead: silent for 2 x (lease + longest election), then it probes.
        // openraft demands at least lease + election_max, both of which are `election_max`.
        quorum_loss_probe_interval: Some(ms(timing.election_max).saturating_mul(4)),
        snapshot_policy: SnapshotPolicy::LogsSinceLast(snapshot_every),
        max_in_snapshot_log_to_keep: snapshot_keep,
        // Purging one entry at a time would cost a commit each; 512 keep the log at most 512 entries longer.
        purge_batch_size: 512.min(snapshot_keep.max(1)),
        // A follower that is further behind than the log reaches gets a snapshot; anything nearer gets entries.
        replication_lag_threshold: snapshot_every.saturating_add(snapshot_keep),
        // One request carries at most 64 entries and (by the log reader) about 1 MiB; 64 requests are in flight at most.
        max_payload_entries: 64,
        // A snapshot of 100 MB at 100 Mbit/s takes 8 s, and its installation about as long again.
        install_snapshot_timeout: 60_000,
        // Unreachable nodes are tried again after 20 ms, then ever more rarely down to once a second.
        backoff: "20ms 50ms 100ms 200ms ...1s".to_owned(),
        ..Config::default()
    };
    config.validate().map(Arc::new).map_err(|e| OpenError::BadOptions(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_do_not_fit_are_refused() {
        let good = Timing::default();
        assert!(config(good, 100, 10).is_ok());
        let slow = Timing { heartbeat: good.election_max, ..good };
        assert!(matches!(config(slow, 100, 10), Err(OpenError::BadOptions(_))));
        let reversed = Timing { election_min: good.election_max, election_max: good.election_min, ..good };
        assert!(matches!(config(reversed, 100, 10), Err(OpenError::BadOptions(_))));
    }

    #[test]
    fn the_settings_that_safety_rests_on_are_what_they_must_be() {
        let config = config(Timing::default(), 100, 10).expect("good");
        assert_eq!(config.enable_leader_restore, Some(false));
        assert_eq!(config.enable_pre_vote, Some(true));
        assert_eq!(config.allow_log_reversion, None);
    }
}
