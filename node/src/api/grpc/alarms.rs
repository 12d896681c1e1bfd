//! The alarm service, each method a line to what is behind it.

use super::Services;
use crate::api::alarms::{self, Plain};
use labkeeper_proto::v1;
use labkeeper_proto::v1::alarm_service_server::AlarmService;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

/// Messages between a watcher's task and its connection: one waits while one is being sent, and what comes later is collected.
const WATCH_QUEUE: usize = 1;

type Answer = Result<Response<v1::AlarmDeedResponse>, Status>;

impl Services {
    async fn plain_deed(&self, what: Plain, request: Request<v1::AlarmDeedRequest>) -> Answer {
        Ok(Response::new(alarms::plain(&self.cluster, what, request.into_inner()).await?))
    }
}

#[tonic::async_trait]
impl AlarmService for Services {
    type WatchAlarmsStream = ReceiverStream<Result<v1::WatchAlarmsResponse, Status>>;

    async fn list_alarms(&self, request: Request<v1::ListAlarmsRequest>) -> Result<Response<v1::ListAlarmsResponse>, Status> {
        Ok(Response::new(alarms::list(&self.cluster, request.get_ref())?))
    }

    async fn watch_alarms(&self, request: Request<v1::WatchAlarmsRequest>) -> Result<Response<Self::WatchAlarmsStream>, Status> {
        let (out, stream) = mpsc::channel(WATCH_QUEUE);
        let watch = alarms::watch(self.cluster.clone(), request.get_ref().all, out);
        tokio::spawn(self.stop.clone().run_until_cancelled_owned(watch));
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn list_alarm_journal(
        &self,
        request: Request<v1::ListAlarmJournalRequest>,
    ) -> Result<Response<v1::ListAlarmJournalResponse>, Status> {
        Ok(Response::new(alarms::journal(&self.cluster, request.get_ref())))
    }

    async fn acknowledge_alarm(&self, request: Request<v1::AcknowledgeAlarmRequest>) -> Answer {
        Ok(Response::new(alarms::acknowledge(&self.cluster, request.into_inner()).await?))
    }

    async fn shelve_alarm(&self, request: Request<v1::ShelveAlarmRequest>) -> Answer {
        Ok(Response::new(alarms::shelve(&self.cluster, request.into_inner()).await?))
    }

    async fn unshelve_alarm(&self, request: Request<v1::AlarmDeedRequest>) -> Answer {
        self.plain_deed(Plain::Unshelve, request).await
    }

    async fn take_alarm_out_of_service(&self, request: Request<v1::AlarmDeedRequest>) -> Answer {
        self.plain_deed(Plain::OutOfService, request).await
    }

    async fn return_alarm_to_service(&self, request: Request<v1::AlarmDeedRequest>) -> Answer {
        self.plain_deed(Plain::ReturnToService, request).await
    }

    async fn reset_alarm(&self, request: Request<v1::AlarmDeedRequest>) -> Answer {
        self.plain_deed(Plain::Reset, request).await
    }

    async fn comment_alarm(&self, request: Request<v1::AlarmDeedRequest>) -> Answer {
        self.plain_deed(Plain::Comment, request).await
    }
}
