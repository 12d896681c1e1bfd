//! The operator's web UI as a table of files inside the binary.
//!
//! ```text
//!   ui/src --npm run build--> ui/dist --build.rs--> ASSETS --node's HTTP server--> browser
//! ```
//!
//! A node must be able to show its page when nothing else of the lab's network works, so the page travels with it. This crate
//! knows nothing of HTTP beyond what an answer's headers need, and nothing of what the page does.

#[cfg(test)]
mod pack;

/// A file of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Its path below `/`, without a leading slash: `assets/index-Bx3k2.js`.
    pub path: &'static str,
    /// Its content.
    pub bytes: &'static [u8],
    /// For the header `Content-Type`.
    pub content_type: &'static str,
    /// For the header `ETag`, with its quotes: changes exactly when the content does.
    pub etag: &'static str,
    /// Whether a browser may keep it for ever: the name carries a hash of the content.
    pub immutable: bool,
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The file at a path, with or without the leading slash; `None` if there is none. `/` itself is [`index`].
#[must_use]
pub fn asset(path: &str) -> Option<&'static Asset> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let position = ASSETS.binary_search_by(|asset| asset.path.cmp(path)).ok()?;
    ASSETS.get(position)
}

/// The page itself, or the one that says how to build it (see [`UI_PRESENT`]).
#[must_use]
pub fn index() -> &'static Asset {
    asset("index.html").expect("the build script embeds a folder only if it has an index.html")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_page_is_html_and_never_cached_for_ever() {
        assert_eq!(index().content_type, "text/html; charset=utf-8");
        assert!(!index().immutable, "a browser must learn of the next version");
        assert!(index().bytes.starts_with(b"<!doctype html>"));
        assert_eq!(asset("/index.html"), Some(index()));
    }

    #[test]
    fn every_asset_is_found_under_its_own_path() {
        for each in ASSETS {
            assert_eq!(asset(each.path), Some(each));
            assert_eq!(each.etag, format!("\"{:016x}\"", pack::fingerprint(each.bytes)));
        }
        assert_eq!(asset("assets/none.js"), None);
        assert_eq!(asset(""), None);
    }

    #[test]
    fn the_page_names_only_files_that_are_embedded() {
        let html = std::str::from_utf8(index().bytes).unwrap();
        let named = html.split('"').filter(|text| text.starts_with("/assets/")).collect::<Vec<_>>();
        assert_eq!(UI_PRESENT, !named.is_empty());
        for path in named {
            assert!(asset(path).is_some_and(|asset| asset.immutable), "{path} is missing");
        }
    }

    #[test]
    fn a_folder_becomes_a_table_ordered_by_path() {
        let root = std::env::temp_dir().join(format!("labkeeper-ui-pack-{}", std::process::id()));
        fs::create_dir_all(root.join("assets")).unwrap();
        fs::write(root.join("index.html"), "<!doctype html>").unwrap();
        fs::write(root.join("assets/a-1.js"), "1").unwrap();
        let files = pack::files_below(&root).unwrap();
        let table = pack::table(true, &files).unwrap();
        fs::remove_dir_all(&root).unwrap();

        assert_eq!(files.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), ["assets/a-1.js", "index.html"]);
        assert!(table.contains("pub const UI_PRESENT: bool = true;"));
        assert!(table.contains("content_type: \"text/javascript; charset=utf-8\""));
        assert!(table.contains("etag: \"\\\"af63ac4c86019afc\\\"\", immutable: true"), "{table}");
    }

    #[test]
    fn unknown_files_are_bytes() {
        assert_eq!(pack::content_type("assets/thing.wasm"), "application/octet-stream");
        assert_eq!(pack::content_type("LICENSE"), "application/octet-stream");
        assert!(!pack::is_immutable("favicon.svg"));
    }
}
