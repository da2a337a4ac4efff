//! Every statement of the feed fits the schema and the rights of its role.

use schema::testing::MigratedDatabase;

use crate::support::connect;

#[tokio::test]
async fn every_statement_of_the_feed_is_prepared_with_the_rights_of_the_hook_role() {
    let database = MigratedDatabase::create().await.unwrap();
    let client = connect(&database.hook_url()).await;
    let statements = hook_service::feed::statements();
    assert!(statements.len() > 8);
    for statement in statements {
        if let Err(error) = client.prepare(statement).await {
            panic!("{statement}: {error:?}");
        }
    }
}
