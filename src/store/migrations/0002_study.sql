-- The rating study: items, plan, raters, and an append-only log of what raters did.

CREATE TABLE study (
    id      TEXT PRIMARY KEY,
    created TEXT NOT NULL,
    k       INTEGER NOT NULL CHECK (k >= 1),   -- raters an item (anchors: everybody)
    seed    TEXT NOT NULL,                     -- u64 as text: SQLite has no unsigned numbers
    spec    TEXT NOT NULL CHECK (json_valid(spec)),
    fixed   TEXT                               -- time of the plan; NULL while it can change
) STRICT, WITHOUT ROWID;

-- a pair of seed and sample, frozen: later changes of survey or samples do not reach it
CREATE TABLE item (
    study       TEXT NOT NULL REFERENCES study (id),
    id          TEXT NOT NULL,
    position    INTEGER NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('sample', 'anchor', 'repeat', 'control-identical',
                                              'control-unrelated', 'control-negated')),
    k           INTEGER CHECK (k >= 1),        -- raters it gets; NULL: everybody
    seed        TEXT NOT NULL,
    sample      TEXT,                          -- NULL for made-up texts
    language    TEXT NOT NULL,
    culture     TEXT,
    seed_text   TEXT NOT NULL,
    sample_text TEXT NOT NULL,
    sha256      TEXT NOT NULL,                 -- of language, seed text and sample text
    repeat_of   TEXT,
    lo          INTEGER CHECK (lo BETWEEN 1 AND 5),
    hi          INTEGER CHECK (hi BETWEEN lo AND 5),
    PRIMARY KEY (study, id),
    UNIQUE (study, position),
    FOREIGN KEY (study, repeat_of) REFERENCES item (study, id),
    CHECK ((kind = 'repeat') = (repeat_of IS NOT NULL)),
    CHECK ((lo IS NULL) = (hi IS NULL))
) STRICT, WITHOUT ROWID;
CREATE TRIGGER item_is_frozen BEFORE UPDATE ON item
BEGIN SELECT raise(ABORT, 'items of a study are frozen; make a new study'); END;

CREATE TABLE rater (
    study           TEXT NOT NULL REFERENCES study (id),
    id              TEXT NOT NULL,             -- pseudonym; names are kept elsewhere
    kind            TEXT NOT NULL CHECK (kind IN ('human', 'scripted', 'judge')),
    languages       TEXT NOT NULL CHECK (json_valid(languages)),
    consent_version TEXT,
    consent_at      TEXT,
    PRIMARY KEY (study, id),
    CHECK ((consent_version IS NULL) = (consent_at IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE assignment (
    id          INTEGER PRIMARY KEY,
    study       TEXT NOT NULL,
    item        TEXT NOT NULL,
    slot        INTEGER NOT NULL CHECK (slot >= 0),
    rater       TEXT NOT NULL,
    position    INTEGER NOT NULL,              -- order for this rater
    swap        INTEGER NOT NULL CHECK (swap IN (0, 1)),
    lease_until TEXT,                          -- NULL: reserved without an end
    released_at TEXT,
    FOREIGN KEY (study, item) REFERENCES item (study, id),
    FOREIGN KEY (study, rater) REFERENCES rater (study, id)
) STRICT;
CREATE UNIQUE INDEX assignment_one_rater_a_slot ON assignment (study, item, slot)
    WHERE released_at IS NULL;
CREATE UNIQUE INDEX assignment_one_item_a_rater ON assignment (study, item, rater)
    WHERE released_at IS NULL;
CREATE INDEX assignment_by_rater ON assignment (study, rater, position);
CREATE INDEX assignment_by_lease ON assignment (lease_until)
    WHERE released_at IS NULL AND lease_until IS NOT NULL;

-- k raters an item and no more, whoever writes
CREATE TRIGGER assignment_within_k BEFORE INSERT ON assignment
WHEN NEW.slot >= (SELECT k FROM item WHERE study = NEW.study AND id = NEW.item)
BEGIN SELECT raise(ABORT, 'over-assigned: the item has all its raters'); END;
-- an assignment is only ever released, never turned into another one
CREATE TRIGGER assignment_is_kept BEFORE DELETE ON assignment
BEGIN SELECT raise(ABORT, 'assignments are released, never deleted'); END;
CREATE TRIGGER assignment_is_what_it_was
BEFORE UPDATE OF study, item, slot, rater, swap ON assignment
BEGIN SELECT raise(ABORT, 'an assignment is released, never given another content'); END;

CREATE TABLE rating_event (
    id                INTEGER PRIMARY KEY,
    event_uuid        TEXT NOT NULL UNIQUE,
    assignment        INTEGER NOT NULL REFERENCES assignment (id),
    rater             TEXT NOT NULL,
    at                TEXT NOT NULL,
    kind              TEXT NOT NULL CHECK (kind IN ('submit', 'edit', 'skip', 'flag', 'undo')),
    score             INTEGER CHECK (score BETWEEN 1 AND 5),
    comment           TEXT,
    shown_at          TEXT,
    active_ms         INTEGER CHECK (active_ms >= 0),
    diff_visible      INTEGER CHECK (diff_visible IN (0, 1)),
    guideline_version TEXT,
    app_version       TEXT NOT NULL,
    previous          INTEGER REFERENCES rating_event (id),
    -- a score belongs to a submit or an edit, and only there
    CHECK ((kind IN ('submit', 'edit')) = (score IS NOT NULL)),
    -- an edit and an undo say what they change
    CHECK ((kind IN ('edit', 'undo')) = (previous IS NOT NULL))
) STRICT;
CREATE INDEX rating_event_by_assignment ON rating_event (assignment, id);
CREATE INDEX rating_event_by_previous ON rating_event (previous) WHERE previous IS NOT NULL;

CREATE TRIGGER rating_event_is_append_only BEFORE UPDATE ON rating_event
BEGIN SELECT raise(ABORT, 'ratings are append-only: edit or undo by a new event'); END;
CREATE TRIGGER rating_event_keeps_all BEFORE DELETE ON rating_event
BEGIN SELECT raise(ABORT, 'ratings are append-only: edit or undo by a new event'); END;
CREATE TRIGGER rating_event_is_by_its_rater BEFORE INSERT ON rating_event
WHEN NEW.rater IS NOT (SELECT rater FROM assignment WHERE id = NEW.assignment)
BEGIN SELECT raise(ABORT, 'the item is assigned to another rater'); END;
CREATE TRIGGER rating_event_while_assigned BEFORE INSERT ON rating_event
WHEN (SELECT released_at FROM assignment WHERE id = NEW.assignment) IS NOT NULL
BEGIN SELECT raise(ABORT, 'the assignment was released; take the next item'); END;

-- what stands: the newest submit or edit of an assignment that no undo took back. An undone edit
-- brings back the rating before it.
CREATE VIEW current_rating AS
SELECT e.*
FROM rating_event e
WHERE e.id = (SELECT max(x.id) FROM rating_event x
              WHERE x.assignment = e.assignment AND x.kind IN ('submit', 'edit')
                AND NOT EXISTS (SELECT 1 FROM rating_event u
                                WHERE u.previous = x.id AND u.kind = 'undo'));
-- one standing rating: a second submit has to be an edit
CREATE TRIGGER rating_event_once BEFORE INSERT ON rating_event
WHEN NEW.kind = 'submit'
 AND EXISTS (SELECT 1 FROM current_rating WHERE assignment = NEW.assignment)
BEGIN SELECT raise(ABORT, 'rated before: change it by an edit'); END;
CREATE TRIGGER rating_event_changes_what_stands BEFORE INSERT ON rating_event
WHEN NEW.kind IN ('edit', 'undo')
 AND NEW.previous IS NOT (SELECT id FROM current_rating WHERE assignment = NEW.assignment)
BEGIN SELECT raise(ABORT, 'the rating to change is not the one that stands; reload'); END;
