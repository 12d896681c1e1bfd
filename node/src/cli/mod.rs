//! The command line: one binary for nodes, operators and a demonstration on one machine.
//!
//! ```text
//! arguments ──► one file per command ──► client (any of several nodes, over gRPC) ──► output (lines, tables or JSON)
//!                       └──────────────── error: one line on stderr, exit code 1 or 2
//! ```
//!
//! Commands are thin: whatever is decided about devices, setpoints and members is decided by nodes. What they print with
//! `--json` has stable keys; a golden test beside each shape holds it.

mod alarms;
mod audit;
mod cancel;
mod client;
mod cluster;
mod commands;
mod confirm;
mod control;
mod demo;
mod drain;
mod error;
mod failure;
#[cfg(test)]
mod fake;
mod field;
mod gate;
mod get;
mod identity;
mod interlocks;
mod node;
mod notify;
mod outcome;
mod output;
mod parent;
mod ramp;
mod reading;
mod run;
mod screen;
mod select;
mod set;
mod sim;
mod sim_control;
mod site;
mod site_json;
mod site_lint;
mod site_sheet;
mod status;
mod tree;
mod value;
mod watch;
mod why;

use clap::{CommandFactory as _, FromArgMatches as _, Parser};
use error::CliError;
use std::process::ExitCode;

/// Supervisory control for laboratories that keeps going when a computer does not
#[derive(Debug, Parser)]
#[command(name = "labkeeper", version, max_term_width = 120)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Run a simulated lab and a cluster on this machine
    Demo(demo::DemoArgs),
    /// Run the simulated devices of a site file
    Sim(sim::SimArgs),
    /// Run a node
    Node(node::NodeArgs),
    /// Found, join, leave and look at a cluster
    #[command(subcommand)]
    Cluster(cluster::ClusterCommand),
    /// Check, plan, apply and show the site's declaration
    #[command(subcommand)]
    Site(site::SiteCommand),
    /// Stand before a device, and let only the newest owner through
    Gate(gate::GateArgs),
    Alarms(alarms::AlarmsArgs),
    Get(get::GetArgs),
    Watch(watch::WatchArgs),
    Set(set::SetArgs),
    Run(run::RunArgs),
    Cancel(cancel::CancelArgs),
    #[command(subcommand)]
    Ramp(ramp::RampCommand),
    Select(select::SelectArgs),
    Commands(commands::CommandsArgs),
    #[command(subcommand)]
    Control(control::ControlCommand),
    Interlocks(interlocks::InterlocksArgs),
    Why(why::WhyArgs),
    Notify(notify::NotifyArgs),
    /// See who did what, and that it is still what was written
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    Tree(tree::TreeArgs),
}

/// Runs the command line of this process and says how it ended: 0 done, 1 failed, 2 bad usage or a refused file.
#[must_use]
pub fn main() -> ExitCode {
    match parse(std::env::args_os()).and_then(|arguments| arguments.map_or(Ok(()), run)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let text = error.to_string();
            if !text.is_empty() {
                output::note(text);
            }
            error.exit_code()
        }
    }
}

/// Reads the arguments; `None` if they only asked for help, which has been printed.
fn parse(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Option<Arguments>, CliError> {
    let parsed = Arguments::command().try_get_matches_from(arguments).and_then(|matches| Arguments::from_arg_matches(&matches));
    match parsed {
        Ok(arguments) => Ok(Some(arguments)),
        Err(help) if !help.use_stderr() => help.print().map(|()| None).map_err(|_| CliError::output_closed()),
        Err(error) => Err(error.into()),
    }
}

fn run(arguments: Arguments) -> Result<(), CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::internal(format!("starting threads: {error}")))?;
    // On this thread, which lives as long as the process: children of `demo` are bound to the thread that starts them.
    runtime.block_on(async {
        match arguments.command {
            Command::Demo(args) => demo::run(args).await,
            Command::Sim(args) => sim::run(args).await,
            Command::Node(args) => node::run(args).await,
            Command::Cluster(command) => cluster::run(command).await,
            Command::Site(command) => site::run(command).await,
            Command::Gate(args) => gate::run(args).await,
            Command::Alarms(args) => alarms::run(args).await,
            Command::Get(args) => get::run(args).await,
            Command::Watch(args) => watch::run(args).await,
            Command::Set(args) => set::run(args).await,
            Command::Run(args) => run::run(args).await,
            Command::Cancel(args) => cancel::run(args).await,
            Command::Ramp(command) => ramp::run(command).await,
            Command::Select(args) => select::run(args).await,
            Command::Commands(args) => commands::run(args).await,
            Command::Control(command) => control::run(command).await,
            Command::Interlocks(args) => interlocks::run(args).await,
            Command::Why(args) => why::run(args).await,
            Command::Notify(args) => notify::run(args).await,
            Command::Audit(command) => audit::run(command).await,
            Command::Tree(args) => tree::run(args).await,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Option<Arguments>, CliError> {
        parse(line.split_whitespace().map(Into::into))
    }

    #[test]
    fn the_definition_of_the_arguments_is_sound() {
        Arguments::command().debug_assert();
    }

    /// What README and operations.md show, and more.
    const SHOWN: &[&str] = &[
        "labkeeper demo --nodes 3 --dir d --base-port 7600",
        "labkeeper sim --site site.toml",
        "labkeeper node --config node.toml",
        "labkeeper gate --listen 0.0.0.0:7502 --device 10.1.0.40:502 --state gate.state --json",
        "labkeeper cluster init --endpoint a:1",
        "labkeeper cluster join --endpoint b:1 --to a:1",
        "labkeeper cluster leave lab-b --endpoint a:1,b:1",
        "labkeeper cluster status --json --why",
        "labkeeper cluster transfer lab-b",
        "labkeeper cluster drain lab-b --reason upgrade --timeout 30s",
        "labkeeper cluster undrain lab-b",
        "labkeeper cluster confirm cryo/a/t --reason seen",
        "labkeeper tree",
        "labkeeper tree lab-b --follow --json",
        "labkeeper tree restart lab-b/segments/cryo --reason stuck",
        "labkeeper tree quarantine lab-b/segments/cryo --endpoint a:1",
        "labkeeper tree release lab-b/segments/cryo --json",
        "labkeeper site check site.toml --json",
        "labkeeper site lint site.toml --json",
        "labkeeper site plan site.toml",
        "labkeeper site apply site.toml --yes --reason why",
        "labkeeper site show",
        "labkeeper get cryo/a/t cryo/*/t --json",
        "labkeeper watch cryo/*/temperature",
        "labkeeper set cryo/a/t -12.5 --reason why --wait verified --timeout 5s --id 018f3e1c-7a2b-7c3d-8e4f-0123456789ab",
        "labkeeper set cryo/a/t nan --expect-revision 3 --as ann --endpoint a:1",
        "labkeeper set cryo/a/t 25 --ramp 0.5",
        "labkeeper ramp hold cryo/a/t --reason look",
        "labkeeper ramp resume cryo/a/t",
        "labkeeper ramp stop cryo/a/t --as ann --json",
        "labkeeper select cryo/a/t -2 --as ann --json",
        "labkeeper select cryo/a/start",
        "labkeeper select cryo/a/t --drop 018f3e1c-7a2b-7c3d-8e4f-0123456789ab",
        "labkeeper set cryo/a/t 25 --select --yes",
        "labkeeper run cryo/a/start --select",
        "labkeeper run cryo/a/start",
        "labkeeper run cryo/a/start -3 --reason why --wait verified --id 018f3e1c-7a2b-7c3d-8e4f-0123456789ab --as ann",
        "labkeeper cancel 018f3e1c-7a2b-7c3d-8e4f-0123456789ab --reason changed --json",
        "labkeeper commands --limit 5",
        "labkeeper alarms --all",
        "labkeeper alarms ls --json",
        "labkeeper alarms watch --count 3",
        "labkeeper alarms show cryo/a/t/high",
        "labkeeper alarms ack cryo/a/t/high#3 --comment seen --as ann",
        "labkeeper alarms shelve cryo/a/t/high --for 2h --reason calibration",
        "labkeeper alarms shelve cryo/a/t/high --once --reason calibration",
        "labkeeper alarms unshelve cryo/a/t/high",
        "labkeeper alarms oos cryo/a/t/high --reason repair",
        "labkeeper alarms rts cryo/a/t/high --reason repaired",
        "labkeeper alarms reset cryo/a/t/high",
        "labkeeper alarms comment cryo/a/t/high --reason drifting",
        "labkeeper alarms journal cryo/a/t/high --limit 5 --json",
        "labkeeper control ls --json",
        "labkeeper control take segment/cryo --reason cooldown --for 30s --keep --as ann",
        "labkeeper control give device/chiller-1",
        "labkeeper control ask group/cryostat --reason mine",
        "labkeeper control break device/chiller-1 --reason smoke",
        "labkeeper interlocks",
        "labkeeper interlocks ls --json",
        "labkeeper interlocks reset quench --reason looked --as ann",
        "labkeeper interlocks defeat quench --for 2h --reason test",
        "labkeeper interlocks restore quench",
        "labkeeper why cryo/a/t --as ann --json",
        "labkeeper notify",
        "labkeeper notify ls --json",
        "labkeeper notify test oncall --reason commissioning --as ann",
        "labkeeper audit ls --limit 5 --json",
        "labkeeper audit verify",
        "labkeeper audit verify audit.jsonl --json",
        "labkeeper audit export --format csv --endpoint a:1",
    ];

    #[test]
    fn what_the_documentation_shows_is_understood() {
        for line in SHOWN {
            assert!(matches!(parsed(line), Ok(Some(_))), "{line}: {:?}", parsed(line).err());
        }
    }

    #[test]
    fn bad_usage_is_one_line() {
        let error = parsed("labkeeper set cryo/a/t 5 --wait soon").expect_err("a refusal").to_string();
        assert!(error.starts_with("LAB5001 bad_request: invalid value 'soon' for '--wait <WAIT>'"), "{error}");
        assert!(error.contains("possible values: committed, written, verified") && !error.contains('\n'), "{error}");
        let unknown = parsed("labkeeper drain lab-a").expect_err("a refusal").to_string();
        assert!(unknown.contains("unrecognized subcommand 'drain'") && !unknown.contains('\n'), "{unknown}");
    }
}
