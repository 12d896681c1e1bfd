//! What clients see: gRPC for programs, HTTP and a live socket for browsers. Both are thin over the same services, and both
//! say errors in the same words.
//!
//! Every node answers. What only the leader can do is handed to it by the layer below, once.

pub mod alarms;
pub mod audit;
pub mod cluster;
mod commit;
pub mod control;
pub mod drain;
pub mod grpc;
pub mod http;
pub mod interlocks;
pub mod notices;
pub mod operate;
pub mod ramp;
pub mod request;
pub mod site;
pub mod status;
pub mod tags;
pub mod tree;
pub mod wire;
