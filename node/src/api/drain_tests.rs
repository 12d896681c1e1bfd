use super::*;
use crate::config::SiteFile;
use labkeeper_machine::{NodeInfo, Stamp, TakeoverReport};
use labkeeper_model::{LeaseTerms, Name, Timestamp};

/// A site of two nodes that reach both of its segments, each at home on one of them.
struct Site {
    machine: Machine,
    index: LogIndex,
    nodes: [NodeId; 2],
}

const SITE: &str = "[site]\nname=\"x\"\n[segments.cryo]\nhome=\"lab-a\"\n[segments.vacuum]\nhome=\"lab-b\"\n";

impl Site {
    fn new() -> Self {
        let mut site = Self { machine: Machine::new(), index: 0, nodes: [1, 0] };
        site.apply(Command::FoundSite { site_id: [7; 16], node: node("lab-a") });
        site.nodes[1] = site.apply(Command::AdmitNode { node: node("lab-b") });
        let declared = SiteFile::parse(SITE, "site.toml").expect("a site").site;
        site.apply(Command::ApplySite { site: declared, expected_version: None, actor: String::new(), reason: String::new() });
        site
    }

    /// Applies a command; the entry's index, which is the number of an admitted node too.
    fn apply(&mut self, command: Command) -> LogIndex {
        self.index += 1;
        let time = Timestamp::from_millis(i64::try_from(self.index).expect("few entries") * 1_000);
        self.machine.apply(Stamp { index: self.index, time, term: 1 }, command).reply.expect("an accepted command");
        self.index
    }

    fn open(&mut self, node: usize) {
        self.apply(Command::OpenSession { node: self.nodes[node], after: 0, terms: LeaseTerms::default() });
    }

    fn drain(&mut self, node: usize) -> LogIndex {
        self.apply(Command::SetDraining { node: self.nodes[node], draining: true, actor: String::new(), reason: String::new() })
    }

    fn release(&mut self, node: usize, segment: &str) {
        let session = self.machine.session(self.nodes[node]).expect("a session").id;
        let epoch = self.machine.ownership(segment).epoch;
        self.apply(Command::ReleaseSegment { node: self.nodes[node], session, segment: segment.into(), epoch });
    }

    fn report(&mut self, node: usize, segment: &str) {
        let now = self.machine.time();
        let TakeoverReport { connected, read, enabled, devices_reached, devices } =
            TakeoverReport { connected: now, read: now, enabled: now, devices_reached: 0, devices: 0 };
        let epoch = self.machine.ownership(segment).epoch;
        let node = self.nodes[node];
        self.apply(Command::ReportTakeover { node, segment: segment.into(), epoch, connected, read, enabled, devices_reached, devices });
    }
}

fn node(name: &str) -> NodeInfo {
    let bytes = name.as_bytes();
    NodeInfo {
        name: Name::new(name).expect("a name"),
        instance: [bytes[bytes.len() - 1]; 16],
        grpc: format!("{name}:7600"),
        http: format!("http://{name}:7680"),
        reach: vec!["*".into()],
    }
}

#[test]
fn a_drain_is_done_when_nothing_is_left_and_the_new_owners_drive() {
    let mut site = Site::new();
    site.open(0);
    site.open(1);
    let lab_a = site.nodes[0];
    assert_eq!(must_be_replaceable(&site.machine, lab_a, "lab-a"), Ok(()));
    let owned = progress(&site.machine, lab_a, 0).left;
    assert!(!owned.is_empty(), "the test is about a node that owns something");

    let since = site.drain(0);
    let first = progress(&site.machine, lab_a, since);
    assert_eq!((first.left, first.handed_over.len(), first.done), (owned.clone(), 0, false), "the owner has not let go yet");

    for segment in &owned {
        site.release(0, segment);
    }
    let granted = progress(&site.machine, lab_a, since);
    assert!(granted.left.is_empty() && !granted.done, "nobody drives them yet: {granted:?}");
    assert!(granted.handed_over.iter().all(|takeover| takeover.to == "lab-b" && takeover.enabled_ms.is_none()));

    for segment in &owned {
        site.report(1, segment);
    }
    let last = progress(&site.machine, lab_a, since);
    assert!(last.done && last.handed_over.len() == owned.len(), "{last:?}");
    assert!(last.handed_over.iter().all(|takeover| takeover.enabled_ms.is_some()));
    assert!(progress(&site.machine, lab_a, site.index + 1).handed_over.is_empty(), "what was handed over before is not told again");
}

#[test]
fn the_last_node_that_can_own_a_segment_is_not_drained_and_the_reasons_are_told() {
    let mut site = Site::new();
    site.open(0);
    let lab_a = site.nodes[0];
    let refused = must_be_replaceable(&site.machine, lab_a, "lab-a").expect_err("a refusal");
    assert_eq!(refused.code, ErrorCode::NoOtherOwner);
    assert_eq!(refused.message, "lab-a is the only node that can own cryo (lab-b has no session); vacuum (lab-b has no session)");
    site.open(1);
    site.drain(1);
    let drained = must_be_replaceable(&site.machine, lab_a, "lab-a").expect_err("a refusal").message;
    assert!(drained.contains("lab-b is being drained"), "{drained}");
    // What is in force already is not refused when it is asked for again.
    assert_eq!(must_be_replaceable(&site.machine, site.nodes[1], "lab-b"), Ok(()));
}

#[test]
fn an_unknown_node_is_refused_by_name() {
    let refused = id_of(&Site::new().machine, "lab-z").expect_err("a refusal");
    assert_eq!((refused.code, refused.message.as_str()), (ErrorCode::UnknownNode, "the site has no node \"lab-z\""));
}
