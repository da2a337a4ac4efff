//! The served document with what no document can know: what is in this database.

use serde_json::{Value, json};

use crate::contract::reader::{Operation, operations};
use crate::contract::world::World;

/// Makes the document tell of what is there: half of what is drawn for a path, and every example.
pub async fn tell(document: &mut Value, world: &World) {
    for operation in operations(document) {
        let whole = operation.name();
        let path = operation.path.replace('~', "~0").replace('/', "~1");
        let method = operation.method.as_str().to_lowercase();
        let mut example = world.body(document, &operation, &world.device);
        for (name, value) in example
            .as_mut()
            .and_then(Value::as_object_mut)
            .into_iter()
            .flatten()
        {
            match name.as_str() {
                "qr" | "qrData" => *value = world.stack.labelled(&operation.id).await,
                "groupId" => *value = json!(world.group),
                _ => {}
            }
        }
        let object = document.pointer_mut(&format!("/paths/{path}/{method}"));
        let object = object.unwrap_or_else(|| panic!("{whole} is where it was read"));
        let parameters = object.get_mut("parameters").and_then(Value::as_array_mut);
        if let Some(parameters) = parameters {
            for parameter in parameters {
                tell_parameter(parameter, world, &operation);
            }
        }
        for response in object["responses"].as_object_mut().unwrap().values_mut() {
            // The document shows one line of a body of lines.
            if let Some(line) = response.pointer_mut("/content/application~1x-ndjson/schema") {
                *line = json!({"type": "array", "items": line.take()});
            }
        }
        if let Some(example) = example {
            object["requestBody"]["content"]["application/json"]["example"] = example;
        }
    }
}

fn tell_parameter(parameter: &mut Value, world: &World, operation: &Operation) {
    match (parameter["in"].as_str(), parameter["name"].as_str()) {
        (Some("path"), Some(name)) => {
            let there = there(world, operation, &format!("{{{name}}}"));
            let any = [json!({"enum": [there]}), parameter["schema"].clone()];
            parameter["schema"] = json!({"anyOf": any});
            parameter["example"] = there;
        }
        // Any version: what it is by now depends on what was sent before.
        (_, Some("If-Match")) => parameter["example"] = json!("*"),
        // Whoever deletes an organization or group repeats its id; one's own account is left alone.
        (_, Some("confirm")) if operation.path.contains("{id}") => {
            parameter["example"] = there(world, operation, "{id}");
        }
        _ => {}
    }
}

/// What is there for a variable part of an operation's path.
fn there(world: &World, operation: &Operation, variable: &str) -> Value {
    let mut segments = operation.path.split('/');
    let at = segments.position(|segment| segment == variable).unwrap();
    let path = world.path(operation);
    let path = path.split('?').next().unwrap();
    let text = path.split('/').nth(at).unwrap();
    text.parse::<i64>()
        .map_or_else(|_| json!(text), |number| json!(number))
}
