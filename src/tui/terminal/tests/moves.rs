//! What keys cost on a list of many rows with a pane beside it, in bytes, which are the same on
//! every machine: the gates of the workbench's benchmark, with its rows and its size.

use std::io;

use crate::augment::sample_id;
use crate::domain::{Decision, Provenance, QuestionId, RejectReason, Sample, Similarity, Stage};
use crate::store::Workspace as Store;
use crate::tui::screen::ScreenId;
use crate::tui::terminal::colour::ColourDepth;
use crate::tui::terminal::painter::{Sink, Style};
use crate::tui::terminal::screen::Screen;
use crate::tui::testing::{Bench, HOSTILE};

/// Counts sends and bytes.
#[derive(Debug, Default)]
struct Counting {
    sends: usize,
}

impl Sink for Counting {
    fn send(&mut self, _: &[u8]) -> io::Result<()> {
        self.sends += 1;
        Ok(())
    }
}

const ENGLISH: [&str; 4] = [
    "Every neighbour would gladly share a warm supper in hard times.",
    "Nobody rarely praises the garden of others without being asked.",
    "My grandmother quietly mends a borrowed book before the harvest.",
    "A good teacher must pay for the old bridge when the rain comes.",
];

/// Rows like those of the benchmark: neighbours come from other seeds and, if there are many texts,
/// other languages.
fn rows(texts: &[(&str, &str)], n: usize) -> Vec<Sample> {
    (0..n)
        .map(|i| {
            let (language, text) = texts[i % texts.len()];
            let seed = QuestionId::new(["Q27", "Q28", "Q29", "Q30", "Q31"][i % 5]).unwrap();
            let text = format!("{text} {i}");
            let similarity = 0.3 + 0.7 * (i * 7919 % 1009) as f64 / 1009.0;
            let decision = if similarity < 0.44 {
                Decision::Rejected(RejectReason::Dissimilar { similarity, threshold: 0.44 })
            } else {
                Decision::Kept
            };
            Sample {
                id: sample_id(&seed, language, &text).unwrap(),
                seed,
                language: language.into(),
                text,
                stage: if i % 3 == 0 { Stage::Synonym } else { Stage::Template },
                similarity: Some(Similarity::new(similarity).unwrap()),
                decision,
                provenance: Provenance {
                    provider: "offline".into(),
                    version: "1".into(),
                    run: Some("20260101-0000-fill".into()),
                    template: Some("cleft-1".into()),
                    family: Some("cleft".into()),
                    held_out: false,
                    parent: None,
                    substitutions: vec![],
                    seed: 1,
                    reply: None,
                },
            }
        })
        .collect()
}

struct Wire {
    bench: Bench,
    screen: Screen<Counting>,
}

impl Wire {
    fn new(texts: &[(&str, &str)], n: usize) -> Self {
        let rows = rows(texts, n);
        let size = (120, 40);
        let put = |store: &mut Store| {
            store.write(|tx| tx.put_samples(&rows)).unwrap();
        };
        let bench = Bench::filled(size, put).at(ScreenId::Samples);
        let style = Style { synchronized: true, depth: ColourDepth::True, re_anchor: true };
        let mut wire =
            Self { bench, screen: Screen::new(Counting::default(), size, style).unwrap() };
        wire.draw();
        wire
    }

    fn draw(&mut self) -> usize {
        let app = &mut self.bench.app;
        self.screen
            .draw(|f| {
                app.draw(f.buffer_mut());
            })
            .unwrap()
            .bytes
    }

    /// The bytes of a key, its pages having come; the keys do not rest.
    fn key(&mut self, key: &str) -> usize {
        self.bench.keys(key);
        let now = self.draw();
        self.bench.work();
        now + self.draw()
    }

    /// Bytes of every key of a swing down and up again inside the screen.
    fn moves(&mut self) -> Vec<usize> {
        for _ in 0..4 {
            self.key("j");
        }
        (0..48).map(|i| self.key(if i / 8 % 2 == 0 { "j" } else { "k" })).collect()
    }
}

fn median(mut of: Vec<usize>) -> usize {
    of.sort_unstable();
    of[of.len() / 2]
}

#[test]
fn a_cursor_move_keeps_its_gate_in_every_script() {
    let languages = ["ar", "bn", "ko", "zh"];
    let mixed: Vec<(&str, &str)> = languages
        .into_iter()
        .zip(&HOSTILE[3..7])
        .map(|(l, t)| (l, *t))
        .chain(ENGLISH.map(|t| ("en", t)))
        .collect();
    for (language, gate) in [("en", 300), ("ko", 600), ("zh", 600), ("ar", 600), ("", 600)] {
        let of: Vec<_> =
            mixed.iter().filter(|t| language.is_empty() || t.0 == language).copied().collect();
        let mut wire = Wire::new(&of, 400);
        let bytes = wire.moves();
        let (median, most) = (median(bytes.clone()), *bytes.iter().max().unwrap());
        assert!(median <= gate && most <= 3 * gate, "{language}: {bytes:?}");
    }
}

#[test]
fn a_page_fits_a_tenth_of_a_second_of_a_slow_line() {
    let mixed: Vec<(&str, &str)> = ENGLISH
        .map(|t| ("en", t))
        .into_iter()
        .chain([
            ("ar", HOSTILE[3]),
            ("bn", HOSTILE[4]),
            ("ko", HOSTILE[5]),
            ("zh", HOSTILE[6]),
            ("el", HOSTILE[8]),
        ])
        .collect();
    let mut wire = Wire::new(&mixed, 2_000);
    let bytes: Vec<usize> = (0..30).map(|_| wire.key("pagedown")).collect();
    // 256 kbit/s bring 3,200 bytes in the time between two of ten keys a second.
    assert!(median(bytes.clone()) <= 2_900, "{bytes:?}");
    let mut edge: Vec<usize> = (0..40).map(|_| wire.key("j")).collect();
    edge.drain(..10);
    assert!(median(edge.clone()) <= 700, "{edge:?}");
}

#[test]
fn one_key_is_one_write_and_what_stands_beside_comes_with_one_more() {
    let mut wire = Wire::new(&ENGLISH.map(|t| ("en", t)), 50);
    let before = wire.screen.sink().sends;
    wire.key("j");
    assert_eq!(wire.screen.sink().sends, before + 1);
    wire.bench.rest();
    assert!(wire.draw() > 0);
    assert_eq!(wire.screen.sink().sends, before + 2);
    assert_eq!(wire.draw(), 0);
}
