//! A node for tests that answers as it is told to, over real gRPC on loopback.

use labkeeper_proto::v1;
use labkeeper_proto::v1::command_service_server::{CommandService, CommandServiceServer};
use labkeeper_proto::v1::tag_service_server::{TagService, TagServiceServer};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use tokio_stream::Stream;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

type Answer<Q, A> = Box<dyn Fn(Q) -> Result<A, Status> + Send + Sync>;
type Watch = Vec<v1::WatchTagsResponse>;

#[derive(Default)]
struct Told {
    tags: Option<Answer<v1::GetTagsRequest, v1::GetTagsResponse>>,
    set: Option<Answer<v1::SetSetpointRequest, v1::SetSetpointResponse>>,
    /// One list of messages for each stream that is opened; then the stream breaks.
    watches: VecDeque<Watch>,
    /// Requests are taken and never answered.
    is_frozen: bool,
    requests: usize,
}

/// A running fake; it ends with the test's runtime.
#[derive(Clone)]
pub(super) struct Fake {
    told: Arc<Mutex<Told>>,
    address: SocketAddr,
}

impl Fake {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let fake = Self { told: Arc::default(), address: listener.local_addr().expect("an address") };
        let server = tonic::transport::Server::builder()
            .add_service(TagServiceServer::new(fake.clone()))
            .add_service(CommandServiceServer::new(fake.clone()))
            .serve_with_incoming(TcpListenerStream::new(listener));
        tokio::spawn(server);
        fake
    }

    pub(super) fn endpoint(&self) -> String {
        self.address.to_string()
    }

    pub(super) fn tags(&self, answer: impl Fn(v1::GetTagsRequest) -> Result<v1::GetTagsResponse, Status> + Send + Sync + 'static) {
        self.told.lock().tags = Some(Box::new(answer));
    }

    pub(super) fn set(&self, answer: impl Fn(v1::SetSetpointRequest) -> Result<v1::SetSetpointResponse, Status> + Send + Sync + 'static) {
        self.told.lock().set = Some(Box::new(answer));
    }

    pub(super) fn watch(&self, messages: Watch) {
        self.told.lock().watches.push_back(messages);
    }

    pub(super) fn freeze(&self) {
        self.told.lock().is_frozen = true;
    }

    /// How many requests have come.
    pub(super) fn requests(&self) -> usize {
        self.told.lock().requests
    }

    async fn arrive(&self) {
        let is_frozen = {
            let mut told = self.told.lock();
            told.requests += 1;
            told.is_frozen
        };
        if is_frozen {
            std::future::pending::<()>().await;
        }
    }
}

/// An endpoint where nobody listens.
pub(super) async fn nobody() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    listener.local_addr().expect("an address").to_string()
}

#[tonic::async_trait]
impl TagService for Fake {
    async fn get_tags(&self, request: Request<v1::GetTagsRequest>) -> Result<Response<v1::GetTagsResponse>, Status> {
        self.arrive().await;
        let told = self.told.lock();
        let answer = told.tags.as_ref().ok_or_else(|| Status::unimplemented("not told"))?;
        answer(request.into_inner()).map(Response::new)
    }

    type WatchTagsStream = Pin<Box<dyn Stream<Item = Result<v1::WatchTagsResponse, Status>> + Send>>;

    async fn watch_tags(&self, _: Request<v1::WatchTagsRequest>) -> Result<Response<Self::WatchTagsStream>, Status> {
        self.arrive().await;
        let messages = self.told.lock().watches.pop_front().ok_or_else(|| Status::unavailable("no stream is left"))?;
        let broken = std::iter::once(Err(Status::unavailable("the node died")));
        Ok(Response::new(Box::pin(tokio_stream::iter(messages.into_iter().map(Ok).chain(broken)))))
    }
}

#[tonic::async_trait]
impl CommandService for Fake {
    async fn set_setpoint(&self, request: Request<v1::SetSetpointRequest>) -> Result<Response<v1::SetSetpointResponse>, Status> {
        self.arrive().await;
        let told = self.told.lock();
        let answer = told.set.as_ref().ok_or_else(|| Status::unimplemented("not told"))?;
        answer(request.into_inner()).map(Response::new)
    }

    async fn run_action(&self, _: Request<v1::RunActionRequest>) -> Result<Response<v1::RunActionResponse>, Status> {
        Err(Status::unimplemented("not told"))
    }

    async fn cancel_command(&self, _: Request<v1::CancelCommandRequest>) -> Result<Response<v1::CancelCommandResponse>, Status> {
        Err(Status::unimplemented("not told"))
    }

    async fn steer_ramp(&self, _: Request<v1::SteerRampRequest>) -> Result<Response<v1::SteerRampResponse>, Status> {
        Err(Status::unimplemented("not told"))
    }

    async fn select_tag(&self, _: Request<v1::SelectTagRequest>) -> Result<Response<v1::SelectTagResponse>, Status> {
        Err(Status::unimplemented("not told"))
    }

    async fn deselect_tag(&self, _: Request<v1::DeselectTagRequest>) -> Result<Response<v1::DeselectTagResponse>, Status> {
        Err(Status::unimplemented("not told"))
    }

    async fn get_command(&self, _: Request<v1::GetCommandRequest>) -> Result<Response<v1::GetCommandResponse>, Status> {
        Err(Status::unimplemented("not told"))
    }

    async fn list_commands(&self, _: Request<v1::ListCommandsRequest>) -> Result<Response<v1::ListCommandsResponse>, Status> {
        Err(Status::unimplemented("not told"))
    }
}
