// sqlite-vec: a virtual table that is scanned, in a file. Exact, so there is nothing to set.
import path from 'node:path';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const Database = require('better-sqlite3');
const extension = require('sqlite-vec');
const PIECE = 10_000;

export class SqliteVec {
  async build(base, { metric, work }) {
    const db = this.#open(work);
    db.exec(`create virtual table vectors using vec0(id integer primary key, vector float[${base.columns}] distance_metric=${metric === 'cosine' ? 'cosine' : 'L2'})`);
    const insert = db.prepare('insert into vectors (id, vector) values (?, ?)');
    await base.forEachPiece(PIECE, (first, count, values) => {
      db.transaction(() => {
        for (let i = 0; i < count; i++) insert.run(BigInt(first + i), bytes(values, i, base.columns));
      })();
    });
    db.pragma('wal_checkpoint(truncate)');
    const version = db.prepare('select vec_version() as v').get().v;
    db.close();
    return `sqlite-vec ${version}, exact scan`;
  }

  settings() { return [{ scan: 'exact' }]; }

  async open({ work }) {
    this.db = this.#open(work);
    this.query = this.db.prepare('select id from vectors where vector match ? and k = ?').pluck();
  }

  async use() { }

  async search(vector, k) { return this.query.all(bytes(vector, 0, vector.length), k); }

  #open(work) {
    const db = new Database(path.join(work, 'vectors.db'));
    db.pragma('journal_mode = wal');
    extension.load(db);
    return db;
  }
}

function bytes(values, row, columns) { return Buffer.from(values.buffer, values.byteOffset + row * columns * 4, columns * 4); }
