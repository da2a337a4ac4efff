//! A fleet of software grow controllers: keys in a software secure element, MQTT 5 over mTLS.
