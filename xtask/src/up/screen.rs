//! The one screen: what is where, how to log in, how to stop.

use crate::stack::issuer;
use crate::stack::places::Places;
use crate::stack::plan::Plan;
use crate::stack::postgres;

/// The screen, as plain text that fits 100 columns. Secrets are named by their files, never shown.
pub(super) fn text(plan: &Plan, places: &Places) -> String {
    let Places {
        api,
        api_ops,
        hooks,
        hooks_ops,
        people,
        management,
        issuer,
        token_endpoint,
        ..
    } = places;
    let (devices, services) = (places.devices_port, places.services_port);
    let count = plan.simulation.devices;
    let database = postgres::url(places, "postgres");
    let secret = issuer::secret_file("admin");
    let factory = issuer::secret_file("factory");
    format!(
        "
  IoT Hub is up.

  API              http://{api}/api/v1
  API health       http://{api_ops}/readyz   /metrics
  hooks            http://{hooks}
  hooks' health    http://{hooks_ops}/readyz   /metrics
  broker           mqtts://localhost:{devices}    devices (client certificate)
                   mqtts://localhost:{services}    services (client certificate)
                   ws://{people}/mqtt    people
  broker's API     http://{management}/api/v5
  token issuer     {issuer}
  database         {database}
  devices          {count} simulated, counters in .state/up/run/devices.json

  certificates     .state/up/pki/         (service client gateway: svc-gateway.pem, svc-gateway.key)
  passwords        .state/up/passwords/   (API: client-admin, client-factory; broker: emqx-api-key)
  logs             .state/up/logs/<process>.log

  a token          curl -s -u admin:$(cat .state/up/passwords/{secret}) \\
                     -d grant_type=client_credentials {token_endpoint}
                   (or factory with .state/up/passwords/{factory})
  telemetry        mosquitto_sub -V 5 -h localhost -p {services} -t '+/telemetry' -v \\
                     --cafile .state/up/pki/server-trust.pem --cert .state/up/pki/svc-gateway.pem \\
                     --key .state/up/pki/svc-gateway.key -i svc.gateway.you -u svc.gateway

  Ctrl-C stops all of it.
"
    )
}
