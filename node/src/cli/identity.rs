//! Who asks, and by what one thing that is asked is told from another.

/// The person and the computer that ask: `ann@desk`.
pub(super) fn whoami() -> String {
    let user = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()));
    let user = user.unwrap_or_else(|| format!("uid{}", rustix::process::getuid().as_raw()));
    format!("{user}@{}", rustix::system::uname().nodename().to_string_lossy())
}

/// An id that nobody else makes: what is sent under it is done once, however often.
pub(super) fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}
