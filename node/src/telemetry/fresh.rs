//! What the buses of one segment have read last, before any deadband: for whoever decides by a reading and by how old it is.
//!
//! The table of latest samples, which people look at, may keep an unchanged value for a second; here every poll counts.

use crate::clock;
use labkeeper_model::site::SiteSpec;
use labkeeper_model::{Moment, Sample, TagPath};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A reading, and when it came by the boot clock: its age does not jump when somebody sets the wall clock.
#[derive(Clone, Debug)]
pub struct FreshReading {
    /// What was read.
    pub sample: Sample,
    /// When it came.
    pub at: Moment,
}

/// Where the readings of one tag are put.
pub type FreshTag = Arc<Mutex<Option<FreshReading>>>;

/// The last readings of one segment, since its buses were opened.
#[derive(Debug, Default)]
pub struct Fresh {
    tags: BTreeMap<TagPath, FreshTag>,
}

impl Fresh {
    /// A table for the readable tags of a segment.
    #[must_use]
    pub fn new(site: &SiteSpec, segment: &str) -> Self {
        let ours = site.tags().filter(|(path, _, tag)| path.segment() == segment && tag.access.is_readable());
        Self { tags: ours.map(|(path, ..)| (path, FreshTag::default())).collect() }
    }

    /// Its tags.
    pub fn tags(&self) -> impl Iterator<Item = &TagPath> {
        self.tags.keys()
    }

    /// Where the readings of a tag are put; `None` if it is not the segment's, or cannot be read.
    #[must_use]
    pub fn tag(&self, path: &TagPath) -> Option<&FreshTag> {
        self.tags.get(path)
    }
}

/// Puts a reading in, with the moment at which it came.
pub fn put(tag: &FreshTag, sample: &Sample) {
    *tag.lock() = Some(FreshReading { sample: sample.clone(), at: clock::boot() });
}
