//! Plays one seed and prints everything that happened: `labkeeper-sim SEED [MUTATION]`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints")]

use labkeeper_sim::mutation::Mutation;
use labkeeper_sim::{Play, play};
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let seed = args.first().and_then(|seed| seed.parse().ok());
    let mutation = args.get(1).map(|name| Mutation::parse(name));
    let (Some(seed), true) = (seed, args.len() <= 2 && mutation != Some(None)) else {
        eprintln!("usage: labkeeper-sim SEED [MUTATION], with one of {:?}", Mutation::ALL);
        return ExitCode::from(2);
    };
    let outcome = play(seed, Play { mutation: mutation.flatten(), is_traced: true, ..Play::default() });
    outcome.trace.iter().for_each(|line| println!("{line}"));
    println!("{:?}", outcome.counts);
    if outcome.violation.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
