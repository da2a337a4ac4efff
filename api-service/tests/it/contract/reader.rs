//! The document as tests read it: what operations there are, and what each takes.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::Value;

/// One operation of the document.
#[derive(Debug, Clone)]
pub struct Operation {
    pub method: Method,
    pub path: String,
    pub id: String,
    /// Its object in the document.
    pub object: Value,
}

/// The document.
pub fn document() -> Value {
    serde_json::from_str(&api_service::openapi::json()).unwrap()
}

/// Every operation of a document, in the order of their paths.
pub fn operations(document: &Value) -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, object) in item.as_object().unwrap() {
            all.push(Operation {
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
                id: object["operationId"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
                object: object.clone(),
            });
        }
    }
    all
}

impl Operation {
    /// `GET /path`.
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub fn is_signed_in(&self) -> bool {
        self.object["security"].is_array()
    }

    pub fn has_body(&self) -> bool {
        self.object["requestBody"].is_object()
    }

    pub fn parameters(&self) -> &[Value] {
        self.object["parameters"]
            .as_array()
            .map_or(&[], Vec::as_slice)
    }

    /// What it answers, by status.
    pub fn responses(&self, document: &Value) -> BTreeMap<String, Value> {
        let responses = self.object["responses"].as_object().unwrap().iter();
        responses
            .map(|(status, response)| (status.clone(), resolved(document, response).clone()))
            .collect()
    }

    /// The body that the document shows, if there is one: of its media type, or of its schema.
    pub fn example(&self, document: &Value) -> Option<Value> {
        let content = &self.object["requestBody"]["content"]["application/json"];
        let mut schema = &content["schema"];
        if schema["oneOf"].is_array() {
            // `null` or the schema: the body may be left out.
            let several = schema["oneOf"].as_array().unwrap();
            schema = several.iter().find(|each| each["$ref"].is_string())?;
        }
        let schema = resolved(document, schema);
        [
            &content["example"],
            &schema["example"],
            &schema["examples"][0],
        ]
        .into_iter()
        .find(|each| !each.is_null())
        .cloned()
    }
}

/// What a `$ref` points to; anything else as it is.
pub fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(place) => document.pointer(&place[1..]).unwrap(),
        None => schema,
    }
}
