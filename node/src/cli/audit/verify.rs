//! Whether the audit is still what was written: in a file by itself, or on every node, each by itself and beside the others.

use super::super::client::Client;
use super::super::error::CliError;
use super::super::output::{Form, Output};
use super::super::status;
use super::row::{self, AuditRow};
use super::{VerifyArgs, all};
use labkeeper_machine::chain;
use labkeeper_model::ErrorCode;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Most bytes of a file: every entry that is kept, at 5 KB each, is 50 MB; an archive of many exports is to be checked one by one.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// What was found. Its keys are a promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Verdict {
    /// A file or a node.
    place: String,
    entries: usize,
    first: Option<u64>,
    last: Option<u64>,
    /// The hash of the newest entry: to be kept elsewhere.
    hash: Option<String>,
    /// What is wrong; `null` if nothing is.
    error: Option<String>,
    /// Whether the node could be asked.
    asked: bool,
}

/// Runs the command.
///
/// # Errors
/// The file cannot be read, no node answers, or something is not what was written.
pub(super) async fn run(args: &VerifyArgs) -> Result<(), CliError> {
    let output = Output { json: args.client.json };
    let verdicts = match &args.file {
        Some(file) => vec![judge(file.display().to_string(), &read(file)?)?],
        None => on_every_node(&Client::new(&args.client)?).await?,
    };
    if output.json {
        output.json(&verdicts, Form::Document)?;
    } else {
        verdicts.iter().try_for_each(|verdict| output.line(in_words(verdict)))?;
    }
    let wrong: Vec<String> = verdicts.iter().filter_map(|v| v.error.as_ref().map(|error| format!("{}: {error}", v.place))).collect();
    if wrong.is_empty() { Ok(()) } else { Err(CliError::failed(ErrorCode::AuditBroken, wrong.join(", "))) }
}

fn read(file: &Path) -> Result<Vec<AuditRow>, CliError> {
    let bad =
        |what: String| CliError::usage(ErrorCode::BadAuditFile, format!("{}: {what}", file.display()), ErrorCode::BadAuditFile.remedy());
    let size = std::fs::metadata(file).map_err(|error| bad(error.to_string()))?.len();
    if size > FILE_BYTES_MAX {
        return Err(bad(format!("it has {size} bytes, more than {FILE_BYTES_MAX}")));
    }
    let text = std::fs::read_to_string(file).map_err(|error| bad(error.to_string()))?;
    row::parse(&text).map_err(bad)
}

/// Checks the chain of one place.
///
/// # Errors
/// An entry says what no export says.
fn judge(place: String, rows: &[AuditRow]) -> Result<Verdict, CliError> {
    let bad = |what: String| CliError::failed(ErrorCode::BadAuditFile, format!("{place}: {what}"));
    let anchor = rows.first().map_or(Ok(chain::ORIGIN), AuditRow::anchor).map_err(bad)?;
    let entries = rows.iter().map(AuditRow::entry).collect::<Result<Vec<_>, _>>().map_err(bad)?;
    let error = chain::verify(anchor, &entries).err().map(|breach| breach.to_string());
    let (first, last) = (rows.first().map(|row| row.number), rows.last().map(|row| row.number));
    let hash = rows.last().and_then(|row| row.hash.clone());
    Ok(Verdict { place, entries: rows.len(), first, last, hash, error, asked: true })
}

async fn on_every_node(client: &Client) -> Result<Vec<Verdict>, CliError> {
    let nodes = status::fetch(client).await?.nodes;
    // Of each entry, who was first to show it, and with which hash.
    let mut seen: BTreeMap<u64, (String, Option<String>)> = BTreeMap::new();
    let mut verdicts = vec![];
    for node in nodes {
        match all(&Client::of(vec![node.grpc], client.patience())?).await {
            Ok(rows) => {
                let mut verdict = judge(node.name.clone(), &rows)?;
                verdict.error = verdict.error.or_else(|| difference(&mut seen, &node.name, &rows));
                verdicts.push(verdict);
            }
            Err(_) => {
                verdicts.push(Verdict { place: node.name, entries: 0, first: None, last: None, hash: None, error: None, asked: false });
            }
        }
    }
    Ok(verdicts)
}

/// The first entry that another node has with another hash. A chain that was made anew is whole, but is not that of the others.
fn difference(seen: &mut BTreeMap<u64, (String, Option<String>)>, node: &str, rows: &[AuditRow]) -> Option<String> {
    let mut found = None;
    for row in rows {
        let (other, hash) = seen.entry(row.number).or_insert_with(|| (node.to_owned(), row.hash.clone()));
        if *hash != row.hash && found.is_none() {
            found = Some(format!("entry {} is not the one that {other} has", row.number));
        }
    }
    found
}

fn in_words(verdict: &Verdict) -> String {
    let place = &verdict.place;
    if !verdict.asked {
        return format!("{place}: could not be asked");
    }
    let range = verdict.first.zip(verdict.last).map_or("no entries".to_owned(), |(first, last)| format!("entries {first} to {last}"));
    let hash = verdict.hash.as_deref().unwrap_or("none");
    match &verdict.error {
        None => format!("{place}: {range} are what was written; the newest has hash {hash}"),
        Some(error) => format!("{place}: {range}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use labkeeper_model::CommandId;
    use labkeeper_proto::v1;

    /// Entries as a node tells them.
    fn rows(count: u64) -> Vec<AuditRow> {
        let mut before = chain::ORIGIN;
        let mut rows = vec![];
        for number in 1..=count {
            let mut wire = v1::AuditEntry {
                number,
                log_index: 2 * number,
                time_unix_ns: 1_772_366_400_123_456_789,
                actor: "ann".into(),
                action: "setpoint".into(),
                target: "cryo/a/t".into(),
                detail: "a \"quote\", a comma\nand a line".into(),
                before: "4".into(),
                command_id: CommandId([7; 16]).to_string(),
                refused: if number == 2 { "LAB3005".into() } else { String::new() },
                ..v1::AuditEntry::default()
            };
            let entry = AuditRow::new(&before, wire.clone()).entry().expect("an entry");
            let hash = chain::hash_of(&before, &entry);
            wire.hash = hash.to_vec();
            rows.push(AuditRow::new(&before, wire));
            before = hash;
        }
        rows
    }

    fn error_of(rows: &[AuditRow]) -> Option<String> {
        judge("f".into(), rows).expect("a verdict").error
    }

    #[test]
    fn an_export_comes_back_from_both_formats_and_is_found_whole() {
        let rows = rows(4);
        for text in [row::to_jsonl(&rows), row::to_csv(&rows)] {
            let back = row::parse(&text.expect("a text")).expect("rows");
            assert_eq!(back, rows);
            assert_eq!((error_of(&back), error_of(&back[2..])), (None, None));
        }
    }

    #[test]
    fn what_was_changed_removed_or_moved_in_a_file_is_found() {
        let text = row::to_jsonl(&rows(4)).expect("a text");
        let edited = |change: &dyn Fn(&mut Vec<String>)| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            change(&mut lines);
            error_of(&row::parse(&lines.join("\n")).expect("rows")).expect("a breach")
        };
        let changed = edited(&|lines| lines[1] = lines[1].replace("\"ann\"", "\"bob\""));
        assert!(changed.starts_with("entry 2 is not what was written"), "{changed}");
        assert_eq!(edited(&|lines| drop(lines.remove(2))), "entry 3 is missing: 4 stands in its place");
        assert_eq!(edited(&|lines| lines.swap(1, 2)), "entry 2 is missing: 3 stands in its place");
        let forged = edited(&|lines| {
            let before = lines[0].clone();
            lines[0] = before.replace("\"4\"", "\"9\"");
        });
        assert!(forged.starts_with("entry 1 is not what was written"), "{forged}");
    }

    #[test]
    fn a_chain_that_was_made_anew_is_found_beside_another_nodes() {
        let mut seen = BTreeMap::new();
        assert_eq!(difference(&mut seen, "lab-a", &rows(3)), None);
        assert_eq!(difference(&mut seen, "lab-b", &rows(4)), None, "one that is ahead is not apart");
        let mut forged = rows(3);
        forged[1].hash = forged[0].hash.clone();
        assert_eq!(difference(&mut seen, "lab-c", &forged), Some("entry 2 is not the one that lab-a has".into()));
    }

    #[test]
    fn the_keys_of_an_entry_are_a_promise() {
        let keys = row::to_csv(&rows(1)).expect("a text").lines().next().expect("names").to_owned();
        assert_eq!(keys, "number,log_index,time,by,action,target,detail,before,after,reason,command_id,refused,hash_before,hash");
    }

    #[test]
    fn a_file_that_is_no_export_is_refused_with_the_line() {
        assert!(row::parse("{\"number\":1}\n").expect_err("a refusal").starts_with("line 1: missing field"));
        assert!(row::parse("a,b\n1,2\n").is_err());
        assert_eq!(row::parse(""), Ok(vec![]));
    }
}
