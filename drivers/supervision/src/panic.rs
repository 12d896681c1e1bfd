//! Catches a panic together with its message, its place and its backtrace.
//!
//! The payload that unwinding carries has only the message; place and backtrace are known to the panic hook alone. So one
//! hook is installed for the process. It runs on the panicking thread, before unwinding, and leaves what it knows in that
//! thread's [`WATCH`] if the thread is inside [`catch`]; any other panic goes on to the hook that was there before.
//!
//! It knows nothing of children or tasks.

use crate::exit::Panic;
use std::any::Any;
use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

/// What the hook leaves for [`catch`].
enum Watch {
    /// The thread is not inside `catch`.
    Off,
    /// It is, and this is its last panic.
    On(Option<Panic>),
}

thread_local! {
    static WATCH: RefCell<Watch> = const { RefCell::new(Watch::Off) };
}

/// Installs the hook, once per process.
pub(crate) fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !keep(info) {
                previous(info);
            }
        }));
    });
}

/// Whether the panic will be told by whoever catches it. A second one within one `catch` (a destructor during unwinding, which
/// aborts the process) is kept and told at once too.
fn keep(info: &PanicHookInfo<'_>) -> bool {
    if !WATCH.try_with(|watch| matches!(*watch.borrow(), Watch::On(_))).unwrap_or(false) {
        return false;
    }
    let location = info.location().map(ToString::to_string);
    // The frames are walked for each panic, which costs some 10 us; their names are looked up only for whoever reads them.
    let seen = Panic { message: message(info.payload()), location, backtrace: Some(Backtrace::force_capture()) };
    match WATCH.replace(Watch::On(Some(seen))) {
        Watch::Off | Watch::On(None) => true,
        Watch::On(Some(_)) => false,
    }
}

/// Runs `f`. A panic in it becomes an error.
///
/// The caller drops whatever `f` touched, as it may be half done.
pub(crate) fn catch<T>(f: impl FnOnce() -> T) -> Result<T, Panic> {
    let outer = WATCH.replace(Watch::On(None));
    let outcome = panic::catch_unwind(AssertUnwindSafe(f));
    let seen = match WATCH.replace(outer) {
        Watch::On(seen) => seen,
        Watch::Off => None,
    };
    match outcome {
        Ok(value) => {
            if let Some(panic) = seen {
                // Caught inside: without this line nobody would ever hear of it.
                tracing::warn!(message = panic.message, location = panic.location, "a panic was caught by its own code");
            }
            Ok(value)
        }
        // A panic that was resumed from elsewhere does not pass by the hook: its payload has the message.
        Err(payload) => Err(seen.unwrap_or_else(|| Panic { message: message(&*payload), location: None, backtrace: None })),
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a message").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_caught_with_message_place_and_backtrace() {
        install_hook();
        let number = 7;
        let line = line!() + 1;
        let caught = catch(|| panic!("number {number}")).unwrap_err();
        assert_eq!(caught.message, "number 7");
        let location = caught.location.unwrap();
        assert!(location.contains(&format!("panic.rs:{line}:")), "{location}");
        assert!(caught.backtrace.unwrap().to_string().contains("panic_is_caught"), "the backtrace names this test");
    }

    #[test]
    fn a_resumed_panic_keeps_its_message() {
        install_hook();
        let caught = catch(|| panic::resume_unwind(Box::new("from elsewhere"))).unwrap_err();
        assert_eq!((caught.message.as_str(), caught.location), ("from elsewhere", None));
    }

    #[test]
    fn one_catch_within_another_takes_only_its_own() {
        install_hook();
        let inner = catch(|| catch(|| panic!("inner")).unwrap_err().message);
        assert_eq!(inner.unwrap(), "inner");
        let outer: Result<(), Panic> = catch(|| {
            let _: Result<(), Panic> = catch(|| panic!("inner"));
            panic!("outer")
        });
        assert_eq!(outer.unwrap_err().message, "outer");
    }
}
