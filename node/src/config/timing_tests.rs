use super::*;
use labkeeper_model::site::ELECTION_DEFAULT;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn refused(change: impl FnOnce(&mut Timing)) -> String {
    let mut timing = Timing::default();
    change(&mut timing);
    timing.check().map_or_else(|(key, wrong)| format!("{key}: {}", wrong.what), |()| "accepted".into())
}

#[test]
fn the_defaults_fit_each_other_and_are_those_that_a_site_is_checked_against() {
    assert_eq!(refused(|_| {}), "accepted");
    assert_eq!(Timing::default().terms(), LeaseTerms::default());
    assert_eq!(Timing::default().election_worst(), ELECTION_DEFAULT);
    assert!(Timing::default().terms().are_possible());
}

#[test]
fn a_lost_heartbeat_deposes_nobody() {
    assert_eq!(refused(|t| t.heartbeat = ms(9)), "heartbeat: 9ms is shorter than 10ms");
    assert_eq!(refused(|t| t.heartbeat = ms(10)), "accepted");
    assert!(refused(|t| t.election_min = ms(179)).starts_with("election_timeout: 179ms is shorter than 3 x heartbeat = 180ms"));
    assert_eq!(refused(|t| t.election_min = ms(180)), "accepted");
    assert!(refused(|t| t.election_max = ms(259)).starts_with("election_timeout: 259ms is shorter than 200ms + 60ms = 260ms"));
    assert_eq!(refused(|t| t.election_max = ms(260)), "accepted");
}

#[test]
fn a_lease_bridges_two_renewals_and_an_election() {
    assert_eq!(
        refused(|t| t.lease = ms(1_459)),
        "lease: 1s 459ms is shorter than 2 x renew + 2 x election_max + heartbeat = 600ms + 800ms + 60ms = 1s 460ms: owners would lose \
         their segments in an election"
    );
    assert_eq!(refused(|t| t.lease = ms(1_460)), "accepted");
    assert!(refused(|t| t.renew = ms(321)).starts_with("lease: 1s 500ms is shorter"));
    assert_eq!(refused(|t| t.renew = ms(320)), "accepted");
    assert!(refused(|t| t.election_max = ms(421)).starts_with("lease: 1s 500ms is shorter"));
    assert_eq!(refused(|t| t.election_max = ms(420)), "accepted");
    assert_eq!(refused(|t| t.renew = ms(49)), "renew: 49ms is shorter than 50ms");
    assert_eq!(refused(|t| t.lease = ms(60_001)), "lease: 1m 1ms is longer than 1m");
}

#[test]
fn the_guard_covers_a_late_write() {
    assert_eq!(
        refused(|t| t.guard = ms(399)),
        "guard: 399ms is shorter than write_timeout + stall = 200ms + 200ms = 400ms: a late write would meet the next owner"
    );
    assert!(refused(|t| t.stall = ms(201)).starts_with("guard: 400ms is shorter"));
    assert!(refused(|t| t.write_timeout = ms(201)).starts_with("guard: 400ms is shorter"));
    assert_eq!(refused(|t| t.guard = ms(60_001)), "guard: 1m 1ms is longer than 1m");
    assert_eq!(refused(|t| t.stall = ms(9)), "stall: 9ms is shorter than 10ms");
    assert_eq!(refused(|t| t.write_timeout = Duration::ZERO), "write_timeout: 0s is shorter than 10ms");
    assert_eq!(
        refused(|t| (t.write_timeout, t.guard) = (ms(900), ms(1_100))),
        "write_timeout: no write begins in the lease's last 900ms, and 2 x renew + that = 1s 500ms leaves nothing of the lease of 1s 500ms"
    );
    assert_eq!(refused(|t| (t.write_timeout, t.guard) = (ms(899), ms(1_099))), "accepted");
}

#[test]
fn a_slow_disk_is_told_with_the_numbers() {
    let timing = Timing::default();
    assert_eq!(timing.disk_too_slow(ms(40)), None);
    let told = timing.disk_too_slow(Duration::from_micros(40_100)).expect("too slow");
    assert!(told.contains("the disk took 40.1ms") && told.contains("860ms + 40.1ms, do not fit into lease - 2 x renew = 900ms"), "{told}");
}
