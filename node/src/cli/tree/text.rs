//! A node's supervision tree for people: one line for each task, indented under its supervisor, never wider than a usual screen.

use super::json::state;
use crate::cli::output::{columns, row};
use crate::cli::value::span;
use labkeeper_proto::v1;
use std::time::Duration;

/// Widest line: what two terminals side by side on a usual screen show. The last column, an error's text, gives way.
const WIDTH_MAX: usize = 140;
/// A task that has been in one step for less than this is merely at work.
const BUSY_MIN: Duration = Duration::from_millis(100);

/// The tree.
#[must_use]
pub(super) fn lines(tree: &v1::Tree) -> Vec<String> {
    let heads = row(["TASK", "STATE", "FOR", "RESTARTS", "MAILBOX", "LAST END"]);
    let rows = tree.children.iter().map(|child| task(child, tree.now_ms));
    let table = columns(&std::iter::once(heads).chain(rows).collect::<Vec<_>>());
    let head = format!("{}, up {}", tree.node, span(Duration::from_millis(tree.now_ms)));
    std::iter::once(head).chain(table).map(|line| cut(&line)).collect()
}

fn cut(line: &str) -> String {
    if line.chars().count() <= WIDTH_MAX {
        return line.to_owned();
    }
    line.chars().take(WIDTH_MAX - 1).chain(['…']).collect()
}

fn task(child: &v1::TreeChild, now_ms: u64) -> Vec<String> {
    let since = |ms: u64| Duration::from_millis(now_ms.saturating_sub(ms));
    let depth = child.path.matches('/').count();
    let id = child.path.rsplit('/').next().unwrap_or_default();
    let mark = if child.kind() == v1::ChildKind::Supervisor { "/" } else { "" };
    let restarts = match (child.restarts, child.restarts_in_window) {
        (0, _) => "-".to_owned(),
        (total, recent) => format!("{total} ({recent}/{})", child.restarts_max),
    };
    let mailbox = child.mailbox.map_or_else(|| "-".to_owned(), |mailbox| in_words(&mailbox));
    row([&format!("{}{id}{mark}", "  ".repeat(depth)), &state_in_words(child, now_ms), &span(since(child.since_ms)), &restarts, &mailbox])
        .into_iter()
        .chain([end(child, now_ms)])
        .collect()
}

fn state_in_words(child: &v1::TreeChild, now_ms: u64) -> String {
    let word = state(child.state()).replace('_', " ");
    let busy = child.busy_since_ms.map(|since| Duration::from_millis(now_ms.saturating_sub(since)));
    match (child.retry_at_ms, busy.filter(|busy| *busy >= BUSY_MIN)) {
        (Some(at), _) => format!("{word}, {} to go", span(Duration::from_millis(at.saturating_sub(now_ms)))),
        (None, Some(busy)) => format!("{word}, busy {}", span(busy)),
        (None, None) => word,
    }
}

fn in_words(mailbox: &v1::Mailbox) -> String {
    let v1::Mailbox { depth, capacity, dropped } = mailbox;
    if *dropped == 0 { format!("{depth}/{capacity}") } else { format!("{depth}/{capacity}, {dropped} dropped") }
}

/// How it last ended, if that was a failure, and why it is kept down.
fn end(child: &v1::TreeChild, now_ms: u64) -> String {
    let exit = child.last_exit.as_ref().filter(|exit| exit.abnormal).map(|exit| {
        let place = if exit.location.is_empty() { String::new() } else { format!(" at {}", exit.location) };
        format!("{} ago: {}{place}", span(Duration::from_millis(now_ms.saturating_sub(exit.at_ms))), exit.reason)
    });
    let kept_down = (!child.quarantine.is_empty()).then(|| child.quarantine.clone());
    // A message of several lines must not tear the table.
    let text = kept_down.into_iter().chain(exit).collect::<Vec<_>>().join("; ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::json::sample;
    use super::*;

    #[test]
    fn the_tree_is_indented_and_says_what_is_wrong() {
        let expected = [
            "lab-a, up 60 s",
            "TASK STATE FOR RESTARTS MAILBOX LAST END",
            "node/ running 59 s - -",
            "session running, busy 3.2 s 59 s - -",
            "segments/ running 59 s - -",
            "cryo/ running 59 s - -",
            "127.0.0.1:502 backing off, 1.6 s to go 2.0 s 3 (2/5) 64/64, 12 dropped 2.0 s ago: panicked: index out of",
            "vacuum quarantined 10 s - - failed 6 times within 60s; 10 s ago: hung: no",
        ];
        let lines = lines(&sample());
        for (line, expected) in lines.iter().zip(expected) {
            let squeezed = line.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(squeezed.starts_with(expected), "{line}");
        }
        let indents: Vec<_> = lines[2..].iter().map(|line| line.len() - line.trim_start().len()).collect();
        assert_eq!(indents, [0, 2, 2, 4, 6, 4]);
    }

    #[test]
    fn no_line_is_wider_than_a_screen_and_none_is_torn() {
        let mut tree = sample();
        let exit = tree.children[4].last_exit.as_mut().expect("an exit");
        exit.reason = "panicked: one\ntwo ".to_owned() + &"x".repeat(300);
        for line in lines(&tree) {
            assert!(line.chars().count() <= WIDTH_MAX && !line.contains('\n'), "{line}");
        }
        assert!(lines(&tree)[6].ends_with('…'));
    }
}
