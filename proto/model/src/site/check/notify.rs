//! What is wrong with how people are told about alarms. Whether a server answers is seen only when something is sent.

use super::{Findings, is_host_port};
use crate::site::{MailSpec, RouteSpec, SiteSpec};

/// Minutes of a day.
const DAY: u16 = 24 * 60;
/// Longest address of a person, in bytes: a path of 256 (RFC 5321, 4.5.3.1.3) without its angle brackets.
const ADDRESS_LEN_MAX: usize = 254;

/// What is wrong with all routes and the mail server.
pub(super) fn check(found: &mut Findings, site: &SiteSpec) {
    for (name, route) in &site.routes {
        found.within(&["notify", name.as_str()], |f| check_route(f, site, route));
    }
    if let Some(mail) = &site.mail {
        found.within(&["mail"], |f| check_mail(f, mail));
    }
}

fn check_mail(found: &mut Findings, mail: &MailSpec) {
    if !is_host_port(&mail.server) {
        found.error(&["server"], format!("{:?} is not host:port", mail.server), "write it like \"mail.example.org:587\"");
    }
    if !is_address(&mail.from) {
        found.error(&["from"], format!("{:?} is no address", mail.from), "write it like \"lab@example.org\"");
    }
    if let Some(user) = &mail.user {
        found.text("user", "", user);
        if user.is_empty() || user.contains(char::is_control) {
            found.error(&["user"], format!("{user:?} is nobody who could log in"), "write whom the mail server knows, or leave it out");
        }
        if !mail.tls {
            found.error(&["tls"], "is false, and the user's password would go in the clear".into(), "remove tls = false, or remove user");
        }
    }
}

fn check_route(found: &mut Findings, site: &SiteSpec, route: &RouteSpec) {
    if route.webhook.is_none() && route.email.is_empty() {
        found.error(&["webhook"], "is missing, and so is email".into(), "say who is told");
    }
    if let Some(url) = &route.webhook {
        found.text("webhook", "", url);
        if !is_url(url) {
            found.error(&["webhook"], format!("{url:?} is no URL"), "write it like \"https://pager.example.org/lab\"");
        }
    }
    if let Some(address) = route.email.iter().find(|address| !is_address(address)) {
        found.error(&["email"], format!("{address:?} is no address"), "write it like \"ann@example.org\"");
    }
    if !route.email.is_empty() && site.mail.is_none() {
        found.error(&["email"], "there is no mail server".into(), "add a table [mail] with server and from");
    }
    found.repeated("email", &route.email);
    found.repeated("segments", &route.segments);
    for segment in route.segments.iter().filter(|segment| !site.segments.contains_key(segment.as_str())) {
        found.error(&["segments"], format!("there is no segment {:?}", segment.as_str()), "name segments of the site");
    }
    if let Some((from, until)) = route.hours.filter(|(from, until)| from == until || *from >= DAY || *until >= DAY) {
        let what = format!("from minute {from} to minute {until} is no part of a day");
        found.error(&["hours"], what, "write them in UTC like \"18:00-08:00\", or leave them out for always");
    }
}

/// Whether a text is an address and nothing else: a line end or a comma in it would be a header or a receiver that nobody declared.
fn is_address(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_graphic() && !"<>(),;:\\\"[]@".contains(c);
    let is_part = |part: &str| !part.is_empty() && part.chars().all(plain);
    text.len() <= ADDRESS_LEN_MAX && text.split_once('@').is_some_and(|(name, host)| is_part(name) && is_part(host))
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let begins = |rest: &str| rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[');
    rest.is_some_and(|rest| begins(rest) && rest.chars().all(|c| c.is_ascii_graphic()))
}

#[cfg(test)]
#[path = "notify_tests.rs"]
mod tests;
