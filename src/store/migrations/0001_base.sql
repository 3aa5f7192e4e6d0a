-- Survey, samples, datasets, models, ingest, evaluations.
-- Times are RFC 3339 UTC with microseconds; JSON columns hold the domain's types as serde writes them.

CREATE TABLE import_log (
    id     INTEGER PRIMARY KEY,
    at     TEXT NOT NULL,
    kind   TEXT NOT NULL,          -- survey, questionnaire, samples, ratings
    file   TEXT NOT NULL,          -- name as given
    sha256 TEXT NOT NULL,
    report TEXT NOT NULL CHECK (json_valid(report))
) STRICT;
CREATE INDEX import_log_by_content ON import_log (kind, sha256);

CREATE TABLE question (
    id       TEXT NOT NULL,
    language TEXT NOT NULL,        -- BCP 47
    position INTEGER NOT NULL,     -- the same for all languages of a question
    topic    TEXT NOT NULL,
    text     TEXT NOT NULL,
    form     TEXT NOT NULL,
    scale    TEXT NOT NULL CHECK (json_valid(scale)),
    notes    TEXT NOT NULL CHECK (json_valid(notes)),
    PRIMARY KEY (id, language)
) STRICT, WITHOUT ROWID;

CREATE TABLE culture (
    id       TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    name     TEXT NOT NULL,
    place    TEXT NOT NULL,
    language TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE culture_country (
    culture  TEXT NOT NULL REFERENCES culture (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    country  TEXT NOT NULL,
    PRIMARY KEY (culture, country)
) STRICT, WITHOUT ROWID;

-- one row for every country and question that has counts: which weights, from which import
CREATE TABLE count_source (
    country   TEXT NOT NULL,
    question  TEXT NOT NULL,
    weighting TEXT NOT NULL,
    import    INTEGER REFERENCES import_log (id),
    PRIMARY KEY (country, question)
) STRICT, WITHOUT ROWID;
CREATE INDEX count_source_by_import ON count_source (import);

-- a code of the scale or a kind of absence, never both: no sum can take -4 for a number
CREATE TABLE option_count (
    country  TEXT NOT NULL,
    question TEXT NOT NULL,
    code     INTEGER CHECK (code BETWEEN 0 AND 255),
    missing  TEXT,
    n        INTEGER NOT NULL CHECK (n >= 0),
    w        REAL NOT NULL,
    w2       REAL NOT NULL,
    CHECK ((code IS NULL) <> (missing IS NULL)),
    FOREIGN KEY (country, question) REFERENCES count_source (country, question) ON DELETE CASCADE
) STRICT;
CREATE UNIQUE INDEX option_count_once
    ON option_count (country, question, ifnull(code, -1), ifnull(missing, ''));

CREATE TABLE paper_mean (
    country        TEXT NOT NULL,
    question       TEXT NOT NULL,
    mean_all       REAL NOT NULL,
    first_thousand REAL NOT NULL,
    respondents    INTEGER NOT NULL,
    PRIMARY KEY (country, question)
) STRICT, WITHOUT ROWID;

CREATE TABLE sample (
    row        INTEGER PRIMARY KEY,  -- order of arrival: the keyset of all pages
    id         TEXT NOT NULL UNIQUE,
    seed       TEXT NOT NULL,
    language   TEXT NOT NULL,
    text       TEXT NOT NULL,
    stage      TEXT NOT NULL,
    similarity REAL,
    decision   TEXT NOT NULL CHECK (decision IN ('kept', 'rejected', 'failed')),
    reason     TEXT NOT NULL,        -- short name for counting, '' for kept
    detail     TEXT NOT NULL CHECK (json_valid(detail)),
    by_hand    INTEGER NOT NULL DEFAULT 0 CHECK (by_hand IN (0, 1)),
    provider   TEXT NOT NULL,
    run        TEXT,
    family     TEXT,
    provenance TEXT NOT NULL CHECK (json_valid(provenance)),
    at         TEXT NOT NULL         -- of the last change
) STRICT;
CREATE INDEX sample_by_seed ON sample (seed, row);
CREATE INDEX sample_by_decision ON sample (decision, reason, row);
CREATE INDEX sample_by_run ON sample (run, row) WHERE run IS NOT NULL;
CREATE INDEX sample_by_similarity ON sample (similarity, row);

CREATE TABLE decision_log (
    id           INTEGER PRIMARY KEY,
    sample       TEXT NOT NULL REFERENCES sample (id),
    at           TEXT NOT NULL,
    who          TEXT NOT NULL,
    from_detail  TEXT NOT NULL CHECK (json_valid(from_detail)),
    from_by_hand INTEGER NOT NULL,
    to_detail    TEXT NOT NULL CHECK (json_valid(to_detail)),
    note         TEXT NOT NULL,
    undoes       INTEGER UNIQUE REFERENCES decision_log (id)
) STRICT;
CREATE INDEX decision_log_by_sample ON decision_log (sample, id);
CREATE INDEX decision_log_by_person ON decision_log (who, id);
CREATE TRIGGER decision_log_is_append_only BEFORE UPDATE ON decision_log
BEGIN SELECT raise(ABORT, 'the decision log is append-only'); END;
CREATE TRIGGER decision_log_keeps_all BEFORE DELETE ON decision_log
BEGIN SELECT raise(ABORT, 'the decision log is append-only'); END;

CREATE TABLE dataset (
    name     TEXT PRIMARY KEY,
    created  TEXT NOT NULL,
    policy   TEXT NOT NULL,
    manifest TEXT NOT NULL CHECK (json_valid(manifest)),
    path     TEXT NOT NULL,
    sha256   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE model (
    id         TEXT PRIMARY KEY,
    alias      TEXT UNIQUE,
    kind       TEXT NOT NULL,        -- local, torch, openai, path, hub, provider
    run        TEXT,
    checkpoint TEXT,
    dataset    TEXT,
    recipe     TEXT NOT NULL CHECK (json_valid(recipe)),
    created    TEXT NOT NULL,
    card       TEXT NOT NULL CHECK (json_valid(card))
) STRICT, WITHOUT ROWID;
CREATE INDEX model_by_run ON model (run) WHERE run IS NOT NULL;

-- how far each file of each run has been merged; written in the transaction of its rows
CREATE TABLE ingest_offset (
    run    TEXT NOT NULL,
    file   TEXT NOT NULL,            -- relative to the run folder: attempt-1/results.jsonl
    offset INTEGER NOT NULL CHECK (offset >= 0),
    at     TEXT NOT NULL,
    PRIMARY KEY (run, file)
) STRICT, WITHOUT ROWID;

CREATE TABLE evaluation (
    id          TEXT PRIMARY KEY,
    run         TEXT,
    task        TEXT NOT NULL,
    plan        TEXT NOT NULL CHECK (json_valid(plan)),
    plan_sha256 TEXT NOT NULL,
    created     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE evaluation_row (
    row        INTEGER PRIMARY KEY,
    evaluation TEXT NOT NULL REFERENCES evaluation (id) ON DELETE CASCADE,
    model      TEXT NOT NULL,
    culture    TEXT,
    split      TEXT NOT NULL,
    question   TEXT,                 -- NULL: a figure over all questions
    metric     TEXT NOT NULL,
    value      REAL,                 -- NULL: undefined, the reason stands in extra
    extra      TEXT NOT NULL CHECK (json_valid(extra))
) STRICT;
CREATE UNIQUE INDEX evaluation_row_once ON evaluation_row
    (evaluation, model, ifnull(culture, ''), split, ifnull(question, ''), metric);
