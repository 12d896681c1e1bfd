//! The plan covers every readable tag exactly once, within the protocol's limits, and reads nothing else.

use super::*;
use labkeeper_model::site::{Access, Takeover, ValueType, WordOrder};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn tag(table: Table, address: u16, value_type: ValueType, access: Access) -> TagSpec {
    TagSpec {
        description: String::new(),
        register: Register { table, address },
        value_type,
        word_order: WordOrder::Big,
        access,
        unit: String::new(),
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
    }
}

fn tags(specs: Vec<TagSpec>) -> BTreeMap<Name, TagSpec> {
    specs.into_iter().enumerate().map(|(i, spec)| (Name::new(&format!("t{i}")).unwrap(), spec)).collect()
}

fn holding(address: u16, value_type: ValueType) -> TagSpec {
    tag(Table::Holding, address, value_type, Access::ReadWrite)
}

fn spans(plan: &ReadPlan) -> Vec<(Table, u16, u16)> {
    plan.requests().iter().map(|r| (r.span.first.table, r.span.first.address, r.span.count)).collect()
}

#[test]
fn neighbours_share_a_request_and_gaps_do_not() {
    let plan = ReadPlan::new(&tags(vec![
        holding(0, ValueType::F32),
        holding(2, ValueType::U16),
        holding(4, ValueType::F64),
        tag(Table::Input, 3, ValueType::U16, Access::Read),
    ]));
    assert_eq!(spans(&plan), [(Table::Input, 3, 1), (Table::Holding, 0, 3), (Table::Holding, 4, 4)]);
}

#[test]
fn two_views_of_one_register_are_read_once() {
    let plan = ReadPlan::new(&tags(vec![holding(7, ValueType::U16), holding(7, ValueType::I16)]));
    assert_eq!(spans(&plan), [(Table::Holding, 7, 1)]);
    assert_eq!(plan.requests()[0].slots.len(), 2);
}

#[test]
fn a_request_ends_at_the_protocols_limit_without_cutting_a_tag() {
    let plan = ReadPlan::new(&tags((0..63).map(|i| holding(i * 2, ValueType::F32)).collect()));
    assert_eq!(spans(&plan), [(Table::Holding, 0, 124), (Table::Holding, 124, 2)]);
    let coils = (0..2_001).map(|i| tag(Table::Coil, i, ValueType::Bool, Access::Read)).collect();
    assert_eq!(spans(&ReadPlan::new(&tags(coils))), [(Table::Coil, 0, 2_000), (Table::Coil, 2_000, 1)]);
}

#[test]
fn write_only_tags_are_never_read() {
    let plan = ReadPlan::new(&tags(vec![tag(Table::Coil, 0, ValueType::Bool, Access::Write)]));
    assert!(plan.requests().is_empty());
}

#[test]
fn a_split_request_asks_for_each_tag_alone() {
    let tags = tags(vec![holding(0, ValueType::F32), holding(2, ValueType::U16), holding(9, ValueType::U16)]);
    let mut plan = ReadPlan::new(&tags);
    assert!(plan.split(0, &tags));
    assert_eq!(spans(&plan), [(Table::Holding, 0, 2), (Table::Holding, 2, 1), (Table::Holding, 9, 1)]);
    assert!(!plan.split(0, &tags), "one tag cannot be split");
    assert!(!plan.split(99, &tags));
}

fn any_tag() -> impl Strategy<Value = TagSpec> {
    let table = prop_oneof![Just(Table::Coil), Just(Table::Discrete), Just(Table::Input), Just(Table::Holding)];
    let wide = prop_oneof![
        Just(ValueType::I16),
        Just(ValueType::F32),
        Just(ValueType::U64),
        Just(ValueType::Bool),
        (1u16..=ValueType::TEXT_LEN_MAX).prop_map(ValueType::Text)
    ];
    let access = prop_oneof![Just(Access::Read), Just(Access::ReadWrite), Just(Access::Write)];
    // Dense addresses, so that neighbours, overlaps and limits are common; and the top, where sums overflow.
    let address = prop_oneof![0u16..400, 0u16..6_000, 65_300u16..=65_535];
    (table, wide, access, address).prop_map(|(table, wide, access, address)| {
        let value_type = if table.is_bits() { ValueType::Bool } else { wide };
        tag(table, address.min(u16::MAX - (value_type.cells() - 1)), value_type, access)
    })
}

proptest! {
    #[test]
    fn every_readable_tag_is_read_exactly_once_and_no_undeclared_cell_ever(specs in prop::collection::vec(any_tag(), 0..300), splits in prop::collection::vec(0usize..50, 0..5)) {
        let tags = tags(specs);
        let mut plan = ReadPlan::new(&tags);
        for split in splits {
            plan.split(split, &tags);
        }
        let declared: BTreeSet<(Table, u32)> = tags.values().filter(|t| t.access.is_readable())
            .flat_map(|t| (u32::from(t.register.address)..Span::of(t).end()).map(|a| (t.register.table, a))).collect();
        let mut seen = BTreeSet::new();
        for request in plan.requests() {
            prop_assert!(request.span.count >= 1 && request.span.count <= cells_max(request.span.first.table));
            for address in u32::from(request.span.first.address)..request.span.end() {
                prop_assert!(declared.contains(&(request.span.first.table, address)), "reads an undeclared cell");
            }
            for slot in &request.slots {
                let spec = &tags[&slot.tag];
                prop_assert!(seen.insert(slot.tag.clone()), "read twice");
                prop_assert_eq!(spec.register.table, request.span.first.table);
                prop_assert_eq!(usize::from(spec.register.address), usize::from(request.span.first.address) + slot.offset);
                prop_assert!(slot.offset + usize::from(spec.value_type.cells()) <= usize::from(request.span.count), "cut in two");
            }
        }
        prop_assert_eq!(seen.len(), tags.values().filter(|t| t.access.is_readable()).count());
    }
}
