//! The command line as scripts hold on to it: JSON keys, exit codes, endpoints that are dead.

use anyhow::{Context as _, ensure};
use labkeeper_tests::lab::Lab;
use labkeeper_tests::ports::Port;
use labkeeper_tests::{Cluster, cli, wait};
use serde_json::{Value, json};

/// The keys of a JSON object.
fn keys(value: &Value) -> Vec<&str> {
    value.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect()
}

fn has_keys(value: &Value, wanted: &[&str]) -> anyhow::Result<()> {
    let present = keys(value);
    let missing: Vec<_> = wanted.iter().filter(|key| !present.contains(key)).collect();
    ensure!(missing.is_empty(), "without {missing:?}: {value:#}");
    Ok(())
}

#[tokio::test]
async fn status_and_get_have_the_keys_that_were_promised() -> anyhow::Result<()> {
    let cluster = Cluster::start(3).await?;
    let leader = cluster.nodes[cluster.leader().await?].name.clone();
    let endpoints = cluster.endpoints();

    let status = cli::run(&endpoints, &["cluster", "status", "--json"]).await?.with_code(0)?.json()?;
    has_keys(&status, &["leader", "term", "nodes", "segments"])?;
    assert_eq!((&status["leader"], status["term"].is_u64()), (&json!(leader), true));
    for node in status["nodes"].as_array().context("nodes")? {
        has_keys(node, &["name", "id", "role", "grpc", "http"])?;
        let role = if node["name"] == json!(leader) { "leader" } else { "follower" };
        assert_eq!(node["role"], role);
    }
    for segment in status["segments"].as_array().context("segments")? {
        has_keys(segment, &["name", "owner", "epoch", "lease_remaining_ms"])?;
    }

    let tag = "cryo/bank-cryo/gain";
    let reading = cli::run(&endpoints, &["get", "--json", tag]).await?.with_code(0)?.json()?;
    has_keys(&reading, &["tag", "value", "unit", "quality", "time", "owner", "setpoint"])?;
    assert_eq!(
        (&reading["tag"], &reading["unit"], &reading["quality"], &reading["owner"]),
        (&json!(tag), &json!("mV"), &json!("good"), &json!("lab-a"))
    );
    assert_eq!(reading["setpoint"], Value::Null);
    let time = reading["time"].as_str().context("a time")?;
    assert!(time.ends_with('Z') && time.as_bytes()[10] == b'T', "RFC 3339 in UTC: {time}");

    let list = cli::run(&endpoints, &["get", "--json", "*/*/gain"]).await?.with_code(0)?.json()?;
    assert_eq!(list.as_array().context("a list for a glob")?.len(), 3);
    cluster.finish()
}

#[tokio::test]
async fn set_tells_what_became_of_the_command() -> anyhow::Result<()> {
    let cluster = Cluster::start(3).await?;
    let endpoints = cluster.endpoints();
    let tag = "vacuum/bank-vacuum/gain";
    let args = ["set", tag, "20.5", "--wait", "verified", "--reason", "leak test", "--as", "ann", "--json"];
    let set = cli::run(&endpoints, &args).await?.with_code(0)?.json()?;
    has_keys(&set, &["id", "tag", "value", "revision", "state", "error", "log_index"])?;
    assert_eq!(
        (&set["tag"], &set["value"], &set["revision"], &set["state"], &set["error"]),
        (&json!(tag), &json!(20.5), &json!(1), &json!("verified"), &Value::Null)
    );
    assert!(set["log_index"].as_u64() > Some(0));

    // The same id again, to another node: the same outcome.
    let id = set["id"].as_str().context("an id")?;
    let last = cluster.nodes[2].grpc.address().to_string();
    let again = cli::run(&last, &["set", tag, "20.5", "--id", id, "--wait", "verified", "--json"]).await?.with_code(0)?.json()?;
    assert_eq!((&again["revision"], &again["log_index"]), (&set["revision"], &set["log_index"]));

    let reading = cli::run(&endpoints, &["get", "--json", tag]).await?.with_code(0)?.json()?;
    let setpoint = &reading["setpoint"];
    has_keys(setpoint, &["value", "revision", "state", "by", "reason"])?;
    assert_eq!((&setpoint["by"], &setpoint["reason"], &setpoint["state"]), (&json!("ann"), &json!("leak test"), &json!("verified")));

    let conflict = cli::run(&endpoints, &["set", tag, "21", "--expect-revision", "0", "--json"]).await?.with_code(1)?;
    let answer = conflict.json()?;
    has_keys(&answer["error"], &["code", "message"])?;
    assert_eq!((&answer["error"]["code"], &answer["state"]), (&json!("LAB3007"), &json!("rejected")));
    cluster.finish()
}

#[tokio::test]
async fn a_failure_is_one_line_that_names_what_and_what_to_do() -> anyhow::Result<()> {
    let cluster = Cluster::start(1).await?;
    let endpoints = cluster.endpoints();
    let gain = "cryo/bank-cryo/gain";
    let nobody = Port::reserve()?.address().to_string();
    let cases: [(&str, &[&str], i32, &str); 9] = [
        (&endpoints, &["set", gain, "101"], 1, "LAB3005"),
        (&endpoints, &["set", gain, "nan"], 1, "LAB3004"),
        (&endpoints, &["set", gain, "warm"], 1, "LAB3003"),
        (&endpoints, &["set", "cryo/bank-cryo/level", "1"], 1, "LAB3002"),
        (&endpoints, &["get", "cryo/bank-cryo/nothing"], 1, "LAB3001"),
        (&endpoints, &["get", "cryo//gain"], 2, "LAB5004"),
        (&endpoints, &["cluster", "transfer", "lab-x"], 1, "LAB4005"),
        (&endpoints, &["cluster", "leave", "lab-a"], 1, "LAB4010"),
        (&nobody, &["get", gain], 1, "LAB4009"),
    ];
    for (endpoints, args, code, error) in cases {
        let ran = cli::run(endpoints, args).await?.with_code(code)?;
        assert!(ran.err.starts_with(error) && ran.err.contains("; "), "{args:?}: {:?}", ran.err);
        assert_eq!((ran.err.lines().count(), ran.out.as_str()), (1, ""), "{args:?}: {ran:?}");
    }
    for args in [&["set", gain][..], &["fly"], &["set", gain, "1", "--wait", "for-ever"], &["get"]] {
        cli::run(&endpoints, args).await?.with_code(2)?;
    }
    cluster.finish()
}

#[tokio::test]
async fn a_dead_first_endpoint_and_a_dead_leader_do_not_stop_a_command() -> anyhow::Result<()> {
    let mut cluster = Cluster::start(3).await?;
    let dead = Port::reserve()?.address();
    let endpoints = format!("{dead},{}", cluster.endpoints());
    cli::run(&endpoints, &["get", "cryo/bank-cryo/gain"]).await?.with_code(0)?;

    let leader = cluster.leader().await?;
    let segment = ["cryo", "furnace", "vacuum"][(leader + 1) % 3];
    cluster.nodes[leader].kill9()?;
    let tag = format!("{segment}/bank-{segment}/gain");
    let set = cli::run(&endpoints, &["set", &tag, "3", "--wait", "verified", "--timeout", "15s", "--json"]).await?.with_code(0)?.json()?;
    assert_eq!((&set["state"], &set["revision"]), (&json!("verified"), &json!(1)));
    cluster.finish()
}

#[tokio::test]
async fn a_site_file_is_checked_planned_applied_and_shown() -> anyhow::Result<()> {
    let cluster = Cluster::start(1).await?;
    let (endpoints, file) = (cluster.endpoints(), cluster.site_file().display().to_string());
    cli::run("", &["site", "check", &file]).await?.with_code(0)?;
    let nothing = cli::run(&endpoints, &["site", "plan", &file, "--json"]).await?.with_code(0)?.json()?;
    assert_eq!(nothing["changes"], json!([]), "what is in force is what was applied");

    let faster = std::fs::read_to_string(&file)?.replacen("poll = \"100ms\"", "poll = \"200ms\"", 1);
    std::fs::write(&file, faster)?;
    let plan = cli::run(&endpoints, &["site", "plan", &file]).await?.with_code(0)?;
    assert!(plan.out.contains("~ devices.bank-cryo.poll: 100ms -> 200ms"), "{}", plan.out);
    assert_eq!(cluster.nodes[0].client.status().await?.site_version, 1, "a plan changes nothing");
    cli::run(&endpoints, &["site", "apply", &file, "--yes", "--reason", "quieter bus"]).await?.with_code(0)?;
    assert_eq!(cluster.nodes[0].client.status().await?.site_version, 2);

    // What is shown is a site file that says the same.
    let shown = cli::run(&endpoints, &["site", "show"]).await?.with_code(0)?;
    let copy = cluster.dir().join("copy.toml");
    std::fs::write(&copy, shown.out)?;
    let plan = cli::run(&endpoints, &["site", "plan", &copy.display().to_string(), "--json"]).await?.with_code(0)?.json()?;
    assert_eq!(plan["changes"], json!([]));
    cluster.finish()
}

#[tokio::test]
async fn tags_and_alarms_go_through_a_spreadsheet_and_back() -> anyhow::Result<()> {
    let cluster = Cluster::start(1).await?;
    let (endpoints, file) = (cluster.endpoints(), cluster.site_file().display().to_string());
    let path = |name: &str| cluster.dir().join(name).display().to_string();
    let (tags, alarms, out) = (path("tags.csv"), path("alarms.csv"), path("out.toml"));
    let before = std::fs::read_to_string(&file)?;

    // From what is in force, and back into the file that was applied: the same.
    cli::run(&endpoints, &["site", "export", "--tags", &tags]).await?.with_code(0)?;
    let import = ["site", "import", &file, "--tags", &tags];
    let same = cli::run("", &import).await?.with_code(0)?;
    assert_eq!((same.out.as_str(), std::fs::read_to_string(&file)?), ("0 changes; nothing was written\n", before.clone()));
    cli::run("", &["site", "export", &file, "--tags", &tags]).await?.with_code(2)?;
    cli::run("", &["site", "export", &file]).await?.with_code(2)?;

    std::fs::write(&alarms, "tag,alarm,type,limit_in_unit,priority\ncryo/bank-cryo/gain,high,hi,90,low\n")?;
    let import = ["site", "import", &file, "--alarms", &alarms, "--json"];
    let only_shown = cli::run("", &[&import[..], &["--dry-run"]].concat()).await?.with_code(0)?.json()?;
    has_keys(&only_shown, &["written", "changes", "problems"])?;
    assert_eq!((&only_shown["written"], std::fs::read_to_string(&file)?), (&Value::Null, before.clone()));
    let elsewhere = cli::run("", &[&import[..], &["--out", &out]].concat()).await?.with_code(0)?.json()?;
    assert_eq!((&elsewhere["written"], &elsewhere["changes"]), (&json!(out), &only_shown["changes"]));
    let plan = cli::run(&endpoints, &["site", "plan", &out, "--json"]).await?.with_code(0)?.json()?;
    assert_eq!(plan["changes"], elsewhere["changes"], "what an import shows is what it would change");
    assert!(plan["changes"].to_string().contains("alarms.high"), "{plan}");

    std::fs::write(&alarms, "tag;alarm;type;limit_in_unit;priority\ncryo/bank-cryo/gain;high;hi;90,5;low\n")?;
    let refused = cli::run("", &import).await?.with_code(2)?;
    assert!(
        refused.err.starts_with("LAB2004") && refused.err.contains("alarms.csv:2: limit_in_unit: \"90,5\" has a comma"),
        "{}",
        refused.err
    );
    assert_eq!(std::fs::read_to_string(&file)?, before);
    cluster.finish()
}

#[tokio::test]
async fn a_cluster_is_founded_grown_and_shrunk_from_the_command_line() -> anyhow::Result<()> {
    let mut cluster = Cluster::uninitialised(3, Lab::standard()?).await?;
    let addresses: Vec<String> = cluster.nodes.iter().map(|node| node.grpc.address().to_string()).collect();
    let run = |args: Vec<String>| async move { cli::run("", &args.iter().map(String::as_str).collect::<Vec<_>>()).await };
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();

    run(words(&format!("cluster init --endpoint {}", addresses[0]))).await?.with_code(0)?;
    let again = run(words(&format!("cluster init --endpoint {}", addresses[0]))).await?.with_code(1)?;
    assert!(again.err.contains("LAB4003"), "{}", again.err);
    for address in &addresses[1..] {
        let joined = run(words(&format!("cluster join --endpoint {address} --to {}", addresses[0]))).await?.with_code(0)?;
        assert!(joined.out.contains("voter"), "a join tells how far it is: {joined:?}");
    }
    cluster.apply().await?;
    cluster.settled().await?;

    let leader = cluster.leader().await?;
    let next = cluster.nodes[(leader + 1) % 3].name.clone();
    cli::run(&cluster.endpoints(), &["cluster", "transfer", &next]).await?.with_code(0)?;
    wait::until("leadership to move", wait::SOON, || async {
        let leader = cluster.nodes[0].client.status().await?.leader;
        ensure!(leader == next, "{leader} leads");
        Ok(())
    })
    .await?;

    let status = cluster.nodes[0].client.status().await?;
    let gone = cluster.nodes[2].name.clone();
    cli::run(&cluster.endpoints(), &["cluster", "leave", &gone]).await?.with_code(0)?;
    cluster.nodes[2].kill9()?;
    let after = cluster.nodes[0].client.status().await?;
    assert_eq!((status.nodes.len(), after.nodes.len()), (3, 2));
    assert!(after.nodes.iter().all(|node| node.name != gone));
    cluster.set(0, labkeeper_tests::client::setpoint("cryo/bank-cryo/gain", labkeeper_proto::v1::value::Kind::Number(1.0))).await?;
    cluster.finish()
}

#[tokio::test]
async fn watch_prints_a_line_of_json_for_each_change() -> anyhow::Result<()> {
    use std::process::Stdio;
    use tokio::io::{AsyncBufReadExt as _, BufReader};
    let cluster = Cluster::start(1).await?;
    let mut watch = tokio::process::Command::new(labkeeper_tests::process::program()?)
        .args(["watch", "cryo/bank-cryo/gain", "--json", "--endpoint", &cluster.endpoints()])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut lines = BufReader::new(watch.stdout.take().context("a piped stdout")?).lines();
    let mut next = async || -> anyhow::Result<Value> {
        let line = tokio::time::timeout(wait::SOON, lines.next_line()).await.context("silence")??.context("the end")?;
        Ok(serde_json::from_str(&line)?)
    };
    let first = next().await?;
    has_keys(&first, &["tag", "value", "unit", "quality", "time", "owner", "setpoint"])?;
    cluster.set(0, labkeeper_tests::client::setpoint("cryo/bank-cryo/gain", labkeeper_proto::v1::value::Kind::Number(64.0))).await?;
    while next().await?["value"] != json!(64.0) {}
    cluster.finish()
}
