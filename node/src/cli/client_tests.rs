use super::*;
use crate::cli::fake::{Fake, nobody};
use crate::error::ApiError;
use labkeeper_proto::v1;
use labkeeper_proto::v1::tag_service_client::TagServiceClient;

const PATIENCE: Duration = Duration::from_secs(20);

async fn get(client: &Client, repeat: Repeat) -> Result<usize, Failure> {
    let request = async |channel, _| TagServiceClient::new(channel).get_tags(v1::GetTagsRequest::default()).await;
    client.call(repeat, request).await.map(|answer| answer.into_inner().tags.len())
}

fn client(endpoints: Vec<String>, patience: Duration) -> Client {
    Client::of(endpoints, patience).expect("endpoints")
}

fn one_tag(fake: &Fake) {
    fake.tags(|_| Ok(v1::GetTagsResponse { tags: vec![v1::TagReading::default()] }));
}

#[tokio::test]
async fn a_dead_node_is_passed_over_and_the_living_one_asked_first_from_then_on() {
    let fake = Fake::start().await;
    one_tag(&fake);
    let client = client(vec![nobody().await, fake.endpoint()], PATIENCE);
    assert_eq!(get(&client, Repeat::OnlyIfUndone).await, Ok(1));
    assert_eq!(client.first.load(Ordering::Relaxed), 1);
    assert_eq!(get(&client, Repeat::OnlyIfUndone).await, Ok(1));
}

#[tokio::test]
async fn a_frozen_node_costs_half_of_the_time_and_not_all_of_it() {
    let (frozen, fake) = (Fake::start().await, Fake::start().await);
    frozen.freeze();
    one_tag(&fake);
    let client = client(vec![frozen.endpoint(), fake.endpoint()], Duration::from_secs(2));
    assert_eq!(get(&client, Repeat::Harmless).await, Ok(1));
}

#[tokio::test]
async fn what_may_have_been_done_is_not_repeated_unless_harmless() {
    let (broken, fake) = (Fake::start().await, Fake::start().await);
    broken.tags(|_| Err(Status::unavailable("broken pipe")));
    one_tag(&fake);
    let client = client(vec![broken.endpoint(), fake.endpoint()], PATIENCE);
    let doubt = get(&client, Repeat::OnlyIfUndone).await.expect_err("a doubt");
    assert_eq!((doubt.kind, doubt.code(), fake.requests()), (Kind::InDoubt, Some(ErrorCode::CommitTimedOut), 0));
    assert_eq!(get(&client, Repeat::Harmless).await, Ok(1));
}

#[tokio::test]
async fn an_election_is_waited_for() {
    let fake = Fake::start().await;
    let asked = AtomicUsize::new(0);
    fake.tags(move |_| match asked.fetch_add(1, Ordering::Relaxed) {
        0..3 => Err(ApiError::new(ErrorCode::NoLeader, "an election is under way").into()),
        _ => Ok(v1::GetTagsResponse::default()),
    });
    assert_eq!(get(&client(vec![fake.endpoint()], PATIENCE), Repeat::OnlyIfUndone).await, Ok(0));
    assert_eq!(fake.requests(), 4);
}

#[tokio::test]
async fn a_final_answer_is_not_asked_for_twice() {
    let (refusing, other) = (Fake::start().await, Fake::start().await);
    refusing.tags(|_| Err(ApiError::new(ErrorCode::BadSelector, "no glob").into()));
    let failure = get(&client(vec![refusing.endpoint(), other.endpoint()], PATIENCE), Repeat::Harmless).await.expect_err("a refusal");
    assert_eq!((failure.code(), other.requests()), (Some(ErrorCode::BadSelector), 0));
}

#[tokio::test]
async fn nobody_there_is_told_at_once_with_all_addresses() {
    let (a, b) = (nobody().await, nobody().await);
    let started = Instant::now();
    let failure = get(&client(vec![a.clone(), b.clone()], PATIENCE), Repeat::Harmless).await.expect_err("nobody");
    assert!(started.elapsed() < PATIENCE / 2, "no waiting for nobody");
    let text = failure.error.message;
    assert!(text.contains(&format!("{a}: Connection refused")) && text.contains(&format!("{b}: Connection refused")), "{text}");
}

#[tokio::test]
async fn a_node_without_a_cluster_does_not_hide_one_with() {
    let (empty, fake) = (Fake::start().await, Fake::start().await);
    empty.tags(|_| Err(ApiError::new(ErrorCode::NotInitialised, "belongs to no cluster").into()));
    one_tag(&fake);
    assert_eq!(get(&client(vec![empty.endpoint(), fake.endpoint()], PATIENCE), Repeat::OnlyIfUndone).await, Ok(1));
    let alone = get(&client(vec![empty.endpoint(), nobody().await], PATIENCE), Repeat::Harmless).await.expect_err("a refusal");
    assert_eq!(alone.code(), Some(ErrorCode::NotInitialised), "what a node said, before what no node said");
}

#[test]
fn endpoints_are_host_and_port() {
    assert!(Client::of(vec!["10.1.0.5".into()], PATIENCE).is_err());
    assert!(Client::of(vec![], PATIENCE).is_err());
    assert!(client(vec!["a:1".into(), "b:1".into()], PATIENCE).only().is_err());
    assert_eq!(client(vec!["a:1".into()], PATIENCE).only().ok(), Some("a:1"));
}
