//! template.yaml, read for what the embedded system needs: tables, queues, rules of the bus, event sources, routes.
//!
//! The deployment is described there once; nothing of it is repeated in code. Parameters have their default values,
//! physical names are the logical ids. What a property says by a function that is not known here is an error, not a
//! guess.

mod queues;
mod resolve;
mod routes;
mod rules;
mod sources;
mod tables;
mod yaml;

use std::collections::BTreeMap;

use serde_json::Value;

pub use queues::QueueSettings;
pub use routes::Route;
pub use rules::BusRule;
pub use sources::{QueueSource, StreamSource};
pub use tables::Table;

const TEMPLATE: &str = include_str!("../../../../template.yaml");

/// Why the template can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// Not YAML.
    #[error("template.yaml is not YAML")]
    Yaml(#[from] serde_norway::Error),
    /// YAML that has no JSON form, such as a map with a list as key.
    #[error("template.yaml: {0} has no JSON form")]
    NoJson(&'static str),
    /// Something is missing or of another kind than expected.
    #[error("template.yaml: {0} is missing or not {1}")]
    Expected(String, &'static str),
    /// A function this reader does not know, or one that names nothing.
    #[error("template.yaml: cannot resolve {0}")]
    Unresolved(String),
}

/// The template, with its functions in their long form.
#[derive(Clone, Debug)]
pub struct Template {
    parameters: BTreeMap<String, Value>,
    resources: BTreeMap<String, Value>,
}

impl Template {
    /// The template this program was built with.
    pub fn embedded() -> Result<Self, TemplateError> {
        Self::parse(TEMPLATE)
    }

    /// Reads a template.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let whole = yaml::to_json(serde_norway::from_str(text)?)?;
        let section = |name: &str| match whole.get(name) {
            Some(Value::Object(entries)) => entries.clone().into_iter().collect(),
            Some(_) | None => BTreeMap::new(),
        };
        Ok(Self { parameters: section("Parameters"), resources: section("Resources") })
    }

    /// Logical ids and resources of one type.
    fn of_type<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let resources = self.resources.iter().map(|(id, resource)| (id.as_str(), resource));
        resources.filter(move |(_, resource)| resource.get("Type").and_then(Value::as_str) == Some(kind))
    }

    /// A property of a resource, resolved; `None` if it is absent.
    fn property(&self, id: &str, path: &[&str]) -> Result<Option<Value>, TemplateError> {
        let resource = self.resources.get(id).ok_or_else(|| TemplateError::Expected(id.to_owned(), "a resource"))?;
        let mut place = resource.get("Properties");
        for name in path {
            place = place.and_then(|value| value.get(name));
        }
        place.map(|value| self.resolve(value)).transpose()
    }

    fn required(&self, id: &str, path: &[&str]) -> Result<Value, TemplateError> {
        let value = self.property(id, path)?;
        value.ok_or_else(|| TemplateError::Expected(format!("{id}.{}", path.join(".")), "present"))
    }

    fn text(&self, id: &str, path: &[&str]) -> Result<String, TemplateError> {
        let value = self.required(id, path)?;
        let text = value.as_str().map(str::to_owned);
        text.ok_or_else(|| TemplateError::Expected(format!("{id}.{}", path.join(".")), "a text"))
    }

    fn number(&self, id: &str, path: &[&str]) -> Result<i64, TemplateError> {
        let value = self.required(id, path)?;
        let number = value.as_i64().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
        number.ok_or_else(|| TemplateError::Expected(format!("{id}.{}", path.join(".")), "a whole number"))
    }

    /// A whole number that fits.
    fn bounded<T: TryFrom<i64>>(&self, id: &str, path: &[&str]) -> Result<T, TemplateError> {
        let number = self.number(id, path)?;
        T::try_from(number).map_err(|_| TemplateError::Expected(format!("{id}.{}", path.join(".")), "in range"))
    }

    fn flag(&self, id: &str, path: &[&str]) -> Result<bool, TemplateError> {
        Ok(match self.property(id, path)? {
            Some(Value::Bool(flag)) => flag,
            Some(Value::String(text)) => text == "true",
            Some(Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_)) | None => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_have_their_defaults_and_resources_their_ids() {
        let text = "Parameters: {N: {Type: Number, Default: 7}}\nResources:\n  A: {Type: T, Properties: {n: !Ref N, r: !GetAtt B.Arn, s: !Sub 'x/${B}', i: !If [C, 1, 2]}}\n  B: {Type: U}\n";
        let template = Template::parse(text).unwrap();
        assert_eq!(template.number("A", &["n"]).unwrap(), 7);
        assert_eq!(template.text("A", &["r"]).unwrap(), "B");
        assert_eq!(template.text("A", &["s"]).unwrap(), "x/B");
        assert!(matches!(template.required("A", &["i"]), Err(TemplateError::Unresolved(_))));
        assert!(matches!(template.required("A", &["z"]), Err(TemplateError::Expected(..))));
        assert_eq!(template.of_type("T").map(|(id, _)| id).collect::<Vec<_>>(), ["A"]);
    }
}
