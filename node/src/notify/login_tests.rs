use super::*;
use std::fs::Permissions;
use std::path::PathBuf;
use tempfile::TempDir;

/// As base64: `czNjcmV0IHdvcmQ=`, and with the user, as PLAIN has it, `AGxhYgBzM2NyZXQgd29yZA==`.
const PASSWORD: &str = "s3cret word";

fn file(text: &[u8], mode: u32) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mail-password");
    std::fs::write(&path, text).expect("written");
    std::fs::set_permissions(&path, Permissions::from_mode(mode)).expect("its mode set");
    (folder, path)
}

async fn refusal(file: Option<&Path>) -> String {
    let me = Name::new("lab-a").expect("a name");
    Login::read("lab", file, &me).await.err().expect("a refusal")
}

#[tokio::test]
async fn a_password_is_a_line_of_a_file_that_nobody_else_reads() {
    let me = Name::new("lab-a").expect("a name");
    for text in [PASSWORD.to_owned(), format!("{PASSWORD}\n"), format!("{PASSWORD}\r\n")] {
        for mode in [0o600, 0o400] {
            let (_folder, path) = file(text.as_bytes(), mode);
            let login = Login::read("lab", Some(&path), &me).await.map_err(|why| format!("{text:?}: {why}")).expect("a login");
            assert!(login.credentials() == Credentials::new("lab".into(), PASSWORD.into()), "{text:?}");
        }
    }
}

#[tokio::test]
async fn a_node_without_a_password_says_who_it_is_and_what_to_do() {
    assert_eq!(
        refusal(None).await,
        "lab-a has no password for lab: node.mail_password_file is not in its node.toml; name a file there that holds the password, on every \
         node"
    );
    let said = refusal(Some(Path::new("/no/such/file"))).await;
    let wanted =
        "lab-a has no password for lab: node.mail_password_file: /no/such/file: No such file or directory (os error 2); check the path";
    assert!(said.starts_with(wanted), "{said}");
}

#[tokio::test]
async fn a_file_that_others_may_read_is_refused() {
    for mode in [0o640, 0o604, 0o660, 0o620, 0o602, 0o644] {
        let (_folder, path) = file(PASSWORD.as_bytes(), mode);
        let said = refusal(Some(&path)).await;
        let why = format!("it is open to others than its owner (mode {mode:03o}); let nobody else read it (chmod 600)");
        assert_eq!(said, format!("lab-a has no password for lab: node.mail_password_file: {}: {why}", path.display()));
    }
}

#[test]
fn what_systemd_hands_over_shows_as_a_permission_of_the_group() {
    let (folder, path) = file(PASSWORD.as_bytes(), 0o440);
    assert_eq!(password(&path, Some(folder.path())), Ok(PASSWORD.to_owned()));
    assert!(password(&path, folder.path().parent()).is_err(), "elsewhere it is the group's");
    let (folder, path) = file(PASSWORD.as_bytes(), 0o444);
    assert!(password(&path, Some(folder.path())).is_err(), "and others may read it nowhere");
}

#[tokio::test]
async fn what_is_no_line_of_text_is_no_password() {
    let long = "a".repeat(1_025);
    for text in [b"".as_slice(), b"\n", b"one\ntwo\n", b"a\0b", b"\xff\xfe", long.as_bytes()] {
        let (_folder, path) = file(text, 0o600);
        let said = refusal(Some(&path)).await;
        assert!(said.contains("it is not one line of text of 1 to 1024 bytes"), "{said}");
        assert!(!said.contains("two") && !said.contains("aaa"), "{said}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    assert!(refusal(Some(folder.path())).await.contains("it is no file"), "a folder");
}

#[test]
fn a_password_is_not_repeated() {
    let login = Login::new("lab", PASSWORD.to_owned());
    for told in ["s3cret word", "what is AUTH PLAIN AGxhYgBzM2NyZXQgd29yZA==?", "czNjcmV0IHdvcmQ="] {
        let rest = "its words repeat the password and are left out here";
        assert_eq!(login.kept_from(format!("permanent error (535): no: {told}")), format!("permanent error (535); {rest}"), "{told}");
        assert_eq!(login.kept_from(told.to_owned()), format!("the server refused; {rest}"), "{told}");
    }
    assert_eq!(login.kept_from("535 5.7.8 no".to_owned()), "535 5.7.8 no");
    assert_eq!(format!("{:?}", login.credentials()), "Credentials");
}
