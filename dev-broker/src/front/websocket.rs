//! MQTT in binary WebSocket messages, made to look like a plain stream of bytes.

use async_tungstenite::WebSocketStream;
use async_tungstenite::tokio::{TokioAdapter, accept_hdr_async_with_config};
use async_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use async_tungstenite::tungstenite::protocol::WebSocketConfig;
use async_tungstenite::tungstenite::{Error, Message};
use futures::StreamExt as _;
use http::{HeaderValue, StatusCode, header::SEC_WEBSOCKET_PROTOCOL};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::net::TcpStream;

use crate::settings::Limits;

/// Bytes held between the WebSocket and the MQTT side, each way.
const HELD_BYTES: usize = 64 * 1024;

/// Upgrades a connection and bridges it to one end of a pipe, which is returned.
pub(super) async fn upgrade(
    stream: TcpStream,
    path: &str,
    require_subprotocol: bool,
    limits: &Limits,
) -> Result<DuplexStream, Box<Error>> {
    let most = usize::try_from(limits.max_packet_bytes)
        .unwrap_or(usize::MAX)
        .saturating_add(5);
    let config = WebSocketConfig::default()
        .max_message_size(Some(most))
        .max_frame_size(Some(most));
    #[expect(clippy::result_large_err, reason = "the signature is tungstenite's")]
    let judge = |request: &Request, response| check(request, response, path, require_subprotocol);
    let socket = accept_hdr_async_with_config(stream, judge, Some(config))
        .await
        .map_err(Box::new)?;
    let (ours, theirs) = tokio::io::duplex(HELD_BYTES);
    tokio::spawn(bridge(socket, ours));
    Ok(theirs)
}

#[expect(clippy::result_large_err, reason = "the signature is tungstenite's")]
fn check(
    request: &Request,
    mut response: Response,
    path: &str,
    require_subprotocol: bool,
) -> Result<Response, ErrorResponse> {
    let refuse = |status: StatusCode, text: &str| {
        let mut refusal = ErrorResponse::new(Some(text.to_owned()));
        *refusal.status_mut() = status;
        Err(refusal)
    };
    if request.uri().path() != path {
        return refuse(StatusCode::NOT_FOUND, "no MQTT here");
    }
    let offered = request.headers().get_all(SEC_WEBSOCKET_PROTOCOL).iter();
    let offered = offered.filter_map(|value| value.to_str().ok());
    if offered
        .flat_map(|value| value.split(','))
        .any(|name| name.trim() == "mqtt")
    {
        let name = HeaderValue::from_static("mqtt");
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, name);
    } else if require_subprotocol {
        return refuse(StatusCode::BAD_REQUEST, "the sub-protocol must be mqtt");
    }
    Ok(response)
}

async fn bridge(socket: WebSocketStream<TokioAdapter<TcpStream>>, pipe: DuplexStream) {
    let (mut to_client, mut from_client) = socket.split();
    let (mut from_broker, mut to_broker) = tokio::io::split(pipe);
    let upward = async {
        while let Some(Ok(message)) = from_client.next().await {
            match message {
                Message::Binary(bytes) => {
                    if to_broker.write_all(&bytes).await.is_err() {
                        return;
                    }
                }
                Message::Ping(_) | Message::Pong(_) => {}
                // Text is a protocol error of MQTT over WebSocket (MQTT 5, section 6.0).
                Message::Text(_) | Message::Close(_) | Message::Frame(_) => break,
            }
        }
        let _ = to_broker.shutdown().await;
        std::future::pending::<()>().await;
    };
    let downward = async {
        let mut chunk = vec![0; 16 * 1024];
        while let Ok(count) = from_broker.read(&mut chunk).await {
            if count == 0 {
                break;
            }
            let message = Message::Binary(chunk[..count].to_vec().into());
            if to_client.send(message).await.is_err() {
                return;
            }
        }
        // The client may be gone already.
        let _ = to_client.close(None).await;
    };
    tokio::select! {
        () = upward => {}
        () = downward => {}
    }
}
