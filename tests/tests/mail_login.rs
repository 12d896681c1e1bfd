//! Mail through a server that wants a login: over TLS or not at all, with a password that no one but that server sees.
//!
//! The server's certificate is made by the test, and trusted through `SSL_CERT_FILE`, as a lab's own authority would be.

use anyhow::ensure;
use labkeeper_proto::v1;
use labkeeper_proto::v1::notice_service_client::NoticeServiceClient;
use labkeeper_tests::mail_server::{Certificate, Door, LoginAttempt, Mechanism};
use labkeeper_tests::{Cluster, Lab, Pager, Setup, cli, wait};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use tempfile::TempDir;

const USER: &str = "labkeeper@lab.example";
const RIGHT: &str = "horse battery";
/// As base64: `c3RhcGxlIGNvcnJlY3Q=`, and at the end of `AGxhYmtlZXBlckBsYWIuZXhhbXBsZQBzdGFwbGUgY29ycmVjdA==`.
const WRONG: &str = "staple correct";
/// What the subject of the mail ends with that `notify test` sends.
const TEST: &str = "test";

/// A node, those whom it tells, and the two files by which they trust each other.
struct Desk {
    cluster: Cluster,
    pager: Pager,
    password: PathBuf,
    trusted: PathBuf,
    _folder: TempDir,
}

impl Desk {
    async fn with(door: Door) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let (password, trusted) = (folder.path().join("mail-password"), folder.path().join("trusted.pem"));
        let pager = Pager::behind(door).await?;
        let lab = Lab::spread(1)?.text(&pager.site_toml());
        let setup = Setup::new(1, lab).with_environment("SSL_CERT_FILE", &trusted.display().to_string());
        let cluster = setup.with_node_key(&format!("mail_password_file = {password:?}")).start().await?;
        Ok(Self { cluster, pager, password, trusted, _folder: folder })
    }

    fn write_password(&self, password: &str, mode: u32) -> anyhow::Result<()> {
        std::fs::write(&self.password, format!("{password}\n"))?;
        Ok(std::fs::set_permissions(&self.password, Permissions::from_mode(mode))?)
    }

    fn trust(&self, certificate: &Certificate) -> anyhow::Result<()> {
        Ok(std::fs::write(&self.trusted, &certificate.pem)?)
    }

    /// Sends a test that is taken.
    async fn told(&self) -> anyhow::Result<()> {
        cli::run(&self.cluster.endpoints(), &["notify", "test", "ops"]).await?.with_code(0).map(drop)
    }

    /// Sends a test that is not, and returns why.
    async fn refused(&self) -> anyhow::Result<String> {
        let ran = cli::run(&self.cluster.endpoints(), &["notify", "test", "ops"]).await?.with_code(1)?;
        ensure!(ran.err.contains("LAB7304") && ran.err.contains("mail: "), "{}", ran.err);
        Ok(ran.err)
    }

    /// Everything that the node shows of its notices, and all that it has ever logged.
    async fn shown(&self) -> anyhow::Result<String> {
        let endpoints = self.cluster.endpoints();
        let mut shown = self.cluster.nodes[0].log();
        for args in [["notify", "ls"].as_slice(), &["notify", "ls", "--json"], &["alarms"], &["site", "show"]] {
            let ran = cli::run(&endpoints, args).await?.with_code(0)?;
            shown.push_str(&ran.out);
        }
        Ok(shown)
    }

    /// Waits until nothing is left to be told, through the pauses of up to 10 s after a second failure.
    async fn until_all_told(&self) -> anyhow::Result<()> {
        let client = &self.cluster.nodes[0].client;
        wait::until("every test to be told", 3 * wait::SOON, || async {
            let notices = NoticeServiceClient::new(client.channel()).list_notices(v1::ListNoticesRequest {}).await?.into_inner();
            ensure!(notices.waiting.is_empty(), "{:?}", notices.waiting);
            Ok(())
        })
        .await
    }
}

fn attempt(password: &str) -> LoginAttempt {
    LoginAttempt { encrypted: true, user: USER.into(), password: password.into() }
}

/// Nothing of a password, however it is written.
fn has_a_password(text: &str) -> bool {
    let coded = ["c3RhcGxlIGNvcnJlY3", "BzdGFwbGUgY29ycmVjd", "aG9yc2UgYmF0dGVye", "Bob3JzZSBiYXR0ZXJ5"];
    [RIGHT, WRONG].iter().chain(&coded).any(|secret| text.contains(secret))
}

#[tokio::test]
async fn a_mail_goes_through_a_server_that_wants_a_login() -> anyhow::Result<()> {
    let certificate = Certificate::new()?;
    let desk = Desk::with(Door::wanting(Mechanism::Plain, USER, RIGHT).with_tls(&certificate)).await?;
    desk.trust(&certificate)?;

    let said = desk.refused().await?;
    let (key, path) = ("node.mail_password_file", desk.password.display().to_string());
    ensure!(said.contains(&format!("lab-a has no password for {USER}: {key}: {path}: No such file")), "{said}");
    desk.write_password(RIGHT, 0o644)?;
    let said = desk.refused().await?;
    ensure!(said.contains("is open to others than its owner (mode 644)") && said.contains("chmod 600"), "{said}");
    ensure!(desk.pager.logins().is_empty(), "nobody logs in without a password: {:?}", desk.pager.logins());

    // Read anew each time: no restart lies between these.
    desk.write_password(RIGHT, 0o600)?;
    desk.told().await?;
    desk.until_all_told().await?;
    ensure!(desk.pager.logins().iter().all(|login| *login == attempt(RIGHT)), "{:?}", desk.pager.logins());
    let mails = desk.pager.mails(TEST);
    ensure!(mails.len() == 3 && mails[0].to == ["ann@lab.example", "bob@lab.example"], "{mails:?}");
    ensure!(!has_a_password(&desk.shown().await?));
    desk.cluster.finish()
}

/// The server repeats what it refuses; whoever reads why nobody was told does not read the password.
#[tokio::test]
async fn a_wrong_password_is_told_without_it_and_tried_again() -> anyhow::Result<()> {
    let certificate = Certificate::new()?;
    for mechanism in [Mechanism::Plain, Mechanism::Login] {
        let desk = Desk::with(Door::wanting(mechanism, USER, RIGHT).with_tls(&certificate)).await?;
        desk.trust(&certificate)?;
        desk.write_password(WRONG, 0o600)?;
        let said = desk.refused().await?;
        ensure!(said.contains("permanent error (535); its words repeat the password"), "{said}");
        wait::until("a second attempt", wait::SOON, || async {
            ensure!(desk.pager.logins() == [attempt(WRONG), attempt(WRONG)], "{:?}", desk.pager.logins());
            Ok(())
        })
        .await?;
        ensure!(desk.pager.mails(TEST).is_empty());
        let shown = desk.shown().await?;
        ensure!(shown.contains("its words repeat the password") && !has_a_password(&said) && !has_a_password(&shown), "{shown}");
        desk.write_password(RIGHT, 0o600)?;
        desk.until_all_told().await?;
        ensure!(desk.pager.mails(TEST).len() == 1 && desk.pager.logins().last() == Some(&attempt(RIGHT)), "{:?}", desk.pager.logins());
        desk.cluster.finish()?;
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_not_trusted_or_not_encrypted_sees_no_login() -> anyhow::Result<()> {
    let (own, other) = (Certificate::new()?, Certificate::new()?);
    let desk = Desk::with(Door::wanting(Mechanism::Plain, USER, RIGHT).with_tls(&own)).await?;
    desk.write_password(RIGHT, 0o600)?;
    desk.trust(&other)?;
    let said = desk.refused().await?;
    ensure!(said.contains("certificate") && desk.pager.logins().is_empty(), "{said} {:?}", desk.pager.logins());
    desk.trust(&own)?;
    desk.until_all_told().await?;
    ensure!(desk.pager.logins() == [attempt(RIGHT)] && desk.pager.mails(TEST).len() == 1, "{:?}", desk.pager.logins());
    desk.cluster.finish()?;

    let desk = Desk::with(Door::wanting(Mechanism::Plain, USER, RIGHT)).await?;
    desk.write_password(RIGHT, 0o600)?;
    desk.trust(&own)?;
    let said = desk.refused().await?;
    ensure!(said.contains("STARTTLS") && desk.pager.logins().is_empty(), "{said} {:?}", desk.pager.logins());
    desk.cluster.finish()
}

/// Encryption without a login: who it is follows from the address, and nobody else reads it.
#[tokio::test]
async fn a_mail_is_encrypted_without_a_login_too() -> anyhow::Result<()> {
    let certificate = Certificate::new()?;
    let desk = Desk::with(Door::open().with_tls(&certificate)).await?;
    desk.trust(&certificate)?;
    desk.told().await?;
    ensure!(desk.pager.mails(TEST).len() == 1 && desk.pager.logins().is_empty());
    desk.cluster.finish()
}
