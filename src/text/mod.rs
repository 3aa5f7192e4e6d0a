//! Text as people read it: tokens, diff, near-duplicates, cleaning, width. Knows no question and no culture.
