//! `labkeeper audit`: who did what, as a table, as a file for others, and whether it is still what was written.

mod row;
mod verify;

use super::client::{ANSWER_BYTES_MAX, Client, ClientArgs, Repeat};
use super::error::CliError;
use super::failure::Failure;
use super::output::{Form, Output};
use labkeeper_proto::v1;
use labkeeper_proto::v1::audit_service_client::AuditServiceClient;
use row::AuditRow;
use std::path::PathBuf;
use tonic::Response;

/// Entries that are asked for at once, the most that a node gives: at 4 KB each, the longest there are, 4 MB.
const PAGE: u32 = 1_000;

/// What to do with the audit.
#[derive(Debug, clap::Subcommand)]
pub(super) enum AuditCommand {
    /// Show the latest entries, oldest first
    Ls(LsArgs),
    /// Find out whether an entry was changed, removed or moved, in a file or on every node
    Verify(VerifyArgs),
    /// Write all entries to standard output
    Export(ExportArgs),
}

/// Arguments of `ls`.
#[derive(Debug, clap::Args)]
pub(super) struct LsArgs {
    /// Most entries
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: u32,
    #[command(flatten)]
    client: ClientArgs,
}

/// Arguments of `verify`.
#[derive(Debug, clap::Args)]
pub(super) struct VerifyArgs {
    /// A file that `export` wrote; without one, every node of the cluster is asked
    file: Option<PathBuf>,
    #[command(flatten)]
    client: ClientArgs,
}

/// Arguments of `export`.
#[derive(Debug, clap::Args)]
pub(super) struct ExportArgs {
    /// How the entries are written
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
    #[command(flatten)]
    client: ClientArgs,
}

/// How entries are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A JSON object on each line
    Jsonl,
    /// Comma-separated values under a line of names
    Csv,
}

/// Runs the command.
///
/// # Errors
/// No node answers, the file cannot be read, or the audit is not what was written.
pub(super) async fn run(command: AuditCommand) -> Result<(), CliError> {
    match command {
        AuditCommand::Ls(args) => ls(&args).await,
        AuditCommand::Verify(args) => verify::run(&args).await,
        AuditCommand::Export(args) => export(&args).await,
    }
}

async fn ls(args: &LsArgs) -> Result<(), CliError> {
    let rows = page(&Client::new(&args.client)?, 0, args.limit).await.map_err(CliError::from)?.0;
    let output = Output { json: args.client.json };
    if output.json { output.json(&rows, Form::Document) } else { output.table(&row::table(&rows)) }
}

async fn export(args: &ExportArgs) -> Result<(), CliError> {
    let rows = all(&Client::new(&args.client)?).await?;
    let text = match args.format {
        Format::Jsonl => row::to_jsonl(&rows),
        Format::Csv => row::to_csv(&rows),
    };
    Output { json: true }.text(&text?)
}

/// Every entry that the answering node has, oldest first.
///
/// # Errors
/// No node answers.
async fn all(client: &Client) -> Result<Vec<AuditRow>, CliError> {
    let mut rows: Vec<AuditRow> = vec![];
    loop {
        let from = rows.last().map_or(1, |last| last.number.saturating_add(1));
        let (page, last_number) = page(client, from, PAGE).await?;
        let is_last = page.last().is_none_or(|last| last.number >= last_number);
        rows.extend(page);
        if is_last {
            return Ok(rows);
        }
    }
}

/// One page, and the number of the newest entry.
async fn page(client: &Client, from: u64, limit: u32) -> Result<(Vec<AuditRow>, u64), Failure> {
    let answer = client
        .call(Repeat::Harmless, async |channel, _| {
            let mut service = AuditServiceClient::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX);
            service.list_audit(v1::ListAuditRequest { from, limit }).await.map(Response::into_inner)
        })
        .await?;
    let mut before = answer.hash_before;
    let mut rows = Vec::with_capacity(answer.entries.len());
    for entry in answer.entries {
        let hash = entry.hash.clone();
        rows.push(AuditRow::new(&before, entry));
        before = hash;
    }
    Ok((rows, answer.last_number))
}
