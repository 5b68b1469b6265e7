// Measures one text search peer, driven by `puff-workloads text --mode peers`.
//   node text-peer.mjs build NAME --passages FILE --work DIR
//   node text-peer.mjs query NAME --queries FILE --work DIR --seconds 20
// A passage a line; queries are lines of SET TAB WORDS. `build` prints "built SECONDS DESCRIPTION"; `query` asks for the ten best by the peer's own BM25, OR between
// the words, and prints "query SET MICROSECONDS" for each, at most --seconds a set, after a first round that is not measured.
import fs from 'node:fs';
import readline from 'node:readline';

const peers = {
  sqlite: async () => new (await import('./text-sqlite.mjs')).SqliteText(),
  lancedb: async () => new (await import('./text-lancedb.mjs')).LanceText(),
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
  const lines = readline.createInterface({ input: fs.createReadStream(options.passages), crlfDelay: Infinity });
  const description = await peer.build(lines, options.work);
  console.log(`built ${((performance.now() - start) / 1000).toFixed(2)} ${description}`);
}

async function query() {
  await peer.open(options.work);
  const sets = Map.groupBy?.(queries(), (q) => q.set) ?? group(queries());
  for (const [set, asked] of sets) {
    await run(asked, Number(options.seconds) / 2);
    for (const microseconds of await run(asked, Number(options.seconds))) console.log(`query ${set} ${microseconds.toFixed(1)}`);
  }
}

function queries() {
  return fs.readFileSync(options.queries, 'utf8').split('\n').filter((l) => l).map((l) => ({ set: l.split('\t')[0], words: l.split('\t')[1].split(' ') }));
}

function group(all) {
  const sets = new Map();
  for (const one of all) sets.set(one.set, [...(sets.get(one.set) ?? []), one]);
  return sets;
}

async function run(asked, seconds) {
  const times = [];
  const start = performance.now();
  for (let i = 0; i < asked.length && performance.now() - start < seconds * 1000; i++) {
    const before = performance.now();
    await peer.search(asked[i].words);
    times.push((performance.now() - before) * 1000);
  }
  return times;
}
