//! Playing a script: its words, its declarations, its commands, and how answers are printed.

pub(crate) mod alarms;
pub(crate) mod control;
pub(crate) mod declare;
pub(crate) mod notices;
pub(crate) mod operate;
pub(crate) mod player;
pub(crate) mod print;
pub(crate) mod show;
pub(crate) mod tenure;
pub(crate) mod words;
