//! The commands of a script about who drives what.
//!
//! ```text
//! open NODE after=3                          (the newest session of the node)   lease=1500ms
//! renew NODE seq=4 session=3                 lapse NODE seq=4 session=3         end NODE session=3
//! release NODE SEGMENT epoch=2 session=3     place                          drives NODE version=2 session=3
//! drain NODE by=ann because=..               undrain NODE by=ann because=..
//! reach NODE SEGMENT 1/4 epoch=2 session=3   (without an epoch: the answer to a probe)
//! takeover NODE SEGMENT 3/4 epoch=2 connected=100ms read=150ms enabled=200ms (from the present time on)
//! reconciled NODE SEGMENT epoch=2 TAG=matches TAG=adopted:5
//! confirm TAG by=ann because=..              quarantine NODE DEVICE epoch=2 why=.. (without: ends it)
//! ```
//! A session that is not named is the node's newest.

use super::words::Words;
use super::{declare, player};
use labkeeper_machine::{Command, Machine, Reconciled};
use labkeeper_model::{LeaseTerms, TagPath, Timestamp};

/// The command that the words stand for; `None` if it is about something else.
pub(crate) fn command(words: &Words, machine: &Machine, now: Timestamp) -> Result<Option<Command>, String> {
    let text = |key: &str| words.key(key).unwrap_or("").to_owned();
    let node = || words.word(1)?.parse::<u64>().map_err(|error| error.to_string());
    let session = || {
        let newest = machine.session(node()?).map_or(0, |session| session.id);
        Ok::<u64, String>(words.number("session")?.unwrap_or(newest))
    };
    let seq = || words.number("seq")?.ok_or_else(|| "seq=".to_owned());
    let epoch = || words.number("epoch")?.ok_or_else(|| "epoch=".to_owned());
    let segment = || Ok::<String, String>(words.word(2)?.to_owned());
    Ok(Some(match words.word(0)? {
        "open" => {
            let newest = machine.session(node()?).map_or(0, |session| session.id);
            let terms = LeaseTerms::default();
            let lease = words.key("lease").map(declare::duration).transpose()?.unwrap_or(terms.lease);
            Command::OpenSession { node: node()?, after: words.number("after")?.unwrap_or(newest), terms: LeaseTerms { lease, ..terms } }
        }
        "renew" => Command::RenewSession { node: node()?, session: session()?, seq: seq()? },
        "lapse" => Command::ExpireSession { node: node()?, session: session()?, seq: seq()? },
        "end" => Command::EndSession { node: node()?, session: session()? },
        "release" => Command::ReleaseSegment { node: node()?, session: session()?, segment: segment()?, epoch: epoch()? },
        "drain" => Command::SetDraining { node: node()?, draining: true, actor: text("by"), reason: text("because") },
        "undrain" => Command::SetDraining { node: node()?, draining: false, actor: text("by"), reason: text("because") },
        "place" => Command::PlaceSegments,
        "drives" => {
            let version = words.number("version")?.ok_or("version=")?;
            Command::ConfirmSite { node: node()?, session: session()?, version }
        }
        "reach" => {
            let (reached, of) = share(words.word(3)?)?;
            let epoch = words.number("epoch")?;
            Command::ReportReach { node: node()?, session: session()?, segment: segment()?, epoch, reached, of }
        }
        "takeover" => {
            let (devices_reached, devices) = share(words.word(3)?)?;
            let [connected, read, enabled] =
                ["connected", "read", "enabled"].map(|key| player::offset(now, words.key(key).unwrap_or("0s")));
            let (connected, read, enabled) = (connected?, read?, enabled?);
            let (node, segment, epoch) = (node()?, segment()?, epoch()?);
            Command::ReportTakeover { node, segment, epoch, connected, read, enabled, devices_reached, devices }
        }
        "reconciled" => Command::ReportReconciled { node: node()?, segment: segment()?, epoch: epoch()?, outcomes: outcomes(words)? },
        "confirm" => Command::ReleaseHold { tag: tag(words.word(1)?)?, actor: text("by"), reason: text("because") },
        "quarantine" => Command::SetQuarantine {
            node: node()?,
            device: declare::name(words.word(2)?)?,
            epoch: epoch()?,
            reason: words.key("why").map(str::to_owned),
        },
        _ => return Ok(None),
    }))
}

/// `3/4`.
fn share(text: &str) -> Result<(u32, u32), String> {
    let (reached, of) = text.split_once('/').ok_or("a share is written 3/4")?;
    let number = |text: &str| text.parse::<u32>().map_err(|error| error.to_string());
    Ok((number(reached)?, number(of)?))
}

fn tag(text: &str) -> Result<TagPath, String> {
    TagPath::parse(text).map_err(|error| error.to_string())
}

fn outcomes(words: &Words) -> Result<Vec<(TagPath, Reconciled)>, String> {
    let about_tags = words.pairs.iter().filter(|(key, _)| key.contains('/'));
    about_tags.map(|(path, outcome)| Ok((tag(path)?, self::outcome(outcome)?))).collect()
}

fn outcome(text: &str) -> Result<Reconciled, String> {
    let (what, actual) = text.split_once(':').map_or((text, None), |(what, actual)| (what, Some(player::value(actual))));
    let with = |made: fn(labkeeper_model::Value) -> Reconciled| actual.clone().map(made).ok_or_else(|| format!("{what}:VALUE"));
    match what {
        "matches" => Ok(Reconciled::Matches),
        "unreadable" => Ok(Reconciled::Unreadable),
        "adopted" => with(|actual| Reconciled::Adopted { actual }),
        "reasserted" => with(|actual| Reconciled::Reasserted { actual }),
        "driven_safe" => with(|actual| Reconciled::DrivenSafe { actual }),
        "held" => with(|actual| Reconciled::Held { actual }),
        other => Err(format!("{other:?} is no outcome")),
    }
}
