//! The template's tables, as the engine is asked to create them.

use serde_json::{Map, Value, json};

use super::{Template, TemplateError};

/// The properties an engine without accounts, keys or backups has a use for.
const KEPT: [&str; 5] =
    ["KeySchema", "AttributeDefinitions", "BillingMode", "GlobalSecondaryIndexes", "LocalSecondaryIndexes"];

/// A table of the template.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Its logical id, which is its name here.
    pub name: String,
    /// Whether it has a stream.
    pub has_stream: bool,
    /// The request that creates it.
    pub create: Value,
}

impl Template {
    /// Every table.
    pub fn tables(&self) -> Result<Vec<Table>, TemplateError> {
        self.of_type("AWS::DynamoDB::Table").map(|(id, _)| self.table(id)).collect()
    }

    fn table(&self, id: &str) -> Result<Table, TemplateError> {
        let mut create = Map::new();
        create.insert("TableName".to_owned(), id.into());
        for name in KEPT {
            if let Some(value) = self.property(id, &[name])? {
                create.insert(name.to_owned(), value);
            }
        }
        let view = self.property(id, &["StreamSpecification", "StreamViewType"])?;
        let has_stream = view.is_some();
        if let Some(view) = view {
            // CloudFormation has no flag for it: a specification is a stream.
            create.insert("StreamSpecification".to_owned(), json!({"StreamEnabled": true, "StreamViewType": view}));
        }
        Ok(Table { name: id.to_owned(), has_stream, create: Value::Object(create) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_of_the_deployment() {
        let tables = Template::embedded().unwrap().tables().unwrap();
        let shown: Vec<_> = tables.iter().map(|table| (table.name.as_str(), table.has_stream)).collect();
        let expected = ["EventsTable", "FeedTable", "PricesTable", "ReplaysTable", "ReservationsTable"];
        assert_eq!(shown, expected.map(|name| (name, name == "ReservationsTable")));
        let [events, .., reservations] = tables.as_slice() else { panic!("{tables:?}") };
        assert_eq!(
            events.create["KeySchema"],
            json!([{"AttributeName": "booking_code", "KeyType": "HASH"}, {"AttributeName": "version", "KeyType": "RANGE"}])
        );
        assert_eq!(
            reservations.create["StreamSpecification"],
            json!({"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"})
        );
    }
}
