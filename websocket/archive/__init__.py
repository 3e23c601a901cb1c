"""The archive: what was published, kept in one SQLite file with a retention for each kind, and read back.

    store.py          the archive as others see it: takes publications, flush, prune, reads, status
    recorder.py       publications become rows that wait, bounded
    turns.py          one after the other on the writer's connection
    keeper.py         keeps the file open and writes to it, whatever the disk does
    database.py       the file: made, checked, locked, set aside when it is damaged
    schema.sql        its tables
    rows.py           their rows as records
    writer.py         one batch, one transaction
    candles.py        candles of a minute and an hour, in step with the prices
    retention.py      deletes what was kept long enough
    queries.py        reads, page by page
    status.py         how it is doing

    progress.py       long tasks, one at a time, and how far they are
    tasks.py          backups and exports of a running service
    backup.py         verified copies while it is in use
    restore.py        a backup in the place of the archive
    export.py         CSV and JSON Lines
    formats.py        rows as others see them
    files.py          files that are whole or not there
    __main__.py       the command line

docs/archive.md says what is kept, how big it gets and what a crash costs.
"""
