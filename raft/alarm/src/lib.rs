//! The life of one alarm, as ISA-18.2 means it: what an owner's word, a person's deed or the passing of time makes of it.
//!
//! ```text
//!   Alarm (facts) + Rules (declared) + now + Event --> step --> the alarm after it, and what the journal says
//!
//!   condition   Normal --> OnDelay --> Active --> OffDelay --> Normal        what the field is like
//!   ack         Acked <--> Unacked                                           whether somebody has seen this occurrence
//!   latched     stays when the condition ends, until a person resets it
//!   overrides   shelved, suppressed by design, out of service                why nobody is told
//! ```
//!
//! **Facts are stored, names are derived.** An alarm that is shelved while it is active and acknowledged is all three; one flat state
//! would forget the acknowledgement at the end of the shelf. [`Alarm::state`] derives the one name, and its letter from A to G, that is
//! shown. The three overrides are facts of their own for the same reason: one that ends leaves the others in force.
//!
//! **An occurrence is an event with a number.** It begins when the condition has lasted for its on-delay, and the number is the same on
//! every node. An owner that says again what is known changes nothing, so a takeover raises nothing twice.
//!
//! **Time is a deadline.** [`Alarm::due`] says when [`Event::Due`] must be told; told early, late or twice, it does what is due by then.
//!
//! Knows nothing of readings and limits, nodes, notifications or storage; whoever calls says what time it is.

mod alarm;
mod chatter;
mod event;
mod overrides;
mod rules;
mod state;
mod step;

pub use alarm::{Ack, Alarm, COMMENTS_MAX, Comment, Condition, Quality, Told};
pub use chatter::{CALM, CYCLES, Chatter, Episode, PERIOD};
pub use event::{By, Event, Outcome, Refusal, Row, Transition};
pub use labkeeper_model::AlarmWord as Word;
pub use overrides::{OutOfService, Overrides, SECOND_PERSON_WITHIN, Shelf};
pub use rules::Rules;
pub use state::State;
