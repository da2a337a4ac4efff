//! A broker with the shipped configuration and a stub hook.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use dev_broker::{ApiKey, DevBroker, Options};
use emqx_config::EmqxConf;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::api::Api;
use super::hook::{Hook, Reply, Request};
use super::mqtt::{Client, Connect, Said, Stream};
use super::pki::{Identity, client_config, pki};

/// A running broker and its hook.
pub(crate) struct Lab {
    pub(crate) broker: DevBroker,
    pub(crate) hook: Hook,
    pub(crate) api: Api,
}

impl Lab {
    /// The shipped file.
    pub(crate) async fn start(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::with(&[], script).await
    }

    /// The shipped file with texts replaced.
    pub(crate) async fn with(
        changes: &[(&str, &str)],
        script: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let hook = Hook::start(script).await;
        let options = options(changes, Some(hook.address));
        let broker = DevBroker::start(options).await.expect("the broker starts");
        let api = Api::new(broker.addresses["api"]);
        Self { broker, hook, api }
    }

    pub(crate) fn address(&self, listener: &str) -> SocketAddr {
        self.broker.addresses[listener]
    }

    /// A TLS stream to a listener.
    pub(crate) async fn tls(&self, listener: &str, identity: &Identity) -> Box<dyn Stream> {
        tls(self.address(listener), Some(identity))
            .await
            .expect("the handshake succeeds")
    }

    /// Connects to the device listener with the certificate `dev-1`; the code of CONNACK.
    pub(crate) async fn try_device(&self, connect: &Connect) -> (Client, Option<u8>) {
        let stream = self.tls("devices", &pki().device).await;
        Client::connect(stream, connect).await
    }

    /// Connects to the device listener and is let in.
    pub(crate) async fn device(&self, connect: &Connect) -> Client {
        let (client, code) = self.try_device(connect).await;
        assert_eq!(code, Some(0), "{} is let in", connect.client_id);
        client
    }

    /// Connects to the service listener and is let in.
    pub(crate) async fn service(&self, connect: &Connect) -> Client {
        let stream = self.tls("services", &pki().service).await;
        let (client, code) = Client::connect(stream, connect).await;
        assert_eq!(code, Some(0), "{} is let in", connect.client_id);
        client
    }

    /// A service client that hears everything on a filter.
    pub(crate) async fn listener(&self, filter: &str) -> Client {
        let mut client = self.service(&Connect::v5("svc.ear.1")).await;
        assert!(matches!(
            client.subscribe(filter).await,
            Said::Answer(0..=2)
        ));
        client
    }
}

/// Options for the shipped file with texts replaced.
pub(crate) fn options(changes: &[(&str, &str)], hook: Option<SocketAddr>) -> Options {
    let mut text = emqx_config::EMQX_5_8.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "the shipped file has no `{from}`");
        text = text.replace(from, to);
    }
    Options {
        conf: EmqxConf::parse(&text).expect("the changed file parses"),
        certs_dir: pki().folder.clone(),
        bind: BTreeMap::new(),
        hook_base_url: hook.map(|address| format!("http://{address}").parse().expect("a URL")),
        crl: None,
        api_bind: (Ipv4Addr::LOCALHOST, 0).into(),
        api_key: ApiKey {
            key: "key".to_owned(),
            secret: "secret".to_owned(),
        },
        hook_headers: BTreeMap::new(),
    }
}

/// A TLS stream, or the error of its first byte.
pub(crate) async fn tls(
    address: SocketAddr,
    identity: Option<&Identity>,
) -> std::io::Result<Box<dyn Stream>> {
    let stream = TcpStream::connect(address).await?;
    let connector = TlsConnector::from(Arc::clone(&client_config(identity)));
    let name = ServerName::try_from("localhost").expect("a name");
    Ok(Box::new(connector.connect(name, stream).await?))
}
