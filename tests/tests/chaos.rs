//! Bad days by chance: owners and leaders are killed, frozen and cut off while clients command. On every day:
//!
//! - no device is driven by two: every write is of the epoch that holds, and by its owner;
//! - nothing that was acknowledged is lost, and every node tells the same of it: setpoints, control, acknowledgements, shelves;
//! - no action is done twice, by the devices' own count, and none is in doubt without a fault of whoever had begun it;
//! - with everything repaired, every segment is kept again.
//!
//! `make chaos ROUNDS=200` asks for that many days, `LABKEEPER_SEED` repeats the faults and their times, and
//! `LABKEEPER_WRITE=docs/benchmarks.md` writes how long outages lasted.

use anyhow::Context as _;
use labkeeper_proto::v1::GrantCause;
use labkeeper_tests::doers::desk::{self, Day, Desk};
use labkeeper_tests::load::{self, Load};
use labkeeper_tests::outage::{until_committed, until_controlled_at_last};
use labkeeper_tests::spread::{ROW_HEAD, Spread};
use labkeeper_tests::{Cluster, Evidence, Lab, Nemesis, Oracle, Setup, Step, Who, chance, page, scenario};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Four clients, some fifteen commands a second each: a fault finds commands at every stage of their path, and a node that is
/// behind has something to catch up with.
const LOAD: Load = Load { clients: 4, pause: Duration::from_millis(60), tags: 8, first: 0, most: u64::MAX };

/// What was measured over all days.
#[derive(Default)]
struct Outages {
    /// A lost owner's segment, from its last renewal until its successor controls it, as the site tells it.
    takeover: Spread,
    /// The longest gap between two acknowledged commands on a day that began with a lost leader.
    leader_lost: Spread,
    /// The longest gap between two commands that reached a device, on a day that began with its lost owner.
    owner_lost: Spread,
}

#[tokio::test]
async fn on_bad_days_nothing_is_driven_by_two_and_nothing_acknowledged_is_lost() -> anyhow::Result<()> {
    let (seed, mut chance) = chance::from_environment();
    let days = chance::rounds(8);
    let mut cluster = Setup::new(3, desk::furnish(Lab::for_bad_days()?)?).with_network().start().await?;
    let (mut nemesis, mut evidence, mut oracle) = (Nemesis::default(), Evidence::default(), Oracle::default());
    let (mut desk, mut outages) = (Desk::default(), Outages::default());
    for day in 0..days {
        let steps = scenario::bad_day(&mut chance);
        let told = || format!("day {day} of {days}, LABKEEPER_SEED={seed}, {steps:?}");
        let first = one_day(&mut cluster, &mut nemesis, (&mut oracle, &mut desk), &steps, day).await.with_context(told)?;
        let judged = evidence.judge(&cluster).await.with_context(told)?;
        desk.judge(&cluster, &nemesis, &evidence, first.desk).await.with_context(told)?;
        println!("day {day}: {:?}; {} commands acknowledged, {judged} writes and claims judged", &steps[..2], oracle.len());
        match steps.iter().find_map(victim) {
            Some(Who::Leader) => outages.leader_lost.add(first.committed),
            Some(Who::Owner(_)) => outages.owner_lost.add(first.controlled),
            _ => {}
        }
    }
    println!("{desk}");
    desk.must_have_worked(days)?;
    oracle.ask_for_setpoints(&cluster.clients()).await.with_context(|| format!("LABKEEPER_SEED={seed}"))?;
    for grant in evidence.grants().values().filter(|grant| grant.cause() == GrantCause::SessionExpired) {
        grant.enabled_ms.into_iter().for_each(|ms| outages.takeover.add(Duration::from_millis(ms)));
    }
    let report = report(&outages, days, seed);
    println!("{report}");
    if let Some(path) = std::env::var_os("LABKEEPER_WRITE") {
        page::write_section(Path::new(&path), "chaos", &report)?;
    }
    cluster.finish()
}

/// What clients saw on one day: the longest gaps, and what those at work were told.
struct Seen {
    desk: Day,
    committed: Duration,
    controlled: Duration,
}

/// One day under load. What it leaves must be consistent before the next one begins.
async fn one_day(
    cluster: &mut Cluster,
    nemesis: &mut Nemesis,
    (oracle, desk): (&mut Oracle, &mut Desk),
    steps: &[Step],
    day: u32,
) -> anyhow::Result<Seen> {
    let clients = cluster.clients();
    let segment = match steps.iter().find_map(victim) {
        Some(Who::Owner(segment)) => segment,
        _ => "cryo",
    };
    let (done, is_done) = watch::channel(false);
    let first = u64::from(day) * 1_000_000;
    let load = Load { first, ..LOAD };
    let nemesis = load::beside(done, nemesis.take(cluster, steps));
    let (told, at_work, committed, controlled, taken) = tokio::join!(
        load.run(&clients, is_done.clone()),
        desk.work(&clients, &is_done, day),
        longest_gap(is_done.clone(), async |n, since| until_committed(&clients, "vacuum/bank-vacuum/s14", first + n, since).await),
        longest_gap(is_done.clone(), async |n, since| until_controlled_at_last(&clients, &control_tag(segment), first + n, since).await),
        nemesis
    );
    taken?;
    let at_work = at_work?;
    let mut today = Oracle::default();
    for command in told? {
        today.told(command.clone()).map_err(anyhow::Error::msg)?;
        oracle.told(command).map_err(anyhow::Error::msg)?;
    }
    cluster.applied(today.commands().map(|command| command.log_index).max().unwrap_or(0)).await?;
    today.ask_for_commands(&clients).await?;
    Ok(Seen { desk: at_work, committed: committed?, controlled: controlled? })
}

fn control_tag(segment: &str) -> String {
    format!("{segment}/bank-{segment}/s15")
}

/// Does something over and over until the day is done; the longest time that it took from one success to the next.
async fn longest_gap(
    done: watch::Receiver<bool>,
    again: impl AsyncFn(u64, Instant) -> anyhow::Result<Duration>,
) -> anyhow::Result<Duration> {
    let mut longest = Duration::ZERO;
    let mut n = 0;
    let mut since = Instant::now();
    while !*done.borrow() {
        longest = longest.max(again(n, since).await?);
        since = Instant::now();
        n += 1;
    }
    Ok(longest)
}

fn victim(step: &Step) -> Option<Who> {
    match step {
        Step::Kill(who) | Step::Freeze(who) | Step::Isolate(who) => Some(*who),
        _ => None,
    }
}

fn report(outages: &Outages, days: u32, seed: u64) -> String {
    let rows = [
        ("a lost owner's segment: last renewal to control enabled, as the site tells it", &outages.takeover),
        ("a lost leader: longest gap between two acknowledged commands of a client", &outages.leader_lost),
        ("a lost owner: longest gap between two verified commands of a client", &outages.owner_lost),
    ];
    let mut text = format!("{days} days, seed {seed}; milliseconds.\n\n| outage | {ROW_HEAD}\n|---|--:|--:|--:|--:|--:|\n");
    for (name, spread) in rows {
        text.push_str(&format!("| {name} {}\n", spread.row()));
    }
    text
}
