//! The simulated devices of a test, in a process of their own (`labkeeper sim`), so that they outlive every node; with
//! their log of writes, which is the truth about what reached a device, and with faults to switch on.

use crate::network::Seat;
use crate::ports::Port;
use crate::process::Process;
use crate::wait;
use anyhow::{Context as _, ensure};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longest wait for the plant's own answer: a thousand times what it takes, on a busy machine.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// A running plant.
#[derive(Debug)]
pub struct Plant {
    process: Process,
    control: Port,
    log: PathBuf,
    http: reqwest::Client,
}

/// One write that reached a device.
#[derive(Clone, Debug, Deserialize)]
pub struct Write {
    /// When: UTC, nanoseconds since 1970.
    pub time_unix_ns: i64,
    /// Who: the address of the other end of the connection.
    pub peer: String,
    /// The device's name.
    pub device: String,
    /// "coil" or "holding".
    pub table: String,
    /// First cell.
    pub address: u16,
    /// What was written: registers, or bits as 0 and 1.
    #[serde(deserialize_with = "cells")]
    pub values: Vec<u16>,
    /// "applied", "refused" or "ignored".
    pub outcome: String,
    /// The epoch that was claimed on the same connection, where the device has a fence register.
    #[serde(default)]
    pub epoch: Option<u64>,
    /// Whether it only claims the device's fence register.
    #[serde(default)]
    pub claim: bool,
}

/// Registers are numbers in JSON, coils are booleans.
fn cells<'de, D: serde::Deserializer<'de>>(json: D) -> Result<Vec<u16>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Cell {
        Bit(bool),
        Word(u16),
    }
    let cells = Vec::<Cell>::deserialize(json)?;
    Ok(cells
        .into_iter()
        .map(|cell| match cell {
            Cell::Bit(bit) => bit.into(),
            Cell::Word(word) => word,
        })
        .collect())
}

impl Plant {
    /// Starts the devices of a site file, and waits until they listen.
    ///
    /// # Errors
    /// When the plant ends or does not come up.
    pub async fn start(site: &Path, dir: &Path) -> anyhow::Result<Self> {
        Self::start_at(Seat::loopback()?, site, dir).await
    }

    /// As [`Plant::start`], where a network has a seat for it.
    ///
    /// # Errors
    /// When the plant ends or does not come up.
    pub async fn start_at(seat: Seat, site: &Path, dir: &Path) -> anyhow::Result<Self> {
        let Seat { first: control, listen, enter, .. } = seat;
        let log = dir.join("writes.jsonl");
        let (site, writes) = (site.display().to_string(), log.display().to_string());
        let address = format!("{listen}:{}", control.address().port());
        let args = ["sim", "--site", &site, "--control", &address, "--write-log", &writes];
        let process = Process::labkeeper_behind("sim", &enter, &args, &[], &dir.join("sim.log"))?;
        let mut plant = Self { process, control, log, http: reqwest::Client::builder().timeout(ANSWER_MAX).build()? };
        let up = wait::until("the simulated devices", wait::SOON, || plant.get("/devices")).await;
        plant.process.must_run()?;
        up?;
        Ok(plant)
    }

    /// Every write so far, in order.
    ///
    /// # Errors
    /// When the plant does not answer.
    pub async fn writes(&self) -> anyhow::Result<Vec<Write>> {
        let text = self.get("/writes").await?;
        serde_json::from_str(&text).with_context(|| format!("reading {text}"))
    }

    /// Every write since the plant began, in order, also those that it has forgotten, from the file that it keeps.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn recorded(&self) -> anyhow::Result<Vec<Write>> {
        let text = std::fs::read_to_string(&self.log)?;
        // The last line may be in the making.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(|line| serde_json::from_str(line).with_context(|| line.to_owned())).collect()
    }

    /// Every write to a cell of a device so far, in order.
    ///
    /// # Errors
    /// When the plant does not answer.
    pub async fn writes_to(&self, device: &str, table: &str, address: u16) -> anyhow::Result<Vec<Write>> {
        let all = self.writes().await?;
        Ok(all.into_iter().filter(|w| (w.device.as_str(), w.table.as_str(), w.address) == (device, table, address)).collect())
    }

    /// What stands in a device's cells.
    ///
    /// # Errors
    /// When the plant does not answer or has no such cells.
    pub async fn cells(&self, device: &str, table: &str, address: u16, count: u16) -> anyhow::Result<Vec<u16>> {
        let text = self.get(&format!("/devices/{device}/registers/{table}/{address}?count={count}")).await?;
        let answer: serde_json::Value = serde_json::from_str(&text)?;
        let values = answer.get("values").cloned().unwrap_or(answer);
        serde_json::from_value(values).with_context(|| format!("reading {text}"))
    }

    /// Switches a fault on: `no_answer`, `slow:MS`, `exception:CODE`, `garbage`, `disconnect` or `stuck`.
    ///
    /// # Errors
    /// When the plant does not answer or knows no such fault.
    pub async fn fault(&self, device: &str, fault: &str) -> anyhow::Result<()> {
        let answer =
            self.http.post(self.url(&format!("/devices/{device}/fault"))).json(&serde_json::json!({ "fault": fault })).send().await?;
        ensure!(answer.status().is_success(), "{}: {}", answer.status(), answer.text().await?);
        Ok(())
    }

    /// Switches a device's fault off.
    ///
    /// # Errors
    /// When the plant does not answer.
    pub async fn clear_fault(&self, device: &str) -> anyhow::Result<()> {
        let answer = self.http.delete(self.url(&format!("/devices/{device}/fault"))).send().await?;
        ensure!(answer.status().is_success(), "{}: {}", answer.status(), answer.text().await?);
        Ok(())
    }

    /// The process.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    async fn get(&self, path: &str) -> anyhow::Result<String> {
        let answer = self.http.get(self.url(path)).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "{path}: {status}: {text}");
        Ok(text)
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.control.address())
    }
}
