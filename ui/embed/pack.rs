//! What the build script needs to know of files: which there are, what they are, and how they become a Rust table.
//!
//! It is a module of its own so that the crate's tests can reach it. It knows nothing of npm, of HTTP or of what the page does.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// A file's path below the root, with `/` between its parts, and where it is.
pub(crate) type Found = (String, PathBuf);

/// Every file below `root`, ordered by path.
pub(crate) fn files_below(root: &Path) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    let mut folders = vec![(String::new(), root.to_path_buf())];
    while let Some((prefix, folder)) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                folders.push((format!("{name}/"), entry.path()));
            } else {
                found.push((name, entry.path().canonicalize()?));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The source text of `UI_PRESENT` and `ASSETS`.
pub(crate) fn table(present: bool, files: &[Found]) -> io::Result<String> {
    let mut text = format!(
        "/// Whether the page was built; if not, the only asset says how to build it.\npub const UI_PRESENT: bool = {present};\n\
         static ASSETS: &[Asset] = &[\n"
    );
    for (path, file) in files {
        let etag = format!("\"{:016x}\"", fingerprint(&fs::read(file)?));
        let (kind, immutable) = (content_type(path), is_immutable(path));
        let _ = writeln!(
            text,
            "    Asset {{ path: {path:?}, bytes: include_bytes!({file:?}), content_type: {kind:?}, etag: {etag:?}, immutable: {immutable} }},"
        );
    }
    text.push_str("];\n");
    Ok(text)
}

/// The media type of a file, by its extension.
pub(crate) fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "json" => "application/json",
        "txt" | "md" => "text/plain; charset=utf-8",
        "woff2" => "font/woff2",
        "png" => "image/png",
        _ => "application/octet-stream",
    }
}

/// Whether a file's name carries a hash of its content, as the bundler gives to everything in `assets/`: what such a name
/// stands for never changes.
pub(crate) fn is_immutable(path: &str) -> bool {
    path.starts_with("assets/")
}

/// FNV-1a of 64 bits: tells one build's file from another's. It guards against nothing that is done on purpose.
pub(crate) fn fingerprint(bytes: &[u8]) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    bytes.iter().fold(OFFSET, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}
