//! Every screen in every theme and in five languages' data, at 80x24: what holds for all twenty, and
//! one page for each screen that shows the five, with a map of its styles in each theme.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use super::screen::ScreenId;
use super::testing::Bench;
use super::theme::{self, Role, Theme, contrast_ratio};
use crate::augment::sample_id;
use crate::domain::{
    Decision, ItemId, Provenance, QuestionId, RaterId, RejectReason, Sample, Similarity, Stage,
    StudyId,
};
use crate::engine::StateDir;
use crate::job::{Attempt, NewRun, RunKind, RunState};
use crate::store::engine::{EngineDb, NewRow};
use crate::store::{
    EvaluationRecord, EvaluationRow, Item, ItemKind, Rater, RaterKind, StudyRecord,
    Workspace as Store,
};
use crate::study::fix_plan;
use crate::text;

const THEMES: [&str; 4] = ["dark", "light", "sixteen", "mono"];

/// A language and three sentences of ours in it.
struct Tongue {
    tag: &'static str,
    says: [&'static str; 3],
}

const TONGUES: [Tongue; 5] = [
    Tongue {
        tag: "en",
        says: [
            "Whoever has bread should share it with the neighbours.",
            "Bread is to be shared with those who live next door.",
            "A quiet evening is worth more than a full purse.",
        ],
    },
    Tongue {
        tag: "ar",
        says: [
            "من كان عنده خبز فليشارك جيرانه.",
            "يجب أن يقاسم المرء خبزه مع جاره.",
            "مساء هادئ خير من جيب ممتلئ.",
        ],
    },
    Tongue {
        tag: "bn",
        says: [
            "যার ঘরে রুটি আছে সে প্রতিবেশীকে দিক।",
            "রুটি প্রতিবেশীর সঙ্গে ভাগ করা উচিত।",
            "ভরা থলির চেয়ে শান্ত সন্ধ্যা ভালো।",
        ],
    },
    Tongue {
        tag: "ko",
        says: [
            "빵이 있는 사람은 이웃과 나누어야 한다.",
            "빵은 옆집 사람과 나누어 먹는 것이다.",
            "조용한 저녁이 가득한 지갑보다 낫다.",
        ],
    },
    Tongue {
        tag: "zh",
        says: [
            "有面包的人应当分给邻居。",
            "面包要和隔壁的人分着吃。",
            "安静的夜晚胜过装满的钱袋。",
        ],
    },
];

fn fill(store: &mut Store, of: &Tongue) {
    let mut survey = crate::seeds::sample::survey().unwrap();
    survey.questions.truncate(3);
    for (q, says) in survey.questions.iter_mut().zip(of.says) {
        (q.text, q.language) = (says.to_owned(), of.tag.to_owned());
    }
    let ids: Vec<QuestionId> = survey.questions.iter().map(|q| q.id.clone()).collect();
    survey.counts.retain(|k, _| ids.contains(&k.1));
    survey.paper_means.retain(|k, _| ids.contains(&k.1));
    store.write(|tx| tx.put_survey(&survey)).unwrap();
    let samples: Vec<Sample> = of
        .says
        .iter()
        .enumerate()
        .map(|(i, says)| Sample {
            id: sample_id(&ids[0], of.tag, says).unwrap(),
            seed: ids[0].clone(),
            language: of.tag.into(),
            text: (*says).into(),
            stage: Stage::Template,
            similarity: Some(Similarity::new(0.9 - 0.3 * i as f64).unwrap()),
            decision: if i < 2 {
                Decision::Kept
            } else {
                Decision::Rejected(RejectReason::Dissimilar { similarity: 0.3, threshold: 0.5 })
            },
            provenance: Provenance {
                provider: "offline".into(),
                version: "1".into(),
                run: None,
                template: None,
                family: None,
                held_out: false,
                parent: None,
                substitutions: vec![],
                seed: 1,
                reply: None,
            },
        })
        .collect();
    store.write(|tx| tx.put_samples(&samples)).unwrap();
    study(store, of, &ids[0]);
    evaluation(store, of);
}

fn study(store: &mut Store, of: &Tongue, seed: &QuestionId) {
    let item = Item {
        id: ItemId::new("i0").unwrap(),
        kind: ItemKind::Sample,
        k: Some(1),
        seed: seed.clone(),
        sample: None,
        language: of.tag.into(),
        culture: None,
        seed_text: of.says[0].into(),
        sample_text: of.says[1].into(),
        sha256: "00".into(),
        repeat_of: None,
        expected: None,
        context: None,
        sensitive: false,
        origin: crate::store::ItemOrigin::default(),
    };
    let id = StudyId::new("pilot").unwrap();
    let record = StudyRecord {
        id: id.clone(),
        created: "2026-01-01T00:00:00Z".parse().unwrap(),
        study_type: crate::domain::StudyType::default(),
        k: 1,
        seed: 7,
        spec: serde_json::json!({}),
        fixed: None,
    };
    let languages = vec![of.tag.to_owned()];
    let person = Rater {
        id: RaterId::new("r1").unwrap(),
        kind: RaterKind::Human,
        languages,
        cultures: Vec::new(),
        consent: None,
    };
    store.write(|tx| tx.put_study(&record, &[item])).unwrap();
    fix_plan(store, &id, &[person]).unwrap();
}

fn evaluation(store: &mut Store, of: &Tongue) {
    let record = EvaluationRecord {
        id: "eval-1".into(),
        run: None,
        task: "survey".into(),
        plan: serde_json::json!({"task": "survey"}),
        plan_sha256: "00".repeat(32),
        created: "2026-02-03T04:05:06Z".parse().unwrap(),
    };
    let rows: Vec<EvaluationRow> = ["uniform", of.says[2]]
        .into_iter()
        .enumerate()
        .map(|(i, model)| EvaluationRow {
            model: model.into(),
            culture: None,
            split: "seed-wording".into(),
            question: None,
            metric: "1-jsd".into(),
            value: Some(0.8 + 0.05 * i as f64),
            extra: serde_json::json!({"ci": [0.78, 0.9], "n": 43, "unit": "question"}),
        })
        .collect();
    store
        .write(|tx| {
            tx.put_evaluation(&record)?;
            tx.put_evaluation_rows("eval-1", &rows)
        })
        .unwrap();
}

/// A run of this label, as an engine that ended left it.
fn ran(bench: &Bench, label: &str) {
    let root = bench.place().folder().root().to_owned();
    let mut db = EngineDb::open(&StateDir::at(root.join("engine")).unwrap().db()).unwrap();
    let new = NewRun { label: Some(label.into()), ..NewRun::new(RunKind::Finetune, &root) };
    let (dir, spec) = new.create(&bench.place().folder().runs(), |_| Ok(())).unwrap();
    Attempt::create(&dir, 1).unwrap();
    let state = RunState::Succeeded {
        queued_at: "2026-03-01T11:00:00Z".parse().unwrap(),
        started_at: "2026-03-01T11:00:05Z".parse().unwrap(),
        ended_at: "2026-03-01T11:00:47Z".parse().unwrap(),
    };
    db.add(&NewRow { spec: &spec, dir: &dir, attempt: 1, state: &state }).unwrap();
}

/// On this screen, with data in this language, where it says most.
fn at(screen: ScreenId, of: &Tongue) -> Bench {
    let mut bench = Bench::empty((80, 24));
    bench.written(|store| fill(store, of)).settle();
    ran(&bench, of.says[2]);
    let mut bench = bench.at(screen);
    bench.settle_but(&[]);
    if screen == ScreenId::Rate {
        for _ in 0..3 {
            bench.keys("enter").settle();
        }
    }
    bench
}

/// The frame as text, and without what differs from run to run.
fn page(bench: &mut Bench) -> String {
    let ids = regex::Regex::new(r"\d{8}-\d{6}-[0-9a-f]{8}").unwrap();
    let folder = bench.folder().display().to_string();
    let text = bench.screen().replace(&folder, "/tmp/x");
    ids.replace_all(&text, "20260301-110000-00c0ffee").into_owned()
}

/// Every cluster stands inside its row, and nothing stands where a wide one reaches.
fn nothing_overflows(buffer: &Buffer) {
    let area = buffer.area;
    for y in 0..area.height {
        let mut x = 0;
        while x < area.width {
            let width = text::width(buffer[(x, y)].symbol()).max(1) as u16;
            assert!(x + width <= area.width, "row {y}: over the edge at {x}");
            for hidden in x + 1..x + width {
                assert_eq!(buffer[(hidden, y)].symbol(), " ", "row {y}, column {hidden}");
            }
            x += width;
        }
    }
}

/// Colours stand beside each other as the theme pairs them, or read as well as its pairs do.
fn colours_are_the_themes(buffer: &Buffer, theme: &Theme) {
    let looks: Vec<_> = Role::ALL.iter().map(|(r, _)| theme.style(*r)).collect();
    let series = (0..16).map(|n| theme.series(n));
    let inks: BTreeSet<String> = looks
        .iter()
        .copied()
        .chain(series)
        .map(|s| format!("{:?}", s.fg.unwrap_or(Color::Reset)))
        .chain(["Reset".to_owned()])
        .collect();
    for (i, cell) in buffer.content.iter().enumerate() {
        let said = || format!("{} cell {i} `{}` {:?}", theme.name, cell.symbol(), cell.style());
        if theme.name == "mono" {
            assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset), "{}", said());
            continue;
        }
        let paired = looks.iter().any(|s| {
            s.fg.unwrap_or(Color::Reset) == cell.fg && s.bg.unwrap_or(Color::Reset) == cell.bg
        });
        if paired || cell.symbol() == " " {
            continue;
        }
        match (cell.fg, cell.bg) {
            (Color::Rgb(r, g, b), Color::Rgb(x, y, z)) => {
                assert!(contrast_ratio([r, g, b], [x, y, z]) >= 4.5, "{}", said());
            }
            (ink, Color::Reset) => assert!(inks.contains(&format!("{ink:?}")), "{}", said()),
            _ => panic!("no pair of the theme: {}", said()),
        }
    }
}

/// True where a row's right-to-left text ends at the right edge of its pane.
fn ends_right(screen: &str) -> bool {
    let arabic = |c: char| matches!(c, '\u{600}'..='\u{6ff}' | '\u{fb50}'..='\u{feff}');
    let mut all = screen.lines().filter(|l| l.chars().any(arabic));
    all.any(|line| {
        let inside = line.trim_end_matches(['│', ' ', '┃']);
        let cells = text::width(inside);
        inside.ends_with(arabic) && cells >= 70 || line.trim_end_matches('│').ends_with(arabic)
    })
}

/// A letter for each style, row by row, and what the letters mean.
fn map(buffer: &Buffer) -> String {
    let mut known: Vec<(Color, Color, Modifier)> = Vec::new();
    let mut out = String::new();
    for row in buffer.content.chunks(usize::from(buffer.area.width)) {
        let mut line = String::new();
        for cell in row {
            let look = (cell.fg, cell.bg, cell.modifier);
            let plain = look == (Color::Reset, Color::Reset, Modifier::empty())
                || cell.symbol() == " " && cell.bg == Color::Reset && cell.modifier.is_empty();
            let at = known.iter().position(|k| *k == look);
            line.push(match (plain, at) {
                (true, _) => '.',
                (false, Some(n)) => letter(n),
                (false, None) => {
                    known.push(look);
                    letter(known.len() - 1)
                }
            });
        }
        writeln!(out, "{}", line.trim_end_matches('.')).unwrap();
    }
    for (n, (fg, bg, modifier)) in known.iter().enumerate() {
        writeln!(out, "{}: {fg} on {bg} {modifier:?}", letter(n)).unwrap();
    }
    out
}

fn letter(n: usize) -> char {
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".chars().nth(n).unwrap_or('#')
}

/// All twenty of a screen. `texts`: it has a pane of running text.
fn whole(screen: ScreenId, texts: bool) {
    let mut out = String::new();
    let mut maps = String::new();
    for of in &TONGUES {
        let mut bench = at(screen, of);
        for name in THEMES {
            let theme = theme::load(name, Path::new("/nowhere")).unwrap();
            bench.app.shared.looks.theme = theme.clone();
            let buffer = bench.buffer();
            nothing_overflows(&buffer);
            colours_are_the_themes(&buffer, &theme);
            if of.tag == "en" {
                write!(maps, "\n== {name}\n{}", map(&buffer)).unwrap();
            }
        }
        let page = page(&mut bench);
        if of.tag == "ar" && texts {
            assert!(ends_right(&page), "right-to-left text stands at the right:\n{page}");
        }
        write!(out, "== {}\n{page}", of.tag).unwrap();
    }
    // Settings name files of whoever runs this; the pages of its own tests do not.
    if screen == ScreenId::Settings {
        return;
    }
    insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!(format!("product-{}", screen.title().to_lowercase()), out + &maps);
    });
}

#[test]
fn the_overview_in_every_theme_and_language() {
    whole(ScreenId::Overview, false);
}

#[test]
fn seeds_in_every_theme_and_language() {
    whole(ScreenId::Seeds, true);
}

#[test]
fn samples_in_every_theme_and_language() {
    whole(ScreenId::Samples, true);
}

#[test]
fn rating_in_every_theme_and_language() {
    whole(ScreenId::Rate, true);
}

#[test]
fn fine_tuning_in_every_theme_and_language() {
    whole(ScreenId::Finetune, false);
}

#[test]
fn evaluations_in_every_theme_and_language() {
    whole(ScreenId::Evaluate, false);
}

#[test]
fn runs_in_every_theme_and_language() {
    whole(ScreenId::Runs, false);
}

#[test]
fn settings_in_every_theme_and_language() {
    whole(ScreenId::Settings, false);
}
