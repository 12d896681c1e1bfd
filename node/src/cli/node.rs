//! `labkeeper node`: runs one node until it is told to stop.

use super::error::CliError;
use super::parent;
use crate::config::NodeConfig;
use crate::{compose, observe};
use std::path::PathBuf;

/// Arguments of `node`.
#[derive(Debug, clap::Args)]
pub(super) struct NodeArgs {
    /// What only this machine knows
    #[arg(long, value_name = "FILE", default_value = "node.toml")]
    config: PathBuf,
    #[command(flatten)]
    parent: parent::ParentArgs,
}

/// Runs the command.
///
/// # Errors
/// The file is refused, or the node cannot start or go on.
pub(super) async fn run(args: NodeArgs) -> Result<(), CliError> {
    parent::end_with(&args.parent)?;
    let config = NodeConfig::load(&args.config)?;
    observe::init_logging();
    Ok(compose::run(config).await?)
}
