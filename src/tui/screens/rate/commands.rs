//! Commands of the Rate screen. Digits rate while a pair is shown, and switch screens elsewhere.

use super::keys::score_act;
use super::words::Purpose;
use super::{Panel, Rate};
use crate::store::Reason;
use crate::study::session::Act;
use crate::tui::command::{Command, Run, When};
use crate::tui::screen::{Cx, ScreenId};

macro_rules! rate {
    ($name:literal, $mode:literal, $keys:expr, $doc:literal, $hint:literal, $do:expr) => {
        Command {
            name: $name,
            keys: $keys,
            when: When::In(ScreenId::Rate, $mode),
            doc: $doc,
            hint: $hint,
            run: Run::Rate($do),
        }
    };
}

fn score(r: &mut Rate, cx: &mut Cx<'_>, n: u8) {
    r.act(score_act(n), cx);
}

/// All of them. Those of a pair stand in the order of the footer.
pub const COMMANDS: &[Command] = &[
    // choosing
    rate!(
        "rate.open",
        "pick",
        &["enter"],
        "Rate as the one under the cursor",
        "rate",
        Rate::open_pick
    ),
    rate!(
        "rate.new",
        "pick",
        &["n"],
        "Rate kept samples of your own: a small study for one",
        "rate your own samples",
        Rate::new_form
    ),
    rate!(
        "rate.lead",
        "pick",
        &["m"],
        "The study as whoever leads it sees it: progress, agreement, items to decide on",
        "lead the study",
        Rate::lead
    ),
    rate!(
        "rate.new-study",
        "pick",
        &["N"],
        "A new study with several raters",
        "new study",
        Rate::new_study
    ),
    rate!("rate.refresh", "pick", &["r"], "Read the list again", "", Rate::read_picks),
    rate!("rate.try-again", "failed", &["r"], "Try again", "try again", Rate::try_again),
    rate!("rate.give-up", "failed", &["esc"], "Back to the list", "back", Rate::leave_session),
    // a pair
    rate!(
        "rate.1",
        "item",
        &["1"],
        "Rate 1: different or opposite meaning (of two answers: A is better)",
        "to 5: rate",
        |r, cx| score(r, cx, 1)
    ),
    rate!("rate.2", "item", &["2"], "Rate 2", "", |r, cx| score(r, cx, 2)),
    rate!("rate.3", "item", &["3"], "Rate 3", "", |r, cx| score(r, cx, 3)),
    rate!("rate.4", "item", &["4"], "Rate 4", "", |r, cx| score(r, cx, 4)),
    rate!("rate.5", "item", &["5"], "Rate 5: same meaning", "", |r, cx| score(r, cx, 5)),
    rate!("rate.undo", "item", &["u"], "Take the last rating back", "undo", |r, cx| r
        .act(Act::Undo, cx)),
    rate!(
        "rate.skip",
        "item",
        &["s"],
        "Pass the pair over: later, or for a reason that you choose by one key",
        "skip",
        Rate::skip_open
    ),
    rate!("rate.guide", "item", &["g"], "The guideline, with examples", "guideline", |r, cx| r
        .act(Act::Guideline(true), cx)),
    rate!(
        "rate.cannot-judge",
        "item",
        &["n"],
        "You cannot judge this pair; it does not come again",
        "cannot judge",
        |r, cx| r.act(Act::LeaveOut(Reason::CannotJudge, None), cx)
    ),
    rate!(
        "rate.broken",
        "item",
        &["b"],
        "A text is broken; rate its meaning all the same, or skip (of two answers: B is better)",
        "broken",
        Rate::key_b
    ),
    rate!("rate.a", "item", &["a"], "Of two answers: A is better", "", |r, cx| r.choose(1, cx)),
    rate!("rate.tie", "item", &["t"], "Of two answers: no difference", "", |r, cx| r.choose(2, cx)),
    rate!(
        "rate.reveal",
        "item",
        &["enter"],
        "Show texts that are covered; that is logged",
        "",
        Rate::reveal
    ),
    rate!("rate.comment", "item", &["c"], "Write a comment on the pair", "comment", |r, cx| r
        .words_open(Purpose::Comment, cx)),
    rate!(
        "rate.flag",
        "item",
        &["f"],
        "Flag the pair for the researcher, with words",
        "flag",
        |r, cx| r.words_open(Purpose::Flag, cx)
    ),
    rate!(
        "rate.diff",
        "item",
        &["d"],
        "Show or hide the word difference, where the study allows it; it is logged",
        "diff",
        Rate::toggle_diff
    ),
    rate!("rate.retry", "item", &["r"], "Save again what could not be saved", "", |r, cx| r
        .act(Act::Retry, cx)),
    rate!("rate.back", "item", &["left", "h"], "The pair before", "", |r, cx| r.act(Act::Back, cx)),
    rate!(
        "rate.next",
        "item",
        &["right", "l"],
        "The pair after, up to the first that waits",
        "",
        |r, cx| r.act(Act::Next, cx)
    ),
    rate!("rate.front", "item", &["end", "G"], "The first pair that waits", "", |r, cx| r
        .act(Act::Front, cx)),
    rate!(
        "rate.own",
        "item",
        &["v"],
        "The list of your own ratings, to change one",
        "your ratings",
        Rate::open_own
    ),
    rate!(
        "rate.pause",
        "item",
        &["p"],
        "Take a break: the clock of the pair stands",
        "pause",
        |r, cx| r.act(Act::Pause, cx)
    ),
    rate!(
        "rate.read",
        "item",
        &["o"],
        "Read the pair in your pager (in the program where only rating is offered)",
        "",
        Rate::read_pair
    ),
    rate!(
        "rate.page",
        "item",
        &["O"],
        "Write the pair as a web page, where every script is shown right",
        "",
        Rate::page_pair
    ),
    rate!("rate.down", "item", &["j", "down"], "Scroll the texts down", "", |r, cx| r
        .scroll_by(1, cx)),
    rate!("rate.up", "item", &["k", "up"], "Scroll the texts up", "", |r, cx| r.scroll_by(-1, cx)),
    rate!(
        "rate.page-down",
        "item",
        &["pagedown", "space"],
        "Scroll the texts a page down",
        "",
        |r, cx| r.scroll_by(8, cx)
    ),
    rate!("rate.page-up", "item", &["pageup"], "Scroll the texts a page up", "", |r, cx| r
        .scroll_by(-8, cx)),
    rate!("rate.leave", "item", &["esc"], "Back to the list of studies", "", Rate::leave_session),
    // why a pair is passed over
    rate!("rate.skip-meaning", "skip", &["1"], "You do not understand it", "", |r, cx| r
        .skip_for(Reason::NotUnderstood, cx)),
    rate!("rate.skip-broken", "skip", &["2"], "A text is broken", "", |r, cx| r
        .skip_for(Reason::BrokenText, cx)),
    rate!("rate.skip-judge", "skip", &["3"], "You cannot judge it", "", |r, cx| r
        .skip_for(Reason::CannotJudge, cx)),
    rate!("rate.skip-offends", "skip", &["4"], "It offends you", "", |r, cx| r
        .skip_for(Reason::Offensive, cx)),
    rate!(
        "rate.skip-later",
        "skip",
        &["5", "s"],
        "Later: it comes again at the end",
        "later",
        Rate::skip_later
    ),
    rate!("rate.skip-words", "skip", &["6"], "Another reason, in words", "", |r, cx| r
        .skip_for(Reason::Other, cx)),
    rate!("rate.skip-close", "skip", &["esc"], "Back to the pair", "back", Rate::skip_close),
    // practice
    rate!("rate.practice-1", "practice", &["1"], "Rate 1", "to 5: rate", |r, cx| score(r, cx, 1)),
    rate!("rate.practice-2", "practice", &["2"], "Rate 2", "", |r, cx| score(r, cx, 2)),
    rate!("rate.practice-3", "practice", &["3"], "Rate 3", "", |r, cx| score(r, cx, 3)),
    rate!("rate.practice-4", "practice", &["4"], "Rate 4", "", |r, cx| score(r, cx, 4)),
    rate!("rate.practice-5", "practice", &["5"], "Rate 5", "", |r, cx| score(r, cx, 5)),
    rate!("rate.practice-a", "practice", &["a"], "Of two answers: A is better", "", |r, cx| r
        .choose(1, cx)),
    rate!("rate.practice-tie", "practice", &["t"], "Of two answers: no difference", "", |r, cx| r
        .choose(2, cx)),
    rate!("rate.practice-b", "practice", &["b"], "Of two answers: B is better", "", |r, cx| r
        .choose(3, cx)),
    rate!(
        "rate.practice-guide",
        "practice",
        &["g"],
        "The guideline again",
        "guideline",
        |r, cx| {
            r.act(Act::Guideline(true), cx);
        }
    ),
    rate!(
        "rate.practice-retry",
        "practice",
        &["r"],
        "Save again what could not be saved",
        "",
        |r, cx| r.act(Act::Retry, cx)
    ),
    rate!(
        "rate.practice-down",
        "practice",
        &["j", "down"],
        "Scroll the texts down",
        "",
        |r, cx| r.scroll_by(1, cx)
    ),
    rate!("rate.practice-up", "practice", &["k", "up"], "Scroll the texts up", "", |r, cx| r
        .scroll_by(-1, cx)),
    rate!(
        "rate.practice-leave",
        "practice",
        &["esc"],
        "Back to the list of studies",
        "",
        Rate::leave_session
    ),
    rate!("rate.practice-on", "feedback", &["enter", "space"], "Go on", "go on", |r, cx| r
        .act(Act::Begin, cx)),
    rate!("rate.feedback-guide", "feedback", &["g"], "The guideline again", "", |r, cx| r
        .act(Act::Guideline(true), cx)),
    rate!(
        "rate.feedback-leave",
        "feedback",
        &["esc"],
        "Back to the list of studies",
        "",
        Rate::leave_session
    ),
    // the welcome
    rate!("rate.begin", "welcome", &["enter"], "Begin, or go on", "begin", Rate::begin),
    rate!(
        "rate.welcome-retry",
        "welcome",
        &["r"],
        "Save again what could not be saved",
        "",
        |r, cx| r.act(Act::Retry, cx)
    ),
    rate!("rate.welcome-down", "welcome", &["j", "down", "space"], "Scroll down", "", |r, cx| r
        .scroll_by(1, cx)),
    rate!("rate.welcome-up", "welcome", &["k", "up"], "Scroll up", "", |r, cx| r.scroll_by(-1, cx)),
    rate!(
        "rate.welcome-leave",
        "welcome",
        &["esc"],
        "Back to the list of studies",
        "",
        Rate::leave_session
    ),
    // the guideline
    rate!(
        "rate.guide-on",
        "guide",
        &["enter", "g", "esc"],
        "Go on to the pair",
        "go on",
        |r, cx| r.act(Act::Begin, cx)
    ),
    rate!("rate.guide-down", "guide", &["j", "down"], "Scroll down", "more", |r, cx| r
        .scroll_by(1, cx)),
    rate!("rate.guide-up", "guide", &["k", "up"], "Scroll up", "", |r, cx| r.scroll_by(-1, cx)),
    rate!("rate.guide-page", "guide", &["space", "pagedown"], "A page down", "", |r, cx| r
        .scroll_by(10, cx)),
    rate!("rate.guide-back", "guide", &["pageup"], "A page up", "", |r, cx| r.scroll_by(-10, cx)),
    // a break, the end
    rate!("rate.go-on", "break", &["enter", "space", "esc"], "Go on", "go on", |r, cx| r
        .act(Act::Begin, cx)),
    rate!(
        "rate.again",
        "done",
        &["enter"],
        "Go through the pairs that were put off",
        "those put off",
        |r, cx| r.act(Act::Begin, cx)
    ),
    rate!(
        "rate.done-own",
        "done",
        &["v"],
        "The list of your own ratings, to change one",
        "your ratings",
        Rate::open_own
    ),
    rate!("rate.done-undo", "done", &["u"], "Take the last rating back", "undo", |r, cx| r
        .act(Act::Undo, cx)),
    rate!("rate.done-back", "done", &["left", "h"], "The last pair", "", |r, cx| r
        .act(Act::Back, cx)),
    rate!("rate.done-guide", "done", &["g"], "The guideline, with examples", "", |r, cx| r
        .act(Act::Guideline(true), cx)),
    rate!("rate.done-retry", "done", &["r"], "Save again what could not be saved", "", |r, cx| r
        .act(Act::Retry, cx)),
    rate!(
        "rate.done-leave",
        "done",
        &["esc"],
        "Back to the list of studies",
        "",
        Rate::leave_session
    ),
    // one's own ratings
    rate!(
        "rate.go",
        "own",
        &["enter"],
        "Show this pair, to change its rating",
        "show the pair",
        Rate::go_own
    ),
    rate!("rate.own-close", "own", &["esc", "v"], "Back to the pair", "back", |r, _| r.panel =
        Panel::Session),
    // the reader
    rate!(
        "rate.reader-close",
        "reader",
        &["esc", "o", "O", "enter"],
        "Back to the pair",
        "back",
        Rate::close_reader
    ),
    rate!("rate.reader-down", "reader", &["j", "down"], "Scroll down", "more", |r, cx| r
        .scroll_by(1, cx)),
    rate!("rate.reader-up", "reader", &["k", "up"], "Scroll up", "", |r, cx| r.scroll_by(-1, cx)),
    rate!("rate.reader-page", "reader", &["space", "pagedown"], "A page down", "", |r, cx| r
        .scroll_by(10, cx)),
    rate!("rate.reader-back", "reader", &["pageup"], "A page up", "", |r, cx| r.scroll_by(-10, cx)),
];
