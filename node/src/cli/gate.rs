//! `labkeeper gate`: stand before one device and let only its segment's newest owner through, until told to stop.

use super::error::CliError;
use super::output::{Form, Output};
use super::parent::{self, ParentArgs};
use crate::config::is_host_port;
use crate::gate::{Gate, GateOptions, MemoryError};
use crate::start;
use labkeeper_model::ErrorCode;
use serde_json::json;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Arguments of `gate`.
#[derive(Debug, clap::Args)]
pub(super) struct GateArgs {
    /// Where nodes connect: what the site file says under `fence = { gate = ... }`
    #[arg(long, value_name = "HOST:PORT")]
    listen: SocketAddr,
    /// The device's own address
    #[arg(long, value_name = "HOST:PORT")]
    device: String,
    /// What the gate must not forget; one file for each gate
    #[arg(long, value_name = "FILE")]
    state: PathBuf,
    /// Print JSON with stable keys
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    parent: ParentArgs,
}

/// Runs the command.
///
/// # Errors
/// The addresses make no sense, the port cannot be had, or the state file cannot be used.
pub(super) async fn run(args: GateArgs) -> Result<(), CliError> {
    parent::end_with(&args.parent)?;
    crate::observe::init_logging();
    if !is_host_port(&args.device) {
        let message = format!("--device: {:?} is not host:port", args.device);
        return Err(CliError::usage(ErrorCode::BadRequest, message, "write it like \"10.1.0.40:502\""));
    }
    let gate = Gate::open(GateOptions::new(&args.device), &args.state).map_err(|error| forgetful(&error))?;
    let listener = TcpListener::bind(args.listen).await.map_err(|error| unavailable(args.listen, &error))?;
    let listen = listener.local_addr().map_err(|error| unavailable(args.listen, &error))?;
    announce(Output { json: args.json }, listen, &args.device)?;
    tokio::select! {
        () = Arc::new(gate).serve(listener) => {}
        () = start::told_to_stop() => {}
    }
    Ok(())
}

fn announce(output: Output, listen: SocketAddr, device: &str) -> Result<(), CliError> {
    if output.json {
        return output.json(&json!({ "listen": listen.to_string(), "device": device }), Form::Line);
    }
    output.line(format!("gate at {listen} before the device at {device}"))
}

fn unavailable(address: SocketAddr, error: &std::io::Error) -> CliError {
    CliError::failed(ErrorCode::PortUnavailable, format!("--listen {address}: {error}"))
}

fn forgetful(error: &MemoryError) -> CliError {
    let remedy = match error {
        MemoryError::Io { .. } => "check the path and its permissions",
        MemoryError::InUse { .. } => "give each gate its own file",
        MemoryError::Damaged { .. } => {
            "restore it; or delete it once no earlier owner of the segment runs: a gate that forgets lets anyone in"
        }
    };
    CliError::failed_with(ErrorCode::DataDirUnusable, format!("--state {error}"), remedy)
}
