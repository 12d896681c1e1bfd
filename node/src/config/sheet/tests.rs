//! Sheets that come back as they went, changed in one cell, or broken by a spreadsheet.

use super::*;
use crate::config::{SiteFile, to_toml};
use labkeeper_model::site::{AlarmKind, AlarmSpec, Guidance, Levels, Priority, SiteSpec};
use labkeeper_model::{Name, TagPath, Value};
use proptest::option;
use proptest::prelude::*;
use std::time::Duration;

/// A site as a person writes it: comments, and alarms in both forms.
const SITE: &str = r#"# Ours.
[site]
name = "Lab"

[segments.cryo]

[classes.vital]
latching = true

[devices.bank]
segment = "cryo"
driver = "modbus-tcp"
address = "10.1.0.40:502"

[devices.bank.tags.level]   # by the door
register = "input:0"
type = "f32"
unit = "mbar"
# Agreed on with Ann.
alarms = [
  { name = "high", type = "levels", hi = 30, priority = "high", guidance = "Look." }, # the usual
  { name = "low", type = "lo", limit = 1.0, priority = "low" },
]

[devices.bank.tags.gain]
register = "holding:10"
type = "f32"
access = "rw"
limits = { min = -50.0, max = 50.0 } # of the amplifier
safe = 0.0

[[devices.bank.tags.gain.alarms]]
name = "stuck" # often
type = "discrepancy"
tolerance = 0.5
priority = "medium"

[devices.bank.tags.valve]
register = "coil:0"
type = "bool"

[devices.bank.tags.label]
register = "input:100"
type = "string(8)"
"#;

fn take(sheet: Sheet, csv: &str) -> Result<Imported, Vec<String>> {
    let refused = |error: crate::config::ConfigError| error.findings.iter().map(ToString::to_string).collect::<Vec<_>>();
    import((SITE, "site.toml"), sheet, (csv.as_bytes(), "s.csv")).map_err(refused)
}

#[test]
fn a_sheet_that_nobody_changed_changes_no_byte() {
    let files = [SITE, include_str!("../../../../deploy/example/site.toml"), include_str!("../../../../deploy/demo/site.toml")];
    for (text, sheet) in files.into_iter().flat_map(|text| [(text, Sheet::Alarms), (text, Sheet::Tags)]) {
        let site = SiteFile::parse(text, "site.toml").expect("a site").site;
        let csv = export(&site, sheet);
        assert!(csv.lines().count() > 2, "{csv}");
        assert_eq!(import((text, "site.toml"), sheet, (csv.as_bytes(), "s.csv")).expect("taken").text, text);
    }
}

#[test]
fn a_changed_cell_changes_its_key_and_no_other_byte() {
    let changed = |sheet, csv: &str, old: &str, new: &str| {
        assert!(SITE.contains(old), "{old}");
        assert_eq!(take(sheet, csv).expect("taken").text, SITE.replacen(old, new, 1), "{csv}");
    };
    let alarms = |csv: &str, old: &str, new: &str| changed(Sheet::Alarms, csv, old, new);
    alarms("tag,alarm,priority\ncryo/bank/level,high,critical\n", "priority = \"high\"", "priority = \"critical\"");
    alarms("alarm;tag;guidance\nhigh;cryo/bank/level;'-1, then call\n", "\"Look.\"", "\"-1, then call\"");
    alarms("tag,alarm,tolerance_in_unit\r\ncryo/bank/gain,stuck,2\r\n", "tolerance = 0.5", "tolerance = 2.0");
    let alias = "tag,alarm,limit_in_unit\ncryo/bank/level,high,31.5\n";
    alarms(
        alias,
        "type = \"levels\", hi = 30, priority = \"high\", guidance = \"Look.\" }",
        "type = \"hi\", priority = \"high\", guidance = \"Look.\" , limit = 31.5 }",
    );
    alarms("tag,alarm,remove\ncryo/bank/level,low,TRUE\n", "\n  { name = \"low\", type = \"lo\", limit = 1.0, priority = \"low\" },", "");
    let tags = |csv: &str, old: &str, new: &str| changed(Sheet::Tags, csv, old, new);
    tags("tag,max_in_unit\ncryo/bank/gain,40\ncryo/bank/level,\n", "max = 50.0 }", "max = 40.0 }");
    tags("tag,safe_in_unit\ncryo/bank/gain,\n", "safe = 0.0\n", "");
    tags("\u{feff}tag\tunit\ncryo/bank/level\t°C\n\t\n", "\"mbar\"", "\"°C\"");
}

#[test]
fn another_type_takes_its_own_keys_along_and_a_new_alarm_joins_the_others() {
    let csv = "tag,alarm,type,limit_in_unit,hi_in_unit,hihi_in_unit,after_s,priority,unit\n\
               cryo/bank/level,high,levels,,30,35,,high,mbar\ncryo/bank/level,low,stale,,,,90,low,mbar\n\
               cryo/bank/level,fresh,hihi,40,,,,low,mbar\ncryo/bank/valve,open,changed,,,,,low,\n";
    let imported = take(Sheet::Alarms, csv).expect("taken");
    let alarms = |tag: &str| imported.after.site.tag(&TagPath::parse(tag).expect("a tag")).expect("declared").1.alarms.clone();
    let level = alarms("cryo/bank/level");
    let kinds: Vec<_> = level.iter().map(|alarm| (alarm.name.as_str(), alarm.kind.clone())).collect();
    let levels = |hi, hihi| AlarmKind::Levels(Levels { hi, hihi, ..Levels::default() });
    let after = Duration::from_secs(90);
    let wanted = [("high", levels(Some(30.0), Some(35.0))), ("low", AlarmKind::Stale { after }), ("fresh", levels(None, Some(40.0)))];
    assert_eq!(kinds, wanted);
    assert_eq!(alarms("cryo/bank/valve")[0].kind, AlarmKind::Changed);
    assert!(imported.text.contains("# the usual") && imported.text.contains("\n  { name = \"fresh\","), "{}", imported.text);
}

#[test]
fn every_cell_that_is_wrong_is_named_and_nothing_is_taken() {
    let refused = |sheet, csv: &str| take(sheet, csv).map(|imported| imported.text).expect_err(csv).join("\n");
    let cases = [
        ("tag,alarm,prioritty\n", "s.csv:1: prioritty: unknown column; did you mean \"priority\"?"),
        ("tag,alarm,type,type\n", "s.csv:1: type: is there twice; keep one of them"),
        ("tag,type\n", "s.csv:1: alarm: is missing from the first row;"),
        ("", "s.csv:1: tag: is missing"),
        ("tag,alarm\ncryo/bank/lavel,high\n", "s.csv:2: tag: the site has no tag cryo/bank/lavel; declare it in the site file first"),
        ("tag,alarm\ncryo//x,high\n", "s.csv:2: tag: \"cryo//x\": "),
        ("tag,alarm\ncryo/bank/level,\n", "s.csv:2: alarm: \"\": "),
        ("tag,alarm\ncryo/bank/level,high\n,\ncryo/bank/level, high\n", "s.csv:4: tag: is in row 2 already; keep one of them"),
        ("tag;alarm;limit_in_unit\ncryo/bank/level;low;1,5\n", "s.csv:2: limit_in_unit: \"1,5\" has a comma; write it like 1000.5"),
        ("tag,alarm,limit_in_unit\ncryo/bank/level,low,1,5\n", "s.csv:2: has \"5\" in a column without a head; put texts"),
        ("tag,alarm,unit\ncryo/bank/level,low,bar\n", "s.csv:2: unit: \"bar\" is not the unit of the tag, which is \"mbar\"; leave it"),
        ("tag,alarm,remove\ncryo/bank/level,none,true\n", "s.csv:2: remove: there is no such alarm; delete the row"),
        ("tag,alarm,remove\ncryo/bank/level,low,yes\n", "s.csv:2: remove: \"yes\" is neither true nor false;"),
        // What only the check of the whole site finds is told at its cell too.
        ("tag,alarm,limit_in_unit\ncryo/bank/gain,stuck,\ncryo/bank/level,low,\n", "s.csv:3: limit_in_unit: is missing; add limit = 30.0"),
        ("tag,alarm,class\ncryo/bank/gain,stuck,vitall\n", "s.csv:2: class: there is no class \"vitall\"; declare it under [classes]"),
        ("tag,alarm,type,remove\ncryo/bank/level,x,hi,\ncryo/bank/level,high,,true\n", "s.csv:2: priority: is missing;"),
    ];
    for (csv, wanted) in cases {
        let told = refused(Sheet::Alarms, csv);
        assert!(told.lines().any(|line| line.starts_with(wanted)), "{csv}\n{told}\nwithout {wanted}");
    }
    let told = refused(Sheet::Alarms, "tag,alarm,on_delay_s,deadband_in_unit\ncryo/bank/level,low,1m,x\ncryo/bank/gain,stuck,-1,\n");
    assert_eq!(told.lines().count(), 3, "all at once: {told}");
    assert!(refused(Sheet::Tags, "tag,min_in_unit\ncryo/bank/gain,60\n").starts_with("s.csv:2: "));
    let latin = import((SITE, "site.toml"), Sheet::Tags, (b"tag,unit\ncryo/bank/level,\xb0C\n", "s.csv")).expect_err("Latin-1");
    assert_eq!(latin.findings[0].remedy, "save it as \"CSV UTF-8\"");
}

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![2 => Just(String::new()), 3 => "[-=+@'\" a-z][a-z0-9,;'\"é° =\\\\]{0,12}"]
}

fn time() -> impl Strategy<Value = Duration> {
    // A day at most, as delays may be.
    (1_000_u64..86_400_000).prop_map(Duration::from_millis)
}

fn any_kind(tag: &'static str) -> impl Strategy<Value = AlarmKind> {
    let of_any = prop_oneof![
        Just(AlarmKind::Changed),
        time().prop_map(|after| AlarmKind::Stale { after }),
        Just(AlarmKind::Expression { source: "-cryo/bank/level < 2".into() }),
        (any::<bool>(), -4_000_i16..4_000, "[-=+'a-z]{1,7}").prop_map(move |(flag, number, text)| AlarmKind::Equals {
            value: match tag {
                "valve" => Value::Bool(flag),
                "label" => Value::Text(text),
                _ => Value::F64(f64::from(number) / 128.0),
            }
        }),
    ];
    let is_number = matches!(tag, "level" | "gain");
    // Within the limits of the gain.
    let levels = (-20.0..20.0_f64, 1_u8..16).prop_map(|(lo, which)| {
        let limit = |bit: u8, limit: f64| (which & bit != 0).then_some(limit);
        AlarmKind::Levels(Levels { lolo: limit(1, lo - 20.0), lo: limit(2, lo), hi: limit(4, lo + 4.0), hihi: limit(8, lo + 5.5) })
    });
    let other = TagPath::parse(if tag == "gain" { "cryo/bank/level" } else { "cryo/bank/gain" }).expect("a tag");
    // Only what is written has a setpoint to deviate from.
    let own = if tag == "gain" { None } else { Some(other.clone()) };
    let from = prop_oneof![Just(Some(other)), Just(own)];
    let of_number = prop_oneof![
        levels,
        (0.1..9.0_f64, from).prop_map(|(limit, from)| AlarmKind::Deviation { from, limit }),
        (0.1..9.0_f64, time()).prop_map(|(per_s, over)| AlarmKind::Rate { per_s, over }),
    ];
    if is_number { prop_oneof![of_any, of_number].boxed() } else { of_any.boxed() }
}

fn any_alarm(tag: &'static str) -> impl Strategy<Value = AlarmSpec> {
    let times = (option::of(time()), option::of(time()), option::of((60_u64..86_400).prop_map(Duration::from_secs)), option::of(time()));
    let words = (0..Priority::ALL.len(), option::of(Just(name("vital"))), option::of(Just("not cryo/bank/valve".to_owned())));
    (any_kind(tag), prop_oneof![Just(0.0), 0.01..0.9_f64], times, words, (any_text(), any_text(), any_text())).prop_map(
        |(
            kind,
            deadband,
            (on_delay, off_delay, re_alarm, response_time),
            (priority, class, suppress_when),
            (action, consequence, link),
        )| {
            AlarmSpec {
                name: name("a"),
                kind,
                deadband,
                on_delay: on_delay.unwrap_or_default(),
                off_delay: off_delay.unwrap_or_default(),
                priority: Priority::ALL[priority].0,
                class,
                guidance: Guidance { action, consequence, response_time, link },
                re_alarm,
                suppress_when,
            }
        },
    )
}

/// The site with three alarms, of the same names each time, for each of its tags.
fn any_site() -> impl Strategy<Value = SiteSpec> {
    let of_tag = |tag| proptest::collection::vec(any_alarm(tag), 3);
    (of_tag("level"), of_tag("gain"), of_tag("valve"), of_tag("label")).prop_map(|(level, gain, valve, label)| {
        let mut site = SiteFile::parse(SITE, "site.toml").expect("a site").site;
        let bank = site.devices.get_mut("bank").expect("the device");
        for (tag, alarms) in [("level", level), ("gain", gain), ("valve", valve), ("label", label)] {
            let named = alarms.into_iter().zip(["a", "b", "c"]).map(|(alarm, n)| AlarmSpec { name: name(n), ..alarm });
            bank.tags.get_mut(tag).expect("the tag").alarms = named.collect();
        }
        site
    })
}

/// A sheet as a spreadsheet of another country saves it.
fn resaved(csv: &str) -> String {
    let mut writer = csv::WriterBuilder::new().delimiter(b';').terminator(csv::Terminator::CRLF).from_writer(vec![]);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(csv.trim_start_matches('\u{feff}').as_bytes());
    reader.records().for_each(|record| writer.write_record(&record.expect("a row")).expect("written"));
    format!("\u{feff}{}", String::from_utf8(writer.into_inner().expect("written")).expect("text"))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    /// The sheet of one site makes another one the same, whatever differs between them; and its own text it leaves as it is.
    #[test]
    fn a_sheet_says_all_there_is_about_alarms(one in any_site(), other in any_site()) {
        let (text, csv) = (to_toml(&one), resaved(&export(&other, Sheet::Alarms)));
        let imported = import((&text, "site.toml"), Sheet::Alarms, (csv.as_bytes(), "s.csv"));
        let imported = imported.map_err(|refused| TestCaseError::fail(refused.to_string()))?;
        prop_assert_eq!(&imported.after.site, &other);
        let again = import((&imported.text, "site.toml"), Sheet::Alarms, (csv.as_bytes(), "s.csv")).expect("taken before");
        prop_assert_eq!(again.text, imported.text);
    }
}
