//! `labkeeper why`: everything that stands in the way of setting a tag, at once. A question: it ends with 0 whatever the answer is.

use super::client::{Client, ClientArgs, Repeat};
use super::error::CliError;
use super::identity::whoami;
use super::interlocks::service;
use super::output::{Form, Output};
use labkeeper_model::ErrorCode;
use labkeeper_proto::v1;
use serde::Serialize;
use tonic::Response;

/// Why a tag cannot be set: control, interlocks, holds, its device and its owner
#[derive(Debug, clap::Args)]
pub(super) struct WhyArgs {
    /// The tag as segment/device/tag
    tag: String,
    /// Who would set it [default: USER@HOST]
    #[arg(long = "as", value_name = "NAME")]
    actor: Option<String>,
    #[command(flatten)]
    client: ClientArgs,
}

/// The answer in JSON. Its keys are a promise.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct WhyJson {
    tag: String,
    actor: String,
    refused: bool,
    reasons: Vec<ReasonJson>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct ReasonJson {
    weight: String,
    about: String,
    /// Null if a command would not be refused for it.
    code: Option<String>,
    message: String,
    remedy: Option<String>,
}

impl From<v1::ExplainReason> for ReasonJson {
    fn from(reason: v1::ExplainReason) -> Self {
        let some = |text: String| (!text.is_empty()).then_some(text);
        let (code, remedy) = (some(reason.code), some(reason.remedy));
        Self { weight: reason.weight, about: reason.about, code, message: reason.message, remedy }
    }
}

impl ReasonJson {
    fn lines(&self) -> Vec<String> {
        let code = self.code.as_ref().map_or_else(String::new, |code| format!(" {code}"));
        let remedy = self.remedy.iter().map(|remedy| format!("  {remedy}"));
        std::iter::once(format!("{}{code}: {}", self.weight, self.message)).chain(remedy).collect()
    }
}

/// Runs the command.
///
/// # Errors
/// The site has no such tag, or no node answers.
pub(super) async fn run(args: WhyArgs) -> Result<(), CliError> {
    let request = v1::ExplainTagRequest { tag: args.tag.clone(), actor: args.actor.unwrap_or_else(whoami) };
    let call = async |channel, _| service(channel).explain_tag(request.clone()).await.map(Response::into_inner);
    let answer = Client::new(&args.client)?.call(Repeat::Harmless, call).await?;
    let unknown = ErrorCode::UnknownTag.to_string();
    if let Some(reason) = answer.reasons.iter().find(|reason| reason.code == unknown) {
        let reason = reason.clone();
        return Err(CliError::answered(&v1::Error { code: reason.code, message: reason.message, remedy: reason.remedy }));
    }
    let reasons: Vec<ReasonJson> = answer.reasons.into_iter().map(Into::into).collect();
    let output = Output { json: args.client.json };
    if output.json {
        return output.json(&WhyJson { tag: args.tag, actor: request.actor, refused: answer.refused, reasons }, Form::Document);
    }
    if !answer.refused {
        output.line(format!("nothing keeps {} from setting {}", request.actor, args.tag))?;
    }
    reasons.iter().flat_map(ReasonJson::lines).try_for_each(|line| output.line(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_a_line_and_its_remedy_another() {
        let reason = v1::ExplainReason {
            weight: "refuses".into(),
            about: "control".into(),
            code: "LAB3040".into(),
            message: "ann has control".into(),
            remedy: "Ask.".into(),
        };
        let json = ReasonJson::from(reason);
        assert_eq!(json.lines(), ["refuses LAB3040: ann has control", "  Ask."]);
        let keys = serde_json::json!({
            "weight": "refuses", "about": "control", "code": "LAB3040", "message": "ann has control", "remedy": "Ask."
        });
        assert_eq!(serde_json::to_value(&json).expect("JSON"), keys);
        let plain = ReasonJson::from(v1::ExplainReason { weight: "tells".into(), message: "x".into(), ..v1::ExplainReason::default() });
        assert_eq!((plain.lines(), plain.code, plain.remedy), (vec!["tells: x".to_owned()], None, None));
    }
}
