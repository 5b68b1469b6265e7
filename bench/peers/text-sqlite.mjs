// SQLite FTS5 in process, optimized, memory-mapped, without the texts.
import path from 'node:path';
import Database from 'better-sqlite3';

export class SqliteText {
  async build(lines, work) {
    const db = new Database(path.join(work, 'fts5.sqlite'));
    db.exec("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; CREATE VIRTUAL TABLE t USING fts5(body, content=''); BEGIN;");
    const insert = db.prepare('INSERT INTO t(rowid, body) VALUES(?, ?)');
    let id = 0;
    for await (const line of lines) insert.run(++id, line);
    db.exec("COMMIT; INSERT INTO t(t) VALUES('optimize'); VACUUM;");
    return `SQLite ${db.prepare('SELECT sqlite_version() v').get().v} FTS5`;
  }

  async open(work) {
    this.db = new Database(path.join(work, 'fts5.sqlite'), { readonly: true });
    this.db.exec('PRAGMA mmap_size=4000000000; PRAGMA cache_size=-500000;');
    this.statement = this.db.prepare('SELECT rowid FROM t WHERE t MATCH ? ORDER BY rank LIMIT 10');
  }

  async search(words) { return this.statement.all(words.map((w) => `"${w.replaceAll('"', '')}"`).join(' OR ')); }
}
