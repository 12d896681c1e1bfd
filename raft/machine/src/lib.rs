//! raft/machine
