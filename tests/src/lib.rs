//! What the tests at system level stand on. They see what a user sees: the `labkeeper` program, its gRPC and HTTP
//! contracts, the devices' own record of what was written to them. Nothing here reaches into a node.
//!
//! ```text
//! Cluster ---- starts ---->  Plant       labkeeper sim: every device, and a log of every write
//!    |                       Node x n    labkeeper node: killed, paused and started again at will
//!    |                         +-- Client   gRPC and HTTP of one node
//!    +---- reads a ------->  Lab         the site file
//! cli                        the same program as people run it
//! Oracle                     what clients were told, and must stay true
//! ```
//!
//! [`repo`] is the other half: the repository's files, for the rules that it keeps about itself.

pub mod alarms;
pub mod chance;
pub mod cli;
pub mod client;
pub mod clock;
pub mod cluster;
pub mod declare;
pub mod disk;
pub mod doers;
pub mod evidence;
pub mod faults;
pub mod judge;
pub mod lab;
pub mod linear;
pub mod load;
pub mod mail_server;
pub mod nemesis;
pub mod network;
pub mod node;
pub mod oracle;
pub mod outage;
pub mod page;
pub mod pager;
pub mod plant;
pub mod ports;
pub mod process;
pub mod pymodbus;
pub mod repo;
pub mod scenario;
pub mod setup;
pub mod spread;
pub mod wait;

pub use client::Client;
pub use cluster::Cluster;
pub use evidence::Evidence;
pub use lab::Lab;
pub use nemesis::{Nemesis, Step, Who};
pub use node::Node;
pub use oracle::Oracle;
pub use pager::Pager;
pub use plant::Plant;
pub use setup::Setup;
