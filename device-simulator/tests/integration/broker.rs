//! A fake MQTT 5 broker behind real mTLS: it answers as ordered and notes what it sees.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::BytesMut;
use rumqttc::{
    ConnAck, ConnectAuth, ConnectReturnCode, Disconnect, DisconnectReasonCode, Packet, PubAck,
    PubAckReason, Publish, QoS, SubAck, SubscribeReasonCode,
};
use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::fleets::within;

/// What came in, in order.
#[derive(Clone, Debug)]
pub(crate) enum Seen {
    Connect {
        client: String,
        username: String,
        password: String,
        clean_start: bool,
        session_expiry_s: Option<u32>,
        will: Option<(String, String, bool)>,
        fingerprint: String,
    },
    Publish {
        client: String,
        topic: String,
        payload: String,
        retain: bool,
        qos: QoS,
    },
    Subscribe {
        client: String,
        filters: Vec<String>,
    },
    PubAck,
    Disconnect {
        client: String,
        code: DisconnectReasonCode,
    },
    /// The connection ended without a DISCONNECT.
    Gone,
}

/// How the broker answers.
#[derive(Default)]
struct Orders {
    /// To the next CONNECTs, before it accepts them.
    connack: VecDeque<ConnectReturnCode>,
    session_present: bool,
    puback: Option<PubAckReason>,
    suback: Option<SubscribeReasonCode>,
    /// Whether publishes are acknowledged at all.
    silent: bool,
    /// What to send to a client once it has subscribed.
    after_subscribe: VecDeque<Packet>,
}

/// The running broker.
pub(crate) struct FakeBroker {
    pub(crate) port: u16,
    orders: Arc<Mutex<Orders>>,
    seen: watch::Receiver<Vec<Seen>>,
}

impl FakeBroker {
    pub(crate) async fn start(tls: Arc<ServerConfig>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let orders = Arc::new(Mutex::new(Orders::default()));
        let (book, seen) = watch::channel(Vec::new());
        let (notes, mut arriving) = mpsc::channel::<Seen>(1_024);
        tokio::spawn(async move {
            while let Some(note) = arriving.recv().await {
                book.send_modify(|all| all.push(note));
            }
        });
        let acceptor = TlsAcceptor::from(tls);
        let shared = Arc::clone(&orders);
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let (acceptor, orders, notes) =
                    (acceptor.clone(), Arc::clone(&shared), notes.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(socket).await {
                        let mut client = Client {
                            stream,
                            inbox: BytesMut::new(),
                            orders,
                            notes,
                        };
                        if client.serve().await.is_none() {
                            let _ = client.notes.send(Seen::Gone).await;
                        }
                    }
                });
            }
        });
        Self { port, orders, seen }
    }

    pub(crate) fn refuse_connects(&self, codes: impl IntoIterator<Item = ConnectReturnCode>) {
        self.orders.lock().unwrap().connack.extend(codes);
    }

    pub(crate) fn keep_sessions(&self) {
        self.orders.lock().unwrap().session_present = true;
    }

    pub(crate) fn refuse_publishes(&self, reason: PubAckReason) {
        self.orders.lock().unwrap().puback = Some(reason);
    }

    pub(crate) fn refuse_subscribes(&self, reason: SubscribeReasonCode) {
        self.orders.lock().unwrap().suback = Some(reason);
    }

    pub(crate) fn stop_acknowledging(&self) {
        self.orders.lock().unwrap().silent = true;
    }

    /// Sends this to the next client that subscribes.
    pub(crate) fn send(&self, topic: &str, payload: &str) {
        let mut publish = Publish::new(topic, QoS::AtLeastOnce, payload.to_owned(), None);
        publish.pkid = 1;
        self.orders
            .lock()
            .unwrap()
            .after_subscribe
            .push_back(Packet::Publish(publish));
    }

    /// Throws out the next client that subscribes.
    pub(crate) fn kick(&self, code: DisconnectReasonCode) {
        let packet = Packet::Disconnect(Disconnect::new(code));
        self.orders
            .lock()
            .unwrap()
            .after_subscribe
            .push_back(packet);
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.borrow().clone()
    }

    /// How many of what was seen `fit`.
    pub(crate) fn count(&self, fit: impl Fn(&Seen) -> bool) -> usize {
        self.seen.borrow().iter().filter(|seen| fit(seen)).count()
    }

    pub(crate) async fn until(&self, enough: impl Fn(&Self) -> bool) {
        let mut changes = self.seen.clone();
        within(async {
            while !enough(self) {
                changes.changed().await.unwrap();
            }
        })
        .await;
    }
}

pub(crate) fn is_connect(seen: &Seen) -> bool {
    matches!(seen, Seen::Connect { .. })
}

pub(crate) fn is_telemetry(seen: &Seen) -> bool {
    matches!(seen, Seen::Publish { topic, .. } if topic.ends_with("/telemetry"))
}

struct Client {
    stream: TlsStream<TcpStream>,
    inbox: BytesMut,
    orders: Arc<Mutex<Orders>>,
    notes: mpsc::Sender<Seen>,
}

impl Client {
    /// `Some` if it ended by a DISCONNECT of either side or a refused CONNECT.
    async fn serve(&mut self) -> Option<()> {
        let Packet::Connect(connect, will, auth) = self.read().await? else {
            return None;
        };
        let client = connect.client_id.clone();
        let (username, password) = match auth {
            ConnectAuth::UsernamePassword { username, password } => {
                (username, String::from_utf8(password.to_vec()).unwrap())
            }
            _ => (String::new(), String::new()),
        };
        let peer = self.stream.get_ref().1.peer_certificates().unwrap()[0].clone();
        self.note(Seen::Connect {
            client: client.clone(),
            username,
            password,
            clean_start: connect.clean_start,
            session_expiry_s: connect.properties.and_then(|p| p.session_expiry_interval),
            will: will.map(|will| (text(&will.topic), text(&will.message), will.retain)),
            fingerprint: certs::Fingerprint::of_der(&peer).to_string(),
        })
        .await;
        let (refusal, session_present) = {
            let mut orders = self.orders.lock().unwrap();
            (orders.connack.pop_front(), orders.session_present)
        };
        let code = refusal.unwrap_or(ConnectReturnCode::Success);
        let session_present = session_present && refusal.is_none();
        self.write(&Packet::ConnAck(ConnAck {
            session_present,
            code,
            properties: None,
        }))
        .await?;
        if refusal.is_some() {
            return Some(());
        }
        loop {
            match self.read().await? {
                Packet::Publish(publish) => self.take(&client, publish).await?,
                Packet::Subscribe(subscribe) => {
                    let filters: Vec<_> = subscribe
                        .filters
                        .into_iter()
                        .map(|filter| filter.path)
                        .collect();
                    let code = self.orders.lock().unwrap().suback;
                    let code = code.unwrap_or(SubscribeReasonCode::Success(QoS::AtLeastOnce));
                    let return_codes = vec![code; filters.len()];
                    self.note(Seen::Subscribe {
                        client: client.clone(),
                        filters,
                    })
                    .await;
                    let pkid = subscribe.pkid;
                    let answer = SubAck {
                        pkid,
                        return_codes,
                        properties: None,
                    };
                    self.write(&Packet::SubAck(answer)).await?;
                    let next = self.orders.lock().unwrap().after_subscribe.pop_front();
                    if let Some(packet) = next {
                        self.write(&packet).await?;
                        if matches!(packet, Packet::Disconnect(_)) {
                            return Some(());
                        }
                    }
                }
                Packet::PubAck(_) => self.note(Seen::PubAck).await,
                Packet::PingReq => self.write(&Packet::PingResp).await?,
                Packet::Disconnect(disconnect) => {
                    let code = disconnect.reason_code;
                    self.note(Seen::Disconnect { client, code }).await;
                    return Some(());
                }
                _ => return None,
            }
        }
    }

    async fn take(&mut self, client: &str, publish: Publish) -> Option<()> {
        self.note(Seen::Publish {
            client: client.to_owned(),
            topic: text(&publish.topic),
            payload: text(&publish.payload),
            retain: publish.retain,
            qos: publish.qos,
        })
        .await;
        let (silent, reason) = {
            let orders = self.orders.lock().unwrap();
            (orders.silent, orders.puback)
        };
        if silent {
            return Some(());
        }
        let mut answer = PubAck::new(publish.pkid, None);
        answer.reason = reason.unwrap_or(PubAckReason::Success);
        self.write(&Packet::PubAck(answer)).await
    }

    async fn note(&self, seen: Seen) {
        let _ = self.notes.send(seen).await;
    }

    async fn read(&mut self) -> Option<Packet> {
        loop {
            match Packet::read(&mut self.inbox, Some(64 * 1_024)) {
                Ok(packet) => return Some(packet),
                Err(rumqttc::Error::InsufficientBytes(_)) => {}
                Err(error) => panic!("the simulator sent a broken packet: {error}"),
            }
            if self.stream.read_buf(&mut self.inbox).await.ok()? == 0 {
                return None;
            }
        }
    }

    async fn write(&mut self, packet: &Packet) -> Option<()> {
        let mut bytes = BytesMut::new();
        packet.write(&mut bytes, None).unwrap();
        self.stream.write_all(&bytes).await.ok()?;
        self.stream.flush().await.ok()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
