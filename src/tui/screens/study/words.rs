//! Where the figures of each panel come from: what is counted, in which unit, over how many.

use super::Panel;
use crate::study::live::{LIVE_DRAWS, Live, MOST_POINTS, MOST_WIDE};
use crate::tui::theme::Role;

/// The explanation of a panel, as lines.
pub(super) fn how(panel: Panel, live: &Live) -> Vec<(String, Role)> {
    let study = &live.study;
    let lines: Vec<String> = match panel {
        Panel::Raters => vec![
            "rated, of: pairs with a score that stands, of those that are the rater's. Controls and repeats are among them; pairs taken back are not.".into(),
            "put off: skipped and not rated. left: neither rated nor \"cannot judge\"; pairs put off come again.".into(),
            format!("sec: median of the active seconds until a pair's first score (pauses are not counted). All people: {} pairs with a time.", live.speed.timed),
            "a min: pairs rated a minute, over the last 30 minutes of the rater's activity, or all of it where there is less. The lines below the table say how much.".into(),
            "missed: controls scored outside the range expected, of the controls rated.".into(),
            "same: repeats that got the same score as before, of the repeats with both scores.".into(),
            "practice: right answers of the first round before the study, of the pairs asked. It shuts nobody out by itself.".into(),
        ],
        Panel::Cultures => vec![
            "Pairs of people by the culture of the item. Model judges are not counted.".into(),
            "items: all kinds, controls and repeats too. raters: people who have pairs of that culture.".into(),
        ],
        Panel::Growth => vec![
            format!("After each n-th rating of a sample or an anchor by people, at most {MOST_POINTS} points; controls and repeats enter no estimate. At each point the scores that stood then."),
            "alpha: Krippendorff's, ordinal. AC2: Gwet's, quadratic weights. raw: share of pairs of ratings that are equal. They belong together: scores that cluster at one end depress alpha.".into(),
            format!("Intervals: 95 %, percentile bootstrap over seeds (samples of one seed hang together), raters kept, {LIVE_DRAWS} draws with the seed {}. The faint lines are alpha's interval; with more than 400 seeds every fourth point has one.", live.seed),
            "To look often and to stop at a good moment makes agreement look better than it is: say before the study when it ends.".into(),
            format!("For print: polyculture study agreement --study {study}"),
        ],
        Panel::Misses => vec![
            "Controls have a known answer. Of similarity: a seed beside itself (5), beside another seed or its negation (1 to 2). Of two answers: the same answer twice (a tie), an answer to another question (worse).".into(),
            "The score that stands is compared, the newest miss first. Nobody is dropped for a miss.".into(),
        ],
        Panel::Drift => vec![
            "Thirds of each rater's active time; of their ratings where no times were stored.".into(),
            "anchors: own score minus the mean of the other people's scores of that item, in points. A rater who becomes milder goes up from third to third.".into(),
            "repeats: score of the repeat minus that of the original, in points, in the third in which the repeat was rated.".into(),
            format!("Intervals: 95 %, {LIVE_DRAWS} draws; over items for one rater, over raters for all people together."),
        ],
        Panel::Widest => vec![
            format!("Samples and anchors with two scores or more by people ({} of them), widest range first, then variance (n - 1), then more raters; at most {MOST_WIDE}. Items on which all agree are not here.", live.compared),
            "decided: the final score of a researcher, beside the ratings. It changes none of them; exports have both.".into(),
            format!("The same in a shell: polyculture study adjudicate --study {study}"),
        ],
    };
    let mut out: Vec<(String, Role)> = lines.into_iter().map(|l| (l, Role::Text)).collect();
    out.push((
        format!("All of it as JSON: polyculture study status --study {study} --json"),
        Role::Muted,
    ));
    out
}
