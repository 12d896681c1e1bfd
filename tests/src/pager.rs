//! Those who are told: a web server that takes messages, and a [mail server](crate::mail_server). Both keep what they got, and take it,
//! refuse it or are silent, as a test wants.

use crate::mail_server::{self, Door, LoginAttempt};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What both servers do with what they are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// They take it.
    Takes,
    /// They say that they cannot.
    Refuses,
    /// They do not answer until the mood is another.
    Silent,
}

/// A message to the web server.
#[derive(Clone, Debug)]
pub struct Post {
    /// Its `Idempotency-Key`.
    pub key: String,
    /// Its body.
    pub body: serde_json::Value,
    /// Whether whoever sent it was told that it was taken.
    pub taken: bool,
}

/// A message that the mail server took.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Who is to get it.
    pub to: Vec<String>,
    /// All of it, as it was sent.
    pub text: String,
}

impl Mail {
    /// A header of one line.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let head = self.text.lines().take_while(|line| !line.is_empty());
        head.filter_map(|line| line.split_once(": ")).find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// A web server and a mail server on loopback, as long as this lives.
#[derive(Debug)]
pub struct Pager {
    got: Arc<Mutex<Got>>,
    mood: watch::Sender<Mood>,
    http: SocketAddr,
    smtp: SocketAddr,
    mail_toml: String,
    _servers: JoinSet<()>,
}

#[derive(Debug, Default)]
pub(crate) struct Got {
    posts: Vec<Post>,
    pub(crate) mails: Vec<Mail>,
    pub(crate) logins: Vec<LoginAttempt>,
}

/// Where both put what they get.
#[derive(Clone)]
pub(crate) struct Desk {
    got: Arc<Mutex<Got>>,
    mood: watch::Receiver<Mood>,
}

impl Desk {
    pub(crate) fn got(&self) -> MutexGuard<'_, Got> {
        self.got.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether what has come is taken, once that is known.
    pub(crate) async fn takes(&mut self) -> bool {
        // Without a test there is nobody to answer.
        self.mood.wait_for(|mood| *mood != Mood::Silent).await.is_ok_and(|mood| *mood == Mood::Takes)
    }
}

impl Pager {
    /// Starts both, on ports of the system's choice; the mail server takes mails from everybody.
    ///
    /// # Errors
    /// When there are none.
    pub async fn start() -> anyhow::Result<Self> {
        Self::behind(Door::open()).await
    }

    /// As [`Pager::start`], with a mail server that takes mails only from those who come in by this door.
    ///
    /// # Errors
    /// When there are no ports.
    pub async fn behind(door: Door) -> anyhow::Result<Self> {
        let (mood, moods) = watch::channel(Mood::Takes);
        let desk = Desk { got: Arc::default(), mood: moods };
        let (http, smtp) = (TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?, TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?);
        let (http_address, smtp_address) = (http.local_addr()?, smtp.local_addr()?);
        let mut servers = JoinSet::new();
        let router = Router::new().route("/lab", post(take_post)).with_state(desk.clone());
        servers.spawn(async move { drop(axum::serve(http, router).await) });
        let got = Arc::clone(&desk.got);
        let mail_toml = door.site_toml();
        servers.spawn(mail_server::run(smtp, door, desk));
        Ok(Self { got, mood, http: http_address, smtp: smtp_address, mail_toml, _servers: servers })
    }

    /// What a site declares to have alarms of `high` and above told here, by a route called `ops`.
    #[must_use]
    pub fn site_toml(&self) -> String {
        let (http, smtp, more) = (self.http, self.smtp, &self.mail_toml);
        format!(
            "\n[notify.ops]\nwebhook = \"http://{http}/lab\"\nemail = [\"ann@lab.example\", \"bob@lab.example\"]\nmin_priority = \"high\"\n\
             \n[mail]\nserver = \"{smtp}\"\nfrom = \"lab@lab.example\"\n{more}"
        )
    }

    /// From here on, both do this.
    pub fn set(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }

    /// What the web server was sent so far about an alarm, in the order in which it came.
    #[must_use]
    pub fn posts(&self, alarm: &str) -> Vec<Post> {
        let got = self.got.lock().unwrap_or_else(PoisonError::into_inner);
        got.posts.iter().filter(|post| post.body["alarm"] == alarm).cloned().collect()
    }

    /// What the mail server took so far about an alarm, with whose name the subject ends.
    #[must_use]
    pub fn mails(&self, alarm: &str) -> Vec<Mail> {
        let got = self.got.lock().unwrap_or_else(PoisonError::into_inner);
        got.mails.iter().filter(|mail| mail.header("Subject").is_some_and(|subject| subject.ends_with(alarm))).cloned().collect()
    }

    /// Every attempt to log in at the mail server so far.
    #[must_use]
    pub fn logins(&self) -> Vec<LoginAttempt> {
        self.got.lock().unwrap_or_else(PoisonError::into_inner).logins.clone()
    }

    /// The keys of everything that the web server took so far.
    #[must_use]
    pub fn keys(&self) -> BTreeSet<String> {
        let got = self.got.lock().unwrap_or_else(PoisonError::into_inner);
        got.posts.iter().filter(|post| post.taken).map(|post| post.key.clone()).collect()
    }
}

async fn take_post(State(mut desk): State<Desk>, headers: HeaderMap, body: String) -> StatusCode {
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default().to_owned();
    let Ok(body) = serde_json::from_str(&body) else { return StatusCode::BAD_REQUEST };
    let at = {
        let mut got = desk.got();
        got.posts.push(Post { key, body, taken: false });
        got.posts.len() - 1
    };
    // Whoever hangs up meanwhile is not waited for: then this ends here.
    let taken = desk.takes().await;
    desk.got().posts[at].taken = taken;
    if taken { StatusCode::NO_CONTENT } else { StatusCode::SERVICE_UNAVAILABLE }
}
