//! The replays table's calls.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;

use super::replay_item::{ORDERED, REPLAY_ID, REVISION, decode, encode};
use crate::call::{call, classify};
use crate::dynamodb::expression::{names, number, text, values};
use crate::dynamodb::{Item, UnreadableItem};
use crate::failure::{Store, StoreFailure};
use crate::replays::ports::{Created, Replays, Saved};
use crate::replays::{Replay, ReplayId};

/// The replays table `table`.
pub struct DynamoReplays {
    client: Client,
    table: String,
}

impl DynamoReplays {
    /// Uses the table named `table`.
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }
}

fn corrupt(error: UnreadableItem) -> StoreFailure {
    StoreFailure::corrupt(Store::Replays, error)
}

#[async_trait]
impl Replays for DynamoReplays {
    async fn create(&self, replay: &Replay) -> Result<Created, StoreFailure> {
        let item = encode(replay).map_err(corrupt)?;
        let before = call(Store::Replays, || async {
            let put = self.client.put_item().table_name(&self.table).set_item(Some(item.clone()));
            // Closes the race of two orders under one id: the first one stands.
            let put = put
                .condition_expression("attribute_not_exists(#replay_id)")
                .set_expression_attribute_names(Some(names([REPLAY_ID])))
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
            match put.send().await {
                Ok(_) => Ok(None),
                Err(error) => match error.as_service_error() {
                    Some(PutItemError::ConditionalCheckFailedException(refusal)) if refusal.item().is_some() => {
                        Ok(refusal.item().cloned())
                    }
                    _ => Err(classify(Store::Replays, error)),
                },
            }
        })
        .await?;
        let Some(before) = before else { return Ok(Created::New) };
        let before = decode(before).map_err(corrupt)?;
        // An attempt that got no answer has stored it.
        let own = before.written_by == replay.written_by;
        Ok(if own { Created::New } else { Created::Before(Box::new(before)) })
    }

    async fn get(&self, replay_id: ReplayId) -> Result<Option<Replay>, StoreFailure> {
        let items = call(Store::Replays, || async {
            let query = self.client.query().table_name(&self.table).consistent_read(true);
            let query = query
                .key_condition_expression("#replay_id = :replay_id")
                .set_expression_attribute_names(Some(names([REPLAY_ID])))
                .set_expression_attribute_values(Some(values([(REPLAY_ID, text(replay_id))])));
            let answer = query.send().await.map_err(|error| classify(Store::Replays, error))?;
            Ok(answer.items.unwrap_or_default())
        })
        .await?;
        items.into_iter().next().map(decode).transpose().map_err(corrupt)
    }

    async fn save(&self, replay: &Replay) -> Result<Saved, StoreFailure> {
        let saved = Replay { revision: replay.revision + 1, ..replay.clone() };
        let mut item = encode(&saved).map_err(corrupt)?;
        item.retain(|name, _| name != REPLAY_ID && !ORDERED.contains(&name.as_str()));
        let (update, used, mut with) = set_all(item);
        with.extend(values([("known", number(replay.revision))]));
        let key: Item = [(REPLAY_ID.to_owned(), text(replay.order.replay_id))].into();
        let moved = call(Store::Replays, || async {
            let call = self.client.update_item().table_name(&self.table).set_key(Some(key.clone()));
            // Closes the race of two workers, and of a worker with a cancellation: a revision is followed by one save.
            let call = call
                .update_expression(&update)
                .condition_expression(format!("#{REVISION} = :known"))
                .set_expression_attribute_names(Some(used.clone()))
                .set_expression_attribute_values(Some(with.clone()))
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
            match call.send().await {
                Ok(_) => Ok(None),
                Err(error) => match error.as_service_error() {
                    Some(UpdateItemError::ConditionalCheckFailedException(refusal)) => {
                        Ok(Some(refusal.item().filter(|item| !item.is_empty()).cloned()))
                    }
                    _ => Err(classify(Store::Replays, error)),
                },
            }
        })
        .await?;
        let Some(present) = moved else { return Ok(Saved::Done) };
        let present = present.map(decode).transpose().map_err(corrupt)?;
        // An attempt that got no answer has saved it. The same writer saves a revision once.
        let own = |present: &Replay| (present.revision, present.written_by) == (saved.revision, saved.written_by);
        Ok(if present.as_ref().is_some_and(own) { Saved::Done } else { Saved::Moved(present.map(Box::new)) })
    }
}

/// An update that sets every attribute of `item`, with its names and values.
fn set_all(item: Item) -> (String, HashMap<String, String>, Item) {
    let mut attributes: Vec<_> = item.into_iter().collect();
    attributes.sort_by(|(a, _), (b, _)| a.cmp(b));
    let sets: Vec<_> = attributes.iter().map(|(name, _)| format!("#{name} = :{name}")).collect();
    let used = attributes.iter().map(|(name, _)| (format!("#{name}"), name.clone())).collect();
    let with = attributes.into_iter().map(|(name, value)| (format!(":{name}"), value)).collect();
    (format!("SET {}", sets.join(", ")), used, with)
}
