//! States on demand: a snapshot and the rest of the events, which is what all the events give.

use std::sync::Arc;

use booking_store::failure::StoreFailure;
use booking_store::{BookingCode, Version};

use crate::fold::Folder;
use crate::ports::{Snapshot, Snapshots, Source, SourceFailure};
use crate::projection::Projection;

/// Why a state can't be told.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The source can't tell.
    #[error(transparent)]
    Source(#[from] SourceFailure),
    /// The snapshots' store failed.
    #[error("the snapshots can't be read or written")]
    Snapshots(#[from] StoreFailure),
    /// `apply` refuses an event.
    #[error("version {version} can't be applied: {reason}")]
    Apply {
        /// Which one.
        version: Version,
        /// Why.
        reason: String,
    },
    /// The state is no JSON.
    #[error("the state can't be written")]
    State(#[from] serde_json::Error),
}

/// A state, and how it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded<S> {
    /// The state.
    pub state: S,
    /// The version of the last event in it.
    pub version: Version,
    /// The version of the snapshot it began from; 0 without one.
    pub snapshot: Version,
}

/// Loads states of one projection. It runs no reaction and writes no record.
pub struct Loader<P: Projection> {
    folder: Folder<P>,
    source: Arc<dyn Source>,
    snapshots: Arc<dyn Snapshots>,
    every: u64,
}

impl<P: Projection> Loader<P> {
    /// Loads from `source`, and leaves a snapshot wherever a load meets a multiple of `every` (0: none but on demand). One
    /// that can't be left is logged and fails no load.
    pub fn new(projection: P, source: Arc<dyn Source>, snapshots: Arc<dyn Snapshots>, every: u64) -> Self {
        Self { folder: Folder::new(projection), source, snapshots, every }
    }

    /// The state with every event the source shows.
    ///
    /// # Errors
    /// It can't be told.
    pub async fn load(&self, booking_code: &BookingCode) -> Result<Loaded<P::State>, LoadError> {
        self.load_until(booking_code, None).await
    }

    /// The state as it was right after version `version`.
    ///
    /// # Errors
    /// It can't be told; or there is no such version.
    pub async fn load_at(&self, booking_code: &BookingCode, version: Version) -> Result<Loaded<P::State>, LoadError> {
        self.load_until(booking_code, Some(version)).await
    }

    /// Takes a snapshot of the newest state.
    ///
    /// # Errors
    /// The state can't be told, or the snapshot not be kept.
    pub async fn snapshot(&self, booking_code: &BookingCode) -> Result<Snapshot, LoadError> {
        let loaded = self.load(booking_code).await?;
        self.keep(booking_code, &loaded.state, loaded.version).await
    }

    async fn load_until(&self, code: &BookingCode, last: Option<Version>) -> Result<Loaded<P::State>, LoadError> {
        let mut loaded = self.begin(code, last.unwrap_or(Version::new(u64::MAX))).await?;
        let known = last.unwrap_or(Version::NONE);
        while last.is_none_or(|last| loaded.version < last) {
            let page = self.source.page(code, loaded.version.next(), known).await?;
            for event in page.events {
                if event.version != loaded.version.next() {
                    let what = format!("version {} where {} belongs", event.version, loaded.version.next());
                    return Err(SourceFailure::Corrupt(what).into());
                }
                if last.is_some_and(|last| event.version > last) {
                    break;
                }
                let applied = self.folder.apply(&mut loaded.state, &event);
                applied.map_err(|failed| LoadError::Apply { version: failed.version, reason: failed.reason })?;
                loaded.version = event.version;
                if self.every > 0 && loaded.version.get().is_multiple_of(self.every) {
                    self.leave(code, &loaded).await;
                }
            }
            if page.next.is_none() {
                break;
            }
        }
        if loaded.version < known {
            return Err(SourceFailure::Behind { known, head: loaded.version }.into());
        }
        Ok(loaded)
    }

    /// A snapshot on the way. Without it the state is known all the same, and the next load is longer.
    async fn leave(&self, code: &BookingCode, loaded: &Loaded<P::State>) {
        if let Err(error) = self.keep(code, &loaded.state, loaded.version).await {
            let (projection, version) = (self.folder.projection.name(), loaded.version);
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::warn!(projection, booking_code = %code, %version, %error, cause, "no snapshot is left");
        }
    }

    /// The newest snapshot that fits, or nothing at all. One that can't be read is as good as none.
    async fn begin(&self, code: &BookingCode, at_most: Version) -> Result<Loaded<P::State>, LoadError> {
        let state_version = self.folder.projection.state_version();
        let snapshot = self.snapshots.latest(code, state_version, at_most).await?;
        let read = snapshot.and_then(|snapshot| {
            let state = serde_json::from_str(&snapshot.state);
            let named = self.folder.projection.name();
            let state = state.inspect_err(|error| tracing::error!(projection = named, %error, "unreadable snapshot"));
            Some(Loaded { state: state.ok()?, version: snapshot.version, snapshot: snapshot.version })
        });
        let nothing = Loaded { state: P::State::default(), version: Version::NONE, snapshot: Version::NONE };
        Ok(read.unwrap_or(nothing))
    }

    async fn keep(&self, code: &BookingCode, state: &P::State, version: Version) -> Result<Snapshot, LoadError> {
        let (state, state_version) = (serde_json::to_string(state)?, self.folder.projection.state_version());
        let snapshot = Snapshot { booking_code: code.clone(), state_version, version, state };
        self.snapshots.put(&snapshot).await?;
        Ok(snapshot)
    }
}
