// Measures one peer in this process, driven by `puff-workloads vectors --mode peers`.
//   node --expose-gc peer.mjs build NAME --base FILE --metric cosine|euclidean --work DIR --threads N
//   node --expose-gc peer.mjs query NAME --queries FILE --work DIR --out DIR --k 10 --seconds 15
// `build` writes the index under --work and prints "built SECONDS DESCRIPTION". `query` runs every setting, one query after the other, and leaves
// answers-N.vec (document numbers) and latencies-N.vec (milliseconds) in --out; it prints "setting N TEXT RESIDENT ANONYMOUS" for each.
import path from 'node:path';
import { VectorFile, writeIntegers, writeSingles } from './lib/vec.mjs';
import { memory } from './lib/memory.mjs';

const WARM_UP_QUERIES = 100;

const peers = {
  'usearch-f32': async () => new (await import('./usearch.mjs')).Usearch('f32'),
  'usearch-f16': async () => new (await import('./usearch.mjs')).Usearch('f16'),
  'usearch-i8': async () => new (await import('./usearch.mjs')).Usearch('i8'),
  'lancedb-ivf-pq': async () => new (await import('./lancedb.mjs')).LanceDb('ivf-pq'),
  'lancedb-ivf-rq': async () => new (await import('./lancedb.mjs')).LanceDb('ivf-rq'),
  'lancedb-ivf-flat': async () => new (await import('./lancedb.mjs')).LanceDb('ivf-flat'),
  'lancedb-hnsw-sq': async () => new (await import('./lancedb.mjs')).LanceDb('hnsw-sq'),
  'sqlite-vec': async () => new (await import('./sqlite-vec.mjs')).SqliteVec(),
};

const [command, name, ...rest] = process.argv.slice(2);
const options = {};
for (let i = 0; i + 1 < rest.length; i += 2) options[rest[i].slice(2)] = rest[i + 1];
if (!(name in peers)) throw new Error(`peer ${name}: one of ${Object.keys(peers).join(', ')}`);
const peer = await peers[name]();
await (command === 'build' ? build() : query());
process.exit(0);

async function build() {
  const start = performance.now();
  const description = await peer.build(new VectorFile(options.base), { metric: options.metric, work: options.work, threads: Number(options.threads) });
  console.log(`built ${((performance.now() - start) / 1000).toFixed(2)} ${description}`);
}

async function query() {
  const file = new VectorFile(options.queries);
  const values = file.read(0, file.rows);
  const vectors = Array.from({ length: file.rows }, (_, i) => values.subarray(i * file.columns, (i + 1) * file.columns));
  await peer.open(options);
  for (const [number, setting] of peer.settings().entries()) {
    await peer.use(setting);
    await measure(number, vectors);
    const { resident, anonymous } = memory();
    const text = Object.entries(setting).map(([key, value]) => `${key}=${value}`).join(',');
    console.log(`setting ${number} ${text} ${resident} ${anonymous}`);
  }
}

async function measure(number, vectors) {
  const k = Number(options.k);
  const limit = Number(options.seconds) * 1000;
  let start = performance.now();
  for (let i = 0; i < Math.min(WARM_UP_QUERIES, vectors.length) && performance.now() - start < limit / 4; i++) await peer.search(vectors[i], k);
  const answers = [];
  const latencies = [];
  start = performance.now();
  for (let i = 0; i < vectors.length && performance.now() - start < limit; i++) {
    const before = performance.now();
    const found = await peer.search(vectors[i], k);
    latencies.push(performance.now() - before);
    for (let j = 0; j < k; j++) answers.push(j < found.length ? Number(found[j]) : -1);
  }
  writeIntegers(path.join(options.out, `answers-${number}.vec`), latencies.length, k, answers);
  writeSingles(path.join(options.out, `latencies-${number}.vec`), latencies.length, 1, latencies);
}
