//! `labkeeper site`: check a declaration, see what it would change, put it in force, show what is in force.
//!
//! ```text
//! check, lint, import: file only    export: file or cluster    plan: file and cluster          apply: plan, ask, then one log entry based on that plan
//! ```

use super::client::{ANSWER_BYTES_MAX, Client, ClientArgs, Repeat};
use super::error::CliError;
use super::identity::whoami;
use super::output::{Form, Output, note};
use super::reading::bad_answer;
use super::site_json::{ApplyJson, CheckJson, PlanJson, ShowJson};
use super::site_lint;
use super::site_sheet::{self, ExportArgs, ImportArgs};
use crate::config::{SiteFile, to_toml};
use labkeeper_model::site::SiteSpec;
use labkeeper_proto::v1;
use labkeeper_proto::v1::site_service_client::SiteServiceClient;
use std::io::{BufRead as _, IsTerminal as _};
use std::path::PathBuf;
use std::time::Duration;
use tonic::Response;

/// The commands about the site's declaration.
#[derive(Debug, clap::Subcommand)]
pub(super) enum SiteCommand {
    /// Check a file, without asking any node
    Check(CheckArgs),
    /// Review the alarms of a file: priorities, guidance, deadbands
    Lint(CheckArgs),
    /// Show what a file would change
    Plan(FileArgs),
    /// Put a file in force, after showing what it changes
    Apply(ApplyArgs),
    /// Show what is in force, as a file that can be applied again
    Show(ClientArgs),
    /// Write alarms or tags as a CSV file for a spreadsheet
    Export(ExportArgs),
    /// Take a CSV file of alarms or tags back into a site file
    Import(ImportArgs),
}

/// Arguments of `check` and `lint`.
#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    /// The site file
    file: PathBuf,
    /// Print JSON with stable keys
    #[arg(long)]
    json: bool,
}

/// Arguments of what is done with a file and a cluster.
#[derive(Debug, clap::Args)]
pub(super) struct FileArgs {
    /// The site file
    file: PathBuf,
    #[command(flatten)]
    client: ClientArgs,
}

/// Arguments of `apply`.
#[derive(Debug, clap::Args)]
pub(super) struct ApplyArgs {
    #[command(flatten)]
    file: FileArgs,
    /// Do not ask first (without a terminal nobody is asked anyway)
    #[arg(long)]
    yes: bool,
    /// Why
    #[arg(long, default_value = "")]
    reason: String,
    /// Who asks [default: USER@HOST]
    #[arg(long = "as", value_name = "NAME")]
    actor: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// The file is refused, the cluster refuses, or no node answers.
pub(super) async fn run(command: SiteCommand) -> Result<(), CliError> {
    match command {
        SiteCommand::Check(args) => check(&args),
        SiteCommand::Lint(args) => site_lint::run(&args.file, Output { json: args.json }),
        SiteCommand::Plan(args) => plan(&args).await,
        SiteCommand::Apply(args) => apply(args).await,
        SiteCommand::Show(args) => show(&args).await,
        SiteCommand::Export(args) => site_sheet::write(&args).await,
        SiteCommand::Import(args) => site_sheet::read(&args),
    }
}

fn check(args: &CheckArgs) -> Result<(), CliError> {
    let output = Output { json: args.json };
    let checked = SiteFile::load(&args.file);
    if output.json {
        output.json(&CheckJson::new(&args.file, &checked), Form::Document)?;
    }
    let file = checked?;
    if output.json {
        return Ok(());
    }
    file.warnings.iter().for_each(|warning| note(format!("warning: {warning}")));
    output.line(format!("{}: {}", args.file.display(), summary(&file.site)))
}

/// What a declaration is about, in a few words.
fn summary(site: &SiteSpec) -> String {
    format!("{} segments, {} devices, {} tags; no errors", site.segments.len(), site.devices.len(), site.tags().count())
}

async fn plan(args: &FileArgs) -> Result<(), CliError> {
    let file = SiteFile::load(&args.file)?;
    let plan = ask_plan(&Client::new(&args.client)?, &file.site).await?;
    let output = Output { json: args.client.json };
    if output.json {
        return output.json(&PlanJson::from(plan), Form::Document);
    }
    print_plan(output, &plan)
}

async fn apply(args: ApplyArgs) -> Result<(), CliError> {
    let file = SiteFile::load(&args.file.file)?;
    let client = Client::new(&args.file.client)?;
    let output = Output { json: args.file.client.json };
    let plan = ask_plan(&client, &file.site).await?;
    if !output.json {
        print_plan(output, &plan)?;
    }
    if plan.base_version > 0 && plan.changes.is_empty() {
        let answer = v1::ApplySiteResponse { version: plan.base_version, ..v1::ApplySiteResponse::default() };
        return if output.json { output.json(&ApplyJson::new(plan, answer), Form::Document) } else { Ok(()) };
    }
    let asks = !args.yes && !output.json && std::io::stdin().is_terminal();
    if asks && !confirmed()? {
        return output.line("nothing was applied");
    }
    let request = v1::ApplySiteRequest {
        site: Some((&file.site).into()),
        expected_version: Some(plan.base_version),
        actor: args.actor.unwrap_or_else(whoami),
        reason: args.reason,
    };
    let answer = send(&args.file.client, request).await?;
    let refusal = answer.error.clone();
    let version = answer.version;
    if output.json {
        output.json(&ApplyJson::new(plan, answer), Form::Document)?;
    } else if refusal.is_none() {
        output.line(format!("applied as version {version}"))?;
    }
    refusal.map_or(Ok(()), |error| Err(CliError::answered(&error)))
}

async fn send(args: &ClientArgs, request: v1::ApplySiteRequest) -> Result<v1::ApplySiteResponse, CliError> {
    /// A declaration of megabytes is replicated to every node before it counts.
    const PATIENCE_MIN: Duration = Duration::from_secs(20);
    let client = Client::of(args.endpoint.clone(), args.timeout.max(PATIENCE_MIN))?;
    // Sent again after a broken connection, it could meet its own first copy and be refused as a conflict.
    let answer = client.call(Repeat::OnlyIfUndone, async |channel, _| {
        SiteServiceClient::new(channel).apply_site(request.clone()).await.map(Response::into_inner)
    });
    Ok(answer.await?)
}

async fn ask_plan(client: &Client, site: &SiteSpec) -> Result<v1::PlanSiteResponse, CliError> {
    let request = v1::PlanSiteRequest { site: Some(site.into()) };
    let answer = client.call(Repeat::Harmless, async |channel, _| {
        let mut service = SiteServiceClient::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX);
        service.plan_site(request.clone()).await.map(Response::into_inner)
    });
    Ok(answer.await?)
}

fn print_plan(output: Output, plan: &v1::PlanSiteResponse) -> Result<(), CliError> {
    for problem in &plan.problems {
        let severity = if problem.is_error { "error" } else { "warning" };
        note(format!("{severity}: {}: {}; {}", problem.path.join("."), problem.what, problem.remedy));
    }
    match plan.changes.len() {
        0 if plan.base_version > 0 => output.line(format!("nothing to change: version {} is the same", plan.base_version)),
        0 => output.line("an empty site would be declared"),
        count => {
            plan.changes.iter().try_for_each(|change| output.line(change))?;
            output.line(format!("{count} changes to version {}", plan.base_version))
        }
    }
}

/// Asks the person at the terminal.
fn confirmed() -> Result<bool, CliError> {
    Output { json: false }.text("apply? [y/N] ")?;
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.map_err(|error| CliError::internal(format!("standard input: {error}")))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

async fn show(args: &ClientArgs) -> Result<(), CliError> {
    let output = Output { json: args.json };
    match in_force(args).await? {
        (version, site) if output.json => output.json(&ShowJson::new(version, site.as_ref())?, Form::Document),
        (version, Some(site)) => output.text(&format!("# version {version}\n\n{}", to_toml(&site))),
        (_, None) => output.line("# no site has been applied yet: run `labkeeper site apply FILE`"),
    }
}

/// The declaration that is in force, with its version.
///
/// # Errors
/// No node answers, or not in words that are understood.
pub(super) async fn in_force(args: &ClientArgs) -> Result<(u64, Option<SiteSpec>), CliError> {
    let answer = Client::new(args)?
        .call(Repeat::Harmless, async |channel, _| {
            let mut service = SiteServiceClient::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX);
            service.get_site(v1::GetSiteRequest {}).await.map(Response::into_inner)
        })
        .await?;
    let site = answer.site.map(SiteSpec::try_from).transpose().map_err(|error| bad_answer(&error))?;
    Ok((answer.version, site))
}
