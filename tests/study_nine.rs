//! A study in nine cultures, from seeds to the report, by the commands of docs/study.md: samples by
//! rules, translations by a model (a stub on loopback), people (programs that press keys in
//! terminals), a model judge (the stub again), results, report, exports, a dataset of what people
//! rated well, a backup and its restoring.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that meets an error fails"
)]

mod common;
#[path = "endpoint/mod.rs"]
mod endpoint;
mod pty;
mod raters;

use std::fs;
use std::path::Path;

use endpoint::{Endpoint, Seen, Step};
use raters::{Crowd, Manners, World};

/// Culture, its language, that language's name, and words of it.
const CULTURES: [(&str, &str, &str, &str); 9] = [
    (
        "arabic",
        "ar",
        "Arabic",
        "الناس في هذه المدينة يحبون العمل مع الأسرة كل يوم من أجل الحياة التي نريد أن تكون أفضل لنا جميعا",
    ),
    (
        "bengali",
        "bn",
        "Bengali",
        "মানুষ এই শহরে প্রতিদিন পরিবারের সঙ্গে কাজ করতে ভালোবাসে এবং তারা চায় যে জীবন সবার জন্য ভালো হোক",
    ),
    (
        "chinese",
        "zh",
        "Chinese",
        "人们 在 这个 城市 每天 都 喜欢 和 家人 一起 工作 因为 他们 希望 生活 对 大家 更好",
    ),
    ("english", "en", "English", "people"),
    (
        "german",
        "de",
        "German",
        "die Menschen in dieser Stadt arbeiten jeden Tag gern mit der Familie weil sie ein besseres Leben für alle wollen und nicht nur für sich",
    ),
    (
        "korean",
        "ko",
        "Korean",
        "사람들은 이 도시에서 매일 가족과 함께 일하는 것을 좋아하고 모두를 위한 더 나은 삶을 바란다고 말한다",
    ),
    (
        "portuguese",
        "pt",
        "Portuguese",
        "as pessoas desta cidade gostam de trabalhar todos os dias com a família porque não querem uma vida melhor só para si mas para todos",
    ),
    (
        "spanish",
        "es",
        "Spanish",
        "las personas de esta ciudad trabajan todos los días con la familia porque quieren una vida mejor para todos y no solo para ellos",
    ),
    (
        "turkish",
        "tr",
        "Turkish",
        "bu şehirdeki insanlar her gün aileleriyle birlikte çalışmayı seviyor çünkü herkes için daha iyi bir hayat istiyorlar ve bunu söylüyorlar",
    ),
];

/// Words of the target language in an order that the text decides: no translation, but as long and
/// as different as one.
fn translation(asked: &str) -> String {
    let (_, tag, _, words) = CULTURES
        .iter()
        .find(|c| asked.contains(&format!("into {}", c.2)))
        .unwrap_or_else(|| panic!("into which language? {asked}"));
    let text = asked.trim().lines().last().unwrap();
    let words: Vec<&str> = words.split(' ').collect();
    let mut sum: usize = text.bytes().enumerate().map(|(i, b)| (i + 1) * usize::from(b)).sum();
    let (blank, per_letter) = if *tag == "zh" { ("", 3) } else { (" ", 1) };
    let wanted = text.chars().count() / per_letter;
    let mut out = String::new();
    while out.chars().count() < wanted {
        if !out.is_empty() {
            out += blank;
        }
        out += words[sum % words.len()];
        sum = sum / 3 + 7 * out.len() + 1;
    }
    let end = match (text.ends_with('?'), *tag) {
        (true, "ar") => "؟",
        (true, "zh") => "?",
        (true, _) => "?",
        (false, "zh") => "。",
        (false, "bn") => "।",
        (false, _) => ".",
    };
    out + end
}

fn model(seen: &Seen) -> Step {
    let asked = seen.asked();
    if asked.contains("First sentence: ") {
        let n = asked.chars().count() % 3 + 3;
        return Step::say(&format!("Score: {n}"));
    }
    Step::say(&translation(&asked))
}

#[test]
fn nine_cultures_from_seeds_to_the_report() {
    let endpoint = Endpoint::start(|seen: &Seen| model(seen));
    let place = common::Place::configured(&format!(
        "[providers.lab]\nkind = \"openai\"\nbase_url = \"{}\"\nmodel = \"stub\"\nin_flight = 4\nprice = {{ prompt = 0, completion = 0 }}\n",
        endpoint.base_url()
    ));
    let cultures: Vec<&str> = CULTURES.iter().map(|c| c.0).collect();
    let cultures = cultures.join(",");
    // samples: by rules, then in the languages of the cultures
    place.ok(&["augment", "--seeds", "Q27,Q28", "--wait"]);
    place.ok(&[
        "translate",
        "--to",
        "ar,bn,zh,de,ko,pt,es,tr",
        "--provider",
        "lab",
        "--seeds",
        "Q27,Q28",
        "--wait",
    ]);
    // who rates: two people a culture, by pseudonym
    let mut file = String::from("id,languages,cultures\n");
    let mut names = Vec::new();
    for (i, c) in CULTURES.iter().enumerate() {
        for n in 1..=2 {
            let name = format!("r{:03}", 2 * i + n);
            file += &format!("{name},{},{}\n", c.1, c.0);
            names.push(name);
        }
    }
    let file = place.file("raters.csv", file);
    let study = [
        "--culture",
        &cultures,
        "--items",
        "36",
        "-k",
        "2",
        "--controls",
        "9",
        "--anchors",
        "9",
        "--qualification",
        "1",
    ];
    let dry = place.ok(&[&["study", "new", "nine", "--dry-run"], &study[..]].concat());
    assert!(dry.contains("bengali"), "{dry}");
    place.ok(&[&["study", "new", "nine"], &study[..]].concat());
    let plan = place.ok(&["study", "plan", "--study", "nine", "--raters-file", &file, "--dry-run"]);
    assert!(plan.contains("of all raters") && plan.contains("r018"), "{plan}");
    place.ok(&["study", "plan", "--study", "nine", "--raters-file", &file]);
    // everybody rates, each in a terminal of their own
    let program = Path::new(env!("CARGO_BIN_EXE_polyculture"));
    let world = World::of(program, place.0.path(), "nine", names);
    let tally = Crowd::new(&world, Manners { doubts: 0.05, ..Manners::quick(9) }).run();
    let wanted: usize = world.raters().iter().map(|r| world.load(r)).sum();
    assert_eq!(world.current().len(), wanted);
    assert_eq!(tally.kills, 0);
    let mut of: Vec<_> =
        world.current().iter().filter_map(|r| r.culture.clone()).map(|c| c.to_string()).collect();
    of.sort_unstable();
    of.dedup();
    assert_eq!(of.join(","), cultures, "every culture has ratings");
    place.ok(&["judge", "--study", "nine", "--provider", "lab", "--as", "j1", "--wait"]);
    place.ok(&["study", "verify", "--study", "nine"]);
    // results, the page, the tables
    let agreement = place.json(&["study", "agreement", "--study", "nine", "--draws", "200"]);
    assert!(agreement["agreement"].is_object(), "{agreement}");
    assert_eq!(agreement["judges"][0]["judge"]["rater"], "j1");
    let page = place.path("nine.html");
    place.ok(&[
        "study",
        "report",
        "--study",
        "nine",
        "--draws",
        "200",
        "-o",
        page.to_str().unwrap(),
    ]);
    let html = fs::read_to_string(&page).unwrap();
    for c in CULTURES {
        assert!(html.contains(c.0), "the page names {}", c.0);
    }
    let tables = place.path("tables");
    for format in ["csv", "parquet"] {
        place.ok(&[
            "study",
            "export",
            "--study",
            "nine",
            "--format",
            format,
            "--all",
            tables.to_str().unwrap(),
        ]);
    }
    assert!(fs::read_dir(&tables).unwrap().count() > 8);
    // back into a dataset: what two people rated at least 3 on the mean
    let built = place.json(&[
        "dataset",
        "build",
        "rated",
        "--language",
        "de",
        "--rated-at-least",
        "2.5",
        "--by",
        "2",
        "--study",
        "nine",
    ]);
    assert!(built["rated"]["used"].as_u64().unwrap() >= 1, "{}", built["rated"]);
    assert!(built["rated"]["used"].as_u64() < built["rated"]["of"].as_u64());
    let card = fs::read_to_string(place.path("w/datasets/rated/card.md")).unwrap();
    assert!(
        card.contains("rated at least 2.5 on the mean by at least 2 people in study nine"),
        "{card}"
    );
    // a backup, and the study out of it
    let backup = place.path("backup.db");
    place.ok(&["workspace", "backup", backup.to_str().unwrap()]);
    let again = place.path("again");
    place.ok(&["workspace", "restore", backup.to_str().unwrap(), again.to_str().unwrap()]);
    place.ok(&["-w", again.to_str().unwrap(), "study", "verify", "--study", "nine"]);
    if let Some(keep) = std::env::var_os("POLYCULTURE_KEEP_REPORT") {
        fs::copy(&page, keep).unwrap();
    }
}
