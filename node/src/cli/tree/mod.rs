//! `labkeeper tree`: what runs inside a node, what failed and how, and acting on it.
//!
//! Any node answers for any node. With --follow the tree is shown again whenever something in it has changed.

mod json;
mod text;

use super::client::{ANSWER_BYTES_MAX, Client, ClientArgs, Repeat};
use super::error::CliError;
use super::failure::Failure;
use super::identity::whoami;
use super::output::{Form, Output};
use super::screen;
use json::{ChildJson, TreeJson};
use labkeeper_model::ErrorCode;
use labkeeper_proto::v1;
use labkeeper_proto::v1::tree_service_client::TreeServiceClient;
use tonic::{Response, Streaming};

/// Show the live supervision tree of a node, or act on a task in it
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct TreeArgs {
    /// The node's name [default: the node that answers]
    node: Option<String>,
    /// Show it again whenever something has changed, until interrupted
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    client: ClientArgs,
    #[command(subcommand)]
    action: Option<TreeAction>,
}

/// What can be done to a task.
#[derive(Debug, clap::Subcommand)]
enum TreeAction {
    /// End a task and start it again
    Restart(ActionArgs),
    /// End a task, and keep it down until it is released
    Quarantine(ActionArgs),
    /// Start a task again that failed too often or was quarantined
    Release(ActionArgs),
}

/// Arguments of what is done to a task.
#[derive(Debug, clap::Args)]
struct ActionArgs {
    /// The node and the task in its tree, as in lab-a/segments/cryo
    #[arg(value_name = "NODE/PATH")]
    target: String,
    /// Why
    #[arg(long, default_value = "")]
    reason: String,
    #[command(flatten)]
    client: ClientArgs,
}

/// Runs the command.
///
/// # Errors
/// The node or the task does not exist, or no node answers.
pub(super) async fn run(args: TreeArgs) -> Result<(), CliError> {
    match args.action {
        Some(TreeAction::Restart(action)) => act(&action, v1::ChildAction::Restart, "started again").await,
        Some(TreeAction::Quarantine(action)) => act(&action, v1::ChildAction::Quarantine, "quarantined").await,
        Some(TreeAction::Release(action)) => act(&action, v1::ChildAction::Release, "released").await,
        None => {
            let client = Client::new(&args.client)?;
            let (node, output) = (args.node.unwrap_or_default(), Output { json: args.client.json });
            if args.follow { follow(&client, node, output).await } else { show(&fetch(&client, node).await?, output) }
        }
    }
}

async fn fetch(client: &Client, node: String) -> Result<v1::Tree, CliError> {
    let request = v1::GetTreeRequest { node, passed_on: false };
    let answer = client
        .call(Repeat::Harmless, async |channel, _| {
            let mut service = TreeServiceClient::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX);
            service.get_tree(request.clone()).await.map(Response::into_inner)
        })
        .await?;
    Ok(answer.tree.unwrap_or_default())
}

fn show(tree: &v1::Tree, output: Output) -> Result<(), CliError> {
    match output.json {
        true => output.json(&TreeJson::from(tree), Form::Document),
        false => output.text(&(text::lines(tree).join("\n") + "\n")),
    }
}

/// Shows the tree at each change, until the node is gone.
async fn follow(client: &Client, node: String, output: Output) -> Result<(), CliError> {
    let mut stream = open(client, node).await?;
    loop {
        let message = stream.message().await.map_err(|status| CliError::from(Failure::answered("the node that answered", &status)))?;
        let Some(v1::WatchTreeResponse { tree: Some(tree) }) = message else { return Ok(()) };
        match (output.json, output.is_live()) {
            (true, _) => output.json(&TreeJson::from(&tree), Form::Line)?,
            (false, true) => screen::draw(output, &text::lines(&tree))?,
            (false, false) => output.text(&(text::lines(&tree).join("\n") + "\n\n"))?,
        }
    }
}

async fn open(client: &Client, node: String) -> Result<Streaming<v1::WatchTreeResponse>, Failure> {
    let request = v1::WatchTreeRequest { node, passed_on: false };
    client
        .call(Repeat::Harmless, async |channel, _| {
            let mut service = TreeServiceClient::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX);
            service.watch_tree(request.clone()).await.map(Response::into_inner)
        })
        .await
}

async fn act(args: &ActionArgs, action: v1::ChildAction, done: &str) -> Result<(), CliError> {
    let (node, path) = split(&args.target)?;
    let request = v1::ControlChildRequest {
        node: node.to_owned(),
        path: path.to_owned(),
        action: action.into(),
        actor: whoami(),
        reason: args.reason.clone(),
        passed_on: false,
    };
    let answer = Client::new(&args.client)?
        .call(Repeat::OnlyIfUndone, async |channel, _| {
            TreeServiceClient::new(channel).control_child(request.clone()).await.map(Response::into_inner)
        })
        .await?;
    let output = Output { json: args.client.json };
    if output.json {
        let child = answer.child.as_ref().map(|child| ChildJson::new(child, answer.now_ms));
        return output.json(&serde_json::json!({ "node": node, "path": path, "child": child }), Form::Document);
    }
    output.line(format!("{path} of {node} was {done}"))
}

/// The node's name, and the path in its tree.
fn split(target: &str) -> Result<(&str, &str), CliError> {
    match target.split_once('/') {
        Some((node, path)) if !node.is_empty() && !path.is_empty() => Ok((node, path)),
        _ => {
            let remedy = "write it like lab-a/segments/cryo; `labkeeper tree lab-a` shows what there is";
            Err(CliError::usage(ErrorCode::BadRequest, format!("{target:?} is not NODE/PATH"), remedy))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_node_and_a_path() {
        assert_eq!(split("lab-a/segments/cryo").expect("a target"), ("lab-a", "segments/cryo"));
        for bad in ["lab-a", "lab-a/", "/segments", ""] {
            assert!(split(bad).expect_err(bad).to_string().contains("is not NODE/PATH"), "{bad}");
        }
    }
}
