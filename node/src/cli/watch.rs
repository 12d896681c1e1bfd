//! `labkeeper watch`: live values, for as long as one looks.
//!
//! ```text
//! connect --stream breaks--> note on stderr --any node answers--> go on (a whole snapshot comes first)
//!                               \__ nobody for 30 s --> exit 1
//! ```

use super::client::{ANSWER_BYTES_MAX, Client, ClientArgs, Repeat};
use super::error::CliError;
use super::failure::{Failure, Kind};
use super::get::check_selectors;
use super::output::{Form, Output, columns, note};
use super::reading::Reading;
use super::screen;
use crate::clock;
use labkeeper_model::ErrorCode;
use labkeeper_proto::v1;
use labkeeper_proto::v1::tag_service_client::TagServiceClient;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tonic::{Response, Streaming};

/// How long nobody may answer before a watch that was running is given up: twenty elections of the default timing.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// Pause between two attempts to find a node again.
const PAUSE: Duration = Duration::from_millis(200);

/// Show live values until interrupted
///
/// On a terminal a table that is redrawn in place, else one line for each change. With --json, one object a line.
#[derive(Debug, clap::Args)]
pub(super) struct WatchArgs {
    /// Globs over segment/device/tag, such as 'cryo/*/temperature'
    #[arg(default_value = "**")]
    selectors: Vec<String>,
    /// Most updates a second, 1 to 50
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=50))]
    rate: u32,
    /// End after this many messages of the stream
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    #[command(flatten)]
    client: ClientArgs,
}

/// Runs the command.
///
/// # Errors
/// A glob is none, no node answers at the start, or none for 30 s later on.
pub(super) async fn run(args: WatchArgs) -> Result<(), CliError> {
    check_selectors(&args.selectors)?;
    let client = Client::new(&args.client)?;
    let output = Output { json: args.client.json };
    let mut view = View::new(output);
    let request = v1::WatchTagsRequest { selectors: args.selectors, rate_hz_max: args.rate };
    let mut stream = open(&client, &request).await?;
    let mut left = args.count.unwrap_or(u64::MAX);
    while left > 0 {
        match stream.message().await {
            Ok(Some(message)) => {
                view.take(message)?;
                left -= 1;
            }
            ended => {
                let why = ended.err().map_or_else(|| "the node ended it".to_owned(), |status| status.message().to_owned());
                note(format!("watch: the stream broke ({why}); looking for a node"));
                stream = reopen(&client, &request).await?;
            }
        }
    }
    Ok(())
}

async fn open(client: &Client, request: &v1::WatchTagsRequest) -> Result<Streaming<v1::WatchTagsResponse>, Failure> {
    client
        .call(Repeat::Harmless, async |channel, _| {
            let mut service = TagServiceClient::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX);
            service.watch_tags(request.clone()).await.map(Response::into_inner)
        })
        .await
}

async fn reopen(client: &Client, request: &v1::WatchTagsRequest) -> Result<Streaming<v1::WatchTagsResponse>, CliError> {
    let give_up = Instant::now() + SILENCE_MAX;
    loop {
        match open(client, request).await {
            Ok(stream) => return Ok(stream),
            Err(failure) if failure.kind == Kind::Final || Instant::now() >= give_up => return Err(failure.into()),
            Err(_) => sleep(PAUSE).await,
        }
    }
}

/// What has been seen, and how it is shown.
struct View {
    output: Output,
    is_live: bool,
    readings: BTreeMap<String, Reading>,
    skipped: u64,
}

impl View {
    fn new(output: Output) -> Self {
        Self { output, is_live: output.is_live(), readings: BTreeMap::new(), skipped: 0 }
    }

    /// Takes a message in and shows what it changed.
    fn take(&mut self, message: v1::WatchTagsResponse) -> Result<(), CliError> {
        self.skipped = message.skipped;
        for changed in self.merge(message)? {
            let Some(reading) = self.readings.get(&changed).filter(|_| !self.is_live) else { continue };
            match self.output.json {
                true => self.output.json(&reading.json(), Form::Line)?,
                false => self.output.line(reading.line())?,
            }
        }
        if self.is_live { screen::draw(self.output, &self.lines()) } else { Ok(()) }
    }

    /// Merges a message; the names of the tags that it changed, in its order.
    fn merge(&mut self, message: v1::WatchTagsResponse) -> Result<Vec<String>, CliError> {
        let mut changed = vec![];
        for gone in message.removed {
            self.readings.remove(&gone);
        }
        for wire in message.readings {
            let reading = Reading::try_from(wire)?;
            // After a broken stream everything comes again; only what differs is a change.
            if self.readings.get(&reading.tag) != Some(&reading) {
                changed.push(reading.tag.clone());
                self.readings.insert(reading.tag.clone(), reading);
            }
        }
        for sample in message.samples {
            let Some(reading) = self.readings.get_mut(&sample.tag) else {
                return Err(CliError::failed(
                    ErrorCode::Internal,
                    format!("the node sent a sample of {} without a reading before", sample.tag),
                ));
            };
            // The first samples of a stream may be those that its readings had already.
            if reading.update(sample.sample)? {
                changed.push(sample.tag);
            }
        }
        Ok(changed)
    }

    fn lines(&self) -> Vec<String> {
        let now = clock::now();
        let rows = self.readings.values().map(|reading| reading.row(now));
        let mut lines = columns(&std::iter::once(Reading::heads()).chain(rows).collect::<Vec<_>>());
        lines.push(format!("{} tags, {} samples skipped; Ctrl-C ends", self.readings.len(), self.skipped));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fake::Fake;
    use crate::cli::reading::tests::full;
    use labkeeper_model::Value;

    fn sample(value: f64) -> v1::WatchTagsResponse {
        let sample = v1::Sample { time_unix_ns: 5, value: Some((&Value::F64(value)).into()), quality: v1::Quality::Good.into() };
        let samples = vec![v1::TagSample { tag: full().tag, sample: Some(sample) }];
        v1::WatchTagsResponse { samples, ..v1::WatchTagsResponse::default() }
    }

    fn snapshot() -> v1::WatchTagsResponse {
        v1::WatchTagsResponse { readings: vec![full()], ..v1::WatchTagsResponse::default() }
    }

    #[test]
    fn samples_update_readings_and_only_changes_are_shown() {
        let mut view = View::new(Output { json: true });
        assert_eq!(view.merge(snapshot()).expect("a merge"), [full().tag]);
        assert_eq!(view.merge(snapshot()).expect("a merge"), [""; 0], "the same again, after a broken stream");
        assert_eq!(view.merge(sample(13.0)).expect("a merge"), [full().tag]);
        assert_eq!(view.merge(sample(13.0)).expect("a merge"), [""; 0], "the same sample again");
        let json = serde_json::to_value(view.readings[&full().tag].json()).expect("JSON");
        assert_eq!((json["value"].as_f64(), json["owner"].as_str(), json["unit"].as_str()), (Some(13.0), Some("lab-a"), Some("degC")));
        let removed = v1::WatchTagsResponse { removed: vec![full().tag], ..v1::WatchTagsResponse::default() };
        assert_eq!(view.merge(removed).expect("a merge"), [""; 0]);
        assert!(view.readings.is_empty());
    }

    #[tokio::test]
    async fn a_broken_stream_goes_on_at_another_node() {
        let (first, second) = (Fake::start().await, Fake::start().await);
        first.watch(vec![snapshot()]);
        second.watch(vec![snapshot(), sample(13.0)]);
        let args = WatchArgs {
            selectors: vec!["**".into()],
            rate: 4,
            count: Some(3),
            client: ClientArgs { endpoint: vec![first.endpoint(), second.endpoint()], timeout: Duration::from_secs(20), json: true },
        };
        run(args).await.expect("three messages from two nodes");
        assert_eq!((first.requests(), second.requests()), (2, 1), "the first has no second stream, so the second is asked");
    }
}
