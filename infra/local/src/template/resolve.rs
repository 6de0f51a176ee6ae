//! The functions of the template that lead from one of its names to another.

use serde_json::{Map, Value};

use super::{Template, TemplateError};

impl Template {
    /// `value` with every reference replaced: a parameter by its default, a resource or its attribute by its logical id.
    pub(super) fn resolve(&self, value: &Value) -> Result<Value, TemplateError> {
        match value {
            Value::Array(values) => values.iter().map(|value| self.resolve(value)).collect(),
            Value::Object(entries) => {
                let mut names = entries.iter();
                if let (Some((name, argument)), None) = (names.next(), names.next())
                    && (name == "Ref" || name.starts_with("Fn::"))
                {
                    return self.call(name, argument);
                }
                let resolved = entries.iter().map(|(name, value)| Ok((name.clone(), self.resolve(value)?)));
                Ok(Value::Object(resolved.collect::<Result<Map<_, _>, TemplateError>>()?))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(value.clone()),
        }
    }

    fn call(&self, function: &str, argument: &Value) -> Result<Value, TemplateError> {
        let unresolved = || TemplateError::Unresolved(format!("{function} {argument}"));
        match (function, argument) {
            ("Ref", Value::String(name)) => self.named(name).ok_or_else(unresolved),
            ("Fn::GetAtt", Value::String(path)) => {
                let resource = path.split('.').next().unwrap_or(path);
                self.resources.contains_key(resource).then(|| resource.into()).ok_or_else(unresolved)
            }
            ("Fn::GetAtt", Value::Array(path)) => match path.first().and_then(Value::as_str) {
                Some(resource) if self.resources.contains_key(resource) => Ok(resource.into()),
                Some(_) | None => Err(unresolved()),
            },
            ("Fn::Sub", Value::String(text)) => self.substitute(text).map(Value::String).ok_or_else(unresolved),
            (_, _) => Err(unresolved()),
        }
    }

    fn named(&self, name: &str) -> Option<Value> {
        let default = self.parameters.get(name).and_then(|parameter| parameter.get("Default")).cloned();
        default.or_else(|| self.resources.contains_key(name).then(|| name.into()))
    }

    fn substitute(&self, text: &str) -> Option<String> {
        let mut parts = text.split("${");
        let mut whole = parts.next()?.to_owned();
        for part in parts {
            let (name, rest) = part.split_once('}')?;
            let value = self.named(name)?;
            match value.as_str() {
                Some(value) => whole.push_str(value),
                None => whole.push_str(&value.to_string()),
            }
            whole.push_str(rest);
        }
        Some(whole)
    }
}
