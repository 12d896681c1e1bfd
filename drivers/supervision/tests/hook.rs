//! The process's panic hook: a child's panic is the tree's to tell, any other goes to the hook that was there before. In a
//! process of its own, as there is only one hook.

use labkeeper_supervision::{ChildSpec, Restart, Strategy, SupervisorSpec, System};
use std::panic;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[tokio::test]
async fn only_panics_of_children_are_kept_from_the_hook_before() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&told);
    panic::set_hook(Box::new(move |info| hears.lock().unwrap().push(info.payload_as_str().map(str::to_owned))));

    let child = ChildSpec::worker("a", |_| async { panic!("of a child") });
    let children = vec![ChildSpec { restart: Restart::Temporary, ..child }];
    let spec = SupervisorSpec { strategy: Strategy::OneForOne, intensity: 0, period: Duration::from_secs(1), children };
    let (system, root) = System::new("lab", spec).unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    let running = tokio::spawn(root.run(stop.clone()));
    system.changes().wait_for(|version| *version > 0 && system.find("lab/a").is_none()).await.unwrap();
    assert!(told.lock().unwrap().is_empty(), "the tree tells it");

    let other = std::thread::spawn(|| panic!("of another thread")).join();
    assert!(other.is_err());
    assert_eq!(*told.lock().unwrap(), [Some("of another thread".to_owned())]);
    stop.cancel();
    running.await.unwrap().unwrap();
}
