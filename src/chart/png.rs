//! A drawing as a picture, with the fonts of the system, or with one of our own where it has none.

use std::sync::{Arc, OnceLock};

use resvg::{tiny_skia, usvg};
use usvg::fontdb;

use super::ChartError;

/// Pixels each way, at most: 1 GiB of memory.
const MOST: f32 = 16_384.0;

/// Fonts, loaded once a process. Ours is always among them: it fills in for what the system lacks.
fn fonts() -> Arc<fontdb::Database> {
    static FONTS: OnceLock<Arc<fontdb::Database>> = OnceLock::new();
    FONTS
        .get_or_init(|| {
            let mut db = fontdb::Database::new();
            db.load_system_fonts();
            Arc::new(with_ours(db))
        })
        .clone()
}

/// Adds our font, and makes the generic families ones that are there.
fn with_ours(mut db: fontdb::Database) -> fontdb::Database {
    db.load_font_data(epaint_default_fonts::HACK_REGULAR.to_vec());
    let has = |db: &fontdb::Database, name: &str| {
        db.faces().any(|f| f.families.iter().any(|(family, _)| family == name))
    };
    let first = |db: &fontdb::Database, names: &[&str]| {
        names.iter().find(|n| has(db, n)).map_or_else(|| "Hack".to_owned(), |n| (*n).to_owned())
    };
    let sans = ["Noto Sans", "DejaVu Sans", "Liberation Sans", "Arial", "Helvetica", "Roboto"];
    let mono = ["DejaVu Sans Mono", "Noto Sans Mono", "Liberation Mono", "Menlo", "Consolas"];
    let (sans, mono) = (first(&db, &sans), first(&db, &mono));
    db.set_sans_serif_family(sans.clone());
    db.set_serif_family(sans);
    db.set_monospace_family(mono);
    db
}

/// Renders a drawing as a PNG, `scale` pixels for each of its own.
///
/// # Errors
/// Not an SVG; a size that is none or too large.
pub fn png(svg: &str, scale: f32) -> Result<Vec<u8>, ChartError> {
    render(svg, scale, fonts())
}

fn render(svg: &str, scale: f32, fonts: Arc<fontdb::Database>) -> Result<Vec<u8>, ChartError> {
    let options = usvg::Options {
        fontdb: fonts,
        font_family: "sans-serif".to_owned(),
        // Nothing outside of the drawing is read, whatever it refers to.
        image_href_resolver: usvg::ImageHrefResolver {
            resolve_data: Box::new(|_, _, _| None),
            resolve_string: Box::new(|_, _| None),
        },
        ..usvg::Options::default()
    };
    let tree = usvg::Tree::from_str(svg, &options).map_err(|e| ChartError::Svg(e.to_string()))?;
    let (w, h) = (tree.size().width() * scale, tree.size().height() * scale);
    let wrong = ChartError::Size { width: w.ceil() as u64, height: h.ceil() as u64 };
    if !(scale.is_finite() && (1.0..=MOST).contains(&w) && (1.0..=MOST).contains(&h)) {
        return Err(wrong);
    }
    let mut picture = tiny_skia::Pixmap::new(w.round() as u32, h.round() as u32).ok_or(wrong)?;
    let grow = tiny_skia::Transform::from_scale(scale, scale);
    resvg::render(&tree, grow, &mut picture.as_mut());
    picture.encode_png().map_err(|e| ChartError::Png(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::super::{LineChart, Palette};
    use super::*;

    fn drawing() -> String {
        let chart = LineChart { title: "Words 123".into(), ..LineChart::default() };
        chart.svg((200, 120), &Palette::LIGHT)
    }

    #[test]
    fn what_is_no_drawing_and_sizes_that_are_none_are_refused() {
        assert!(matches!(png("no svg", 1.0), Err(ChartError::Svg(_))));
        for scale in [0.0, -1.0, f32::NAN, f32::INFINITY, 1e9] {
            assert!(matches!(png(&drawing(), scale), Err(ChartError::Size { .. })), "{scale}");
        }
    }

    #[test]
    fn a_picture_has_its_size_and_is_not_blank() {
        let bytes = png(&drawing(), 2.0).unwrap();
        let picture = tiny_skia::Pixmap::decode_png(&bytes).unwrap();
        assert_eq!((picture.width(), picture.height()), (400, 240));
        assert!(dark(&picture) > 50);
    }

    #[test]
    fn words_are_drawn_on_a_machine_without_fonts() {
        let alone = Arc::new(with_ours(fontdb::Database::new()));
        let bytes = render(&drawing(), 1.0, alone).unwrap();
        assert!(dark(&tiny_skia::Pixmap::decode_png(&bytes).unwrap()) > 50);
    }

    #[test]
    fn a_drawing_reads_no_file() {
        let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\">\
                   <image href=\"/etc/hostname\" width=\"9\" height=\"9\"/></svg>";
        assert!(png(svg, 1.0).is_ok());
    }

    fn dark(picture: &tiny_skia::Pixmap) -> usize {
        picture.pixels().iter().filter(|p| p.red() < 100).count()
    }
}
