//! A mail server that speaks as much SMTP (RFC 5321) as a client needs, with STARTTLS (RFC 3207) and a login (RFC 4954) if a test wants them.
//!
//! ```text
//!   greeting --STARTTLS--> TLS --AUTH--> logged in --MAIL, RCPT, DATA--> the pager's desk
//! ```
//!
//! It repeats what it refuses, as some servers do. It knows nothing of alarms, and nothing of users but the one that may come in.

use crate::pager::{Desk, Mail};
use anyhow::Context as _;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use std::io::{Error, ErrorKind, Result};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

/// What a server at 127.0.0.1 proves itself with: signed by itself, so that whoever trusts it trusts nobody else.
#[derive(Clone)]
pub struct Certificate {
    /// The certificate, as a file of trusted ones has it.
    pub pem: String,
    acceptor: TlsAcceptor,
}

impl Certificate {
    /// A certificate that nobody has seen before.
    ///
    /// # Errors
    /// When there are no random numbers.
    pub fn new() -> anyhow::Result<Self> {
        let own = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()])?;
        let key = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key.into())
            .context("a certificate of its own key")?;
        Ok(Self { pem: own.cert.pem(), acceptor: TlsAcceptor::from(Arc::new(config)) })
    }
}

/// How a login is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// User and password at once (RFC 4616).
    Plain,
    /// One after the other.
    Login,
}

/// What the server asks of a client before it takes a mail.
#[derive(Clone)]
pub struct Door {
    certificate: Option<Certificate>,
    login: Option<(Mechanism, String, String)>,
}

impl Door {
    /// Nothing.
    #[must_use]
    pub const fn open() -> Self {
        Self { certificate: None, login: None }
    }

    /// A user and a password, asked for in this way.
    #[must_use]
    pub fn wanting(mechanism: Mechanism, user: &str, password: &str) -> Self {
        Self { certificate: None, login: Some((mechanism, user.to_owned(), password.to_owned())) }
    }

    /// Offers STARTTLS, and asks for nothing before it.
    #[must_use]
    pub fn with_tls(mut self, certificate: &Certificate) -> Self {
        self.certificate = Some(certificate.clone());
        self
    }

    /// What a site's `[mail]` says to come in here, besides the address: a declaration with a user is always one of an encrypted server.
    pub(crate) fn site_toml(&self) -> String {
        match &self.login {
            Some((_, user, _)) => format!("user = \"{user}\"\n"),
            None => format!("tls = {}\n", self.certificate.is_some()),
        }
    }
}

/// Somebody who wanted to come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginAttempt {
    /// Whether nobody else could read it.
    pub encrypted: bool,
    /// Who it was.
    pub user: String,
    /// The password, right or wrong.
    pub password: String,
}

/// Serves until it is dropped.
pub(crate) async fn run(listener: TcpListener, door: Door, desk: Desk) {
    let mut talks = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        talks.spawn(talk(stream, door.clone(), desk.clone()));
    }
}

/// One connection, until the client leaves.
async fn talk(stream: TcpStream, door: Door, desk: Desk) -> Result<()> {
    let mut plain = Talk::new(stream, &door, desk.clone(), false);
    plain.say("220 pager ESMTP").await?;
    if let (true, Some(certificate)) = (plain.serve().await?, &door.certificate) {
        let stream = certificate.acceptor.accept(plain.stream.into_inner()).await?;
        Talk::new(stream, &door, desk, true).serve().await?;
    }
    Ok(())
}

struct Talk<'d, S> {
    stream: BufStream<S>,
    door: &'d Door,
    desk: Desk,
    encrypted: bool,
    came_in: bool,
    to: Vec<String>,
}

impl<'d, S: AsyncRead + AsyncWrite + Unpin> Talk<'d, S> {
    fn new(stream: S, door: &'d Door, desk: Desk, encrypted: bool) -> Self {
        Self { stream: BufStream::new(stream), door, desk, encrypted, came_in: door.login.is_none(), to: Vec::new() }
    }

    /// Answers until the client leaves; true if it wants TLS from here on.
    async fn serve(&mut self) -> Result<bool> {
        while let Some(line) = self.hear().await? {
            let answer = match line.get(..4).unwrap_or_default().to_ascii_uppercase().as_str() {
                "EHLO" => self.offers(),
                "STAR" if self.door.certificate.is_some() && !self.encrypted => {
                    self.say("220 go on").await?;
                    return Ok(true);
                }
                "AUTH" => self.login(&line).await?,
                "MAIL" if !self.came_in => "530 5.7.0 who are you?".to_owned(),
                "RCPT" => {
                    self.to.extend(line.split(['<', '>']).nth(1).map(str::to_owned));
                    "250 OK".to_owned()
                }
                "DATA" => self.data().await?.to_owned(),
                "QUIT" => "221 bye".to_owned(),
                _ => "250 OK".to_owned(),
            };
            self.say(&answer).await?;
        }
        Ok(false)
    }

    fn offers(&self) -> String {
        let tls = self.door.certificate.as_ref().filter(|_| !self.encrypted).map(|_| "250-STARTTLS\r\n");
        // Without a certificate the login is asked for in the open: nobody may fall for it.
        let login = self.door.login.as_ref().filter(|_| tls.is_none()).map(|(mechanism, ..)| match mechanism {
            Mechanism::Plain => "250-AUTH PLAIN\r\n",
            Mechanism::Login => "250-AUTH LOGIN\r\n",
        });
        format!("250-pager\r\n{}{}250 OK", tls.unwrap_or_default(), login.unwrap_or_default())
    }

    async fn login(&mut self, line: &str) -> Result<String> {
        let (user, password, sent) = if let Some(both) = line.strip_prefix("AUTH PLAIN ") {
            let text = decoded(both)?;
            let mut parts = text.split('\0').skip(1).map(str::to_owned);
            (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), line.to_owned())
        } else {
            let user = decoded(&self.ask("Username:").await?)?;
            let sent = self.ask("Password:").await?;
            (user, decoded(&sent)?, sent)
        };
        self.came_in = self.door.login.as_ref().is_some_and(|(_, who, secret)| (who, secret) == (&user, &password));
        self.desk.got().logins.push(LoginAttempt { encrypted: self.encrypted, user, password });
        Ok(if self.came_in { "235 2.7.0 come in".to_owned() } else { format!("535 5.7.8 nobody comes in with {sent}") })
    }

    async fn ask(&mut self, what: &str) -> Result<String> {
        self.say(&format!("334 {}", BASE64_STANDARD.encode(what))).await?;
        self.hear().await?.ok_or_else(|| ErrorKind::UnexpectedEof.into())
    }

    async fn data(&mut self) -> Result<&'static str> {
        self.say("354 go on").await?;
        let mut text = String::new();
        while let Some(line) = self.hear().await?
            && line != "."
        {
            text.push_str(line.strip_prefix('.').unwrap_or(&line));
            text.push('\n');
        }
        if !self.desk.takes().await {
            return Ok("451 not today");
        }
        let to = std::mem::take(&mut self.to);
        self.desk.got().mails.push(Mail { to, text });
        Ok("250 taken")
    }

    async fn hear(&mut self) -> Result<Option<String>> {
        let mut line = String::new();
        let heard = self.stream.read_line(&mut line).await?;
        Ok((heard > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned()))
    }

    async fn say(&mut self, answer: &str) -> Result<()> {
        self.stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
        self.stream.flush().await
    }
}

fn decoded(text: &str) -> Result<String> {
    let bytes = BASE64_STANDARD.decode(text).map_err(|why| Error::new(ErrorKind::InvalidData, why))?;
    String::from_utf8(bytes).map_err(|why| Error::new(ErrorKind::InvalidData, why))
}
