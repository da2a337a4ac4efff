//! Where traces go.

use service_kit::Settings;
use url::Url;

use crate::traces::TracesConfig;

/// Reads `API_OTLP_ENDPOINT` and `API_OTLP_PERCENT`.
pub(super) fn read(settings: &mut Settings) -> Option<TracesConfig> {
    let percent = settings.in_range("API_OTLP_PERCENT", 100_u8, 1..=100);
    let text = settings.optional("API_OTLP_ENDPOINT")?;
    let endpoint = Url::parse(&text).ok().filter(|url| {
        let is_http = matches!(url.scheme(), "http" | "https") && url.has_host();
        let is_plain = url.username().is_empty() && url.password().is_none();
        is_http && is_plain && url.query().is_none() && url.fragment().is_none()
    });
    if endpoint.is_none() {
        // Not shown: it may hold a password.
        let mend = "API_OTLP_ENDPOINT is not an address like http://collector:4318";
        settings.mistake(mend.to_owned());
    }
    Some(TracesConfig {
        endpoint: endpoint?,
        percent,
    })
}
