//! The shell of a supervisor: spawns, cancels and aborts what the [`Group`] says, tells it what happened, and shows it.
//!
//! One task, and one queue of what children report. No step waits for a child, so a child that is slow to start or to stop holds
//! up neither a sibling's restart nor a command. It decides nothing.

use crate::cell::Cell;
use crate::command::{COMMANDS_MAX, Command, CommandError, Order, Reply};
use crate::context::{Context, Inner};
use crate::exit::{Exit, GaveUp, Reason};
use crate::group::{Act, Ending, Group, Key};
use crate::incarnation::{Incarnation, Live};
use crate::intensity::RestartWindow;
use crate::member::{Member, Phase, SharedSpec, Then};
use crate::now;
use crate::spec::{ChildError, ChildSpec, Role, Start, SupervisorSpec};
use crate::status::State;
use crate::system::System;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;

/// What a child reports. An incarnation reports at most once that it is ready and once that it has ended, and its successor is
/// started only after that was taken, so at most two wait for each child: the queue needs no other bound.
pub(crate) enum Event {
    Ready { key: Key, generation: u64 },
    Ended { key: Key, generation: u64, reason: Reason },
}

/// Runs a supervisor until it is told to stop or gives up; everything below it has ended then. Calls `ready` when its children from
/// the beginning have been started. Dropping the future takes everything below it along.
pub(crate) async fn supervise(
    spec: Arc<SupervisorSpec>,
    cell: Arc<Cell>,
    system: System,
    stop: CancellationToken,
    ready: impl FnOnce() + Send,
) -> Result<(), GaveUp> {
    let (events, mut reports) = mpsc::unbounded_channel();
    let (desk, mut commands) = mpsc::channel(COMMANDS_MAX);
    let mut supervisor = Supervisor::open(spec, cell, system, events, desk);
    let mut ready = Some(ready);
    let mut alarm = Alarm::new();
    let stopped = stop.cancelled();
    tokio::pin!(stopped);
    loop {
        supervisor.perform();
        if supervisor.group.is_settled()
            && let Some(ready) = ready.take()
        {
            ready();
        }
        if let Some(ending) = supervisor.group.ending() {
            return supervisor.outcome(ending);
        }
        tokio::select! {
            biased;
            () = &mut stopped, if !supervisor.group.is_ending() => supervisor.group.shutdown(now()),
            Some(event) = reports.recv() => supervisor.take(event),
            Some(command) = commands.recv() => supervisor.obey(command),
            () = alarm.ring(supervisor.group.next_tick()) => supervisor.tick(),
        }
    }
}

/// One timer for all deadlines of a supervisor. It is set only to ring earlier: when it rings for a deadline that has been
/// met, one look is wasted, but to set it for each start of a child would put a timer's bookkeeping into each restart.
struct Alarm {
    sleep: Pin<Box<Sleep>>,
    set: Option<Instant>,
}

impl Alarm {
    fn new() -> Self {
        Self { sleep: Box::pin(tokio::time::sleep(Duration::ZERO)), set: None }
    }

    /// Waits until `due`, or for a time before it; for ever without it.
    async fn ring(&mut self, due: Option<Instant>) {
        let Some(due) = due else { return std::future::pending().await };
        if self.set.is_none_or(|set| set > due) {
            self.sleep.as_mut().reset(due.into());
            self.set = Some(due);
        }
        self.sleep.as_mut().await;
        self.set = None;
    }
}

/// A child, as far as the shell knows it.
struct Child {
    cell: Arc<Cell>,
    live: Option<Live>,
}

struct Supervisor {
    spec: Arc<SupervisorSpec>,
    cell: Arc<Cell>,
    system: System,
    group: Group,
    children: BTreeMap<Key, Child>,
    keys: BTreeMap<Arc<str>, Key>,
    /// Who waits for the end of a child. As many as wait for an answer; the queue of commands bounds what comes in at a time.
    waiting: BTreeMap<Key, Vec<Reply>>,
    events: mpsc::UnboundedSender<Event>,
}

impl Drop for Supervisor {
    /// Nothing below it is shown any more. Commands fail by themselves, as their queue goes with the task.
    fn drop(&mut self) {
        if let Some(desk) = self.cell.desk() {
            let children = std::mem::take(&mut *desk.children.lock());
            // The cells may be the last owners of gauges, which are code of the children's: not under the lock.
            drop(children);
        }
    }
}

impl Supervisor {
    fn open(
        spec: Arc<SupervisorSpec>,
        cell: Arc<Cell>,
        system: System,
        events: mpsc::UnboundedSender<Event>,
        desk: mpsc::Sender<Command>,
    ) -> Self {
        let group = Group::new(&spec, now());
        let cells: Vec<_> = spec.children.iter().map(|child| Arc::new(Cell::child(child, &cell, now()))).collect();
        // Maps that are collected are packed, unlike those that have grown: a third less for ten thousand children.
        let children = cells.iter().map(|cell| Child { cell: Arc::clone(cell), live: None }).zip(0..).map(swap).collect();
        let keys = spec.children.iter().map(|child| Arc::clone(&child.id)).zip(0..).collect();
        if let Some(open) = cell.desk() {
            *open.children.lock() = cells.into_iter().zip(0..).map(swap).collect();
            *open.window.lock() = RestartWindow::default();
            *open.commands.lock() = Some(desk);
        }
        Self { spec, cell, system, group, children, keys, waiting: BTreeMap::new(), events }
    }

    /// A child that comes later.
    fn register(&mut self, spec: &ChildSpec, key: Key) {
        let cell = Arc::new(Cell::child(spec, &self.cell, now()));
        self.keys.insert(Arc::clone(&spec.id), key);
        if let Some(desk) = self.cell.desk() {
            desk.children.lock().insert(key, Arc::clone(&cell));
        }
        self.children.insert(key, Child { cell, live: None });
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Ready { key, generation } => self.group.ready(key, generation, now()),
            Event::Ended { key, generation, reason } => self.group.ended(key, generation, reason, now(), rand::random()),
        }
    }

    fn tick(&mut self) {
        let (children, epoch) = (&self.children, self.system.epoch());
        let progress = |key| children.get(&key)?.cell.progress().map(|at| epoch + Duration::from_nanos(at));
        self.group.tick(now(), progress);
    }

    fn outcome(&self, ending: &Ending) -> Result<(), GaveUp> {
        match ending.clone() {
            Ending::Told => Ok(()),
            Ending::GaveUp { child, reason, restarts } => {
                let gave_up = GaveUp { path: self.cell.path(), child, reason, restarts, period: self.spec.period };
                tracing::error!(actor = gave_up.path, "{gave_up}");
                Err(gave_up)
            }
        }
    }
}

fn swap<A, B>((a, b): (A, B)) -> (B, A) {
    (b, a)
}

/// Doing what the group says.
impl Supervisor {
    fn perform(&mut self) {
        let (mut changed, mut answers) = (false, Vec::new());
        while let Some(act) = self.group.next_act() {
            changed = true;
            self.act(act, &mut answers);
        }
        if changed {
            self.system.changed();
        }
        // Answers come after everything is shown, so whoever gets one sees a tree that fits it.
        for (reply, answer) in answers {
            let _ = reply.send(answer);
        }
    }

    fn act(&mut self, act: Act, answers: &mut Vec<(Reply, Result<(), CommandError>)>) {
        match act {
            Act::Spawn(key) => self.spawn(key),
            Act::Cancel(key) => self.live(key, |live| live.token.cancel()),
            Act::Abort(key) => self.live(key, |live| live.abort.abort()),
            Act::Show(key) => self.show(key),
            Act::Counted(key) => self.counted(key),
            Act::Ended(key, generation, reason) => {
                self.ended(key, generation, reason);
                answers.extend(self.waiters(key).map(|reply| (reply, Ok(()))));
            }
            Act::Stuck(key) => {
                let path = self.children.get(&key).map(|child| child.cell.path()).unwrap_or_default();
                tracing::error!(actor = path, "was aborted and does not end: it blocks its thread");
                answers.extend(self.waiters(key).map(|reply| (reply, Err(CommandError::Stuck(path.clone())))));
            }
            Act::Gone(key) => {
                self.forget(key);
                answers.extend(self.waiters(key).map(|reply| (reply, Ok(()))));
            }
        }
    }

    fn live(&self, key: Key, what: impl FnOnce(&Live)) {
        if let Some(live) = self.children.get(&key).and_then(|child| child.live.as_ref()) {
            what(live);
        }
    }

    fn waiters(&mut self, key: Key) -> std::vec::IntoIter<Reply> {
        self.waiting.remove(&key).unwrap_or_default().into_iter()
    }

    fn spawn(&mut self, key: Key) {
        let (Some(member), Some(child)) = (self.group.member(key), self.children.get_mut(&key)) else { return };
        child.cell.begin(member.generation, now());
        let token = CancellationToken::new();
        let (system, cell, events) = (self.system.clone(), Arc::clone(&child.cell), self.events.clone());
        let context = Context::new(Inner { system, cell, key, generation: member.generation, token: token.clone(), events });
        let start = match &member.spec.role {
            Role::Worker(start) => Arc::clone(start),
            Role::Supervisor(spec) => supervisor(Arc::clone(spec)),
        };
        let task = tokio::spawn(Incarnation::new(start, context));
        child.live = Some(Live { token, abort: task.abort_handle() });
    }

    fn show(&self, key: Key) {
        let (Some(state), Some(child)) = (self.group.state(key), self.children.get(&key)) else { return };
        if let State::Quarantined { reason } = &state {
            tracing::error!(actor = child.cell.path(), %reason, "quarantined");
        }
        child.cell.show(state, now());
    }

    fn counted(&self, key: Key) {
        let (Some(member), Some(child)) = (self.group.member(key), self.children.get(&key)) else { return };
        if child.cell.counts_alone() {
            child.cell.set_window(member.window.clone());
        } else {
            self.publish_window();
        }
    }

    fn publish_window(&self) {
        if let Some(desk) = self.cell.desk() {
            *desk.window.lock() = self.group.window().clone();
        }
    }

    fn ended(&mut self, key: Key, generation: u64, reason: Reason) {
        let Some(child) = self.children.get_mut(&key) else { return };
        child.live = None;
        if reason.is_abnormal() {
            let location = reason.location();
            tracing::warn!(actor = child.cell.path(), generation, location, "{reason}");
        } else {
            tracing::debug!(actor = child.cell.path(), generation, "{reason}");
        }
        child.cell.ended(Exit { at: now(), generation, reason });
    }

    fn forget(&mut self, key: Key) {
        let Some(child) = self.children.remove(&key) else { return };
        self.keys.remove(child.cell.id());
        if let Some(desk) = self.cell.desk() {
            desk.children.lock().remove(&key);
        }
    }
}

/// A supervisor's own task, as the child that it is.
fn supervisor(spec: Arc<SupervisorSpec>) -> Start {
    Arc::new(move |context: Context| {
        let (spec, cell) = (Arc::clone(&spec), Arc::clone(&context.inner().cell));
        let (system, stop) = (context.system().clone(), context.token().clone());
        Box::pin(async move { supervise(spec, cell, system, stop, move || context.ready()).await.map_err(ChildError::from) })
    })
}

/// Doing what people ask for.
impl Supervisor {
    fn obey(&mut self, command: Command) {
        let Command { order, reply } = command;
        let done = match order {
            _ if self.group.is_ending() => Err(CommandError::NoSuchSupervisor(self.cell.path())),
            Order::Start(spec) => self.start(spec),
            Order::Stop(id) => return self.stop(&id, reply),
            Order::Quarantine(id, reason) => return self.quarantine(&id, reason, reply),
            Order::Restart(id) => self.staying(&id).map(|key| self.group.restart(key, now())),
            Order::Release(id) => self.staying(&id).and_then(|key| self.release(key, &id)),
        };
        self.perform();
        let _ = reply.send(done);
    }

    fn start(&mut self, spec: ChildSpec) -> Result<(), CommandError> {
        self.spec.check_child(&spec).map_err(CommandError::Refused)?;
        if self.keys.contains_key(&spec.id) {
            return Err(CommandError::AlreadyThere(self.path_of(&spec.id)));
        }
        self.register(&spec, self.group.next_key());
        self.group.add(SharedSpec::Own(Arc::new(spec)), now());
        Ok(())
    }

    fn stop(&mut self, id: &str, reply: Reply) {
        let Some(key) = self.keys.get(id).copied() else {
            let _ = reply.send(Err(CommandError::NoSuchChild(self.path_of(id))));
            return;
        };
        self.waiting.entry(key).or_default().push(reply);
        self.group.stop(key, now());
    }

    fn quarantine(&mut self, id: &str, reason: Arc<str>, reply: Reply) {
        match self.staying(id) {
            Err(error) => drop(reply.send(Err(error))),
            Ok(key) => {
                let is_up = self.group.member(key).is_some_and(|member| member.phase.is_alive());
                self.group.quarantine(key, reason, now());
                if is_up {
                    self.waiting.entry(key).or_default().push(reply);
                } else {
                    self.perform();
                    let _ = reply.send(Ok(()));
                }
            }
        }
    }

    fn release(&mut self, key: Key, id: &str) -> Result<(), CommandError> {
        let held = |member: &Member| matches!(member.phase, Phase::Quarantined(_)) || matches!(member.then, Some(Then::Hold(_)));
        if !self.group.member(key).is_some_and(held) {
            return Err(CommandError::NotQuarantined(self.path_of(id)));
        }
        self.group.restart(key, now());
        Ok(())
    }

    /// A child that is not on its way out of the tree.
    fn staying(&self, id: &str) -> Result<Key, CommandError> {
        let key = self.keys.get(id).copied();
        let stays = |key: &Key| self.group.member(*key).is_some_and(|member| !matches!(member.then, Some(Then::Forget)));
        key.filter(stays).ok_or_else(|| CommandError::NoSuchChild(self.path_of(id)))
    }

    fn path_of(&self, id: &str) -> String {
        format!("{}/{id}", self.cell.path())
    }
}
