//! A page of documentation that programs write sections of, each its own, and leave the rest alone.
//!
//! ```text
//! <!-- failover: written by `make bench-failover` -->
//! ...
//! <!-- end of failover -->
//! ```

use anyhow::Context as _;
use std::path::Path;

/// Puts `text` where the page at `path` has the section `name`.
///
/// # Errors
/// When there is no such page, or it has no such section.
pub fn write_section(path: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let page = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let written = with_section(&page, name, text).with_context(|| format!("{} has no section {name}", path.display()))?;
    Ok(std::fs::write(path, written)?)
}

/// The page with another text in a section; `None` if it has no such section.
fn with_section(page: &str, name: &str, text: &str) -> Option<String> {
    let (open, close) = (format!("<!-- {name}: "), format!("<!-- end of {name} -->"));
    let begin = page.find(&open)?;
    let begin = begin + page[begin..].find("-->\n")? + "-->\n".len();
    let end = begin + page[begin..].find(&close)?;
    Some(format!("{}\n{}\n\n{}", &page[..begin], text.trim(), &page[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_replaced_and_the_rest_is_kept() {
        let page = "# Page\n\n<!-- x: made by y -->\n\nold\n\n<!-- end of x -->\n\nrest\n";
        let wanted = "# Page\n\n<!-- x: made by y -->\n\nnew\n\n<!-- end of x -->\n\nrest\n";
        assert_eq!(with_section(page, "x", "\nnew\n").as_deref(), Some(wanted));
        assert_eq!(with_section(wanted, "x", "new").as_deref(), Some(wanted));
        assert_eq!(with_section(page, "z", "new"), None);
    }
}
