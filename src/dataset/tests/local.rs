//! Datasets whose texts are in another language than the survey.

use super::*;

fn translation(id: &str, seed: &str, text: &str, parent: Option<&str>) -> Sample {
    let mut s = sample(id, seed, text, "f1", Stage::Translation);
    s.language = "ar".into();
    s.provenance.template = Some("translate".into());
    s.provenance.parent = parent.map(|p| SampleId::new(p).unwrap());
    s
}

#[test]
fn local_texts_take_the_place_of_the_surveys_wording_and_what_has_none_is_refused() {
    let s = fixtures::survey();
    let mut turned_down =
        sample("gone", "Q27", "a text that was turned down", "f1", Stage::Template);
    turned_down.decision = Decision::Rejected(RejectReason::ByHand { note: "no".into() });
    let samples = [
        sample("t", "Q27", "a template text of it", "f1", Stage::Template),
        sample("w", "Q27", "words exchanged in the text", "f1", Stage::Synonym),
        turned_down,
        translation("q27-ar", "Q27", "كان إرضاء والدي هدفي", None),
        translation("t-ar", "Q27", "نص آخر بنفس المعنى هنا", Some("t")),
        translation("w-ar", "Q27", "نص بكلمات أخرى في مكانها", Some("w")),
        translation("gone-ar", "Q27", "نص لم يعد له أصل", Some("gone")),
    ];
    let local = |stages| DatasetSpec { language: Some("ar".into()), stages, ..spec(of("turkish")) };
    for (stages, ids) in [
        (Stages::SeedsOnly, vec!["q27-ar"]),
        (Stages::Templates, vec!["q27-ar", "t-ar"]),
        (Stages::Both, vec!["q27-ar", "t-ar", "w-ar"]),
    ] {
        let d = build(&local(stages), &sources(&s, &samples, &[])).unwrap();
        let found: Vec<&str> = d.examples.iter().map(|e| e.text_id.as_str()).collect();
        assert_eq!(found, ids, "{stages:?}");
        assert_eq!(d.examples[0].family, "seed");
        let no_text = d.refused.iter().filter(|r| matches!(r.reason, Refusal::NoText { .. }));
        assert_eq!(no_text.count(), 49);
        let card = card(&d, &s, None);
        assert!(card.contains("Arabic (`ar`)") && card.contains("stay in English"), "{card}");
    }
    // The survey's own language takes no translation in.
    let own = build(&spec(of("turkish")), &sources(&s, &samples, &[])).unwrap();
    assert!(own.examples.iter().all(|e| !e.text_id.ends_with("-ar")));
    assert_eq!(own.examples.len() + own.refused.len(), 52);
    let none = DatasetSpec { language: Some("bn".into()), ..spec(of("turkish")) };
    let e = build(&none, &sources(&s, &samples, &[])).unwrap_err().to_string();
    assert!(e.contains("translate --to bn"), "{e}");
}

#[test]
fn a_cut_set_holds_the_same_texts_in_every_language() {
    let s = fixtures::survey();
    let mut samples = Vec::new();
    for i in 0..6 {
        let id = format!("t{i}");
        samples.push(sample(
            &id,
            "Q27",
            &format!("wording number {i} of this"),
            "f1",
            Stage::Template,
        ));
        samples.push(translation(
            &format!("x{}-ar", 9 - i),
            "Q27",
            &format!("نص رقم {i} من هذا"),
            Some(&id),
        ));
    }
    samples.push(translation("q27-ar", "Q27", "كان إرضاء والدي هدفي", None));
    let held: Vec<QuestionId> =
        s.questions.iter().map(|q| q.id.clone()).filter(|id| id.as_str() != "Q27").collect();
    let cut = |language: Option<&str>| {
        let spec = DatasetSpec {
            language: language.map(str::to_owned),
            texts: Some(4),
            held_out_questions: held.clone(),
            allow: FindingKind::ALL.into(),
            ..spec(of("turkish"))
        };
        let d = build(&spec, &sources(&s, &samples, &[])).unwrap();
        let mut ids: Vec<String> = d.examples[1..]
            .iter()
            .map(|e| {
                let own = samples.iter().find(|x| x.id.as_str() == e.text_id).unwrap();
                own.provenance.parent.as_ref().map_or(e.text_id.clone(), ToString::to_string)
            })
            .collect();
        ids.sort();
        ids
    };
    assert_eq!(cut(None), cut(Some("ar")));
    assert_eq!(cut(None).len(), 3);
}
