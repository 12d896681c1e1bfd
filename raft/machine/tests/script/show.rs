//! What `show` prints: one line for each thing of a kind.

use super::print::{audit_line, command_in_words, owner, seconds};
use super::words::Words;
use super::{alarms, notices};
use labkeeper_machine::{Drift, Hold, Machine, TakeoverRecord};
use labkeeper_model::TagPath;

pub(crate) fn show(machine: &Machine, words: &Words) -> Result<String, String> {
    let number = |n: usize| words.word(n)?.parse::<u64>().map_err(|error| error.to_string());
    let lines: Vec<String> = match words.word(1)? {
        "nodes" => machine.nodes().iter().map(|(id, n)| format!("{id} {} {} {} {}", n.name, n.grpc, n.http, n.reach.join(","))).collect(),
        "sessions" => machine.sessions().iter().map(|(node, session)| session_in_words(*node, session)).collect(),
        "owners" => machine.ownerships().map(|(segment, ownership)| format!("{segment} {}", ownership_in_words(&ownership))).collect(),
        "owner" => vec![ownership_in_words(&machine.ownership(words.word(2)?))],
        "recorded" => {
            machine.dump().ownerships.iter().map(|(segment, o)| format!("{segment} {} epoch {}", owner(o.owner), o.epoch)).collect()
        }
        "releases" => machine.releases_wanted(number(2)?).iter().map(|(segment, epoch)| format!("{segment} epoch {epoch}")).collect(),
        "why" => why(machine, words.word(2)?)?,
        "review" => vec![machine.next_review().map_or("none".into(), seconds)],
        "probes" => vec![format!("probes: {}", machine.probes_wanted(number(2)?).join(" "))],
        "takeovers" => machine.takeovers().map(|record| takeover_in_words(record)).collect(),
        "holds" => machine.holds_waiting().map(|(tag, hold)| hold_in_words(tag, hold)).collect(),
        "drifts" => machine.drifts().map(|(tag, drift)| drift_in_words(tag, drift)).collect(),
        "quarantined" => {
            machine.quarantined().map(|(device, q)| format!("{device} by node {} epoch {}: {}", q.node, q.epoch, q.reason)).collect()
        }
        "departures" => {
            let in_words = |(session, version): (&u64, &u64)| format!("session {session} until it drives by version {version}");
            let departures = machine.dump().departures;
            departures
                .iter()
                .map(|(address, sessions)| format!("{address}: {}", sessions.iter().map(in_words).collect::<Vec<_>>().join(", ")))
                .collect()
        }
        "setpoints" => machine
            .setpoints()
            .map(|(tag, s)| format!("{tag} = {}, revision {}, {}, by {:?} because {:?}", s.value, s.revision, s.state, s.actor, s.reason))
            .collect(),
        "commands" => machine.recent_commands().map(|record| command_in_words(record)).collect(),
        "outstanding" => machine.outstanding(words.word(2)?).map(|record| command_in_words(record)).collect(),
        "deadline" => vec![machine.next_deadline().map_or("none".into(), seconds)],
        "audit" => {
            let of = |action: &str| words.key("of").is_none_or(|of| of.split(',').any(|wanted| wanted == action));
            machine.audit().filter(|entry| of(&entry.action)).map(|entry| audit_line(entry)).collect()
        }
        "control" => super::control::show_control(machine, seconds),
        "alarms" => machine.alarm_records().map(|(id, alarm)| alarms::alarm_in_words((id, alarm))).collect(),
        "journal" => machine.alarm_journal().map(|row| alarms::row_in_words(row)).collect(),
        "floods" => machine.floods().map(alarms::flood_in_words).collect(),
        "notices" => notices::in_words(machine),
        "routes" => machine.notice_routes().map(|(route, record)| notices::route_in_words(route, &record)).collect(),
        "ramps" => super::operate::show_ramps(machine),
        "selections" => super::operate::show_selections(machine),
        "interlocks" => super::control::show_interlocks(machine, seconds),
        "explain" => super::control::explain(machine, words)?,
        "timer" => vec![machine.next_timer().map_or("none".into(), seconds)],
        "entry" => vec![format!("entry {} at {}, site version {}", machine.applied(), seconds(machine.time()), machine.site_version())],
        other => return Err(format!("cannot show {other:?}")),
    };
    Ok(lines.into_iter().map(|line| line + "\n").collect())
}

fn session_in_words(node: u64, session: &labkeeper_machine::Session) -> String {
    let end = session.ended.map_or(String::new(), |ended| format!(", ended {}", seconds(ended)));
    let (opened, renewed) = (seconds(session.opened), seconds(session.renewed));
    format!("node {node}: session {}, opened {opened}, renewal {} at {renewed}{end}", session.id, session.seq)
}

fn ownership_in_words(ownership: &labkeeper_machine::Ownership) -> String {
    let next = ownership.successor.map_or(String::new(), |next| format!(", next node {next}"));
    let left = ownership.vacancy.map_or(String::new(), |left| format!(", left by node {}: {}", left.from, left.cause));
    format!("{} epoch {}{next}{left}", owner(ownership.owner), ownership.epoch)
}

fn hold_in_words(tag: &TagPath, hold: &Hold) -> String {
    let actual = hold.actual.as_ref().map_or("not read".to_owned(), |actual| format!("reading {actual}"));
    format!("{tag} since {} epoch {}, {actual}: {}", seconds(hold.since), hold.epoch, hold.reason.in_words())
}

fn drift_in_words(tag: &TagPath, drift: &Drift) -> String {
    let actual = drift.outcome.actual().map_or(String::new(), |actual| format!(" {actual}"));
    format!("{tag} since {} epoch {}: {}{actual}", seconds(drift.since), drift.epoch, drift.outcome.as_str())
}

fn why(machine: &Machine, segment: &str) -> Result<Vec<String>, String> {
    let placement = machine.placement(segment).ok_or("no such segment")?;
    let candidates = placement.candidates.iter().map(|candidate| {
        let mark = if candidate.eligible { "can" } else { "cannot" };
        format!("  node {} {mark}: {}", candidate.node, candidate.why)
    });
    Ok([placement.in_words.clone()].into_iter().chain(candidates).collect())
}

fn takeover_in_words(record: &TakeoverRecord) -> String {
    let time = |time: Option<labkeeper_model::Timestamp>| time.map_or("-".into(), seconds);
    let told = record.report.map_or("not told".to_owned(), |report| {
        let [connected, read, enabled] = [report.connected, report.read, report.enabled].map(seconds);
        let gap = record.gap().unwrap_or_default().as_millis();
        format!(
            "connected {connected}, read {read}, enabled {enabled}, {}/{} devices, gap {gap} ms",
            report.devices_reached, report.devices
        )
    });
    format!(
        "{} {} -> node {} epoch {} ({}): renewed {}, ended {}, assigned {} by entry {}; {told}",
        record.segment,
        owner(record.from),
        record.to,
        record.epoch,
        record.cause,
        time(record.last_renewal),
        time(record.ended),
        seconds(record.assigned),
        record.log_index,
    )
}
