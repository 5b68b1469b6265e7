// usearch: HNSW with vectors of 32, 16 or 8 bits. Index files are loaded, not mapped, as for a service that keeps its index in memory.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { versionOf } from './lib/version.mjs';

const require = createRequire(import.meta.url);
const { Index } = require('usearch');
const CONNECTIVITY = 16;
const EXPANSION_ADD = 128;
const PIECE = 10_000;

export class Usearch {
  constructor(quantization) { this.quantization = quantization; }

  async build(base, { metric, work, threads }) {
    const index = this.#open(base.columns, metric, 64);
    await base.forEachPiece(PIECE, (first, count, values) => {
      index.add(BigUint64Array.from({ length: count }, (_, i) => BigInt(first + i)), values, threads);
    });
    index.save(path.join(work, 'usearch'));
    fs.writeFileSync(path.join(work, 'shape'), `${base.columns} ${metric}`);
    return `usearch ${versionOf('usearch')} ${this.quantization}, M ${CONNECTIVITY}, ef construction ${EXPANSION_ADD}`;
  }

  settings() { return [16, 32, 64, 96, 128, 192, 256, 384, 512, 768, 1024].map(ef => ({ ef })); }

  async open({ work }) {
    const [dimensions, metric] = fs.readFileSync(path.join(work, 'shape'), 'latin1').split(' ');
    this.load = ef => {
      this.index = this.#open(Number(dimensions), metric, ef);
      this.index.load(path.join(work, 'usearch'));
    };
  }

  /** The search effort is fixed when an index is opened. Native memory of the one before is given back by a finaliser, which runs in a later turn of the event loop. */
  async use({ ef }) {
    this.index = null;
    globalThis.gc();
    await new Promise(setImmediate);
    this.load(ef);
  }

  async search(vector, k) { return this.index.search(vector, k, 1).keys; }

  #open(dimensions, metric, ef) {
    return new Index({
      dimensions, metric: metric === 'cosine' ? 'cos' : 'l2sq', quantization: this.quantization,
      connectivity: CONNECTIVITY, expansion_add: EXPANSION_ADD, expansion_search: ef, multi: false,
    });
  }
}
