//! Lets a device back in: what we put in its way on the broker goes.

use futures::future::join_all;

use crate::broker::Cluster;
use crate::problem::chain;

/// Lifts our ban on every cluster, and makes the clusters forget denies that they keep. A ban of
/// somebody else stays. Gives what each cluster complains about.
pub(crate) async fn let_in(clusters: &[Cluster], client_id: &str) -> Vec<Result<(), String>> {
    join_all(clusters.iter().map(|cluster| let_in_on(cluster, client_id))).await
}

async fn let_in_on(cluster: &Cluster, client_id: &str) -> Result<(), String> {
    cluster.lift_ban(client_id).await?;
    let forgotten = cluster.forget_answers().await;
    forgotten.map_err(|error| chain(&error))
}

/// Lifts a ban that this worker has just placed and should not have: the device was allowed again
/// meanwhile. Without success it ends by itself within minutes.
pub(crate) async fn undo(clusters: &[Cluster], client_id: &str) {
    for lifted in join_all(clusters.iter().map(|cluster| cluster.lift_ban(client_id))).await {
        if let Err(reason) = lifted {
            tracing::warn!(device = client_id, reason, "a late ban stays until it ends");
        }
    }
}
