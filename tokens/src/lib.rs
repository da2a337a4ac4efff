//! Access tokens of people and machines: issuers, signing keys, token to claims.
