//! What goes wrong meanwhile with `--faults`: a death or a cut every few seconds.

use std::time::Duration;

use chaos::stack::Stack;
use fault_proxy::Faults;
use tokio::time::sleep;

use crate::report::say;

/// Between two faults, and how long each lasts.
const PAUSE: Duration = Duration::from_secs(2);

/// Lets everything go wrong once. `normal` is what the broker's line to the hooks suffers anyway.
pub(super) async fn suffer(stack: &mut Stack, normal: Faults) -> anyhow::Result<()> {
    sleep(PAUSE).await;
    say("fault: a hook-service is killed");
    stack.replicas[0].process.kill().await?;
    sleep(PAUSE).await;
    stack.revive_replica(0).await?;

    say("fault: api-service is killed");
    stack.api.process.kill().await?;
    sleep(PAUSE).await;
    stack.revive_api().await?;

    say("fault: the lines to the database are cut");
    for line in stack.database_lines() {
        line.cut();
    }
    sleep(PAUSE).await;

    say("fault: PostgreSQL restarts as after a power cut");
    stack.database.restart(true).await?;
    sleep(PAUSE).await;

    say("fault: the management API is out of reach");
    stack.links.management.set(Faults::refuse()).await;
    stack.links.management.cut();
    sleep(PAUSE).await;
    stack.links.management.heal().await;

    say("fault: a hook-service is replaced, another one is frozen");
    stack.replicas[1].process.pause();
    stack.replace_replica(2).await?;
    sleep(PAUSE).await;
    stack.replicas[1].process.resume();
    stack.links.hooks.set(normal).await;
    stack.wait_until_ready().await
}
