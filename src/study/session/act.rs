//! What a rater can do.

use crate::domain::Score;
use crate::store::Reason;

/// One act of the rater. Acts that make no sense where the session stands do nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Go on from the welcome (which is the consent, where none is stored), the guideline, the
    /// feedback of practice, a break, or from the end to the pairs put off.
    Begin,
    /// The score of the pair shown. In a study of preference 1 is the text on the left or above, 2
    /// no difference, 3 the other, as they stand on the screen.
    Score(Score),
    /// Put the pair off; it comes again at the end.
    Skip,
    /// Leave the pair out for a reason; it does not come again by itself.
    LeaveOut(Reason, Option<String>),
    /// One of the texts is broken. The pair stays, to be rated by its meaning or skipped.
    Broken,
    /// Something about the pair for the researcher to see, with words or without.
    Flag(String),
    /// Words for the researcher about the pair; stored at once, with or without a score.
    Comment(String),
    /// Take back the last rating, or go back to the pair skipped last.
    Undo,
    /// The pair before this one.
    Back,
    /// The pair after this one, up to the first that waits.
    Next,
    /// The first pair that waits.
    Front,
    /// The pair with this number, from 1, of those seen already.
    GoTo(usize),
    /// Show the word difference, or hide it. It is shown once that is logged.
    ShowDiff(bool),
    /// Uncover a sensitive text. It is shown once that is logged.
    Reveal,
    /// Open the guideline, or close it.
    Guideline(bool),
    /// A pause: the clock of the pair stands.
    Pause,
    /// The rater leaves, for now or for good: the time on the pair is logged.
    Leave,
    /// Carry out the write again that failed, or read the study again.
    Retry,
    /// A sign of life that changes nothing, such as scrolling: the rater is there.
    Look,
}
