//! `labkeeper sim`: the simulated devices of a site file, each at its declared address, until it is told to stop.

use super::error::CliError;
use super::output::Output;
use super::parent::{self, ParentArgs};
use super::sim_control;
use crate::config::SiteFile;
use crate::start;
use labkeeper_drivers::sim::{Plant, PlantError, PlantOptions};
use labkeeper_model::ErrorCode;
use serde_json::json;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Arguments of `sim`.
#[derive(Debug, clap::Args)]
pub(super) struct SimArgs {
    /// The site file; a device's `simulate` key says what it pretends to be
    #[arg(long, value_name = "FILE")]
    site: PathBuf,
    /// Offer faults, registers and the log of writes over HTTP at this address
    #[arg(long, value_name = "HOST:PORT")]
    control: Option<SocketAddr>,
    /// Append every write that a device receives to this file, one JSON object per line
    #[arg(long, value_name = "FILE")]
    write_log: Option<PathBuf>,
    /// Print JSON with stable keys
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    parent: ParentArgs,
}

/// Runs the command.
///
/// # Errors
/// The file is refused, or a port cannot be had.
pub(super) async fn run(args: SimArgs) -> Result<(), CliError> {
    parent::end_with(&args.parent)?;
    crate::observe::init_logging();
    let file = SiteFile::load(&args.site)?;
    // The control port first: whoever gets an answer there knows that the devices are up soon, or why not.
    let control = match args.control {
        Some(address) => Some(TcpListener::bind(address).await.map_err(|error| port_unavailable(&address.to_string(), &error))?),
        None => None,
    };
    let options = PlantOptions { write_log: args.write_log, ..PlantOptions::default() };
    let plant = Plant::start(&file.site.devices, options).await.map_err(|error| refused(&error))?;
    announce(Output { json: args.json }, &file, &plant)?;
    let plant = Arc::new(plant);
    let served = async {
        match control {
            Some(listener) => axum::serve(listener, sim_control::router(plant.clone())).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        ended = served => ended.map_err(|error| CliError::internal(format!("the control port: {error}")))?,
        () = start::told_to_stop() => {}
    }
    if let Some(plant) = Arc::into_inner(plant) {
        plant.stop().await;
    }
    Ok(())
}

fn port_unavailable(address: &str, error: &std::io::Error) -> CliError {
    CliError::failed(ErrorCode::PortUnavailable, format!("{address}: {error}"))
}

fn refused(error: &PlantError) -> CliError {
    match error {
        PlantError::Listen { address, source } => port_unavailable(address, source),
        PlantError::UnknownModel { .. } | PlantError::SameUnit { .. } => {
            CliError::usage(ErrorCode::SiteInvalid, error.to_string(), "correct the site file")
        }
        PlantError::WriteLog(_) => CliError::failed(ErrorCode::DataDirUnusable, error.to_string()),
    }
}

fn announce(output: Output, file: &SiteFile, plant: &Plant) -> Result<(), CliError> {
    let devices = file.site.devices.iter().filter_map(|(name, spec)| Some((name, spec, plant.address(name.as_str())?)));
    if output.json {
        let list: Vec<_> = devices
            .map(|(name, spec, address)| json!({ "device": name.as_str(), "address": address.to_string(), "unit_id": spec.unit_id }))
            .collect();
        return output.json(&list, super::output::Form::Line);
    }
    let rows: Vec<Vec<String>> = devices
        .map(|(name, spec, address)| {
            let model = spec.simulate.clone().unwrap_or_else(|| "bank".to_owned());
            vec![name.as_str().to_owned(), model, address.to_string(), format!("unit {}", spec.unit_id)]
        })
        .collect();
    output.table(&rows)
}
