//! `labkeeper demo`: a simulated lab and a cluster of real nodes, all on this machine, in one command.
//!
//! ```text
//! look at DIR ──► ports free? ──► write files ──► start sim, nodes ──► init, join, apply ──► show ──► Ctrl-C: stop all
//!     └─ a demonstration is there: resume it, or start fresh
//! ```
//!
//! Every step looks first and does only what is missing, so a resumed demonstration takes the same way as a new one. What
//! runs are the same processes as in a real lab: this very program, as `sim` and as `node`.

mod children;
mod chronicle;
mod dir;
mod founding;
mod nemesis;
mod plan;
mod status;

use super::error::CliError;
use super::output::{Output, note};
use crate::config::SiteFile;
use children::Process;
use dir::{Content, Dir};
use labkeeper_model::ErrorCode;
use plan::Plan;
use std::io::{BufRead as _, IsTerminal as _};
use std::net::TcpListener;
use std::path::PathBuf;

/// Nodes of a new demonstration: the fewest of which one may fail.
const NODES_DEFAULT: u16 = 3;
/// Base port of a new demonstration: what the command line asks where it is told nothing.
const BASE_PORT_DEFAULT: u16 = 7600;

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub(super) struct DemoArgs {
    /// How many nodes [default: 3, or as many as there are in DIR]
    #[arg(long, value_name = "N")]
    nodes: Option<u16>,
    /// Where the nodes keep their data
    #[arg(long, value_name = "DIR", default_value = ".demo")]
    dir: PathBuf,
    /// The first of the ports that are used, up to 1,100 above it [default: 7600, or as in DIR]
    #[arg(long, value_name = "PORT")]
    base_port: Option<u16>,
    /// Throw away what an earlier demonstration left in DIR
    #[arg(long, conflicts_with = "resume")]
    fresh: bool,
    /// Go on with what an earlier demonstration left in DIR
    #[arg(long)]
    resume: bool,
    /// Kill or freeze a node every quarter of a minute, and bring it back; `n` turns it on and off
    #[arg(long)]
    nemesis: bool,
}

/// Runs the command until it is told to stop.
///
/// # Errors
/// The directory is not a demonstration's, a port is taken, or a process does not come up.
pub(super) async fn run(args: DemoArgs) -> Result<(), CliError> {
    let dir = Dir::new(&args.dir);
    let (plan, is_new) = choose(&args, dir.content()?)?;
    let devices = if is_new { devices(&plan.site_toml()?)? } else { devices_of(&dir)? };
    // Before anything is deleted: a demonstration that runs holds its ports.
    check_ports(&plan.addresses(&devices))?;
    if is_new {
        dir.wipe()?;
        dir.make(plan)?;
    }
    let mut lab = Lab::new(&dir, plan);
    let outcome = tokio::select! {
        ended = lab.live(args.nemesis) => ended,
        () = crate::start::told_to_stop() => Ok(()),
    };
    note("stopping");
    lab.stop().await;
    outcome
}

/// Which demonstration to run, and whether it is a new one.
fn choose(args: &DemoArgs, content: Content) -> Result<(Plan, bool), CliError> {
    let new = || Plan::new(args.nodes.unwrap_or(NODES_DEFAULT), args.base_port.unwrap_or(BASE_PORT_DEFAULT));
    let Content::Demo(there) = content else {
        return if args.resume { Err(nothing_to_resume(args)) } else { Ok((new()?, true)) };
    };
    let wants_fresh = args.fresh || (!args.resume && std::io::stdin().is_terminal() && asks_for_fresh(args, there)?);
    if wants_fresh {
        return Ok((new()?, true));
    }
    let differs = args.nodes.is_some_and(|nodes| nodes != there.nodes) || args.base_port.is_some_and(|port| port != there.base_port);
    if differs {
        let what = format!("{} has a demonstration with --nodes {} --base-port {}", args.dir.display(), there.nodes, there.base_port);
        return Err(CliError::usage(ErrorCode::BadRequest, what, "leave these options out, or give --fresh to start anew"));
    }
    Ok((there, false))
}

fn nothing_to_resume(args: &DemoArgs) -> CliError {
    let what = format!("{} has no demonstration to resume", args.dir.display());
    CliError::usage(ErrorCode::BadRequest, what, "leave out --resume")
}

/// Asks the person at the terminal what to do with an earlier demonstration.
fn asks_for_fresh(args: &DemoArgs, there: Plan) -> Result<bool, CliError> {
    let question = format!("{} has a demonstration with {} nodes. [R]esume it or start [f]resh? ", args.dir.display(), there.nodes);
    Output { json: false }.text(&question)?;
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.map_err(|error| CliError::internal(format!("standard input: {error}")))?;
    Ok(answer.trim().to_lowercase().starts_with('f'))
}

/// The addresses of a site's devices.
fn devices(site: &str) -> Result<Vec<String>, CliError> {
    let file = SiteFile::parse(site, "site.toml")?;
    Ok(file.site.devices.into_values().map(|device| device.address).collect())
}

fn devices_of(dir: &Dir) -> Result<Vec<String>, CliError> {
    let file = SiteFile::load(&dir.file("site.toml"))?;
    Ok(file.site.devices.into_values().map(|device| device.address).collect())
}

/// Refuses to start where somebody else listens, before anything is started.
fn check_ports(addresses: &[String]) -> Result<(), CliError> {
    addresses.iter().try_for_each(|address| match TcpListener::bind(address) {
        Ok(_) => Ok(()),
        Err(error) => {
            let remedy = "end the program that listens there, or choose other ports with --base-port";
            Err(CliError::failed_with(ErrorCode::PortUnavailable, format!("{address}: {error}"), remedy))
        }
    })
}

/// The running parts of a demonstration.
struct Lab {
    dir: Dir,
    plan: Plan,
    sim: Process,
    nodes: Vec<Process>,
}

impl Lab {
    fn new(dir: &Dir, plan: Plan) -> Self {
        let file = |name: &str| dir.file(name).display().to_string();
        let (site, control, writes) = (file("site.toml"), plan.control(), file("writes.jsonl"));
        let sim = Process::new(dir, "sim", &["sim", "--site", &site, "--control", &control, "--write-log", &writes]);
        let node = |name: &str| Process::new(dir, name, &["node", "--config", &file(&format!("{name}.toml"))]);
        let nodes = plan.nodes().iter().map(|planned| node(&planned.name)).collect();
        Self { dir: dir.clone(), plan, sim, nodes }
    }

    /// Starts everything, makes a cluster of it, and shows it for ever.
    async fn live(&mut self, with_nemesis: bool) -> Result<(), CliError> {
        self.sim.start()?;
        self.nodes.iter_mut().try_for_each(Process::start)?;
        founding::found(self).await?;
        status::show(self, with_nemesis).await
    }

    /// Nodes first: they close their devices while these still answer.
    async fn stop(&mut self) {
        children::stop(&mut self.nodes).await;
        children::stop(std::slice::from_mut(&mut self.sim)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(nodes: Option<u16>, fresh: bool, resume: bool) -> DemoArgs {
        DemoArgs { nodes, dir: "d".into(), base_port: None, fresh, resume, nemesis: false }
    }

    #[test]
    fn an_empty_directory_gets_a_new_demonstration() {
        let chosen = choose(&args(None, false, false), Content::Empty).expect("a choice");
        assert_eq!(chosen, (Plan { nodes: 3, base_port: 7600 }, true));
        assert!(choose(&args(None, false, true), Content::Empty).is_err(), "there is nothing to resume");
    }

    #[test]
    fn an_earlier_demonstration_is_resumed_as_it_was_or_thrown_away() {
        let there = Plan { nodes: 5, base_port: 9000 };
        assert_eq!(choose(&args(None, false, true), Content::Demo(there)).expect("a choice"), (there, false));
        assert!(choose(&args(None, true, false), Content::Demo(there)).expect("a choice").1, "a new one");
        let differs = choose(&args(Some(3), false, true), Content::Demo(there)).expect_err("a refusal").to_string();
        assert!(differs.contains("with --nodes 5 --base-port 9000"), "{differs}");
    }

    #[test]
    fn a_taken_port_is_named_with_the_way_out() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = taken.local_addr().expect("an address").to_string();
        let error = check_ports(std::slice::from_ref(&address)).expect_err("a refusal").to_string();
        assert!(error.starts_with(&format!("LAB1003 port_unavailable: {address}: ")) && error.contains("--base-port"), "{error}");
        drop(taken);
        assert!(check_ports(&[address]).is_ok());
    }
}
