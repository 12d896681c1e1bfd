//! A handle on one supervisor, by its path: children come and go with what a node owns.
//!
//! A handle holds no supervisor alive and survives its restart. A restarted supervisor begins with the children of its
//! specification; whoever started others compares the tree with what ought to run, and starts them again.

use crate::command::{Command, CommandError, Order};
use crate::spec::ChildSpec;
use crate::system::System;
use std::sync::Arc;
use tokio::sync::oneshot;

/// A handle on one supervisor. Cheap to clone.
#[derive(Clone)]
pub struct Children {
    system: System,
    path: Arc<str>,
}

impl Children {
    pub(crate) fn new(system: System, path: &str) -> Self {
        Self { system, path: path.into() }
    }

    /// The supervisor's path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Adds a child behind all others. Returns when it is in the tree and, unless it must wait for others, has been started.
    ///
    /// # Errors
    /// [`CommandError::Refused`], [`CommandError::AlreadyThere`], [`CommandError::NoSuchSupervisor`].
    pub async fn start_child(&self, spec: ChildSpec) -> Result<(), CommandError> {
        self.ask(Order::Start(spec)).await
    }

    /// Stops a child and takes it out of the tree; its siblings stay as they are. Returns when it has ended and everything of it
    /// has been dropped, at the latest its `shutdown` and a second later. A child that stops itself must not wait for the answer.
    ///
    /// # Errors
    /// [`CommandError::Stuck`], [`CommandError::NoSuchChild`], [`CommandError::NoSuchSupervisor`].
    pub async fn stop_child(&self, id: &str) -> Result<(), CommandError> {
        self.ask(Order::Stop(id.to_owned())).await
    }

    /// Restarts a child, and those that depend on it, without counting it, and forgives its failures; also one that is
    /// quarantined or has finished. Returns when it is on its way.
    ///
    /// # Errors
    /// [`CommandError::NoSuchChild`], [`CommandError::NoSuchSupervisor`].
    pub async fn restart_child(&self, id: &str) -> Result<(), CommandError> {
        self.ask(Order::Restart(id.to_owned())).await
    }

    /// Stops a child, and those that depend on it, until it is released or restarted. Returns when it has ended, as
    /// [`Self::stop_child`].
    ///
    /// # Errors
    /// [`CommandError::Stuck`], [`CommandError::NoSuchChild`], [`CommandError::NoSuchSupervisor`].
    pub async fn quarantine_child(&self, id: &str, reason: &str) -> Result<(), CommandError> {
        self.ask(Order::Quarantine(id.to_owned(), reason.into())).await
    }

    /// Starts a quarantined child, and those that depend on it, and forgives its failures. Returns when it is on its way.
    ///
    /// # Errors
    /// [`CommandError::NotQuarantined`], [`CommandError::NoSuchChild`], [`CommandError::NoSuchSupervisor`].
    pub async fn release_child(&self, id: &str) -> Result<(), CommandError> {
        self.ask(Order::Release(id.to_owned())).await
    }

    async fn ask(&self, order: Order) -> Result<(), CommandError> {
        let gone = || CommandError::NoSuchSupervisor(self.path.to_string());
        let commands = self.system.commands(&self.path).ok_or_else(gone)?;
        let (reply, answer) = oneshot::channel();
        commands.send(Command { order, reply }).await.map_err(|_| gone())?;
        // A supervisor that ends takes its commands with it.
        answer.await.map_err(|_| gone())?
    }
}
