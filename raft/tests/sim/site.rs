//! A lab with one setpoint, which everybody sets.

use labkeeper_machine::{Command, NodeInfo, SetpointRequest};
use labkeeper_model::site::{
    Access, DeviceSpec, DriverKind, Fencing, OnLeaseLoss, Register, SegmentSpec, SiteSpec, TagSpec, Takeover, ValueType, WordOrder,
};
use labkeeper_model::{CommandId, Name, TagPath, Timestamp, Value};
use std::collections::BTreeMap;
use std::time::Duration;

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

pub(crate) fn founding() -> Command {
    let node = NodeInfo { name: name("a"), instance: [1; 16], grpc: "a:7400".into(), http: "http://a".into(), reach: vec!["*".into()] };
    Command::FoundSite { site_id: [7; 16], node }
}

pub(crate) fn applying() -> Command {
    let tag = TagSpec {
        description: String::new(),
        register: Register::parse("holding:0").expect("a register"),
        value_type: ValueType::F64,
        word_order: WordOrder::Big,
        access: Access::ReadWrite,
        unit: "degC".into(),
        scale: 1.0,
        offset: 0.0,
        deadband: 0.0,
        limits: None,
        verify: None,
        takeover: Takeover::Adopt,
        safe: None,
        dangerous: false,
        alarms: vec![],
        ..TagSpec::default()
    };
    let device = DeviceSpec {
        segment: name("cryo"),
        description: String::new(),
        driver: DriverKind::ModbusTcp,
        address: "127.0.0.1:502".into(),
        unit_id: 1,
        poll: Duration::from_millis(100),
        timeout: Duration::from_millis(100),
        fencing: Fencing::LeaseOnly,
        watchdog: None,
        on_lease_loss: OnLeaseLoss::Hold,
        simulate: None,
        tags: BTreeMap::from([(name("setpoint"), tag)]),
        ..DeviceSpec::default()
    };
    let site = SiteSpec {
        name: "simulated".into(),
        failback: Some(SiteSpec::FAILBACK_DEFAULT),
        segments: BTreeMap::from([(name("cryo"), SegmentSpec::default())]),
        devices: BTreeMap::from([(name("chiller"), device)]),
        ..SiteSpec::default()
    };
    Command::ApplySite { site, expected_version: None, actor: "ann".into(), reason: String::new() }
}

/// A setpoint that no other command has the id or the value of.
pub(crate) fn setting(client: u64, number: u64) -> Command {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&(client + 1).to_be_bytes());
    id[8..].copy_from_slice(&number.to_be_bytes());
    Command::SubmitSetpoint(SetpointRequest {
        id: CommandId(id),
        tag: TagPath::parse("cryo/chiller/setpoint").expect("a path"),
        value: Value::F64((client * 1_000_000 + number) as f64),
        expected_revision: None,
        deadline: Timestamp(60_000_000_000),
        actor: format!("client-{client}"),
        reason: String::new(),
        ramp_per_s: None,
    })
}
