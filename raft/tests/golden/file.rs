//! Files of bytes that were written once, and how a value is held to them.

use std::fmt::Debug;
use std::path::Path;

/// The bytes in a file; `fresh` makes them the first time.
pub(crate) fn golden(file: &str, fresh: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file);
    if !path.exists() {
        assert!(std::env::var_os("UPDATE").is_some(), "{file} is missing: UPDATE=1 writes it");
        std::fs::write(&path, fresh()).expect("room");
    }
    std::fs::read(&path).expect("a file")
}

/// Holds a value to the bytes in a file, in both directions.
pub(crate) fn check<T: PartialEq + Debug>(file: &str, value: &T, encode: impl Fn(&T) -> Vec<u8>, decode: impl Fn(Vec<u8>) -> T) {
    let golden = golden(file, || encode(value));
    assert_eq!(&decode(golden.clone()), value, "{file}: the bytes mean something else");
    assert_eq!(encode(value), golden, "{file}: the bytes written differ");
}
