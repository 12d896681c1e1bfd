//! What the tests at system level stand on. They see what a user sees: the `labkeeper` program, its gRPC and HTTP
//! contracts, the devices' own record of what was written to them. Nothing here reaches into a node.
//!
//! ```text
//! Cluster  ------ starts ------>  Plant (labkeeper sim)        every device, and a log of every write
//!    |                            NodeProcess x n              labkeeper node, killed and paused at will
//!    +-- node(i) -> Client        gRPC and HTTP of one node
//! Cli                             the same program as people run it
//! Oracle                          what clients were told, and must stay true
//! ```
//!
//! [`repo`] is the other half: the repository's files, for the rules that it keeps about itself.

pub mod repo;
