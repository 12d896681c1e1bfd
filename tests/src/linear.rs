//! Whether what concurrent clients were told could have come from one machine that takes one command after the other: linearizability
//! (Herlihy and Wing, 1990), found out by the algorithm of Wing, Gong and Lowe in `todc-utils`.
//!
//! ```text
//!   client 1  |--- set -----------> revision 1 |
//!   client 2       |- set if at 0 -> conflict -|   |--- set ---> revision 3 |     not linearizable: who made revision 2?
//! ```
//!
//! What is checked is a tag's setpoint as a register with a revision: a set makes the next revision, one that expects a revision is
//! refused unless it is at it. Tags are independent, so each has its own history, which keeps the search short. Knows nothing of
//! clusters.

use std::collections::BTreeMap;
use std::sync::Mutex;
use todc_utils::linearizability::WGLChecker;
use todc_utils::linearizability::history::{Action, History};
use todc_utils::specifications::Specification;

/// What a client asked for, and was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Set {
    /// The revision that it expected.
    pub expected: Option<u64>,
    /// The revision that it made; `None` if it was refused because the tag was at another.
    pub made: Option<u64>,
}

/// A tag's setpoint: the state is its revision.
struct Setpoint;

impl Specification for Setpoint {
    type State = u64;
    type Operation = Set;

    fn init() -> u64 {
        0
    }

    fn apply(set: &Set, revision: &u64) -> (bool, u64) {
        let is_at = set.expected.is_none_or(|expected| expected == *revision);
        match set.made {
            Some(made) => (is_at && made == revision + 1, revision + 1),
            None => (!is_at, *revision),
        }
    }
}

/// What clients did to a tag, each with the number of the client.
type Actions = Vec<(usize, Action<Set>)>;

/// What clients did, by tag, in the order in which it began and ended by one clock.
#[derive(Debug, Default)]
pub struct Histories {
    tags: Mutex<BTreeMap<String, Actions>>,
}

impl Histories {
    /// A client asks. Each client has one question at a time.
    ///
    /// # Panics
    /// When a test that holds it has panicked.
    pub fn asked(&self, tag: &str, client: usize, expected: Option<u64>) {
        self.push(tag, client, Action::Call(Set { expected, made: None }));
    }

    /// The same client was told.
    ///
    /// # Panics
    /// As [`Histories::asked`].
    pub fn told(&self, tag: &str, client: usize, set: Set) {
        self.push(tag, client, Action::Response(set));
    }

    fn push(&self, tag: &str, client: usize, action: Action<Set>) {
        let mut tags = self.tags.lock().expect("no client panicked");
        tags.entry(tag.to_owned()).or_default().push((client, action));
    }

    /// The tags whose history no single machine could have brought about, each with its history. Every question must have been
    /// answered.
    ///
    /// # Panics
    /// As [`Histories::asked`], and when a question was not answered.
    #[must_use]
    pub fn contradictions(&self) -> Vec<String> {
        let tags = self.tags.lock().expect("no client panicked");
        let wrong = tags.iter().filter(|(_, actions)| !WGLChecker::<Setpoint>::is_linearizable(History::from_actions((*actions).clone())));
        wrong.map(|(tag, actions)| format!("{tag}:\n{}", in_words(actions))).collect()
    }

    /// How many questions were answered.
    ///
    /// # Panics
    /// As [`Histories::asked`].
    #[must_use]
    pub fn len(&self) -> usize {
        let tags = self.tags.lock().expect("no client panicked");
        tags.values().flatten().filter(|(_, action)| matches!(action, Action::Response(_))).count()
    }

    /// Whether nothing was answered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn in_words(actions: &[(usize, Action<Set>)]) -> String {
    let line = |(client, action): &(usize, Action<Set>)| match action {
        Action::Call(set) => format!("  client {client} asks, expecting {:?}", set.expected),
        Action::Response(set) => format!("  client {client} is told {:?}", set.made),
    };
    actions.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = "cryo/bank/s00";

    /// Sets one after the other, each by another client.
    fn one_by_one(sets: &[Set]) -> Histories {
        let histories = Histories::default();
        for (client, set) in sets.iter().enumerate() {
            histories.asked(TAG, client, set.expected);
            histories.told(TAG, client, *set);
        }
        histories
    }

    fn set(expected: Option<u64>, made: Option<u64>) -> Set {
        Set { expected, made }
    }

    #[test]
    fn what_one_machine_could_have_said_passes() {
        let sets = [set(None, Some(1)), set(Some(0), None), set(Some(1), Some(2)), set(None, Some(3))];
        let histories = one_by_one(&sets);
        assert_eq!((histories.contradictions(), histories.len()), (vec![], 4));
    }

    #[test]
    fn concurrent_answers_may_be_in_any_order() {
        let histories = Histories::default();
        (0..3).for_each(|client| histories.asked(TAG, client, None));
        for (client, made) in [(0, 3), (1, 1), (2, 2)] {
            histories.told(TAG, client, set(None, Some(made)));
        }
        assert_eq!(histories.contradictions(), Vec::<String>::new());
    }

    #[test]
    fn a_revision_that_nobody_made_is_found() {
        assert_eq!(one_by_one(&[set(None, Some(1)), set(None, Some(3))]).contradictions().len(), 1);
    }

    #[test]
    fn a_revision_that_two_made_is_found() {
        assert_eq!(one_by_one(&[set(None, Some(1)), set(None, Some(1))]).contradictions().len(), 1);
    }

    #[test]
    fn a_set_that_is_older_than_one_before_it_is_found() {
        assert_eq!(one_by_one(&[set(None, Some(2)), set(None, Some(1))]).contradictions().len(), 1);
    }

    #[test]
    fn a_conflict_where_there_was_none_is_found() {
        assert_eq!(one_by_one(&[set(None, Some(1)), set(Some(1), None)]).contradictions().len(), 1);
    }
}
