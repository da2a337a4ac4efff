//! The pages that tell the configuration (shapes read in the source of 5.8.9).

use emqx_config::hocon;
use reqwest::StatusCode;
use serde_json::json;

use crate::support::hook::Reply;
use crate::support::lab::Lab;

#[tokio::test]
async fn the_configuration_is_told_in_hocon_without_its_zones() {
    let lab = Lab::start(|_| Reply::allow()).await;
    let (status, text) = lab.api.get("/configs").await;
    assert_eq!(status, StatusCode::OK);
    let told = hocon::parse(text.as_str().unwrap()).unwrap();
    let file = hocon::parse(emqx_config::EMQX_5_8).unwrap();
    for root in ["listeners", "authentication", "authorization", "mqtt"] {
        assert_eq!(told.get(root), file.get(root), "{root}");
    }
    assert!(file.get("zones").is_some());
    assert_eq!(told.get("zones"), None);
    let (status, body) = lab.api.get("/configs?node=another@host").await;
    assert_eq!(
        (status, &body["code"]),
        (StatusCode::NOT_FOUND, &json!("NOT_FOUND"))
    );
}

#[tokio::test]
async fn sections_are_told_on_pages_of_their_own() {
    let lab = Lab::start(|_| Reply::allow()).await;
    let get = async |path: &str| {
        let (status, body) = lab.api.get(path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        body
    };
    let chain = get("/authentication").await;
    assert_eq!(chain[0]["id"], "password_based:http");
    assert!(chain[0]["url"].as_str().unwrap().ends_with("/authn"));
    let settings = get("/authorization/settings").await;
    assert_eq!(settings["no_match"], "deny");
    assert_eq!(settings["cache"]["enable"], false);
    let sources = get("/authorization/sources").await;
    assert_eq!(sources["sources"][0]["type"], "http");
    assert_eq!(get("/mqtt/delayed").await["enable"], false);
    assert_eq!(get("/mqtt/topic_rewrite").await, json!([]));
    let zone = get("/configs/global_zone").await;
    assert_eq!(zone["flapping_detect"]["enable"], false);

    let listeners = get("/listeners").await;
    let devices = listeners.as_array().unwrap();
    let devices = devices
        .iter()
        .find(|listener| listener["id"] == "ssl:default")
        .unwrap();
    assert_eq!(devices["node_status"][0]["status"]["running"], true);
    let listener = get("/listeners/ssl:default").await;
    assert_eq!(listener["ssl_options"]["verify"], "verify_peer");
    assert_eq!(listener.get("authentication"), None);
    let (status, body) = lab.api.get("/listeners/ssl:none").await;
    assert_eq!(
        (status, &body["code"]),
        (StatusCode::NOT_FOUND, &json!("BAD_LISTENER_ID"))
    );
}
