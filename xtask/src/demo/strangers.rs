//! Who must not get in: each kind of stranger, tried with `openssl s_client`, `mosquitto_pub` and
//! `mosquitto_sub`.

use super::attempts::Attempts;
use super::cast::Device;
use super::mosquitto::{Caller, Listener, Message};
use super::openssl::Authority;
use super::s_client;
use super::scene::Scene;
use super::seen::Seen;
use crate::identity::Identity;

/// Where the broker has to say no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// In the TLS handshake, with an alert.
    Handshake,
    /// After the hook's answer, in the CONNACK.
    Connect,
    /// In either. The broker has to trust the root (EMQX 5.8.9 needs it beside the issuing CA), so
    /// a certificate of a sister CA that brings its chain passes TLS and is left to the hook, which
    /// finds its fingerprint nowhere.
    Either,
}

/// One kind of stranger.
struct Stranger<'a> {
    what: &'static str,
    listener: &'a Listener,
    client_id: String,
    username: String,
    identity: Option<&'a Identity>,
    at: At,
}

/// Reason codes of a refused CONNECT: bad credentials, not authorized, invalid id.
const REFUSED: [u8; 3] = [0x85, 0x86, 0x87];

/// Makes every attempt; `devices` are live ones whose names the strangers abuse.
pub(super) async fn try_all(scene: &Scene, devices: &[Device]) -> anyhow::Result<Attempts> {
    let forged = Forged::make(scene, &devices[0].id).await?;
    let mut attempts = Attempts::default();
    controls(scene, &devices[0], &mut attempts).await?;
    for stranger in strangers(scene, devices, &forged) {
        try_one(scene, &stranger, &mut attempts).await?;
    }
    let plain = scene
        .mosquitto
        .publish_plain(scene.devices.port, &devices[0].id)
        .await?;
    let refused = plain.connack.is_none() && plain.lost;
    attempts.count(
        "plain text to the TLS listener, by mosquitto_pub",
        refused,
        plain,
    );
    controls(scene, &devices[1], &mut attempts).await?;
    Ok(attempts)
}

/// Certificates that look right and are not.
struct Forged {
    other_authority: Identity,
    self_signed: Identity,
    server_authority: Identity,
    broker: Identity,
    unregistered: Identity,
}

const UNREGISTERED: &str = "never-registered";

impl Forged {
    async fn make(scene: &Scene, victim: &str) -> anyhow::Result<Self> {
        let openssl = &scene.openssl;
        let elsewhere = openssl.authority("elsewhere").await?;
        let server = Authority {
            certificate: scene.layout.pem("server-ca.pem"),
            key: scene.layout.pem("server-ca.key"),
        };
        let eku = "extendedKeyUsage=clientAuth";
        Ok(Self {
            other_authority: openssl
                .issue("forged-elsewhere", victim, &elsewhere)
                .await?,
            self_signed: openssl.self_signed("forged-alone", victim, eku).await?,
            server_authority: openssl.issue("forged-server-ca", victim, &server).await?,
            broker: Identity {
                certificate: scene.layout.pem("broker.pem"),
                key: scene.layout.pem("broker.key"),
            },
            unregistered: scene.issue_offline(UNREGISTERED).await?,
        })
    }
}

fn strangers<'a>(scene: &'a Scene, devices: &'a [Device], forged: &'a Forged) -> Vec<Stranger<'a>> {
    let (one, other) = (&devices[0], &devices[1]);
    let on_devices = |what, id: &str, identity, at| Stranger {
        what,
        listener: &scene.devices,
        client_id: id.to_owned(),
        username: id.to_owned(),
        identity,
        at,
    };
    let own = Some(&one.identity);
    vec![
        on_devices(
            "a certificate of another CA",
            &one.id,
            Some(&forged.other_authority),
            At::Handshake,
        ),
        on_devices(
            "a self-signed certificate",
            &one.id,
            Some(&forged.self_signed),
            At::Handshake,
        ),
        on_devices(
            "a certificate of our server CA",
            &one.id,
            Some(&forged.server_authority),
            At::Either,
        ),
        on_devices(
            "the broker's own certificate",
            &one.id,
            Some(&forged.broker),
            At::Handshake,
        ),
        on_devices("no certificate", &one.id, None, At::Handshake),
        on_devices(
            "a service certificate on the device listener",
            &one.id,
            Some(&scene.gateway),
            At::Either,
        ),
        on_devices(
            "an unregistered device of our device CA",
            UNREGISTERED,
            Some(&forged.unregistered),
            At::Connect,
        ),
        on_devices(
            "an unregistered device under a live device's id",
            &one.id,
            Some(&forged.unregistered),
            At::Connect,
        ),
        on_devices(
            "a device under another's client id",
            &other.id,
            own,
            At::Connect,
        ),
        Stranger {
            username: one.id.clone(),
            ..on_devices(
                "a device under another's client id, with its own user name",
                &other.id,
                own,
                At::Connect,
            )
        },
        Stranger {
            username: other.id.clone(),
            ..on_devices(
                "a device under another's user name",
                &one.id,
                own,
                At::Connect,
            )
        },
        on_devices(
            "a device under a svc. client id",
            "svc.gateway.stranger",
            own,
            At::Connect,
        ),
        on_devices(
            "a device under a usr. client id",
            "usr.1.stranger",
            own,
            At::Connect,
        ),
        Stranger {
            listener: &scene.services,
            ..on_devices(
                "a device certificate on the service listener",
                &one.id,
                own,
                At::Either,
            )
        },
        Stranger {
            listener: &scene.services,
            username: "svc.other".to_owned(),
            ..on_devices(
                "a service client under another's name",
                "svc.other.demo",
                Some(&scene.gateway),
                At::Connect,
            )
        },
        Stranger {
            listener: &scene.services,
            ..on_devices(
                "a service client under a device's id",
                &one.id,
                Some(&scene.gateway),
                At::Connect,
            )
        },
    ]
}

async fn try_one(
    scene: &Scene,
    stranger: &Stranger<'_>,
    attempts: &mut Attempts,
) -> anyhow::Result<()> {
    let caller = Caller {
        client_id: &stranger.client_id,
        username: &stranger.username,
        identity: stranger.identity,
    };
    let what = |tool: &str| format!("{}, by {tool},", stranger.what);

    let seen = s_client::connect(&scene.shell, stranger.listener, caller).await?;
    attempts.count(
        what("openssl s_client"),
        is_refused(&seen, stranger.at, true),
        &seen,
    );

    let topic = format!("{}/telemetry", stranger.client_id);
    let message = Message {
        topic: &topic,
        payload: "stranger",
        qos: 1,
        retain: false,
    };
    let seen = scene
        .mosquitto
        .publish(stranger.listener, caller, message)
        .await?;
    attempts.count(
        what("mosquitto_pub"),
        is_refused(&seen, stranger.at, false),
        &seen,
    );

    let filter = format!("{}/rpc/request", stranger.client_id);
    let seen = scene
        .mosquitto
        .subscribe(stranger.listener, caller, &filter)
        .await?;
    attempts.count(
        what("mosquitto_sub"),
        is_refused(&seen, stranger.at, false),
        &seen,
    );
    Ok(())
}

/// `s_client` always tells the alert. The mosquitto clients sometimes say only that the connection
/// was lost, because with TLS 1.3 the alert may come after they began to write; that is enough for
/// them, as `s_client` has shown the reason for the same certificate.
fn is_refused(seen: &Seen, at: At, tells_alerts: bool) -> bool {
    match at {
        At::Handshake => {
            seen.connack.is_none() && (seen.alert.is_some() || (seen.lost && !tells_alerts))
        }
        At::Connect => seen.connack.is_some_and(|code| REFUSED.contains(&code)),
        At::Either => {
            is_refused(seen, At::Handshake, tells_alerts)
                || is_refused(seen, At::Connect, tells_alerts)
        }
    }
}

/// The same three tools with everything right.
async fn controls(scene: &Scene, device: &Device, attempts: &mut Attempts) -> anyhow::Result<()> {
    let caller = device.caller();
    let seen = s_client::connect(&scene.shell, &scene.devices, caller).await?;
    attempts.control("openssl s_client as a device", seen.is_in(), &seen);

    let topic = format!("{}/telemetry", device.id);
    let message = Message {
        topic: &topic,
        payload: "control",
        qos: 1,
        retain: false,
    };
    let seen = scene
        .mosquitto
        .publish(&scene.devices, caller, message)
        .await?;
    let worked = seen.is_in() && seen.puback.is_some_and(|code| code < 0x80);
    attempts.control("mosquitto_pub as a device", worked, &seen);

    let filter = format!("{}/rpc/request", device.id);
    let seen = scene
        .mosquitto
        .subscribe(&scene.devices, caller, &filter)
        .await?;
    let worked = seen.is_in() && seen.suback == [1];
    attempts.control("mosquitto_sub as a device", worked, &seen);

    let gateway = scene.gateway_caller("svc.gateway.control");
    let seen = scene
        .mosquitto
        .subscribe(&scene.services, gateway, "+/telemetry")
        .await?;
    let worked = seen.is_in() && seen.suback == [1];
    attempts.control("mosquitto_sub as the service client", worked, &seen);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_refuses_a_handshake_and_a_connack_does_not() {
        let alert = Seen {
            alert: Some("unknown ca".to_owned()),
            ..Seen::default()
        };
        assert!(is_refused(&alert, At::Handshake, true));
        let connack = Seen {
            connack: Some(0x87),
            ..Seen::default()
        };
        assert!(!is_refused(&connack, At::Handshake, true));
        assert!(is_refused(&connack, At::Connect, true));
    }

    #[test]
    fn a_lost_connection_alone_convinces_only_for_tools_that_cannot_tell_alerts() {
        let lost = Seen {
            lost: true,
            ..Seen::default()
        };
        assert!(!is_refused(&lost, At::Handshake, true));
        assert!(is_refused(&lost, At::Handshake, false));
        assert!(!is_refused(&lost, At::Connect, false));
    }

    #[test]
    fn silence_and_success_are_no_refusals() {
        for at in [At::Handshake, At::Connect, At::Either] {
            assert!(!is_refused(&Seen::default(), at, false));
            let inside = Seen {
                connack: Some(0),
                ..Seen::default()
            };
            assert!(!is_refused(&inside, at, false));
        }
    }
}
