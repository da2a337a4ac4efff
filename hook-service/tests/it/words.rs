//! What this service and the shipped EMQX configuration must agree on.

use hook_service::endpoints::Hook;

#[test]
fn the_paths_are_the_ones_that_the_shipped_configuration_posts_to() {
    for conf in [emqx_config::EMQX_5_8, emqx_config::EMQX_5_3] {
        for hook in Hook::ALL {
            let url = format!("http://hook-service:8081{}\"", hook.path());
            assert!(conf.contains(&url), "{url}");
        }
    }
}
