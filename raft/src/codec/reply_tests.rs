use super::*;
use labkeeper_model::site::{Problem, Severity};
use labkeeper_model::{CommandId, CommandState, TagPath, Value};

fn record() -> CommandRecord {
    CommandRecord {
        id: CommandId([3; 16]),
        tag: TagPath::parse("cryo/chiller-1/setpoint").expect("a path"),
        asked: Value::I64(5),
        accepted: Some(Value::F64(5.0)),
        revision: 7,
        expected_revision: Some(6),
        deadline: Timestamp(99),
        actor: "ann".into(),
        reason: "warm up".into(),
        log_index: 1_234,
        steps: CommandState::ALL.iter().map(|state| (*state, Timestamp(5))).collect(),
        error: Some((ErrorCode::VerifyFailed, "wanted 5, got 4".into())),
        owner: Some(3),
        kind: labkeeper_machine::CommandKind::Setpoint,
        ramp_per_s: None,
        mark: None,
        dispatched_epoch: None,
    }
}

fn check(reply: Result<Reply, Rejection>) {
    assert_eq!(decode(&encode(&reply)), Ok(reply));
}

#[test]
fn every_reply_comes_back() {
    check(Ok(Reply::Done));
    check(Ok(Reply::Node(17)));
    check(Ok(Reply::SiteVersion(3)));
    check(Ok(Reply::Reported { refused: 2 }));
    check(Ok(Reply::Session(u64::MAX)));
    check(Ok(Reply::Expired { ended: true }));
    check(Ok(Reply::Expired { ended: false }));
    check(Ok(Reply::Command(Arc::new(record()))));
    let bare = CommandRecord { accepted: None, expected_revision: None, error: None, owner: None, steps: vec![], ..record() };
    check(Ok(Reply::Command(Arc::new(bare))));
}

#[test]
fn every_rejection_comes_back_with_its_findings() {
    for (code, ..) in ErrorCode::TABLE {
        check(Err(Rejection::new(*code, "why")));
    }
    let problem = |severity| Problem { severity, path: vec!["devices".into()], what: "w".into(), remedy: "r".into() };
    let problems = vec![problem(Severity::Error), problem(Severity::Warning)];
    check(Err(Rejection { code: ErrorCode::SiteInvalid, message: "no".into(), problems }));
}

#[test]
fn an_unknown_code_is_refused() {
    let rejected = v1::Rejected { code: 70_000, ..Default::default() };
    let bytes = v1::ReplyRecord { kind: Some(Kind::Rejected(rejected)) }.encode_to_vec();
    assert!(decode(&bytes).is_err());
    assert!(decode(&[]).is_err());
}
