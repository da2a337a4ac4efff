//! A non-blocking connection to a server, plain or TLS.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use super::TlsClient;

/// A server accepts and shakes hands within this time.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);

/// How to connect.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dial {
    /// The client side of TLS, if the server speaks it.
    pub(crate) tls: Option<TlsClient>,
}

impl Dial {
    /// Connects and shakes hands, blocking; what comes back does not block.
    pub(super) fn connect(&self, address: SocketAddr) -> io::Result<Stream> {
        let tcp = TcpStream::connect_timeout(&address, CONNECT_TIME_MAX)?;
        tcp.set_nodelay(true)?;
        let Some(config) = &self.tls else {
            tcp.set_nonblocking(true)?;
            return Ok(Stream::Plain(tcp));
        };
        tcp.set_read_timeout(Some(CONNECT_TIME_MAX))?;
        let name = ServerName::from(address.ip());
        let connection =
            ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(connection, tcp);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        stream.sock.set_nonblocking(true)?;
        Ok(Stream::Tls(Box::new(stream)))
    }
}

/// Bytes both ways.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Stream {
    /// Writes some of `bytes`; 0 when the peer does not take any now.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        none_if_blocked(match self {
            Self::Plain(tcp) => tcp.write(bytes),
            Self::Tls(tls) => tls.write(bytes),
        })
        .map(Option::unwrap_or_default)
    }

    /// Reads some bytes; `None` when there are none now. The end of the stream is an error: no
    /// server here closes a connection that is in use.
    pub(super) fn read(&mut self, into: &mut [u8]) -> io::Result<Option<usize>> {
        let read = match self {
            Self::Plain(tcp) => tcp.read(into),
            Self::Tls(tls) => tls.read(into),
        };
        match none_if_blocked(read)? {
            Some(0) => Err(io::Error::new(
                ErrorKind::UnexpectedEof,
                "the server closed the connection",
            )),
            read => Ok(read),
        }
    }

    /// Whether a short read means that nothing is left for now.
    pub(super) fn short_read_is_all(&self) -> bool {
        matches!(self, Self::Plain(_))
    }

    /// Whether bytes wait in TLS for the socket.
    pub(super) fn wants_write(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(tls) => tls.conn.wants_write(),
        }
    }

    /// Pushes out what waits in TLS.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if let Self::Tls(tls) = self {
            none_if_blocked(tls.flush())?;
        }
        Ok(())
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Plain(tcp) => tcp.as_fd(),
            Self::Tls(tls) => tls.sock.as_fd(),
        }
    }
}

fn none_if_blocked<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
