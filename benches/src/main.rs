//! Labkeeper beside its peers, on this machine, on one disk, in one run, in turns.
//!
//! `labkeeper-bench setpoints` compares committed setpoints per second with etcd's puts, `labkeeper-bench failover` the time
//! that a dead leader costs, and a dead owner, `labkeeper-bench writes` one write with EPICS', `labkeeper-bench alarms` a burst of
//! alarms, `labkeeper-bench supervision` a supervised child with Erlang's. Figures are to be looked at; no test asserts them. Run them by
//! `make bench`, which builds everything optimised first.

mod alarms;
mod etcd;
mod failover;
mod labkeeper;
mod load;
mod machine;
mod report;
mod setpoints;
mod supervision;
mod writes;

use clap::Parser;
use std::path::PathBuf;
use std::time::Duration;

/// Labkeeper beside its peers
#[derive(Debug, Parser)]
#[command(name = "labkeeper-bench", version)]
enum Arguments {
    /// Committed setpoints per second, beside etcd
    Setpoints(Setpoints),
    /// How long a dead leader and a dead owner are felt, beside etcd
    Failover(Failover),
    /// How long one write takes until it stands in a register, beside EPICS and a bare Modbus write
    Writes(Writes),
    /// How long 10,000 alarms at once take to reach a subscriber
    Alarms(Alarms),
    /// What a supervised child costs, and how soon it runs after a crash, beside Erlang/OTP
    Supervision(supervision::Supervision),
    /// One measurement of `supervision`, which runs it
    #[command(hide = true)]
    SupervisionProbe(supervision::ProbeArguments),
}

/// How long a dead leader and a dead owner are felt, beside etcd.
#[derive(Clone, Debug, clap::Args)]
struct Failover {
    /// How many deaths of each kind, in turns
    #[arg(long, default_value_t = 30)]
    rounds: usize,
    /// Where the nodes keep their data
    #[arg(long, default_value = "target")]
    disk: PathBuf,
    /// Also write the report into its section of this page
    #[arg(long)]
    write: Option<PathBuf>,
}

/// How long one write takes, beside EPICS.
#[derive(Clone, Debug, clap::Args)]
struct Writes {
    /// How often each of them has its turn
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Writes in each turn
    #[arg(long, default_value_t = 400)]
    writes: usize,
    /// Where the nodes keep their data
    #[arg(long, default_value = "target")]
    disk: PathBuf,
    /// Also write the report into its section of this page
    #[arg(long)]
    write: Option<PathBuf>,
}

/// How long a burst of alarms takes.
#[derive(Clone, Debug, clap::Args)]
struct Alarms {
    /// How many bursts: with more than three at once, each of the alarms would be chattering
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=3))]
    rounds: u8,
    /// Where the nodes keep their data
    #[arg(long, default_value = "target")]
    disk: PathBuf,
    /// Also write the report into its section of this page
    #[arg(long)]
    write: Option<PathBuf>,
}

/// Committed setpoints per second, beside etcd.
#[derive(Clone, Debug, clap::Args)]
struct Setpoints {
    /// Numbers of clients that send at the same time
    #[arg(long, value_delimiter = ',', default_value = "1,16,64,256")]
    clients: Vec<usize>,
    /// How often each measurement is repeated, in turns
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Where the nodes keep their data: the disk that is measured
    #[arg(long, default_value = "target")]
    disk: PathBuf,
    /// Also write the report into its section of this page
    #[arg(long)]
    write: Option<PathBuf>,
}

impl Setpoints {
    fn duration(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse() {
        Arguments::Setpoints(arguments) => setpoints::run(&arguments).await,
        Arguments::Failover(arguments) => failover::run(&arguments).await,
        Arguments::Writes(arguments) => writes::run(&arguments).await,
        Arguments::Alarms(arguments) => alarms::run(&arguments).await,
        Arguments::Supervision(arguments) => supervision::run(&arguments).await,
        Arguments::SupervisionProbe(arguments) => supervision::probe::run(&arguments).await,
    }
}
