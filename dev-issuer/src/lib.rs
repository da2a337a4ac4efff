//! A small OpenID Connect issuer for development and tests; never for production.
