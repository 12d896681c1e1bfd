//! Telling people by mail, over SMTP: one message to all of a route's addresses, with an id made from the notice's key, so that a mailbox
//! that gets it twice can tell.
//!
//! The server takes messages from the nodes by their addresses, or from a [`Login`]. It must offer STARTTLS unless the declaration says
//! `tls = false`; on port 465 the connection is encrypted from the first byte. Nobody logs in over a connection that is not encrypted.

use super::NotifyContext;
use super::login::Login;
use super::message::Message;
use labkeeper_model::Name;
use labkeeper_model::site::MailSpec;
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Mechanism;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use std::time::Duration;
use tokio::time::timeout;

/// How long one answer of the server may take: some wait six seconds before they greet, to see who is impatient.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// How long all of it may take: some eleven answers, of which few are slow.
const ATTEMPT_MAX: Duration = Duration::from_secs(30);
/// Where a connection is encrypted from the first byte (RFC 8314).
const PORT_OF_TLS: u16 = 465;

/// Sends a message to all addresses; if the server refuses one of them, nobody gets it.
///
/// # Errors
/// In words; the password is not in them.
pub(super) async fn send(mail: &MailSpec, to: &[String], message: &Message, context: &NotifyContext) -> Result<(), String> {
    let email = email(&mail.from, to, message)?;
    let attempt = async {
        let me = &context.name;
        let login = match &mail.user {
            Some(_) if !mail.tls => return Err("tls is false, and nobody logs in over a connection that is not encrypted".to_owned()),
            Some(user) => Some(Login::read(user, context.mail_password_file.as_deref(), me).await?),
            None => None,
        };
        let sent = transport(mail, login.as_ref(), me)?.send(email).await;
        sent.map(drop).map_err(|error| login.iter().fold(in_words(&error), |words, login| login.kept_from(words)))
    };
    timeout(ATTEMPT_MAX, attempt).await.map_err(|_| format!("not done within {} s", ATTEMPT_MAX.as_secs()))?
}

fn email(from: &str, to: &[String], message: &Message) -> Result<lettre::Message, String> {
    let mailbox = |address: &str| address.parse::<Mailbox>().map_err(|error| format!("{address}: {error}"));
    let domain = from.rsplit_once('@').map_or("labkeeper", |(_, domain)| domain);
    let mut email = lettre::Message::builder().from(mailbox(from)?);
    for address in to {
        email = email.to(mailbox(address)?);
    }
    email
        .subject(message.subject())
        .message_id(Some(message.mail_id(domain)))
        .header(ContentType::TEXT_PLAIN)
        .body(message.mail())
        .map_err(|error| error.to_string())
}

fn transport(mail: &MailSpec, login: Option<&Login>, me: &Name) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
    let wrong = || format!("{:?} is no host:port", mail.server);
    let (host, port) = mail.server.rsplit_once(':').ok_or_else(wrong)?;
    let (host, port) = (host.trim_matches(['[', ']']), port.parse::<u16>().map_err(|_| wrong())?);
    let parameters = || TlsParameters::new_rustls(host.to_owned()).map_err(|error| in_words(&error));
    let tls = match (mail.tls, port) {
        (false, _) => Tls::None,
        (true, PORT_OF_TLS) => Tls::Wrapper(parameters()?),
        (true, _) => Tls::Required(parameters()?),
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host).port(port).tls(tls);
    if let Some(login) = login.filter(|_| mail.tls) {
        builder = builder.credentials(login.credentials()).authentication(vec![Mechanism::Plain, Mechanism::Login]);
    }
    Ok(builder.timeout(Some(ANSWER_MAX)).hello_name(ClientId::Domain(me.to_string())).build())
}

/// An error with what caused it.
fn in_words(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_words = inner.to_string();
        if !words.contains(&inner_words) {
            words = format!("{words}: {inner_words}");
        }
        cause = inner.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::super::message::tests::message;
    use super::*;

    #[test]
    fn a_mail_has_the_id_of_its_key_however_often_it_is_sent() {
        let to = ["ann@lab.org".to_owned(), "bob@lab.org".to_owned()];
        let text = || String::from_utf8(email("lab@lab.org", &to, &message()).expect("a mail").formatted()).expect("text");
        let id = "Message-ID: <cryo/chiller=2E=2E1/temperature/high#3#RAISED#ops#99@lab.org>";
        assert!(text().contains(id), "{}", text());
        assert!(text().contains("To: ann@lab.org, bob@lab.org"), "{}", text());
        assert!(email("no address", &to, &message()).is_err());
    }

    #[test]
    fn a_server_is_encrypted_unless_it_is_said_otherwise() {
        let me = Name::new("lab-a").expect("a name");
        let mail = |server: &str, tls| MailSpec { server: server.into(), from: "lab@lab.org".into(), tls, user: None };
        for good in [mail("mail.lab:25", true), mail("mail.lab:465", true), mail("[::1]:25", false)] {
            assert!(transport(&good, None, &me).is_ok(), "{good:?}");
        }
        assert!(transport(&mail("mail.lab", true), None, &me).is_err());
    }
}
