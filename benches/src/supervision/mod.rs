//! A supervised child beside a bare task and beside Erlang: what it costs while it waits, and how soon it runs after a crash.
//!
//! Every measurement is a process of its own, so that none finds memory that another has left. `probe.rs` is what is measured
//! of Rust, `erlang/supervision.escript` of Erlang; here they are run in turns and their figures put beside each other.

pub(crate) mod probe;

use crate::machine;
use anyhow::{Context as _, ensure};
use labkeeper_tests::page;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use tokio::process::Command;

const ESCRIPT: &str = include_str!("../../erlang/supervision.escript");

/// Supervision beside a bare task and Erlang/OTP.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Supervision {
    /// Children of the one supervisor
    #[arg(long, default_value_t = 10_000)]
    children: usize,
    /// Crashes of each kind: out of the blue, and in a row
    #[arg(long, default_value_t = 300)]
    crashes: usize,
    /// How often each measurement is repeated, in turns
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Also write the report into its section of this page
    #[arg(long)]
    write: Option<PathBuf>,
}

/// One measurement, in a process of its own.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ProbeArguments {
    /// What to measure
    #[arg(long)]
    program: Program,
    /// Children of the one supervisor
    #[arg(long)]
    children: usize,
    /// Crashes of each kind
    #[arg(long)]
    crashes: usize,
}

/// A program of Rust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Program {
    /// Children of a supervisor
    Supervised,
    /// Tasks that a loop starts again
    Bare,
}

/// What has its turn in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Contestant {
    Rust(Program),
    Erlang,
}

const CONTESTANTS: [Contestant; 3] = [Contestant::Rust(Program::Supervised), Contestant::Erlang, Contestant::Rust(Program::Bare)];

/// What one process measured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Measured {
    /// Of each idle child.
    resident_bytes: u64,
    /// From crashes out of the blue to the first statement of the restarted child, ascending.
    rare_ns: Vec<u64>,
    /// As `rare_ns`, of crashes in a row.
    row_ns: Vec<u64>,
    /// Erlang/OTP's.
    release: u64,
}

/// Runs the comparison, prints the section, and writes it where it was asked for.
///
/// # Errors
/// When a program is missing or ends without its figures.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints a report, and its progress")]
pub(crate) async fn run(arguments: &Supervision) -> anyhow::Result<()> {
    ensure!(arguments.children > 0 && arguments.crashes > 0 && arguments.rounds > 0, "nothing is to be measured");
    let dir = tempfile::Builder::new().prefix("labkeeper-bench-").tempdir()?;
    let escript = dir.path().join("supervision.escript");
    std::fs::write(&escript, ESCRIPT)?;
    let load = machine::load_average();
    let mut results = CONTESTANTS.map(|_| Vec::new());
    for round in 0..arguments.rounds {
        for (contestant, results) in CONTESTANTS.iter().zip(&mut results) {
            let mut command = match contestant {
                Contestant::Rust(program) => rust(*program, arguments)?,
                Contestant::Erlang => erlang(&escript, arguments),
            };
            let output = command.output().await.with_context(|| format!("running {contestant:?}"))?;
            ensure!(output.status.success(), "{contestant:?}: {}", String::from_utf8_lossy(&output.stderr));
            let measured = Measured::parse(&String::from_utf8(output.stdout)?)?;
            let (rare, row) = (quantile_us(&measured.rare_ns, 500), quantile_us(&measured.row_ns, 500));
            eprintln!("round {}: {contestant:?} {} B, {rare:.1} us, in a row {row:.1} us", round + 1, measured.resident_bytes);
            results.push(measured);
        }
    }
    let [supervised, erlang, bare] = results;
    let section = section(arguments, &load, &supervised, &erlang, &bare);
    println!("{section}");
    if let Some(path) = &arguments.write {
        page::write_section(path, "supervision", &section)?;
    }
    Ok(())
}

fn rust(program: Program, arguments: &Supervision) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    let name = match program {
        Program::Supervised => "supervised",
        Program::Bare => "bare",
    };
    let Supervision { children, crashes, .. } = arguments;
    command.args(["supervision-probe", "--program", name]);
    command.args(["--children".to_owned(), children.to_string(), "--crashes".to_owned(), crashes.to_string()]);
    Ok(command)
}

fn erlang(escript: &Path, arguments: &Supervision) -> Command {
    let mut command = Command::new("escript");
    command.arg(escript).args([arguments.children.to_string(), arguments.crashes.to_string()]);
    command
}

impl Measured {
    /// From lines of a word and numbers.
    fn parse(output: &str) -> anyhow::Result<Self> {
        let mut measured = Self::default();
        for line in output.lines() {
            let mut words = line.split_whitespace();
            let word = words.next().unwrap_or_default();
            let mut numbers: Vec<u64> =
                words.map(str::parse).collect::<Result<_, _>>().with_context(|| format!("{word} has no numbers"))?;
            numbers.sort_unstable();
            let first = numbers.first().copied().unwrap_or_default();
            match word {
                "resident_bytes" => measured.resident_bytes = first,
                "release" => measured.release = first,
                "rare_ns" => measured.rare_ns = numbers,
                "row_ns" => measured.row_ns = numbers,
                _ => {}
            }
        }
        let complete = measured.resident_bytes > 0 && !measured.rare_ns.is_empty() && !measured.row_ns.is_empty();
        ensure!(complete, "figures are missing in {output:?}");
        Ok(measured)
    }
}

/// So many thousandths of the times are not above it, in microseconds.
fn quantile_us(ascending_ns: &[u64], per_mille: usize) -> f64 {
    ascending_ns.get(ascending_ns.len() * per_mille / 1_000).map_or(f64::NAN, |time| *time as f64 / 1e3)
}

fn section(arguments: &Supervision, load: &str, supervised: &[Measured], erlang: &[Measured], bare: &[Measured]) -> String {
    let release = erlang.first().map_or(0, |measured| measured.release);
    let mut section = String::from(TEXT);
    let _ = write!(
        section,
        "\n- Machine: {}; its load average when this began was {load}.\n- Labkeeper {}, Erlang/OTP {release} (Debian's erlang-base); {} children of one supervisor, {} crashes of each kind spread over them.\n\
         - {} rounds, in each of which every program has its turn, in a process of its own. Medians over the rounds; in brackets the least and the most.\n\n{TABLE}",
        machine::describe(),
        env!("CARGO_PKG_VERSION"),
        arguments.children,
        arguments.crashes,
        arguments.rounds
    );
    for (name, rounds) in [("Labkeeper's supervisor", supervised), ("Erlang/OTP's supervisor", erlang), ("a bare tokio task", bare)] {
        let _ = writeln!(section, "| {name} | {} |", figures(rounds));
    }
    let ratio = |figure: fn(&Measured) -> f64| spread(supervised.iter().zip(erlang).map(|(ours, theirs)| figure(ours) / figure(theirs)), 2);
    let memory = ratio(|measured| measured.resident_bytes as f64);
    let (rare, row) = (ratio(|measured| quantile_us(&measured.rare_ns, 500)), ratio(|measured| quantile_us(&measured.row_ns, 500)));
    let _ = writeln!(
        section,
        "\nLabkeeper's figures divided by Erlang's, round by round: memory {memory}, out of the blue {rare}, in a row {row}."
    );
    section
}

fn figures(rounds: &[Measured]) -> String {
    let memory = spread(rounds.iter().map(|measured| measured.resident_bytes as f64), 0);
    let time = |times: fn(&Measured) -> &[u64], per_mille| spread(rounds.iter().map(|measured| quantile_us(times(measured), per_mille)), 0);
    let rare = |per_mille| time(|measured| &measured.rare_ns, per_mille);
    let row = |per_mille| time(|measured| &measured.row_ns, per_mille);
    format!("{memory} | {} | {} | {} | {}", rare(500), rare(990), row(500), row(990))
}

/// The median with the least and the most.
fn spread(values: impl Iterator<Item = f64>, decimals: usize) -> String {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    let (median, least, most) = (at(values.len() / 2), at(0), at(values.len().saturating_sub(1)));
    format!("{median:.decimals$} ({least:.decimals$} to {most:.decimals$})")
}

const TEXT: &str = "\
## A supervised child, beside Erlang/OTP

What a child costs while it waits for a message: how much the process's resident memory has grown, divided by the children.
And how soon it runs again after a crash, from its last statement, a panic or an error, to the first of its next incarnation: after
crashes out of the blue, 10 ms apart, which find threads asleep and caches cold, and after crashes in a row.

Each child has a bounded mailbox of 8 messages in Rust; in Erlang it is a `gen_server` under a `simple_one_for_one` supervisor,
whose mailbox has no bound. Neither side logs. Labkeeper's supervisor takes a backtrace of each panic, as no other here does. The
bare task is what a supervisor could cost at best: a loop over a `JoinSet` starts it again, without limits, order or a tree to look at.
";

const TABLE: &str = "\
| | bytes per idle child | us to run again, out of the blue, p50 | p99 | in a row, p50 | p99 |
|---|--:|--:|--:|--:|--:|
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_from_lines_and_told_with_their_spread() {
        let measured = Measured::parse("release 25\nresident_bytes 2300\nrare_ns 3000 1000 2000\nother 1\nrow_ns 500\n").unwrap();
        assert_eq!(measured, Measured { resident_bytes: 2300, rare_ns: vec![1000, 2000, 3000], row_ns: vec![500], release: 25 });
        let slower = Measured { rare_ns: vec![9000], row_ns: vec![2000], ..measured.clone() };
        let slowest = Measured { rare_ns: vec![30_000], resident_bytes: 2600, ..slower.clone() };
        let told = "2300 (2300 to 2600) | 9 (2 to 30) | 9 (3 to 30) | 2 (0 to 2) | 2 (0 to 2)";
        assert_eq!(figures(&[slowest, measured, slower]), told);
    }

    #[test]
    fn a_program_that_ends_without_figures_is_an_error() {
        assert!(Measured::parse("resident_bytes 2300\nrare_ns 1\n").is_err());
        assert!(Measured::parse("resident_bytes 2300\nrare_ns 1\nrow_ns 1 two\n").is_err());
    }
}
