//! Renders the bytes of a request exactly as EMQX 5.8.9 was recorded to send them (wire/*.http):
//! `content-length`, `host`, then the headers sorted; a JSON body with its keys in descending order.

use std::borrow::Cow;

use crate::settings::{HttpSource, Method};
use crate::template::{Template, url_encoded, verbatim};

/// Why a request could not be rendered; the hook is not asked then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RenderError {
    /// JSON needs text.
    #[error("the value of `{0}` is not UTF-8, so no JSON body can carry it")]
    NotText(String),
    /// A value would break the header.
    #[error("the value of header `{0}` holds a line break")]
    BadHeader(String),
}

/// Renders one request.
pub(crate) fn render<'v>(
    source: &HttpSource,
    lookup: impl Fn(&str) -> Option<Cow<'v, [u8]>>,
) -> Result<Vec<u8>, RenderError> {
    let mut target = source.url.path.render(&lookup, url_encoded);
    let body = match source.method {
        Method::Get => {
            if !source.body.is_empty() {
                target.push(if target.contains(&b'?') { b'&' } else { b'?' });
                target.extend(form(&source.body, &lookup));
            }
            Vec::new()
        }
        Method::Post if wants_form(source) => form(&source.body, &lookup),
        Method::Post => json(&source.body, &lookup)?,
    };
    let method = match source.method {
        Method::Get => "GET ",
        Method::Post => "POST ",
    };
    let mut out = Vec::with_capacity(256 + body.len());
    out.extend_from_slice(method.as_bytes());
    out.extend_from_slice(&target);
    out.extend_from_slice(
        format!(
            " HTTP/1.1\r\ncontent-length: {}\r\nhost: {}\r\n",
            body.len(),
            source.url.authority
        )
        .as_bytes(),
    );
    let mut headers: Vec<&(String, Template)> = source.headers.iter().collect();
    headers.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, template) in headers {
        let value = template.render(&lookup, verbatim);
        if value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            return Err(RenderError::BadHeader(name.clone()));
        }
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(&value);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(&body);
    Ok(out)
}

fn wants_form(source: &HttpSource) -> bool {
    let content_type = source
        .headers
        .iter()
        .find(|(name, _)| name == "content-type");
    content_type.is_some_and(|(_, template)| {
        template
            .render(|_| None, verbatim)
            .starts_with(b"application/x-www-form-urlencoded")
    })
}

fn form<'v>(
    fields: &[(String, Template)],
    lookup: &impl Fn(&str) -> Option<Cow<'v, [u8]>>,
) -> Vec<u8> {
    let mut out = Vec::new();
    for (key, template) in fields {
        if !out.is_empty() {
            out.push(b'&');
        }
        url_encoded(key.as_bytes(), &mut out);
        out.push(b'=');
        url_encoded(&template.render(lookup, verbatim), &mut out);
    }
    out
}

fn json<'v>(
    fields: &[(String, Template)],
    lookup: &impl Fn(&str) -> Option<Cow<'v, [u8]>>,
) -> Result<Vec<u8>, RenderError> {
    let mut fields: Vec<&(String, Template)> = fields.iter().collect();
    fields.sort_by(|a, b| b.0.cmp(&a.0));
    let mut out = Vec::with_capacity(512);
    out.push(b'{');
    for (index, (key, template)) in fields.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let value = String::from_utf8(template.render(lookup, verbatim))
            .map_err(|_| RenderError::NotText(key.clone()))?;
        for (text, after) in [(key.as_str(), Some(b':')), (value.as_str(), None)] {
            serde_json::to_writer(&mut out, text).expect("text is written to memory");
            out.extend(after);
        }
    }
    out.push(b'}');
    Ok(out)
}
