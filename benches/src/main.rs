//! Labkeeper beside its peers, on this machine, on one disk, in one run, in turns.
//!
//! `labkeeper-bench setpoints` compares committed setpoints per second with etcd's puts. Figures are to be looked at; no
//! test asserts them. Run it by `make bench`, which builds everything optimised first.

mod etcd;
mod labkeeper;
mod load;
mod machine;
mod report;
mod setpoints;

use clap::Parser;
use std::path::PathBuf;
use std::time::Duration;

/// Labkeeper beside its peers
#[derive(Debug, Parser)]
#[command(name = "labkeeper-bench", version)]
enum Arguments {
    /// Committed setpoints per second, beside etcd
    Setpoints(Setpoints),
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
    /// Also write the report into this file
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
    let Arguments::Setpoints(arguments) = Arguments::parse();
    setpoints::run(&arguments).await
}
