//! The bodies of requests are closed: a field that is not in the document is refused, and the document
//! says so.

use std::collections::BTreeSet;

use utoipa::openapi::schema::{AdditionalProperties, ArrayItems};
use utoipa::openapi::{OpenApi, RefOr, Schema};

use super::complete::operations;

/// Closes every object that the body of a request holds.
pub(super) fn close_requests(document: &mut OpenApi) {
    let mut wanted = BTreeSet::new();
    for item in document.paths.paths.values_mut() {
        for operation in operations(item) {
            let Some(RefOr::T(body)) = &mut operation.request_body else {
                continue;
            };
            for content in body.content.values_mut() {
                if let RefOr::T(content) = content
                    && let Some(schema) = &mut content.schema
                {
                    close(schema, &mut wanted);
                }
            }
        }
    }
    let Some(components) = &mut document.components else {
        return;
    };
    let mut done = BTreeSet::new();
    while let Some(name) = wanted.pop_first() {
        if let Some(schema) = components.schemas.get_mut(&name)
            && done.insert(name)
        {
            close(schema, &mut wanted);
        }
        wanted.retain(|name| !done.contains(name));
    }
}

/// Closes a schema and what is written inside it; notes what it refers to.
fn close(schema: &mut RefOr<Schema>, wanted: &mut BTreeSet<String>) {
    let schema = match schema {
        RefOr::Ref(reference) => {
            let name = reference.ref_location.rsplit('/').next();
            wanted.extend(name.map(str::to_owned));
            return;
        }
        RefOr::T(schema) => schema,
    };
    match schema {
        Schema::Object(object) => {
            if !object.properties.is_empty() {
                let nothing_else = AdditionalProperties::FreeForm(false);
                object
                    .additional_properties
                    .get_or_insert_with(|| Box::new(nothing_else));
            }
            for property in object.properties.values_mut() {
                close(property, wanted);
            }
        }
        Schema::Array(array) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                close(items, wanted);
            }
        }
        Schema::OneOf(several) => several
            .items
            .iter_mut()
            .for_each(|each| close(each, wanted)),
        Schema::AllOf(several) => several
            .items
            .iter_mut()
            .for_each(|each| close(each, wanted)),
        Schema::AnyOf(several) => several
            .items
            .iter_mut()
            .for_each(|each| close(each, wanted)),
        _ => {}
    }
}
