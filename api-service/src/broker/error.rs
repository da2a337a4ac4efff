//! Why the broker did not do what was asked.

/// A failure of a management call. None of them shows the key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BrokerError {
    /// No answer.
    #[error("the broker's management API does not answer at API_BROKER_URL")]
    Unreachable(#[source] reqwest::Error),
    /// The key is wrong, or its role is too small.
    #[error(
        "the broker refused our key ({status}): API_BROKER_KEY must be `key:secret` of an API key \
         with the role administrator"
    )]
    Key {
        /// HTTP status.
        status: u16,
    },
    /// Anything else.
    #[error("the broker answered {status} {code}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// EMQX's word for it, if it gave one.
        code: String,
    },
    /// The configured address cannot have a path.
    #[error("API_BROKER_URL is not an address like http://emqx:18083")]
    Address,
}
