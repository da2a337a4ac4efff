//! The broker from outside: real sockets, real TLS, a stub in the place of hook-service.

mod behaviour;
mod command_line;
mod configuration;
mod conformance;
mod limits;
mod management;
mod people;
mod refused_files;
mod requests;
mod robustness;
mod rumqttc_client;
mod support;
mod transports;
