//! Waiting for a condition instead of for a time. Every wait has a deadline, and when it passes says what was seen last.

use anyhow::bail;
use std::time::Duration;
use tokio::time::Instant;

/// Between two looks. A cluster changes state in hundreds of milliseconds; 20 ms adds little to that and costs 50 small
/// requests a second.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The usual deadline: ten times what the slowest step of a healthy cluster takes (an election after a crash, at most
/// 1.2 s by default, and reconnecting), because two cores may run five other processes.
pub const SOON: Duration = Duration::from_secs(15);

/// Looks until `look` finds what it wants, and returns that.
///
/// # Errors
/// When `deadline` passes first: names `what` was awaited and what `look` said last.
pub async fn until<T, F>(what: &str, deadline: Duration, mut look: impl FnMut() -> F) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<T>>,
{
    let began = Instant::now();
    let mut seen = "a look that did not end".to_owned();
    loop {
        // One look may hang as long as a request may; it does not outlive the deadline.
        let left = deadline.saturating_sub(began.elapsed());
        match tokio::time::timeout(left, look()).await {
            Ok(Ok(found)) => return Ok(found),
            Ok(Err(instead)) => seen = format!("{instead:#}"),
            Err(_) => {}
        }
        if began.elapsed() >= deadline {
            bail!("waited {deadline:?} for {what}; seen last: {seen}");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[tokio::test(start_paused = true)]
    async fn returns_what_was_found_and_says_what_was_seen_last() {
        let looks = Cell::new(0);
        let third_time = || async {
            looks.set(looks.get() + 1);
            if looks.get() < 3 { bail!("only {} looks", looks.get()) } else { Ok("found") }
        };
        assert_eq!(until("the third look", SOON, third_time).await.unwrap(), "found");
        let error = until::<(), _>("pigs to fly", SOON, || async { bail!("pigs on the ground") }).await.unwrap_err();
        assert!(error.to_string().ends_with("for pigs to fly; seen last: pigs on the ground"), "{error}");
    }
}
