//! The site of every world: its declaration, and the machine that has it in force.
//!
//! Each segment has a device that only the lease protects, with a tag of each policy that writes without asking, and one with a
//! fence, with the tags that an operator has to do with.

use labkeeper_machine::{Command, Machine, NodeInfo, Stamp};
use labkeeper_model::site::{
    Access, DeviceSpec, DriverKind, Fencing, OnLeaseLoss, Register, SegmentSpec, SiteSpec, Table, TagSpec, Takeover, ValueType, WordOrder,
};
use labkeeper_model::{Name, NodeId, TagPath, Timestamp, Value};
use std::collections::BTreeMap;
use std::time::Duration;

/// The value that harms nobody.
pub const SAFE: f64 = 0.0;
/// How long the world reads a device's tags apart.
pub const POLL: Duration = Duration::from_millis(500);

/// One device.
#[derive(Clone, Debug)]
pub struct DeviceInfo {
    /// Its name.
    pub name: Name,
    /// Which segment it belongs to.
    pub segment: usize,
    /// Whether it compares epochs.
    pub has_fence: bool,
    /// Its tags.
    pub tags: Vec<Name>,
}

/// The site.
#[derive(Clone, Debug)]
pub struct Plant {
    /// The segments' names.
    pub segments: Vec<String>,
    /// The devices of all segments.
    pub devices: Vec<DeviceInfo>,
    /// Every tag.
    pub tags: Vec<TagPath>,
    /// The nodes' numbers.
    pub nodes: Vec<NodeId>,
    /// The declaration with which the world begins.
    pub declared: SiteSpec,
    /// The state with which every replica begins.
    pub founded: Machine,
}

impl Plant {
    /// The site for so many nodes, each with a segment of its own at home.
    #[must_use]
    pub fn new(nodes: usize, failback: Duration) -> Self {
        let spec = site(nodes, failback);
        let device = |(name, device): (&Name, &DeviceSpec)| DeviceInfo {
            name: name.clone(),
            segment: spec.segments.keys().position(|segment| *segment == device.segment).unwrap_or(0),
            has_fence: device.fencing != Fencing::LeaseOnly,
            tags: device.tags.keys().cloned().collect(),
        };
        let devices = spec.devices.iter().map(device).collect();
        let tags = spec.tags().map(|(path, ..)| path).collect();
        let segments = spec.segments.keys().map(ToString::to_string).collect();
        let (founded, nodes) = found(nodes, spec.clone());
        Self { segments, devices, tags, nodes, declared: spec, founded }
    }

    /// A declaration with the homes moved on by so many nodes, and without one segment.
    #[must_use]
    pub fn redeclared(&self, shift: usize, without: Option<usize>) -> SiteSpec {
        let mut spec = self.declared.clone();
        for (at, segment) in spec.segments.values_mut().enumerate() {
            segment.home = Some(name(&format!("n{}", (at + shift) % self.nodes.len())));
        }
        if let Some(gone) = without.map(|at| &self.segments[at]) {
            spec.segments.retain(|name, _| name.as_str() != gone);
            spec.devices.retain(|_, device| device.segment.as_str() != gone);
        }
        spec
    }

    /// The devices of a segment, by number.
    pub fn devices_of(&self, segment: usize) -> impl Iterator<Item = usize> {
        self.devices.iter().enumerate().filter(move |(_, device)| device.segment == segment).map(|(at, _)| at)
    }

    /// The number of a segment.
    #[must_use]
    pub fn segment(&self, name: &str) -> usize {
        self.segments.iter().position(|segment| segment == name).unwrap_or(0)
    }

    /// The number of a device.
    #[must_use]
    pub fn device(&self, name: &str) -> usize {
        self.devices.iter().position(|device| device.name.as_str() == name).unwrap_or(0)
    }
}

fn name(text: &str) -> Name {
    Name::new(text).expect("a name that the world made is a name")
}

fn found(nodes: usize, spec: SiteSpec) -> (Machine, Vec<NodeId>) {
    let info = |at: usize| NodeInfo {
        name: name(&format!("n{at}")),
        instance: (at as u128 + 1).to_be_bytes(),
        grpc: format!("n{at}:7600"),
        http: format!("http://n{at}:7680"),
        reach: vec!["*".into()],
    };
    let mut machine = Machine::new();
    let mut apply = |command| {
        let index = machine.applied() + 1;
        let applied = machine.apply(Stamp { index, time: Timestamp(0), term: 1 }, command);
        assert!(applied.reply.is_ok(), "the world is founded as declared: {:?}", applied.reply);
    };
    apply(Command::FoundSite { site_id: [7; 16], node: info(0) });
    for at in 1..nodes {
        apply(Command::AdmitNode { node: info(at) });
    }
    apply(Command::ApplySite { site: spec, expected_version: None, actor: "ann".into(), reason: String::new() });
    let nodes = machine.nodes().keys().copied().collect();
    (machine, nodes)
}

fn site(nodes: usize, failback: Duration) -> SiteSpec {
    // Five nodes share three segments, so that some have nothing to lose and others must take more than their own.
    let count = nodes.min(3);
    let segment = |at: usize| (name(&format!("s{at}")), SegmentSpec { description: String::new(), home: Some(name(&format!("n{at}"))) });
    let mut devices = BTreeMap::new();
    for at in 0..count {
        let plain = [("adopt", tag(0, Takeover::Adopt)), ("danger", dangerous(4)), ("reassert", tag(8, Takeover::Reassert))];
        let fenced = [("hold", tag(0, Takeover::Hold)), ("safe", tag(4, Takeover::Safe))];
        let fence = Fencing::DeviceToken { register: Register { table: Table::Holding, address: 100 } };
        devices.insert(name(&format!("plain{at}")), device(at, Fencing::LeaseOnly, OnLeaseLoss::Hold, &plain));
        devices.insert(name(&format!("plc{at}")), device(at, fence, OnLeaseLoss::Safe, &fenced));
    }
    SiteSpec { name: "world".into(), segments: (0..count).map(segment).collect(), devices, failback: Some(failback), ..SiteSpec::default() }
}

fn device(segment: usize, fencing: Fencing, on_lease_loss: OnLeaseLoss, tags: &[(&str, TagSpec)]) -> DeviceSpec {
    DeviceSpec {
        segment: name(&format!("s{segment}")),
        description: String::new(),
        driver: DriverKind::ModbusTcp,
        address: format!("10.0.{segment}.{}:502", tags.len()),
        unit_id: 1,
        poll: POLL,
        timeout: Duration::from_millis(200),
        fencing,
        watchdog: None,
        on_lease_loss,
        simulate: None,
        tags: tags.iter().map(|(tag, spec)| (name(tag), spec.clone())).collect(),
        ..DeviceSpec::default()
    }
}

fn tag(address: u16, takeover: Takeover) -> TagSpec {
    TagSpec {
        description: String::new(),
        register: Register { table: Table::Holding, address },
        value_type: ValueType::F64,
        word_order: WordOrder::Big,
        access: Access::ReadWrite,
        unit: String::new(),
        scale: 1.0,
        offset: 0.0,
        deadband: 0.0,
        limits: None,
        verify: None,
        takeover,
        safe: Some(Value::F64(SAFE)),
        dangerous: false,
        alarms: vec![],
        ..TagSpec::default()
    }
}

fn dangerous(address: u16) -> TagSpec {
    TagSpec { dangerous: true, ..tag(address, Takeover::Adopt) }
}
