-- A study that is fixed stays fixed, people may leave it, and what raters saw is told.

ALTER TABLE study ADD COLUMN type TEXT NOT NULL DEFAULT 'similarity'
    CHECK (type IN ('similarity', 'preference', 'appropriateness'));

-- where the sample came from, as it was when the item was made: later runs rescore samples
ALTER TABLE item ADD COLUMN origin TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(origin));
ALTER TABLE item ADD COLUMN context TEXT;      -- the question asked; NULL for similarity
ALTER TABLE item ADD COLUMN sensitive INTEGER NOT NULL DEFAULT 0 CHECK (sensitive IN (0, 1));
CREATE INDEX item_by_sample ON item (sample) WHERE sample IS NOT NULL;

ALTER TABLE rater ADD COLUMN cultures TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(cultures));
ALTER TABLE rater ADD COLUMN note TEXT;

-- another tool's or workspace's name where the event was not made here; then also when it was made
ALTER TABLE rating_event ADD COLUMN source TEXT;
ALTER TABLE rating_event ADD COLUMN rated_at TEXT;

ALTER TABLE judge ADD COLUMN family TEXT;      -- of the model; judges of the writers' family are marked

-- What changed after the plan was fixed, by whom and why. `change` names the raters, items and
-- texts that it lets in; without their name here the tables refuse them.
CREATE TABLE study_amendment (
    study  TEXT NOT NULL REFERENCES study (id),
    n      INTEGER NOT NULL CHECK (n >= 1),
    at     TEXT NOT NULL,
    who    TEXT NOT NULL,
    reason TEXT NOT NULL CHECK (trim(reason) <> ''),
    change TEXT NOT NULL CHECK (json_valid(change)),
    PRIMARY KEY (study, n)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER study_amendment_is_append_only BEFORE UPDATE ON study_amendment
BEGIN SELECT raise(ABORT, 'amendments are append-only'); END;
CREATE TRIGGER study_amendment_keeps_all BEFORE DELETE ON study_amendment
BEGIN SELECT raise(ABORT, 'amendments are append-only'); END;

CREATE TRIGGER study_is_fixed BEFORE UPDATE OF id, created, k, seed, spec, type ON study
WHEN OLD.fixed IS NOT NULL
BEGIN SELECT raise(ABORT, 'the study is fixed: `polyculture study amend` changes it, logged'); END;
CREATE TRIGGER study_stays_fixed BEFORE UPDATE OF fixed ON study WHEN OLD.fixed IS NOT NULL
BEGIN SELECT raise(ABORT, 'the study is fixed: `polyculture study amend` changes it, logged'); END;
CREATE TRIGGER item_of_a_fixed_study BEFORE INSERT ON item
WHEN (SELECT fixed FROM study WHERE id = NEW.study) IS NOT NULL
 AND NOT EXISTS (SELECT 1 FROM study_amendment m, json_each(m.change, '$.items') j
                 WHERE m.study = NEW.study AND j.value = NEW.id)
BEGIN SELECT raise(ABORT, 'the study is fixed: `polyculture study amend` adds items, logged'); END;
CREATE TRIGGER item_keeps_all BEFORE DELETE ON item
BEGIN SELECT raise(ABORT, 'items of a study are frozen; make a new study'); END;
-- judges stand apart from people: they may come later
CREATE TRIGGER rater_of_a_fixed_study BEFORE INSERT ON rater
WHEN NEW.kind <> 'judge'
 AND (SELECT fixed FROM study WHERE id = NEW.study) IS NOT NULL
 AND NOT EXISTS (SELECT 1 FROM rater WHERE study = NEW.study AND id = NEW.id)
 AND NOT EXISTS (SELECT 1 FROM study_amendment m, json_each(m.change, '$.raters') j
                 WHERE m.study = NEW.study AND j.value = NEW.id)
BEGIN SELECT raise(ABORT, 'the study is fixed: `polyculture study amend` adds raters, logged'); END;
CREATE TRIGGER rater_declares_before_the_plan BEFORE UPDATE OF languages, cultures ON rater
WHEN (NEW.languages <> OLD.languages OR NEW.cultures <> OLD.cultures)
 AND NEW.kind <> 'judge'
 AND (SELECT fixed FROM study WHERE id = NEW.study) IS NOT NULL
 AND NOT EXISTS (SELECT 1 FROM study_amendment m, json_each(m.change, '$.raters') j
                 WHERE m.study = NEW.study AND j.value = NEW.id)
BEGIN SELECT raise(ABORT, 'the study is fixed: languages and cultures change by an amendment'); END;
CREATE TRIGGER rater_keeps_its_kind BEFORE UPDATE OF study, id, kind ON rater
WHEN NEW.study <> OLD.study OR NEW.id <> OLD.id OR NEW.kind <> OLD.kind
BEGIN SELECT raise(ABORT, 'a rater keeps name and kind: take another name'); END;

-- The words that raters read: the study's own, or the program's as they were when first shown.
CREATE TABLE study_text (
    study    TEXT NOT NULL REFERENCES study (id),
    kind     TEXT NOT NULL CHECK (kind IN ('consent', 'guideline', 'examples', 'qualification')),
    language TEXT NOT NULL,                      -- BCP 47
    version  TEXT NOT NULL,
    sha256   TEXT NOT NULL,                      -- of the body, in hexadecimal
    body     TEXT NOT NULL,                      -- TOML or plain text, as the study room reads it
    source   TEXT NOT NULL CHECK (source IN ('study', 'program')),
    at       TEXT NOT NULL,
    PRIMARY KEY (study, kind, language, version)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER study_text_is_frozen BEFORE UPDATE ON study_text
BEGIN SELECT raise(ABORT, 'texts of a study are frozen: give the new one another version'); END;
CREATE TRIGGER study_text_keeps_all BEFORE DELETE ON study_text
BEGIN SELECT raise(ABORT, 'texts of a study are frozen: give the new one another version'); END;
CREATE TRIGGER study_text_of_a_fixed_study BEFORE INSERT ON study_text
WHEN NEW.source = 'study'
 AND (SELECT fixed FROM study WHERE id = NEW.study) IS NOT NULL
 AND NOT EXISTS (SELECT 1 FROM study_amendment m, json_each(m.change, '$.texts') j
                 WHERE m.study = NEW.study
                 AND j.value = NEW.kind || '/' || NEW.language || '@' || NEW.version)
BEGIN SELECT raise(ABORT, 'the study is fixed: its texts change by an amendment'); END;

-- Who left. It stays when all else of theirs is gone.
CREATE TABLE withdrawal (
    study    TEXT NOT NULL,
    rater    TEXT NOT NULL,
    at       TEXT NOT NULL,
    events   INTEGER NOT NULL CHECK (events >= 0),   -- erased, as all numbers here
    comments INTEGER NOT NULL CHECK (comments >= 0),
    ratings  INTEGER NOT NULL CHECK (ratings >= 0),  -- that stood until then
    PRIMARY KEY (study, rater),
    FOREIGN KEY (study, rater) REFERENCES rater (study, id)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER withdrawal_stays BEFORE UPDATE ON withdrawal
BEGIN SELECT raise(ABORT, 'a withdrawal stays'); END;
CREATE TRIGGER withdrawal_is_kept BEFORE DELETE ON withdrawal
BEGIN SELECT raise(ABORT, 'a withdrawal stays'); END;

DROP TRIGGER rating_event_keeps_all;
CREATE TRIGGER rating_event_keeps_all BEFORE DELETE ON rating_event
WHEN NOT EXISTS (SELECT 1 FROM assignment a JOIN withdrawal w
                 ON w.study = a.study AND w.rater = a.rater WHERE a.id = OLD.assignment)
BEGIN SELECT raise(ABORT, 'ratings are append-only: edit or undo by a new event'); END;
CREATE TRIGGER rating_event_not_after_withdrawal BEFORE INSERT ON rating_event
WHEN EXISTS (SELECT 1 FROM assignment a JOIN withdrawal w
             ON w.study = a.study AND w.rater = a.rater WHERE a.id = NEW.assignment)
BEGIN SELECT raise(ABORT, 'the rater left the study'); END;

-- What each rater agreed to, each time. The rater's row holds the newest.
CREATE TABLE consent_event (
    id       INTEGER PRIMARY KEY,
    study    TEXT NOT NULL,
    rater    TEXT NOT NULL,
    language TEXT NOT NULL,
    version  TEXT NOT NULL,
    sha256   TEXT NOT NULL,
    at       TEXT NOT NULL,
    FOREIGN KEY (study, rater) REFERENCES rater (study, id)
) STRICT;
CREATE INDEX consent_event_by_rater ON consent_event (study, rater, id);
CREATE TRIGGER consent_event_is_append_only BEFORE UPDATE ON consent_event
BEGIN SELECT raise(ABORT, 'consents are append-only'); END;
CREATE TRIGGER consent_event_keeps_all BEFORE DELETE ON consent_event
WHEN NOT EXISTS (SELECT 1 FROM withdrawal w WHERE w.study = OLD.study AND w.rater = OLD.rater)
BEGIN SELECT raise(ABORT, 'consents are append-only'); END;

-- Practice before the study. It is shown to the researcher and shuts nobody out by itself.
CREATE TABLE qualification_event (
    id         INTEGER PRIMARY KEY,
    event_uuid TEXT NOT NULL UNIQUE,
    study      TEXT NOT NULL,
    rater      TEXT NOT NULL,
    round      INTEGER NOT NULL CHECK (round >= 1),
    item       TEXT NOT NULL,                    -- name in the qualification's text
    given      INTEGER NOT NULL CHECK (given BETWEEN 1 AND 5),
    lo         INTEGER NOT NULL CHECK (lo BETWEEN 1 AND 5),
    hi         INTEGER NOT NULL CHECK (hi BETWEEN lo AND 5),
    at         TEXT NOT NULL,
    FOREIGN KEY (study, rater) REFERENCES rater (study, id)
) STRICT;
CREATE INDEX qualification_event_by_rater ON qualification_event (study, rater, id);
CREATE TRIGGER qualification_event_is_append_only BEFORE UPDATE ON qualification_event
BEGIN SELECT raise(ABORT, 'practice answers are append-only'); END;
CREATE TRIGGER qualification_event_keeps_all BEFORE DELETE ON qualification_event
WHEN NOT EXISTS (SELECT 1 FROM withdrawal w WHERE w.study = OLD.study AND w.rater = OLD.rater)
BEGIN SELECT raise(ABORT, 'practice answers are append-only'); END;

-- What a rater looked at before rating: it outlives a lost connection.
CREATE TABLE view_event (
    id         INTEGER PRIMARY KEY,
    event_uuid TEXT NOT NULL UNIQUE,
    assignment INTEGER NOT NULL REFERENCES assignment (id),
    rater      TEXT NOT NULL,
    at         TEXT NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('shown', 'diff', 'revealed', 'pause', 'leave')),
    active_ms  INTEGER CHECK (active_ms >= 0)    -- time spent on the pair until then, pauses left out
) STRICT;
CREATE INDEX view_event_by_assignment ON view_event (assignment, id);
CREATE TRIGGER view_event_is_append_only BEFORE UPDATE ON view_event
BEGIN SELECT raise(ABORT, 'what was seen is append-only'); END;
CREATE TRIGGER view_event_keeps_all BEFORE DELETE ON view_event
WHEN NOT EXISTS (SELECT 1 FROM assignment a JOIN withdrawal w
                 ON w.study = a.study AND w.rater = a.rater WHERE a.id = OLD.assignment)
BEGIN SELECT raise(ABORT, 'what was seen is append-only'); END;
CREATE TRIGGER view_event_is_by_its_rater BEFORE INSERT ON view_event
WHEN NEW.rater IS NOT (SELECT rater FROM assignment WHERE id = NEW.assignment)
BEGIN SELECT raise(ABORT, 'the item is assigned to another rater'); END;

-- The researcher's word on items that raters see differently. The newest stands; none is lost.
CREATE TABLE adjudication (
    study  TEXT NOT NULL,
    item   TEXT NOT NULL,
    n      INTEGER NOT NULL CHECK (n >= 1),
    at     TEXT NOT NULL,
    who    TEXT NOT NULL,
    score  INTEGER CHECK (score BETWEEN 1 AND 5),    -- NULL: taken back, or left open
    reason TEXT NOT NULL CHECK (trim(reason) <> ''),
    note   TEXT,
    PRIMARY KEY (study, item, n),
    FOREIGN KEY (study, item) REFERENCES item (study, id)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER adjudication_is_append_only BEFORE UPDATE ON adjudication
BEGIN SELECT raise(ABORT, 'adjudications are append-only'); END;
CREATE TRIGGER adjudication_keeps_all BEFORE DELETE ON adjudication
BEGIN SELECT raise(ABORT, 'adjudications are append-only'); END;

-- Which SSH keys were tied to which rater. The keys themselves lie with the SSH server.
CREATE TABLE study_key (
    study       TEXT NOT NULL,
    rater       TEXT NOT NULL,
    fingerprint TEXT NOT NULL,                   -- SHA256:.. as ssh-keygen prints it
    kind        TEXT NOT NULL,                   -- ssh-ed25519, ..
    added       TEXT NOT NULL,
    revoked     TEXT,
    PRIMARY KEY (study, rater, fingerprint),
    FOREIGN KEY (study, rater) REFERENCES rater (study, id)
) STRICT, WITHOUT ROWID;

-- k people an item and no more: as the study was set up, or as an amendment says
DROP TRIGGER assignment_within_k;
CREATE TRIGGER assignment_within_k BEFORE INSERT ON assignment
WHEN NEW.slot >= (SELECT max(i.k, ifnull((SELECT max(json_extract(m.change, '$.more.k'))
                                          FROM study_amendment m WHERE m.study = NEW.study), 0))
                  FROM item i WHERE i.study = NEW.study AND i.id = NEW.item)
 AND (SELECT kind FROM rater WHERE study = NEW.study AND id = NEW.rater) IS NOT 'judge'
BEGIN SELECT raise(ABORT, 'over-assigned: the item has all its raters'); END;
