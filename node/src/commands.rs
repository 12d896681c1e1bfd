//! Taking commands from clients: bring one into the replicated log, and wait for it as far as asked.

use crate::api::{request, wire};
use crate::clock;
use crate::error::ApiError;
use labkeeper_machine::OperateCommand;
use labkeeper_machine::command::Command;
use labkeeper_machine::reply::Reply;
use labkeeper_machine::state::CommandRecord;
use labkeeper_model::{ErrorCode, WaitLevel};
use labkeeper_proto::v1;
use labkeeper_raft::Cluster;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep, timeout_at};

/// Most commands that clients may have under way at one node: at 1 kB each 4 MB, and at 5,000 commits a second
/// less than a second's work. Beyond it a client learns at once.
const UNDER_WAY_MAX: usize = 4_096;
/// Pause before a command whose outcome is in doubt is proposed again: a tenth of an election.
const RETRY_AFTER: Duration = Duration::from_millis(50);
/// How long an entry may take to be committed: several elections.
const COMMIT_MAX: Duration = Duration::from_secs(5);

/// The service behind gRPC and HTTP.
#[derive(Clone)]
pub struct Commands {
    cluster: Cluster,
    permits: Arc<Semaphore>,
}

impl Commands {
    /// A service on top of the cluster.
    #[must_use]
    pub fn new(cluster: Cluster) -> Self {
        Self { cluster, permits: Arc::new(Semaphore::new(UNDER_WAY_MAX)) }
    }

    /// Sets a setpoint and waits as far as asked. A rejected command is an answer, not an error.
    ///
    /// # Errors
    /// The request is malformed, too many are under way, or no majority confirmed it in time.
    pub async fn set(&self, request: v1::SetSetpointRequest) -> Result<v1::Command, ApiError> {
        let _permit = self.permit()?;
        let wait = wire::wait_level(request.wait)?;
        let wait_until = request::wait_until(request.wait_ms_max)?;
        let setpoint = request::setpoint(request, clock::now())?;
        let record = self.commit(Command::SubmitSetpoint(setpoint)).await?;
        Ok(self.answer(&*self.wait_for(record, wait, wait_until).await))
    }

    /// Has an action carried out and waits as far as asked; a written one has ended where nothing verifies it. A rejected command is an
    /// answer, not an error.
    ///
    /// # Errors
    /// The request is malformed, too many are under way, or no majority confirmed it in time.
    pub async fn run(&self, request: v1::RunActionRequest) -> Result<v1::Command, ApiError> {
        let _permit = self.permit()?;
        let wait = wire::wait_level(request.wait)?;
        let wait_until = request::wait_until(request.wait_ms_max)?;
        let action = request::action(request, clock::now())?;
        let is_verified = self.cluster.read(|machine| machine.site().tag(&action.tag).is_some_and(|(_, spec)| spec.verify.is_some()));
        let wait = if is_verified { wait } else { wait.min(WaitLevel::Written) };
        let record = self.commit(Command::Operate(OperateCommand::SubmitAction(action))).await?;
        Ok(self.answer(&*self.wait_for(record, wait, wait_until).await))
    }

    /// Withdraws a command that nobody has begun.
    ///
    /// # Errors
    /// The id is malformed or not known, the command was begun or has ended, or no majority confirmed it in time.
    pub async fn cancel(&self, request: v1::CancelCommandRequest) -> Result<v1::Command, ApiError> {
        let _permit = self.permit()?;
        let (id, actor, reason) = (request::id(&request.id)?, request.actor, request.reason);
        let record = self.commit(Command::Operate(OperateCommand::Cancel { id, actor, reason })).await?;
        Ok(self.answer(&record))
    }

    fn permit(&self) -> Result<SemaphorePermit<'_>, ApiError> {
        let full = |_| ApiError::new(ErrorCode::Overloaded, format!("{UNDER_WAY_MAX} commands are under way at this node"));
        self.permits.try_acquire().map_err(full)
    }

    /// Brings a command into the log. An attempt whose outcome is in doubt, because the leader died over it, is repeated at the
    /// next leader: the id is remembered with the outcome, so the command is accepted once however often it is proposed.
    async fn commit(&self, command: Command) -> Result<Arc<CommandRecord>, ApiError> {
        let until = Instant::now() + COMMIT_MAX;
        loop {
            match self.cluster.propose(command.clone(), until).await {
                Ok(proposed) => match proposed.reply? {
                    Reply::Command(record) => return Ok(record),
                    _ => return Err(ApiError::new(ErrorCode::Internal, "the machine answered a command with something else")),
                },
                Err(error) if error.in_doubt() && Instant::now() + RETRY_AFTER < until => sleep(RETRY_AFTER).await,
                Err(error) => return Err(wire::propose_error(error)),
            }
        }
    }

    /// What became of a command, waiting as far as asked.
    ///
    /// # Errors
    /// The id is malformed or not known.
    pub async fn get(&self, request: v1::GetCommandRequest) -> Result<v1::Command, ApiError> {
        let id = request::id(&request.id)?;
        let wait = wire::wait_level(request.wait)?;
        let wait_until = if request.wait_ms_max == 0 { Instant::now() } else { request::wait_until(request.wait_ms_max)? };
        let find = || self.cluster.read(|machine| machine.command(&id).cloned());
        let mut record = find();
        if record.is_none() {
            // This node may lag behind the one that took the command.
            self.cluster
                .read_barrier(labkeeper_raft::ReadKind::ReadIndex, Instant::now() + COMMIT_MAX)
                .await
                .map_err(wire::propose_error)?;
            record = find();
        }
        let record = record.ok_or_else(|| ApiError::new(ErrorCode::UnknownCommand, format!("no command {id} is known")))?;
        Ok(self.answer(&*self.wait_for(record, wait, wait_until).await))
    }

    /// The latest commands, newest first.
    #[must_use]
    pub fn list(&self, limit: usize) -> Vec<v1::Command> {
        self.cluster.read(|machine| machine.recent_commands().take(limit).map(|record| wire::command(machine, record)).collect())
    }

    /// The command when it has reached the level, or as it stands when the time is up.
    async fn wait_for(&self, record: Arc<CommandRecord>, wait: WaitLevel, until: Instant) -> Arc<CommandRecord> {
        let id = record.id;
        let mut latest = record;
        let mut applied = self.cluster.applied();
        while !wait.is_reached_by(latest.state()) {
            if !matches!(timeout_at(until, applied.changed()).await, Ok(Ok(()))) {
                break;
            }
            if let Some(record) = self.cluster.read(|machine| machine.command(&id).cloned()) {
                latest = record;
            }
        }
        latest
    }

    fn answer(&self, record: &CommandRecord) -> v1::Command {
        self.cluster.read(|machine| wire::command(machine, record))
    }
}
