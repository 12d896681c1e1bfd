//! Changes to the declaration that is in force, as a program would make them: get it, change it, apply it.

use crate::client::Client;
use anyhow::Context as _;
use labkeeper_proto::v1;

/// Puts a changed declaration in force.
///
/// # Errors
/// When there is none, or the changed one is refused.
pub async fn redeclare(client: &Client, change: impl FnOnce(&mut v1::Site) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let answer = client.site().get_site(v1::GetSiteRequest {}).await?.into_inner();
    let mut site = answer.site.context("a declaration")?;
    change(&mut site)?;
    let request =
        v1::ApplySiteRequest { site: Some(site), expected_version: Some(answer.version), actor: "tests".into(), reason: String::new() };
    client.site().apply_site(request).await?;
    Ok(())
}

/// The declaration of a tag.
///
/// # Errors
/// When there is no such tag.
pub fn tag<'a>(site: &'a mut v1::Site, device: &str, tag: &str) -> anyhow::Result<&'a mut v1::Tag> {
    let device = site.devices.get_mut(device).with_context(|| format!("no device {device}"))?;
    device.tags.get_mut(tag).with_context(|| format!("no tag {tag}"))
}
