//! The Modbus TCP driver: one connection of `tokio-modbus`, one request at a time.
//!
//! What the crate leaves to its caller, and what is done about it here:
//! - After a request that was given up, its late answer would be taken for the next one's. The connection is dropped after
//!   every time-out, transport error and protocol error; only a proper answer, an exception included, keeps it.
//! - Its typed calls (`read_coils`, ...) assert in debug builds that a device answers with as many cells as were asked
//!   for, so a wrong device could panic us. The untyped call is used and the answer is checked here.
//! - It waits for as many bytes as a header says, and sends whenever it likes. [`Transport`] ends the connection at a header that cannot
//!   be one, and holds a write back until it may leave.
//! - It reports a closed connection with whatever error the thread saw last. [`lost`] gives it its proper name.
//!
//! It knows nothing of tags, schedules and values.

use super::Exception;
use super::transport::{Outlet, Transport};
use crate::cells::Cells;
use crate::departure::Departure;
use crate::driver::{Driver, DriverError, Obstacle, Target, WriteError};
use crate::link::Link;
use crate::plan::Span;
use labkeeper_model::site::{Register, Table};
use std::borrow::Cow;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use tokio::time::timeout;
use tokio_modbus::client::{Client, Context, tcp};
use tokio_modbus::slave::{Slave, SlaveContext};
use tokio_modbus::{Request, Response};

/// A connection to one address.
pub struct ModbusTcp {
    link: Link,
    connection: Option<Connection>,
}

struct Connection {
    context: Context,
    outlet: Outlet,
}

impl ModbusTcp {
    /// A driver that talks over such a link. It connects when it is told to.
    #[must_use]
    pub const fn new(link: Link) -> Self {
        Self { link, connection: None }
    }

    /// Does one request; `departure` is of a write. The connection survives only if there was a proper answer, or nothing was sent
    /// because the guard said no: then the answer is `None`.
    async fn call(
        &mut self,
        target: Target,
        request: Request<'_>,
        departure: Option<&Arc<Departure>>,
        what: &str,
    ) -> Result<Option<Response>, DriverError> {
        let peer = self.link.peer();
        let Some(mut connection) = self.connection.take() else {
            return Err(DriverError::unreachable(format!("{what}: not connected to {peer}")));
        };
        connection.context.set_slave(Slave(target.unit_id));
        connection.outlet.put(departure.cloned());
        let called = {
            let mut call = pin!(connection.context.call(request));
            let answer = poll_fn(|cx| {
                let polled = call.as_mut().poll(cx);
                // The crate takes the frame for sent, and would wait for an answer that cannot come.
                if departure.is_some_and(|write| write.refusal().is_some()) { Poll::Ready(None) } else { polled.map(Some) }
            });
            timeout(target.timeout, answer).await
        };
        let answer = match called {
            Err(_) => return Err(DriverError::timeout(format!("{what}: no answer from {peer} within {:?}", target.timeout))),
            Ok(Some(Err(error))) => return Err(failed(what, peer, &error)),
            Ok(Some(Ok(answer))) => Some(answer),
            Ok(None) => None,
        };
        connection.outlet.put(None);
        self.connection = Some(connection);
        answer.transpose().map_err(|code| Exception::from_code(code.into()).into_error(what))
    }

    /// Ends the connection because of what came on it.
    fn distrust(&mut self, what: &str) -> DriverError {
        self.connection = None;
        DriverError::protocol(format!("{what}: the answer from {} is not the one that was asked for", self.link.peer()))
    }
}

impl Driver for ModbusTcp {
    async fn connect(&mut self) -> Result<(), DriverError> {
        self.close();
        let stream = self.link.open().await?;
        let outlet = Outlet::default();
        self.connection = Some(Connection { context: tcp::attach(Transport::new(stream, outlet.clone())), outlet });
        Ok(())
    }

    fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    async fn read(&mut self, target: Target, span: Span) -> Result<Cells, DriverError> {
        let (address, count) = (span.first.address, span.count);
        let what = format!("read {} of unit {}, {count} from there", span.first, target.unit_id);
        let request = match span.first.table {
            Table::Coil => Request::ReadCoils(address, count),
            Table::Discrete => Request::ReadDiscreteInputs(address, count),
            Table::Input => Request::ReadInputRegisters(address, count),
            Table::Holding => Request::ReadHoldingRegisters(address, count),
        };
        let response = self.call(target, request, None, &what).await?;
        let count = usize::from(count);
        match (span.first.table, response) {
            // Bits come in whole bytes; those beyond the ones that were asked for mean nothing.
            (Table::Coil, Some(Response::ReadCoils(mut bits))) | (Table::Discrete, Some(Response::ReadDiscreteInputs(mut bits)))
                if bits.len() == count.next_multiple_of(8) =>
            {
                bits.truncate(count);
                Ok(Cells::Bits(bits))
            }
            (Table::Input, Some(Response::ReadInputRegisters(words))) | (Table::Holding, Some(Response::ReadHoldingRegisters(words)))
                if words.len() == count =>
            {
                Ok(Cells::Words(words))
            }
            _ => Err(self.distrust(&what)),
        }
    }

    async fn write(&mut self, target: Target, first: Register, cells: Cells, departure: &Arc<Departure>) -> Result<(), WriteError> {
        let what = format!("write {first} of unit {}", target.unit_id);
        let Some((request, echo)) = write_request(first, cells) else {
            let error = DriverError::permanent(format!("{what}: the value does not fit the table"));
            return Err(WriteError::NotSent(Obstacle::Driver(error)));
        };
        let error = match self.call(target, request, Some(departure), &what).await {
            Ok(Some(response)) if response == echo => return Ok(()),
            Ok(Some(_)) => self.distrust(&what),
            Ok(None) => return Err(WriteError::NotSent(Obstacle::Guard(departure.refusal().unwrap_or_default().to_owned()))),
            Err(error) => error,
        };
        Err(if departure.has_left() { WriteError::after_sending(error) } else { WriteError::NotSent(Obstacle::Driver(error)) })
    }

    fn close(&mut self) {
        self.connection = None;
    }
}

/// The request that writes these cells, and the answer that confirms it: functions 5 and 6 for one cell, which every
/// device has, 15 and 16 for several, which take effect together.
fn write_request(first: Register, cells: Cells) -> Option<(Request<'static>, Response)> {
    let address = first.address;
    let count = u16::try_from(cells.len()).ok()?;
    Some(match (first.table, cells) {
        (Table::Coil, Cells::Bits(bits)) => match bits[..] {
            [] => return None,
            [bit] => (Request::WriteSingleCoil(address, bit), Response::WriteSingleCoil(address, bit)),
            _ => (Request::WriteMultipleCoils(address, Cow::Owned(bits)), Response::WriteMultipleCoils(address, count)),
        },
        (Table::Holding, Cells::Words(words)) => match words[..] {
            [] => return None,
            [word] => (Request::WriteSingleRegister(address, word), Response::WriteSingleRegister(address, word)),
            _ => (Request::WriteMultipleRegisters(address, Cow::Owned(words)), Response::WriteMultipleRegisters(address, count)),
        },
        _ => return None,
    })
}

/// Why a request came to no answer.
fn failed(what: &str, address: &str, error: &tokio_modbus::Error) -> DriverError {
    match error {
        tokio_modbus::Error::Protocol(error) => DriverError::protocol(format!("{what}: {address} answered nonsense: {error}")),
        // The decoder's kinds: a bad value, a size that is not allowed, a frame that ends in the middle of a field. The
        // operating system's errors can have the same kinds, but they have a number.
        tokio_modbus::Error::Transport(error) => match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof if error.raw_os_error().is_none() => {
                DriverError::protocol(format!("{what}: {address} answered nonsense: {error}"))
            }
            _ => lost(what, address, error),
        },
    }
}

/// The connection ended. The crate reports an orderly end with the last error of the thread, which may be any or none.
fn lost(what: &str, address: &str, error: &io::Error) -> DriverError {
    let reset = matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted);
    let how = if reset { "broke" } else { "closed" };
    DriverError::unreachable(format!("{what}: {address} {how} the connection"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(table: Table) -> Register {
        Register { table, address: 7 }
    }

    #[test]
    fn one_cell_is_written_with_the_single_functions_and_several_with_the_multiple_ones() {
        let function = |table, cells| write_request(at(table), cells).map(|(request, _)| request.function_code().value());
        assert_eq!(function(Table::Coil, Cells::Bits(vec![true])), Some(5));
        assert_eq!(function(Table::Holding, Cells::Words(vec![1])), Some(6));
        assert_eq!(function(Table::Coil, Cells::Bits(vec![true, false])), Some(15));
        assert_eq!(function(Table::Holding, Cells::Words(vec![1, 2])), Some(16));
    }

    #[test]
    fn what_cannot_be_written_makes_no_request() {
        for (table, cells) in [
            (Table::Input, Cells::Words(vec![1])),
            (Table::Discrete, Cells::Bits(vec![true])),
            (Table::Coil, Cells::Words(vec![1])),
            (Table::Holding, Cells::Words(vec![])),
        ] {
            assert_eq!(write_request(at(table), cells), None);
        }
    }
}
