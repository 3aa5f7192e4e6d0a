//! What keys do.

use super::words::Purpose;
use super::{OwnRow, Panel, Rate, Words};
use crate::domain::StudyType;
use crate::store::Reason;
use crate::study::session::{Act, View, picks};
use crate::text;
use crate::tui::data::Lane;
use crate::tui::screen::{Cx, Effect, ScreenId, Told, Tone};
use crate::tui::widgets::ListControl;

impl Rate {
    /// Hands an act to the session.
    pub(super) fn act(&mut self, act: Act, cx: &mut Cx<'_>) {
        let Some(session) = &mut self.session else { return };
        let before = (session.here(), matches!(session.view(), View::Guideline { .. }));
        let effect = session.act(act, cx.shared.now);
        if let Some(said) = session.notice() {
            cx.note(Tone::Warn, said);
        }
        if before != (session.here(), matches!(session.view(), View::Guideline { .. })) {
            self.scroll = 0;
        }
        self.carry_out(effect, cx);
    }

    pub(super) fn scroll_by(&mut self, by: i64, cx: &mut Cx<'_>) {
        let to = (self.scroll as i64).saturating_add(by);
        self.scroll = usize::try_from(to).unwrap_or(0).min(self.most);
        // scrolling is reading: the rater is there
        self.act(Act::Look, cx);
    }

    pub(super) fn read_picks(&mut self, cx: &mut Cx<'_>) {
        self.picks_load.ask(cx, Lane::Read, |a| a.read(picks));
    }

    pub(super) fn open_pick(&mut self, cx: &mut Cx<'_>) {
        let Some(pick) = self.picks.current() else { return self.new_form(cx) };
        let Some(rater) = pick.rater.clone() else {
            let said = "nobody can rate this study here: `n` makes one of your own";
            return cx.note(Tone::Plain, said);
        };
        self.wanted = Some((pick.study.clone(), rater));
        self.open_wanted(cx);
    }

    /// The screen of whoever leads the study under the cursor.
    pub(super) fn lead(&mut self, cx: &mut Cx<'_>) {
        let study = self.picks.current().map(|p| p.study.clone());
        if let (Some(study), false) = (study, cx.shared.alone) {
            cx.go(ScreenId::Study, Some(Told::Study(study)));
        }
    }

    /// The form of a study with several raters.
    #[expect(clippy::unused_self, reason = "a command's handler")]
    pub(super) fn new_study(&mut self, cx: &mut Cx<'_>) {
        if !cx.shared.alone {
            cx.go(ScreenId::Study, Some(Told::Start("study")));
        }
    }

    pub(super) fn try_again(&mut self, cx: &mut Cx<'_>) {
        if self.wanted.is_some() { self.open_wanted(cx) } else { self.open_named(cx) }
    }

    /// Back to the list; a pair with an unsaved act is not left.
    pub(super) fn leave_session(&mut self, cx: &mut Cx<'_>) {
        if cx.shared.alone {
            return;
        }
        if self.session.as_ref().is_some_and(crate::study::session::Session::has_unsaved) {
            return cx.note(Tone::Warn, "the last act is not saved yet: `r` tries again");
        }
        // the time on the pair is logged; the session is gone when the answer comes
        self.act(Act::Leave, cx);
        self.session = None;
        self.wanted = None;
        self.asked = None;
        self.opening.clear();
        self.making.clear();
        self.panel = Panel::Pick;
        self.read_picks(cx);
    }

    pub(super) fn words_open(&mut self, purpose: Purpose, cx: &mut Cx<'_>) {
        let Some(session) = &self.session else { return };
        if session.unsaved().is_some() {
            return cx.note(Tone::Warn, "the last act is not saved yet: `r` tries again");
        }
        if let Some(here) = session.here() {
            let before = self.draft.text(here, purpose).unwrap_or_default();
            self.words = Some(Words::new(purpose, before));
            self.act(Act::Look, cx);
        }
    }

    pub(super) fn words_changed(&mut self, cx: &mut Cx<'_>) {
        let here = self.session.as_ref().and_then(crate::study::session::Session::here);
        if let (Some(words), Some(here)) = (&self.words, here) {
            let text = words.text();
            if self.draft.text(here, words.purpose).unwrap_or_default() != text {
                self.draft.set(here, words.purpose, &text);
                self.keep(cx);
            }
        }
        self.act(Act::Look, cx);
    }

    pub(super) fn words_send(&mut self, cx: &mut Cx<'_>) {
        let here = self.session.as_ref().and_then(crate::study::session::Session::here);
        let (Some(words), Some(here)) = (&self.words, here) else { return };
        let (text, purpose) = (words.text(), words.purpose);
        if text.trim().is_empty() && purpose == Purpose::Comment {
            self.words = None;
            return;
        }
        // the words stay where they are until they are on the disk
        self.sent_words = Some((here, purpose));
        let act = match purpose {
            Purpose::Flag => Act::Flag(text),
            Purpose::Comment => Act::Comment(text),
            Purpose::LeaveOut => Act::LeaveOut(Reason::Other, Some(text)),
        };
        self.act(act, cx);
    }

    pub(super) fn words_leave(&mut self, cx: &mut Cx<'_>) {
        let typed = self.words.take().is_some_and(|w| !w.text().trim().is_empty());
        if typed {
            cx.note(Tone::Plain, "your words are kept, not sent: the same key opens them again");
        }
    }

    pub(super) fn toggle_diff(&mut self, cx: &mut Cx<'_>) {
        if let Some(View::Item(item)) = self.view() {
            let on = !item.diff;
            self.act(Act::ShowDiff(on), cx);
        }
    }

    pub(super) fn open_own(&mut self, cx: &mut Cx<'_>) {
        let Some(session) = &self.session else { return };
        let rows: Vec<OwnRow> = session
            .own()
            .into_iter()
            .map(|o| OwnRow { number: o.number, left: o.left.to_owned(), standing: o.standing })
            .collect();
        let at = match session.view() {
            View::Item(item) => item.number,
            _ => rows.len(),
        };
        self.own.set_filter("");
        self.own.set_rows(rows);
        self.own.stand_on(Some(&at.to_string()));
        self.panel = Panel::Own;
        self.act(Act::Look, cx);
    }

    pub(super) fn go_own(&mut self, cx: &mut Cx<'_>) {
        if let Some(row) = self.own.current() {
            let number = row.number;
            self.panel = Panel::Session;
            self.act(Act::GoTo(number), cx);
        }
    }

    /// What is shown now, part by part: name and words. Nothing while it is covered.
    fn parts(&self) -> Option<Vec<(&'static str, &str)>> {
        let Some(View::Item(item)) = self.view() else { return None };
        if item.hidden {
            return None;
        }
        let mut parts: Vec<(&'static str, &str)> = Vec::new();
        parts.extend(item.context.map(|c| ("Question", c)));
        if item.study_type == StudyType::Appropriateness {
            parts.push(("Answer", item.left));
        } else {
            parts.extend([("A", item.left), ("B", item.right)]);
        }
        Some(parts)
    }

    /// The pair as plain text.
    pub(super) fn pair_text(&self) -> Option<String> {
        let Some(View::Item(item)) = self.view() else { return None };
        let mut out = format!("pair {} of {} ({})\n", item.number, item.total, item.language);
        for (name, words) in self.parts()? {
            out.push_str(&format!("\n{name}\n\n{words}\n"));
        }
        Some(out)
    }

    pub(super) fn read_pair(&mut self, cx: &mut Cx<'_>) {
        let Some(text) = self.pair_text() else {
            return cx.note(Tone::Plain, "the texts are covered: Enter shows them");
        };
        if cx.shared.alone {
            // no pager: it could start a shell
            self.panel = Panel::Reader;
            self.scroll = 0;
        } else {
            cx.ask(Effect::Pager(text));
        }
    }

    pub(super) fn page_pair(&mut self, cx: &mut Cx<'_>) {
        if cx.shared.alone || self.parts().is_none() {
            return self.read_pair(cx);
        }
        let (Some(session), Some(parts)) = (&self.session, self.parts()) else { return };
        if let View::Item(item) = session.view() {
            let title = format!("Pair {} of {}", item.number, item.total);
            let parts: Vec<_> = parts.into_iter().map(|(n, t)| (n, t, item.language)).collect();
            let page = text::html::pair_page(&title, &parts);
            let name = format!("pair-{}-{}.html", session.study(), item.number);
            cx.ask(Effect::Export { name, bytes: page.into_bytes() });
        }
    }

    /// `b`: in a study of preference the other answer, elsewhere a broken text.
    pub(super) fn key_b(&mut self, cx: &mut Cx<'_>) {
        let preference = self.is_preference();
        self.act(if preference { score_act(3) } else { Act::Broken }, cx);
    }

    /// `a` and `t`, which rate in a study of preference and nowhere else.
    pub(super) fn choose(&mut self, n: u8, cx: &mut Cx<'_>) {
        if self.is_preference() {
            self.act(score_act(n), cx);
        }
    }

    fn is_preference(&self) -> bool {
        let of = |s: &crate::study::session::Session| s.about().study_type;
        self.session.as_ref().map(of) == Some(StudyType::Preference)
    }

    /// Enter on a pair: it uncovers what is covered, and does nothing else.
    pub(super) fn reveal(&mut self, cx: &mut Cx<'_>) {
        if matches!(self.view(), Some(View::Item(item)) if item.hidden) {
            self.act(Act::Reveal, cx);
        }
    }

    /// Enter on the welcome: nobody agrees to words that they could not see.
    pub(super) fn begin(&mut self, cx: &mut Cx<'_>) {
        let consents = matches!(self.view(), Some(View::Welcome(w)) if w.consent.is_some());
        if consents && self.scroll < self.most {
            return self.scroll_by(self.page.max(1), cx);
        }
        self.act(Act::Begin, cx);
    }

    pub(super) fn close_reader(&mut self, cx: &mut Cx<'_>) {
        self.panel = Panel::Session;
        self.scroll = 0;
        self.act(Act::Look, cx);
    }

    /// For how many seconds a write has been under way, where that is longer than usual.
    pub(super) fn sent_for(&self, now: jiff::Timestamp) -> Option<u64> {
        let ms = now.as_millisecond().saturating_sub(self.sent_at?.as_millisecond());
        u64::try_from(ms).ok().filter(|ms| *ms >= 400).map(|ms| ms / 1000)
    }
}

/// The act of a digit.
pub(super) fn score_act(n: u8) -> Act {
    crate::domain::Score::new(n).map_or(Act::Look, Act::Score)
}
