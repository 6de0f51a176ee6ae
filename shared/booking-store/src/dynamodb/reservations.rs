//! The reservations table's calls.

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};

use super::expression::{first_elements, names, number, text, values};
use super::{Item, UnreadableItem, conflict_item, image, reservation_item, schema};
use crate::call::{call, call_telling_doubt, classify};
use crate::failure::{FailureKind, Store, StoreFailure};
use crate::ports::{Claims, ConflictKept, Cursor, Decided, Reservations, StalePage, Trimmed};
use crate::reservation::Trim;
use crate::{BookingCode, Conflict, Decision, ExpectedVersion, Image, Reservation, Timestamp, Version};

/// The reservations table `table`.
pub struct DynamoReservations {
    client: Client,
    table: String,
}

impl DynamoReservations {
    /// Uses the table named `table`.
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }
}

fn corrupt(error: UnreadableItem) -> StoreFailure {
    StoreFailure::corrupt(Store::Reservations, error)
}

#[async_trait]
impl Reservations for DynamoReservations {
    async fn decide(&self, decision: &Decision) -> Result<Decided, StoreFailure> {
        match decision.expected {
            ExpectedVersion::New => self.create(decision).await,
            // Closes the race of two writers behind the same version: the head moves once.
            ExpectedVersion::Exact(version) => self.extend(decision, "#head = :expected", Some(version)).await,
            // Closes the race with nobody: it may stand anywhere, but only in a booking that exists.
            ExpectedVersion::Any => self.extend(decision, "attribute_exists(#booking_code)", None).await,
        }
    }

    async fn claims(&self, booking_code: &BookingCode) -> Result<Claims, StoreFailure> {
        let mut claims = Claims::default();
        let mut after = None;
        loop {
            let (items, next) = self.claims_page(booking_code, after).await?;
            for item in items {
                let image = image::decode_image(item.into());
                match image.map_err(|error| StoreFailure::corrupt(Store::Reservations, error))? {
                    Image::Reservation(reservation) => claims.reservation = Some(*reservation),
                    Image::Conflict(conflict) => claims.conflicts.push(*conflict),
                }
            }
            if next.is_none() {
                return Ok(claims);
            }
            after = next;
        }
    }

    async fn trim(&self, booking_code: &BookingCode, trim: &Trim) -> Result<Trimmed, StoreFailure> {
        let removed = first_elements(schema::PENDING, trim.events).chain(first_elements(schema::RECENT, trim.forget));
        let removed: Vec<_> = removed.collect();
        let update =
            format!("SET #settled = :to, #pending_bytes = #pending_bytes - :bytes REMOVE {}", removed.join(", "));
        let mut used = names([schema::SETTLED, schema::PENDING_BYTES, schema::PENDING]);
        if trim.forget > 0 {
            used.extend(names([schema::RECENT]));
        }
        let with =
            values([("from", number(trim.from.get())), ("to", number(trim.to.get())), ("bytes", number(trim.bytes))]);
        call(Store::Reservations, || async {
            let call = self.client.update_item().table_name(&self.table).set_key(Some(key(booking_code)));
            // Closes the race of two settlers: positions in the lists hold only from the settled version they were
            // counted from, so the second one removes nothing.
            let call = call
                .update_expression(&update)
                .condition_expression("#settled = :from")
                .set_expression_attribute_names(Some(used.clone()))
                .set_expression_attribute_values(Some(with.clone()))
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
            match call.send().await {
                Ok(_) => Ok(Trimmed::Done),
                Err(error) => Ok(Trimmed::Moved(refused_update(error)?)),
            }
        })
        .await
    }

    async fn keep_conflict(&self, conflict: &Conflict) -> Result<ConflictKept, StoreFailure> {
        let item = conflict_item::encode(conflict).map_err(corrupt)?;
        match self.put_if_absent(item).await? {
            None => Ok(ConflictKept::Kept),
            Some(kept) => {
                let same = conflict_item::decode(kept).map_err(corrupt)?.event == conflict.event;
                Ok(if same { ConflictKept::Kept } else { ConflictKept::OtherPayload })
            }
        }
    }

    async fn stale(
        &self,
        before: Timestamp,
        segment: u32,
        segments: u32,
        after: Option<&Cursor>,
    ) -> Result<StalePage, StoreFailure> {
        let (segment, segments) = (i32::try_from(segment).unwrap_or(0), i32::try_from(segments).unwrap_or(1));
        let with = values([("zero", number(0)), ("before", text(before))]);
        let filter = "#pending_bytes > :zero AND #pending[0].#accepted_at < :before";
        call(Store::Reservations, || async {
            let scan = self.client.scan().table_name(&self.table).consistent_read(true);
            let scan = scan
                .segment(segment)
                .total_segments(segments)
                .filter_expression(filter)
                .set_expression_attribute_names(Some(names([
                    schema::PENDING_BYTES,
                    schema::PENDING,
                    schema::ACCEPTED_AT,
                ])))
                .set_expression_attribute_values(Some(with.clone()))
                .set_exclusive_start_key(after.map(start_key));
            let answer = scan.send().await.map_err(|error| classify(Store::Reservations, error))?;
            let next = answer.last_evaluated_key.as_ref().and_then(cursor);
            let items = answer.items.unwrap_or_default();
            let reservations = items.into_iter().map(reservation_item::decode).collect::<Result<_, _>>();
            Ok(StalePage { reservations: reservations.map_err(corrupt)?, next })
        })
        .await
    }
}

impl DynamoReservations {
    /// The decision on a new booking.
    async fn create(&self, decision: &Decision) -> Result<Decided, StoreFailure> {
        let new = decision.apply(None);
        match self.put_if_absent(reservation_item::encode(&new).map_err(corrupt)?).await? {
            None => Ok(Decided::Granted(Box::new(new))),
            Some(old) => Ok(Decided::Refused(Some(Box::new(reservation_item::decode(old).map_err(corrupt)?)))),
        }
    }

    /// Puts `item` unless its key exists; then returns what does.
    async fn put_if_absent(&self, item: Item) -> Result<Option<Item>, StoreFailure> {
        call(Store::Reservations, || async {
            let put = self.client.put_item().table_name(&self.table).set_item(Some(item.clone()));
            // Closes the race of two claimants of one code: one item, one owner.
            let put = put
                .condition_expression("attribute_not_exists(#booking_code)")
                .set_expression_attribute_names(Some(names([schema::BOOKING_CODE])))
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
            match put.send().await {
                Ok(_) => Ok(None),
                Err(error) => match error.as_service_error() {
                    Some(PutItemError::ConditionalCheckFailedException(refusal)) if refusal.item().is_some() => {
                        Ok(refusal.item().cloned())
                    }
                    _ => Err(classify(Store::Reservations, error)),
                },
            }
        })
        .await
    }

    /// The decision on a booking that exists: one conditional update that hands out the next versions.
    async fn extend(
        &self,
        decision: &Decision,
        place: &str,
        expected: Option<Version>,
    ) -> Result<Decided, StoreFailure> {
        let update = "SET #head = #head + :count, #pending = list_append(#pending, :events), \
                      #recent = list_append(#recent, :ids), #pending_bytes = #pending_bytes + :bytes";
        // Room: an item that would outgrow DynamoDB's limit is refused before it does. Ids: closes the race of a
        // request with its own retry, whatever version that one would get.
        let mut condition = format!("{place} AND #pending_bytes <= :room");
        let ids: Vec<_> = decision.event_ids().map(reservation_item::recent_element).collect();
        let mut with = values([
            ("count", number(decision.events.len() as u64)),
            ("events", reservation_item::pending_elements(&decision.accepted_after(Version::NONE)).map_err(corrupt)?),
            ("ids", aws_sdk_dynamodb::types::AttributeValue::L(ids.clone())),
            ("bytes", number(decision.bytes())),
            ("room", number(decision.room())),
        ]);
        let mut used = names([schema::HEAD, schema::PENDING, schema::RECENT, schema::PENDING_BYTES, schema::OWNER]);
        match expected {
            Some(version) => with.extend(values([("expected", number(version.get()))])),
            None => used.extend(names([schema::BOOKING_CODE])),
        }
        for (i, (id, recent)) in decision.event_ids().zip(ids).enumerate() {
            condition.push_str(&format!(" AND NOT contains(#recent, :id{i}) AND #owner <> :owner{i}"));
            with.extend([(format!(":id{i}"), recent), (format!(":owner{i}"), text(id))]);
        }
        let (decided, in_doubt) = call_telling_doubt(Store::Reservations, || async {
            let call = self.client.update_item().table_name(&self.table).set_key(Some(key(&decision.booking_code)));
            let call = call
                .update_expression(update)
                .condition_expression(&condition)
                .set_expression_attribute_names(Some(used.clone()))
                .set_expression_attribute_values(Some(with.clone()))
                .return_values(ReturnValue::AllNew)
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
            match call.send().await {
                Ok(answer) => {
                    let new = answer.attributes.unwrap_or_default();
                    Ok(Decided::Granted(Box::new(reservation_item::decode(new).map_err(corrupt)?)))
                }
                Err(error) => Ok(Decided::Refused(refused_update(error)?)),
            }
        })
        .await?;
        match decided {
            // An earlier attempt got no answer and may land yet: "refused" would be a promise nobody can keep.
            Decided::Refused(old) if in_doubt && decision.may_yet_be_granted(old.as_deref()) => {
                let why = "refused, but an earlier attempt may land yet";
                Err(StoreFailure::new(Store::Reservations, FailureKind::NoAnswer).because(why))
            }
            granted_or_final @ (Decided::Granted(_) | Decided::Refused(_)) => Ok(granted_or_final),
        }
    }

    async fn claims_page(
        &self,
        booking_code: &BookingCode,
        after: Option<Item>,
    ) -> Result<(Vec<Item>, Option<Item>), StoreFailure> {
        call(Store::Reservations, || async {
            let query = self.client.query().table_name(&self.table).consistent_read(true);
            let query = query
                .key_condition_expression("#booking_code = :booking_code")
                .set_expression_attribute_names(Some(names([schema::BOOKING_CODE])))
                .set_expression_attribute_values(Some(values([("booking_code", text(booking_code))])))
                .set_exclusive_start_key(after.clone());
            let answer = query.send().await.map_err(|error| classify(Store::Reservations, error))?;
            let next = answer.last_evaluated_key.filter(|key| !key.is_empty());
            Ok((answer.items.unwrap_or_default(), next))
        })
        .await
    }
}

/// The reservation as it is, of an update whose condition failed.
fn refused_update(
    error: SdkError<UpdateItemError, aws_sdk_dynamodb::config::http::HttpResponse>,
) -> Result<Option<Box<Reservation>>, StoreFailure> {
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(refusal)) => {
            let old = refusal.item().filter(|item| !item.is_empty());
            let old = old.map(|item| reservation_item::decode(item.clone()).map(Box::new));
            old.transpose().map_err(corrupt)
        }
        _ => Err(classify(Store::Reservations, error)),
    }
}

fn key(booking_code: &BookingCode) -> Item {
    start_key(&Cursor { booking_code: booking_code.to_string(), item: schema::RESERVATION.to_owned() })
}

fn start_key(cursor: &Cursor) -> Item {
    let item = [(schema::BOOKING_CODE, &cursor.booking_code), (schema::ITEM, &cursor.item)];
    item.into_iter().map(|(name, value)| (name.to_owned(), text(value))).collect()
}

fn cursor(key: &Item) -> Option<Cursor> {
    let part = |name: &str| key.get(name).and_then(|value| value.as_s().ok()).cloned();
    Some(Cursor { booking_code: part(schema::BOOKING_CODE)?, item: part(schema::ITEM)? })
}
