//! Every SQL statement against the migrated schema, with the rights the service really has.

use schema::testing::MigratedDatabase;
use tokio_postgres::NoTls;

#[tokio::test]
async fn every_statement_prepares_and_names_itself() {
    let database = MigratedDatabase::create().await.unwrap();
    let (client, connection) = tokio_postgres::connect(&database.api_url(), NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let mut names = Vec::new();
    for statement in api_service::STATEMENTS.iter().copied().flatten() {
        let name = statement.lines().nth(1).unwrap_or_default();
        assert!(name.starts_with("-- store::"), "{statement} has no name");
        assert!(
            !statement.contains('*') || statement.contains("count(*)"),
            "{name} selects *"
        );
        client
            .prepare(statement)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error:?}"));
        names.push(name);
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "two statements have one name");
    assert!(count > 20);
}
