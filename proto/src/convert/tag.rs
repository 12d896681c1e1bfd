//! The declaration of one tag. An enum that is not given has the default that a site file has for it.

use super::site::{millis, name_opt, text_or_none};
use super::{ConvertError, name, unknown_number, value_opt};
use crate::v1;
use labkeeper_model::site::{Access, ActionSpec, AlarmSpec, Limits, Register, TagSpec, Takeover, ValueType, Verify, WordOrder};
use std::time::Duration;

impl From<&TagSpec> for v1::Tag {
    fn from(tag: &TagSpec) -> Self {
        Self {
            description: tag.description.clone(),
            register: tag.register.to_string(),
            r#type: tag.value_type.to_string(),
            word_order: v1::WordOrder::from(tag.word_order).into(),
            access: v1::Access::from(tag.access).into(),
            unit: tag.unit.clone(),
            scale: tag.scale,
            offset: tag.offset,
            deadband: tag.deadband,
            limits: tag.limits.map(Into::into),
            verify: tag.verify.as_ref().map(Into::into),
            takeover: v1::Takeover::from(tag.takeover).into(),
            safe: tag.safe.as_ref().map(Into::into),
            dangerous: tag.dangerous,
            alarms: tag.alarms.iter().map(Into::into).collect(),
            action: tag.action.as_ref().map(|action| v1::Action { probe: text_or_none(action.probe.as_ref()) }),
            select_ms: tag.select.map(millis),
            ramp_per_s: tag.ramp_per_s,
        }
    }
}

impl TryFrom<v1::Tag> for TagSpec {
    type Error = ConvertError;
    fn try_from(tag: v1::Tag) -> Result<Self, ConvertError> {
        let register = Register::parse(&tag.register).ok_or_else(|| ConvertError::new("register", not_a(&tag.register, "register")))?;
        let value_type = ValueType::parse(&tag.r#type).ok_or_else(|| ConvertError::new("type", not_a(&tag.r#type, "type")))?;
        let alarms = tag.alarms.into_iter().enumerate();
        Ok(Self {
            description: tag.description,
            register,
            value_type,
            word_order: v1::WordOrder::try_from(tag.word_order).map_err(|_| unknown_number("word_order", tag.word_order))?.into(),
            access: v1::Access::try_from(tag.access).map_err(|_| unknown_number("access", tag.access))?.into(),
            unit: tag.unit,
            scale: tag.scale,
            offset: tag.offset,
            deadband: tag.deadband,
            limits: tag.limits.map(Into::into),
            verify: tag.verify.map(|v| Verify::try_from(v).map_err(|e| e.within("verify"))).transpose()?,
            takeover: v1::Takeover::try_from(tag.takeover).map_err(|_| unknown_number("takeover", tag.takeover))?.into(),
            safe: value_opt(tag.safe).map_err(|e| e.within("safe"))?,
            dangerous: tag.dangerous,
            alarms: alarms.map(|(i, a)| AlarmSpec::try_from(a).map_err(|e| e.within(&format!("alarms.{i}")))).collect::<Result<_, _>>()?,
            action: tag
                .action
                .map(|action| Ok::<_, ConvertError>(ActionSpec { probe: name_opt("action.probe", &action.probe)? }))
                .transpose()?,
            select: tag.select_ms.map(Duration::from_millis),
            ramp_per_s: tag.ramp_per_s,
        })
    }
}

fn not_a(text: &str, kind: &str) -> String {
    format!("{text:?} is not a {kind}")
}

impl From<Access> for v1::Access {
    fn from(access: Access) -> Self {
        match access {
            Access::Read => Self::Read,
            Access::ReadWrite => Self::ReadWrite,
            Access::Write => Self::Write,
        }
    }
}

impl From<v1::Access> for Access {
    fn from(access: v1::Access) -> Self {
        match access {
            v1::Access::Unspecified => Self::default(),
            v1::Access::Read => Self::Read,
            v1::Access::ReadWrite => Self::ReadWrite,
            v1::Access::Write => Self::Write,
        }
    }
}

impl From<WordOrder> for v1::WordOrder {
    fn from(order: WordOrder) -> Self {
        match order {
            WordOrder::Big => Self::Big,
            WordOrder::Little => Self::Little,
        }
    }
}

impl From<v1::WordOrder> for WordOrder {
    fn from(order: v1::WordOrder) -> Self {
        match order {
            v1::WordOrder::Unspecified => Self::default(),
            v1::WordOrder::Big => Self::Big,
            v1::WordOrder::Little => Self::Little,
        }
    }
}

impl From<Takeover> for v1::Takeover {
    fn from(takeover: Takeover) -> Self {
        match takeover {
            Takeover::Adopt => Self::Adopt,
            Takeover::Reassert => Self::Reassert,
            Takeover::Safe => Self::Safe,
            Takeover::Hold => Self::Hold,
        }
    }
}

impl From<v1::Takeover> for Takeover {
    fn from(takeover: v1::Takeover) -> Self {
        match takeover {
            v1::Takeover::Unspecified => Self::default(),
            v1::Takeover::Adopt => Self::Adopt,
            v1::Takeover::Reassert => Self::Reassert,
            v1::Takeover::Safe => Self::Safe,
            v1::Takeover::Hold => Self::Hold,
        }
    }
}

impl From<Limits> for v1::Limits {
    fn from(limits: Limits) -> Self {
        Self { min: limits.min, max: limits.max }
    }
}

impl From<v1::Limits> for Limits {
    fn from(limits: v1::Limits) -> Self {
        Self { min: limits.min, max: limits.max }
    }
}

impl From<&Verify> for v1::Verify {
    fn from(verify: &Verify) -> Self {
        Self { readback: verify.readback.to_string(), tolerance: verify.tolerance, timeout_ms: millis(verify.timeout) }
    }
}

impl TryFrom<v1::Verify> for Verify {
    type Error = ConvertError;
    fn try_from(verify: v1::Verify) -> Result<Self, ConvertError> {
        let readback = name("readback", &verify.readback)?;
        Ok(Self { readback, tolerance: verify.tolerance, timeout: Duration::from_millis(verify.timeout_ms) })
    }
}
