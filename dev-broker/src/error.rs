//! Why a broker does not start. Each sentence names the setting or file and its mend.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a broker does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The file asks for something of EMQX that this broker does not do.
    #[error("`{key}` can't be imitated by the development broker: {mend}")]
    NotImitated {
        /// The key in the file.
        key: String,
        /// What to do about it.
        mend: String,
    },
    /// A hook's URL.
    #[error("the hook URL `{url}` can't be used: {problem}")]
    BadHookUrl {
        /// The URL in the file.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A `--listen` or `Options::bind` name that no enabled listener has.
    #[error("there is no enabled listener `{name}`; there are: {known}")]
    UnknownListener {
        /// The name that was given.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// A PEM file.
    #[error("{file}: {problem}")]
    BadPem {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// TLS can't be set up from the files.
    #[error("the TLS listener `{listener}` can't be set up: {problem}")]
    Tls {
        /// The listener's EMQX id.
        listener: String,
        /// What rustls says.
        problem: String,
    },
    /// An address.
    #[error(
        "can't listen on {address} for `{listener}`: {source}; choose another address or port 0"
    )]
    Bind {
        /// Who wants it.
        listener: String,
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The MQTT core.
    #[error("the MQTT core did not start: {0}")]
    Core(String),
    /// Threads.
    #[error("the broker's threads could not be started: {0}")]
    Runtime(std::io::Error),
    /// The address file.
    #[error("the address file {file} can't be written: {source}")]
    AddressFile {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}
