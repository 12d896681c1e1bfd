//! The latest sample of every tag of the site, from whichever node measured it.
//!
//! Tags are numbered in the order in which they were first seen; numbers are never reused, so the table's size is bounded by
//! the number of tags that the site has had since the node started (100 bytes each: 100,000 tags are 10 MB).
//!
//! It knows nothing of who may own a segment: it keeps who measured a sample, and `readings` decides what that is worth.

use super::filter::Filter;
use super::subscription::Subscription;
use labkeeper_model::{NodeId, Sample, TagPath};
use parking_lot::RwLock;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

/// A sample with the node that measured it.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Who measured it.
    pub origin: NodeId,
    /// What it measured.
    pub sample: Sample,
}

/// The table.
#[derive(Debug, Default)]
pub struct Latest {
    tags: RwLock<Tags>,
    watchers: RwLock<Vec<Weak<Subscription>>>,
    published: AtomicU64,
}

#[derive(Debug, Default)]
struct Tags {
    ids: BTreeMap<TagPath, u32>,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    path: TagPath,
    measured: Option<Measured>,
}

impl Latest {
    /// The tag's number, given out at its first use.
    pub fn id(&self, path: &TagPath) -> u32 {
        if let Some(id) = self.tags.read().ids.get(path) {
            return *id;
        }
        let mut tags = self.tags.write();
        if let Some(id) = tags.ids.get(path) {
            return *id;
        }
        let id = u32::try_from(tags.rows.len()).unwrap_or(u32::MAX);
        tags.ids.insert(path.clone(), id);
        tags.rows.push(Row { path: path.clone(), measured: None });
        id
    }

    /// Puts a sample in and marks it for every watcher that wants it. Never waits for a watcher.
    pub fn publish(&self, id: u32, origin: NodeId, sample: Sample) {
        let path = {
            let mut tags = self.tags.write();
            let Some(row) = tags.rows.get_mut(id as usize) else { return };
            row.measured = Some(Measured { origin, sample });
            row.path.clone()
        };
        self.published.fetch_add(1, Ordering::Relaxed);
        for watcher in self.watchers.read().iter().filter_map(Weak::upgrade) {
            watcher.mark(id, &path, origin);
        }
    }

    /// The latest sample of a tag.
    #[must_use]
    pub fn get(&self, path: &TagPath) -> Option<Measured> {
        let tags = self.tags.read();
        tags.rows.get(*tags.ids.get(path)? as usize)?.measured.clone()
    }

    /// The latest samples of several tags by number, with their paths.
    #[must_use]
    pub fn rows(&self, ids: &[u32]) -> Vec<(u32, TagPath, Measured)> {
        let tags = self.tags.read();
        ids.iter()
            .filter_map(|id| {
                let row = tags.rows.get(*id as usize)?;
                Some((*id, row.path.clone(), row.measured.clone()?))
            })
            .collect()
    }

    /// Begins to watch. Everything that has a sample is pending at once, so that a watcher starts with the whole picture.
    #[must_use]
    pub fn subscribe(&self, filter: Filter) -> Arc<Subscription> {
        let watcher = Arc::new(Subscription::new(filter));
        let mut watchers = self.watchers.write();
        watchers.retain(|w| w.strong_count() > 0);
        watchers.push(Arc::downgrade(&watcher));
        drop(watchers);
        for (id, row) in (0u32..).zip(&self.tags.read().rows) {
            if let Some(measured) = &row.measured {
                watcher.mark(id, &row.path, measured.origin);
            }
        }
        watcher
    }

    /// Number of samples put in since the node started, own and others'.
    #[must_use]
    pub fn published(&self) -> u64 {
        self.published.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use labkeeper_model::{Quality, Selector, Timestamp, Value};

    fn sample(value: f64) -> Sample {
        Sample { time: Timestamp(0), value: Some(Value::F64(value)), quality: Quality::Good }
    }

    fn path(text: &str) -> TagPath {
        TagPath::parse(text).expect("a path")
    }

    #[test]
    fn a_slow_watcher_wakes_to_the_newest_of_every_tag() {
        let latest = Latest::default();
        let watcher = latest.subscribe(Filter::default());
        let (a, b) = (latest.id(&path("s/d/a")), latest.id(&path("s/d/b")));
        for i in 0..1000 {
            latest.publish(a, 1, sample(f64::from(i)));
        }
        latest.publish(b, 1, sample(7.0));
        let rows = latest.rows(&watcher.take());
        assert_eq!(rows.iter().map(|r| r.2.sample.clone()).collect::<Vec<_>>(), [sample(999.0), sample(7.0)]);
        assert_eq!(watcher.skipped(), 999);
        assert!(watcher.take().is_empty());
    }

    #[test]
    fn a_watcher_starts_with_the_whole_picture_of_what_it_wants() {
        let latest = Latest::default();
        for (tag, origin) in [("cryo/d/t", 1), ("vacuum/d/p", 2), ("cryo/d/u", 2)] {
            latest.publish(latest.id(&path(tag)), origin, sample(1.0));
        }
        let names = |filter| latest.rows(&latest.subscribe(filter).take()).into_iter().map(|r| r.1.to_string()).collect::<Vec<_>>();
        assert_eq!(names(Filter::by_selectors(vec![Selector::parse("cryo").expect("a selector")])), ["cryo/d/t", "cryo/d/u"]);
        assert_eq!(names(Filter::by_origin(2)), ["vacuum/d/p", "cryo/d/u"]);
    }

    #[tokio::test]
    async fn a_waiting_watcher_is_woken() {
        let latest = Arc::new(Latest::default());
        let watcher = latest.subscribe(Filter::default());
        let publisher = latest.clone();
        let waiting = tokio::spawn(async move { watcher.changed().await });
        publisher.publish(publisher.id(&path("s/d/a")), 1, sample(1.0));
        waiting.await.expect("woken");
    }
}
