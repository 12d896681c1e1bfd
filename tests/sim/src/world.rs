//! The world: everything in it, and what happens when something is due.

use crate::client::{Client, Wanted};
use crate::clock::SimTime;
use crate::dice::Dice;
use crate::env::Env;
use crate::event::{Answer, Event, NodeEvent, Outcome, Proposal, Purpose, Request};
use crate::fact::{Fact, WriteRecord};
use crate::fault::Fault;
use crate::field::Field;
use crate::log::Log;
use crate::mutation::Mutation;
use crate::network::Network;
use crate::node::Node;
use crate::plant::Plant;
use crate::setting::Setting;
use crate::trace::Trace;
use labkeeper_machine::{Command, Reply};
use std::sync::Arc;
use std::time::Duration;

/// How often the network looks after itself.
const TICK: Duration = Duration::from_millis(50);
/// How many people and programs set setpoints.
const CLIENTS: usize = 2;

/// Everything.
#[derive(Debug)]
pub struct World {
    /// What all parts share.
    pub env: Env,
    /// The site.
    pub plant: Arc<Plant>,
    /// The nodes.
    pub nodes: Vec<Node>,
    /// The agreed log.
    pub log: Log,
    /// The wires between nodes.
    pub network: Network,
    /// The devices.
    pub field: Field,
    pub(crate) clients: Vec<Client>,
    /// What the operator wants to be so, and sees to until it is.
    pub(crate) wanted: Wanted,
    /// Since when the leader has no majority, and how long that is borne.
    leaderless: Option<(SimTime, Duration)>,
}

impl World {
    /// The world of a seed, before anything has happened.
    #[must_use]
    pub fn new(seed: u64, mutation: Option<Mutation>, trace: Trace) -> Self {
        let mut dice = Dice::new(seed);
        let setting = Setting::draw(seed, mutation, &mut dice);
        let plant = Arc::new(Plant::new(setting.nodes(), setting.failback));
        let mut env = Env::new(setting, dice, trace);
        let clocks = env.setting.clocks.clone();
        let mut nodes: Vec<Node> = clocks.into_iter().enumerate().map(|(at, clock)| Node::new(at, clock, &plant, &env)).collect();
        nodes.iter_mut().for_each(|node| node.settle(&mut env));
        env.after(Duration::ZERO, Event::Tick);
        let clients = (0..CLIENTS).map(Client::new).collect();
        (0..CLIENTS).for_each(|client| env.at(SimTime::ms(1_000), Event::Client(client, crate::event::ClientEvent::Want)));
        env.at(SimTime::ms(2_000), Event::Operator);
        env.at(SimTime::ms(3_000), Event::Fault(Fault::Strike));
        let calm_from = env.setting.calm_from;
        env.at(calm_from, Event::Fault(Fault::Calm));
        let (network, field) = (Network::new(nodes.len()), Field::new(&plant));
        let log = Log::new(plant.founded.clone());
        Self { env, nodes, log, network, field, clients, wanted: Wanted::default(), plant, leaderless: None }
    }

    /// Something is due.
    pub(crate) fn handle(&mut self, event: Event) {
        match event {
            Event::Node(at, life, event) => self.deliver(at, life, event),
            Event::Propose(proposal) => self.route(proposal),
            Event::Proposed(to, proposal) => self.proposed(to, proposal),
            Event::Commit(term) => self.commit(term),
            Event::Arrive(request) => self.arrive(request),
            Event::Tick => self.tick(),
            Event::Fault(fault) => self.fault(fault),
            Event::Client(client, event) => self.client(client, event),
            Event::Operator => self.operator(),
        }
    }

    fn deliver(&mut self, at: usize, life: u32, event: NodeEvent) {
        // What the leader applies next does not reach a node that it cannot talk to.
        if matches!(event, NodeEvent::Apply) && !self.hears_leader(at) {
            self.nodes[at].process.is_apply_due = false;
            return;
        }
        self.nodes[at].deliver(&mut self.env, &self.log, life, event);
    }

    /// Whether so many nodes hear this one, and are heard, that it can commit.
    #[must_use]
    pub fn has_majority(&self, at: usize) -> bool {
        let heard = (0..self.nodes.len()).filter(|other| self.nodes[*other].is_running() && self.network.linked(at, *other));
        self.nodes[at].is_running() && heard.count() * 2 > self.nodes.len()
    }

    fn hears_leader(&self, at: usize) -> bool {
        let (Some(leader), _) = self.log.leader() else { return at == 0 };
        self.nodes[leader].is_running() && self.network.passes(leader, at)
    }

    /// A node hands a proposal to whom it believes to lead.
    fn route(&mut self, proposal: Proposal) {
        let (from, is_calm) = (proposal.from, self.env.is_calm());
        let Some(to) = self.nodes[from].process.hint else { return self.turn_away(&proposal, Duration::from_millis(20)) };
        if let Some(after) = self.network.delay(from, to, is_calm, &mut self.env.dice) {
            self.env.after(after, Event::Proposed(to, proposal));
        }
    }

    fn proposed(&mut self, to: usize, proposal: Proposal) {
        if self.nodes[to].is_dead() || !self.network.passes(proposal.from, to) {
            return;
        }
        if self.nodes[to].is_frozen() {
            return self.env.after(TICK, Event::Proposed(to, proposal));
        }
        let (leader, term) = self.log.leader();
        if leader == Some(to) {
            let (now, is_calm) = (self.env.now, self.env.is_calm());
            let wall = self.nodes[to].clock.wall(now);
            if let Some(due) = self.log.append(proposal, wall, now, is_calm, &mut self.env.dice) {
                self.env.at(due, Event::Commit(term));
            }
            self.spread_log(to);
        } else if !self.nodes[to].process.leads
            && let Some(after) = self.network.delay(to, proposal.from, self.env.is_calm(), &mut self.env.dice)
        {
            self.turn_away(&proposal, after);
        }
    }

    /// What waits in the leader's log reaches everybody that the leader reaches.
    fn spread_log(&mut self, leader: usize) {
        let reached = (0..self.nodes.len()).filter(|to| self.nodes[*to].is_running() && self.network.passes(leader, *to));
        let reached = reached.fold(0, |bits, to| bits | 1 << to);
        self.log.spread(if self.nodes[leader].is_running() { reached } else { 0 });
    }

    fn turn_away(&mut self, proposal: &Proposal, after: Duration) {
        let answer = NodeEvent::Answer(proposal.ticket, Outcome::NotLeader);
        self.env.after(after, Event::Node(proposal.from, proposal.life, answer));
    }

    fn commit(&mut self, term: u64) {
        let (Some(leader), current) = self.log.leader() else { return };
        if term != current {
            return;
        }
        if !self.has_majority(leader) {
            return self.env.after(TICK, Event::Commit(term));
        }
        if let Some(due) = self.log.commit(self.env.now, &self.env.setting) {
            self.env.at(due, Event::Commit(term));
        }
        self.committed(leader);
    }

    /// Tells everybody whom it concerns.
    fn committed(&mut self, leader: usize) {
        let Some(entry) = self.log.newest() else { return };
        let env = &mut self.env;
        env.say(|| format!("commit {} {}", entry.stamp.index, brief(&entry.command)));
        env.counts.entries += 1;
        env.counts.expiries += u64::from(entry.applied.reply == Ok(Reply::Expired { ended: true }));
        env.facts.push(Fact::Committed);
        let (from, life) = (entry.from, entry.life);
        let answer = NodeEvent::Answer(entry.ticket, Outcome::Applied(entry.stamp.index, entry.applied.reply.clone()));
        if let Some(after) = self.network.delay(leader, from, env.is_calm(), &mut env.dice) {
            env.after(after, Event::Node(from, life, answer));
        }
        for at in 0..self.nodes.len() {
            let lag = if at == leader { self.env.dice.us(50, 2_000) } else { self.env.dice.us(300, 15_000) };
            self.spread(at, lag);
        }
    }

    /// Lets a node hear of what is committed, sooner or later.
    fn spread(&mut self, at: usize, lag: Duration) {
        let is_calm = self.env.is_calm();
        if self.nodes[at].process.is_apply_due || !self.nodes[at].is_running() || !self.hears_leader(at) {
            return;
        }
        let lag = if !is_calm && self.env.dice.permille(10) { self.env.dice.ms(50, 1_500) } else { lag };
        self.nodes[at].process.is_apply_due = true;
        self.env.after(lag, Event::Node(at, self.nodes[at].life, NodeEvent::Apply));
    }

    /// A request reaches the field, or does not; its answer comes back in time, or does not.
    fn arrive(&mut self, request: Request) {
        let (node, device, env) = (request.node, request.asking.device, &mut self.env);
        let back = |env: &mut Env, at: SimTime, request: Request, answer| {
            env.at(at, Event::Node(request.node, request.life, NodeEvent::Back(request, answer)));
        };
        let silence_at = request.sent.after(env.setting.t_io);
        if !self.field.reaches(node, device) || (!env.is_calm() && env.dice.permille(5)) {
            return back(env, silence_at, request, Answer::Silence);
        }
        let answer = self.field.execute(&request, env.now);
        note(env, &request, &answer);
        let at = env.now.after(env.dice.us(300, 10_000));
        if at > silence_at || (!env.is_calm() && env.dice.permille(10)) {
            back(env, silence_at, request, Answer::Silence);
        } else {
            back(env, at, request, answer);
        }
    }

    /// Elections, news of the leader, and replicas that have missed something.
    fn tick(&mut self) {
        self.env.after(TICK, Event::Tick);
        self.look_for_leader();
        let (Some(leader), term) = self.log.leader() else { return };
        self.spread_log(leader);
        for at in 0..self.nodes.len() {
            if self.nodes[at].process.term < term && self.nodes[at].is_running() && self.hears_leader(at) {
                let after = self.env.dice.us(100, 5_000);
                self.env.after(after, Event::Node(at, self.nodes[at].life, NodeEvent::Leader(leader, term)));
            }
            if self.nodes[at].replica.applied() < self.log.agreed().applied() {
                let lag = self.env.dice.us(300, 15_000);
                self.spread(at, lag);
            }
        }
    }

    fn look_for_leader(&mut self) {
        let (leader, _) = self.log.leader();
        if leader.is_some_and(|leader| self.has_majority(leader)) {
            self.leaderless = None;
            return;
        }
        let patience = self.env.dice.ms(200, 550);
        let (since, patience) = *self.leaderless.get_or_insert((self.env.now, patience));
        if self.env.now.since(since) >= patience {
            let fit: Vec<usize> = (0..self.nodes.len()).filter(|at| self.has_majority(*at)).collect();
            if !fit.is_empty() {
                let next = *self.env.dice.pick(&fit);
                self.elect(next);
            }
        }
    }

    /// Another leader.
    pub(crate) fn elect(&mut self, leader: usize) {
        self.log.elect(leader, &mut self.env.dice);
        self.leaderless = None;
        let (_, term) = self.log.leader();
        self.env.say(|| format!("n{leader} leads in term {term}"));
        self.env.counts.elections += 1;
        if let Some(due) = self.log.next_due(self.env.now) {
            self.env.at(due, Event::Commit(term));
        }
        let life = self.nodes[leader].life;
        self.deliver(leader, life, NodeEvent::Leader(leader, term));
        let lag = self.env.dice.ms(0, 50);
        self.spread(leader, lag);
    }
}

/// Tells the invariants what a request did.
fn note(env: &mut Env, request: &Request, answer: &Answer) {
    let (node, life, epoch, device) = (request.node, request.life, request.asking.epoch, request.asking.device);
    let command = match &request.asking.purpose {
        Purpose::FirstReading => return env.facts.push(Fact::Read { device, node, life, epoch }),
        Purpose::Claim if matches!(answer, Answer::Done) => return env.facts.push(Fact::Claimed { device, epoch }),
        Purpose::Connect | Purpose::Claim | Purpose::Poll | Purpose::Probe | Purpose::JobReading(..) => return,
        Purpose::JobWrite(id) => Some(*id),
        Purpose::Policy(..) | Purpose::GoSafe | Purpose::Beat => None,
    };
    if matches!(answer, Answer::Refused) {
        env.counts.refused += 1;
        return env.say(|| format!("d{device} refuses n{node} under epoch {epoch}"));
    }
    if request.write.is_some() {
        env.say(|| format!("d{device} takes {:?} from n{node} under epoch {epoch}", request.write));
    }
    env.counts.writes += 1;
    let value = request.write.as_ref().map(|write| write.1.clone());
    let Request { session, checked, wall, sent, .. } = *request;
    let effective = env.now;
    env.facts.push(Fact::Wrote(WriteRecord { device, node, life, session, epoch, checked, wall, sent, effective, command, value }));
}

/// A command in a few words.
fn brief(command: &Command) -> String {
    let text = format!("{command:?}");
    text.chars().take(600).collect()
}
