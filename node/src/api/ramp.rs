//! A ramp in the words of `proto/`.

use crate::clock;
use labkeeper_machine::{Ramp, RampState};
use labkeeper_model::Timestamp;
use labkeeper_proto::v1;

/// A ramp for the wire.
#[must_use]
pub fn to_wire(ramp: &Ramp) -> v1::Ramp {
    v1::Ramp {
        state: match ramp.state {
            RampState::Ramping => v1::RampState::Ramping,
            RampState::Held => v1::RampState::Held,
            RampState::Stopping => v1::RampState::Stopping,
            RampState::Stopped => v1::RampState::Stopped,
            RampState::Done => v1::RampState::Done,
        }
        .into(),
        target: Some((&ramp.target).into()),
        rate_per_s: ramp.rate_per_s,
        start: ramp.start.as_ref().map(|(value, _)| value.into()),
        at: ramp.at.as_ref().map(Into::into),
        time_to_target_s: time_to_target_s(ramp, clock::now()),
        since_unix_ms: ramp.since.as_millis(),
        by: ramp.by.clone(),
    }
}

/// To the whole second: nobody plans by less, and whoever watches is told of a change once a second at most.
fn time_to_target_s(ramp: &Ramp, now: Timestamp) -> Option<f64> {
    ramp.arrival().map(|arrival| arrival.saturating_since(now).as_secs_f64().ceil())
}

#[cfg(test)]
mod tests {
    use super::*;
    use labkeeper_model::{CommandId, Value};

    #[test]
    fn the_time_to_the_target_runs_from_the_owners_last_word_and_stands_still_with_the_ramp() {
        let start = Timestamp::from_millis(10_000);
        let ramping = Ramp {
            command: CommandId([1; 16]),
            revision: 1,
            target: Value::F64(22.0),
            rate_per_s: 0.5,
            start: Some((Value::F64(20.0), start)),
            at: None,
            state: RampState::Ramping,
            since: start,
            by: String::new(),
            reason: String::new(),
        };
        let at = |ms| time_to_target_s(&ramping, Timestamp::from_millis(ms));
        assert_eq!([at(10_000), at(11_500), at(14_000), at(60_000)], [Some(4.0), Some(3.0), Some(0.0), Some(0.0)]);
        let others = [RampState::Held, RampState::Stopping, RampState::Stopped, RampState::Done];
        for state in others {
            assert_eq!(time_to_target_s(&Ramp { state, ..ramping.clone() }, start), None, "{state:?}");
        }
        let unstarted = Ramp { start: None, ..ramping };
        assert_eq!(time_to_target_s(&unstarted, start), None, "nobody has begun");
    }
}
