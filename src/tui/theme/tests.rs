use std::path::Path;

use super::files::parse;
use super::*;

fn built_in() -> Vec<Theme> {
    BUILT_IN.iter().map(|(n, _)| load(n, Path::new("/nowhere")).unwrap()).collect()
}

#[test]
fn a_theme_that_cannot_be_used_says_what_was_expected() {
    let dark = BUILT_IN[0].1;
    let cases = [
        (dark.replace("#8b98ab", "#8b98"), "muted: `#8b98` is no colour"),
        (dark.replace("muted =", "quiet ="), "the role `muted` is missing"),
        (format!("{dark}\nsound = 3\n"), "unknown field `sound`"),
        (dark.replace("[series]", "[roles.shout]\n[series]"), "there is no role `shout`"),
    ];
    for (text, says) in cases {
        let error = parse("x.toml", &text).unwrap_err().to_string();
        assert!(error.contains(says) && error.starts_with("x.toml"), "{error}");
    }
    let error = load("dork", Path::new("/nowhere")).unwrap_err().to_string();
    assert!(error.contains("dark, light, sixteen, mono"), "{error}");
}

#[test]
fn every_role_can_be_read_on_the_ground_it_stands_on() {
    for theme in built_in() {
        let Some(background) = theme.background else { continue };
        for (role, name) in Role::ALL {
            let look = theme.look(role);
            let fg = look.fg.and_then(Paint::rgb).unwrap();
            let bg = look.bg.and_then(Paint::rgb).unwrap_or(background);
            // WCAG AA: 4.5 for text, 3 for lines that carry no text.
            let least = if matches!(role, Role::Border | Role::Focus) { 3.0 } else { 4.5 };
            let ratio = contrast_ratio(fg, bg);
            assert!(ratio >= least, "{}: {name} has {ratio:.2}", theme.name);
        }
        for (i, paint) in theme.series.iter().enumerate() {
            let ratio = contrast_ratio(paint.rgb().unwrap(), background);
            assert!(ratio >= 3.0, "{}: series {i} has {ratio:.2}", theme.name);
        }
        for step in 0..=20 {
            let style = theme.heat(step as f32 / 20.0);
            let (
                Some(ratatui::style::Color::Rgb(a, b, c)),
                Some(ratatui::style::Color::Rgb(d, e, f)),
            ) = (style.fg, style.bg)
            else {
                panic!("{}: heat {step} has no colours", theme.name)
            };
            let ratio = contrast_ratio([a, b, c], [d, e, f]);
            assert!(ratio >= 4.5, "{}: heat {step} has {ratio:.2}", theme.name);
        }
    }
}

#[test]
fn the_mono_theme_has_no_colour_and_still_tells_roles_apart() {
    let mono = load("mono", Path::new("/nowhere")).unwrap();
    for (role, name) in Role::ALL {
        let look = mono.look(role);
        assert!(look.fg.is_none() && look.bg.is_none(), "{name} has a colour");
    }
    assert_ne!(mono.style(Role::Selection), mono.style(Role::Text));
    assert_ne!(mono.style(Role::Bad), mono.style(Role::Text));
    assert_ne!(mono.style(Role::Added), mono.style(Role::Removed));
    assert_eq!(mono.series(3), Style::new());
}

#[test]
fn black_on_white_has_the_ratio_that_the_standard_gives() {
    assert!((contrast_ratio([0; 3], [255; 3]) - 21.0).abs() < 1e-9);
    assert!((contrast_ratio([119; 3], [255; 3]) - 4.478).abs() < 1e-3);
}
