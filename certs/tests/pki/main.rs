//! The PKI judged from outside: by OpenSSL, by rustls, and through the command.

mod cli;
mod crl;
mod csr;
mod folder;
mod issuing;
mod keys;
mod limits;
mod rotate;
mod support;
mod tls;
