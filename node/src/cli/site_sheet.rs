//! `labkeeper site export` and `site import`: alarms and tags as a sheet, out of a site file or of what is in force, and back into a file.
//!
//! An export never writes over a file, as somebody may have worked on it. An import shows what it changes, and replaces the site file in one
//! step or not at all.

use super::client::ClientArgs;
use super::error::CliError;
use super::output::{Form, Output, note};
use super::site;
use super::site_json::ProblemJson;
use crate::config::{ConfigError, Imported, Sheet, SiteFile, export, import};
use labkeeper_model::ErrorCode;
use serde::Serialize;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Which sheet.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct SheetArgs {
    /// The CSV file of all alarms
    #[arg(long, value_name = "CSV")]
    alarms: Option<PathBuf>,
    /// The CSV file of all tags
    #[arg(long, value_name = "CSV")]
    tags: Option<PathBuf>,
}

impl SheetArgs {
    fn sheet(&self) -> (Sheet, &Path) {
        match (&self.alarms, &self.tags) {
            (Some(file), _) => (Sheet::Alarms, file),
            (None, tags) => (Sheet::Tags, tags.as_deref().unwrap_or(Path::new(""))),
        }
    }
}

/// Arguments of `export`.
#[derive(Debug, clap::Args)]
pub(super) struct ExportArgs {
    /// The site file; without it, what is in force is asked of a node
    site: Option<PathBuf>,
    #[command(flatten)]
    sheet: SheetArgs,
    #[command(flatten)]
    client: ClientArgs,
}

/// Arguments of `import`.
#[derive(Debug, clap::Args)]
pub(super) struct ImportArgs {
    /// The site file
    site: PathBuf,
    #[command(flatten)]
    sheet: SheetArgs,
    /// Leave the site file as it is, and write another
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    out: Option<PathBuf>,
    /// Only show what would change
    #[arg(long)]
    dry_run: bool,
    /// Print JSON with stable keys
    #[arg(long)]
    json: bool,
}

/// What an export did. The keys are a promise.
#[derive(Debug, Serialize)]
struct ExportJson {
    file: String,
    rows: usize,
}

/// What an import did. The keys are a promise.
#[derive(Debug, Serialize)]
struct ImportJson {
    /// Null if nothing was written.
    written: Option<String>,
    changes: Vec<String>,
    problems: Vec<ProblemJson>,
}

/// Writes a sheet.
///
/// # Errors
/// The site file is refused, no node answers, or the sheet is there already or cannot be written.
pub(super) async fn write(args: &ExportArgs) -> Result<(), CliError> {
    let (sheet, file) = args.sheet.sheet();
    let site = match &args.site {
        Some(site) => SiteFile::load(site)?.site,
        None => site::in_force(&args.client).await?.1.unwrap_or_default(),
    };
    let text = export(&site, sheet);
    let created = OpenOptions::new().write(true).create_new(true).open(file);
    created.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| unusable(file, &error))?;
    let rows = match sheet {
        Sheet::Alarms => site.devices.values().flat_map(|device| device.tags.values()).map(|tag| tag.alarms.len()).sum(),
        Sheet::Tags => site.tags().count(),
    };
    let (output, file) = (Output { json: args.client.json }, file.display().to_string());
    if output.json { output.json(&ExportJson { file, rows }, Form::Document) } else { output.line(format!("{file}: {rows} rows")) }
}

/// Takes a sheet back.
///
/// # Errors
/// The site file or the sheet is refused, or the file cannot be written: then it is as it was.
pub(super) fn read(args: &ImportArgs) -> Result<(), CliError> {
    let (sheet, file) = args.sheet.sheet();
    let bytes = fs::read(file).map_err(|error| unusable(file, &error))?;
    let name = args.site.display().to_string();
    let unreadable = |error: io::Error| ConfigError::unreadable(ErrorCode::SiteUnreadable, &name, &error.to_string());
    let text = fs::read_to_string(&args.site).map_err(unreadable)?;
    let imported = import((&text, &name), sheet, (&bytes, &file.display().to_string()))?;
    let target = args.out.as_ref().unwrap_or(&args.site);
    let is_written = !args.dry_run && (args.out.is_some() || imported.text != text);
    if is_written {
        replace(target, &imported.text).map_err(|error| unusable(target, &error))?;
    }
    show(&imported, is_written.then_some(target.as_path()), Output { json: args.json })
}

fn show(imported: &Imported, written: Option<&Path>, output: Output) -> Result<(), CliError> {
    let Imported { before, after, .. } = imported;
    let changes = labkeeper_machine::diff(before, &after.site);
    let written = written.map(|path| path.display().to_string());
    if output.json {
        let problems = after.warnings.iter().map(Into::into).collect();
        return output.json(&ImportJson { written, changes, problems }, Form::Document);
    }
    after.warnings.iter().for_each(|warning| note(format!("warning: {warning}")));
    changes.iter().try_for_each(|change| output.line(change))?;
    let file = written.map_or_else(|| "nothing was written".to_owned(), |file| format!("written to {file}"));
    output.line(format!("{} changes; {file}", changes.len()))
}

/// Puts a text in the place of a file, whole: a crash leaves the old one or the new one. A link goes on to point at it.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut part = path.file_name().unwrap_or_default().to_owned();
    part.push(".part");
    let part = path.with_file_name(part);
    let mut file = File::create(&part)?;
    file.write_all(text.as_bytes())?;
    if let Ok(old) = fs::metadata(&path) {
        file.set_permissions(old.permissions())?;
    }
    file.sync_all()?;
    fs::rename(&part, &path)
}

fn unusable(file: &Path, error: &io::Error) -> ConfigError {
    ConfigError::unreadable(ErrorCode::SheetInvalid, &file.display().to_string(), &error.to_string())
}
