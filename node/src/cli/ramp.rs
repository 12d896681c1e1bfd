//! `labkeeper ramp`: holding a setpoint that is approached step by step, letting it go on, and stopping it. What a ramp is in words and in
//! JSON, for whoever shows one.

use super::client::{Client, ClientArgs, Repeat};
use super::error::CliError;
use super::identity::{new_id, whoami};
use super::output::{Form, Output};
use super::reading::bad_answer;
use super::value;
use labkeeper_model::Value;
use labkeeper_proto::convert::value_opt;
use labkeeper_proto::v1;
use labkeeper_proto::v1::command_service_client::CommandServiceClient;
use serde::Serialize;
use tonic::Response;

/// Hold a setpoint on its way, let it go on, or stop it where it stands
#[derive(Debug, clap::Subcommand)]
pub(super) enum RampCommand {
    /// Stay where it is, and keep the target; needs no control of the device
    Hold(SteerArgs),
    /// Go on to the target, from what the device reads
    Resume(SteerArgs),
    /// Make where it stands the setpoint; needs no control of the device
    Stop(SteerArgs),
}

/// Arguments of each.
#[derive(Debug, clap::Args)]
pub(super) struct SteerArgs {
    /// The tag as segment/device/tag
    tag: String,
    /// Why
    #[arg(long, default_value = "")]
    reason: String,
    /// Who asks [default: USER@HOST]
    #[arg(long = "as", value_name = "NAME")]
    actor: Option<String>,
    #[command(flatten)]
    client: ClientArgs,
}

/// A ramp in JSON. Its keys are a promise.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct RampJson {
    state: &'static str,
    target: serde_json::Value,
    rate_per_s: f64,
    at: serde_json::Value,
    time_to_target_s: Option<f64>,
    by: Option<String>,
}

/// What `ramp` tells, in JSON. Its keys are a promise.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct SteeredJson {
    tag: String,
    command: String,
    ramp: RampJson,
}

/// A setpoint that is, or was, approached step by step.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ramp {
    state: v1::RampState,
    target: Option<Value>,
    rate_per_s: f64,
    at: Option<Value>,
    time_to_target_s: Option<f64>,
    by: Option<String>,
}

impl TryFrom<v1::Ramp> for Ramp {
    type Error = CliError;
    fn try_from(wire: v1::Ramp) -> Result<Self, CliError> {
        let value = |wire| value_opt(wire).map_err(|error| bad_answer(&error));
        Ok(Self {
            state: wire.state(),
            target: value(wire.target)?,
            rate_per_s: wire.rate_per_s,
            at: value(wire.at)?,
            time_to_target_s: wire.time_to_target_s,
            by: (!wire.by.is_empty()).then_some(wire.by),
        })
    }
}

impl Ramp {
    /// As JSON.
    pub(super) fn json(&self) -> RampJson {
        RampJson {
            state: word(self.state),
            target: value::to_json(self.target.as_ref()),
            rate_per_s: self.rate_per_s,
            at: value::to_json(self.at.as_ref()),
            time_to_target_s: self.time_to_target_s,
            by: self.by.clone(),
        }
    }

    /// How it stands: "ramping, 12 s to go", "held at 20.5 by ann"; empty if the device has the target.
    pub(super) fn in_words(&self) -> String {
        let at = self.at.as_ref().map_or(String::new(), |at| format!(" at {}", value::to_text(Some(at))));
        let by = self.by.as_ref().map_or(String::new(), |by| format!(" by {by}"));
        match (self.state, self.time_to_target_s) {
            (v1::RampState::Done, _) => String::new(),
            (v1::RampState::Ramping, Some(left)) => format!("ramping, {left:.0} s to go"),
            (v1::RampState::Held | v1::RampState::Stopped | v1::RampState::Stopping, _) => format!("{}{at}{by}", word(self.state)),
            (state, _) => word(state).to_owned(),
        }
    }
}

const fn word(state: v1::RampState) -> &'static str {
    match state {
        v1::RampState::Unspecified => "unknown",
        v1::RampState::Ramping => "ramping",
        v1::RampState::Held => "held",
        v1::RampState::Stopping => "stopping",
        v1::RampState::Stopped => "stopped",
        v1::RampState::Done => "done",
    }
}

/// Runs the command.
///
/// # Errors
/// The tag is not on its way step by step, somebody else has control of what is to go on, or no node answers.
pub(super) async fn run(command: RampCommand) -> Result<(), CliError> {
    let (how, args) = match command {
        RampCommand::Hold(args) => (v1::RampSteer::Hold, args),
        RampCommand::Resume(args) => (v1::RampSteer::Resume, args),
        RampCommand::Stop(args) => (v1::RampSteer::Stop, args),
    };
    let (tag, actor, reason) = (args.tag, args.actor.unwrap_or_else(whoami), args.reason);
    let request = v1::SteerRampRequest { tag, how: how.into(), actor, reason, wait_ms_max: 0, id: new_id() };
    let answer = Client::new(&args.client)?
        .call(Repeat::Harmless, async |channel, _| {
            CommandServiceClient::new(channel).steer_ramp(request.clone()).await.map(Response::into_inner)
        })
        .await?;
    let command = answer.command.ok_or_else(|| bad_answer(&"it has no command"))?;
    let ramp = Ramp::try_from(command.ramp.ok_or_else(|| bad_answer(&"it has no ramp"))?)?;
    let output = Output { json: args.client.json };
    if output.json {
        return output.json(&SteeredJson { tag: command.tag, command: command.id, ramp: ramp.json() }, Form::Document);
    }
    let target = value::to_text(ramp.target.as_ref());
    output.line(format!("{} to {target}: {}", command.tag, ramp.in_words()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(state: v1::RampState, at: Option<f64>, time_to_target_s: Option<f64>) -> Ramp {
        let number = |n: f64| (&Value::F64(n)).into();
        let wire = v1::Ramp {
            state: state.into(),
            target: Some(number(22.0)),
            rate_per_s: 0.5,
            at: at.map(number),
            time_to_target_s,
            by: "ann".into(),
            ..v1::Ramp::default()
        };
        Ramp::try_from(wire).expect("a ramp")
    }

    #[test]
    fn a_ramp_is_told_by_how_it_stands() {
        let cases = [
            (ramp(v1::RampState::Ramping, None, Some(12.0)), "ramping, 12 s to go"),
            (ramp(v1::RampState::Ramping, None, None), "ramping"),
            (ramp(v1::RampState::Held, Some(20.5), None), "held at 20.5 by ann"),
            (ramp(v1::RampState::Stopping, None, None), "stopping by ann"),
            (ramp(v1::RampState::Stopped, Some(21.0), None), "stopped at 21 by ann"),
            (ramp(v1::RampState::Done, None, None), ""),
        ];
        for (ramp, words) in cases {
            assert_eq!(ramp.in_words(), words);
        }
    }

    #[test]
    fn the_keys_of_a_ramp_are_a_promise() {
        let json = serde_json::to_string(&ramp(v1::RampState::Held, Some(20.5), None).json()).expect("JSON");
        assert_eq!(json, r#"{"state":"held","target":22.0,"rate_per_s":0.5,"at":20.5,"time_to_target_s":null,"by":"ann"}"#);
    }
}
