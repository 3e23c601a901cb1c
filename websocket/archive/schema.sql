-- Tables of the archive, version 2. Times are Unix seconds (UTC), values US dollars; see rows.py for every column.

-- Every accepted price. The unique index is also the one by which histories are read and old rows are found.
CREATE TABLE prices (
    id          INTEGER PRIMARY KEY,
    symbol      TEXT NOT NULL,
    time        REAL NOT NULL,
    price       REAL NOT NULL CHECK (price > 0),
    source      TEXT NOT NULL,
    confirmed   INTEGER NOT NULL CHECK (confirmed IN (0, 1)),
    recorded_at REAL NOT NULL,
    UNIQUE (symbol, time, source)
);

-- Written in the transaction of the prices that they are made of. The two times say which price is first and last
-- when one comes late.
CREATE TABLE candles (
    interval   TEXT NOT NULL CHECK (interval IN ('1m', '1h')),
    symbol     TEXT NOT NULL,
    start      INTEGER NOT NULL,
    open       REAL NOT NULL,
    high       REAL NOT NULL,
    low        REAL NOT NULL,
    close      REAL NOT NULL,
    samples    INTEGER NOT NULL,
    open_time  REAL NOT NULL,
    close_time REAL NOT NULL,
    PRIMARY KEY (interval, symbol, start)
) WITHOUT ROWID;

CREATE TABLE articles (
    id           TEXT PRIMARY KEY NOT NULL,
    title        TEXT NOT NULL,
    url          TEXT NOT NULL,
    source       TEXT NOT NULL,
    published_at REAL,
    seen_at      REAL NOT NULL,
    categories   TEXT NOT NULL,  -- JSON array
    source_id    TEXT NOT NULL DEFAULT ''
);
CREATE INDEX articles_by_time ON articles (seen_at, id);

-- An address that is not known is '' here, because NULLs are never equal in an index. The amount is in the key because
-- one transaction may hold several transfers between the same two.
CREATE TABLE whales (
    id         INTEGER PRIMARY KEY,
    chain      TEXT NOT NULL,
    hash       TEXT NOT NULL,
    asset      TEXT NOT NULL,
    amount     REAL NOT NULL,
    sender     TEXT NOT NULL,
    receiver   TEXT NOT NULL,
    value      REAL NOT NULL,
    time       REAL NOT NULL,
    confirmed  INTEGER NOT NULL CHECK (confirmed IN (0, 1)),
    block      INTEGER,
    from_label TEXT,
    to_label   TEXT,
    source     TEXT NOT NULL,
    UNIQUE (chain, hash, asset, amount, sender, receiver)
);
CREATE INDEX whales_by_time ON whales (time, id);

-- The last publication of each service.
CREATE TABLE updates (
    service TEXT PRIMARY KEY NOT NULL,
    epoch   TEXT NOT NULL,
    seq     INTEGER NOT NULL,
    time    REAL NOT NULL,
    body    TEXT NOT NULL
);

-- What happened to the archive itself: backups, exports, files that were set aside.
CREATE TABLE events (
    id     INTEGER PRIMARY KEY,
    kind   TEXT NOT NULL,
    at     REAL NOT NULL,
    detail TEXT NOT NULL
);
