use super::*;
use labkeeper_model::{BadReason, TagPath};

const DEADLINE: Timestamp = Timestamp::from_millis(10_000);

fn ms(at: u64) -> Moment {
    Moment(at * 1_000_000)
}

fn wall(at: u64) -> Timestamp {
    Timestamp::from_millis(at as i64)
}

fn record(state: CommandState) -> CommandRecord {
    CommandRecord {
        id: CommandId([1; 16]),
        tag: TagPath::parse("cryo/chiller-1/setpoint").expect("a path"),
        asked: Value::F64(22.0),
        accepted: Some(Value::F64(22.0)),
        revision: 1,
        expected_revision: None,
        deadline: DEADLINE,
        actor: "ann".into(),
        reason: String::new(),
        log_index: 7,
        steps: vec![(state, wall(0))],
        error: None,
        owner: None,
        kind: labkeeper_machine::CommandKind::Setpoint,
        ramp_per_s: None,
        mark: None,
        dispatched_epoch: None,
    }
}

fn approach(state: CommandState, is_inherited: bool) -> Approach {
    let manner = Manner { rate_per_s: 1.0, resolution: 0.0, pace: Duration::from_millis(100) };
    Approach::new(&record(state), Course { target: Value::F64(22.0), manner, epoch: 3, is_inherited }).expect("a number")
}

/// A device that does what it is told, and what is said about the ramp.
struct Play {
    approach: Approach,
    device: f64,
    at: u64,
    writes: Vec<(u64, f64)>,
    words: Vec<Word>,
    wish: Wish,
}

impl Play {
    fn new(approach: Approach, device: f64) -> Self {
        Self { approach, device, at: 0, writes: vec![], words: vec![], wish: Wish::Go }
    }

    /// Goes on until `until` or to what comes after the ramp.
    fn run(&mut self, mut next: Next, until: u64) -> Next {
        while self.at < until {
            self.words.extend(self.approach.take_words());
            let event = match next {
                Next::Arrived(_) | Next::End => return next,
                Next::Wait(pause) => {
                    self.pass(pause);
                    next = self.approach.look(self.wish, wall(self.at), ms(self.at));
                    continue;
                }
                Next::Read(pause) => {
                    self.pass(pause);
                    Event::Read(Ok(Sample { time: wall(self.at), value: Some(Value::F64(self.device)), quality: Quality::Good }))
                }
                Next::Write(value) => {
                    self.device = value.as_f64().expect("a number");
                    self.writes.push((self.at, self.device));
                    self.pass(Duration::from_millis(5));
                    Event::Written(wall(self.at))
                }
            };
            next = self.approach.handle(event, self.wish, wall(self.at), ms(self.at));
        }
        self.words.extend(self.approach.take_words());
        next
    }

    fn pass(&mut self, pause: Duration) {
        self.at += u64::try_from(pause.as_millis()).expect("short");
    }

    fn states(&self) -> Vec<CommandState> {
        let state = |word: &Word| if let Word::Command(report) = word { Some(report.state) } else { None };
        self.words.iter().filter_map(state).collect()
    }
}

#[test]
fn it_goes_from_the_reading_to_the_target_and_says_little() {
    let mut play = Play::new(approach(CommandState::Committed, false), 20.0);
    let next = play.approach.start(Wish::Go, wall(0));
    assert_eq!(play.run(next, 60_000), Next::Arrived(wall(play.at)));
    assert_eq!(play.writes.last().map(|write| write.1), Some(22.0));
    assert!((1_900..2_200).contains(&play.at), "two units at one a second, at {} ms", play.at);
    assert!(play.writes.len() >= 18, "{:?}", play.writes);
    let steepest = play.writes.windows(2).map(|w| (w[1].1 - w[0].1) / ((w[1].0 - w[0].0) as f64 / 1_000.0)).fold(0.0, f64::max);
    assert!(steepest < 1.0 + 1e-9, "{steepest}");
    assert_eq!((play.states(), play.words.len()), (vec![CommandState::Dispatched, CommandState::Written], 3), "{:?}", play.words);
    assert_eq!(play.words[0], Word::Started(Value::F64(20.0)));
}

#[test]
fn another_owner_goes_on_from_the_reading_also_after_the_deadline() {
    let mut play = Play::new(approach(CommandState::Dispatched, true), 21.5);
    play.at = 50_000;
    let next = play.approach.start(Wish::Go, wall(50_000));
    assert!(matches!(play.run(next, 120_000), Next::Arrived(_)));
    assert_eq!((&play.words[0], play.states()), (&Word::Started(Value::F64(21.5)), vec![CommandState::Written]));
    assert!(play.writes[0].1 < 21.7, "{:?}", play.writes);
}

#[test]
fn it_is_held_and_goes_on() {
    let mut play = Play::new(approach(CommandState::Committed, false), 20.0);
    let next = play.approach.start(Wish::Go, wall(0));
    let next = play.run(next, 1_000);
    play.wish = Wish::Hold;
    let next = play.run(next, 5_000);
    let (held, steps) = (play.device, play.writes.len());
    play.wish = Wish::Go;
    assert!(matches!(play.run(next, 60_000), Next::Arrived(_)));
    assert!(held < 21.1 && play.writes[steps].1 - held < 0.15, "{held} then {:?}", play.writes[steps]);
    let told: Vec<_> = play.words.iter().filter(|word| matches!(word, Word::Held(_) | Word::Resumed(_))).collect();
    assert_eq!(told, [&Word::Held(Value::F64(held)), &Word::Resumed(Value::F64(held))]);
}

#[test]
fn stop_leaves_it_where_it_stands() {
    let mut play = Play::new(approach(CommandState::Committed, false), 20.0);
    let next = play.approach.start(Wish::Go, wall(0));
    let next = play.run(next, 1_000);
    play.wish = Wish::Stop;
    assert_eq!(play.run(next, 60_000), Next::End);
    assert_eq!(play.words.last(), Some(&Word::Stopped(Some(Value::F64(play.device)))));
}

#[test]
fn stop_does_not_wait_for_a_device_that_does_not_answer() {
    let mut silent = approach(CommandState::Dispatched, true);
    let _ = silent.start(Wish::Go, wall(0));
    let no_answer = Event::Read(Err("connection refused".into()));
    assert_eq!(silent.handle(no_answer.clone(), Wish::Go, wall(1), ms(1)), Next::Read(READ_AGAIN));
    assert_eq!(silent.handle(no_answer, Wish::Stop, wall(2), ms(2)), Next::End);
    assert_eq!(silent.take_words(), [Word::Stopped(None)]);
}

/// Whoever stops it while a step is on its way: one that was not sent was not reached, and of one that may have been, the device is asked.
#[test]
fn stop_during_a_step_leaves_what_the_device_has() {
    let read = |value| Event::Read(Ok(Sample { time: wall(0), value: Some(Value::F64(value)), quality: Quality::Good }));
    let under_way = || {
        let mut ramp = approach(CommandState::Dispatched, false);
        let _ = ramp.start(Wish::Go, wall(0));
        let _ = ramp.handle(read(20.0), Wish::Go, wall(0), ms(0));
        assert_eq!(ramp.look(Wish::Go, wall(100), ms(100)), Next::Write(Value::F64(20.1)));
        let _ = ramp.take_words();
        ramp
    };
    let mut unsent = under_way();
    assert_eq!(unsent.handle(Event::NotSent("it is not wanted any more".into()), Wish::Stop, wall(101), ms(101)), Next::End);
    assert_eq!(unsent.take_words(), [Word::Stopped(Some(Value::F64(20.0)))]);

    let mut doubtful = under_way();
    assert_eq!(doubtful.handle(Event::MayHaveReached("timeout".into()), Wish::Stop, wall(101), ms(101)), Next::Read(READ_AGAIN));
    assert_eq!(doubtful.handle(read(20.1), Wish::Stop, wall(201), ms(201)), Next::End);
    assert_eq!(doubtful.take_words(), [Word::Stopped(Some(Value::F64(20.1)))]);
}

#[test]
fn a_step_that_may_be_lost_is_followed_by_a_reading() {
    for lost in [Event::MayHaveReached("timeout".into()), Event::NotSent("connection refused".into())] {
        let mut ramp = approach(CommandState::Committed, false);
        let _ = ramp.start(Wish::Go, wall(0));
        let read = |value| Event::Read(Ok(Sample { time: wall(0), value: Some(Value::F64(value)), quality: Quality::Good }));
        assert_eq!(ramp.handle(read(20.0), Wish::Go, wall(0), ms(0)), Next::Wait(Duration::from_millis(100)));
        assert_eq!(ramp.look(Wish::Go, wall(100), ms(100)), Next::Write(Value::F64(20.1)));
        assert_eq!(ramp.handle(lost.clone(), Wish::Go, wall(400), ms(400)), Next::Read(READ_AGAIN), "{lost:?}");
        assert_eq!(ramp.is_begun(), matches!(lost, Event::MayHaveReached(_)));
        assert_eq!(ramp.handle(read(5.0), Wish::Go, wall(60_000).min(wall(500)), ms(500)), Next::Wait(Duration::from_millis(100)));
        assert_eq!(ramp.look(Wish::Go, wall(600), ms(600)), Next::Write(Value::F64(5.1)), "from what the device has");
    }
}

#[test]
fn a_ramp_that_never_began_does_not_begin_late() {
    let bad = || Event::Read(Ok(Sample { time: wall(0), value: Some(Value::F64(20.0)), quality: Quality::Bad(BadReason::Timeout) }));
    for (is_inherited, state) in [(false, CommandState::Expired), (true, CommandState::Unknown)] {
        let mut late = approach(CommandState::Committed, is_inherited);
        assert_eq!(late.start(Wish::Go, wall(9_999)), Next::Read(Duration::ZERO));
        assert_eq!(late.handle(bad(), Wish::Go, wall(9_999), ms(9_999)), Next::Read(READ_AGAIN), "a bad reading is no start");
        assert_eq!(late.handle(bad(), Wish::Go, DEADLINE, ms(10_000)), Next::End);
        assert!(matches!(&late.take_words()[..], [Word::Command(report)] if report.state == state));
    }
}

#[test]
fn a_refused_step_ends_it() {
    let mut refused = approach(CommandState::Dispatched, true);
    let _ = refused.start(Wish::Go, wall(0));
    assert_eq!(refused.handle(Event::Refused(ErrorCode::WriteFailed, "interlock door".into()), Wish::Go, wall(1), ms(1)), Next::End);
    assert!(matches!(&refused.take_words()[..], [Word::Command(report)] if report.state == CommandState::Failed));
}

#[test]
fn what_is_no_number_is_not_approached() {
    let course = Course { target: Value::Bool(true), ..approach(CommandState::Committed, false).course };
    assert!(Approach::new(&record(CommandState::Committed), course).is_none());
}
