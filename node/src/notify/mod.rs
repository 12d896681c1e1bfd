//! Telling people: what waits in the replicated outbox is sent by the leader, and by nobody else.
//!
//! ```text
//!   outbox (replicated) --due--> message --> webhook, mail --> Sent or Failed, into the log --> out of the outbox, or later again
//! ```
//!
//! A leader that dies between sending and saying so leaves the notice to its successor, which sends it again under the same key: at least
//! once, never lost. Two leaders at once, for the moment that a deposed one believes in itself, send twice under the same key as well. What
//! is sent, when, and how often it is tried is decided in the machine; here is only the sending.

mod login;
mod mail;
mod message;
mod webhook;

use crate::clock;
use labkeeper_machine::notices::Pending;
use labkeeper_machine::{Command, Machine, NoticeCommand};
use labkeeper_model::site::{MailSpec, RouteSpec};
use labkeeper_model::{Name, Timestamp};
use labkeeper_raft::{Cluster, Role};
use labkeeper_supervision::{ChildError, Context};
use message::Message;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};
use webhook::Webhooks;

/// How often the outbox is looked at without an entry: attempts are seconds apart.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Most notices of one route that are being sent at once. With a server that is silent, 1,000 notices at 30 s each pass eight at a time in
/// about an hour, the others at once; routes do not wait for each other.
const LANE_MAX: usize = 8;
/// How long saying what became of an attempt may take: several elections. A leader that cannot leaves it to its successor.
const SAYING_MAX: Duration = Duration::from_secs(5);
/// Pause before it is said again.
const RETRY_AFTER: Duration = Duration::from_millis(200);

/// What it needs from the node.
#[derive(Clone)]
pub struct NotifyContext {
    /// The replicated state.
    pub cluster: Cluster,
    /// This node, as it introduces itself to mail servers.
    pub name: Name,
    /// Where this node has the password for the mail server.
    pub mail_password_file: Option<PathBuf>,
}

/// One notice on its way.
struct Errand {
    number: u64,
    /// Counted from one.
    attempt: u32,
    route: Name,
    ways: RouteSpec,
    mail: Option<Box<MailSpec>>,
    message: Message,
}

/// Runs until it is told to end.
///
/// # Errors
/// None; a panic is its supervisor's to see.
pub async fn run(context: NotifyContext, actor: Context) -> Result<(), ChildError> {
    let webhooks = Arc::new(Webhooks::new());
    let mut applied = context.cluster.applied();
    let mut tasks = JoinSet::new();
    let mut under_way: BTreeMap<u64, Name> = BTreeMap::new();
    actor.ready();
    loop {
        actor.progress();
        // By its role, not by what a majority has confirmed: a leader that is cut off cannot say what it has sent, and that costs a message
        // twice; one that waits for confirmation costs time when people are to be told.
        if context.cluster.status().role == Role::Leader {
            for errand in context.cluster.read(|machine| due(machine, clock::now(), &under_way)) {
                under_way.insert(errand.number, errand.route.clone());
                tasks.spawn(deliver(context.clone(), Arc::clone(&webhooks), errand));
            }
        } else if !under_way.is_empty() {
            // The successor sends them.
            (tasks, under_way) = (JoinSet::new(), BTreeMap::new());
        }
        tokio::select! {
            biased;
            () = actor.cancelled() => return Ok(()),
            Some(done) = tasks.join_next() => match done {
                Ok(number) => drop(under_way.remove(&number)),
                // Its supervisor starts this anew, and what was under way is sent again.
                Err(error) => return Err(error.into()),
            },
            changed = applied.changed() => if changed.is_err() { return Ok(()) },
            () = sleep(LOOK_EVERY) => {}
        }
    }
}

/// What is to be sent by now and is not under way, oldest first, as far as its route has room.
fn due(machine: &Machine, now: Timestamp, under_way: &BTreeMap<u64, Name>) -> Vec<Errand> {
    let mut lanes: BTreeMap<&Name, usize> = BTreeMap::new();
    for route in under_way.values() {
        *lanes.entry(route).or_default() += 1;
    }
    let waiting = machine.notices().filter(|pending| pending.next <= now && !under_way.contains_key(&pending.number));
    let mut errands = Vec::new();
    for pending in waiting {
        let lane = lanes.entry(&pending.route).or_default();
        if *lane < LANE_MAX
            && let Some(errand) = errand(machine, pending)
        {
            *lane += 1;
            errands.push(errand);
        }
    }
    errands
}

fn errand(machine: &Machine, pending: &Pending) -> Option<Errand> {
    let site = machine.site();
    let guidance = machine.declared_alarm(&pending.alarm).map(|declared| &declared.spec.guidance);
    Some(Errand {
        number: pending.number,
        attempt: pending.attempts.saturating_add(1),
        route: pending.route.clone(),
        ways: site.routes.get(&pending.route)?.clone(),
        mail: site.mail.clone(),
        message: Message::new(&site.name, pending, guidance),
    })
}

/// Sends a notice every way that its route has, and says what became of it.
async fn deliver(context: NotifyContext, webhooks: Arc<Webhooks>, errand: Errand) -> u64 {
    let Errand { number, attempt, route, ways, mail, message } = errand;
    let posted = async {
        let Some(url) = &ways.webhook else { return Ok(()) };
        webhooks.post(url, &message).await.map_err(|why| format!("webhook: {why}"))
    };
    let mailed = async {
        let Some(server) = mail.as_ref().filter(|_| !ways.email.is_empty()) else { return Ok(()) };
        mail::send(server, &ways.email, &message, &context).await.map_err(|why| format!("mail: {why}"))
    };
    let (posted, mailed) = tokio::join!(posted, mailed);
    let failures: Vec<String> = [posted, mailed].into_iter().filter_map(Result::err).collect();
    let command = if failures.is_empty() {
        NoticeCommand::Sent { numbers: vec![number] }
    } else {
        let why = failures.join("; ");
        tracing::warn!(%route, key = message.key, attempt, why, "nobody was told");
        NoticeCommand::Failed { number, attempt, why }
    };
    say(&context.cluster, Command::Notice(command)).await;
    number
}

/// Brings an outcome into the log, and waits until this node has applied it, so that the notice is not found due once more.
async fn say(cluster: &Cluster, command: Command) {
    let until = Instant::now() + SAYING_MAX;
    while Instant::now() < until {
        match cluster.propose(command.clone(), until).await {
            Ok(proposed) => {
                let _ = timeout_at(until, cluster.applied().wait_for(|applied| *applied >= proposed.log_index)).await;
                return;
            }
            Err(error) => tracing::debug!(%error, "what became of a notice is said again"),
        }
        sleep(RETRY_AFTER).await;
    }
}
