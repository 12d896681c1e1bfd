//! Which tags a subscription wants, remembered per tag so that the glob is matched once.

use labkeeper_model::{NodeId, Selector, TagPath};

/// A subscription's choice of tags.
#[derive(Debug, Default)]
pub struct Filter {
    selectors: Vec<Selector>,
    origin: Option<NodeId>,
    /// By tag id: whether a selector matches it; `None` if it has not been asked yet.
    matched: Vec<Option<bool>>,
}

impl Filter {
    /// Everything that any of the globs matches; no glob is everything.
    #[must_use]
    pub fn by_selectors(selectors: Vec<Selector>) -> Self {
        Self { selectors, ..Self::default() }
    }

    /// Everything that one node has measured.
    #[must_use]
    pub fn by_origin(origin: NodeId) -> Self {
        Self { origin: Some(origin), ..Self::default() }
    }

    /// Whether a tag that `origin` has measured is wanted.
    pub fn wants(&mut self, id: u32, path: &TagPath, origin: NodeId) -> bool {
        if self.origin.is_some_and(|wanted| wanted != origin) {
            return false;
        }
        let id = id as usize;
        if self.matched.len() <= id {
            self.matched.resize(id + 1, None);
        }
        *self.matched[id].get_or_insert_with(|| self.selectors.is_empty() || self.selectors.iter().any(|s| s.matches(path)))
    }
}
