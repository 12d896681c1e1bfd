//! The commands of a script. Each is an entry of its own; one that begins with `+` shares the entry of the one before it.
//!
//! ```text
//! found NAME                      admit NAME            update NUMBER NAME          remove NUMBER
//!     reach=cryo,hall (all)  instance=7 (made from the name)  grpc=..  http=..
//! site version=3 by=ann because=..   plan             with the declaration indented below
//! set id=7 TAG VALUE by=ann because=.. in=10s rev=2
//!     ramp=0.5
//! report NODE epoch=1 7=dispatched 7=failed at=-5s why=.. mark=41
//! lead TERM (the leader of the entries that follow)
//! expire (commands)          fire (timers)          wait 5s          restart (through a dump)          show WHAT
//! ... once=7 (whatever a person does, under an id)
//! ```
//! and those of `tenure`, `control`, `operate`, `alarms` and `notices`. Time stands still but for `wait`; it begins at 1000 s.

use super::words::Words;
use super::{alarms, control, declare, notices, operate, print, show, tenure};
use labkeeper_machine::{Command, CommandReport, Machine, NodeInfo, SetpointRequest, Stamp};
use labkeeper_model::{CommandId, CommandState, ErrorCode, TagPath, Timestamp, Value};

pub(crate) struct Player {
    machine: Machine,
    index: u64,
    time: Timestamp,
    term: u64,
}

impl Default for Player {
    fn default() -> Self {
        Self { machine: Machine::new(), index: 0, time: Timestamp::from_millis(1_000_000), term: 1 }
    }
}

impl Player {
    /// Plays one command and gives what it prints.
    pub(crate) fn play(&mut self, command: &str) -> Result<String, String> {
        let same_entry = command.strip_prefix("+ ");
        let words = Words::parse(same_entry.unwrap_or(command))?;
        match words.word(0)? {
            "show" => return show::show(&self.machine, &words),
            "plan" => return Ok(print::plan(&self.machine.plan_site(&declare::site(&words.below)?))),
            "wait" => {
                self.time = self.time.saturating_add(declare::duration(words.word(1)?)?);
                return Ok(String::new());
            }
            "lead" => {
                self.term = words.word(1)?.parse().map_err(|_| "no term")?;
                return Ok(String::new());
            }
            "restart" => {
                self.machine = Machine::restore(self.machine.dump());
                return Ok(format!("{} faults\n", self.machine.faults().count));
            }
            _ => {}
        }
        let mut command = self.command(&words)?;
        if let Some(id) = words.key("once") {
            command = Command::Once { id: self::id(id)?, deed: Box::new(command) };
        }
        self.index += u64::from(same_entry.is_none());
        let applied = self.machine.apply(Stamp { index: self.index, time: self.time, term: self.term }, command);
        let violations = self.machine.violations();
        assert!(violations.is_empty(), "{violations:?}");
        Ok(print::applied(&applied))
    }

    fn command(&self, words: &Words) -> Result<Command, String> {
        let text = |key: &str| words.key(key).unwrap_or("").to_owned();
        let number = |n: usize| words.word(n)?.parse::<u64>().map_err(|error| error.to_string());
        Ok(match words.word(0)? {
            "found" => Command::FoundSite { site_id: [1; 16], node: node(words, words.word(1)?)? },
            "admit" => Command::AdmitNode { node: node(words, words.word(1)?)? },
            "update" => Command::UpdateNode { id: number(1)?, node: node(words, words.word(2)?)? },
            "remove" => Command::RemoveNode { id: number(1)?, actor: text("by") },
            "site" => Command::ApplySite {
                site: declare::site(&words.below)?,
                expected_version: words.number("version")?,
                actor: text("by"),
                reason: text("because"),
            },
            "set" => Command::SubmitSetpoint(self.request(words)?),
            "report" => Command::ReportCommands { node: number(1)?, reports: self.reports(words)? },
            "expire" => Command::ExpireCommands,
            "fire" => Command::FireTimers,
            other => {
                let about_control = control::command(words, self.time)?;
                let about_commands = operate::command(words, self.time)?;
                let about_owners = || tenure::command(words, &self.machine, self.time);
                let about_alarms = || alarms::command(words, &self.machine, self.time);
                let command = about_control.or(about_commands).map_or_else(about_owners, |command| Ok(Some(command)))?;
                let command = command.map_or_else(about_alarms, |command| Ok(Some(command)))?;
                let command = command.map_or_else(|| notices::command(words), |command| Ok(Some(command)))?;
                return command.ok_or(format!("{other:?} is not a command"));
            }
        })
    }

    fn request(&self, words: &Words) -> Result<SetpointRequest, String> {
        Ok(SetpointRequest {
            id: id(words.key("id").ok_or("id=")?)?,
            tag: TagPath::parse(words.word(1)?).map_err(|error| error.to_string())?,
            value: value(words.word(2)?),
            expected_revision: words.number("rev")?,
            deadline: self.offset(words.key("in").unwrap_or("10s"))?,
            actor: words.key("by").unwrap_or("").to_owned(),
            reason: words.key("because").unwrap_or("").to_owned(),
            ramp_per_s: words.key("ramp").map(|rate| rate.parse().map_err(|_| "no rate")).transpose()?,
        })
    }

    fn reports(&self, words: &Words) -> Result<Vec<CommandReport>, String> {
        let epoch = words.number("epoch")?.ok_or("epoch=")?;
        let time = self.offset(words.key("at").unwrap_or("0s"))?;
        let about_commands = words.pairs.iter().filter(|(key, _)| key.parse::<u64>().is_ok());
        let report = |(key, state): &(String, String)| {
            let state = CommandState::ALL.into_iter().find(|s| s.as_str() == state).ok_or(format!("{state} is no state"))?;
            let error = words.key("why").map(|why| (ErrorCode::DeviceRefused, why.to_owned()));
            Ok(CommandReport { id: id(key)?, epoch, state, time, error, mark: words.key("mark").map(value) })
        };
        about_commands.map(report).collect()
    }

    fn offset(&self, text: &str) -> Result<Timestamp, String> {
        offset(self.time, text)
    }
}

/// The present time plus or (with a minus) less a duration.
pub(crate) fn offset(now: Timestamp, text: &str) -> Result<Timestamp, String> {
    match text.strip_prefix('-') {
        None => Ok(now.saturating_add(declare::duration(text)?)),
        Some(text) => Ok(Timestamp::from_millis(now.as_millis() - declare::duration(text)?.as_millis() as i64)),
    }
}

fn node(words: &Words, name: &str) -> Result<NodeInfo, String> {
    let mut instance = [0; 16];
    let seed = words.key("instance").unwrap_or(name);
    instance.iter_mut().zip(seed.bytes()).for_each(|(byte, letter)| *byte = letter);
    Ok(NodeInfo {
        name: declare::name(name)?,
        instance,
        grpc: words.key("grpc").map_or_else(|| format!("{name}:7600"), str::to_owned),
        http: words.key("http").map_or_else(|| format!("http://{name}:7680"), str::to_owned),
        reach: words.key("reach").unwrap_or("*").split(',').map(str::to_owned).collect(),
    })
}

pub(crate) fn id(text: &str) -> Result<CommandId, String> {
    let number: u128 = text.parse().map_err(|_| format!("{text} is no id"))?;
    Ok(CommandId(number.to_be_bytes()))
}

/// `true`, `12`, `12.5`, `nan`, `"a text"`.
pub(crate) fn value(text: &str) -> Value {
    if let Some(quoted) = text.strip_prefix('"') {
        return Value::Text(quoted.trim_end_matches('"').to_owned());
    }
    match (text.parse::<bool>(), text.parse::<i64>(), text.parse::<f64>()) {
        (Ok(flag), ..) => Value::Bool(flag),
        (_, Ok(integer), _) => Value::I64(integer),
        (.., Ok(real)) => Value::F64(real),
        _ => Value::Text(text.to_owned()),
    }
}
