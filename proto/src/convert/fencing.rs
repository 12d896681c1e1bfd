//! What keeps late writes away from a device, and what its owner does without a lease.
//!
//! What a site file leaves out is left out here too, so that a declaration that uses neither has the bytes that it had before there
//! was either: a byte-wise comparison of two nodes' snapshots must not depend on who wrote them.

use super::ConvertError;
use crate::v1;
use labkeeper_model::site::{Fencing, OnLeaseLoss, Register};
use v1::fencing::Mechanism;

pub(super) fn to_wire(fencing: &Fencing) -> Option<v1::Fencing> {
    let mechanism = match fencing {
        Fencing::LeaseOnly => return None,
        Fencing::SingleConnection | Fencing::DeviceLock => Mechanism::Word(fencing.as_str().to_owned()),
        Fencing::DeviceToken { register } => Mechanism::Register(register.to_string()),
        Fencing::Gate { address } => Mechanism::Gate(address.clone()),
    };
    Some(v1::Fencing { mechanism: Some(mechanism) })
}

pub(super) fn from_wire(fencing: Option<v1::Fencing>) -> Result<Fencing, ConvertError> {
    match fencing.and_then(|fencing| fencing.mechanism) {
        None => Ok(Fencing::default()),
        Some(Mechanism::Word(word)) => {
            Fencing::parse(&word).ok_or_else(|| ConvertError::new("word", format!("this version has no fencing {word:?}")))
        }
        Some(Mechanism::Register(text)) => Register::parse(&text)
            .map(|register| Fencing::DeviceToken { register })
            .ok_or_else(|| ConvertError::new("register", format!("{text:?} is not a register"))),
        Some(Mechanism::Gate(address)) => Ok(Fencing::Gate { address }),
    }
}

/// `Hold` is the default, and left out.
pub(super) fn loss_to_wire(on_lease_loss: OnLeaseLoss) -> v1::OnLeaseLoss {
    match on_lease_loss {
        OnLeaseLoss::Hold => v1::OnLeaseLoss::Unspecified,
        OnLeaseLoss::Safe => v1::OnLeaseLoss::Safe,
        OnLeaseLoss::StopPolling => v1::OnLeaseLoss::StopPolling,
    }
}

impl From<v1::OnLeaseLoss> for OnLeaseLoss {
    fn from(on_lease_loss: v1::OnLeaseLoss) -> Self {
        match on_lease_loss {
            v1::OnLeaseLoss::Unspecified | v1::OnLeaseLoss::Hold => Self::Hold,
            v1::OnLeaseLoss::Safe => Self::Safe,
            v1::OnLeaseLoss::StopPolling => Self::StopPolling,
        }
    }
}
