//! A node's proposals: each is proposed once and has an answer or none; what must arrive is proposed again until it has one.

use super::{Node, State};
use crate::env::Env;
use crate::event::{ClientEvent, Event, NodeEvent, Outcome, Proposal};
use labkeeper_machine::{Command, Rejection, Reply};
use labkeeper_model::{Epoch, ErrorCode};
use labkeeper_ownership::Moment;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How long a node waits for an answer: longer than any election.
const ATTEMPT: Duration = Duration::from_secs(1);
/// Pause before another is asked who leads.
const ASK_AGAIN: Duration = Duration::from_millis(30);

/// What a proposal is for.
#[derive(Clone, Debug)]
pub(crate) enum Wish {
    /// To open a session; proposed at this moment.
    Open(Moment),
    /// To renew it.
    Renew(u64),
    /// To let go of a segment.
    Release(usize, Epoch),
    /// To end the session.
    End,
    /// To deliver the first of the outbox.
    Post,
    /// To do what a client's attempt asks for.
    Client(usize, u64),
    /// Whatever comes of it is seen in the state.
    Other,
}

/// Proposals under way, and reports that wait for their turn.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    wishes: BTreeMap<u64, (Wish, Proposal)>,
    /// In order; the first is under way if `is_busy`.
    letters: VecDeque<Command>,
    is_busy: bool,
}

impl Node {
    /// Proposes something.
    pub(crate) fn propose(&mut self, env: &mut Env, wish: Wish, command: Command) {
        let ticket = env.ticket();
        let proposal = Proposal { from: self.at, life: self.life, ticket, sent: env.now, command };
        self.process.outbox.wishes.insert(ticket, (wish, proposal.clone()));
        env.after(ATTEMPT, Event::Node(self.at, self.life, NodeEvent::GiveUp(ticket)));
        env.after(Duration::ZERO, Event::Propose(proposal));
    }

    /// Reports something until it is in the log, after what was reported before.
    pub(crate) fn post(&mut self, command: Command) {
        let Outbox { letters, is_busy, .. } = &mut self.process.outbox;
        let first_open = usize::from(*is_busy);
        if let Command::ReportCommands { reports, .. } = &command
            && letters.len() > first_open
            && let Some(Command::ReportCommands { reports: waiting, .. }) = letters.back_mut()
        {
            waiting.extend(reports.iter().cloned());
            return;
        }
        letters.push_back(command);
    }

    /// Sends the next report, if none is under way.
    pub(crate) fn flush(&mut self, env: &mut Env) {
        let outbox = &mut self.process.outbox;
        if outbox.is_busy {
            return;
        }
        if let Some(letter) = outbox.letters.front().cloned() {
            outbox.is_busy = true;
            self.propose(env, Wish::Post, letter);
        }
    }

    pub(crate) fn answered(&mut self, env: &mut Env, ticket: u64, outcome: Outcome) {
        match outcome {
            Outcome::NotLeader => {
                if let Some((_, proposal)) = self.process.outbox.wishes.get(&ticket) {
                    env.after(ASK_AGAIN, Event::Propose(proposal.clone()));
                }
            }
            Outcome::Applied(_, reply) => {
                if let Some((wish, _)) = self.process.outbox.wishes.remove(&ticket) {
                    self.fulfilled(env, wish, reply);
                }
            }
        }
    }

    fn fulfilled(&mut self, env: &mut Env, wish: Wish, reply: Result<Reply, Rejection>) {
        let now = self.boot(env);
        match (wish, reply) {
            (Wish::Open(sent), Ok(Reply::Session(session))) => {
                env.say(|| format!("n{} holds session {session}", self.at));
                let over = self.process.rights.handle_opened(session, sent, now);
                over.into_iter().for_each(|action| self.act(env, action));
                self.process.look.duties = true;
            }
            (Wish::Open(sent), _) => self.process.rights.handle_lost_answer(sent, now),
            (Wish::Renew(seq), Ok(_)) => self.process.rights.handle_renewed(seq, now),
            (Wish::Renew(seq), Err(refusal)) if refusal.code == ErrorCode::Fenced => self.process.rights.handle_fenced(seq, now),
            (Wish::Release(segment, epoch), _) => {
                self.process.released.insert((segment, epoch), false);
                self.process.look.duties = true;
            }
            (Wish::Post, _) => {
                self.process.outbox.letters.pop_front();
                self.process.outbox.is_busy = false;
            }
            (Wish::Client(client, attempt), reply) => {
                let after = env.dice.us(100, 3_000);
                env.after(after, Event::Client(client, ClientEvent::Answer(attempt, reply)));
            }
            (Wish::End, _) => self.end(env),
            (Wish::Renew(_) | Wish::Other, _) => {}
        }
    }

    /// No answer came: it may be committed all the same, now or later.
    pub(crate) fn give_up(&mut self, env: &mut Env, ticket: u64) {
        let Some((wish, _)) = self.process.outbox.wishes.remove(&ticket) else { return };
        let now = self.boot(env);
        match wish {
            Wish::Open(sent) => self.process.rights.handle_lost_answer(sent, now),
            Wish::Release(segment, epoch) => {
                self.process.released.insert((segment, epoch), false);
                self.process.look.duties = true;
            }
            Wish::Post => self.process.outbox.is_busy = false,
            Wish::End => self.end(env),
            Wish::Renew(_) | Wish::Client(..) | Wish::Other => {}
        }
    }

    fn end(&mut self, env: &mut Env) {
        env.say(|| format!("n{} has ended as planned", self.at));
        self.state = State::Dead;
    }
}
