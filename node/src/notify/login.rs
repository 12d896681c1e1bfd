//! The login at the mail server. The site declares who; the password is in a file of this machine, and in no log, no state, no answer and no
//! `Debug`.
//!
//! The file is read anew for every mail, so that a password is changed without a restart. It knows nothing of SMTP but how a password is
//! written there.

use labkeeper_model::Name;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::commands::Auth;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// The key of node.toml that names the file.
const KEY: &str = "node.mail_password_file";
/// Longest password, in bytes: as base64, with a user, it is still far below the 12,288 of a line of AUTH (RFC 4954, 4.3).
const PASSWORD_LEN_MAX: u64 = 1_024;
/// Permissions of the group and of others.
const GROUP_AND_OTHERS: u32 = 0o077;
/// Permissions of others.
const OTHERS: u32 = 0o007;

/// A user and a password.
pub(super) struct Login {
    credentials: Credentials,
    /// The password, in every form in which it is sent.
    secrets: Vec<String>,
}

impl Login {
    /// The login of `user` with the password that the node `me` has in `file`.
    ///
    /// # Errors
    /// In words that name the node, the key and the remedy, when there is no file, or it cannot be used.
    pub(super) async fn read(user: &str, file: Option<&Path>, me: &Name) -> Result<Self, String> {
        let missing = |what: String| format!("{me} has no password for {user}: {what}");
        let Some(file) = file else {
            return Err(missing(format!("{KEY} is not in its node.toml; name a file there that holds the password, on every node")));
        };
        // A disk that hangs must not hold up whatever else the node does.
        let (path, handed_over) = (file.to_owned(), std::env::var_os("CREDENTIALS_DIRECTORY"));
        let read = tokio::task::spawn_blocking(move || password(&path, handed_over.as_deref().map(Path::new))).await;
        let password =
            read.unwrap_or_else(|error| Err(error.to_string())).map_err(|why| missing(format!("{KEY}: {}: {why}", file.display())))?;
        Ok(Self::new(user, password))
    }

    fn new(user: &str, password: String) -> Self {
        let credentials = Credentials::new(user.to_owned(), password.clone());
        let sent = |mechanism, challenge: Option<&str>| {
            let command = Auth::new(mechanism, credentials.clone(), challenge.map(str::to_owned)).ok()?.to_string();
            command.split_whitespace().last().map(str::to_owned)
        };
        let coded = [sent(Mechanism::Plain, None), sent(Mechanism::Login, Some("Password"))];
        let secrets = coded.into_iter().flatten().chain([password]).collect();
        Self { credentials, secrets }
    }

    /// As the mail server wants it.
    pub(super) fn credentials(&self) -> Credentials {
        self.credentials.clone()
    }

    /// What went wrong, without the server's words if the password is in them: some servers repeat what they were sent.
    pub(super) fn kept_from(&self, words: String) -> String {
        let has_secret = |words: &str| self.secrets.iter().any(|secret| words.contains(secret));
        if !has_secret(&words) {
            return words;
        }
        // The kind and the code of the error are before the server's own words.
        let kind = words.split(": ").next().filter(|kind| !has_secret(kind)).unwrap_or("the server refused");
        format!("{kind}; its words repeat the password and are left out here")
    }
}

/// What a file says, without the line's end. `handed_over` is the directory in which systemd gives a service what it alone may read: by an
/// access control list, which shows as a permission of the group (systemd.exec(5), `LoadCredential`).
fn password(path: &Path, handed_over: Option<&Path>) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("{error}; check the path and its permissions");
    // Looked at before it is opened: opening a pipe waits for somebody to write.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err("it is no file; write the password into a file".to_owned());
    }
    let file = File::open(path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.permissions().mode();
    let forbidden = if handed_over.is_some() && path.parent() == handed_over { OTHERS } else { GROUP_AND_OTHERS };
    if mode & forbidden != 0 {
        let mode = mode & 0o777;
        return Err(format!("it is open to others than its owner (mode {mode:03o}); let nobody else read it (chmod 600)"));
    }
    let mut bytes = Vec::new();
    file.take(PASSWORD_LEN_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    let text = String::from_utf8(bytes).ok().filter(|text| text.len() as u64 <= PASSWORD_LEN_MAX);
    let line = text.as_deref().map(|text| text.strip_suffix('\n').unwrap_or(text)).map(|text| text.strip_suffix('\r').unwrap_or(text));
    match line {
        Some(line) if !line.is_empty() && !line.contains(char::is_control) => Ok(line.to_owned()),
        _ => Err(format!("it is not one line of text of 1 to {PASSWORD_LEN_MAX} bytes; write the password into it and nothing else")),
    }
}

#[cfg(test)]
#[path = "login_tests.rs"]
mod tests;
