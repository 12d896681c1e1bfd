use crate::site::check::tests::{errors, name, site_with};
use crate::site::{MailSpec, RouteSpec};

const NOTHING: [&str; 0] = [];

fn mail(server: &str, from: &str) -> MailSpec {
    MailSpec { server: server.into(), from: from.into(), tls: true, user: None }
}

fn wrong(route: RouteSpec, mail: Option<MailSpec>) -> Vec<String> {
    let mut site = site_with(&[]);
    site.routes.insert(name("oncall"), route);
    site.mail = mail.map(Box::new);
    errors(&site).into_iter().map(|key| key.replace("notify.oncall.", "")).collect()
}

fn hook(url: &str) -> RouteSpec {
    RouteSpec { webhook: Some(url.into()), ..RouteSpec::default() }
}

#[test]
fn a_route_tells_somebody() {
    assert_eq!(wrong(RouteSpec::default(), None), ["webhook"]);
    for good in ["https://pager.example.org/lab", "http://127.0.0.1:8080/", "http://[::1]:8080/hook?lab=1"] {
        assert_eq!(wrong(hook(good), None), NOTHING, "{good}");
    }
    for bad in ["", "pager.example.org", "ftp://pager.example.org", "https://", "http:///hook", "http://a b/", "http://a/\r\nHost: b"] {
        assert_eq!(wrong(hook(bad), None), ["webhook"], "{bad:?}");
    }
}

#[test]
fn mail_needs_a_server_and_plain_addresses() {
    let to = |address: &str| RouteSpec { email: vec![address.into()], ..RouteSpec::default() };
    let server = || Some(mail("mail.example.org:587", "lab@example.org"));
    assert_eq!(wrong(to("ann@example.org"), server()), NOTHING);
    assert_eq!(wrong(to("ann@example.org"), None), ["email"]);
    for bad in ["ann", "@example.org", "ann@", "a@b@c", "ann@example.org\r\nBcc: eve@example.org", "ann@example.org, eve@b", "<a@b>"] {
        assert_eq!(wrong(to(bad), server()), ["email"], "{bad:?}");
    }
    assert_eq!(wrong(to(&format!("{}@example.org", "a".repeat(250))), server()), ["email"]);
    assert_eq!(wrong(hook("http://a/"), Some(mail("mail.example.org", "lab"))), ["mail.server", "mail.from"]);
}

#[test]
fn a_login_has_a_user_and_an_encrypted_connection() {
    let of = |user: Option<&str>, tls| {
        let mail = MailSpec { tls, user: user.map(str::to_owned), ..mail("mail.example.org:587", "lab@example.org") };
        wrong(hook("http://a/"), Some(mail))
    };
    for (user, tls) in [(Some("lab@example.org"), true), (Some("LAB\\keeper of things"), true), (None, true), (None, false)] {
        assert_eq!(of(user, tls), NOTHING, "{user:?} {tls}");
    }
    for bad in ["", "lab\0other", "lab\r\nQUIT"] {
        assert_eq!(of(Some(bad), true), ["mail.user"], "{bad:?}");
    }
    assert_eq!(of(Some(&"a".repeat(10_000)), true), ["mail.user"]);
    assert_eq!(of(Some("lab@example.org"), false), ["mail.tls"]);
}

#[test]
fn hours_are_part_of_a_day() {
    let at = |hours| wrong(RouteSpec { hours, ..hook("http://a/") }, None);
    for good in [None, Some((18 * 60, 8 * 60)), Some((0, 1_439))] {
        assert_eq!(at(good), NOTHING, "{good:?}");
    }
    for bad in [(480, 480), (0, 1_440), (1_440, 0)] {
        assert_eq!(at(Some(bad)), ["hours"], "{bad:?}");
    }
}

#[test]
fn segments_exist_and_nothing_is_named_twice() {
    let of = |segments: &[&str]| RouteSpec { segments: segments.iter().map(|segment| name(segment)).collect(), ..hook("http://a/") };
    assert_eq!(wrong(of(&["cryo"]), None), NOTHING);
    assert_eq!(wrong(of(&["hall"]), None), ["segments"]);
    assert_eq!(wrong(of(&["cryo", "cryo"]), None), ["segments"]);
    let twice = RouteSpec { email: vec!["ann@example.org".into(); 2], ..RouteSpec::default() };
    assert_eq!(wrong(twice, Some(mail("mail.example.org:587", "lab@example.org"))), ["email"]);
}
