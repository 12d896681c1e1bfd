//! The people: clients that set setpoints through any node and ask again with the same id until they have an answer, and an operator who
//! confirms held tags and drains nodes.
//!
//! Each wish has a value of its own, so that a device's register says whose it is.

use crate::event::{ClientEvent, Event, NodeEvent};
use crate::fact::Fact;
use crate::world::World;
use labkeeper_machine::{Command, Rejection, Reply, SetpointRequest};
use labkeeper_model::{CommandId, Value};
use std::collections::BTreeSet;
use std::time::Duration;

/// How long a client waits before it asks again elsewhere.
const PATIENCE: Duration = Duration::from_millis(1_300);
/// How often it asks for the same; with its patience, as long as its deadline.
const TRIES_MAX: u32 = 8;
/// How far ahead it puts its deadline.
const DEADLINE: Duration = Duration::from_secs(10);
/// What nobody waits for an answer to.
const NOBODY: usize = usize::MAX;
/// So long before the end nothing is begun any more: a deadline's length and a reading's.
const QUIET: Duration = Duration::from_secs(13);

/// One client.
#[derive(Debug)]
pub(crate) struct Client {
    at: usize,
    wishes: u64,
    wish: Option<Wish>,
}

#[derive(Clone, Debug)]
struct Wish {
    request: SetpointRequest,
    attempt: u64,
    tries: u32,
}

/// What the operator wants to be so.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// Nodes that are drained.
    pub(crate) drained: BTreeSet<usize>,
    /// By how much the homes are moved on.
    pub(crate) shift: usize,
    /// The segment that the site does not have at present.
    pub(crate) without: Option<usize>,
}

impl Client {
    pub(crate) fn new(at: usize) -> Self {
        Self { at, wishes: 0, wish: None }
    }
}

impl World {
    pub(crate) fn client(&mut self, at: usize, event: ClientEvent) {
        if at == NOBODY {
            return;
        }
        let current = self.clients[at].wish.as_ref().map(|wish| wish.attempt);
        match event {
            ClientEvent::Want => self.want(at),
            ClientEvent::Answer(attempt, reply) if Some(attempt) == current => self.answered(at, reply),
            ClientEvent::GiveUp(attempt) if Some(attempt) == current => self.ask_again(at),
            // An answer to an attempt that was given up is an answer all the same.
            ClientEvent::Answer(_, Ok(reply)) => self.hear(&reply),
            ClientEvent::Answer(..) | ClientEvent::GiveUp(_) => {}
        }
    }

    fn want(&mut self, at: usize) {
        if self.env.now.after(QUIET) > self.env.setting.end {
            return;
        }
        let tag = self.env.dice.pick(&self.plant.tags).clone();
        let client = &mut self.clients[at];
        client.wishes += 1;
        let number = client.wishes * 10 + client.at as u64 + 1;
        // A client's clock is right here; a node's, by which the deadline is judged, need not be.
        let wall = crate::clock::Clock::new(0, 0).wall(self.env.now);
        let request = SetpointRequest {
            id: CommandId(u128::from(number).to_be_bytes()),
            tag,
            value: Value::U64(number),
            expected_revision: None,
            deadline: wall.saturating_add(DEADLINE),
            actor: format!("client-{at}"),
            reason: String::new(),
            ramp_per_s: None,
        };
        self.env.say(|| format!("client {at} wants {} = {number}", request.tag));
        client.wish = Some(Wish { request, attempt: 0, tries: 0 });
        self.ask(at);
    }

    fn ask(&mut self, at: usize) {
        let attempt = self.env.ticket();
        let Some(wish) = &mut self.clients[at].wish else { return };
        wish.attempt = attempt;
        wish.tries += 1;
        let command = Command::SubmitSetpoint(wish.request.clone());
        self.env.after(PATIENCE, Event::Client(at, ClientEvent::GiveUp(attempt)));
        self.submit(at, attempt, command);
    }

    /// Asks any node.
    fn submit(&mut self, client: usize, attempt: u64, command: Command) {
        let node = self.env.dice.below(self.nodes.len());
        let after = self.env.dice.us(100, 3_000);
        self.env.after(after, Event::Node(node, self.nodes[node].life, NodeEvent::Submit(client, attempt, command)));
    }

    fn ask_again(&mut self, at: usize) {
        if self.clients[at].wish.as_ref().is_some_and(|wish| wish.tries < TRIES_MAX) {
            self.ask(at);
        } else {
            self.next_wish(at);
        }
    }

    fn answered(&mut self, at: usize, reply: Result<Reply, Rejection>) {
        if let Ok(reply) = reply {
            self.hear(&reply);
        }
        self.next_wish(at);
    }

    fn hear(&mut self, reply: &Reply) {
        let Reply::Command(record) = reply else { return };
        if record.accepted.is_some() {
            self.env.counts.acknowledged += 1;
            self.env.facts.push(Fact::Acknowledged { id: record.id });
        }
    }

    fn next_wish(&mut self, at: usize) {
        self.clients[at].wish = None;
        let after = self.env.dice.ms(100, 900);
        self.env.after(after, Event::Client(at, ClientEvent::Want));
    }

    /// The operator looks around: confirms one tag that is held, and sees to it that nodes are drained and the site is declared as wanted.
    pub(crate) fn operator(&mut self) {
        self.env.after(Duration::from_secs(1), Event::Operator);
        let (agreed, wanted) = (self.log.agreed(), &self.wanted);
        let actor = || "olga".to_owned();
        let held = agreed.holds_waiting().next().map(|(tag, _)| tag.clone());
        let confirm = held.map(|tag| Command::ReleaseHold { tag, actor: actor(), reason: "looked at it".into() });
        let wrong = (0..self.nodes.len()).find(|at| agreed.draining(self.nodes[*at].id) != wanted.drained.contains(at));
        let drain = wrong.map(|at| {
            let (node, draining) = (self.nodes[at].id, wanted.drained.contains(&at));
            Command::SetDraining { node, draining, actor: actor(), reason: "maintenance".into() }
        });
        let site = self.plant.redeclared(wanted.shift, wanted.without);
        let declare = (site != **agreed.site()).then(|| {
            let expected_version = Some(agreed.site_version());
            Command::ApplySite { site, expected_version, actor: actor(), reason: "another lab".into() }
        });
        for command in [confirm, drain, declare].into_iter().flatten() {
            self.submit(NOBODY, 0, command);
        }
    }
}
