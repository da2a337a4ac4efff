//! MQTT over WebSocket as a stream of bytes, so that the test's client need not know.

use std::net::SocketAddr;

use async_tungstenite::tokio::client_async;
use async_tungstenite::tungstenite::Message;
use async_tungstenite::tungstenite::client::IntoClientRequest as _;
use futures::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::mqtt::Stream;

/// Opens the people's listener. The stream ends when the broker closes.
pub(crate) async fn websocket(people: SocketAddr) -> Box<dyn Stream> {
    let mut request = format!("ws://{people}/mqtt")
        .into_client_request()
        .expect("a request");
    let protocol = "mqtt".parse().expect("a value");
    request
        .headers_mut()
        .insert("sec-websocket-protocol", protocol);
    let stream = TcpStream::connect(people).await.expect("open");
    let (mut socket, _) = client_async(request, stream).await.expect("upgraded");
    let (near, mut far) = tokio::io::duplex(64 * 1024);
    tokio::spawn(async move {
        let mut buffer = [0; 4096];
        loop {
            tokio::select! {
                read = far.read(&mut buffer) => match read {
                    Ok(count) if count > 0 => {
                        let sent = Message::Binary(buffer[..count].to_vec().into());
                        if socket.send(sent).await.is_err() {
                            return;
                        }
                    }
                    _ => return,
                },
                came = socket.next() => match came {
                    Some(Ok(Message::Binary(bytes))) => {
                        if far.write_all(&bytes).await.is_err() {
                            return;
                        }
                    }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                    Some(Ok(_)) => {}
                },
            }
        }
    });
    Box::new(near)
}
