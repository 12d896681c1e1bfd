//! The report as a section of a page of Markdown: medians, ratios with their spread, and everything one needs to repeat them.

use crate::Setpoints;
use crate::load::Measured;
use crate::setpoints::{Contestant, Results};
use std::fmt::Write as _;
use std::time::Duration;

/// What the figures were measured on.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// Processor, memory, system.
    pub machine: String,
    /// Of the data directories.
    pub file_system: String,
    /// Median time of one flush of 4 KiB.
    pub flush: Duration,
    /// Labkeeper's version.
    pub labkeeper: String,
    /// etcd's version.
    pub etcd: String,
}

/// The section.
#[must_use]
pub(crate) fn page(arguments: &Setpoints, results: &Results, facts: &Facts) -> String {
    let mut page = String::from(HEAD);
    let _ = write!(
        page,
        "\n- Machine: {}; data on {}, where one flush of 4 KiB takes {} us (median of 500).\n\
         - Labkeeper {}, etcd {} (Debian's etcd-server), both with their defaults; three nodes each, on this one machine and disk.\n\
         - {} rounds of {} s after half a second of warm-up; in each round every system has its turn.\n",
        facts.machine,
        facts.file_system,
        facts.flush.as_micros(),
        facts.labkeeper,
        facts.etcd,
        arguments.rounds,
        arguments.seconds
    );
    for (title, ours, theirs) in [
        ("Leader asked", Contestant::LabkeeperLeader, Contestant::EtcdLeader),
        ("Followers asked", Contestant::LabkeeperFollowers, Contestant::EtcdFollowers),
    ] {
        let _ = write!(page, "\n### {title}\n\n{COMPARISON}");
        for clients in &arguments.clients {
            if let (Some(ours), Some(theirs)) = (results.get(&(*clients, ours)), results.get(&(*clients, theirs))) {
                page.push_str(&comparison(*clients, ours, theirs));
            }
        }
    }
    page.push_str(DRIVEN);
    for clients in &arguments.clients {
        if let Some(driven) = results.get(&(*clients, Contestant::LabkeeperDriven)) {
            let _ = writeln!(page, "| {clients} | {} |", figures(driven));
        }
    }
    let failed: usize = results.values().flatten().map(|measured| measured.failed).sum();
    let _ = write!(page, "\nWrites that failed or were refused, over all of it: {failed}.\n");
    page
}

const HEAD: &str = "\
## Committed setpoints per second, beside etcd

A setpoint is sent through `CommandService.SetSetpoint` and answered when it is committed: on the disks of a majority
(`fdatasync` before the answer) and applied. etcd is given the same bytes by `KV.Put`, under the tag's name, with its default of
an `fdatasync` before each answer. Both spread over 1,000 names. The setpoints' segment is one that no node reaches, so nobody
owns it and nothing is driven: the bare commit, which is what a put is. Labkeeper does more for it: it parses, checks limits,
remembers the command's id, and keeps an audit entry.
";

const COMPARISON: &str = "\
| clients | Labkeeper/s | p50 / p99 ms | etcd/s | p50 / p99 ms | ratio, median (least to most) |
|--:|--:|--:|--:|--:|--:|
";

const DRIVEN: &str = "
### With a device that is driven

The same setpoints to an owned segment: while the next ones are committed, the owner writes to a simulated Modbus device, reads
back, and reports each step through consensus. A setpoint that a newer one overtakes is not written. There is no peer to
compare with.

| clients | Labkeeper/s | p50 / p99 ms |
|--:|--:|--:|
";

fn comparison(clients: usize, ours: &[Measured], theirs: &[Measured]) -> String {
    // Round by round, so that what disturbed the machine in a round disturbed both.
    let mut ratios: Vec<f64> = ours.iter().zip(theirs).map(|(a, b)| a.per_s / b.per_s).collect();
    ratios.sort_by(f64::total_cmp);
    let (least, most) = (ratios.first().copied().unwrap_or(f64::NAN), ratios.last().copied().unwrap_or(f64::NAN));
    let median = ratios.get(ratios.len() / 2).copied().unwrap_or(f64::NAN);
    format!("| {clients} | {} | {} | {median:.2} ({least:.2} to {most:.2}) |\n", figures(ours), figures(theirs))
}

/// Medians over the rounds: writes per second, and the two times.
fn figures(rounds: &[Measured]) -> String {
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    };
    let ms = |time: fn(&Measured) -> Duration| median(rounds.iter().map(|m| time(m).as_secs_f64() * 1e3).collect());
    let per_s = median(rounds.iter().map(|m| m.per_s).collect());
    format!("{per_s:.0} | {:.1} / {:.1}", ms(|m| m.p50), ms(|m| m.p99))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(per_s: f64) -> Measured {
        Measured { per_s, p50: Duration::from_millis(1), p99: Duration::from_millis(9), failed: 0 }
    }

    #[test]
    fn a_row_has_medians_and_the_ratios_of_the_rounds() {
        let ours = [measured(200.0), measured(100.0), measured(400.0)];
        let theirs = [measured(100.0), measured(100.0), measured(100.0)];
        assert_eq!(comparison(16, &ours, &theirs), "| 16 | 200 | 1.0 / 9.0 | 100 | 1.0 / 9.0 | 2.00 (1.00 to 4.00) |\n");
    }
}
