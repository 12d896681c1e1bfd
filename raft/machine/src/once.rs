//! What people do to alarms, control, interlocks, ramps and nodes is done once, however often it is sent.
//!
//! ```text
//!   Once{id, deed} --+-- the id is new ----------> decided --+-- done: remembered with what it was
//!                    |                                       '-- refused: nothing changed, nothing to remember
//!                    +-- the same deed was done --> done; nothing happens
//!                    '-- another deed was done ---> refused
//! ```
//!
//! Most deeds twice are one as long as nobody does something between them; a shelf that was taken back between two attempts would come back
//! with the second. An attempt may be committed long after its sender gave it up, so only an id tells the two apart.
//!
//! Setpoints, actions and selections have ids of their own, with an outcome to be asked for; see `commands` and `operate`.

use crate::Machine;
use crate::alarms::AlarmCommand;
use crate::authority::AuthorityCommand;
use crate::command::Command;
use crate::interlocks::InterlockCommand;
use crate::operate::OperateCommand;
use crate::reply::{Effect, Rejection, Reply};
use labkeeper_model::{CommandId, ErrorCode};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Most deeds that are remembered; the oldest is forgotten first. A client repeats a deed for a minute at most, so this is enough for 68
/// deeds a second from everybody. One takes some 400 bytes, 1.6 MB for all, and 12 MB if every text has its greatest length.
pub const DEEDS_MAX: usize = 4_096;

/// The deeds that were done, by their ids.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Deeds {
    by_id: BTreeMap<CommandId, Arc<Command>>,
    /// Oldest first; each id that is in the map, once.
    order: VecDeque<CommandId>,
}

impl Deeds {
    /// Oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (&CommandId, &Arc<Command>)> {
        self.order.iter().filter_map(|id| Some((id, self.by_id.get(id)?)))
    }

    /// What was done under an id.
    #[must_use]
    pub fn get(&self, id: &CommandId) -> Option<&Command> {
        self.by_id.get(id).map(Arc::as_ref)
    }

    /// How many are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    fn remember(&mut self, id: CommandId, deed: Arc<Command>) {
        if self.by_id.insert(id, deed).is_none() {
            self.order.push_back(id);
        }
        if self.order.len() > DEEDS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_id.remove(&oldest);
        }
    }
}

impl FromIterator<(CommandId, Arc<Command>)> for Deeds {
    fn from_iter<I: IntoIterator<Item = (CommandId, Arc<Command>)>>(deeds: I) -> Self {
        let mut all = Self::default();
        deeds.into_iter().for_each(|(id, deed)| all.remember(id, deed));
        all
    }
}

impl Machine {
    /// The deeds that are remembered.
    #[must_use]
    pub fn deeds(&self) -> &Deeds {
        &self.deeds
    }

    pub(crate) fn once(&mut self, id: CommandId, deed: Command, effects: &mut Vec<Effect>) -> Result<Reply, Rejection> {
        if !is_deed(&deed) {
            return Err(Rejection::new(ErrorCode::BadRequest, "only what people do that has no id of its own is done once by an id"));
        }
        match self.deeds.get(&id) {
            Some(done) if *done == deed => Ok(Reply::Done),
            Some(_) => Err(Rejection::new(ErrorCode::CommandIdReused, format!("another deed was done under the id {id}"))),
            None => {
                let kept = Arc::new(deed.clone());
                let reply = self.decide(deed, effects)?;
                self.deeds.remember(id, kept);
                Ok(reply)
            }
        }
    }
}

/// Whether a command is what a person does, and nothing else tells a second attempt at it from a second deed.
fn is_deed(command: &Command) -> bool {
    match command {
        Command::Alarm(command) => !matches!(command, AlarmCommand::Report { .. } | AlarmCommand::ReportSystem { .. }),
        Command::Authority(command) => !matches!(command, AuthorityCommand::Renew { .. }),
        Command::Interlock(command) => !matches!(command, InterlockCommand::Report { .. }),
        Command::Operate(command) => matches!(command, OperateCommand::Steer { .. }),
        Command::SetDraining { .. } | Command::ReleaseHold { .. } => true,
        _ => false,
    }
}
