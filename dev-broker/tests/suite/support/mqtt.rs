//! A raw MQTT client: it says what the test says and shows every code that comes back.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

use super::PATIENCE;

/// Any stream.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A CONNECT.
#[derive(Debug, Clone)]
pub(crate) struct Connect {
    pub(crate) v5: bool,
    pub(crate) client_id: String,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<Vec<u8>>,
    pub(crate) clean: bool,
    pub(crate) expiry: u32,
    pub(crate) will: Option<Will>,
}

/// A last will.
#[derive(Debug, Clone)]
pub(crate) struct Will {
    pub(crate) topic: &'static str,
    pub(crate) payload: &'static str,
    pub(crate) retain: bool,
}

impl Connect {
    pub(crate) fn v5(client_id: &str) -> Self {
        Self {
            v5: true,
            client_id: client_id.to_owned(),
            username: None,
            password: None,
            clean: true,
            expiry: 0,
            will: None,
        }
    }
    pub(crate) fn v3(client_id: &str) -> Self {
        Self {
            v5: false,
            ..Self::v5(client_id)
        }
    }
    pub(crate) fn persistent(client_id: &str) -> Self {
        Self {
            clean: false,
            expiry: 600,
            ..Self::v5(client_id)
        }
    }
    pub(crate) fn with_will(mut self, topic: &'static str, payload: &'static str) -> Self {
        self.will = Some(Will {
            topic,
            payload,
            retain: false,
        });
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut flags = 0;
        flags |= u8::from(self.clean) << 1;
        if let Some(will) = &self.will {
            flags |= 0x04 | 0x08 | (u8::from(will.retain) << 5);
        }
        flags |= u8::from(self.password.is_some()) << 6;
        flags |= u8::from(self.username.is_some()) << 7;
        let mut body = Vec::new();
        text(&mut body, b"MQTT");
        body.extend([if self.v5 { 5 } else { 4 }, flags, 0, 60]);
        if self.v5 {
            if self.expiry > 0 {
                body.extend([5, 0x11]);
                body.extend(self.expiry.to_be_bytes());
            } else {
                body.push(0);
            }
        }
        text(&mut body, self.client_id.as_bytes());
        if let Some(will) = &self.will {
            if self.v5 {
                body.push(0);
            }
            text(&mut body, will.topic.as_bytes());
            text(&mut body, will.payload.as_bytes());
        }
        let username = self.username.as_ref().map(String::as_bytes);
        for value in [username, self.password.as_deref()].into_iter().flatten() {
            text(&mut body, value);
        }
        packet(0x10, &body)
    }
}

fn text(out: &mut Vec<u8>, value: &[u8]) {
    let length = u16::try_from(value.len()).expect("short test values");
    out.extend(length.to_be_bytes());
    out.extend(value);
}

pub(crate) fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    let mut left = body.len();
    loop {
        let digit = u8::try_from(left % 128).expect("less than 128");
        left /= 128;
        out.push(if left > 0 { digit | 0x80 } else { digit });
        if left == 0 {
            break;
        }
    }
    out.extend(body);
    out
}

/// A message that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) topic: String,
    pub(crate) payload: String,
    pub(crate) retain: bool,
}

/// A client after its CONNACK, if one came.
pub(crate) struct Client {
    stream: Box<dyn Stream>,
    v5: bool,
    next_id: u16,
    /// Messages that came while something else was awaited.
    waiting: Vec<Message>,
    pub(crate) session_present: bool,
}

impl Client {
    /// Sends CONNECT: the client and the code of CONNACK, `None` where the server just closed.
    pub(crate) async fn connect(
        mut stream: Box<dyn Stream>,
        connect: &Connect,
    ) -> (Self, Option<u8>) {
        stream
            .write_all(&connect.bytes())
            .await
            .expect("CONNECT is sent");
        stream.flush().await.expect("CONNECT is sent");
        let mut client = Self {
            stream,
            v5: connect.v5,
            next_id: 0,
            waiting: Vec::new(),
            session_present: false,
        };
        let code = match client.packet().await {
            Some((0x20, body)) => {
                client.session_present = body[0] & 1 == 1;
                Some(body[1])
            }
            None => None,
            other => panic!("{other:?} instead of CONNACK"),
        };
        (client, code)
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream
            .write_all(bytes)
            .await
            .expect("the packet is sent");
        self.stream.flush().await.expect("the packet is sent");
    }

    /// The next packet, `None` at the end of the connection.
    pub(crate) async fn packet(&mut self) -> Option<(u8, Vec<u8>)> {
        timeout(PATIENCE, self.packet_unbounded())
            .await
            .expect("a packet or a close in time")
    }

    async fn packet_unbounded(&mut self) -> Option<(u8, Vec<u8>)> {
        let first = self.stream.read_u8().await.ok()?;
        let mut length = 0;
        for shift in [0, 7, 14, 21] {
            let byte = self.stream.read_u8().await.ok()?;
            length |= usize::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.ok()?;
        Some((first, body))
    }

    /// The next packet that is no PUBLISH; messages are kept for [`Client::message`].
    async fn answer(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            let (first, body) = self.packet().await?;
            if first >> 4 == 3 {
                let message = self.take_publish(first, &body).await;
                self.waiting.push(message);
            } else {
                return Some((first, body));
            }
        }
    }

    /// Publishes without waiting for anything.
    pub(crate) async fn send_publish(
        &mut self,
        topic: &str,
        payload: &[u8],
        qos: u8,
        retain: bool,
    ) {
        let mut body = Vec::new();
        text(&mut body, topic.as_bytes());
        if qos > 0 {
            self.next_id += 1;
            body.extend(self.next_id.to_be_bytes());
        }
        if self.v5 {
            body.push(0);
        }
        body.extend(payload);
        self.send(&packet(0x30 | (qos << 1) | u8::from(retain), &body))
            .await;
    }

    /// Publishes with QoS 1: the code of PUBACK (0 on 3.1.1), or that of DISCONNECT, or `None`.
    pub(crate) async fn publish(&mut self, topic: &str, payload: &str) -> Said {
        self.send_publish(topic, payload.as_bytes(), 1, false).await;
        self.puback().await
    }

    /// The answer to a publish of QoS 1.
    pub(crate) async fn puback(&mut self) -> Said {
        self.said(0x40, 2).await
    }

    /// Subscribes to one filter with QoS 1.
    pub(crate) async fn subscribe(&mut self, filter: &str) -> Said {
        self.next_id += 1;
        let mut body = self.next_id.to_be_bytes().to_vec();
        if self.v5 {
            body.push(0);
        }
        text(&mut body, filter.as_bytes());
        body.push(1);
        self.send(&packet(0x82, &body)).await;
        let codes_at = if self.v5 { 3 } else { 2 };
        self.said(0x90, codes_at).await
    }

    async fn said(&mut self, wanted: u8, code_at: usize) -> Said {
        match self.answer().await {
            Some((first, body)) if first == wanted => {
                Said::Answer(body.get(code_at).copied().unwrap_or(0))
            }
            Some((0xE0, body)) => Said::Disconnect(body.first().copied().unwrap_or(0)),
            None => Said::Closed,
            other => panic!("unexpected {other:?}"),
        }
    }

    /// The next message.
    pub(crate) async fn message(&mut self) -> Message {
        if !self.waiting.is_empty() {
            return self.waiting.remove(0);
        }
        match self.packet().await {
            Some((first, body)) if first >> 4 == 3 => self.take_publish(first, &body).await,
            other => panic!("{other:?} instead of a message"),
        }
    }

    async fn take_publish(&mut self, first: u8, body: &[u8]) -> Message {
        let length = usize::from(u16::from_be_bytes([body[0], body[1]]));
        let topic = String::from_utf8(body[2..2 + length].to_vec()).expect("text");
        let mut at = 2 + length;
        if (first >> 1) & 3 > 0 {
            let id = [body[at], body[at + 1]];
            at += 2;
            // The other side may be gone already.
            let _ = self.stream.write_all(&packet(0x40, &id)).await;
            let _ = self.stream.flush().await;
        }
        if self.v5 {
            at += 1 + usize::from(body[at]);
        }
        let payload = String::from_utf8(body[at..].to_vec()).expect("text");
        Message {
            topic,
            payload,
            retain: first & 1 == 1,
        }
    }

    /// PINGREQ and its answer: everything the client sent before has been dealt with.
    pub(crate) async fn ping(&mut self) {
        self.send(&[0xC0, 0]).await;
        let answer = self.answer().await;
        assert_eq!(answer, Some((0xD0, Vec::new())), "instead of PINGRESP");
    }

    /// How the server ends the connection.
    pub(crate) async fn ended(&mut self) -> Said {
        match self.answer().await {
            Some((0xE0, body)) => {
                assert_eq!(self.packet().await, None, "something came after DISCONNECT");
                Said::Disconnect(body.first().copied().unwrap_or(0))
            }
            None => Said::Closed,
            other => panic!("{other:?} instead of the end"),
        }
    }

    /// Whether nothing arrives for a moment: only for what must not come.
    pub(crate) async fn hears_nothing(&mut self) -> bool {
        self.waiting.is_empty()
            && timeout(Duration::from_millis(150), self.packet_unbounded())
                .await
                .is_err()
    }

    /// Says goodbye.
    pub(crate) async fn disconnect(mut self) {
        self.send(&[0xE0, 0]).await;
        assert_eq!(
            self.answer().await,
            None,
            "the server closes after DISCONNECT"
        );
    }
}

/// What the server said to a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    /// The code of PUBACK or SUBACK.
    Answer(u8),
    /// DISCONNECT with a code.
    Disconnect(u8),
    /// The end of the stream.
    Closed,
}
