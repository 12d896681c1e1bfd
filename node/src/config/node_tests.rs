use super::*;
use labkeeper_model::LeaseTerms;
use std::time::Duration;

/// The file of the command line's documentation, whole.
const FULL: &str = r#"
[node]
name = "cryo-a"
data_dir = "/var/lib/labkeeper"
reach = ["cryo", "furnace"]
mail_password_file = "/etc/labkeeper/mail-password"

[listen]
grpc = "0.0.0.0:7600"
http = "0.0.0.0:7680"

[advertise]
grpc = "10.1.0.5:7600"
http = "http://10.1.0.5:7680/"

[cluster]
seeds = ["10.1.0.5:7600", "10.2.0.5:7600"]

[field]
source = "10.3.0.5"

[timing]
heartbeat = "50ms"
election_timeout = ["150ms", "300ms"]
renew = "200ms"
lease = "1.4s"
guard = "600ms"
write_timeout = "350ms"
stall = "250ms"
drift_ppm = 5_000
"#;

/// As little as a node needs.
const SMALL: &str = r#"
[node]
name = "a"
data_dir = "data"
reach = ["*"]
[listen]
grpc = "127.0.0.1:7600"
http = "127.0.0.1:7680"
"#;

fn refusal(text: &str) -> String {
    NodeConfig::parse(text, "node.toml").expect_err("a refusal").to_string()
}

#[test]
fn every_key_is_read() {
    let config = NodeConfig::parse(FULL, "node.toml").expect("a valid file");
    assert_eq!(config.name.as_str(), "cryo-a");
    assert_eq!(config.data_dir, PathBuf::from("/var/lib/labkeeper"));
    assert_eq!(config.reach, ["cryo", "furnace"]);
    assert_eq!((config.listen_grpc.port(), config.listen_http.port()), (7600, 7680));
    assert_eq!(config.advertise_grpc, "10.1.0.5:7600");
    assert_eq!(config.advertise_http, "http://10.1.0.5:7680", "without the slash");
    assert_eq!(config.seeds, ["10.1.0.5:7600", "10.2.0.5:7600"]);
    assert_eq!(config.field_source, Some([10, 3, 0, 5].into()));
    assert_eq!(config.mail_password_file, Some(PathBuf::from("/etc/labkeeper/mail-password")));
    let ms = Duration::from_millis;
    let terms = LeaseTerms { renew: ms(200), lease: ms(1_400), guard: ms(600), drift_ppm: 5_000 };
    assert_eq!(config.timing.terms(), terms);
    let Timing { heartbeat, election_min, election_max, write_timeout, stall, .. } = config.timing;
    assert_eq!([heartbeat, election_min, election_max, write_timeout, stall], [50, 150, 300, 350, 250].map(ms));
}

#[test]
fn what_is_left_out_is_the_default() {
    let config = NodeConfig::parse(SMALL, "node.toml").expect("a valid file");
    assert_eq!((config.advertise_grpc.as_str(), config.advertise_http.as_str()), ("127.0.0.1:7600", "http://127.0.0.1:7680"));
    assert_eq!(config.timing, Timing::default());
    assert_eq!(config.field_source, None);
    assert_eq!(config.mail_password_file, None);
    assert_eq!(config.seeds, [""; 0]);
}

#[test]
fn a_bad_address_is_refused_with_line_key_and_remedy() {
    assert_eq!(
        refusal(&SMALL.replace("127.0.0.1:7600", "x")),
        "LAB1001 config_invalid: node.toml:7: listen.grpc: \"x\" is not an address; write it like \"0.0.0.0:7600\""
    );
    assert!(refusal(&SMALL.replace("127.0.0.1:7600", "127.0.0.1:0")).contains("leaves the port to chance"));
    assert!(refusal(&SMALL.replace(":7680", ":7600")).contains("node.toml:8: listen.http: 127.0.0.1:7600 is also listen.grpc"));
}

#[test]
fn an_address_that_others_cannot_go_to_is_not_advertised() {
    let everywhere = SMALL.replace("127.0.0.1:7600", "0.0.0.0:7600");
    let missing = refusal(&everywhere);
    assert!(
        missing.contains("advertise.grpc: is missing") && missing.contains("add grpc = \"10.1.0.5:7600\" under [advertise]"),
        "{missing}"
    );
    assert!(NodeConfig::parse(&format!("{everywhere}[advertise]\ngrpc = \"10.1.0.5:7600\"\n"), "f").is_ok());
    for (key, bad) in [("grpc", "0.0.0.0:7600"), ("grpc", "[::]:7600"), ("http", "http://0.0.0.0:7680"), ("http", "10.1.0.5:7680")] {
        let text = format!("{SMALL}[advertise]\n{key} = \"{bad}\"\n");
        assert!(refusal(&text).contains(&format!("node.toml:10: advertise.{key}: \"{bad}\" is")), "{bad}: {}", refusal(&text));
    }
}

#[test]
fn a_source_is_one_machines_address() {
    for bad in ["0.0.0.0", "::", "224.0.0.1", "10.1.0.5:502", "plc"] {
        let refusal = refusal(&format!("{SMALL}[field]\nsource = \"{bad}\"\n"));
        assert!(refusal.contains(&format!("node.toml:10: field.source: \"{bad}\" is not ")), "{refusal}");
    }
}

#[test]
fn files_are_relative_to_the_file_that_names_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("node.toml");
    let with = |file: &str| SMALL.replace("[listen]", &format!("mail_password_file = \"{file}\"\n[listen]"));
    std::fs::write(&path, with("secret")).expect("written");
    let config = NodeConfig::load(&path).expect("a valid file");
    assert_eq!((config.data_dir, config.mail_password_file), (folder.path().join("data"), Some(folder.path().join("secret"))));
    let empty = refusal(&with(""));
    assert!(empty.contains("node.toml:6: node.mail_password_file: is empty; name a file, or leave it out"), "{empty}");
}

#[test]
fn times_outside_their_range_are_refused_at_their_line() {
    for bad in ["999", "100_001", "-1", "1.5"] {
        assert!(refusal(&format!("{SMALL}[timing]\ndrift_ppm = {bad}\n")).contains("node.toml:10: timing.drift_ppm: "), "{bad}");
    }
    let one = refusal(&format!("{SMALL}[timing]\nelection_timeout = [\"200ms\"]\n"));
    assert!(one.contains("node.toml:10: timing.election_timeout: takes two durations, not 1"), "{one}");
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = SMALL.replace("name = \"a\"", "nmae = \"a\"").replace("data_dir = \"data\"\n", "") + "[timing]\nlease = \"1s\"\n";
    let lines: Vec<String> = refusal(&text).lines().map(|line| line.split("; ").next().unwrap_or("").to_owned()).collect();
    let expected = [
        "LAB1001 config_invalid: node.toml:2: node.name: is missing",
        "LAB1001 config_invalid: node.toml:2: node.data_dir: is missing",
        "LAB1001 config_invalid: node.toml:3: node.nmae: unknown key",
        "LAB1001 config_invalid: node.toml:9: timing.lease: 1s is shorter than 2 x renew + 2 x election_max + heartbeat = 600ms + 800ms \
         + 60ms = 1s 460ms: owners would lose their segments in an election",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn an_empty_file_says_which_tables_are_missing() {
    let text = refusal("");
    assert!(text.contains("node.toml:1: node: is missing; add a table [node]") && text.contains("listen: is missing"), "{text}");
}

#[test]
fn a_file_that_is_not_there_or_not_toml_is_refused() {
    let missing = NodeConfig::load(Path::new("no/such/node.toml")).expect_err("a refusal");
    assert_eq!(missing.code, ErrorCode::ConfigUnreadable);
    assert!(missing.to_string().starts_with("LAB1002 config_unreadable: no/such/node.toml: "), "{missing}");
    assert!(refusal("[node\n").starts_with("LAB1001 config_invalid: node.toml:1: not TOML: unclosed table"), "{}", refusal("[node\n"));
}
