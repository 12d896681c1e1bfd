use super::*;
use labkeeper_model::site::{DeviceSpec, DriverKind, Fencing, OnLeaseLoss, SegmentSpec, SiteSpec};
use labkeeper_model::{CommandId, CommandState, Name, TagPath};
use std::collections::BTreeMap;
use std::time::Duration;

fn node() -> NodeInfo {
    NodeInfo {
        name: Name::new("node-a").expect("a name"),
        instance: [9; 16],
        grpc: "10.0.0.1:7400".into(),
        http: "http://10.0.0.1:8080".into(),
        reach: vec!["cryo".into(), "*".into()],
    }
}

fn site() -> SiteSpec {
    let name = |text: &str| Name::new(text).expect("a name");
    let device = DeviceSpec {
        segment: name("cryo"),
        description: "chiller".into(),
        driver: DriverKind::ModbusTcp,
        address: "10.1.0.40:502".into(),
        unit_id: 3,
        poll: Duration::from_millis(250),
        timeout: Duration::from_secs(1),
        fencing: Fencing::LeaseOnly,
        watchdog: None,
        on_lease_loss: OnLeaseLoss::Hold,
        simulate: None,
        tags: BTreeMap::new(),
    };
    SiteSpec {
        name: "lab".into(),
        failback: Some(SiteSpec::FAILBACK_DEFAULT),
        segments: BTreeMap::from([(name("cryo"), SegmentSpec::default())]),
        devices: BTreeMap::from([(name("chiller-1"), device)]),
    }
}

fn setpoint(id: u8, value: Value, expected_revision: Option<u64>) -> SetpointRequest {
    SetpointRequest {
        id: CommandId([id; 16]),
        tag: TagPath::parse("cryo/chiller-1/setpoint").expect("a path"),
        value,
        expected_revision,
        deadline: Timestamp(-7),
        actor: "ann".into(),
        reason: "warm up".into(),
    }
}

/// One of every command, and of every kind of value, state and option in them.
pub(crate) fn every_command() -> Vec<Command> {
    let values = [Value::Bool(true), Value::I64(i64::MIN), Value::U64(u64::MAX), Value::F64(-0.5), Value::Text("on".into())];
    let mut commands = vec![
        Command::FoundSite { site_id: [1; 16], node: node() },
        Command::AdmitNode { node: node() },
        Command::UpdateNode { id: u64::MAX, node: node() },
        Command::RemoveNode { id: 3, actor: "ann".into() },
        Command::ApplySite { site: site(), expected_version: Some(0), actor: "ann".into(), reason: "why".into() },
        Command::ApplySite { site: SiteSpec::default(), expected_version: None, actor: String::new(), reason: String::new() },
        Command::ExpireCommands,
        Command::ReportCommands { node: 3, reports: vec![] },
    ];
    commands.extend((1..).zip(values).map(|(id, value)| Command::SubmitSetpoint(setpoint(id, value, Some(0)))));
    commands.push(Command::SubmitSetpoint(setpoint(99, Value::Bool(false), None)));
    let reports = CommandState::ALL.iter().map(|state| CommandReport {
        id: CommandId([4; 16]),
        epoch: 5,
        state: *state,
        time: Timestamp(6),
        error: Some((ErrorCode::WriteFailed, "exception 2".into())),
    });
    let without = CommandReport { id: CommandId([4; 16]), epoch: 0, state: CommandState::Written, time: Timestamp(0), error: None };
    commands.push(Command::ReportCommands { node: 3, reports: reports.chain([without]).collect() });
    commands
}

#[test]
fn every_command_comes_back() {
    for command in every_command() {
        assert_eq!(decode(&encode(&command)), Ok(command));
    }
}

#[test]
fn a_batch_comes_back_without_its_commands_being_touched() {
    let commands: Vec<Bytes> = every_command().iter().map(encode).collect();
    let batch = encode_batch(Timestamp(i64::MIN), commands.clone());
    assert_eq!(decode_batch(batch), Ok((Timestamp(i64::MIN), commands)));
    assert_eq!(decode_batch(encode_batch(Timestamp(0), vec![])), Ok((Timestamp(0), vec![])));
}

#[test]
fn what_is_no_command_is_refused_and_never_a_panic() {
    for bytes in [&[][..], &[0xff], &[0x0a, 0x00], &[0x32, 0x02, 0x0a, 0x00]] {
        assert!(decode(bytes).is_err(), "{bytes:02x?}");
    }
    // Any cut-off of anything.
    for command in every_command() {
        let bytes = encode(&command);
        for len in 0..bytes.len() {
            // Some cut-offs are messages too: what they decode to is whatever it is.
            drop(decode(&bytes[..len]));
            drop(decode_batch(bytes.slice(..len)));
        }
    }
}
