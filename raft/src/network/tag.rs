//! What every call about consensus carries: the site, the node that it is for, and who asks from where.
//!
//! A node that comes back under another address can be the one that is missing for a majority, without which its new address
//! cannot be replicated. So it says its address with each call, and whoever is called looks there first. A wrong address does no harm:
//! a call that is for another node is refused.

use crate::network::errors::to_status;
use crate::store::data_dir::Identity;
use labkeeper_model::ErrorCode;
use labkeeper_proto::convert::uuid_text;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};
use tonic::service::Interceptor;
use tonic::{Request, Status};

const SITE: &str = "labkeeper-site";
const TO: &str = "labkeeper-to";
const FROM: &str = "labkeeper-from";
const FROM_ADDRESS: &str = "labkeeper-from-address";

/// Where nodes said that they are, with their last call.
#[derive(Clone, Default)]
pub(crate) struct Addresses {
    said: Arc<Mutex<BTreeMap<u64, String>>>,
    own: Arc<Mutex<Option<MetadataValue<Ascii>>>>,
}

impl Addresses {
    /// What this node says about itself.
    pub(crate) fn announce(&self, address: &str) {
        *self.own.lock() = address.parse().ok();
    }

    /// Where a node said that it is.
    pub(crate) fn of(&self, id: u64) -> Option<String> {
        self.said.lock().get(&id).cloned()
    }

    /// Remembers where a member says that it is. Only members are listened to, so there are never more than members.
    pub(crate) fn learn(&self, metadata: &MetadataMap, is_member: impl Fn(u64) -> bool) {
        let text = |key| metadata.get(key).and_then(|value| value.to_str().ok());
        let from = text(FROM).and_then(|id| id.parse().ok()).filter(|id| is_member(*id));
        if let (Some(id), Some(address)) = (from, text(FROM_ADDRESS)) {
            let mut said = self.said.lock();
            if said.get(&id).is_none_or(|known| known != address) {
                said.insert(id, address.to_owned());
            }
        }
    }
}

/// Adds the site and the addressee to each call.
#[derive(Clone)]
pub(crate) struct Tag {
    site: MetadataValue<Ascii>,
    to: MetadataValue<Ascii>,
    from: MetadataValue<Ascii>,
    from_address: Option<MetadataValue<Ascii>>,
}

impl Tag {
    pub(crate) fn new(me: Identity, addresses: &Addresses, to: u64) -> Self {
        let site = uuid_text(me.site_id).parse().unwrap_or_else(|_| MetadataValue::from_static(""));
        Self { site, to: to.into(), from: me.node_id.into(), from_address: addresses.own.lock().clone() }
    }
}

impl Interceptor for Tag {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert(SITE, self.site.clone());
        request.metadata_mut().insert(TO, self.to.clone());
        request.metadata_mut().insert(FROM, self.from.clone());
        if let Some(address) = &self.from_address {
            request.metadata_mut().insert(FROM_ADDRESS, address.clone());
        }
        Ok(request)
    }
}

/// Refuses a call of another site or for another node.
pub(crate) fn check(metadata: &MetadataMap, me: Identity) -> Result<(), Status> {
    let text = |key| metadata.get(key).and_then(|value| value.to_str().ok());
    if text(SITE) != Some(uuid_text(me.site_id).as_str()) {
        return Err(to_status(ErrorCode::OtherSite, "this node belongs to another site"));
    }
    if text(TO) != Some(me.node_id.to_string().as_str()) {
        return Err(to_status(ErrorCode::UnknownNode, "another node has this address now"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::errors::from_status;

    fn tag(site: u8, to: u64) -> Tag {
        Tag::new(Identity { node_id: 3, site_id: [site; 16] }, &Addresses::default(), to)
    }

    fn checked(tag: Option<Tag>, me: Identity) -> Option<ErrorCode> {
        let mut request = Request::new(());
        if let Some(mut tag) = tag {
            request = tag.call(request).expect("tags never refuse");
        }
        check(request.metadata(), me).err().and_then(|status| from_status(&status)).map(|(code, _)| code)
    }

    #[test]
    fn only_this_site_and_this_node_are_let_in() {
        let me = Identity { node_id: 7, site_id: [1; 16] };
        assert_eq!(checked(Some(tag(1, 7)), me), None);
        assert_eq!(checked(Some(tag(2, 7)), me), Some(ErrorCode::OtherSite));
        assert_eq!(checked(Some(tag(1, 8)), me), Some(ErrorCode::UnknownNode));
        assert_eq!(checked(None, me), Some(ErrorCode::OtherSite));
    }

    #[test]
    fn members_are_believed_where_they_are_and_nobody_else() {
        let (sender, receiver) = (Addresses::default(), Addresses::default());
        sender.announce("10.0.0.9:7400");
        let me = Identity { node_id: 3, site_id: [1; 16] };
        let request = Tag::new(me, &sender, 7).call(Request::new(())).expect("tags never refuse");
        receiver.learn(request.metadata(), |id| id != 3);
        assert_eq!(receiver.of(3), None);
        receiver.learn(request.metadata(), |id| id == 3);
        assert_eq!(receiver.of(3).as_deref(), Some("10.0.0.9:7400"));
    }
}
