//! Tells systemd that the node is up, and at every half of its watchdog's time that it goes on; a node that is frozen is then killed and
//! started anew instead of waking up with old beliefs.
//!
//! The protocol is `sd_notify(3)`: datagrams to the socket in `NOTIFY_SOCKET`, with `WATCHDOG_USEC` from the unit's `WatchdogSec`.
//! Without these variables (a terminal, a container) nothing is sent. What is proved by each word is that both runtimes still
//! schedule tasks: this one, and that of consensus.

use labkeeper_supervision::{ChildError, Context};
use std::env;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::sleep;

/// Runs until it is told to end. `consensus` is the runtime of consensus.
///
/// # Errors
/// The socket that systemd named cannot be used, or the runtime of consensus is gone.
pub async fn run(consensus: Handle, actor: Context) -> Result<(), ChildError> {
    let Some(systemd) = Systemd::find()? else {
        actor.ready();
        actor.cancelled().await;
        return Ok(());
    };
    systemd.say("READY=1")?;
    actor.ready();
    let period = watchdog_period(env::var("WATCHDOG_USEC").ok().as_deref());
    let feed = async {
        let Some(period) = period else { return std::future::pending().await };
        loop {
            consensus.spawn(async {}).await?;
            systemd.say("WATCHDOG=1")?;
            sleep(period).await;
        }
    };
    let ended = actor.token().run_until_cancelled(feed).await.unwrap_or(Ok(()));
    systemd.say("STOPPING=1")?;
    ended
}

/// Half of the time after which systemd takes the process for dead, as its manual advises.
fn watchdog_period(usec: Option<&str>) -> Option<Duration> {
    let usec: u64 = usec?.parse().ok()?;
    (usec > 0).then(|| Duration::from_micros(usec / 2))
}

struct Systemd {
    socket: UnixDatagram,
    address: SocketAddr,
}

impl Systemd {
    fn find() -> std::io::Result<Option<Self>> {
        let Ok(path) = env::var("NOTIFY_SOCKET") else { return Ok(None) };
        // An address that begins with @ has no file.
        let address = match path.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(&path)?,
        };
        Ok(Some(Self { socket: UnixDatagram::unbound()?, address }))
    }

    fn say(&self, words: &str) -> std::io::Result<()> {
        self.socket.send_to_addr(words.as_bytes(), &self.address).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_watchdog_is_fed_twice_in_its_time_and_not_at_all_without_one() {
        assert_eq!(watchdog_period(Some("3000000")), Some(Duration::from_millis(1_500)));
        for none in [None, Some("0"), Some("soon")] {
            assert_eq!(watchdog_period(none), None);
        }
    }

    #[test]
    fn words_arrive_at_an_address_without_a_file() -> std::io::Result<()> {
        let address = SocketAddr::from_abstract_name(format!("labkeeper-test-{}", std::process::id()))?;
        let systemd = UnixDatagram::bind_addr(&address)?;
        Systemd { socket: UnixDatagram::unbound()?, address }.say("READY=1")?;
        let mut words = [0; 16];
        let len = systemd.recv(&mut words)?;
        assert_eq!(&words[..len], b"READY=1");
        Ok(())
    }
}
