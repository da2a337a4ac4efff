//! An MQTT 5 broker that speaks EMQX's HTTP dialect, for development and tests; never for production.
