//! Reads and takes apart CONNECT, the one packet that the front understands.

use bytes::{Bytes, BytesMut};
use rmqtt::codec::version::{ProtocolVersion, VersionCodec};
use rmqtt::codec::{v3, v5};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio_util::codec::Decoder as _;
use uuid::Uuid;

use super::frame::first_packet_len;
use crate::client::Protocol;

/// Why a stream never became an MQTT connection. It is closed without a word.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotMqtt {
    #[error("the client closed before CONNECT was complete")]
    Closed,
    #[error("CONNECT is larger than the zone allows")]
    TooLarge,
    #[error("the first packet is not a well-formed CONNECT")]
    Malformed,
}

/// A CONNECT and the bytes that go on to the core.
pub(super) struct Connect {
    pub(super) protocol: Protocol,
    pub(super) client_id: String,
    pub(super) username: Option<String>,
    pub(super) password: Option<Bytes>,
    pub(super) keep_alive: u16,
    pub(super) clean_start: bool,
    pub(super) expiry_interval: u32,
    /// CONNECT and whatever came behind it.
    pub(super) bytes: BytesMut,
}

/// Reads until CONNECT is complete.
pub(super) async fn read<S: AsyncRead + Unpin>(
    stream: &mut S,
    max_bytes: u32,
) -> Result<Connect, NotMqtt> {
    let most = usize::try_from(max_bytes).unwrap_or(usize::MAX);
    let mut buffer = BytesMut::with_capacity(1024);
    loop {
        if buffer.first().is_some_and(|first| *first != 0x10) {
            return Err(NotMqtt::Malformed);
        }
        match first_packet_len(&buffer).map_err(|_| NotMqtt::Malformed)? {
            Some(length) if length > most => return Err(NotMqtt::TooLarge),
            Some(length) if buffer.len() >= length => return decode(buffer, length, max_bytes),
            _ => {}
        }
        match stream.read_buf(&mut buffer).await {
            Ok(0) | Err(_) => return Err(NotMqtt::Closed),
            Ok(_) => {}
        }
    }
}

fn decode(bytes: BytesMut, length: usize, max_bytes: u32) -> Result<Connect, NotMqtt> {
    let bad = |_| NotMqtt::Malformed;
    let mut packet = BytesMut::from(&bytes[..length]);
    let version = VersionCodec
        .decode(&mut packet)
        .map_err(bad)?
        .ok_or(NotMqtt::Malformed)?;
    match version {
        ProtocolVersion::MQTT5 => {
            let mut codec = v5::Codec::new(max_bytes, max_bytes);
            let Some((v5::Packet::Connect(connect), _)) = codec.decode(&mut packet).map_err(bad)?
            else {
                return Err(NotMqtt::Malformed);
            };
            let (client_id, bytes) = if connect.client_id.is_empty() {
                let id = assigned_client_id();
                let mut named = connect.clone();
                named.client_id = id.as_str().into();
                let named = v5::Packet::Connect(named);
                (id, reencoded(&mut codec, named, &bytes[length..])?)
            } else {
                (connect.client_id.to_string(), bytes)
            };
            Ok(Connect {
                protocol: Protocol::V5,
                client_id,
                username: connect.username.as_ref().map(ToString::to_string),
                password: connect.password.clone(),
                keep_alive: connect.keep_alive,
                clean_start: connect.clean_start,
                expiry_interval: connect.session_expiry_interval_secs,
                bytes,
            })
        }
        ProtocolVersion::MQTT3 => {
            let mut codec = v3::Codec::new(max_bytes);
            let Some((v3::Packet::Connect(connect), _)) = codec.decode(&mut packet).map_err(bad)?
            else {
                return Err(NotMqtt::Malformed);
            };
            let (client_id, bytes) = if connect.client_id.is_empty() && connect.clean_session {
                let id = assigned_client_id();
                let named = connect.clone().client_id(id.as_str());
                (
                    id,
                    reencoded(
                        &mut codec,
                        v3::Packet::Connect(Box::new(named)),
                        &bytes[length..],
                    )?,
                )
            } else {
                (connect.client_id.to_string(), bytes)
            };
            Ok(Connect {
                protocol: Protocol::V3(connect.protocol.level()),
                client_id,
                username: connect.username.as_ref().map(ToString::to_string),
                password: connect.password.clone(),
                keep_alive: connect.keep_alive,
                clean_start: connect.clean_session,
                expiry_interval: 0,
                bytes,
            })
        }
    }
}

/// EMQX names a client that has no id before it asks the hook.
fn assigned_client_id() -> String {
    format!("emqx_{}", Uuid::new_v4().simple())
}

fn reencoded<P, C: tokio_util::codec::Encoder<P>>(
    codec: &mut C,
    packet: P,
    behind: &[u8],
) -> Result<BytesMut, NotMqtt> {
    let mut bytes = BytesMut::new();
    codec
        .encode(packet, &mut bytes)
        .map_err(|_| NotMqtt::Malformed)?;
    bytes.extend_from_slice(behind);
    Ok(bytes)
}
