//! Whatever crosses a wire or reaches a disk: the generated types of `proto/labkeeper/v1`, and their conversion to the
//! model's types.
//!
//! Formats must not follow internal refactors, so nothing here knows the machine, the drivers or the node.

pub mod convert;

/// The generated messages, clients and servers of package `labkeeper.v1`.
pub mod v1 {
    #![allow(clippy::all, clippy::pedantic, clippy::unwrap_used, missing_docs, unreachable_pub, reason = "generated code")]
    tonic::include_proto!("labkeeper.v1");
    include!(concat!(env!("OUT_DIR"), "/labkeeper.v1.serde.rs"));
}

/// The descriptors of all protos, for gRPC server reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
