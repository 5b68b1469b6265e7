// LanceDB on local files, one table with one vector index. It may use every processor for a query; queries come one after the other.
import * as lancedb from '@lancedb/lancedb';
import { Field, FixedSizeList, Float32, Int32, RecordBatch, Schema, Struct, Table, makeData } from 'apache-arrow';
import { versionOf } from './lib/version.mjs';

const PIECE = 20_000;
const TABLE = 'vectors';

export class LanceDb {
  constructor(kind) { this.kind = kind; }

  async build(base, { metric, work }) {
    const db = await lancedb.connect(work);
    let table;
    await base.forEachPiece(PIECE, async (first, count, values) => {
      const rows = batch(first, count, values, base.columns);
      table = table ? (await table.add(rows), table) : await db.createTable(TABLE, rows);
    });
    await table.createIndex('vector', { config: this.#config(metric === 'cosine' ? 'cosine' : 'l2'), waitTimeoutSeconds: 7200 });
    const { numUnindexedRows } = await table.indexStats('vector_idx');
    if (numUnindexedRows !== 0) throw new Error(`${numUnindexedRows} rows are not indexed`);
    return `LanceDB ${versionOf('@lancedb/lancedb')} ${this.kind}, defaults`;
  }

  settings() {
    if (this.kind.startsWith('hnsw')) {
      return [[1, 10, 1], [1, 16, 1], [1, 24, 2], [1, 32, 2], [1, 64, 2], [1, 128, 3], [2, 128, 3], [4, 256, 5], [8, 512, 10]].map(([nprobes, ef, refine]) => ({ nprobes, ef, refine }));
    }
    return [[3, 5], [5, 5], [10, 3], [10, 5], [10, 10], [20, 10], [20, 20], [40, 10], [40, 20], [80, 10], [80, 20], [160, 20], [160, 50], [320, 50]]
      .map(([nprobes, refine]) => ({ nprobes, refine }));
  }

  async open({ work }) { this.table = await (await lancedb.connect(work)).openTable(TABLE); }

  async use(setting) { this.setting = setting; }

  async search(vector, k, below) {
    let query = this.table.query().nearestTo(vector).nprobes(this.setting.nprobes).refineFactor(this.setting.refine).limit(k).select(['id', '_distance']);
    if (this.setting.ef) query = query.ef(this.setting.ef);
    if (below) query = query.where(`bucket < ${below}`);
    const ids = [];
    for await (const rows of query) ids.push(...rows.getChild('id'));
    return ids;
  }

  #config(distanceType) {
    switch (this.kind) {
      case 'ivf-pq': return lancedb.Index.ivfPq({ distanceType });
      case 'ivf-rq': return lancedb.Index.ivfRq({ distanceType });
      case 'ivf-flat': return lancedb.Index.ivfFlat({ distanceType });
      case 'hnsw-sq': return lancedb.Index.hnswSq({ distanceType });
      default: throw new Error(`LanceDB has no ${this.kind}`);
    }
  }
}

/** An Arrow table over the vectors as they lie in memory. */
function batch(first, count, values, dimensions) {
  const list = new FixedSizeList(dimensions, new Field('item', new Float32(), true));
  const schema = new Schema([new Field('id', new Int32(), false), new Field('vector', list, false)]);
  const ids = makeData({ type: new Int32(), data: Int32Array.from({ length: count }, (_, i) => first + i) });
  const items = makeData({ type: new Float32(), data: values });
  const vectors = makeData({ type: list, length: count, child: items });
  return new Table(schema, [new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length: count, children: [ids, vectors] }))]);
}
