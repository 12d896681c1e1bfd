//! Why consensus on this node cannot go on. The first reason stays; the process says it and ends, and the next one reads what is
//! really on the disk.

use crate::error::is_disk_full;
use labkeeper_model::ErrorCode;
use std::{fmt, io};
use tokio::sync::watch;

/// Why consensus has stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its code: the disk is full, or something that should not be.
    pub code: ErrorCode,
    /// What happened.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

/// Keeps the first fault.
#[derive(Clone)]
pub(crate) struct Faults(watch::Sender<Option<Fault>>);

impl Default for Faults {
    fn default() -> Self {
        Self(watch::channel(None).0)
    }
}

impl Faults {
    pub(crate) fn report(&self, code: ErrorCode, message: impl Into<String>) {
        let message = message.into();
        self.0.send_if_modified(|fault| {
            let first = fault.is_none();
            if first {
                tracing::error!(%code, %message, "consensus on this node cannot go on");
                *fault = Some(Fault { code, message });
            }
            first
        });
    }

    pub(crate) fn report_io(&self, what: &str, error: &io::Error) {
        let code = if is_disk_full(error) { ErrorCode::DiskFull } else { ErrorCode::DataDirUnusable };
        self.report(code, format!("{what}: {error}"));
    }

    pub(crate) fn current(&self) -> Option<Fault> {
        self.0.borrow().clone()
    }

    /// Waits for the first fault.
    pub(crate) async fn first(&self) -> Fault {
        let mut changes = self.0.subscribe();
        loop {
            if let Some(fault) = changes.borrow_and_update().clone() {
                return fault;
            }
            if changes.changed().await.is_err() {
                // Nobody can report any more, and nobody has.
                std::future::pending::<()>().await;
            }
        }
    }
}
