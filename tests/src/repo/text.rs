//! Checks over the text of one file. Pure: text in, findings out; each finding names its line.
//!
//! The function counter relies on rustfmt's layout (the closing brace stands alone under the `fn`), so it is only as
//! honest as `cargo fmt --check` makes it. A raw string with a lone brace at that very column would fool it.

/// A function of a Rust file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// The line of its `fn`, from 1.
    pub line: usize,
    /// Its lines from `fn` to the closing brace.
    pub lines: usize,
}

/// The functions of a rustfmt'ed file, without bodiless declarations.
#[must_use]
pub fn functions(text: &str) -> Vec<Function> {
    let lines: Vec<&str> = text.lines().collect();
    (0..lines.len()).filter_map(|at| function_at(&lines, at)).collect()
}

fn function_at(lines: &[&str], at: usize) -> Option<Function> {
    let indent = lines[at].len() - lines[at].trim_start().len();
    let name = function_name(lines[at].trim_start())?;
    let found = |lines| Some(Function { name, line: at + 1, lines });
    if lines[at].ends_with('}') {
        return found(1);
    }
    for (below, line) in lines[at..].iter().enumerate() {
        if line.len() - line.trim_start().len() != indent {
            continue;
        }
        // `fn f(..) -> T;` and its last line `) -> T;` have no body.
        if line.ends_with(';') {
            return None;
        }
        if line.trim() == "}" {
            return found(below + 1);
        }
    }
    None
}

fn function_name(line: &str) -> Option<String> {
    let mut rest = line;
    if let Some(after) = rest.strip_prefix("pub(") {
        rest = after.split_once(") ")?.1;
    }
    for qualifier in ["pub ", "const ", "async ", "unsafe ", "extern \"C\" "] {
        rest = rest.strip_prefix(qualifier).unwrap_or(rest);
    }
    let name: String = rest.strip_prefix("fn ")?.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

/// Lines (from 1) that contain `word` as a whole word, in the given case.
#[must_use]
pub fn lines_with_word(text: &str, word: &str) -> Vec<usize> {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let has = |line: &str| {
        line.match_indices(word).any(|(at, _)| !is_part(line[..at].chars().next_back()) && !is_part(line[at + word.len()..].chars().next()))
    };
    text.lines().enumerate().filter(|(_, line)| has(line)).map(|(at, _)| at + 1).collect()
}

/// A Rust text without its comments and its unit tests (`mod tests` stands last in a file).
#[must_use]
pub fn rust_code(text: &str) -> String {
    let code = text.split_once("\n#[cfg(test)]\nmod tests {").map_or(text, |(code, _)| code);
    code.lines()
        .map(|line| if line.trim_start().starts_with("//") { "" } else { line.split(" // ").next().unwrap_or("") })
        .collect::<Vec<_>>()
        .join("\n")
}

/// The targets of a Markdown text's links to files, without their fragments.
#[must_use]
pub fn links_to_files(markdown: &str) -> Vec<String> {
    let mut in_code = false;
    let mut found = Vec::new();
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for (at, _) in line.match_indices("](") {
            let target = line[at + 2..].split([')', ' ']).next().unwrap_or("").split('#').next().unwrap_or("");
            if !target.is_empty() && !target.contains(':') {
                found.push(target.to_owned());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_counted_from_fn_to_brace() {
        let text = "\
pub(crate) async fn first(
    a: u8,
) -> u8 {
    if a {
    }
    a
}
trait T {
    fn declared(&self);
    fn in_trait(&self) -> u8 {
        1
    }
    fn short() {}
}
";
        let found: Vec<_> = functions(text).into_iter().map(|f| (f.name, f.line, f.lines)).collect();
        assert_eq!(found, [("first".into(), 1, 7), ("in_trait".into(), 10, 3), ("short".into(), 13, 1)]);
    }

    #[test]
    fn words_are_whole_and_case_counts() {
        let text = "the logbook\nLOG it\nLOGGED\n(LOG)";
        assert_eq!(lines_with_word(text, "LOG"), [2, 4]);
    }

    #[test]
    fn code_is_what_is_left_without_comments_and_tests() {
        let text =
            "//! HashMap\nuse x; // HashMap\n    // HashMap\n#[cfg(test)]\nmod x_tests;\nlet y;\n#[cfg(test)]\nmod tests {\nHashMap }";
        assert_eq!(rust_code(text), "\nuse x;\n\n#[cfg(test)]\nmod x_tests;\nlet y;");
    }

    #[test]
    fn links_leave_out_the_web_fragments_and_code() {
        let text = "[a](docs/a.md#part) [b](https://b) [c](#d)\n```\n[e](f)\n```\n[g](h.md \"title\")";
        assert_eq!(links_to_files(text), ["docs/a.md", "h.md"]);
    }
}
