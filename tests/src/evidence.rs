//! What a cluster leaves behind for the judge: the devices' record of writes, and the grants of segments as the nodes tell them.

use crate::Cluster;
use crate::judge::{self, Deed, Grant};
use crate::plant::Write;
use anyhow::{Context as _, ensure};
use labkeeper_proto::v1;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// Grants seen so far, since the nodes tell only the latest, and what was judged so far, since a long test judges each day.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    grants: BTreeMap<(String, u64), v1::TakeoverStatus>,
    /// How many writes were judged.
    judged: usize,
    /// Of each device the last of them, against which the next ones are held.
    last: BTreeMap<String, Deed>,
}

impl Evidence {
    /// Notes the grants that the cluster tells of at this moment.
    ///
    /// # Errors
    /// When no node answers.
    pub async fn note(&mut self, cluster: &Cluster) -> anyhow::Result<()> {
        let leader = cluster.leader().await?;
        for grant in cluster.nodes[leader].client.status().await?.takeovers {
            self.grants.insert((grant.segment.clone(), grant.epoch), grant);
        }
        Ok(())
    }

    /// The grants, by segment and epoch. A grant's steps are those that were known when it was noted last.
    #[must_use]
    pub fn grants(&self) -> &BTreeMap<(String, u64), v1::TakeoverStatus> {
        &self.grants
    }

    /// Fails if anything was driven by two, since the beginning or since the last judgement. Returns how many writes and claims
    /// were judged in all.
    ///
    /// # Errors
    /// With every conviction; or when the plant or the cluster does not answer.
    pub async fn judge(&mut self, cluster: &Cluster) -> anyhow::Result<usize> {
        self.judge_with(cluster, true).await
    }

    /// As [`Evidence::judge`], where the nodes' wall clocks are set wrong: then the times of grants prove nothing, and only the
    /// order at the devices does.
    ///
    /// # Errors
    /// As [`Evidence::judge`].
    pub async fn judge_without_clocks(&mut self, cluster: &Cluster) -> anyhow::Result<usize> {
        self.judge_with(cluster, false).await
    }

    async fn judge_with(&mut self, cluster: &Cluster, clocks_are_right: bool) -> anyhow::Result<usize> {
        self.note(cluster).await?;
        let fresh = deeds(cluster)?.split_off(self.judged);
        let deeds: Vec<Deed> = self.last.values().chain(&fresh).cloned().collect();
        let grants: Vec<Grant> = self.grants.values().map(|grant| as_grant(grant, clocks_are_right)).collect();
        let wrong = judge::convictions(&deeds, &grants);
        ensure!(wrong.is_empty(), "driven by two:\n{}\nunder the grants\n{grants:#?}", wrong.join("\n"));
        self.judged += fresh.len();
        self.last.extend(fresh.into_iter().map(|deed| (deed.device.clone(), deed)));
        Ok(self.judged)
    }
}

fn as_grant(grant: &v1::TakeoverStatus, clocks_are_right: bool) -> Grant {
    let at_ms = grant.began_unix_ms.saturating_add_unsigned(grant.assigned_ms);
    Grant {
        segment: grant.segment.clone(),
        epoch: grant.epoch,
        to: grant.to.clone(),
        at_ns: clocks_are_right.then_some(at_ms.saturating_mul(1_000_000)),
    }
}

/// Everything that reached a device, in the order of its arrival.
fn deeds(cluster: &Cluster) -> anyhow::Result<Vec<Deed>> {
    let names: BTreeMap<IpAddr, &str> =
        cluster.nodes.iter().enumerate().filter_map(|(n, node)| Some((cluster.field_address(n)?, node.name.as_str()))).collect();
    let segments = cluster.lab().segments_of_devices()?;
    let deed = |write: Write| -> anyhow::Result<Deed> {
        let peer: SocketAddr = write.peer.parse().with_context(|| format!("{write:?}"))?;
        let by = names.get(&peer.ip()).with_context(|| format!("from no node of the cluster: {write:?}"))?;
        Ok(Deed {
            at_ns: write.time_unix_ns,
            by: (*by).to_owned(),
            segment: segments.get(&write.device).cloned().with_context(|| format!("no such device: {write:?}"))?,
            epoch: write.epoch,
            claim: write.claim,
            what: format!("{}:{} = {:?}", write.table, write.address, write.values),
            device: write.device,
        })
    };
    cluster.plant.recorded()?.into_iter().map(deed).collect()
}
