//! The database's schema: migrations, and the words both services share.
