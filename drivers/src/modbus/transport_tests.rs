//! The outlet against a socket that does what a test says.

use super::*;
use crate::clock::SystemClock;
use futures::FutureExt;
use futures::task::noop_waker;
use std::borrow::Cow;
use std::collections::VecDeque;
use tokio_modbus::Request;
use tokio_modbus::client::{Client, tcp};

/// What the socket does with the next bytes.
#[derive(Debug)]
enum Take {
    All,
    Part(usize),
    WouldBlock,
    Broken,
}

#[derive(Debug, Default)]
struct Script {
    writable: bool,
    takes: VecDeque<Take>,
    sent: Vec<u8>,
    log: Vec<&'static str>,
}

/// Takes everything unless told otherwise, and never has anything to read.
#[derive(Clone, Debug, Default)]
struct Fake(Arc<Mutex<Script>>);

impl Fake {
    fn writable(takes: impl IntoIterator<Item = Take>) -> Self {
        let script = Script { writable: true, takes: takes.into_iter().collect(), ..Script::default() };
        Self(Arc::new(Mutex::new(script)))
    }

    fn sent(&self) -> usize {
        self.0.lock().sent.len()
    }
}

impl Socket for Fake {
    fn poll_writable(&self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut script = self.0.lock();
        script.log.push("writable?");
        if script.writable { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut script = self.0.lock();
        script.log.push("send");
        match script.takes.pop_front().unwrap_or(Take::All) {
            Take::All => script.sent.extend(bytes),
            Take::Part(count) => {
                script.sent.extend(&bytes[..count]);
                return Ok(count);
            }
            Take::WouldBlock => {
                script.writable = false;
                return Err(io::ErrorKind::WouldBlock.into());
            }
            Take::Broken => return Err(io::ErrorKind::BrokenPipe.into()),
        }
        Ok(bytes.len())
    }
}

impl AsyncRead for Fake {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Fake {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.lock().log.push("plain");
        Poll::Ready(self.try_send(bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A write whose guard says yes as long as `allowed`, and notes when it is asked.
fn guarded(fake: &Fake, allowed: &Arc<Mutex<bool>>) -> Arc<Departure> {
    let (log, allowed) = (fake.clone(), Arc::clone(allowed));
    let guard = move || {
        log.0.lock().log.push("guard");
        if *allowed.lock() { Ok(()) } else { Err("no".to_owned()) }
    };
    Arc::new(Departure::new(Box::new(guard), Arc::new(SystemClock)))
}

fn yes() -> Arc<Mutex<bool>> {
    Arc::new(Mutex::new(true))
}

fn transport(fake: &Fake, departure: &Arc<Departure>) -> Transport<Fake> {
    let outlet = Outlet::default();
    outlet.put(Some(Arc::clone(departure)));
    Transport::new(fake.clone(), outlet)
}

fn poll_write(transport: &mut Transport<Fake>, frame: &[u8]) -> Poll<io::Result<usize>> {
    Pin::new(transport).poll_write(&mut Context::from_waker(&noop_waker()), frame)
}

#[test]
fn the_guard_is_asked_between_the_socket_being_ready_and_the_frame() {
    let fake = Fake::writable([]);
    let write = guarded(&fake, &yes());
    assert!(matches!(poll_write(&mut transport(&fake, &write), b"frame"), Poll::Ready(Ok(5))));
    assert_eq!(fake.0.lock().log, ["writable?", "guard", "send"]);
    assert!(write.has_left());
}

#[test]
fn what_changes_while_the_socket_is_full_is_seen() {
    let (fake, allowed) = (Fake::default(), yes());
    let write = guarded(&fake, &allowed);
    let mut transport = transport(&fake, &write);
    assert!(poll_write(&mut transport, b"frame").is_pending());
    *allowed.lock() = false;
    fake.0.lock().writable = true;
    assert!(matches!(poll_write(&mut transport, b"frame"), Poll::Ready(Ok(5))), "taken, so that the crate forgets it");
    assert_eq!((fake.sent(), write.refusal(), write.has_left()), (0, Some("no"), false));
}

#[test]
fn it_is_asked_again_if_the_socket_did_not_take_the_frame() {
    let (fake, allowed) = (Fake::writable([Take::WouldBlock]), yes());
    let write = guarded(&fake, &allowed);
    let mut transport = transport(&fake, &write);
    assert!(poll_write(&mut transport, b"frame").is_pending());
    assert!(!write.has_left());
    *allowed.lock() = false;
    fake.0.lock().writable = true;
    assert!(poll_write(&mut transport, b"frame").is_ready());
    assert_eq!(fake.0.lock().log, ["writable?", "guard", "send", "writable?", "writable?", "guard"]);
    assert_eq!((fake.sent(), write.refusal()), (0, Some("no")));
}

#[test]
fn a_part_of_a_frame_may_have_reached_the_device_and_ends_the_connection() {
    let fake = Fake::writable([Take::Part(3)]);
    let write = guarded(&fake, &yes());
    assert!(matches!(poll_write(&mut transport(&fake, &write), b"frame"), Poll::Ready(Err(_))));
    assert!(write.has_left());
}

#[test]
fn a_broken_socket_took_nothing() {
    let fake = Fake::writable([Take::Broken]);
    let write = guarded(&fake, &yes());
    assert!(matches!(poll_write(&mut transport(&fake, &write), b"frame"), Poll::Ready(Err(_))));
    assert!(!write.has_left());
}

#[test]
fn the_crate_hands_over_its_longest_frame_in_one_piece() {
    let fake = Fake::writable([]);
    let write = guarded(&fake, &yes());
    let mut context = tcp::attach(transport(&fake, &write));
    let request = Request::WriteMultipleRegisters(0, Cow::Owned(vec![7; 123]));
    assert!(context.call(request).now_or_never().is_none(), "it waits for the answer");
    assert_eq!(fake.0.lock().log, ["writable?", "guard", "send"]);
    assert_eq!(fake.sent(), 7 + 6 + 2 * 123);
}

#[test]
fn a_refused_frame_is_not_sent_with_the_next_request_either() {
    let fake = Fake::writable([]);
    let write = guarded(&fake, &Arc::new(Mutex::new(false)));
    let outlet = Outlet::default();
    let mut context = tcp::attach(Transport::new(fake.clone(), outlet.clone()));
    outlet.put(Some(write));
    assert!(context.call(Request::WriteSingleRegister(0, 7)).now_or_never().is_none());
    outlet.put(None);
    assert!(context.call(Request::ReadHoldingRegisters(0, 1)).now_or_never().is_none());
    let script = fake.0.lock();
    assert_eq!(script.log, ["writable?", "guard", "plain", "send"]);
    assert_eq!((script.sent.len(), script.sent[7]), (12, 3), "only the reading went out");
}
