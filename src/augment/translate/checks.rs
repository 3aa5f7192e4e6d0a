//! Whether a text can be the translation that was asked for. Every check is one of form, so that
//! it holds for any pair of languages; what each saw is in the reason.

use std::sync::LazyLock;

use regex::Regex;

use super::Unit;
use super::languages::wrong_language;
use crate::augment::guards::{asks, changed_in_translation, needs_no_mark};
use crate::domain::{Form, RejectReason, known_language, primary_language};
use crate::text::{folded_words, script_share, words};

/// Share of letters that must be in a script of the target: names and a loan word may keep theirs.
const SCRIPT: f64 = 0.7;
/// How far the length may be from what is expected, as a factor both ways. Wide: a translation of a
/// whole sentence that is 2.5 times as long, or less than 0.4 times, has a word too many or too few
/// whatever the language; what is expected follows from how much one letter says.
const LENGTH: f64 = 2.5;
/// Letters of the shorter text below which length says nothing.
const SHORT: usize = 12;
/// Share of the source's words that, still standing in a text of the same script, show that it was
/// not translated.
const LEFT: f64 = 0.6;

/// Letters of English that one letter of the language stands for, roughly.
fn letters_of_english(tag: &str) -> f64 {
    match primary_language(tag).as_str() {
        "zh" => 3.3,
        "ja" => 2.1,
        "ko" => 2.0,
        "he" | "ar" | "fa" | "ur" | "am" => 1.2,
        _ => 1.0,
    }
}

/// Why a text cannot be the unit's translation; the first reason.
pub fn check(unit: &Unit, text: &str) -> Option<RejectReason> {
    let reason =
        |check: &str, detail: String| RejectReason::Translation { check: check.into(), detail };
    let (from, to) = (folded_words(&unit.text), folded_words(text));
    if from == to {
        return Some(reason("unchanged", "it is the source text".into()));
    }
    let known = known_language(&unit.target);
    if let Some(language) = known {
        let share = script_share(text, language.scripts).unwrap_or(0.0);
        if share < SCRIPT {
            let scripts: Vec<String> = language.scripts.iter().map(|s| format!("{s:?}")).collect();
            return Some(reason(
                "script",
                format!(
                    "{:.0} % of the letters are {}, at least {:.0} % are expected in {}",
                    share * 100.0,
                    scripts.join(" or "),
                    SCRIPT * 100.0,
                    language.name
                ),
            ));
        }
    }
    let left = from.iter().filter(|w| to.contains(w)).count();
    if from.len() >= 4 && left as f64 >= LEFT * from.len() as f64 {
        return Some(reason(
            "unchanged",
            format!("{left} of {} words of the source still stand in it", from.len()),
        ));
    }
    if let Some(detail) = wrong_language(text, &unit.target, &unit.source) {
        return Some(reason("language", detail));
    }
    if let Some(detail) = options(&unit.text, text) {
        return Some(reason("options", detail));
    }
    if let Some(detail) = changed_in_translation(&unit.text, &unit.source, text) {
        return Some(reason("digits", detail));
    }
    let letters = |t: &str| t.chars().filter(|c| c.is_alphabetic()).count();
    let (source, target) = (letters(&unit.text), letters(text));
    let expected =
        source as f64 * letters_of_english(&unit.source) / letters_of_english(&unit.target);
    let ratio = target as f64 / expected.max(1.0);
    if source >= SHORT && !(1.0 / LENGTH..=LENGTH).contains(&ratio) {
        return Some(reason(
            "length",
            format!("{target} letters, about {expected:.0} are expected"),
        ));
    }
    form(unit, text).map(|d| reason("form", d))
}

/// Answer options that came along: two or more marks such as `1.`, `(2)`, `A)` or `3 =`.
fn options(from: &str, text: &str) -> Option<String> {
    static MARK: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?:^|\s)\(?(?:\p{Nd}{1,2}|[A-Da-d])(?:[.):]|\s=)\s").ok());
    let count = |t: &str| MARK.as_ref().map_or(0, |m| m.find_iter(t).count());
    let (before, now) = (count(from), count(text));
    (now >= before + 2).then(|| format!("{now} marks of answer options stand in it"))
}

/// A question stays one, where its language writes question marks.
fn form(unit: &Unit, text: &str) -> Option<String> {
    let greek = primary_language(&unit.target) == "el" && text.trim_end().ends_with(';');
    let (asked, asks) = (asks(&unit.text), asks(text) || greek);
    match unit.form {
        Form::Question if asked && !needs_no_mark(&unit.target) && !asks => {
            Some("the source is a question, and this is none".into())
        }
        Form::Statement if !asked && asks => {
            Some("the source is a statement, and this is a question".into())
        }
        _ if words(text).is_empty() => Some("there is no word in it".into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::QuestionId;

    fn unit(target: &str, text: &str, form: Form) -> Unit {
        Unit {
            target: target.into(),
            seed: QuestionId::new("Q1").unwrap(),
            parent: None,
            text: text.into(),
            form,
            source: "en".into(),
            family: None,
            held_out: false,
        }
    }

    fn kind(target: &str, text: &str) -> Option<String> {
        let source = "When jobs are scarce, people of this country should come first.";
        check(&unit(target, source, Form::Statement), text).map(|r| r.kind())
    }

    #[test]
    fn good_translations_pass_in_every_script() {
        for (target, text) in [
            ("ar", "عندما تكون الوظائف قليلة، يجب أن يأتي أهل هذا البلد أولاً."),
            ("bn", "চাকরি যখন কম থাকে, তখন এই দেশের মানুষের আগে পাওয়া উচিত।"),
            (
                "de",
                "Wenn Arbeitsplätze knapp sind, sollten die Menschen dieses Landes Vorrang haben.",
            ),
            (
                "el",
                "Όταν οι θέσεις εργασίας είναι λίγες, οι άνθρωποι αυτής της χώρας πρέπει να προηγούνται.",
            ),
            ("es", "Cuando el trabajo escasea, la gente de este país debería ir primero."),
            (
                "fr",
                "Quand les emplois sont rares, les gens de ce pays devraient passer en premier.",
            ),
            ("hi", "जब नौकरियाँ कम हों, तो इस देश के लोगों को पहले मौका मिलना चाहिए।"),
            ("id", "Ketika pekerjaan langka, orang di negara ini harus didahulukan."),
            ("ja", "仕事が少ないときは、この国の人々が優先されるべきだ。"),
            ("ko", "일자리가 부족할 때는 이 나라 사람들이 우선되어야 한다."),
            ("pt", "Quando os empregos são escassos, as pessoas deste país deveriam vir primeiro."),
            ("ru", "Когда рабочих мест мало, люди этой страны должны быть первыми."),
            ("th", "เมื่องานหายาก คนในประเทศนี้ควรได้ก่อน"),
            ("tr", "İş az olduğunda bu ülkenin insanları önce gelmelidir."),
            ("uk", "Коли робочих місць мало, люди цієї країни мають бути першими."),
            ("vi", "Khi việc làm khan hiếm, người dân của đất nước này nên được ưu tiên."),
            ("zh", "工作机会少的时候，应该优先考虑本国人。"),
            ("sw", "Wakati kazi ni chache, watu wa nchi hii wanapaswa kuwa wa kwanza."),
        ] {
            assert_eq!(kind(target, text), None, "{target}: {text}");
        }
    }

    #[test]
    fn what_cannot_be_a_translation_is_told_by_its_check() {
        let ar = "عندما تكون الوظائف قليلة، يجب أن يأتي أهل هذا البلد أولاً.";
        for (target, text, expected) in [
            ("ar", "When jobs are scarce, people of this country should come first.", "unchanged"),
            ("ar", "When work is rare, nationals go first.", "script"),
            ("ar", "جب نوکریاں کم ہوں تو اس ملک کے لوگوں کو پہلے آنا چاہیے۔", "language"),
            ("ru", "Коли робочих місць мало, люди цієї країни мають бути першими.", "language"),
            ("zh", "仕事が少ないときは、この国の人々が優先されるべきだ。", "script"),
            ("de", "When jobs are rare, the people of this country should get them.", "unchanged"),
            ("de", "If work is rare, the locals have to get it and not the others.", "language"),
            (
                "es",
                "Quand les emplois sont rares, les gens du pays passent avant les autres.",
                "language",
            ),
            (
                "pt",
                "Cuando el trabajo escasea, la gente de este país va primero y los demás no.",
                "language",
            ),
            (
                "sw",
                "The citizens have priority if it is hard to find work and there are few posts.",
                "language",
            ),
            ("ar", "الوظائف.", "length"),
            ("de", "Arbeit.", "length"),
            ("ar", &format!("{ar} {ar} {ar}"), "length"),
            ("ar", "عندما تكون الوظائف قليلة يأتي أهل البلد أولاً. 1. أوافق 2. لا أوافق", "options"),
            ("ar", "عندما تكون 20 من الوظائف قليلة، يجب أن يأتي أهل هذا البلد أولاً.", "digits"),
            ("ar", "هل يجب أن يأتي أهل هذا البلد أولاً عندما تكون الوظائف قليلة؟", "form"),
        ] {
            let found = kind(target, text);
            assert_eq!(
                found.as_deref(),
                Some(format!("translation/{expected}").as_str()),
                "{text}"
            );
        }
        let q = unit("fr", "How often do you vote?", Form::Question);
        assert!(check(&q, "À quelle fréquence votez-vous ?").is_none());
        assert!(check(&q, "Vous votez souvent.").is_some());
    }
}
