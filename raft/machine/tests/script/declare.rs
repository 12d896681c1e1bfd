//! A site's declaration in a script:
//!
//! ```text
//! failback off
//! segment cryo home=cryo-a
//! device chiller-1 cryo poll=100ms fence=single_connection exclusive=true
//! group cryostat chiller-1 magnet
//! interlock door protect tags=cryo/chiller-1/setpoint,cryo/chiller-1/pump require="hall/door/open == false"
//! tag chiller-1/setpoint f32 rw unit=degC limits=5..40 takeover=hold dangerous=true
//! class vital latching=true managed=true comment=true max=8h
//! alarm chiller-1/temperature/high hi=30 on=5s off=5s re=60s priority=high class=vital
//! route oncall min=high segments=cryo,hall hours=1080-360
//! ```
//! Tags get registers of their own, four apart, in the order in which they are written.

use super::words::Words;
use super::{alarms, notices};
use labkeeper_model::site::{
    Access, ActionSpec, DeviceSpec, DriverKind, Fencing, InterlockSpec, Limits, OnLeaseLoss, Register, SegmentSpec, SiteSpec, Stage, Table,
    TagSpec, Takeover, ValueType, Verify, WordOrder,
};
use labkeeper_model::{Name, TagPath, Value};
use std::collections::BTreeMap;
use std::time::Duration;

pub(crate) fn site(lines: &[String]) -> Result<SiteSpec, String> {
    let mut site = SiteSpec { name: "lab".into(), ..SiteSpec::default() };
    for (n, line) in lines.iter().enumerate() {
        let words = Words::parse(line)?;
        match words.word(0)? {
            "failback" => site.failback = Some(words.word(1)?).filter(|text| *text != "off").map(duration).transpose()?,
            "segment" => {
                let home = words.key("home").map(name).transpose()?;
                site.segments.insert(name(words.word(1)?)?, SegmentSpec { description: String::new(), home });
            }
            "group" => {
                let members = words.plain[2..].iter().map(|device| name(device)).collect::<Result<_, _>>()?;
                site.groups.insert(name(words.word(1)?)?, members);
            }
            "interlock" => drop(site.interlocks.insert(name(words.word(1)?)?, interlock(&words)?)),
            "device" => drop(site.devices.insert(name(words.word(1)?)?, device(&words)?)),
            "tag" => {
                let (device, tag) = words.word(1)?.split_once('/').ok_or("a tag is written device/tag")?;
                let address = u16::try_from(n * 4).map_err(|error| error.to_string())?;
                let device = site.devices.get_mut(device).ok_or("declare the device first")?;
                device.tags.insert(name(tag)?, tag_spec(&words, address)?);
            }
            "class" => drop(site.classes.insert(name(words.word(1)?)?, alarms::class(&words)?)),
            "route" => drop(site.routes.insert(name(words.word(1)?)?, notices::route(&words)?)),
            "alarm" => alarms::declared(&words, &mut site)?,
            other => return Err(format!("{other:?} is not a declaration")),
        }
    }
    Ok(site)
}

pub(crate) fn name(text: &str) -> Result<Name, String> {
    Name::new(text).map_err(|error| error.to_string())
}

fn device(words: &Words) -> Result<DeviceSpec, String> {
    Ok(DeviceSpec {
        segment: name(words.word(2)?)?,
        description: String::new(),
        driver: DriverKind::ModbusTcp,
        address: words.key("address").map_or_else(|| format!("{}.lab:502", words.word(1).unwrap_or("device")), Into::into),
        unit_id: 1,
        poll: words.key("poll").map_or(Ok(DeviceSpec::POLL_DEFAULT), duration)?,
        timeout: DeviceSpec::TIMEOUT_DEFAULT,
        fencing: words.key("fence").map_or(Some(Fencing::LeaseOnly), Fencing::parse).ok_or("no such fence")?,
        watchdog: None,
        on_lease_loss: OnLeaseLoss::Hold,
        simulate: None,
        tags: BTreeMap::new(),
        exclusive: words.key("exclusive") == Some("true"),
        ..DeviceSpec::default()
    })
}

fn interlock(words: &Words) -> Result<InterlockSpec, String> {
    let stage = Stage::ALL.into_iter().find(|(_, word)| words.word(2) == Ok(word)).ok_or("no such stage")?.0;
    let tags =
        words.key("tags").unwrap_or("").split(',').map(TagPath::parse).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    let require = words.key("require").unwrap_or("true").to_owned();
    Ok(InterlockSpec { stage, tags, require, max_age: InterlockSpec::MAX_AGE_DEFAULT, ..InterlockSpec::default() })
}

fn tag_spec(words: &Words, address: u16) -> Result<TagSpec, String> {
    let value_type = ValueType::parse(words.word(2)?).ok_or("no such type")?;
    let access = match words.word(3)? {
        "r" => Access::Read,
        "rw" => Access::ReadWrite,
        "w" => Access::Write,
        other => return Err(format!("{other:?} is no access")),
    };
    let number = |text: &str| text.parse::<f64>().map_err(|_| format!("{text} is no number"));
    let limits = words.key("limits").map(|text| text.split_once("..").ok_or("limits are written 5..40")).transpose()?;
    let verify = |readback: Name| Verify { readback, tolerance: 0.05, timeout: Duration::from_secs(2) };
    Ok(TagSpec {
        description: String::new(),
        register: Register { table: if value_type == ValueType::Bool { Table::Coil } else { Table::Holding }, address },
        value_type,
        word_order: WordOrder::Big,
        access,
        unit: words.key("unit").unwrap_or("").into(),
        scale: words.key("scale").map_or(Ok(1.0), number)?,
        offset: 0.0,
        deadband: 0.0,
        limits: limits.map(|(min, max)| Ok::<_, String>(Limits { min: number(min)?, max: number(max)? })).transpose()?,
        verify: words.key("verify").map(name).transpose()?.map(verify),
        takeover: takeover(words.key("takeover").unwrap_or("adopt"))?,
        safe: words.key("safe").map(number).transpose()?.map(Value::F64),
        dangerous: words.key("dangerous") == Some("true"),
        alarms: vec![],
        action: (words.key("action") == Some("true")).then(ActionSpec::default),
        select: words.key("select").map(duration).transpose()?,
        ramp_per_s: words.key("ramp").map(number).transpose()?,
    })
}

fn takeover(text: &str) -> Result<Takeover, String> {
    match text {
        "adopt" => Ok(Takeover::Adopt),
        "reassert" => Ok(Takeover::Reassert),
        "safe" => Ok(Takeover::Safe),
        "hold" => Ok(Takeover::Hold),
        other => Err(format!("{other:?} is no policy")),
    }
}

/// `100ms`, `5s`, `24h`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().map_err(|_| format!("{text} is no duration"))?;
    let millis = match &text[digits..] {
        "ms" => 1,
        "s" => 1_000,
        "h" => 3_600_000,
        unit => return Err(format!("{unit:?} is no unit of time")),
    };
    Ok(Duration::from_millis(number * millis))
}
