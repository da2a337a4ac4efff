//! Which transactions get a number, and in which order.

use crate::support::{add_device, database, items, newest};

#[tokio::test]
async fn a_new_device_gets_the_first_number() {
    let (_database, client) = database().await;
    add_device(&client, "grow-1").await;
    assert_eq!(newest(&client).await, 1);
    assert_eq!(items(&client, 1).await, ["device:grow-1"]);
}
