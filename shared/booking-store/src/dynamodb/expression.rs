//! Names and values of an expression. Every name goes through a placeholder, so no attribute can clash with one of
//! DynamoDB's reserved words.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::Item;

/// `#name` for each of `names`.
pub(crate) fn names<const N: usize>(names: [&str; N]) -> HashMap<String, String> {
    names.into_iter().map(|name| (format!("#{name}"), name.to_owned())).collect()
}

/// `:name` for each of `values`.
pub(crate) fn values<const N: usize>(values: [(&str, AttributeValue); N]) -> Item {
    values.into_iter().map(|(name, value)| (format!(":{name}"), value)).collect()
}

pub(crate) fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

pub(crate) fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// `…, #list[1], #list[0]`: the first `count` elements. The last one first, so that an engine that removes one after the
/// other, where DynamoDB counts positions before the update, removes the same.
pub(super) fn first_elements(list: &str, count: usize) -> impl Iterator<Item = String> + '_ {
    (0..count).rev().map(move |i| format!("#{list}[{i}]"))
}
