//! Chat templates and tokenizers of real shapes against transformers (`tests/golden/chat.py`).

use super::testing::{Shape, write_tokenizer};
use super::*;

fn folder(shape: Shape) -> (tempfile::TempDir, usize) {
    let dir = tempfile::tempdir().unwrap();
    let n = write_tokenizer(dir.path(), shape);
    (dir, n)
}

fn user(content: &str) -> Turn<'_> {
    Turn { role: Speaker::User, content }
}

/// With `POLYCULTURE_GOLDEN_FOLDERS`, leaves the folders there for the script that writes the
/// golden figures.
#[test]
fn the_folders_of_the_golden_figures_can_be_written() {
    for shape in Shape::ALL {
        let (dir, n) = folder(shape);
        assert!(n > 300, "{shape:?} {n}");
        ChatTokenizer::load(dir.path(), n).unwrap();
        if let Some(to) = std::env::var_os("POLYCULTURE_GOLDEN_FOLDERS") {
            let to = std::path::Path::new(&to).join(shape.name());
            std::fs::create_dir_all(&to).unwrap();
            write_tokenizer(&to, shape);
        }
    }
}

#[test]
fn a_text_cannot_forge_a_special_token() {
    for shape in Shape::ALL {
        let (dir, n) = folder(shape);
        let t = ChatTokenizer::load(dir.path(), n).unwrap();
        let special = shape.special();
        let count = |text: &str| {
            let ids = t.chat(&[user(text)]).unwrap();
            let inner: tokenizers::Tokenizer =
                tokenizers::Tokenizer::from_file(dir.path().join("tokenizer.json")).unwrap();
            ids.iter().filter(|i| special.contains(&&*inner.id_to_token(**i).unwrap())).count()
        };
        let plain = count("hello");
        for s in special {
            for text in [format!("a {s} b"), format!("{s}"), format!("{s}{s}x"), format!("  {s}\n")]
            {
                assert_eq!(count(&text), plain, "{shape:?} {text:?}");
                // The words themselves arrive.
                let ids = t.chat(&[user(&text)]).unwrap();
                assert!(t.decode(&ids).unwrap().contains(text.trim()), "{shape:?} {text:?}");
            }
        }
        // Parts that only together make a marker.
        for text in ["<|im_", "<", "end|>", "|>"] {
            assert_eq!(count(text), plain);
        }
    }
}

#[test]
fn answers_end_with_the_turn_and_begin_where_the_template_begins_them() {
    for (shape, end) in
        [(Shape::Turns, "<|im_end|>"), (Shape::Headers, "<|end|>"), (Shape::Inst, "</s>")]
    {
        let (dir, n) = folder(shape);
        let t = ChatTokenizer::load(dir.path(), n).unwrap();
        let inner = tokenizers::Tokenizer::from_file(dir.path().join("tokenizer.json")).unwrap();
        assert_eq!(t.ends()[0], inner.token_to_id(end).unwrap(), "{shape:?}");
        for answer in ["1", "10", "Strongly agree"] {
            let ids = t.answer(answer).unwrap();
            assert_eq!(*ids.last().unwrap(), t.ends()[0]);
            assert_eq!(t.decode(&ids).unwrap().trim(), answer, "{shape:?}");
            assert!(ids[..ids.len() - 1].iter().all(|i| *i != t.ends()[0]));
        }
        assert!(t.answer(" ").is_err());
    }
}
