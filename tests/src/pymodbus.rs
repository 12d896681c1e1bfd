//! A Modbus device made by somebody else: pymodbus' server in a Python process, told what to hold over its stdin.

use crate::repo::root;
use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// A running server.
#[derive(Debug)]
pub struct Pymodbus {
    // Killed when dropped.
    _process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

/// Where a value lives and how its bits are laid out, in the words of a site file.
#[derive(Clone, Debug)]
pub struct Place {
    /// "coil", "discrete", "holding" or "input".
    pub table: &'static str,
    /// First cell.
    pub address: u16,
    /// Cells that it takes.
    pub cells: u16,
    /// "f32", "string(12)", ...
    pub kind: &'static str,
    /// "big" or "little".
    pub word_order: &'static str,
}

impl Pymodbus {
    /// Starts a server and waits until it listens.
    ///
    /// # Errors
    /// When `make setup` has not been run, or the server does not come up.
    pub async fn start(address: SocketAddr) -> anyhow::Result<Self> {
        let tests = root().join("tests");
        let python = tests.join(".venv/bin/python");
        ensure!(python.exists(), "{} is missing: run `make setup`", python.display());
        let mut process = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .arg(python)
            .arg(tests.join("python/modbus_server.py"))
            .arg(address.port().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let input = process.stdin.take().context("a piped stdin")?;
        let output = BufReader::new(process.stdout.take().context("a piped stdout")?).lines();
        let mut server = Self { _process: process, input, output };
        server.answer().await.context("the Modbus server does not come up")?;
        Ok(server)
    }

    /// Makes the device hold a value.
    ///
    /// # Errors
    /// When the server has ended.
    pub async fn hold(&mut self, place: &Place, value: &Value) -> anyhow::Result<()> {
        self.ask("write", place, value).await.map(|_| ())
    }

    /// What the device holds.
    ///
    /// # Errors
    /// When the server has ended.
    pub async fn held(&mut self, place: &Place) -> anyhow::Result<Value> {
        Ok(self.ask("read", place, &Value::Null).await?["value"].take())
    }

    async fn ask(&mut self, op: &str, place: &Place, value: &Value) -> anyhow::Result<Value> {
        let request = json!({
            "op": op, "table": place.table, "address": place.address, "cells": place.cells,
            "type": place.kind, "word_order": place.word_order, "value": value,
        });
        self.input.write_all(format!("{request}\n").as_bytes()).await?;
        self.input.flush().await?;
        self.answer().await
    }

    async fn answer(&mut self) -> anyhow::Result<Value> {
        let line = self.output.next_line().await?.context("the Modbus server has ended")?;
        Ok(serde_json::from_str(&line)?)
    }
}
