//! `labkeeper control take --keep`: renewing control until interrupted.
//!
//! ```text
//! taken --renewed, again and again--> interrupted: given back, exit 0
//!    \__ refused: it was broken or taken, or nobody answered for too long: says how, exit 1
//! ```

use super::super::identity::new_id;
use super::json::ControlJson;
use super::{service, told};
use crate::cli::client::{Client, Repeat};
use crate::cli::error::CliError;
use crate::cli::output::{Output, note};
use labkeeper_proto::v1;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tonic::Response;

/// Renewals in the time that control lasts: two may be lost, with a failover between.
const RENEWALS_PER_HOLD: u32 = 3;

/// Renews control that was taken, tells when somebody asks for it, and gives it back when interrupted.
///
/// # Errors
/// It was lost, or could not be renewed for as long as it lasts.
pub(super) async fn keep(client: &Client, output: Output, taken: &v1::TakeControlRequest, hold: Duration) -> Result<(), CliError> {
    let mut asked = None;
    let mut interrupted = std::pin::pin!(crate::start::told_to_stop());
    loop {
        tokio::select! {
            biased;
            () = &mut interrupted => return give(client, output, taken).await,
            () = sleep(hold / RENEWALS_PER_HOLD) => {}
        }
        let held = renew(client, taken, Instant::now() + hold).await?.held;
        let own = held.into_iter().find(|control| control.scope == taken.scope).map(ControlJson::from);
        if let Some(own) = own.filter(|own| own.asked != asked) {
            note(own.in_words());
            asked = own.asked;
        }
    }
}

async fn renew(client: &Client, taken: &v1::TakeControlRequest, until: Instant) -> Result<v1::ControlResponse, CliError> {
    let request = v1::RenewControlRequest { scope: taken.scope.clone(), actor: taken.actor.clone(), client: taken.client.clone() };
    let call = async |channel, _| service(channel).renew_control(request.clone()).await.map(Response::into_inner);
    Ok(client.call_until(until, Repeat::Harmless, call).await?)
}

async fn give(client: &Client, output: Output, taken: &v1::TakeControlRequest) -> Result<(), CliError> {
    let request = v1::ControlDeedRequest { scope: taken.scope.clone(), actor: taken.actor.clone(), reason: String::new(), id: new_id() };
    let call = async |channel, _| service(channel).give_control(request.clone()).await.map(Response::into_inner);
    let held = client.call(Repeat::Harmless, call).await?.held;
    told(output, held, &format!("control of {} is given back", taken.scope))
}
