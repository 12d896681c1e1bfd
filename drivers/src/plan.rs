//! From tags to as few requests as the protocol allows.
//!
//! Neighbours are read together: a request covers tags that touch or overlap in one table, up to the protocol's limit
//! (125 registers or 2,000 bits). Gaps are not bridged. A cell that no tag declares is never read, because reading may
//! have an effect on a device (clearing a counter, acknowledging a latch), and because one forbidden address makes a
//! device refuse the whole request. A tag is never cut in two: its registers come from one answer, or they could be from
//! two different moments.
//!
//! If a device objects to a range, the request is split into one per tag, so that one wrong declaration does not take its
//! neighbours' values with it.
//!
//! It knows nothing of time, connections or values.

use labkeeper_model::Name;
use labkeeper_model::site::{Register, Table, TagSpec};
use std::collections::BTreeMap;

/// Most registers of one read: 125 words are 250 of the 253 bytes of a protocol data unit (Modbus V1.1b3, 6.3 and 6.4).
pub const REGISTERS_MAX: u16 = 125;
/// Most bits of one read: 2,000 bits are 250 of those 253 bytes (Modbus V1.1b3, 6.1 and 6.2).
pub const BITS_MAX: u16 = 2_000;

/// Consecutive cells of one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The first cell.
    pub first: Register,
    /// How many cells. At least 1; at most the protocol's limit of one request.
    pub count: u16,
}

impl Span {
    /// The cells of one tag.
    #[must_use]
    pub const fn of(tag: &TagSpec) -> Self {
        Self { first: tag.register, count: tag.value_type.cells() }
    }

    /// One past the last address, which may be 65,536.
    const fn end(self) -> u32 {
        self.first.address as u32 + self.count as u32
    }
}

/// Most cells of a table in one request.
#[must_use]
pub const fn cells_max(table: Table) -> u16 {
    if table.is_bits() { BITS_MAX } else { REGISTERS_MAX }
}

/// Where a tag's cells are within an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The tag.
    pub tag: Name,
    /// Its first cell, counted from the start of the answer.
    pub offset: usize,
}

/// One request and what its answer holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadRequest {
    /// What is asked for.
    pub span: Span,
    /// What it is for; never empty.
    pub slots: Vec<Slot>,
}

/// All requests of one poll of one device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadPlan {
    requests: Vec<ReadRequest>,
}

impl ReadPlan {
    /// Plans the readable tags of a device, in the order of tables and addresses.
    #[must_use]
    pub fn new(tags: &BTreeMap<Name, TagSpec>) -> Self {
        let mut readable: Vec<(Span, &Name)> =
            tags.iter().filter(|(_, tag)| tag.access.is_readable()).map(|(name, tag)| (Span::of(tag), name)).collect();
        readable.sort_unstable();
        let mut plan = Self::default();
        for (span, name) in readable {
            plan.add(span, name);
        }
        plan
    }

    /// The requests, in the order in which they are done.
    #[must_use]
    pub fn requests(&self) -> &[ReadRequest] {
        &self.requests
    }

    /// Replaces a request by one request per tag. `false` if it has one tag only, or there is no such request.
    pub fn split(&mut self, index: usize, tags: &BTreeMap<Name, TagSpec>) -> bool {
        let Some(request) = self.requests.get(index).filter(|request| request.slots.len() > 1) else { return false };
        let single = |slot: &Slot| {
            let span = Span::of(tags.get(&slot.tag)?);
            Some(ReadRequest { span, slots: vec![Slot { tag: slot.tag.clone(), offset: 0 }] })
        };
        let singles: Vec<ReadRequest> = request.slots.iter().filter_map(single).collect();
        self.requests.splice(index..=index, singles);
        true
    }

    /// Spans come sorted by table and address.
    fn add(&mut self, span: Span, name: &Name) {
        if let Some(last) = self.requests.last_mut() {
            let touches = last.span.first.table == span.first.table && u32::from(span.first.address) <= last.span.end();
            let length = span.end().max(last.span.end()) - u32::from(last.span.first.address);
            if let Ok(count) = u16::try_from(length)
                && touches
                && count <= cells_max(span.first.table)
            {
                last.span.count = count;
                let offset = usize::from(span.first.address - last.span.first.address);
                last.slots.push(Slot { tag: name.clone(), offset });
                return;
            }
        }
        self.requests.push(ReadRequest { span, slots: vec![Slot { tag: name.clone(), offset: 0 }] });
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
