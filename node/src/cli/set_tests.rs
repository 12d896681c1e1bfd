use super::*;
use crate::cli::fake::{Fake, nobody};
use crate::error::ApiError;
use labkeeper_model::{CommandState, ErrorCode};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

fn request() -> v1::SetSetpointRequest {
    v1::SetSetpointRequest {
        id: "018f3e1c-7a2b-7c3d-8e4f-0123456789ab".into(),
        tag: "cryo/chiller-1/temperature_setpoint".into(),
        value: Some((&Value::F64(12.5)).into()),
        ..v1::SetSetpointRequest::default()
    }
}

fn command(state: CommandState) -> v1::Command {
    let v1::SetSetpointRequest { id, tag, value, .. } = request();
    let state = v1::CommandState::from(state).into();
    v1::Command { id, tag, value, state, revision: 3, log_index: 17, ..v1::Command::default() }
}

async fn sent(endpoints: Vec<String>, patience: Duration, level: WaitLevel) -> Told {
    let client = Client::of(endpoints, patience).expect("endpoints");
    send(&client, &request(), level).await.expect("something to tell")
}

#[tokio::test]
async fn the_keys_of_the_answer_are_a_promise() {
    let fake = Fake::start().await;
    fake.set(|_| Ok(v1::SetSetpointResponse { command: Some(command(CommandState::Committed)) }));
    let told = sent(vec![fake.endpoint()], PATIENCE, WaitLevel::Committed).await;
    assert_eq!(told.shortfall, None);
    assert_eq!(
        serde_json::to_string(&told.json).expect("JSON"),
        r#"{"id":"018f3e1c-7a2b-7c3d-8e4f-0123456789ab","tag":"cryo/chiller-1/temperature_setpoint","value":12.5,"revision":3,"state":"committed","error":null,"log_index":17}"#
    );
    assert_eq!(
        told.to_string(),
        "cryo/chiller-1/temperature_setpoint = 12.5: committed (revision 3, log index 17, id 018f3e1c-7a2b-7c3d-8e4f-0123456789ab)"
    );
}

#[tokio::test]
async fn a_command_goes_to_the_next_node_with_the_same_id_until_it_is_far_enough() {
    let (dying, fake) = (Fake::start().await, Fake::start().await);
    let ids = Arc::new(parking_lot::Mutex::new(BTreeSet::new()));
    let (at_dying, at_fake, asked) = (ids.clone(), ids.clone(), AtomicUsize::new(0));
    dying.set(move |request| {
        at_dying.lock().insert(request.id);
        Err(tonic::Status::unavailable("the connection broke"))
    });
    fake.set(move |request| {
        at_fake.lock().insert(request.id);
        let state = if asked.fetch_add(1, Ordering::Relaxed) == 0 { CommandState::Dispatched } else { CommandState::Verified };
        Ok(v1::SetSetpointResponse { command: Some(command(state)) })
    });
    let told = sent(vec![dying.endpoint(), fake.endpoint()], PATIENCE, WaitLevel::Verified).await;
    assert_eq!((told.shortfall, told.json.state), (None, Some("verified")));
    assert_eq!((dying.requests(), fake.requests(), ids.lock().len()), (1, 2, 1), "one id, however often it was sent");
}

#[tokio::test]
async fn a_refusal_has_the_nodes_code_in_both_places() {
    let fake = Fake::start().await;
    let error = v1::Error { code: "LAB3004".into(), message: "NaN".into(), remedy: "Give a finite number.".into() };
    fake.set(move |_| {
        Ok(v1::SetSetpointResponse { command: Some(v1::Command { error: Some(error.clone()), ..command(CommandState::Rejected) }) })
    });
    let told = sent(vec![fake.endpoint()], PATIENCE, WaitLevel::Committed).await;
    assert_eq!(told.shortfall.expect("a shortfall").code, "LAB3004");
    assert_eq!((told.json.state, told.json.error.expect("an error").code.as_str()), (Some("rejected"), "LAB3004"));
}

#[tokio::test]
async fn a_level_that_is_not_reached_in_time_is_a_failure_and_says_how_far_it_got() {
    let fake = Fake::start().await;
    fake.set(|_| Ok(v1::SetSetpointResponse { command: Some(command(CommandState::Committed)) }));
    let told = sent(vec![fake.endpoint()], Duration::from_millis(700), WaitLevel::Written).await;
    assert_eq!(told.json.state, Some("committed"));
    assert_eq!(told.shortfall.expect("a shortfall").code, "LAB3018");
    assert!(fake.requests() <= 6, "a node that answers at once is not asked as fast as it answers: {}", fake.requests());
}

#[tokio::test]
async fn a_command_that_was_superseded_was_committed_all_the_same() {
    let fake = Fake::start().await;
    let error = v1::Error { code: "LAB3010".into(), ..v1::Error::default() };
    let steps = vec![v1::CommandStep { state: v1::CommandState::Committed.into(), time_unix_ns: 1 }];
    let superseded = v1::Command { error: Some(error), steps, ..command(CommandState::Superseded) };
    fake.set(move |_| Ok(v1::SetSetpointResponse { command: Some(superseded.clone()) }));
    let told = sent(vec![fake.endpoint()], PATIENCE, WaitLevel::Committed).await;
    assert_eq!((told.shortfall, told.json.error.map(|error| error.code)), (None, Some("LAB3010".into())));
    let told = sent(vec![fake.endpoint()], PATIENCE, WaitLevel::Written).await;
    assert_eq!(told.shortfall.expect("a shortfall").code, "LAB3010");
}

#[tokio::test]
async fn what_was_never_sent_has_no_state_and_what_is_in_doubt_is_unknown() {
    let told = sent(vec![nobody().await], PATIENCE, WaitLevel::Committed).await;
    assert_eq!((told.json.state, told.shortfall.expect("a shortfall").code.as_str()), (None, "LAB4009"));
    let frozen = Fake::start().await;
    frozen.freeze();
    let told = sent(vec![frozen.endpoint()], Duration::from_millis(300), WaitLevel::Committed).await;
    assert_eq!((told.json.state, told.shortfall.expect("a shortfall").code.as_str()), (Some("unknown"), "LAB4008"));
}

#[tokio::test]
async fn a_malformed_request_is_rejected_as_one() {
    let fake = Fake::start().await;
    fake.set(|_| Err(ApiError::new(ErrorCode::BadCommandId, "id: \"x\" is not a UUID").into()));
    let told = sent(vec![fake.endpoint()], PATIENCE, WaitLevel::Committed).await;
    assert_eq!((told.json.state, told.shortfall.expect("a shortfall").code.as_str()), (Some("rejected"), "LAB3013"));
}

#[test]
fn somebody_asks() {
    assert!(whoami().split('@').all(|part| !part.is_empty()), "{}", whoami());
}
