//! YAML with CloudFormation's short tags → JSON with the long function names.

use serde_json::{Map, Value, json};
use serde_norway::Value as Yaml;

use super::TemplateError;

/// `!Ref x` becomes `{"Ref": "x"}`, any other `!F x` becomes `{"Fn::F": x}`.
pub(super) fn to_json(yaml: Yaml) -> Result<Value, TemplateError> {
    Ok(match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(flag) => Value::Bool(flag),
        Yaml::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => json!(whole),
            (None, Some(other)) => json!(other),
            (None, None) => return Err(TemplateError::NoJson("a number")),
        },
        Yaml::String(text) => Value::String(text),
        Yaml::Sequence(values) => Value::Array(values.into_iter().map(to_json).collect::<Result<_, _>>()?),
        Yaml::Mapping(entries) => {
            let mut object = Map::new();
            for (key, value) in entries {
                let Yaml::String(key) = key else { return Err(TemplateError::NoJson("a key")) };
                object.insert(key, to_json(value)?);
            }
            Value::Object(object)
        }
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let name = tag.trim_start_matches('!');
            let function = if matches!(name, "Ref" | "Condition") { name.to_owned() } else { format!("Fn::{name}") };
            let mut object = Map::new();
            object.insert(function, to_json(tagged.value)?);
            Value::Object(object)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_tags_become_long_names() {
        let yaml = "{a: !Ref X, b: !GetAtt X.Arn, c: !If [C, !Ref Y, 1], d: [true, 1.5, ~]}";
        let json = to_json(serde_norway::from_str(yaml).unwrap()).unwrap();
        let expected = json!({"a": {"Ref": "X"}, "b": {"Fn::GetAtt": "X.Arn"},
            "c": {"Fn::If": ["C", {"Ref": "Y"}, 1]}, "d": [true, 1.5, null]});
        assert_eq!(json, expected);
    }
}
