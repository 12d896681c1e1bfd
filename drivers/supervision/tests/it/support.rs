//! A stage on which children play what they are told, and what happened as a line of text: `+a` started, `-a` dropped.

use labkeeper_supervision::{ChildSpec, ChildStatus, Context, GaveUp, Reason, State, Strategy, SupervisorSpec, System};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// What a child is told to do.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cue {
    Ready,
    Progress,
    Finish,
    Fail,
    Panic,
}

/// What kind of child plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Ready at once, ends when asked.
    Normal,
    /// Ready when told.
    Slow,
    /// Ready at once, does not listen when asked to end.
    Deaf,
    /// Fails at once, each time.
    Broken,
}

#[derive(Clone, Default)]
pub(crate) struct Stage {
    log: Arc<Mutex<Vec<String>>>,
    cues: Arc<Mutex<BTreeMap<String, mpsc::UnboundedSender<Cue>>>>,
    contexts: Arc<Mutex<BTreeMap<String, Context>>>,
}

/// Writes its line when everything of the child is dropped, however it came to that.
struct Curtain(Stage, String);

impl Drop for Curtain {
    fn drop(&mut self) {
        self.0.say(format!("-{}", self.1));
    }
}

impl Stage {
    fn say(&self, line: String) {
        self.log.lock().unwrap().push(line);
    }

    /// What happened since it was asked last.
    pub(crate) fn told(&self) -> String {
        std::mem::take(&mut *self.log.lock().unwrap()).join(" ")
    }

    /// Tells a child what to do, and waits until nothing happens any more.
    pub(crate) async fn cue(&self, id: &str, cue: Cue) {
        self.cues.lock().unwrap()[id].send(cue).unwrap();
        quiet().await;
    }

    /// What the last incarnation of a child was given.
    pub(crate) fn context(&self, id: &str) -> Context {
        self.contexts.lock().unwrap()[id].clone()
    }

    pub(crate) fn child(&self, id: &str) -> ChildSpec {
        self.part(id, Part::Normal)
    }

    pub(crate) fn part(&self, id: &str, part: Part) -> ChildSpec {
        let (stage, name) = (self.clone(), id.to_owned());
        ChildSpec::worker(id, move |context| stage.clone().play(name.clone(), part, context))
    }

    async fn play(self, id: String, part: Part, context: Context) -> Result<(), labkeeper_supervision::ChildError> {
        self.say(format!("+{id}"));
        let _curtain = Curtain(self.clone(), id.clone());
        let (cue, mut cues) = mpsc::unbounded_channel();
        self.cues.lock().unwrap().insert(id.clone(), cue);
        self.contexts.lock().unwrap().insert(id.clone(), context.clone());
        if part == Part::Broken {
            return Err("broken".into());
        }
        if part != Part::Slow {
            context.ready();
        }
        loop {
            tokio::select! {
                biased;
                () = context.cancelled(), if part != Part::Deaf => return Ok(()),
                cue = cues.recv() => match cue.unwrap() {
                    Cue::Ready => context.ready(),
                    Cue::Progress => context.progress(),
                    Cue::Finish => return Ok(()),
                    Cue::Fail => return Err("on purpose".into()),
                    Cue::Panic => panic!("{id} panics on purpose"),
                },
            }
        }
    }
}

pub(crate) fn spec(strategy: Strategy, children: Vec<ChildSpec>) -> SupervisorSpec {
    SupervisorSpec { strategy, intensity: 3, period: 10 * SECOND, children }
}

/// A running tree under the name `lab`.
pub(crate) struct Play {
    pub(crate) system: System,
    pub(crate) stop: CancellationToken,
    task: JoinHandle<Result<(), GaveUp>>,
}

impl Play {
    /// Runs a tree, and waits until nothing happens any more.
    pub(crate) async fn begin(spec: SupervisorSpec) -> Self {
        let (system, root) = System::new("lab", spec).unwrap();
        let stop = CancellationToken::new();
        let play = Self { system, task: tokio::spawn(root.run(stop.clone())), stop };
        quiet().await;
        play
    }

    /// Tells the tree to stop, and waits until it has.
    pub(crate) async fn end(self) -> Result<(), GaveUp> {
        self.stop.cancel();
        self.task.await.unwrap()
    }

    /// Waits until the tree ends by itself.
    pub(crate) async fn outcome(self) -> Result<(), GaveUp> {
        self.task.await.unwrap()
    }

    /// Drops the future that runs the tree.
    pub(crate) async fn abort(&self) {
        self.task.abort();
        quiet().await;
    }

    pub(crate) fn row(&self, path: &str) -> ChildStatus {
        self.system.find(path).unwrap_or_else(|| panic!("{path} is not in {:?}", self.paths()))
    }

    pub(crate) fn state(&self, path: &str) -> State {
        self.row(path).state
    }

    pub(crate) fn last_exit(&self, path: &str) -> Reason {
        self.row(path).last_exit.unwrap_or_else(|| panic!("{path} has not ended yet")).reason.clone()
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        self.system.tree().into_iter().map(|row| row.path).collect()
    }
}

/// Waits until nothing happens any more: the paused clock moves only when every task waits.
pub(crate) async fn quiet() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}
