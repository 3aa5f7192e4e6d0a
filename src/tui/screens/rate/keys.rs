//! What keys do.

use super::{OwnRow, Panel, Rate, Words};
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
        self.session = None;
        self.wanted = None;
        self.asked = None;
        self.opening.clear();
        self.making.clear();
        self.panel = Panel::Pick;
        self.read_picks(cx);
    }

    pub(super) fn words_open(&mut self, flag: bool, cx: &mut Cx<'_>) {
        let Some(session) = &self.session else { return };
        if session.unsaved().is_some() {
            return cx.note(Tone::Warn, "the last act is not saved yet: `r` tries again");
        }
        if let Some(here) = session.here() {
            self.words = Some(Words::new(flag, self.draft.text(here, flag).unwrap_or_default()));
            self.act(Act::Look, cx);
        }
    }

    pub(super) fn words_changed(&mut self, cx: &mut Cx<'_>) {
        let here = self.session.as_ref().and_then(crate::study::session::Session::here);
        if let (Some(words), Some(here)) = (&self.words, here) {
            let text = words.text();
            if self.draft.text(here, words.flag).unwrap_or_default() != text {
                self.draft.set(here, words.flag, &text);
                self.keep(cx);
            }
        }
        self.act(Act::Look, cx);
    }

    pub(super) fn words_send(&mut self, cx: &mut Cx<'_>) {
        let here = self.session.as_ref().and_then(crate::study::session::Session::here);
        let (Some(words), Some(here)) = (&self.words, here) else { return };
        let text = words.text();
        if text.trim().is_empty() && !words.flag {
            self.words = None;
            return;
        }
        // the words stay where they are until they are on the disk
        self.sent_words = Some((here, words.flag));
        let act = if words.flag { Act::Flag(text) } else { Act::Comment(text) };
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

    /// The pair as plain text.
    pub(super) fn pair_text(&self) -> Option<String> {
        let Some(View::Item(item)) = self.view() else { return None };
        Some(format!(
            "pair {} of {} ({})\n\nA\n\n{}\n\nB\n\n{}\n",
            item.number, item.total, item.language, item.left, item.right
        ))
    }

    pub(super) fn read_pair(&mut self, cx: &mut Cx<'_>) {
        if cx.shared.alone {
            // no pager: it could start a shell
            self.panel = Panel::Reader;
            self.scroll = 0;
        } else if let Some(text) = self.pair_text() {
            cx.ask(Effect::Pager(text));
        }
    }

    pub(super) fn page_pair(&mut self, cx: &mut Cx<'_>) {
        if cx.shared.alone {
            return self.read_pair(cx);
        }
        let Some(session) = &self.session else { return };
        if let View::Item(item) = session.view() {
            let title = format!("Pair {} of {}", item.number, item.total);
            let page = text::html::pair_page(
                &title,
                &[("A", item.left, item.language), ("B", item.right, item.language)],
            );
            let name = format!("pair-{}-{}.html", session.study(), item.number);
            cx.ask(Effect::Export { name, bytes: page.into_bytes() });
        }
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
