//! The Modbus TCP driver: one connection of `tokio-modbus`, one request at a time.
//!
//! What the crate leaves to its caller, and what is done about it here:
//! - After a request that was given up, its late answer would be taken for the next one's. The connection is dropped after
//!   every time-out, transport error and protocol error; only a proper answer, an exception included, keeps it.
//! - Its typed calls (`read_coils`, ...) assert in debug builds that a device answers with as many cells as were asked
//!   for, so a wrong device could panic us. The untyped call is used and the answer is checked here.
//! - It waits for as many bytes as a header says. [`Checked`] ends the connection at a header that cannot be one.
//! - It reports a closed connection with whatever error the thread saw last. [`lost`] gives it its proper name.
//!
//! It knows nothing of tags, schedules and values.

use super::Exception;
use super::mbap::Checked;
use crate::cells::Cells;
use crate::driver::{Driver, DriverError, Target};
use crate::plan::Span;
use labkeeper_model::site::{Register, Table};
use std::borrow::Cow;
use std::io;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_modbus::client::{Client, Context, tcp};
use tokio_modbus::slave::{Slave, SlaveContext};
use tokio_modbus::{Request, Response};

/// Longest time to connect: the first SYN is repeated after 1 s, so one lost packet leaves another second for the answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest time for an orderly end of a connection; a FIN needs no answer, so this is only for a full socket buffer.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(100);

/// A connection to one address.
pub struct ModbusTcp {
    address: String,
    context: Option<Context>,
}

impl ModbusTcp {
    /// A driver for `host:port`. It connects when it is told to.
    #[must_use]
    pub const fn new(address: String) -> Self {
        Self { address, context: None }
    }

    /// Does one request. The connection survives only if there was a proper answer.
    async fn call(&mut self, target: Target, request: Request<'_>, what: &str) -> Result<Response, DriverError> {
        let Some(mut context) = self.context.take() else {
            return Err(DriverError::unreachable(format!("{what}: not connected to {}", self.address)));
        };
        context.set_slave(Slave(target.unit_id));
        let answer = match timeout(target.timeout, context.call(request)).await {
            Err(_) => return Err(DriverError::timeout(format!("{what}: no answer from {} within {:?}", self.address, target.timeout))),
            Ok(Err(error)) => return Err(failed(what, &self.address, &error)),
            Ok(Ok(answer)) => answer,
        };
        self.context = Some(context);
        answer.map_err(|code| Exception::from_code(code.into()).into_error(what))
    }

    /// Ends the connection because of what came on it.
    fn distrust(&mut self, what: &str) -> DriverError {
        self.context = None;
        DriverError::protocol(format!("{what}: the answer from {} is not the one that was asked for", self.address))
    }
}

impl Driver for ModbusTcp {
    async fn connect(&mut self) -> Result<(), DriverError> {
        self.close().await;
        let stream = match timeout(CONNECT_TIMEOUT, TcpStream::connect(&self.address)).await {
            Err(_) => return Err(DriverError::unreachable(format!("{} took no connection within {CONNECT_TIMEOUT:?}", self.address))),
            Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidInput => {
                return Err(DriverError::permanent(format!("{} is no address: {error}", self.address)));
            }
            Ok(Err(error)) => return Err(DriverError::unreachable(format!("{} takes no connection: {error}", self.address))),
            Ok(Ok(stream)) => stream,
        };
        // A request is one small segment; without this it could wait for the acknowledgement of the one before.
        stream.set_nodelay(true).map_err(|error| DriverError::unreachable(format!("{}: {error}", self.address)))?;
        self.context = Some(tcp::attach(Checked::new(stream)));
        Ok(())
    }

    fn is_connected(&self) -> bool {
        self.context.is_some()
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
        let response = self.call(target, request, &what).await?;
        let count = usize::from(count);
        match (span.first.table, response) {
            // Bits come in whole bytes; those beyond the ones that were asked for mean nothing.
            (Table::Coil, Response::ReadCoils(mut bits)) | (Table::Discrete, Response::ReadDiscreteInputs(mut bits))
                if bits.len() == count.next_multiple_of(8) =>
            {
                bits.truncate(count);
                Ok(Cells::Bits(bits))
            }
            (Table::Input, Response::ReadInputRegisters(words)) | (Table::Holding, Response::ReadHoldingRegisters(words))
                if words.len() == count =>
            {
                Ok(Cells::Words(words))
            }
            _ => Err(self.distrust(&what)),
        }
    }

    async fn write(&mut self, target: Target, first: Register, cells: Cells) -> Result<(), DriverError> {
        let what = format!("write {first} of unit {}", target.unit_id);
        let Some((request, echo)) = write_request(first, cells) else {
            return Err(DriverError::permanent(format!("{what}: the value does not fit the table")));
        };
        let response = self.call(target, request, &what).await?;
        if response == echo { Ok(()) } else { Err(self.distrust(&what)) }
    }

    async fn close(&mut self) {
        if let Some(mut context) = self.context.take() {
            // Whatever comes of it, the socket is closed when the context is dropped.
            let _ = timeout(CLOSE_TIMEOUT, context.disconnect()).await;
        }
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
