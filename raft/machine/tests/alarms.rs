//! What the site is promised about its alarms, whoever owns a segment and whoever leads: played on a machine, as the log would.

use labkeeper_alarm::{Quality, Transition, Word};
use labkeeper_machine::state::Session;
use labkeeper_machine::{AlarmCommand, Command, ConditionWord, Machine, NodeInfo, Reply, Stamp};
use labkeeper_model::site::{AlarmKind, AlarmSpec, DeviceSpec, Levels, RouteSpec, SegmentSpec, SiteSpec, TagSpec};
use labkeeper_model::{AlarmId, Epoch, LeaseTerms, Name, NodeId, Timestamp};

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

/// A device with as many alarms, on one tag each.
fn site(alarms: usize) -> SiteSpec {
    let kind = || AlarmKind::Levels(Levels { hi: Some(30.0), ..Levels::default() });
    let tag = |n| {
        (
            name(&format!("t{n}")),
            TagSpec { alarms: vec![AlarmSpec { name: name("high"), kind: kind(), ..AlarmSpec::default() }], ..address(n) },
        )
    };
    let device = DeviceSpec {
        segment: name("cryo"),
        address: "chiller.lab:502".into(),
        tags: (0..alarms).map(tag).collect(),
        ..DeviceSpec::default()
    };
    SiteSpec {
        name: "lab".into(),
        failback: None,
        segments: [(name("cryo"), SegmentSpec { description: String::new(), home: Some(name("a")) })].into(),
        devices: [(name("chiller"), device)].into(),
        routes: [(name("ops"), RouteSpec { webhook: Some("http://pager.lab/".into()), ..RouteSpec::default() })].into(),
        ..SiteSpec::default()
    }
}

fn address(n: usize) -> TagSpec {
    let mut tag = TagSpec::default();
    tag.register.address = u16::try_from(n).expect("a small number");
    tag
}

fn high(n: usize) -> AlarmId {
    AlarmId::parse(&format!("cryo/chiller/t{n}/high")).expect("an alarm")
}

fn comm_fault() -> AlarmId {
    AlarmId::comm_fault(&name("cryo"), &name("chiller"))
}

/// A site of two nodes, and the log that it goes through.
struct Lab {
    machine: Machine,
    index: u64,
    millis: i64,
    term: u64,
}

impl Lab {
    fn new(alarms: usize) -> Self {
        let mut lab = Self { machine: Machine::new(), index: 0, millis: 1_000_000, term: 1 };
        let node = |text: &str, instance| NodeInfo {
            name: name(text),
            instance: [instance; 16],
            grpc: format!("{text}:7600"),
            http: format!("http://{text}:7680"),
            reach: vec!["*".into()],
        };
        lab.apply(Command::FoundSite { site_id: [1; 16], node: node("a", 1) });
        lab.apply(Command::AdmitNode { node: node("b", 2) });
        lab.apply(Command::ApplySite { site: site(alarms), expected_version: None, actor: "ann".into(), reason: String::new() });
        for (node, after) in [(1, 0), (2, 0)] {
            lab.apply(Command::OpenSession { node, after, terms: LeaseTerms::default() });
        }
        assert_eq!(lab.machine.ownership("cryo").owner, Some(1));
        lab
    }

    fn apply(&mut self, command: Command) -> Reply {
        self.index += 1;
        self.millis += 1;
        let stamp = Stamp { index: self.index, time: Timestamp::from_millis(self.millis), term: self.term };
        let applied = self.machine.apply(stamp, command);
        assert_eq!(self.machine.violations(), vec![]);
        applied.reply.expect("nothing is refused")
    }

    /// The owner says the same about many alarms.
    fn say(&mut self, alarms: impl Iterator<Item = AlarmId>, word: &Word) {
        let ownership = self.machine.ownership("cryo");
        let (node, epoch): (NodeId, Epoch) = (ownership.owner.expect("an owner"), ownership.epoch);
        let at = Timestamp::from_millis(self.millis);
        let words = alarms.map(|alarm| ConditionWord { alarm, at, word: word.clone() }).collect();
        let reply = self.apply(Command::Alarm(AlarmCommand::Report { node, segment: "cryo".into(), epoch, words }));
        assert_eq!(reply, Reply::Reported { refused: 0 });
    }

    /// The owner is lost, and the other takes over: its first words are what it finds.
    fn take_over(&mut self, alarms: impl Iterator<Item = AlarmId>) {
        let node = self.machine.ownership("cryo").owner.expect("an owner");
        let session = self.machine.session(node).copied().expect("a session");
        self.apply(Command::ExpireSession { node, session: session.id, seq: session.seq });
        self.say(alarms, &Word::Active { severity: 1, value: None });
        let ownership = self.machine.ownership("cryo");
        let at = Timestamp::from_millis(self.millis);
        self.apply(Command::ReportTakeover {
            node: ownership.owner.expect("another owner"),
            segment: "cryo".into(),
            epoch: ownership.epoch,
            connected: at,
            read: at,
            enabled: at,
            devices_reached: 1,
            devices: 1,
        });
    }

    /// Another leader begins with a copy of the state, as after a restart, and fires what has become due.
    fn another_leader(&mut self, millis_later: i64) {
        self.machine = Machine::restore(self.machine.dump());
        (self.term, self.millis) = (self.term + 1, self.millis + millis_later);
        self.apply(Command::FireTimers);
    }

    fn rows(&self, transition: Transition) -> Vec<String> {
        let rows = self.machine.alarm_journal().filter(|row| row.transition == transition);
        rows.map(|row| format!("{}#{}", row.alarm, row.occurrence)).collect()
    }

    /// How many were announced, each of which makes one notice.
    fn announced(&self) -> usize {
        let announced = self.machine.alarm_journal().filter(|row| row.announced).count();
        assert_eq!(self.machine.notices().count(), announced);
        announced
    }
}

fn active() -> Word {
    Word::Active { severity: 1, value: None }
}

#[test]
fn an_owner_that_is_killed_with_200_alarms_active_raises_none_again_and_is_one_alarm_itself() {
    let mut lab = Lab::new(200);
    lab.say((0..200).map(high), &active());
    assert_eq!(lab.rows(Transition::Raised).len(), 200);
    let before = lab.announced();
    lab.take_over((0..200).map(high));
    let raised = lab.rows(Transition::Raised);
    assert_eq!(raised[200..], ["system/node-lost/a#1"], "no duplicate, one node lost");
    assert_eq!(lab.announced() - before, 1);
    assert_eq!(lab.machine.floods().count(), 1, "two hundred at once are a flood");
}

#[test]
fn a_device_with_50_alarms_that_does_not_answer_is_one_alarm() {
    let mut lab = Lab::new(50);
    lab.say((0..10).map(high), &active());
    let before = lab.rows(Transition::Raised).len();
    // The takeover that began the segment's life is long over.
    lab.another_leader(120_000);
    lab.say((0..50).map(high), &Word::Bad { cause: "timeout".into() });
    lab.say([comm_fault()].into_iter(), &active());
    assert_eq!(lab.rows(Transition::Raised)[before..], ["cryo/chiller/comm-fault#1"]);
    lab.say([comm_fault()].into_iter(), &Word::Clear { value: None });
    lab.say((0..10).map(high), &active());
    assert_eq!(lab.rows(Transition::Raised).len(), before + 1, "what lasted has lasted");
    assert!(lab.rows(Transition::Cleared).iter().all(|row| row.contains("comm-fault")));
}

/// What a delay waits for must not be told of a field that nobody looks at.
#[test]
fn where_nobody_drives_the_segment_nothing_can_be_told() {
    let mut lab = Lab::new(3);
    lab.say([high(0)].into_iter(), &active());
    for node in [2, 1] {
        let session = lab.machine.session(node).copied().expect("a session");
        lab.apply(Command::ExpireSession { node, session: session.id, seq: session.seq });
    }
    let causes = |lab: &Lab| -> Vec<String> {
        let quality = |n| lab.machine.alarm(&high(n)).expect("an alarm").quality.clone();
        (0..3).filter_map(|n| if let Quality::Bad { cause, .. } = quality(n) { Some(cause) } else { None }).collect()
    };
    lab.another_leader(4_000);
    assert_eq!(causes(&lab), [""; 0], "the nodes of a site that starts are on their way");
    lab.another_leader(1_000);
    assert_eq!(causes(&lab), ["nobody drives cryo"; 3]);
    let rows = lab.rows(Transition::Quality).len();
    lab.another_leader(1_000);
    assert_eq!((rows, lab.rows(Transition::Quality).len()), (3, 3), "said once");

    let after = lab.machine.session(2).map_or(0, |session| session.id);
    lab.apply(Command::OpenSession { node: 2, after, terms: LeaseTerms::default() });
    lab.say((0..3).map(high), &Word::Good);
    assert_eq!(causes(&lab), [""; 0]);
    assert_eq!(lab.rows(Transition::Raised).iter().filter(|row| row.starts_with("cryo/")).count(), 1, "and it has lasted");
}

#[test]
fn a_timed_shelf_expires_once_on_another_leader() {
    let mut lab = Lab::new(1);
    lab.say([high(0)].into_iter(), &active());
    let until = Some(Timestamp::from_millis(lab.millis + 60_000));
    lab.apply(Command::Alarm(AlarmCommand::Shelve { alarm: high(0), until, actor: "ann".into(), reason: "works".into() }));
    lab.another_leader(30_000);
    assert_eq!(lab.rows(Transition::UnshelvedAuto).len(), 0, "not before its time");
    let due = lab.machine.next_timer();
    assert_eq!(due, until, "a new leader knows when");
    lab.another_leader(30_000);
    lab.apply(Command::FireTimers);
    lab.another_leader(3_600_000);
    assert_eq!(lab.rows(Transition::UnshelvedAuto).len(), 1);
    assert_eq!(lab.machine.next_timer(), None);
}

#[test]
fn an_acknowledgement_survives_leader_and_owner() {
    let mut lab = Lab::new(1);
    lab.say([high(0)].into_iter(), &active());
    lab.apply(Command::Alarm(AlarmCommand::Acknowledge { alarm: high(0), occurrence: 1, actor: "ann".into(), comment: String::new() }));
    lab.another_leader(0);
    lab.take_over([high(0)].into_iter());
    let alarm = lab.machine.alarm(&high(0)).expect("an alarm");
    assert_eq!((alarm.state().letter(), alarm.occurrence), ("C", 1));
}

/// Ten cycles a second for an hour, unfiltered, with a leader that fires what is due.
#[test]
fn an_hour_of_chatter_is_sixty_rows_and_one_notification() {
    let mut lab = Lab::new(1);
    lab.take_over([].into_iter());
    let (rows, told) = (lab.machine.alarm_journal().count(), lab.announced());
    let start = lab.millis;
    let mut active_next = true;
    while lab.millis < start + 3_600_000 {
        if lab.machine.next_timer().is_some_and(|due| due <= Timestamp::from_millis(lab.millis)) {
            lab.apply(Command::FireTimers);
        }
        lab.say([high(0)].into_iter(), &if active_next { active() } else { Word::Clear { value: None } });
        active_next = !active_next;
        lab.millis += 49;
    }
    let rows = lab.machine.alarm_journal().count() - rows;
    assert!(rows <= 60, "{rows} rows");
    assert_eq!(lab.announced() - told, 1);
}

/// A command that was committed before a leader fell may be proposed again by a client that did not hear of it.
#[test]
fn a_repeated_deed_is_one() {
    let mut lab = Lab::new(1);
    lab.say([high(0)].into_iter(), &active());
    let until = Some(Timestamp::from_millis(lab.millis + 60_000));
    let deeds = [
        AlarmCommand::Acknowledge { alarm: high(0), occurrence: 1, actor: "ann".into(), comment: "seen".into() },
        AlarmCommand::Shelve { alarm: high(0), until, actor: "ann".into(), reason: "works".into() },
        AlarmCommand::OutOfService { alarm: high(0), actor: "ann".into(), reason: "repair".into() },
        AlarmCommand::ReturnToService { alarm: high(0), actor: "ann".into(), reason: "repaired".into() },
        AlarmCommand::Unshelve { alarm: high(0), actor: "ann".into(), reason: String::new() },
    ];
    for deed in deeds {
        lab.apply(Command::Alarm(deed.clone()));
        let (rows, audit) = (lab.machine.alarm_journal().count(), lab.machine.audit().count());
        lab.apply(Command::Alarm(deed.clone()));
        assert_eq!((lab.machine.alarm_journal().count(), lab.machine.audit().count()), (rows, audit), "{deed:?}");
    }
}

/// An owner whose report timed out says its words again, perhaps with more: a condition that came and went is not raised twice.
#[test]
fn words_in_doubt_are_taken_once() {
    let mut lab = Lab::new(1);
    let ownership = lab.machine.ownership("cryo");
    let (active, clear) = (Word::Active { severity: 1, value: None }, Word::Clear { value: None });
    let words: Vec<ConditionWord> = (1..)
        .zip([&active, &clear, &active])
        .map(|(ms, word)| ConditionWord { alarm: high(0), at: Timestamp::from_millis(lab.millis + ms), word: word.clone() })
        .collect();
    for part in [&words[..2], &words[..2], &words[1..], &words[..]] {
        let (node, epoch) = (ownership.owner.expect("an owner"), ownership.epoch);
        lab.apply(Command::Alarm(AlarmCommand::Report { node, segment: "cryo".into(), epoch, words: part.to_vec() }));
    }
    assert_eq!(lab.machine.alarm(&high(0)).map(|alarm| (alarm.occurrence, alarm.heard)), Some((2, words[2].at)));
}

/// The rows of the alarm of a site without a majority, oldest first.
fn silences(lab: &Lab) -> Vec<(Transition, String)> {
    let of_site = |alarm: &AlarmId| Some(alarm) == Machine::no_quorum_alarm().as_ref();
    let rows = lab.machine.alarm_journal().filter(|row| of_site(&row.alarm));
    rows.map(|row| (row.transition, lab.machine.alarm(&row.alarm).map(|alarm| alarm.text.clone()).unwrap_or_default())).collect()
}

#[test]
fn a_site_that_could_commit_nothing_says_so_once_when_it_can() {
    let mut lab = Lab::new(1);
    let session = |lab: &Lab, node| lab.machine.session(node).copied().expect("a session");
    let renew = |lab: &mut Lab, node| {
        let session = session(lab, node);
        lab.apply(Command::RenewSession { node, session: session.id, seq: session.seq + 1 });
    };
    let before = session(&lab, 2).renewed;
    assert_eq!(lab.machine.silent_since(Timestamp(before.0 + 5_000_000_000)), None, "a failover");
    assert_eq!(lab.machine.silent_since(Timestamp(before.0 + 5_000_000_001)), Some(before));
    lab.millis += 4_999;
    renew(&mut lab, 1);
    renew(&mut lab, 2);
    assert_eq!(silences(&lab), []);
    // A leader that finds no majority ends session after session in its log.
    for node in [1, 2] {
        lab.millis += 2_000;
        let Session { id, seq, .. } = session(&lab, node);
        lab.apply(Command::ExpireSession { node, session: id, seq });
    }
    lab.millis += 57_000;
    for node in [1, 2] {
        let after = session(&lab, node).id;
        lab.apply(Command::OpenSession { node, after, terms: LeaseTerms::default() });
    }
    let text = "nothing could be committed for 61s, from 00:16:45 UTC to 00:17:46 UTC";
    assert_eq!(silences(&lab), [(Transition::Raised, text.into()), (Transition::Cleared, text.into())]);
    assert_eq!(lab.machine.silent_since(lab.machine.time()), None);
}

#[test]
fn a_site_that_was_stopped_on_purpose_is_not_silent() {
    let mut lab = Lab::new(1);
    for node in [1, 2] {
        let session = lab.machine.session(node).expect("a session").id;
        lab.apply(Command::EndSession { node, session });
    }
    lab.millis += 3_600_000;
    let after = lab.machine.session(1).expect("a session").id;
    lab.apply(Command::OpenSession { node: 1, after, terms: LeaseTerms::default() });
    assert_eq!(silences(&lab), []);
}
