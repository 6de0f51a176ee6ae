//! Something around every call of a replay's own ports; see [`crate::around`]. Record and bus come wrapped from
//! [`crate::around::wrap`].

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::ports::{Bookings, BookingsPage, Created, Ports, Replays, Saved, Turns};
use super::{Replay, ReplayId, Turn};
use crate::around::{Around, Call};
use crate::failure::StoreFailure;
use crate::ports::Cursor;

/// The ports with `around` around every call of `replays`, `turns` and `bookings`.
pub fn wrap<A: Around + 'static>(ports: Ports, around: A) -> Ports {
    let wrapped = Arc::new(Wrapped { ports: ports.clone(), around });
    Ports { replays: wrapped.clone(), turns: wrapped.clone(), bookings: wrapped, ..ports }
}

struct Wrapped<A> {
    ports: Ports,
    around: A,
}

#[async_trait]
impl<A: Around> Replays for Wrapped<A> {
    async fn create(&self, replay: &Replay) -> Result<Created, StoreFailure> {
        self.around.around(Call::CreateReplay, self.ports.replays.create(replay)).await
    }
    async fn get(&self, replay_id: ReplayId) -> Result<Option<Replay>, StoreFailure> {
        self.around.around(Call::GetReplay, self.ports.replays.get(replay_id)).await
    }
    async fn save(&self, replay: &Replay) -> Result<Saved, StoreFailure> {
        self.around.around(Call::SaveReplay, self.ports.replays.save(replay)).await
    }
}

#[async_trait]
impl<A: Around> Turns for Wrapped<A> {
    async fn send(&self, turn: &Turn) -> Result<(), StoreFailure> {
        self.around.around(Call::SendTurn, self.ports.turns.send(turn)).await
    }
    async fn back_off(&self, receipt: &str, pause: Duration) -> Result<(), StoreFailure> {
        self.around.around(Call::BackOffTurn, self.ports.turns.back_off(receipt, pause)).await
    }
}

#[async_trait]
impl<A: Around> Bookings for Wrapped<A> {
    async fn page(&self, after: Option<&Cursor>, limit: usize) -> Result<BookingsPage, StoreFailure> {
        self.around.around(Call::BookingsPage, self.ports.bookings.page(after, limit)).await
    }
    async fn estimate(&self) -> Result<u64, StoreFailure> {
        self.around.around(Call::BookingsEstimate, self.ports.bookings.estimate()).await
    }
}
