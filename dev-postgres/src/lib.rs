//! A private PostgreSQL cluster for development and tests; never for production.
