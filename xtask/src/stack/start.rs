//! Starting the stack, one process after the other, each when what it needs is there.

use std::time::Duration;

use crate::console::{Console, Steps};
use crate::http::Site;
use crate::stack::children::Children;
use crate::stack::places::Places;
use crate::stack::plan::Plan;
use crate::stack::{api, broker, hooks, issuer, pki, postgres, simulator};
use crate::wait;

/// How long a service may take to be ready after it listens.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// What the gateway may do: read what devices report, and answer them.
const GATEWAY_RIGHTS: &[&str] = &[
    "subscribe=+/telemetry",
    "subscribe=+/attributes",
    "subscribe=+/status",
    "subscribe=+/rpc/response",
    "publish=+/rpc/request",
    "publish=+/attributes/desired",
];

/// Starts everything but the simulated devices.
pub(crate) async fn services(
    plan: &Plan,
    children: &mut Children,
    console: &Console,
    steps: &mut Steps,
) -> anyhow::Result<Places> {
    let mut places = Places::default();
    let told = |steps: &mut Steps, name, text: String| {
        let took = steps.done(name).as_secs_f64();
        console.say(format!("{text} ({took:.1} s)"));
    };

    postgres::start(plan, children, &mut places).await?;
    told(
        steps,
        "postgres",
        format!("PostgreSQL on port {}", places.postgres_port),
    );
    postgres::migrate(plan, &places).await?;
    told(steps, "schema", "the schema is migrated".to_owned());
    pki::make(plan).await?;
    told(
        steps,
        "certs",
        "certificates: root, three issuing CAs, broker".to_owned(),
    );
    issuer::start(plan, children, &mut places).await?;
    told(
        steps,
        "issuer",
        format!("token issuer at {}", places.issuer),
    );
    hooks::start(plan, children, &mut places).await?;
    ready("hook-service", &places.hooks_ops)
        .await
        .map_err(|error| error.context(children.log_of("hook-service")))?;
    told(steps, "hooks", format!("hooks at {}", places.hooks));
    broker::start(plan, children, &mut places).await?;
    told(
        steps,
        "broker",
        format!(
            "broker: devices {}, services {}",
            places.devices_port, places.services_port
        ),
    );
    api::start(plan, children, &mut places).await?;
    ready("api-service", &places.api_ops)
        .await
        .map_err(|error| error.context(children.log_of("api-service")))?;
    told(steps, "api", format!("API at http://{}", places.api));
    api::register_service(plan, &places, "gateway", GATEWAY_RIGHTS).await?;
    told(
        steps,
        "service client",
        "service client `gateway` is registered".to_owned(),
    );
    Ok(places)
}

/// Starts the simulated devices.
pub(crate) fn devices(plan: &Plan, children: &mut Children, places: &Places) -> anyhow::Result<()> {
    simulator::start(plan, children, places)
}

async fn ready(name: &str, ops: &str) -> anyhow::Result<()> {
    let site = Site::new(ops);
    wait::until(&format!("{name} ready"), READY_WITHIN, || async {
        let answer = site.get("/readyz").await.ok();
        Ok(answer.filter(|answer| answer.status == 200))
    })
    .await
    .map(drop)
}
