//! The declaration of who is told about alarms, and how.

use super::Priority;
use crate::Name;

/// The mail server that takes the site's messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailSpec {
    /// `host:port`.
    pub server: String,
    /// The sender's address.
    pub from: String,
    /// Whether the connection is encrypted (STARTTLS).
    pub tls: bool,
    /// Who logs in there; nobody if `None`. The password is each node's own to know, and not declared.
    pub user: Option<String>,
}

/// One way to tell somebody, and what about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteSpec {
    /// A URL that takes a JSON message by POST.
    pub webhook: Option<String>,
    /// Addresses that get an e-mail.
    pub email: Vec<String>,
    /// The least urgent priority that is told.
    pub min_priority: Priority,
    /// Segments whose alarms are told; all if empty.
    pub segments: Vec<Name>,
    /// Hours of the day (UTC) in which it is used, as minutes since midnight, from and until; may pass midnight. `None`: always.
    pub hours: Option<(u16, u16)>,
}
