//! What every call about consensus carries: the site, and the node that it is for.

use crate::network::errors::to_status;
use crate::store::data_dir::Identity;
use labkeeper_model::ErrorCode;
use labkeeper_proto::convert::uuid_text;
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};
use tonic::service::Interceptor;
use tonic::{Request, Status};

const SITE: &str = "labkeeper-site";
const TO: &str = "labkeeper-to";

/// Adds the site and the addressee to each call.
#[derive(Clone)]
pub(crate) struct Tag {
    site: MetadataValue<Ascii>,
    to: MetadataValue<Ascii>,
}

impl Tag {
    pub(crate) fn new(site_id: [u8; 16], to: u64) -> Self {
        let site = uuid_text(site_id).parse().unwrap_or_else(|_| MetadataValue::from_static(""));
        Self { site, to: to.into() }
    }
}

impl Interceptor for Tag {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert(SITE, self.site.clone());
        request.metadata_mut().insert(TO, self.to.clone());
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
        assert_eq!(checked(Some(Tag::new([1; 16], 7)), me), None);
        assert_eq!(checked(Some(Tag::new([2; 16], 7)), me), Some(ErrorCode::OtherSite));
        assert_eq!(checked(Some(Tag::new([1; 16], 8)), me), Some(ErrorCode::UnknownNode));
        assert_eq!(checked(None, me), Some(ErrorCode::OtherSite));
    }
}
