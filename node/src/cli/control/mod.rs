//! `labkeeper control`: taking, giving back, asking for and breaking control of devices.
//!
//! Whoever has control is named by `--as`, or by the user and computer; scopes are written device/NAME, segment/NAME or group/NAME. What may
//! be done is for nodes to say.

mod json;
mod keep;

use super::client::{Client, ClientArgs, Repeat, positive_duration};
use super::error::CliError;
use super::identity::{new_id, whoami};
use super::output::{Form, Output, columns, row};
use json::{ControlJson, ListJson};
use labkeeper_proto::v1;
use labkeeper_proto::v1::control_service_client::ControlServiceClient;
use std::time::Duration;
use tonic::transport::Channel;
use tonic::{Response, Status};

/// How long control lasts that nobody renews, where `take` is not told: the longest that is allowed.
const HOLD_ALONE: Duration = Duration::from_secs(600);
/// How long it lasts where `take --keep` renews it: a program that dies keeps nobody waiting for longer.
const HOLD_KEPT: Duration = Duration::from_secs(30);

/// Take control of devices, give it back, ask for it
#[derive(Debug, clap::Subcommand)]
pub(super) enum ControlCommand {
    /// Who has control of what, and who lost it how
    Ls(LsArgs),
    /// Take control, so that nobody else's setpoints are taken meanwhile
    Take(TakeArgs),
    /// Give control back
    Give(DeedArgs),
    /// Ask whoever has control to give it back; half a minute later it may be taken
    Ask(DeedArgs),
    /// Take control away from whoever has it; the reason is told and written down
    Break(DeedArgs),
}

/// Arguments of `ls`.
#[derive(Debug, clap::Args)]
pub(super) struct LsArgs {
    #[command(flatten)]
    client: ClientArgs,
}

/// Arguments of `take`.
#[derive(Debug, clap::Args)]
pub(super) struct TakeArgs {
    /// Of what: device/NAME, segment/NAME or group/NAME
    scope: String,
    /// Why
    #[arg(long)]
    reason: String,
    /// How long it lasts without a renewal, 5 s to 10 min [default: 10m, with --keep 30s]
    #[arg(long = "for", value_name = "DURATION", value_parser = positive_duration)]
    hold: Option<Duration>,
    /// Renew it until interrupted, then give it back
    #[arg(long)]
    keep: bool,
    #[command(flatten)]
    who: Who,
}

/// Arguments of what needs no more than a scope and a reason.
#[derive(Debug, clap::Args)]
pub(super) struct DeedArgs {
    /// Of what: device/NAME, segment/NAME or group/NAME
    scope: String,
    /// Why; breaking needs one
    #[arg(long, default_value = "")]
    reason: String,
    #[command(flatten)]
    who: Who,
}

/// Who asks, and whom.
#[derive(Debug, clap::Args)]
struct Who {
    /// In whose name [default: USER@HOST]
    #[arg(long = "as", value_name = "NAME")]
    actor: Option<String>,
    #[command(flatten)]
    client: ClientArgs,
}

impl Who {
    fn name(&self) -> String {
        self.actor.clone().unwrap_or_else(whoami)
    }
}

/// Runs the command.
///
/// # Errors
/// The cluster refuses, or no node answers.
pub(super) async fn run(command: ControlCommand) -> Result<(), CliError> {
    match command {
        ControlCommand::Ls(args) => list(&args).await,
        ControlCommand::Take(args) => take(&args).await,
        ControlCommand::Give(args) => deed(&args, "given back", async |mut service, request| service.give_control(request).await).await,
        ControlCommand::Ask(args) => deed(&args, "asked for", async |mut service, request| service.ask_for_control(request).await).await,
        ControlCommand::Break(args) => deed(&args, "broken", async |mut service, request| service.break_control(request).await).await,
    }
}

async fn list(args: &LsArgs) -> Result<(), CliError> {
    let call = async |channel, _| service(channel).list_control(v1::ListControlRequest {}).await.map(Response::into_inner);
    let list = ListJson::from(Client::new(&args.client)?.call(Repeat::Harmless, call).await?);
    let output = Output { json: args.client.json };
    if output.json {
        return output.json(&list, Form::Document);
    }
    if list.held.is_empty() {
        output.line("nobody has control of anything")?;
    } else {
        let heads = row(["SCOPE", "HOLDER", "UNTIL", "ASKED FOR BY", "REASON"]);
        output.table(&std::iter::once(heads).chain(list.held.iter().map(cells)).collect::<Vec<_>>())?;
    }
    list.lost.iter().try_for_each(|loss| output.line(loss.in_words()))
}

fn cells(control: &ControlJson) -> Vec<String> {
    let asked = control.asked.as_ref().map_or("-", |asked| asked.actor.as_str());
    row([&control.scope, &control.holder, &control.until, asked, &control.reason])
}

async fn take(args: &TakeArgs) -> Result<(), CliError> {
    let client = Client::new(&args.who.client)?;
    let output = Output { json: args.who.client.json };
    let hold = args.hold.unwrap_or(if args.keep { HOLD_KEPT } else { HOLD_ALONE });
    let request = v1::TakeControlRequest {
        scope: args.scope.clone(),
        actor: args.who.name(),
        // Of a process that renews it, so that two of them do not keep each other's.
        client: if args.keep { format!("labkeeper control {}", std::process::id()) } else { "labkeeper control".to_owned() },
        reason: args.reason.clone(),
        hold_ms: u32::try_from(hold.as_millis()).unwrap_or(u32::MAX),
        id: new_id(),
    };
    let call = async |channel, _| service(channel).take_control(request.clone()).await.map(Response::into_inner);
    let held = client.call(Repeat::Harmless, call).await?.held;
    told(output, held, &format!("control of {} is taken", args.scope))?;
    if args.keep { keep::keep(&client, output, &request, hold).await } else { Ok(()) }
}

async fn deed(
    args: &DeedArgs,
    done: &str,
    call: impl AsyncFn(ControlServiceClient<Channel>, v1::ControlDeedRequest) -> Result<Response<v1::ControlResponse>, Status>,
) -> Result<(), CliError> {
    let request = v1::ControlDeedRequest { scope: args.scope.clone(), actor: args.who.name(), reason: args.reason.clone(), id: new_id() };
    let call = async |channel, _| call(service(channel), request.clone()).await.map(Response::into_inner);
    let held = Client::new(&args.who.client)?.call(Repeat::Harmless, call).await?.held;
    told(Output { json: args.who.client.json }, held, &format!("control of {} is {done}", args.scope))
}

/// What has become of it, and who has it: a line, and a line for each.
fn told(output: Output, held: Vec<v1::Control>, done: &str) -> Result<(), CliError> {
    let held: Vec<ControlJson> = held.into_iter().map(Into::into).collect();
    if output.json {
        return output.json(&serde_json::json!({ "held": held }), Form::Line);
    }
    output.line(done)?;
    let rows: Vec<Vec<String>> = held.iter().map(|control| vec![format!("  {}", control.in_words())]).collect();
    columns(&rows).iter().try_for_each(|line| output.line(line))
}

fn service(channel: Channel) -> ControlServiceClient<Channel> {
    ControlServiceClient::new(channel)
}
