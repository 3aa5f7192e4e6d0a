//! Plot geometry: one chart to the cells of a terminal, to SVG, PNG, CSV and Markdown. Knows no
//! question and no culture.
//!
//! Whatever the data are (nothing, one point, all equal, no numbers, `f64::MAX`) and whatever the
//! size, something honest is drawn: a value that cannot be drawn is counted and marked, never
//! joined over. Series differ by their marks and names, heat has its number: nothing is told by
//! colour alone. On a terminal labels are written in the order given, one cluster after another:
//! text that runs from right to left comes in visual order.

mod bars;
mod canvas;
mod distribution;
mod dots;
mod error;
mod export;
mod frame;
mod heat;
mod histogram;
mod intervals;
mod line;
mod palette;
mod png;
mod points;
mod radar;
mod screen;
mod screen_glyphs;
mod svg;
mod ticks;

#[cfg(test)]
mod tests;

pub use bars::{Bar, BarChart};
pub use canvas::{Canvas, Cell, Glyphs, Role};
pub use distribution::{Distribution, Group};
pub use dots::mark;
pub use error::ChartError;
pub use heat::{HeatCell, HeatScale, HeatTable};
pub use histogram::Histogram;
pub use intervals::{IntervalPoint, IntervalSeries, Intervals};
pub use line::{LineChart, Marker, Series};
pub use palette::{Paint, Palette};
pub use png::png;
pub use points::{downsample, smooth};
pub use radar::Radar;
pub use screen::{ScreenCell, screen_svg};
pub use ticks::{Axis, number};

/// Any chart: what a screen looks at and what `e` exports.
#[derive(Debug, Clone, PartialEq)]
pub enum Chart {
    /// Curves.
    Line(LineChart),
    /// Bars.
    Bars(BarChart),
    /// Answers of groups to one question.
    Distribution(Distribution),
    /// Counts between edges.
    Histogram(Histogram),
    /// A table with colours.
    Heat(HeatTable),
    /// Figures around a circle.
    Radar(Radar),
    /// Values with intervals over places.
    Intervals(Intervals),
}

macro_rules! each {
    ($self:ident, $c:ident => $e:expr) => {
        match $self {
            Chart::Line($c) => $e,
            Chart::Bars($c) => $e,
            Chart::Distribution($c) => $e,
            Chart::Histogram($c) => $e,
            Chart::Heat($c) => $e,
            Chart::Radar($c) => $e,
            Chart::Intervals($c) => $e,
        }
    };
}

impl Chart {
    /// Above everything; a name for the file that it is exported to.
    pub fn title(&self) -> &str {
        each!(self, c => &c.title)
    }

    /// Drawn in so many cells: the canvas is exactly as large as asked.
    pub fn cells(&self, width: u16, height: u16, glyphs: Glyphs) -> Canvas {
        each!(self, c => c.cells(width, height, glyphs))
    }

    /// A self-contained drawing of so many pixels; tables and bars are as high as their rows need
    /// it.
    pub fn svg(&self, size: (u32, u32), palette: &Palette) -> String {
        each!(self, c => c.svg(size, palette))
    }

    /// The numbers in full.
    pub fn csv(&self) -> String {
        each!(self, c => c.csv())
    }

    /// The numbers as people read them.
    pub fn markdown(&self) -> String {
        each!(self, c => c.markdown())
    }
}
