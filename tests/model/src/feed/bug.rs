//! Bugs to plant: what ingestion would be without one of its rules.

/// A bug. The model must fail with each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Bug {
    /// A commit does not ask where the tip is.
    CommitUnconditional,
    /// A refused commit is taken for done.
    RefusedIsDone,
    /// A commit without an answer is taken for done.
    UnheardIsDone,
    /// The tip is replaced before its batch has its page.
    CommitBeforePage,
    /// The tip is replaced before its bookings have their markers.
    CommitBeforeMarkers,
    /// Markers are put, whatever they were.
    MarkersLowered,
    /// What the tip's own batch holds is not looked at.
    MarkersOnly,
    /// Markers are not looked at.
    TipOnly,
    /// What was known before a lost race is believed after it.
    KnownAfterLoss,
    /// Of an image only its last version is appended.
    HeadOnly,
    /// A booking that fails is reported as ingested.
    FailureSwallowed,
    /// The reader asks for the pages first, for the tip then.
    PagesBeforeTip,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::CommitUnconditional,
        Self::RefusedIsDone,
        Self::UnheardIsDone,
        Self::CommitBeforePage,
        Self::CommitBeforeMarkers,
        Self::MarkersLowered,
        Self::MarkersOnly,
        Self::TipOnly,
        Self::KnownAfterLoss,
        Self::HeadOnly,
        Self::FailureSwallowed,
        Self::PagesBeforeTip,
    ];
}
