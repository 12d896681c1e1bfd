//! `node.toml`: what only this machine knows, read and checked.
//!
//! Whoever holds a [`NodeConfig`] need not check it again. It knows nothing of the site: segments are names here.

use super::finding::ConfigError;
use super::kinds::{self, Wrong, is_host_port};
use super::source::{Source, Table};
use super::timing::Timing;
use labkeeper_model::{ErrorCode, Name};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use toml::de::DeValue;

/// One node's own configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeConfig {
    /// Unique in the site.
    pub name: Name,
    /// Where the node keeps what it must not lose. Relative paths are relative to the file.
    pub data_dir: PathBuf,
    /// Segments whose network this machine can reach; `"*"` stands for all.
    pub reach: Vec<String>,
    /// Where clients and other nodes are listened to.
    pub listen_grpc: SocketAddr,
    /// Where browsers are listened to.
    pub listen_http: SocketAddr,
    /// `host:port` by which others reach the gRPC side.
    pub advertise_grpc: String,
    /// URL by which browsers reach the HTTP side, without a slash at its end.
    pub advertise_http: String,
    /// `host:port` of nodes to look for; may name this node too.
    pub seeds: Vec<String>,
    /// The local address of connections to devices, on a machine with several networks; `None` leaves the choice to the system.
    pub field_source: Option<IpAddr>,
    /// The file with the password for the site's mail server. Relative paths are relative to the file. It is read when a mail is sent.
    pub mail_password_file: Option<PathBuf>,
    /// How fast it notices and how long its rights last.
    pub timing: Timing,
}

impl NodeConfig {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`ConfigError`] with code `config_unreadable` if the file cannot be read, else `config_invalid` with every line
    /// that is wrong.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let file = path.display().to_string();
        let text =
            std::fs::read_to_string(path).map_err(|why| ConfigError::unreadable(ErrorCode::ConfigUnreadable, &file, &why.to_string()))?;
        let mut config = Self::parse(&text, &file)?;
        if let Some(folder) = path.parent() {
            config.data_dir = folder.join(&config.data_dir);
            config.mail_password_file = config.mail_password_file.map(|file| folder.join(file));
        }
        Ok(config)
    }

    /// Checks the text of a file; `file` is its name in messages.
    ///
    /// # Errors
    /// [`ConfigError`] with code `config_invalid` and every line that is wrong.
    pub fn parse(text: &str, file: &str) -> Result<Self, ConfigError> {
        let source = Source::parse(file, text);
        let config = if source.is_readable() { read(&source) } else { None };
        match config {
            Some(config) if !source.has_errors() => Ok(config),
            _ => Err(ConfigError { code: ErrorCode::ConfigInvalid, findings: source.into_findings() }),
        }
    }
}

fn read(source: &Source<'_>) -> Option<NodeConfig> {
    let root = source.root();
    let node = section(&root, "node");
    let listen = section(&root, "listen");
    let advertise = root.table("advertise");
    let cluster = root.table("cluster");
    let timing_table = root.table("timing");
    let field = root.table("field");

    let name = node.as_ref().and_then(|t| t.need("name", "\"cryo-a\"", kinds::name));
    let data_dir = node.as_ref().and_then(|t| t.need("data_dir", "\"/var/lib/labkeeper\"", kinds::text));
    let reach = node.as_ref().and_then(|t| t.need("reach", "[\"*\"], or the segments that this machine can reach", kinds::list(reachable)));
    let mail_password_file = node.as_ref().and_then(|t| t.get("mail_password_file", file_path));
    let grpc = listen.as_ref().and_then(|t| listen_address(t, "grpc", "\"0.0.0.0:7600\""));
    let http = listen.as_ref().and_then(|t| listen_address(t, "http", "\"0.0.0.0:7680\""));
    if let (Some(listen), Some(address)) = (&listen, http.filter(|_| grpc == http)) {
        listen.error("http", Wrong::new(format!("{address} is also listen.grpc"), "give each its own port"));
    }
    let advertise_grpc = advertised(&root, advertise.as_ref(), "grpc", grpc, host_port).or_else(|| grpc.map(|a| a.to_string()));
    let advertise_http = advertised(&root, advertise.as_ref(), "http", http, url).or_else(|| http.map(|a| format!("http://{a}")));
    let seeds = cluster.as_ref().and_then(|t| t.get("seeds", kinds::list(host_port))).unwrap_or_default();
    let field_source = field.as_ref().and_then(|t| t.get("source", source_address));
    let timing = Timing::read(timing_table.as_ref());

    [node, listen, advertise, cluster, timing_table, field, Some(root)].into_iter().flatten().for_each(Table::finish);
    Some(NodeConfig {
        name: name?,
        data_dir: data_dir?.into(),
        reach: reach?,
        listen_grpc: grpc?,
        listen_http: http?,
        advertise_grpc: advertise_grpc?,
        advertise_http: advertise_http?,
        seeds,
        field_source,
        mail_password_file,
        timing,
    })
}

/// A table that must be there.
fn section<'s>(root: &Table<'s>, key: &'static str) -> Option<Table<'s>> {
    let table = root.table(key);
    if table.is_none() && !root.has(key) {
        root.error(key, Wrong::new("is missing", format!("add a table [{key}]")));
    }
    table
}

fn listen_address(table: &Table<'_>, key: &'static str, example: &str) -> Option<SocketAddr> {
    table.need(key, example, |value| {
        let text = kinds::text(value)?;
        let address: SocketAddr =
            text.parse().map_err(|_| Wrong::new(format!("{text:?} is not an address"), format!("write it like {example}")))?;
        // Others must know the port before the node runs.
        if address.port() == 0 {
            return Err(Wrong::new(format!("{text:?} leaves the port to chance"), format!("choose one, like {example}")));
        }
        Ok(address)
    })
}

/// What others are told: as declared, else `None` and the listen address serves, unless that is no address to go to.
fn advertised(
    root: &Table<'_>,
    table: Option<&Table<'_>>,
    key: &'static str,
    listen: Option<SocketAddr>,
    kind: fn(&DeValue<'_>) -> Result<String, Wrong>,
) -> Option<String> {
    let declared = table.and_then(|t| t.get(key, kind));
    let left_out = table.is_none_or(|t| !t.has(key));
    if let (true, Some(listen)) = (left_out, listen.filter(|a| a.ip().is_unspecified())) {
        let example = if key == "http" { "\"http://10.1.0.5:7680\"" } else { "\"10.1.0.5:7600\"" };
        let what = format!("is missing, and listen.{key} = \"{listen}\" is no address that others could go to");
        let wrong = Wrong::new(what, format!("add {key} = {example} under [advertise], or listen on one address"));
        match table {
            Some(table) => table.error(key, wrong),
            None => root.error(&format!("advertise.{key}"), wrong),
        }
    }
    declared
}

fn reachable(value: &DeValue<'_>) -> Result<String, Wrong> {
    if value.as_str() == Some("*") { Ok("*".to_owned()) } else { kinds::name(value).map(|name| name.as_str().to_owned()) }
}

/// Where a file is; whether it is there is seen when it is read.
fn file_path(value: &DeValue<'_>) -> Result<PathBuf, Wrong> {
    let text = kinds::text(value)?;
    if text.is_empty() { Err(Wrong::new("is empty", "name a file, or leave it out")) } else { Ok(text.into()) }
}

/// An address of this machine; whether it has it is seen when a device is connected to.
fn source_address(value: &DeValue<'_>) -> Result<IpAddr, Wrong> {
    let text = kinds::text(value)?;
    let wrong =
        |what: &str| Wrong::new(format!("{text:?} {what}"), "write this machine's address on the devices' network, like \"10.1.0.5\"");
    let address: IpAddr = text.parse().map_err(|_| wrong("is not an address"))?;
    if address.is_unspecified() || address.is_multicast() { Err(wrong("is not one machine's address")) } else { Ok(address) }
}

fn host_port(value: &DeValue<'_>) -> Result<String, Wrong> {
    let text = kinds::text(value)?;
    let wrong = |what: &str| Wrong::new(format!("{text:?} {what}"), "write it like \"10.1.0.5:7600\"");
    if !is_host_port(&text) {
        return Err(wrong("is not host:port"));
    }
    if is_unspecified(&text) { Err(wrong("is no address that others could go to")) } else { Ok(text) }
}

fn url(value: &DeValue<'_>) -> Result<String, Wrong> {
    let text = kinds::text(value)?;
    let wrong = |what: &str| Wrong::new(format!("{text:?} {what}"), "write it like \"http://10.1.0.5:7680\"");
    let trimmed = text.trim_end_matches('/');
    let host = trimmed.strip_prefix("http://").or_else(|| trimmed.strip_prefix("https://"));
    match host {
        Some(host) if is_unspecified(host) => Err(wrong("is no address that others could go to")),
        Some(host) if is_host_port(host) || is_host_port(&format!("{host}:80")) => Ok(trimmed.to_owned()),
        _ => Err(wrong("is not a URL of a web server")),
    }
}

/// Whether the host part is `0.0.0.0` or `::`.
fn is_unspecified(host_port: &str) -> bool {
    let host = host_port.rsplit_once(':').map_or(host_port, |(host, _)| host);
    host.trim_matches(['[', ']']).parse().is_ok_and(|ip: IpAddr| ip.is_unspecified())
}

#[cfg(test)]
#[path = "node_tests.rs"]
mod tests;
