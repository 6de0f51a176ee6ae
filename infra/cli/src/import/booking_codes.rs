//! Booking codes and event ids, derived from a row's identity alone: the same in every run.
//!
//! Short codes collide, and that is wanted: a department chooses its codes without asking the others.

use booking_store::BookingCode;
use booking_store::limits::MAX_BOOKING_CODE_LEN;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::import::booking::Identity;

/// 32 letters and digits that cannot be taken for one another (no I, L, O, U).
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The namespace of the event ids that imports derive.
const EVENT_IDS: Uuid = Uuid::from_u128(0x8c0e_5a1f_6d3b_4f0e_9a57_2b7c_41d6_e0b3);

/// The code of the given claim, counted from 0; `length` is 1 to 64.
#[expect(clippy::expect_used, reason = "within the rules by construction")]
pub fn derive(identity: &Identity, claim: u16, length: usize) -> BookingCode {
    let length = length.clamp(1, MAX_BOOKING_CODE_LEN);
    let mut code = String::with_capacity(MAX_BOOKING_CODE_LEN);
    for block in 0u8..2 {
        let mut hash = Sha256::new();
        hash.update(identity.as_bytes());
        hash.update(claim.to_be_bytes());
        hash.update([block]);
        // Five of eight bits a byte: 32 characters a block, each as likely as any other.
        code.extend(hash.finalize().iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])));
    }
    code.truncate(length);
    BookingCode::parse(&code).expect("1 to 64 letters and digits")
}

/// The id of an event: another one under another code, so that a lost claim's event is not the won claim's.
pub fn event_id(identity: &Identity, index: usize, code: &BookingCode) -> Uuid {
    let mut name = identity.as_bytes().to_vec();
    name.extend_from_slice(&u64::try_from(index).unwrap_or(u64::MAX).to_be_bytes());
    name.extend_from_slice(code.as_str().as_bytes());
    Uuid::new_v5(&EVENT_IDS, &name)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn row(line: u64) -> Identity {
        Identity::of(line, [b"Resort Hotel".as_slice(), b"75"])
    }

    #[test]
    fn are_the_same_in_every_version_of_this_program() {
        let code = derive(&row(2), 0, 8);
        assert_eq!(code.as_str(), "Y1RQNK68");
        assert_eq!(event_id(&row(2), 0, &code).to_string(), "1a783049-d3d7-5b7f-bd7a-2651db7362f6");
    }

    #[test]
    fn short_codes_collide_and_long_ones_do_not() {
        let distinct = |length| (0..5_000).map(|line| derive(&row(line), 0, length)).collect::<HashSet<_>>().len();
        assert!(distinct(3) < 5_000);
        assert_eq!(distinct(16), 5_000);
    }

    #[test]
    fn cells_do_not_run_into_each_other() {
        assert_ne!(Identity::of(1, [b"ab".as_slice(), b"c"]), Identity::of(1, [b"a".as_slice(), b"bc"]));
    }

    proptest! {
        #[test]
        fn have_the_length_asked_for_and_change_with_the_claim(line: u64, claim in 0u16..1000, length in 1usize..=64) {
            let code = derive(&row(line), claim, length);
            prop_assert_eq!(code.as_str().len(), length);
            prop_assert_eq!(&code, &derive(&row(line), claim, length));
            let long = derive(&row(line), claim, 64);
            prop_assert!(long.as_str().starts_with(code.as_str()));
            prop_assert_ne!(long, derive(&row(line), claim + 1, 64));
        }

        #[test]
        fn event_ids_differ_by_row_index_and_code(line in 0u64..1000, index in 0usize..1000) {
            let code = derive(&row(line), 0, 20);
            let id = event_id(&row(line), index, &code);
            prop_assert_ne!(id, event_id(&row(line + 1), index, &code));
            prop_assert_ne!(id, event_id(&row(line), index + 1, &code));
            prop_assert_ne!(id, event_id(&row(line), index, &derive(&row(line), 1, 20)));
        }
    }
}
