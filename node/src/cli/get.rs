//! `labkeeper get`: the latest values of tags.

use super::client::{ANSWER_BYTES_MAX, Client, ClientArgs, Repeat};
use super::error::CliError;
use super::output::{Form, Output};
use super::reading::Reading;
use crate::clock;
use labkeeper_model::{ErrorCode, Selector, TagPath};
use labkeeper_proto::v1;
use labkeeper_proto::v1::tag_service_client::TagServiceClient;
use tonic::Response;

/// Show the latest values of tags
///
/// With --json, one tag gives one object; several tags, or a glob such as 'cryo/*/temperature', give a list.
#[derive(Debug, clap::Args)]
pub(super) struct GetArgs {
    /// Tags as segment/device/tag, or globs over them ('**' is everything)
    #[arg(required = true)]
    tags: Vec<String>,
    /// Confirm with the leader that setpoints are the latest, instead of believing the node that answers
    #[arg(long)]
    linearizable: bool,
    #[command(flatten)]
    client: ClientArgs,
}

/// Runs the command.
///
/// # Errors
/// A glob is none, a tag does not exist, or no node answers.
pub(super) async fn run(args: GetArgs) -> Result<(), CliError> {
    check_selectors(&args.tags)?;
    let client = Client::new(&args.client)?;
    let readings = fetch(&client, &args.tags, args.linearizable).await?;
    let output = Output { json: args.client.json };
    match (output.json, readings.as_slice()) {
        (true, [one]) if is_one_tag(&args.tags) => output.json(&one.json(), Form::Document),
        (true, several) => output.json(&several.iter().map(Reading::json).collect::<Vec<_>>(), Form::Document),
        (false, several) => {
            let now = clock::now();
            let rows = several.iter().map(|reading| reading.row(now));
            output.table(&std::iter::once(Reading::heads()).chain(rows).collect::<Vec<_>>())
        }
    }
}

/// Refuses what is no glob before anybody is asked.
pub(super) fn check_selectors(texts: &[String]) -> Result<(), CliError> {
    texts.iter().try_for_each(|text| match Selector::parse(text) {
        Ok(_) => Ok(()),
        Err(why) => Err(CliError::usage(ErrorCode::BadSelector, format!("{text:?}: {why}"), ErrorCode::BadSelector.remedy())),
    })
}

fn is_one_tag(texts: &[String]) -> bool {
    matches!(texts, [one] if TagPath::parse(one).is_ok())
}

async fn fetch(client: &Client, tags: &[String], linearizable: bool) -> Result<Vec<Reading>, CliError> {
    let request = v1::GetTagsRequest { selectors: tags.to_vec(), linearizable };
    let answer = client
        .call(Repeat::Harmless, async |channel, _| {
            let mut service = TagServiceClient::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX);
            service.get_tags(request.clone()).await.map(Response::into_inner)
        })
        .await?;
    if answer.tags.is_empty() {
        return Err(CliError::failed(ErrorCode::UnknownTag, format!("no tag matches {}", tags.join(" "))));
    }
    answer.tags.into_iter().map(Reading::try_from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fake::Fake;
    use crate::cli::reading::tests::full;
    use crate::error::ApiError;
    use std::time::Duration;

    async fn fetched(fake: &Fake) -> Result<Vec<Reading>, CliError> {
        let client = Client::of(vec![fake.endpoint()], Duration::from_secs(5)).expect("an endpoint");
        fetch(&client, &["cryo/chiller-1/temperature_setpoint".to_owned()], false).await
    }

    #[tokio::test]
    async fn readings_come_from_a_node() {
        let fake = Fake::start().await;
        fake.tags(|request| {
            assert_eq!(request.selectors, ["cryo/chiller-1/temperature_setpoint"]);
            Ok(v1::GetTagsResponse { tags: vec![full()] })
        });
        assert_eq!(fetched(&fake).await.expect("readings")[0].tag, "cryo/chiller-1/temperature_setpoint");
    }

    #[tokio::test]
    async fn an_unknown_tag_is_the_nodes_error_and_nothing_found_is_ours() {
        let fake = Fake::start().await;
        fake.tags(|_| Err(ApiError::new(ErrorCode::UnknownTag, "x is not a tag of this site").into()));
        assert!(fetched(&fake).await.expect_err("a refusal").to_string().starts_with("LAB3001 unknown_tag: "));
        fake.tags(|_| Ok(v1::GetTagsResponse::default()));
        let nothing = fetched(&fake).await.expect_err("a refusal").to_string();
        assert!(nothing.contains("no tag matches cryo/chiller-1/temperature_setpoint"), "{nothing}");
    }

    #[test]
    fn one_literal_tag_is_one_object_and_anything_else_a_list() {
        let args = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        assert!(is_one_tag(&args(&["cryo/a/t"])));
        assert!(!is_one_tag(&args(&["cryo/a/*"])) && !is_one_tag(&args(&["cryo/a"])) && !is_one_tag(&args(&["cryo/a/t", "cryo/a/u"])));
        assert!(check_selectors(&args(&["cryo//t"])).is_err());
    }
}
