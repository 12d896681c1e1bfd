//! What clients were told, and must stay true.
//!
//! Every command carries a value that no other has. So an answer can be checked against any node at any later time: it is
//! the same command, with the same revision, from the same log entry; no revision of a tag was given twice; and a tag's
//! setpoint is at least as new as the newest that somebody was told of. The checks know nothing of clusters: plain data in,
//! contradictions out.

use crate::Client;
use labkeeper_proto::v1;
use std::collections::BTreeMap;

/// Remembers every acknowledged command.
#[derive(Clone, Debug, Default)]
pub struct Oracle {
    told: BTreeMap<String, v1::Command>,
}

impl Oracle {
    /// A client was told this.
    ///
    /// # Errors
    /// When it contradicts what a client was told before about the same command.
    pub fn told(&mut self, command: v1::Command) -> Result<(), String> {
        match self.told.get(&command.id) {
            Some(before) => same_outcome(before, &command),
            None => {
                self.told.insert(command.id.clone(), command);
                Ok(())
            }
        }
    }

    /// The commands, by id.
    pub fn commands(&self) -> impl Iterator<Item = &v1::Command> {
        self.told.values()
    }

    /// How many commands somebody was told of.
    #[must_use]
    pub fn len(&self) -> usize {
        self.told.len()
    }

    /// Whether nobody was told anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    /// What contradicts the clients' knowledge in a node's account of the commands.
    #[must_use]
    pub fn check_commands(&self, known: &BTreeMap<String, v1::Command>) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut revisions = BTreeMap::new();
        for command in known.values().filter(|command| command.revision > 0) {
            if let Some(other) = revisions.insert((&command.tag, command.revision), &command.id) {
                wrong.push(format!("{} revision {} was made by {other} and by {}", command.tag, command.revision, command.id));
            }
        }
        for told in self.told.values() {
            match known.get(&told.id) {
                None => wrong.push(format!("{} {} was acknowledged and is lost", told.id, told.tag)),
                Some(command) => wrong.extend(same_outcome(told, command).err()),
            }
        }
        wrong
    }

    /// What contradicts the clients' knowledge in a node's setpoints, given that every command that was ever sent was
    /// acknowledged in the end: a tag then has exactly as many revisions as commands that set it.
    #[must_use]
    pub fn check_setpoints(&self, setpoints: &BTreeMap<String, v1::Setpoint>) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut sets: BTreeMap<&str, Vec<&v1::Command>> = BTreeMap::new();
        for command in self.told.values().filter(|command| command.revision > 0) {
            sets.entry(&command.tag).or_default().push(command);
        }
        for (tag, commands) in sets {
            let Some(setpoint) = setpoints.get(tag) else {
                wrong.push(format!("{tag} has no setpoint after {} acknowledged ones", commands.len()));
                continue;
            };
            if setpoint.revision != commands.len() as u64 {
                wrong.push(format!("{tag} is at revision {} after {} different commands", setpoint.revision, commands.len()));
            }
            let newest = commands.iter().max_by_key(|command| command.revision);
            if newest.is_some_and(|newest| (setpoint.revision, &setpoint.value) != (newest.revision, &newest.value)) {
                wrong.push(format!("{tag} is {setpoint:?}, the newest acknowledged is {newest:?}"));
            }
        }
        wrong
    }
}

impl Oracle {
    /// Asks each node about every command.
    ///
    /// # Errors
    /// When a node contradicts what clients were told: with every contradiction.
    pub async fn ask_for_commands(&self, nodes: &[Client]) -> anyhow::Result<()> {
        for (at, node) in nodes.iter().enumerate() {
            let mut known = BTreeMap::new();
            for id in self.told.keys() {
                if let Ok(command) = node.command(id).await {
                    known.insert(id.clone(), command);
                }
            }
            let wrong = self.check_commands(&known);
            anyhow::ensure!(wrong.is_empty(), "node {at} contradicts what clients were told: {wrong:#?}");
        }
        Ok(())
    }

    /// Asks each node for every setpoint, given that every command that was ever sent was acknowledged in the end.
    ///
    /// # Errors
    /// When a node does not answer, or contradicts what clients were told: with every contradiction.
    pub async fn ask_for_setpoints(&self, nodes: &[Client]) -> anyhow::Result<()> {
        for (at, node) in nodes.iter().enumerate() {
            let setpoints = node.readings("**").await?.into_iter().filter_map(|r| Some((r.tag, r.setpoint?))).collect();
            let wrong = self.check_setpoints(&setpoints);
            anyhow::ensure!(wrong.is_empty(), "node {at} contradicts what clients were told: {wrong:#?}");
        }
        Ok(())
    }
}

/// Whether two accounts of a command agree on what can never change.
fn same_outcome(told: &v1::Command, command: &v1::Command) -> Result<(), String> {
    let fixed = |c: &v1::Command| (c.tag.clone(), c.value.clone(), c.revision, c.log_index);
    if fixed(told) == fixed(command) {
        return Ok(());
    }
    Err(format!("{} was told as {:?} and is {:?}", told.id, fixed(told), fixed(command)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(id: &str, revision: u64, log_index: u64) -> v1::Command {
        let value = Some(v1::Value { kind: Some(v1::value::Kind::Unsigned(log_index)) });
        v1::Command { id: id.into(), tag: "a/b/c".into(), value, revision, log_index, ..Default::default() }
    }

    fn by_id(commands: &[v1::Command]) -> BTreeMap<String, v1::Command> {
        commands.iter().map(|c| (c.id.clone(), c.clone())).collect()
    }

    fn oracle(commands: &[v1::Command]) -> Oracle {
        let mut oracle = Oracle::default();
        for command in commands {
            oracle.told(command.clone()).unwrap();
        }
        oracle
    }

    fn setpoint(revision: u64, log_index: u64) -> BTreeMap<String, v1::Setpoint> {
        let value = command("", 0, log_index).value;
        BTreeMap::from([("a/b/c".to_owned(), v1::Setpoint { value, revision, ..Default::default() })])
    }

    #[test]
    fn the_same_story_is_accepted() {
        let commands = [command("x", 1, 10), command("y", 2, 11)];
        let mut oracle = oracle(&commands);
        assert_eq!(oracle.told(commands[0].clone()), Ok(()));
        assert!(oracle.check_commands(&by_id(&commands)).is_empty());
        assert!(oracle.check_setpoints(&setpoint(2, 11)).is_empty());
    }

    #[test]
    fn every_contradiction_is_seen() {
        let told = [command("x", 1, 10), command("y", 2, 11)];
        let mut oracle = oracle(&told);
        assert!(oracle.told(command("x", 3, 12)).is_err(), "committed twice");
        assert_eq!(oracle.check_commands(&by_id(&told[..1])).len(), 1, "lost");
        assert_eq!(oracle.check_commands(&by_id(&[told[0].clone(), command("y", 2, 99)])).len(), 1, "another entry");
        assert_eq!(oracle.check_commands(&by_id(&[told[0].clone(), told[1].clone(), command("z", 2, 12)])).len(), 1, "one revision twice");
        assert_eq!(oracle.check_setpoints(&BTreeMap::new()).len(), 1, "no setpoint");
        assert_eq!(oracle.check_setpoints(&setpoint(3, 11)).len(), 2, "a revision from nowhere");
        assert_eq!(oracle.check_setpoints(&setpoint(2, 10)).len(), 1, "an older value");
    }
}
