//! Putting a declaration in force: as a whole or not at all.
//!
//! Every refusal is decided before the first change. A tag that is declared differently keeps its setpoint, as the device keeps its
//! value. A tag that is gone takes its setpoint with it, and what its owner had not finished is cancelled: if a tag of the same
//! name comes back, it starts from nothing, at revision 1.

use crate::audit::Deed;
use crate::ownership::Leaving;
use crate::reply::{Effect, Rejection, Reply};
use crate::state::Cause;
use crate::text::{ACTOR_LEN_MAX, REASON_LEN_MAX, check_len};
use crate::{Machine, diff};
use labkeeper_model::site::{Problem, Severity, SiteSpec, ValueType, check};
use labkeeper_model::{CommandState, ErrorCode, Name, TagPath};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What putting a declaration in force would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SitePlan {
    /// One line per difference to the declaration in force: `+ devices.chiller-2`, `- segments.hall`,
    /// `~ devices.chiller-1.poll: 100ms -> 200ms`. Empty if there is none.
    pub changes: Vec<String>,
    /// Everything that is wrong with it; it would be refused if one of them is an error.
    pub problems: Vec<Problem>,
}

/// Most lines of the difference that the audit's entry shows; the rest is counted.
const CHANGES_SHOWN_MAX: usize = 20;

impl Machine {
    /// What putting a declaration in force would do. Changes nothing.
    #[must_use]
    pub fn plan_site(&self, site: &SiteSpec) -> SitePlan {
        SitePlan { changes: diff(&self.site, site), problems: findings(site) }
    }

    pub(crate) fn apply_site(
        &mut self,
        site: SiteSpec,
        expected_version: Option<u64>,
        actor: &str,
        reason: &str,
        effects: &mut Vec<Effect>,
    ) -> Result<Reply, Rejection> {
        check_len("the actor", actor, ACTOR_LEN_MAX)?;
        check_len("the reason", reason, REASON_LEN_MAX)?;
        if let Some(expected) = expected_version.filter(|expected| *expected != self.site_version) {
            let message = format!("version {} of the site is in force, not {expected}", self.site_version);
            return Err(Rejection::new(ErrorCode::SiteConflict, message));
        }
        check_site(&site)?;
        if site == *self.site {
            return Ok(Reply::SiteVersion(self.site_version));
        }
        let changes = diff(&self.site, &site);
        let moved = moves(&self.site, &site);
        // Saturates after 2^64 changes of the site: half a million years at one per microsecond.
        self.site_version = self.site_version.saturating_add(1);
        self.note_departures(&site, self.site_version);
        let former = std::mem::replace(&mut self.site, Arc::new(site));
        effects.push(Effect::SiteChanged);
        let detail = self.site_in_words(&changes);
        let versions = [self.site_version.saturating_sub(1), self.site_version].map(|version| format!("version {version}"));
        self.note_change(Deed { actor, action: "site", target: "site", detail, reason }, &versions[0], &versions[1]);
        self.drop_removed_tags(effects);
        self.forget_what_is_gone();
        self.review_controls(effects);
        self.review_interlocks(&former, effects);
        self.look_at_commands_again();
        self.renew_epochs(&moved, effects);
        self.review(effects);
        Ok(Reply::SiteVersion(self.site_version))
    }

    /// Cancels what is outstanding for tags that the site does not have, and forgets their setpoints.
    fn drop_removed_tags(&mut self, effects: &mut Vec<Effect>) {
        let removed: Vec<TagPath> = self.setpoints.keys().filter(|tag| self.site.tag(tag).is_none()).cloned().collect();
        for tag in removed {
            if let Some(id) = self.outstanding_of(&tag) {
                let error = (ErrorCode::Cancelled, format!("{tag}: the tag was removed from the site"));
                self.end(&id, CommandState::Cancelled, error, effects);
            }
            self.setpoints.remove(&tag);
        }
        self.drop_removed_actions(effects);
    }

    /// Forgets what was said about tags, devices and segments that the site does not have.
    fn forget_what_is_gone(&mut self) {
        let site = Arc::clone(&self.site);
        let is_written = |tag: &TagPath| site.tag(tag).is_some_and(|(_, spec)| spec.access.is_writable());
        self.holds.retain(|tag, _| is_written(tag));
        self.drifts.retain(|tag, _| is_written(tag));
        self.operate.forget_what_is_gone(&site);
        self.quarantined.retain(|device, held| site.devices.get(device).is_some_and(|spec| spec.segment == held.segment));
        self.words.retain(|segment, _| site.segments.contains_key(segment.as_str()));
        self.cooldowns.retain(|segment, _| site.segments.contains_key(segment.as_str()));
    }

    /// A device that compares epochs has seen those of its former segment, so those of its present one begin after them.
    fn renew_epochs(&mut self, moved: &BTreeSet<(Name, Name)>, effects: &mut Vec<Effect>) {
        if self.is_sessionless() {
            return;
        }
        for (from, to) in moved {
            let seen = self.recorded(from.as_str()).epoch;
            let present = self.ownerships.entry(to.to_string()).or_default();
            present.epoch = present.epoch.max(seen);
        }
        for to in moved.iter().map(|(_, to)| to).collect::<BTreeSet<_>>() {
            let owner = self.recorded(to.as_str()).owner;
            let session = owner.and_then(|owner| self.sessions.get(&owner));
            if let Some(last_renewal) = session.map(|session| session.renewed) {
                self.grant(to.as_str(), owner, Some(Leaving { cause: Cause::SiteChanged, last_renewal }), effects);
            }
        }
    }

    /// Whether a written command is outstanding depends on how its tag is declared to be verified.
    fn look_at_commands_again(&mut self) {
        let written: Vec<_> = self.setpoints.values().filter(|s| s.state == CommandState::Written).map(|s| s.command_id).collect();
        for id in written.into_iter().chain(self.written_actions()) {
            if let Some(record) = self.commands.remove(&id) {
                let standing = self.standing(&record);
                self.commands.insert(record, standing);
            }
        }
    }

    fn site_in_words(&self, changes: &[String]) -> String {
        let shown = changes.iter().take(CHANGES_SHOWN_MAX).cloned().collect::<Vec<_>>().join("\n");
        let more = match changes.len().saturating_sub(CHANGES_SHOWN_MAX) {
            0 => String::new(),
            more => format!("\nand {more} more"),
        };
        format!("version {}\n{shown}{more}", self.site_version)
    }
}

/// From which segment to which one devices are moved.
fn moves(old: &SiteSpec, new: &SiteSpec) -> BTreeSet<(Name, Name)> {
    let kept = new.devices.iter().filter_map(|(name, device)| Some((&old.devices.get(name)?.segment, &device.segment)));
    kept.filter(|(from, to)| from != to).map(|(from, to)| (from.clone(), to.clone())).collect()
}

fn check_site(site: &SiteSpec) -> Result<(), Rejection> {
    let problems = findings(site);
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    let first = problems.iter().find(|problem| problem.severity == Severity::Error);
    match first {
        None => Ok(()),
        Some(first) => {
            let message = format!("the declaration has {errors} error(s), the first: {first}");
            Err(Rejection { code: ErrorCode::SiteInvalid, message, problems })
        }
    }
}

/// Everything that is wrong with a declaration. Texts without bytes, or of more than a request can fetch, are found first and
/// alone: no site file can name them, and the other checks count registers.
fn findings(site: &SiteSpec) -> Vec<Problem> {
    let unnamable = |kind| matches!(kind, ValueType::Text(len) if len == 0 || len > ValueType::TEXT_LEN_MAX);
    let problems: Vec<Problem> = site
        .tags()
        .filter(|(_, _, tag)| unnamable(tag.value_type))
        .map(|(path, _, tag)| Problem {
            severity: Severity::Error,
            path: ["devices", path.device(), "tags", path.tag(), "type"].map(str::to_owned).to_vec(),
            what: format!("{} is not a type", tag.value_type),
            remedy: format!("give a length from 1 to {}", ValueType::TEXT_LEN_MAX),
        })
        .collect();
    if problems.is_empty() { check(site).into_iter().chain(labkeeper_expression::check_site(site)).collect() } else { problems }
}
