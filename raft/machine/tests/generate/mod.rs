//! Random histories of a small lab: few nodes, tags and ids, so that everything meets everything, and values from the edges of what
//! the types can hold.

pub(crate) mod alarms;
pub(crate) mod control;
pub(crate) mod damage;
pub(crate) mod operate;
pub(crate) mod site;
pub(crate) mod tenure;

use labkeeper_machine::{Command, CommandReport, Machine, NodeInfo, SetpointRequest, Stamp};
use labkeeper_model::site::SiteSpec;
use labkeeper_model::{CommandId, CommandState, ErrorCode, LeaseTerms, Name, TagPath, Timestamp, Value};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// A command and how far index (entries) and time (milliseconds) move to it.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) index_step: u64,
    pub(crate) millis_step: i64,
    pub(crate) command: Command,
}

/// A command with its stamp.
pub(crate) type Stamped = (Stamp, Command);

/// A history of a lab that behaves, in which each step takes at most `millis_step_max`. It begins with a founded site, mostly of two nodes
/// with sessions.
pub(crate) fn history(millis_step_max: i64) -> impl Strategy<Value = Vec<Stamped>> {
    (site::sane(), vec(entry(millis_step_max, command()), 0..60), prop::bool::weighted(0.8))
        .prop_map(|(site, entries, sessions)| stamped(beginning(site, if sessions { 2 } else { 0 }).chain(entries)))
}

/// A history of three nodes that is mostly about who drives what, in steps of up to 20 s.
pub(crate) fn tenure_history() -> impl Strategy<Value = Vec<Stamped>> {
    let command = prop_oneof![9 => tenure::command(), 1 => command()];
    (site::sane(), vec(entry(20_000, command), 0..80)).prop_map(|(site, entries)| stamped(beginning(site, 3).chain(entries)))
}

/// A history that is mostly about who may write, in steps of up to 20 s.
pub(crate) fn control_history() -> impl Strategy<Value = Vec<Stamped>> {
    let command = prop_oneof![12 => control::command(), 8 => request().prop_map(Command::SubmitSetpoint), 2 => Just(Command::FireTimers), 3 => command()];
    (site::sane(), vec(entry(20_000, command), 0..60)).prop_map(|(site, entries)| stamped(beginning(site, 1).chain(entries)))
}

/// A history that is mostly about ramps and selections, in steps of up to two seconds.
pub(crate) fn operate_history() -> impl Strategy<Value = Vec<Stamped>> {
    let command = prop_oneof![
        16 => operate::command(),
        10 => request().prop_map(Command::SubmitSetpoint),
        4 => (node_id(), vec(report(), 0..4)).prop_map(|(node, reports)| Command::ReportCommands { node, reports }),
        1 => control::command(),
        1 => tenure::command(),
        1 => command(),
    ];
    (site::sane(), vec(entry(2_000, command), 0..80)).prop_map(|(site, entries)| stamped(beginning(site, 2).chain(entries)))
}

/// A history that is mostly about alarms, in steps of up to 20 s.
pub(crate) fn alarm_history() -> impl Strategy<Value = Vec<Stamped>> {
    let command =
        prop_oneof![12 => alarms::command(), 4 => Just(Command::FireTimers), 3 => alarms::notice(), 1 => tenure::command(), 1 => command()];
    (site::sane(), vec(entry(20_000, command), 0..80)).prop_map(|(site, entries)| stamped(beginning(site, 2).chain(entries)))
}

/// A history that is mostly about what people do under ids, of which there are so few that most come again: as they were, or with another
/// deed. What they do to alarms is meant as of the entry, so a repetition of it is now and then another deed.
pub(crate) fn deed_history() -> impl Strategy<Value = Vec<Stamped>> {
    let deed = prop_oneof![3 => alarms::command(), 2 => control::command(), 1 => operate::command(), 1 => command()];
    let pool = vec((0..4u8, deed), 1..8);
    let again = any::<prop::sample::Index>().prop_map(Ok);
    let command = prop_oneof![3 => again, 2 => prop_oneof![alarms::command(), control::command(), tenure::command()].prop_map(Err)];
    (site::sane(), pool, vec(entry_of(20_000, command), 0..60)).prop_map(|(site, pool, entries)| {
        let entries = entries.into_iter().map(move |(index_step, millis_step, command)| {
            let once = |at: prop::sample::Index| {
                let (id, deed) = at.get(&pool).clone();
                Command::Once { id: CommandId([id; 16]), deed: Box::new(deed) }
            };
            Entry { index_step, millis_step, command: command.map_or_else(|other| other, once) }
        });
        stamped(beginning(site, 2).chain(entries))
    })
}

fn entry_of<T: std::fmt::Debug>(millis_step_max: i64, command: impl Strategy<Value = T>) -> impl Strategy<Value = (u64, i64, T)> {
    (0..3u64, 0..millis_step_max, command)
}

fn entry(millis_step_max: i64, command: impl Strategy<Value = Command>) -> impl Strategy<Value = Entry> {
    entry_of(millis_step_max, command).prop_map(|(index_step, millis_step, command)| Entry { index_step, millis_step, command })
}

/// A site with that many nodes with sessions; without any, it has one node.
fn beginning(site: SiteSpec, nodes: u8) -> impl Iterator<Item = Entry> {
    let admitted =
        |n| if n == 0 { Command::FoundSite { site_id: [1; 16], node: plain_node(0) } } else { Command::AdmitNode { node: plain_node(n) } };
    // Each takes the index of its entry as its number, and each entry after the first two is one further.
    let opened = |n: u8| Command::OpenSession { node: u64::from(n) * 2 + 1, after: 0, terms: LeaseTerms::default() };
    let apply = Command::ApplySite { site, expected_version: None, actor: "ann".into(), reason: String::new() };
    let nodes = (0..nodes.max(1)).flat_map(move |n| [Some(admitted(n)), (nodes > 0).then(|| opened(n))]).flatten();
    nodes.chain([apply]).map(|command| Entry { index_step: 1, millis_step: 0, command })
}

/// A history in which anything can happen: before the founding, with stamps that jump to the ends of time and back.
pub(crate) fn hostile_history() -> impl Strategy<Value = Vec<Stamped>> {
    let time =
        prop_oneof![8 => (0..100_000_000i64).prop_map(Timestamp::from_millis), 1 => any::<i64>().prop_map(Timestamp), 1 => extreme_time()];
    let index = prop_oneof![8 => 0..40u64, 1 => any::<u64>(), 1 => Just(u64::MAX)];
    let stamp = (index, time).prop_map(|(index, time)| Stamp { index, time, term: 1 });
    vec((stamp, command()), 0..60)
}

/// Gives every command its stamp. Times in commands are meant from the stamp on, and reports are the present owner's about the latest
/// commands: an owner knows what it is asked, and a history of strangers' reports would be a dull one.
fn stamped(entries: impl Iterator<Item = Entry>) -> Vec<Stamped> {
    let mut stamp = Stamp { index: 0, time: Timestamp::from_millis(0), term: 1 };
    let mut machine = Machine::new();
    let mut ids = Vec::new();
    let mut history = Vec::new();
    for mut entry in entries {
        stamp.index += entry.index_step;
        stamp.time = Timestamp(stamp.time.0 + entry.millis_step * 1_000_000);
        match &mut entry.command {
            Command::SubmitSetpoint(request) => {
                request.deadline.0 = request.deadline.0.saturating_add(stamp.time.0);
                ids.push(request.id);
            }
            Command::ReportCommands { node, reports } => {
                reports.iter_mut().for_each(|report| meant(report, stamp, &ids));
                by_owner(node, reports, &machine);
            }
            Command::Operate(command) => operate::meant(command, &machine),
            Command::Alarm(command) => alarms::meant(command, &machine, stamp.time),
            Command::Once { deed, .. } => match &mut **deed {
                Command::Alarm(command) => alarms::meant(command, &machine, stamp.time),
                other => tenure::meant(other, &machine, stamp.time),
            },
            other => tenure::meant(other, &machine, stamp.time),
        }
        machine.apply(stamp, entry.command.clone());
        history.push((stamp, entry.command));
    }
    history
}

fn meant(report: &mut CommandReport, stamp: Stamp, ids: &[CommandId]) {
    report.time.0 = report.time.0.saturating_add(stamp.time.0);
    let back = usize::from(report.id.0[15] % 4);
    report.id = ids.iter().rev().nth(back).copied().unwrap_or(report.id);
}

/// Makes the reports of node 1 under epoch 1 those of the owner of their segment.
fn by_owner(node: &mut u64, reports: &mut [CommandReport], machine: &Machine) {
    let ownerships = machine.dump().ownerships;
    for report in reports.iter_mut().filter(|report| *node == 1 && report.epoch == 1) {
        let owned = machine.command(&report.id).and_then(|record| ownerships.get(record.tag.segment()));
        report.epoch = owned.map_or(1, |ownership| ownership.epoch);
    }
    let first = reports.first().and_then(|report| machine.command(&report.id));
    let owner = first.and_then(|record| ownerships.get(record.tag.segment())).and_then(|ownership| ownership.owner);
    if *node == 1 {
        *node = owner.unwrap_or(1);
    }
}

fn command() -> impl Strategy<Value = Command> {
    let version = option::weighted(0.2, 0..4u64);
    prop_oneof![
        1 => (any::<[u8; 16]>(), node()).prop_map(|(site_id, node)| Command::FoundSite { site_id, node }),
        2 => node().prop_map(|node| Command::AdmitNode { node }),
        1 => (node_id(), node()).prop_map(|(id, node)| Command::UpdateNode { id, node }),
        1 => (node_id(), actor()).prop_map(|(id, actor)| Command::RemoveNode { id, actor }),
        2 => (site::any_site(), version, actor(), text()).prop_map(|(site, expected_version, actor, reason)| {
            Command::ApplySite { site, expected_version, actor, reason }
        }),
        20 => request().prop_map(Command::SubmitSetpoint),
        20 => (node_id(), vec(report(), 0..4)).prop_map(|(node, reports)| Command::ReportCommands { node, reports }),
        2 => Just(Command::ExpireCommands),
        4 => Just(Command::FireTimers),
        20 => alarms::command(),
        40 => tenure::command(),
        3 => control::command(),
        4 => alarms::notice(),
        3 => (0..4u8, alarms::command()).prop_map(|(id, deed)| Command::Once { id: CommandId([id; 16]), deed: Box::new(deed) }),
    ]
}

fn node_id() -> impl Strategy<Value = u64> {
    prop_oneof![8 => Just(1u64), 4 => 0..30u64, 1 => any::<u64>()]
}

pub(crate) fn plain_node(number: u8) -> NodeInfo {
    let name = ["a", "b", "c", "d"][usize::from(number % 4)];
    NodeInfo {
        name: Name::new(name).expect("a name"),
        instance: [number; 16],
        grpc: format!("{name}:7600"),
        http: format!("http://{name}:7680"),
        reach: vec!["*".into()],
    }
}

fn node() -> impl Strategy<Value = NodeInfo> {
    let reach = vec(prop_oneof![8 => Just("*".to_owned()), 4 => Just("cryo".to_owned()), 4 => Just("hall".to_owned()), 1 => text()], 0..3);
    let address = prop_oneof![9 => Just("host:7600".to_owned()), 1 => text()];
    (0..4u8, 0..6u8, reach, address).prop_map(|(name, instance, reach, grpc)| NodeInfo {
        instance: [instance; 16],
        reach,
        grpc,
        ..plain_node(name)
    })
}

fn request() -> impl Strategy<Value = SetpointRequest> {
    let deadline =
        prop_oneof![8 => (0..20_000_000i64).prop_map(Timestamp::from_millis), 1 => any::<i64>().prop_map(Timestamp), 1 => extreme_time()];
    let expected = option::weighted(0.2, prop_oneof![0..4u64, any::<u64>()]);
    (id(), tag(), value(), expected, deadline, control::person(), text()).prop_map(
        |(id, tag, value, expected_revision, deadline, actor, reason)| SetpointRequest {
            id,
            tag,
            value,
            expected_revision,
            deadline,
            actor,
            reason,
            ramp_per_s: None,
        },
    )
}

fn id() -> impl Strategy<Value = CommandId> {
    prop_oneof![30 => (1..40u128).prop_map(|n| CommandId(n.to_be_bytes())), 1 => Just(CommandId([0; 16])), 1 => any::<[u8; 16]>().prop_map(CommandId)]
}

fn tag() -> impl Strategy<Value = TagPath> {
    let parts = (prop_oneof![19 => Just("cryo"), 1 => Just("hall")], 1..3u8, 0..3u8);
    parts.prop_map(|(segment, device, tag)| TagPath::parse(&format!("{segment}/d{device}/t{tag}")).expect("a path"))
}

pub(crate) fn value() -> impl Strategy<Value = Value> {
    let edges = [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, f64::MAX, f64::MIN_POSITIVE, 0.5];
    prop_oneof![
        12 => (0..50i64).prop_map(Value::I64),
        6 => (0..50i32).prop_map(|n| Value::F64(f64::from(n))),
        2 => any::<bool>().prop_map(Value::Bool),
        1 => any::<i64>().prop_map(Value::I64),
        1 => any::<u64>().prop_map(Value::U64),
        1 => any::<f64>().prop_map(Value::F64),
        1 => prop::sample::select(edges.to_vec()).prop_map(Value::F64),
        1 => text().prop_map(Value::Text),
    ]
}

fn report() -> impl Strategy<Value = CommandReport> {
    let states = prop_oneof![
        6 => prop::sample::select(vec![CommandState::Dispatched, CommandState::Written, CommandState::Verified]),
        3 => prop::sample::select(vec![CommandState::Failed, CommandState::VerifyFailed, CommandState::Unknown]),
        1 => prop::sample::select(CommandState::ALL.to_vec()),
    ];
    let time = prop_oneof![8 => (0..20_000_000i64).prop_map(Timestamp::from_millis), 1 => extreme_time()];
    let error = option::of(text().prop_map(|message| (ErrorCode::DeviceTimeout, message)));
    let epoch = prop_oneof![6 => Just(1u64), 3 => 1..4u64, 1 => any::<u64>()];
    (id(), epoch, states, time, error).prop_map(|(id, epoch, state, time, error)| CommandReport {
        id,
        epoch,
        state,
        time,
        error,
        mark: None,
    })
}

fn actor() -> impl Strategy<Value = String> {
    prop_oneof![9 => Just("ann".to_owned()), 1 => text()]
}

/// Texts of every length around the bounds, with characters of one to four bytes.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![6 => Just(String::new()), 3 => ".{0,12}", 1 => (0..1200usize).prop_map(|n| "x".repeat(n)), 1 => (0..400usize).prop_map(|n| "\u{1f9ca}".repeat(n))]
}

fn extreme_time() -> impl Strategy<Value = Timestamp> {
    prop::sample::select(vec![Timestamp(i64::MIN), Timestamp(-1), Timestamp(0), Timestamp(i64::MAX - 1), Timestamp(i64::MAX)])
}
