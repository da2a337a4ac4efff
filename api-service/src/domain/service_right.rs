//! What a service client may publish and subscribe, as the command line writes it.

use std::fmt;
use std::str::FromStr;

use schema::{Action, TopicFilter, TopicFilterError};

/// One right: an action on a topic filter, written `publish=+/rpc/request`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServiceRight {
    /// What may be done.
    pub(crate) action: Action,
    /// On which topics.
    pub(crate) filter: TopicFilter,
}

/// Why a text is not a right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ServiceRightError {
    /// Not `publish=...` or `subscribe=...`.
    #[error("a right is written publish=FILTER or subscribe=FILTER")]
    Form,
    /// The filter.
    #[error(transparent)]
    Filter(#[from] TopicFilterError),
}

impl FromStr for ServiceRight {
    type Err = ServiceRightError;

    fn from_str(text: &str) -> Result<Self, ServiceRightError> {
        let (action, filter) = text.split_once('=').ok_or(ServiceRightError::Form)?;
        let action = action.parse().map_err(|_| ServiceRightError::Form)?;
        Ok(Self {
            action,
            filter: TopicFilter::parse(filter)?,
        })
    }
}

impl fmt::Display for ServiceRight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.action, self.filter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_is_an_action_and_a_filter() {
        for text in [
            "subscribe=+/telemetry",
            "publish=+/rpc/request",
            "publish=a=b",
        ] {
            let right: ServiceRight = text.parse().unwrap();
            assert_eq!(right.to_string(), text);
        }
        for text in ["+/telemetry", "read=a", "=a", ""] {
            assert_eq!(
                text.parse::<ServiceRight>(),
                Err(ServiceRightError::Form),
                "{text}"
            );
        }
        assert!(matches!(
            "subscribe=$SYS/#".parse::<ServiceRight>(),
            Err(ServiceRightError::Filter(_))
        ));
    }
}
