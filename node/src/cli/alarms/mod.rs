//! `labkeeper alarms`: what needs attention, and what is done about it.
//!
//! An alarm is named by its path, an event by path and occurrence (`cryo/chiller-1/temperature/high#3`): whoever acknowledges names what
//! they have seen. Shown are lines for people or JSON; what may be done is for nodes to say.

mod deed;
mod journal;
mod json;
mod show;
mod watch;

use super::client::{ANSWER_BYTES_MAX, Client, ClientArgs, Repeat};
use super::error::CliError;
use super::output::{Form, Output};
use labkeeper_proto::v1;
use labkeeper_proto::v1::alarm_service_client::AlarmServiceClient;
use tonic::Response;
use tonic::transport::Channel;

/// Look at alarms, and do something about them
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct AlarmsArgs {
    #[command(subcommand)]
    command: Option<AlarmsCommand>,
    #[command(flatten)]
    list: ListArgs,
}

/// Arguments of `ls`.
#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Normal alarms too
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, clap::Subcommand)]
enum AlarmsCommand {
    /// Those that have something to say, the most urgent first
    Ls(ListArgs),
    /// The same, and what changes, until interrupted
    Watch(watch::WatchArgs),
    /// Everything about one alarm
    Show(show::ShowArgs),
    /// Acknowledge an occurrence that you have seen
    Ack(deed::AckArgs),
    /// Put an alarm aside for a time, or until its condition ends
    Shelve(deed::ShelveArgs),
    /// Take an alarm from the shelf
    Unshelve(deed::PlainArgs),
    /// Take an alarm out of service
    Oos(deed::PlainArgs),
    /// Return an alarm to service
    Rts(deed::PlainArgs),
    /// Reset a latched alarm
    Reset(deed::PlainArgs),
    /// Remark something about an alarm
    Comment(deed::PlainArgs),
    /// Every change of every alarm, newest first
    Journal(journal::JournalArgs),
}

/// Runs the command.
///
/// # Errors
/// Bad usage, the cluster refuses, or no node answers.
pub(super) async fn run(args: AlarmsArgs) -> Result<(), CliError> {
    match args.command {
        None => list(&args.list).await,
        Some(AlarmsCommand::Ls(args)) => list(&args).await,
        Some(AlarmsCommand::Watch(args)) => watch::run(args).await,
        Some(AlarmsCommand::Show(args)) => show::run(args).await,
        Some(AlarmsCommand::Ack(args)) => deed::acknowledge(args).await,
        Some(AlarmsCommand::Shelve(args)) => deed::shelve(args).await,
        Some(AlarmsCommand::Unshelve(args)) => deed::plain(deed::Plain::Unshelve, args).await,
        Some(AlarmsCommand::Oos(args)) => deed::plain(deed::Plain::OutOfService, args).await,
        Some(AlarmsCommand::Rts(args)) => deed::plain(deed::Plain::ReturnToService, args).await,
        Some(AlarmsCommand::Reset(args)) => deed::plain(deed::Plain::Reset, args).await,
        Some(AlarmsCommand::Comment(args)) => deed::plain(deed::Plain::Comment, args).await,
        Some(AlarmsCommand::Journal(args)) => journal::run(args).await,
    }
}

async fn list(args: &ListArgs) -> Result<(), CliError> {
    let answer = fetch(&Client::new(&args.client)?, v1::ListAlarmsRequest { all: args.all, alarms: vec![] }).await?;
    let output = Output { json: args.client.json };
    let list = json::ListJson::try_from(answer)?;
    if output.json {
        return output.json(&list, Form::Document);
    }
    for flood in list.floods.iter().filter(|flood| flood.ended.is_none()) {
        output.line(flood.in_words())?;
    }
    if list.alarms.is_empty() { output.line("no alarm has anything to say") } else { output.table(&show::rows(&list.alarms)) }
}

async fn fetch(client: &Client, request: v1::ListAlarmsRequest) -> Result<v1::ListAlarmsResponse, CliError> {
    let call = async |channel, _| service(channel).list_alarms(request.clone()).await.map(Response::into_inner);
    Ok(client.call(Repeat::Harmless, call).await?)
}

fn service(channel: Channel) -> AlarmServiceClient<Channel> {
    AlarmServiceClient::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX)
}
