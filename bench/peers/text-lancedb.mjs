// LanceDB full-text search on local files, index with plain tokens as the others have. It may use every processor for a query.
import * as lancedb from '@lancedb/lancedb';
import { versionOf } from './lib/version.mjs';

const PIECE = 50_000;
const TABLE = 'passages';

export class LanceText {
  async build(lines, work) {
    const db = await lancedb.connect(work);
    let table;
    let rows = [];
    let id = 0;
    const flush = async () => {
      if (rows.length === 0) return;
      table = table ? (await table.add(rows), table) : await db.createTable(TABLE, rows);
      rows = [];
    };
    for await (const body of lines) {
      rows.push({ id: id++, body });
      if (rows.length === PIECE) await flush();
    }
    await flush();
    const config = lancedb.Index.fts({ withPosition: false, baseTokenizer: 'simple', stem: false, removeStopWords: false, asciiFolding: false });
    await table.createIndex('body', { config, waitTimeoutSeconds: 3600 });
    return `LanceDB ${versionOf('@lancedb/lancedb')} FTS`;
  }

  async open(work) { this.table = await (await lancedb.connect(work)).openTable(TABLE); }

  async search(words) {
    // A quotation mark would begin a phrase, for which there is no index.
    const text = words.join(' ').replaceAll('"', ' ');
    const found = [];
    for await (const rows of this.table.query().fullTextSearch(text, { columns: ['body'] }).select(['id', '_score']).limit(10)) found.push(rows);
    return found;
  }
}
