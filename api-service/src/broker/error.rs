//! Why the broker did not do what was asked.

/// A failure of a management call. None of them shows the key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BrokerError {
    /// No answer.
    #[error("the broker's management API does not answer at {setting}")]
    Unreachable {
        /// The setting with the address.
        setting: &'static str,
        /// What went wrong.
        source: reqwest::Error,
    },
    /// The key is wrong, or its role is too small.
    #[error(
        "the broker refused our key ({status}): {setting} must be `key:secret` of an API key \
         with the role administrator"
    )]
    Key {
        /// HTTP status.
        status: u16,
        /// The setting with the key.
        setting: String,
    },
    /// Anything else.
    #[error("the broker answered {status} {code}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// EMQX's word for it, if it gave one.
        code: String,
    },
    /// Not what EMQX answers.
    #[error("the broker's answer is not what EMQX answers")]
    Unreadable,
    /// The configured address cannot have a path.
    #[error("{setting} is not an address like http://emqx:18083")]
    Address {
        /// The setting with the address.
        setting: &'static str,
    },
}
