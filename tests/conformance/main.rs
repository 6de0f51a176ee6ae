//! What the protocol relies on, asked of every engine through the ports: in memory, the embedded system's stores
//! (`dynoxide` and the queue in the ledger) and `ministack`, the last two through the adapters that run on AWS.
//!
//! A case is written once. Where an engine is known to differ, [`differences`] says how and why; the case must fail
//! there in just that way.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "whatever fails here fails the test")]

mod claims;
mod contention;
mod decide;
mod differences;
mod engine;
mod equivalence;
mod events;
mod feed_log;
mod given;
mod projection_records;
#[path = "../python/mod.rs"]
mod python;
mod queue;
mod queue_letters;
mod replays;
mod sizes;
mod stale;
mod trim;
mod turns;

/// A test for each case on one engine.
macro_rules! cases_on {
    ($engine:ident $([$area:ident $($case:ident)*])*) => {
        mod $engine {
            $(mod $area {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    let engine = crate::engine::$engine().await;
                    let name = concat!(stringify!($area), "::", stringify!($case));
                    crate::differences::check(&engine, name, crate::$area::$case(&engine)).await;
                })*
            })*
        }
    };
}

/// Every case on every engine.
macro_rules! cases {
    ($($all:tt)*) => {
        cases_on!(memory $($all)*);
        cases_on!(embedded $($all)*);
        cases_on!(ministack $($all)*);
        /// The names that [`differences`] may use.
        const CASES: &[&str] = &named!($($all)*);
    };
}

macro_rules! named {
    ($([$area:ident $($case:ident)*])*) => {
        [$($(concat!(stringify!($area), "::", stringify!($case)),)*)*]
    };
}

cases! {
    [decide
        a_code_is_granted_once
        a_refusal_shows_all_that_is_kept
        only_the_exact_version_is_granted
        the_end_is_granted_wherever_it_is
        a_booking_that_is_not_there_is_refused
        a_recent_id_is_refused
        one_recent_id_refuses_the_whole_batch
        a_forgotten_id_is_granted_but_not_the_owners
        twenty_five_events_are_one_decision
        pending_bytes_leave_room_or_refuse
        payloads_keep_every_byte
        codes_differ_by_case]
    [trim
        the_first_events_go
        a_hundred_go_at_a_time
        what_came_since_an_old_image_stays
        the_second_of_two_settlers_removes_nothing
        settlers_at_the_same_time_remove_once
        nothing_is_trimmed_of_nothing]
    [claims
        a_code_nobody_asked_for_has_none
        a_conflict_is_kept_once
        another_payload_does_not_overwrite
        conflicts_stand_beside_the_reservation
        conflicts_of_more_than_1_mb_come_whole]
    [events
        a_version_is_recorded_once
        the_highest_is_the_last
        a_range_begins_and_ends_where_asked
        a_range_of_more_than_1_mb_comes_whole
        a_range_stops_after_its_bytes
        payloads_keep_every_byte
        versions_are_exact_to_the_last_digit
        a_gap_is_no_answer]
    [sizes
        an_event_just_below_400_kb_is_recorded
        an_event_above_400_kb_is_too_large
        an_update_above_400_kb_is_too_large_and_changes_nothing
        a_booking_above_400_kb_is_too_large_and_leaves_the_code_free]
    [contention
        of_twenty_claimants_one_gets_the_code
        behind_one_version_one_of_twenty_is_granted
        at_the_end_twenty_get_versions_of_their_own
        of_twenty_recorders_the_first_stands
        a_conflict_kept_by_twenty_is_one]
    [stale
        segments_show_every_old_booking_once
        the_bound_is_exclusive_and_asks_the_oldest_event
        a_scan_above_1_mb_comes_in_pages_and_whole
        a_page_ends_at_1_mb]
    [feed_log
        a_partition_begins_with_nothing
        a_batch_goes_behind_the_tip_or_nowhere
        of_twenty_indexers_one_commits
        a_page_is_kept_once_and_never_changes
        pages_begin_and_end_where_asked
        pages_of_more_than_1_mb_come_whole
        a_marker_only_rises
        indexers_side_by_side_append_each_event_once]
    [replays
        a_replay_is_created_once
        there_is_no_replay_until_it_is_created
        a_save_needs_the_revision_it_was_read_at
        of_twenty_savers_one_saves
        everything_comes_back_as_it_was_saved
        the_order_never_changes
        the_largest_replay_fits
        a_scan_shows_every_booking_once_and_nothing_else
        a_scan_above_1_mb_comes_whole
        a_scan_of_nothing_ends]
    [queue
        a_group_keeps_its_order
        a_message_in_flight_blocks_its_group_alone
        a_twin_is_dropped_also_after_its_message_is_gone
        deduplication_ends_at_the_group
        another_payload_is_another_message
        a_message_hides_for_its_visibility_and_counts_its_receives
        a_backed_off_message_returns_after_its_pause
        a_backed_off_message_still_blocks_its_group
        an_old_receipt_deletes_nothing
        an_old_receipt_is_refused_for_back_off]
    [queue_letters
        bodies_keep_every_byte
        the_largest_append_fits
        a_body_above_1_mib_is_too_large
        a_dead_letter_has_its_reason
        a_dead_letter_set_aside_twice_is_one
        a_message_received_too_often_moves_away_and_frees_its_group]
}
