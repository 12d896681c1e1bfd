//! The audit for clients: pages of what this node has. The chain over them is checked by whoever reads them, as a node that was tampered
//! with would find itself in order.

use labkeeper_machine::{AuditEntry, Machine};
use labkeeper_proto::v1;

/// Entries that a client gets if it does not say: three screens.
const LIST_DEFAULT: usize = 100;
/// Most entries in one answer: at 4 KB each, the longest there are, 4 MB, which is what a client of gRPC takes by default.
const LIST_MAX: usize = 1_000;

/// A page of the audit.
#[must_use]
pub fn list(machine: &Machine, request: &v1::ListAuditRequest) -> v1::ListAuditResponse {
    let limit = if request.limit == 0 { LIST_DEFAULT } else { (request.limit as usize).min(LIST_MAX) };
    let last_number = machine.audit().next_back().map_or(0, |entry| entry.number);
    let from = if request.from == 0 { last_number.saturating_sub(limit as u64 - 1) } else { request.from };
    let earlier = machine.audit().take_while(|entry| entry.number < from).last();
    let hash_before = earlier.map_or(Some(machine.audit_anchor()), |entry| entry.hash);
    let entries = machine.audit().skip_while(|entry| entry.number < from).take(limit).map(|entry| to_wire(entry)).collect();
    v1::ListAuditResponse { hash_before: hash_before.map_or_else(Vec::new, |hash| hash.to_vec()), entries, last_number }
}

fn to_wire(entry: &AuditEntry) -> v1::AuditEntry {
    v1::AuditEntry {
        number: entry.number,
        log_index: entry.log_index,
        time_unix_ns: entry.time.0,
        actor: entry.actor.clone(),
        action: entry.action.clone(),
        target: entry.target.clone(),
        detail: entry.detail.clone(),
        reason: entry.reason.clone(),
        before: entry.before.clone(),
        after: entry.after.clone(),
        command_id: entry.command_id.map_or_else(String::new, |id| id.to_string()),
        refused: entry.refused.map_or_else(String::new, |code| code.to_string()),
        hash: entry.hash.map_or_else(Vec::new, |hash| hash.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use labkeeper_machine::{Command, NodeInfo, Stamp};
    use labkeeper_model::{Name, NodeId, Timestamp};

    /// A machine with five entries: a founding, and four nodes that could not be drained.
    fn machine() -> Machine {
        let mut machine = Machine::new();
        let node = NodeInfo {
            name: Name::new("lab-a").expect("a name"),
            instance: [1; 16],
            grpc: "127.0.0.1:7600".into(),
            http: "http://127.0.0.1:7680".into(),
            reach: vec!["*".into()],
        };
        let at = |index| Stamp { index, time: Timestamp(1), term: 1 };
        machine.apply(at(1), Command::FoundSite { site_id: [7; 16], node }).reply.expect("a site");
        for index in 2..6 {
            let node: NodeId = 90 + index;
            let drain = Command::SetDraining { node, draining: true, actor: "ann".into(), reason: String::new() };
            machine.apply(at(index), drain).reply.expect_err("a refusal");
        }
        machine
    }

    fn numbers(from: u64, limit: u32) -> (Vec<u64>, Vec<u8>) {
        let answer = list(&machine(), &v1::ListAuditRequest { from, limit });
        assert_eq!(answer.last_number, 5);
        (answer.entries.iter().map(|entry| entry.number).collect(), answer.hash_before)
    }

    #[test]
    fn a_page_begins_where_it_is_asked_to_and_brings_the_hash_before_it() {
        let all = list(&machine(), &v1::ListAuditRequest { from: 1, limit: 0 }).entries;
        assert_eq!(numbers(1, 2), (vec![1, 2], vec![0; 32]));
        assert_eq!(numbers(3, 2), (vec![3, 4], all[1].hash.clone()));
        assert_eq!(numbers(0, 2), (vec![4, 5], all[2].hash.clone()), "the newest ones");
        assert_eq!(numbers(6, 2), (vec![], all[4].hash.clone()));
        assert_eq!((all[1].refused.as_str(), all[1].target.as_str(), all[1].actor.as_str()), ("LAB4005", "node 92", "ann"));
    }
}
