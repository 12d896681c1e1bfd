use crate::site_diff::diff;
use labkeeper_model::site::{AlarmClass, ConditionSpec, InterlockSpec, MailSpec, Priority, RouteSpec, SiteSpec, Stage};
use labkeeper_model::{Name, TagPath};
use std::time::Duration;

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

/// A site with one of each.
fn site() -> SiteSpec {
    SiteSpec {
        groups: [(name("cold"), vec![name("chiller-1")])].into(),
        conditions: [(name("water"), ConditionSpec::default())].into(),
        interlocks: [(name("heat"), InterlockSpec { max_age: InterlockSpec::MAX_AGE_DEFAULT, ..InterlockSpec::default() })].into(),
        classes: [(name("water"), AlarmClass::default())].into(),
        routes: [(name("oncall"), RouteSpec::default())].into(),
        mail: Some(Box::default()),
        ..SiteSpec::default()
    }
}

/// One line per change, each of another field.
type Change<'a> = (&'a str, fn(&mut SiteSpec));

fn check(changes: &[Change<'_>]) {
    for (line, change) in changes {
        let mut changed = site();
        change(&mut changed);
        assert_eq!(diff(&site(), &changed), [*line]);
    }
}

fn interlock(site: &mut SiteSpec) -> &mut InterlockSpec {
    site.interlocks.get_mut("heat").expect("the interlock")
}

fn class(site: &mut SiteSpec) -> &mut AlarmClass {
    site.classes.get_mut("water").expect("the class")
}

fn route(site: &mut SiteSpec) -> &mut RouteSpec {
    site.routes.get_mut("oncall").expect("the route")
}

fn mail(site: &mut SiteSpec) -> &mut MailSpec {
    site.mail.as_mut().expect("the mail server")
}

/// A field that the difference forgets would be put in force unseen.
#[test]
fn no_field_of_groups_conditions_and_interlocks_is_forgotten() {
    check(&[
        ("~ groups.cold.devices: chiller-1 -> chiller-1 magnet-1", |s| {
            s.groups.get_mut("cold").expect("the group").push(name("magnet-1"));
        }),
        ("~ conditions.water.description: \"\" -> \"flows\"", |s| {
            s.conditions.get_mut("water").expect("the condition").description = "flows".into();
        }),
        ("~ conditions.water.expr: \"\" -> \"true\"", |s| s.conditions.get_mut("water").expect("the condition").expr = "true".into()),
        ("~ interlocks.heat.description: \"\" -> \"dry\"", |s| interlock(s).description = "dry".into()),
        ("~ interlocks.heat.stage: permit -> protect", |s| interlock(s).stage = Stage::Protect),
        ("~ interlocks.heat.require: \"\" -> \"true\"", |s| interlock(s).require = "true".into()),
        ("~ interlocks.heat.tags: none -> a/b/c", |s| interlock(s).tags = vec![TagPath::parse("a/b/c").expect("a path")]),
        ("~ interlocks.heat.max_age: 5s -> 1s", |s| interlock(s).max_age = Duration::from_secs(1)),
        ("~ interlocks.heat.priority: medium -> high", |s| interlock(s).priority = Priority::High),
    ]);
}

#[test]
fn no_field_of_classes_routes_and_mail_is_forgotten() {
    check(&[
        ("~ classes.water.description: \"\" -> \"wet\"", |s| class(s).description = "wet".into()),
        ("~ classes.water.shelvable: true -> false", |s| class(s).shelvable = false),
        ("~ classes.water.max_shelve: 28800s -> 60s", |s| class(s).max_shelve = Duration::from_secs(60)),
        ("~ classes.water.needs_comment: false -> true", |s| class(s).needs_comment = true),
        ("~ classes.water.latching: false -> true", |s| class(s).latching = true),
        ("~ classes.water.highly_managed: false -> true", |s| class(s).highly_managed = true),
        ("~ notify.oncall.webhook: none -> \"http://a/\"", |s| route(s).webhook = Some("http://a/".into())),
        ("~ notify.oncall.email: none -> a@b", |s| route(s).email = vec!["a@b".into()]),
        ("~ notify.oncall.min_priority: medium -> high", |s| route(s).min_priority = Priority::High),
        ("~ notify.oncall.segments: none -> cryo", |s| route(s).segments = vec![name("cryo")]),
        ("~ notify.oncall.hours: none -> 18:00-08:05", |s| route(s).hours = Some((18 * 60, 8 * 60 + 5))),
        ("~ mail.server: \"\" -> \"a:25\"", |s| mail(s).server = "a:25".into()),
        ("~ mail.from: \"\" -> \"a@b\"", |s| mail(s).from = "a@b".into()),
        ("~ mail.tls: false -> true", |s| mail(s).tls = true),
        ("~ mail.user: none -> \"lab\"", |s| mail(s).user = Some("lab".into())),
    ]);
}

#[test]
fn each_of_them_is_added_and_removed_in_one_line() {
    let all = ["groups.cold", "conditions.water", "interlocks.heat", "classes.water", "notify.oncall", "mail"];
    assert_eq!(diff(&SiteSpec::default(), &site()), all.map(|key| format!("+ {key}")));
    assert_eq!(diff(&site(), &SiteSpec::default()), all.map(|key| format!("- {key}")));
}
