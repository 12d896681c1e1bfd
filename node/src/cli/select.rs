//! Selecting before operating: `labkeeper select`, and the `--select` of `set` and `run`.
//!
//! ```text
//!   select ──► show what will happen ──► asked: y ──► the command, under the same id
//!     '─ refused: nothing was sent           '── n ──► given up, nothing was sent
//! ```

use super::client::{Client, ClientArgs, Repeat};
use super::error::CliError;
use super::identity::{new_id, whoami};
use super::output::{Form, Output, note};
use super::reading::{Reading, bad_answer};
use super::value;
use crate::clock;
use labkeeper_model::{ErrorCode, Timestamp, Value};
use labkeeper_proto::convert::value_opt;
use labkeeper_proto::v1;
use labkeeper_proto::v1::command_service_client::CommandServiceClient;
use labkeeper_proto::v1::tag_service_client::TagServiceClient;
use serde::Serialize;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use tonic::Response;

/// Say what is about to be written to a tag, before the command that writes it
///
/// Prints the id of the command that is to follow: `labkeeper set TAG VALUE --id ID`, or `labkeeper run TAG --id ID`. Until it is used,
/// given up or over, nobody else writes to the tag.
#[derive(Debug, clap::Args)]
pub(super) struct SelectArgs {
    /// The tag as segment/device/tag
    tag: String,
    /// What is to be written; of an action: true, or one, if left out
    #[arg(allow_negative_numbers = true)]
    value: Option<String>,
    /// Take VALUE as a text, whatever it looks like
    #[arg(long, requires = "value")]
    text: bool,
    /// Give the selection of this id up
    #[arg(long, value_name = "UUID", conflicts_with_all = ["value", "id"])]
    drop: Option<String>,
    /// The UUID of the command that is to follow [default: a new one]
    #[arg(long, value_name = "UUID")]
    id: Option<String>,
    /// Who asks [default: USER@HOST]
    #[arg(long = "as", value_name = "NAME")]
    actor: Option<String>,
    #[command(flatten)]
    client: ClientArgs,
}

/// The switches of commands that select first.
#[derive(Debug, clap::Args)]
pub(super) struct SelectFirst {
    /// Select the tag, show what will happen and ask, before anything is sent
    #[arg(long)]
    select: bool,
    /// Do not ask
    #[arg(long, requires = "select")]
    yes: bool,
}

/// What `select` tells, in JSON. Its keys are a promise.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct SelectJson {
    id: String,
    tag: String,
    value: serde_json::Value,
    until: String,
}

/// Runs the command.
///
/// # Errors
/// The command would be refused, somebody else is about to write to the tag, or no node answers.
pub(super) async fn run(args: SelectArgs) -> Result<(), CliError> {
    let client = Client::new(&args.client)?;
    let output = Output { json: args.client.json };
    let actor = args.actor.unwrap_or_else(whoami);
    if let Some(id) = args.drop {
        give_up(&client, v1::DeselectTagRequest { id, tag: args.tag, actor }).await?;
        return if output.json { Ok(()) } else { output.line("given up") };
    }
    let asked = args.value.map(|text| if args.text { Value::Text(text) } else { value::parse(&text) });
    let id = args.id.unwrap_or_else(new_id);
    let value = asked.as_ref().map(Into::into);
    let request = v1::SelectTagRequest { id, tag: args.tag, value, actor, client: program() };
    let selected = select(&client, &request).await?;
    if output.json {
        let (value, until) = (value::to_json(selected.value.as_ref()), value::time(selected.until));
        return output.json(&SelectJson { id: request.id, tag: request.tag, value, until }, Form::Document);
    }
    let (value, until) = (value::to_text(selected.value.as_ref()), value::time(selected.until));
    output.line(format!("{} is selected for {value} until {until}; the command's id is {}", request.tag, request.id))
}

struct Selected {
    value: Option<Value>,
    until: Timestamp,
}

impl SelectFirst {
    /// Selects the tag and asks, if that is wanted; whether to go on.
    ///
    /// # Errors
    /// The command would be refused, somebody else is about to write to the tag, nobody is there to be asked, or no node answers.
    pub(super) async fn confirmed(&self, client: &Client, what: SelectFor<'_>) -> Result<bool, CliError> {
        if !self.select {
            return Ok(true);
        }
        if !self.yes && !std::io::stdin().is_terminal() {
            let nobody = "--select asks before anything is sent, and nobody is there to answer";
            return Err(CliError::usage(ErrorCode::BadRequest, nobody, "give --yes if that is meant"));
        }
        let SelectFor { id, tag, value, actor } = what;
        let (id, tag, actor) = (id.to_owned(), tag.to_owned(), actor.to_owned());
        let request = v1::SelectTagRequest { id, tag, value, actor, client: program() };
        let selected = select(client, &request).await?;
        let shown = match reading(client, &request.tag).await {
            Ok(shown) => shown,
            Err(error) => {
                give_up(client, of(&request)).await?;
                return Err(error);
            }
        };
        note(format!(
            "{shown}; about to write {}, selected until {}",
            value::to_text(selected.value.as_ref()),
            value::time(selected.until)
        ));
        if self.yes || agreed()? {
            return Ok(true);
        }
        give_up(client, of(&request)).await?;
        note("nothing was sent");
        Ok(false)
    }
}

/// What a command that selects first is about.
pub(super) struct SelectFor<'a> {
    pub(super) id: &'a str,
    pub(super) tag: &'a str,
    pub(super) value: Option<v1::Value>,
    pub(super) actor: &'a str,
}

fn of(request: &v1::SelectTagRequest) -> v1::DeselectTagRequest {
    v1::DeselectTagRequest { id: request.id.clone(), tag: request.tag.clone(), actor: request.actor.clone() }
}

async fn select(client: &Client, request: &v1::SelectTagRequest) -> Result<Selected, CliError> {
    // Selected twice under one id is selected once.
    let answer = client
        .call(Repeat::Harmless, async |channel, _| {
            CommandServiceClient::new(channel).select_tag(request.clone()).await.map(Response::into_inner)
        })
        .await?;
    let value = value_opt(answer.value).map_err(|error| bad_answer(&error))?;
    Ok(Selected { value, until: Timestamp::from_millis(answer.until_unix_ms) })
}

async fn give_up(client: &Client, request: v1::DeselectTagRequest) -> Result<(), CliError> {
    let call = async |channel, _| CommandServiceClient::new(channel).deselect_tag(request.clone()).await.map(Response::into_inner);
    client.call(Repeat::Harmless, call).await?;
    Ok(())
}

/// What the tag reads, as a line of `get`.
async fn reading(client: &Client, tag: &str) -> Result<String, CliError> {
    let request = v1::GetTagsRequest { selectors: vec![tag.to_owned()], linearizable: false };
    let call = async |channel, _| TagServiceClient::new(channel).get_tags(request.clone()).await.map(Response::into_inner);
    let tags = client.call(Repeat::Harmless, call).await?.tags;
    let first = tags.into_iter().next().ok_or_else(|| bad_answer(&"it has no reading"))?;
    Ok(Reading::try_from(first)?.row(clock::now()).into_iter().filter(|cell| !cell.is_empty()).collect::<Vec<_>>().join("  "))
}

/// Asks the person at the terminal, on standard error: standard output may be read by a program.
fn agreed() -> Result<bool, CliError> {
    let broken = |error| CliError::internal(format!("the terminal: {error}"));
    let mut err = std::io::stderr().lock();
    err.write_all(b"go on? [y/N] ").and_then(|()| err.flush()).map_err(broken)?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(broken)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// This run of the program, as others see it who want to write to the tag.
fn program() -> String {
    format!("labkeeper {}", std::process::id())
}
