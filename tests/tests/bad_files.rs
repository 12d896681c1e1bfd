//! Files that cannot be: a mistake is named with file, line, key and remedy, and nothing of the file is taken.
//!
//! Every single mistake has its golden example beside the parser; here the whole way is walked, from the file to the
//! cluster that must not have changed.

use labkeeper_proto::v1;
use labkeeper_tests::lab::Lab;
use labkeeper_tests::{Cluster, cli};
use std::path::Path;

/// A site file with three mistakes, and the lines that they are on.
const BAD_SITE: &str = r#"[site]
name = "Bad"

[segments.cryo]
homes = "lab-a"

[devices.d]
segment = "cryo"
driver = "modbus-tcp"
address = "127.0.0.1:502"

[devices.d.tags.t]
register = "input:0"
type = "f32"
access = "rw"
"#;

fn write(dir: &Path, name: &str, text: &str) -> anyhow::Result<String> {
    let path = dir.join(name);
    std::fs::write(&path, text)?;
    Ok(path.display().to_string())
}

#[tokio::test]
async fn every_mistake_of_a_site_file_is_named_with_its_line_and_nothing_is_applied() -> anyhow::Result<()> {
    let cluster = Cluster::start(1).await?;
    let before = cluster.nodes[0].client.status().await?.site_version;
    let bad = write(cluster.dir(), "bad.toml", BAD_SITE)?;
    let endpoints = cluster.endpoints();
    for args in [vec!["site", "check", &bad], vec!["site", "plan", &bad], vec!["site", "apply", &bad, "--yes"]] {
        let ran = cli::run(&endpoints, &args).await?.with_code(2)?;
        let said = format!("{}{}", ran.out, ran.err);
        for part in ["LAB2001", "bad.toml:5", "segments.cryo.homes", "bad.toml:15", "devices.d.tags.t.access", "use a holding register"] {
            assert!(said.contains(part), "{args:?} does not say {part:?}:\n{said}");
        }
    }
    let status = cluster.nodes[0].client.status().await?;
    assert_eq!((status.site_version, status.site_name.as_str()), (before, "Test lab"));
    cluster.finish()
}

#[tokio::test]
async fn a_declaration_that_reaches_a_node_is_checked_there_again() -> anyhow::Result<()> {
    let cluster = Cluster::start(1).await?;
    let client = &cluster.nodes[0].client;
    let in_force = client.site().get_site(v1::GetSiteRequest {}).await?.into_inner();
    let site = in_force.site.unwrap_or_default();

    let mut bad = site.clone();
    bad.devices.get_mut("bank-cryo").expect("the lab has it").segment = "nowhere".into();
    bad.name = "Half of it".into();
    let request = v1::ApplySiteRequest { site: Some(bad), ..Default::default() };
    let answer = client.site().apply_site(request).await?.into_inner();
    assert_eq!(answer.error.map(|error| error.code).as_deref(), Some("LAB2001"), "{:?}", answer.problems);
    assert!(answer.problems.iter().any(|p| p.is_error && p.path.contains(&"bank-cryo".to_owned())), "{:?}", answer.problems);

    let mut stale = site.clone();
    stale.name = "Too late".into();
    let request = v1::ApplySiteRequest { site: Some(stale), expected_version: Some(99), ..Default::default() };
    let answer = client.site().apply_site(request).await?.into_inner();
    assert_eq!(answer.error.map(|error| error.code).as_deref(), Some("LAB2002"));

    let after = client.site().get_site(v1::GetSiteRequest {}).await?.into_inner();
    assert_eq!((after.version, after.site), (in_force.version, Some(site)));
    cluster.finish()
}

#[tokio::test]
async fn a_node_refuses_a_configuration_that_cannot_be() -> anyhow::Result<()> {
    let mut cluster = Cluster::uninitialised(1, Lab::empty()).await?;
    cluster.nodes[0].stop().await?;
    let node = &cluster.nodes[0];
    let good = node.config_text(&node.data_dir(), "");
    let cases = [
        (format!("{good}colour = \"red\"\n"), "LAB1001", "listen.colour"),
        (good.replace("name =", "nane ="), "LAB1001", "node.nane"),
        (good.replace("\"lab-a\"", "\"lab a\""), "LAB1001", "node.name"),
        (good.replace("grpc = \"127.0.0.1:", "grpc = \"127.0.0.1-"), "LAB1001", "listen.grpc"),
        (format!("{good}\n[timing]\nheartbeat = \"1s\"\n"), "LAB1001", "timing"),
        (format!("{good}\n[timing"), "LAB1001", "node.toml:10"),
    ];
    for (text, code, says) in cases {
        let path = write(cluster.dir(), "node.toml", &text)?;
        let ran = cli::run("", &["node", "--config", &path]).await?.with_code(2)?;
        assert!(ran.err.contains(code) && ran.err.contains("node.toml:") && ran.err.contains(says), "wanted {code} and {says}: {ran:#?}");
        assert!(ran.err.lines().all(|line| line.starts_with(code)), "a line for each finding, and nothing else: {}", ran.err);
    }
    let ran = cli::run("", &["node", "--config", "/nonexistent/node.toml"]).await?.with_code(2)?;
    assert!(ran.err.contains("LAB1002") && ran.err.contains("/nonexistent/node.toml"), "{}", ran.err);
    cluster.finish()
}
