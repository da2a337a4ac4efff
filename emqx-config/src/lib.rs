//! EMQX's configuration as it ships, and a reader that tests and the development broker share.
