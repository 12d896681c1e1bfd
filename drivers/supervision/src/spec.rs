//! What a supervisor and its children are to do, as plain data. A supervisor is itself a child.
//!
//! Numbers to choose by: `intensity` is the burst that is let pass, `intensity / period` the sustained rate, and nested
//! supervisors multiply: a worker that always fails under three levels of 5 is started up to 6 * 6 * 6 times before the
//! process ends. [`SupervisorSpec::check`] refuses numbers that contradict each other.

use crate::backoff::Backoff;
use crate::context::Context;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// Why a child says that it failed. Text and sources are kept as its last exit.
pub type ChildError = Box<dyn std::error::Error + Send + Sync>;
/// The work of one incarnation of a child.
pub type ChildFuture = Pin<Box<dyn Future<Output = Result<(), ChildError>> + Send>>;
/// Makes an incarnation of a child. It is called on the child's own task, so it may panic like the child itself.
pub type Start = Arc<dyn Fn(Context) -> ChildFuture + Send + Sync>;

/// Whom the end of one child concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Nobody else: children are independent of each other.
    OneForOne,
    /// All: they hold state of each other.
    OneForAll,
    /// Those that were started after it: they build on it.
    RestForOne,
}

/// Whether a child that has ended is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// Always.
    Permanent,
    /// Only if it ended abnormally.
    Transient,
    /// Never, also not when its siblings are restarted. It leaves the tree when it ends.
    Temporary,
}

/// What happens to a child that fails more often than the supervisor's intensity allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnGiveUp {
    /// The supervisor gives up with it and fails to its own supervisor. Such children share one count of restarts: what is
    /// counted is whether this level can cure the fault.
    Escalate,
    /// Only the child is given up: it stays down until a person releases it. Such a child has a count of restarts of its
    /// own, so a neighbour's faults bring it no nearer to its limit.
    Quarantine,
}

/// What a child is.
#[derive(Clone)]
pub enum Role {
    /// A task of its own.
    Worker(Start),
    /// A supervisor with children of its own.
    Supervisor(Arc<SupervisorSpec>),
}

/// One child.
#[derive(Clone, Debug)]
pub struct ChildSpec {
    /// Its name, unique under its supervisor: not empty, and without `/`.
    pub id: Arc<str>,
    /// Whether it is started again.
    pub restart: Restart,
    /// How long it may take to end when asked to; then it is aborted. Zero aborts at once.
    pub shutdown: Duration,
    /// How long it may take from its start to [`Context::ready`]; then it is aborted, which counts as a failure.
    /// Connecting to a device is no part of it: a refused connection is a state of a running child.
    pub start_timeout: Duration,
    /// Pauses before restarts; without them it is started again at once.
    pub backoff: Option<Backoff>,
    /// A child whose last [`Context::progress`] is older is aborted and restarted, which counts as a failure.
    pub hang_after: Option<Duration>,
    /// What happens when it fails too often.
    pub on_give_up: OnGiveUp,
    /// What it is.
    pub role: Role,
}

impl ChildSpec {
    /// A worker: permanent, escalating, restarted without a pause; five seconds to end, which is what a flush of a disk or
    /// the last answer of a slow device takes, and ten to be ready.
    pub fn worker<F, W>(id: impl Into<Arc<str>>, start: F) -> Self
    where
        F: Fn(Context) -> W + Send + Sync + 'static,
        W: Future<Output = Result<(), ChildError>> + Send + 'static,
    {
        Self {
            id: id.into(),
            restart: Restart::Permanent,
            shutdown: Duration::from_secs(5),
            start_timeout: Duration::from_secs(10),
            backoff: None,
            hang_after: None,
            on_give_up: OnGiveUp::Escalate,
            role: Role::Worker(Arc::new(move |context| Box::pin(start(context)))),
        }
    }

    /// A supervisor as a child: permanent, escalating, without deadlines of its own, as each of its children has one and
    /// their sum is its own. It is ready when its children are.
    pub fn supervisor(id: impl Into<Arc<str>>, spec: SupervisorSpec) -> Self {
        Self {
            id: id.into(),
            restart: Restart::Permanent,
            shutdown: Duration::MAX,
            start_timeout: Duration::MAX,
            backoff: None,
            hang_after: None,
            on_give_up: OnGiveUp::Escalate,
            role: Role::Supervisor(Arc::new(spec)),
        }
    }
}

/// One supervisor.
#[derive(Clone, Debug)]
pub struct SupervisorSpec {
    /// Whom the end of one child concerns.
    pub strategy: Strategy,
    /// Most restarts within `period`; one more, and the child or the supervisor is given up.
    pub intensity: u32,
    /// The time over which restarts are counted.
    pub period: Duration,
    /// Children from the beginning, in the order in which they are started.
    pub children: Vec<ChildSpec>,
}

impl fmt::Debug for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Worker(_) => f.write_str("Worker"),
            Self::Supervisor(spec) => f.debug_tuple("Supervisor").field(spec).finish(),
        }
    }
}
