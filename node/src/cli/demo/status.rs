//! The demonstration as it lives: who leads, who owns what, what flows, what was commanded; and a line to type at.
//!
//! On a terminal the picture is redrawn in place above the line where one types; else there is one line every two
//! seconds. It ends only by an error: stopping is somebody else's decision.

use super::Lab;
use super::children::Process;
use super::chronicle::Chronicle;
use super::nemesis::{Deed, Nemesis};
use crate::cli::client::Client;
use crate::cli::commands;
use crate::cli::error::CliError;
use crate::cli::output::{Output, columns, note, row};
use crate::cli::{screen, status, value};
use crate::clock;
use labkeeper_proto::v1;
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

/// How often the picture is redrawn: twice a second is live for a person.
const DRAW_EVERY: Duration = Duration::from_millis(500);
/// How often a line is printed where nobody watches.
const PRINT_EVERY: Duration = Duration::from_secs(2);
/// How long the nodes may take to answer before the picture says so: two elections.
const ANSWER_MAX: Duration = Duration::from_secs(2);
/// Commands in the picture.
const COMMANDS_SHOWN: u32 = 5;
/// Lines typed and not yet carried out: a person types one at a time.
const TYPED_MAX: usize = 4;
/// What can be typed.
const HELP: &str = "kill lab-b, freeze lab-b, start lab-b, or n for the nemesis";

/// What the last look found.
#[derive(Debug, Default)]
struct Look {
    cluster: Option<v1::GetClusterStatusResponse>,
    commands: Vec<Vec<String>>,
    trouble: String,
}

/// Shows the lab until something fails.
pub(super) async fn show(lab: &mut Lab, with_nemesis: bool) -> Result<(), CliError> {
    let output = Output { json: false };
    let is_live = output.is_live() && std::io::stdin().is_terminal();
    let endpoints = lab.plan.nodes().into_iter().map(|node| node.grpc).collect();
    let client = Client::of(endpoints, ANSWER_MAX)?;
    let mut typed = typed_lines(is_live);
    let mut stage = Stage::new(is_live, output, rand::random());
    if with_nemesis {
        stage.toggle_nemesis(lab).await?;
    }
    let mut ticks = interval(if is_live { DRAW_EVERY } else { PRINT_EVERY });
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    if is_live {
        screen::clear(output)?;
    }
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            Some(line) = typed.recv() => stage.obey(lab, &line).await?,
        }
        let look = look(&client).await;
        stage.turn(lab, &look).await?;
        if is_live {
            screen::draw_above_prompt(output, &stage.picture(lab, &look))?;
        } else {
            output.line(line(&look))?;
        }
        if !lab.sim.is_running() {
            note(format!("the simulated devices are gone: {}; {}", lab.sim.state(), lab.sim.last_words()));
            lab.sim.start()?;
        }
    }
}

async fn look(client: &Client) -> Look {
    match status::fetch(client).await {
        Err(failure) => Look { trouble: failure.error.message, ..Look::default() },
        Ok(cluster) => {
            let commands = commands::fetch(client, COMMANDS_SHOWN).await.map(|commands| commands::rows(&commands));
            Look { cluster: Some(cluster), commands: commands.unwrap_or_default(), trouble: String::new() }
        }
    }
}

/// The lines that a person types. A thread reads them, which a blocked read then keeps until the program ends.
fn typed_lines(is_live: bool) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(TYPED_MAX);
    if is_live {
        std::thread::spawn(move || {
            for line in std::io::stdin().lines().map_while(Result::ok) {
                if sender.blocking_send(line).is_err() {
                    break;
                }
            }
        });
    }
    receiver
}

/// What is done to the lab, and the tale of it.
struct Stage {
    is_live: bool,
    output: Output,
    nemesis: Nemesis,
    chronicle: Chronicle,
}

impl Stage {
    fn new(is_live: bool, output: Output, seed: u64) -> Self {
        Self { is_live, output, nemesis: Nemesis::new(seed), chronicle: Chronicle::default() }
    }

    /// Keeps an event for the picture, or prints it where there is none.
    fn tell(&mut self, event: &str) -> Result<(), CliError> {
        let line = self.chronicle.add(clock::now(), event);
        if self.is_live { Ok(()) } else { self.output.line(line) }
    }

    /// Does what was typed, and says so.
    async fn obey(&mut self, lab: &mut Lab, line: &str) -> Result<(), CliError> {
        let mut words = line.split_whitespace();
        let (verb, name) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let node = lab.nodes.iter().position(|process| process.name == name);
        match (verb, node) {
            ("kill", Some(node)) => self.carry_out(lab, Deed::Kill(node)).await,
            ("freeze", Some(node)) => self.carry_out(lab, Deed::Freeze(node)).await,
            ("start", Some(node)) => self.carry_out(lab, Deed::Revive(node)).await,
            ("n", None) => self.toggle_nemesis(lab).await,
            ("", _) => Ok(()),
            _ => self.tell(&format!("{line:?}: type {HELP}")),
        }
    }

    async fn toggle_nemesis(&mut self, lab: &mut Lab) -> Result<(), CliError> {
        let deed = self.nemesis.toggle(Instant::now());
        self.tell(if self.nemesis.is_on() { "the nemesis is on" } else { "the nemesis is off" })?;
        match deed {
            Some(deed) => self.carry_out(lab, deed).await,
            None => Ok(()),
        }
    }

    /// Tells of takeovers that have ended, and lets the nemesis have its turn.
    async fn turn(&mut self, lab: &mut Lab, look: &Look) -> Result<(), CliError> {
        let Some(cluster) = &look.cluster else { return Ok(()) };
        for line in self.chronicle.look(clock::now(), &cluster.takeovers) {
            if !self.is_live {
                self.output.line(line)?;
            }
        }
        let answers = |name: &str| cluster.nodes.iter().any(|node| node.name == name && node.role() != v1::NodeRole::Unreachable);
        let up: Vec<bool> = lab.nodes.iter_mut().map(|process| process.is_up() && answers(&process.name)).collect();
        match self.nemesis.turn(Instant::now(), &up) {
            Some(deed) => self.carry_out(lab, deed).await,
            None => Ok(()),
        }
    }

    async fn carry_out(&mut self, lab: &mut Lab, deed: Deed) -> Result<(), CliError> {
        let (Deed::Kill(node) | Deed::Freeze(node) | Deed::Revive(node)) = deed;
        let Some(process) = lab.nodes.get_mut(node) else { return Ok(()) };
        let name = process.name.clone();
        let done = match deed {
            Deed::Kill(_) => {
                process.kill().await;
                "is killed, as by a power cut"
            }
            Deed::Freeze(_) => {
                process.freeze();
                "is frozen: it holds its connections and answers nobody"
            }
            Deed::Revive(_) => {
                process.start()?;
                "goes on"
            }
        };
        self.tell(&format!("{name} {done}"))
    }

    /// The picture, line by line.
    fn picture(&self, lab: &mut Lab, look: &Look) -> Vec<String> {
        let mut lines = vec![];
        match &look.cluster {
            None => lines.push(format!("no node answers: {}", look.trouble)),
            Some(cluster) => lines.extend(status::text(cluster).lines().map(str::to_owned)),
        }
        let mut processes = vec![row(["PROCESS", "STATE", "WEB"])];
        let webs: Vec<String> = lab.plan.nodes().into_iter().map(|node| format!("http://{}", node.http)).collect();
        processes.push(vec!["sim".to_owned(), lab.sim.state(), String::new()]);
        let nodes = lab.nodes.iter_mut().zip(webs);
        processes.extend(nodes.map(|(process, web): (&mut Process, String)| vec![process.name.clone(), process.state(), web]));
        lines.push(String::new());
        lines.extend(columns(&processes));
        if look.commands.len() > 1 {
            lines.push(String::new());
            lines.extend(columns(&look.commands));
        }
        lines.push(String::new());
        lines.extend(self.chronicle.lines().cloned());
        lines.push(format!("type: {HELP}; Ctrl-C ends"));
        lines
    }
}

/// The picture in one line.
fn line(look: &Look) -> String {
    let time = &value::time(clock::now())[..19];
    let Some(cluster) = &look.cluster else { return format!("{time} no node answers: {}", look.trouble) };
    let or_nobody = |name: &str| if name.is_empty() { "nobody".to_owned() } else { name.to_owned() };
    let owners: Vec<String> = cluster.segments.iter().map(|s| format!("{} {}", s.name, or_nobody(&s.owner))).collect();
    let rate: f64 = cluster.nodes.iter().map(|node| node.samples_per_s).sum();
    // The first row is the heads.
    let commands = look.commands.len().saturating_sub(1);
    let (leader, term, owners) = (or_nobody(&cluster.leader), cluster.term, owners.join(", "));
    format!("{time} leader {leader}, term {term}; {owners}; {rate:.0} samples/s; {commands} recent commands")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_who_leads_who_owns_and_how_much_flows() {
        let segment = |name: &str, owner: &str| v1::SegmentStatus { name: name.into(), owner: owner.into(), ..Default::default() };
        let node = |rate| v1::NodeStatus { samples_per_s: rate, ..Default::default() };
        let cluster = v1::GetClusterStatusResponse {
            leader: "lab-b".into(),
            term: 3,
            nodes: vec![node(40.4), node(20.2)],
            segments: vec![segment("cryo", "lab-a"), segment("vacuum", "")],
            ..Default::default()
        };
        let look = Look { cluster: Some(cluster), commands: vec![vec![], vec![]], trouble: String::new() };
        assert_eq!(&line(&look)[20..], "leader lab-b, term 3; cryo lab-a, vacuum nobody; 61 samples/s; 1 recent commands");
        let nobody = Look { trouble: "a:1: Connection refused".into(), ..Look::default() };
        assert!(line(&nobody).ends_with("no node answers: a:1: Connection refused"));
    }
}
