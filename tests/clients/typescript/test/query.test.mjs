// Querying with the official client. The numbers in the names are lines of the conformance checklist in COMPAT.md.
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { check, client, connect, diagonal, ids, near, refused } from './support.mjs';

const q = (ns, rank_by, extra = {}) => ns.query({ rank_by, limit: 10, ...extra });
const ordered = async (ns, filters) => ids(await q(ns, ['id', 'asc'], { filters }));

check('[107, 108, 110] nearest by squared distance, ties by id, rows carry id and $dist', async (ns) => {
  await diagonal(ns);
  const rows = (await q(ns, ['vector', 'ANN', [1.5, 1.6]], { limit: 5 })).rows;
  assert.deepEqual(rows.map((row) => row.id), [15, 16, 14, 17, 18]);
  [0.01, 0.01, 0.05, 0.05, 0.13].forEach((distance, i) => near(rows[i].$dist, distance));
  assert.deepEqual(Object.keys(rows[0]).sort(), ['$dist', 'id']);
});

check('[109] cosine distances', async (ns) => {
  await ns.write({ upsert_rows: [{ id: 1, vector: [2, 0] }, { id: 2, vector: [0, 3] }, { id: 3, vector: [-1, 0] }], distance_metric: 'cosine_distance' });
  const rows = (await q(ns, ['vector', 'ANN', [1, 0]])).rows;
  assert.deepEqual(rows.map((row) => row.id), [1, 2, 3]);
  [0, 1, 2].forEach((distance, i) => near(rows[i].$dist, distance));
});

check('[110, 111, 112, 113] choosing attributes', async (ns) => {
  await ns.write({ upsert_rows: [{ id: 1, a: 'x', b: 1 }, { id: 2, b: 2 }] });
  assert.deepEqual((await q(ns, ['id', 'asc'], { include_attributes: true })).rows, [{ id: 1, a: 'x', b: 1 }, { id: 2, b: 2 }]);
  assert.deepEqual((await q(ns, ['id', 'asc'], { include_attributes: ['a'] })).rows, [{ id: 1, a: 'x' }, { id: 2 }]);
  assert.deepEqual((await q(ns, ['id', 'asc'], { exclude_attributes: ['a', 'absent'] })).rows, [{ id: 1, b: 1 }, { id: 2, b: 2 }]);
  await refused(q(ns, ['id', 'asc'], { include_attributes: ['absent'] }), 400);
  await refused(q(ns, ['id', 'asc'], { include_attributes: ['a'], exclude_attributes: ['b'] }), 400);
});

check('[114, 115] base64 vectors in and out', async (ns) => {
  await diagonal(ns);
  const [row] = (await q(ns, ['vector', 'ANN', [1.5, 1.5]], { limit: 1, include_attributes: ['vector'], vector_encoding: 'base64' })).rows;
  const bytes = Buffer.from(row.vector, 'base64');
  assert.deepEqual([bytes.readFloatLE(0), bytes.readFloatLE(4)], [Math.fround(1.5), Math.fround(1.5)]);
  assert.deepEqual(ids(await q(ns, ['vector', 'ANN', row.vector])), ids(await q(ns, ['vector', 'ANN', [1.5, 1.5]])));
});

check('[116, 117, 121] wrong vector queries are refused', async (ns) => {
  await diagonal(ns);
  await refused(q(ns, ['vector', 'ANN', [1, 2, 3]]), 400);
  await refused(q(ns, ['even', 'ANN', [1, 2]]), 400);
  await refused(q(ns, ['vector', 'kNN', [1, 2]]), 400, /filter/i);
  assert.deepEqual(ids(await q(ns, ['vector', 'kNN', [0, 0]], { filters: ['even', 'Eq', true], limit: 2 })), [0, 2]);
  await q(ns, ['vector', 'ANN', [1, 2]], { distance_metric: 'euclidean_squared' });
  await refused(q(ns, ['vector', 'ANN', [1, 2]], { distance_metric: 'cosine_distance' }), 400);
});

check('[118, 119] filters and vectors together', async (ns) => {
  await diagonal(ns);
  const rows = (await q(ns, ['vector', 'ANN', [0, 0]], { filters: ['even', 'Eq', false], limit: 10 })).rows;
  assert.deepEqual(rows.map((row) => row.id), [1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
});

check('[122, 123] sparse vectors', async (ns) => {
  await ns.write({
    upsert_rows: [{ id: 1, s: { a: 1 } }, { id: 2, s: { a: 0.5, b: 2 } }],
    schema: { s: { type: '{}f16', sparse_knn: { distance_metric: 'dot_product' } } },
  });
  assert.deepEqual((await q(ns, ['s', 'SparseKNN', { b: 1 }])).rows, [{ $dist: 2, id: 2 }]);
  const many = Object.fromEntries(Array.from({ length: 1025 }, (_, i) => [`d${i}`, 1]));
  await refused(q(ns, ['s', 'SparseKNN', many]), 400);
});

check('[125, 50] a strong query sees deletes and writes at once', async (ns) => {
  await diagonal(ns);
  await ns.write({ deletes: [15] });
  assert.ok(!ids(await q(ns, ['vector', 'ANN', [1.5, 1.5]], { limit: 20 })).includes(15));
});

check('[126] performance and billing', async (ns) => {
  await ns.write({ upsert_rows: [{ id: 1, a: 1 }, { id: 2, a: 2 }] });
  const answer = await q(ns, ['id', 'asc'], { filters: ['a', 'Eq', 1] });
  for (const field of ['cache_hit_ratio', 'cache_temperature', 'server_total_ms', 'query_execution_ms', 'exhaustive_search_count', 'approx_namespace_size']) {
    assert.ok(field in answer.performance, field);
  }
  assert.equal(answer.performance.exhaustive_search_count, 2);
  assert.equal(typeof answer.billing.billable_logical_bytes_queried, 'number');
});

check('[127] tiny namespaces are billed like the hosted service bills them', async (ns) => {
  await ns.write({ upsert_rows: [{ id: 1, vector: [1, 1] }, { id: 2, vector: [2, 2] }], distance_metric: 'euclidean_squared' });
  const { billing } = await q(ns, ['vector', 'ANN', [1, 1]]);
  assert.deepEqual(billing, { billable_logical_bytes_queried: 256000000, billable_logical_bytes_returned: 24 });
});

check('[128, 129] nulls in comparisons', async (ns) => {
  await ns.write({ upsert_rows: [{ id: 1, a: 1 }, { id: 2, a: 5 }, { id: 3 }] });
  const table = [
    ['Lt', 5, [1, 3]], ['Lte', 1, [1, 3]], ['Gt', 1, [2]], ['Gte', 1, [1, 2]], ['Eq', null, [3]], ['NotEq', null, [1, 2]], ['NotEq', 1, [2, 3]],
    ['Lt', null, []], ['Lte', null, [3]], ['Gt', null, [1, 2]], ['Gte', null, [1, 2, 3]], ['In', [1, 5], [1, 2]], ['NotIn', [1], [2, 3]],
  ];
  for (const [operator, operand, expected] of table) {
    assert.deepEqual(await ordered(ns, ['a', operator, operand]), expected, `${operator} ${operand}`);
  }
});

check('[131, 143] wrong filters', async (ns) => {
  await ns.write({ upsert_rows: [{ id: 1, a: 1 }] });
  await refused(q(ns, ['id', 'asc'], { filters: ['a', 'In', [1, null]] }), 422);
  await refused(q(ns, ['id', 'asc'], { filters: ['absent', 'Eq', 1] }), 400);
  await refused(q(ns, ['id', 'asc'], { filters: ['a', 'Around', 1] }), 422);
  await refused(q(ns, ['id', 'asc'], { filters: ['a', 'Eq', 'one'] }), 400);
});

check('[132, 133, 134, 135, 136, 137] arrays', async (ns) => {
  await ns.write({ upsert_rows: [
    { id: 1, n: [1, 2, 3], t: ['js', 'py'] }, { id: 2, n: [2, 3, 4], t: ['go'] }, { id: 3, n: [17], t: ['js'] }, { id: 4 },
  ] });
  assert.deepEqual(await ordered(ns, ['n', 'In', [2, 4]]), [1, 2]);
  assert.deepEqual(await ordered(ns, ['t', 'In', 'js']), [1, 3]);
  assert.deepEqual(await ordered(ns, ['t', 'Contains', 'js']), [1, 3]);
  assert.deepEqual(await ordered(ns, ['t', 'NotContains', 'js']), [2, 4]);
  assert.deepEqual(await ordered(ns, ['t', 'ContainsAny', ['go', 'py']]), [1, 2]);
  assert.deepEqual(await ordered(ns, ['t', 'NotContainsAny', ['go', 'py']]), [3, 4]);
  assert.deepEqual(await ordered(ns, ['n', 'AnyGt', 4]), [3]);
  assert.deepEqual(await ordered(ns, ['n', 'AnyLt', 2]), [1]);
  assert.deepEqual(await ordered(ns, ['t', 'Eq', ['js', 'py']]), [1]);
  await refused(q(ns, ['id', 'asc'], { filters: ['t', 'ContainsAny', 'js'] }), 400, /filter error in key `t`: type mismatch, ContainsAny expects \[\]string, but got/);
  await refused(q(ns, ['id', 'asc'], { filters: ['t', 'Contains', ['js']] }), 400, /filter error in key `t`: type mismatch, Contains expects string, but got/);
  await refused(q(ns, ['id', 'asc'], { filters: ['n', 'Gt', 1] }), 400);
});

check('[138, 139] And, Or, Not, and filters on id', async (ns) => {
  await ns.write({ upsert_rows: [{ id: 1, a: 1, b: 1 }, { id: 2, a: 1, b: 2 }, { id: 3, b: 1 }] });
  assert.deepEqual(await ordered(ns, ['And', [['a', 'Eq', 1], ['b', 'Eq', 1]]]), [1]);
  assert.deepEqual(await ordered(ns, ['Or', [['a', 'Eq', 1], ['b', 'Eq', 1]]]), [1, 2, 3]);
  assert.deepEqual(await ordered(ns, ['Not', ['a', 'Eq', 1]]), [3]);
  assert.deepEqual(await ordered(ns, ['Not', ['Not', ['a', 'Eq', 1]]]), [1, 2]);
  assert.deepEqual(await ordered(ns, ['id', 'In', [1, 3]]), [1, 3]);
  assert.deepEqual(await ordered(ns, ['id', 'Gt', 1]), [2, 3]);
});

check('[140] globs', async (ns) => {
  await ns.write({ upsert_rows: ['foobar', 'zoo', 'FOO', 'axc', '/vendor/lib/a.c'].map((s, i) => ({ id: i + 1, s })).concat([{ id: 6 }]) });
  assert.deepEqual(await ordered(ns, ['s', 'Glob', 'foo*']), [1]);
  assert.deepEqual(await ordered(ns, ['s', 'Glob', '*oo']), [2]);
  assert.deepEqual(await ordered(ns, ['s', 'IGlob', 'foo*']), [1, 3]);
  assert.deepEqual(await ordered(ns, ['s', 'Glob', '{a,z}*']), [2, 4]);
  assert.deepEqual(await ordered(ns, ['s', 'Glob', '[ab]?c']), [4]);
  assert.deepEqual(await ordered(ns, ['s', 'Glob', '/vendor/**']), [5]);
  assert.deepEqual(await ordered(ns, ['s', 'NotGlob', '*o*']), [3, 4, 6]);
});

check('[141] regular expressions', async (ns) => {
  await ns.write({ upsert_rows: [{ id: 1, s: 'foo12', plain: 'x' }, { id: 2, s: 'foo' }], schema: { s: { type: 'string', regex: true } } });
  assert.deepEqual(await ordered(ns, ['s', 'Regex', '^foo[0-9]+$']), [1]);
  await refused(q(ns, ['id', 'asc'], { filters: ['plain', 'Regex', 'x'] }), 400);
  await refused(q(ns, ['id', 'asc'], { filters: ['s', 'Regex', '(?=x)'] }), 400);
});

check('[142] fuzzy', async (ns) => {
  await ns.write({ upsert_rows: [{ id: 1, s: 'turbopuffer inc' }], schema: { s: { type: 'string', fuzzy: true } } });
  const options = (min_query_chars, distance) => ({ max_edit_distance: [{ min_query_chars, distance }] });
  assert.deepEqual(await ordered(ns, ['s', 'Fuzzy', 'turbopufer', options(6, 1)]), [1]);
  assert.deepEqual(await ordered(ns, ['s', 'Fuzzy', 'tur', options(6, 1)]), []);
  await refused(q(ns, ['id', 'asc'], { filters: ['s', 'Fuzzy', 'turbo', { max_edit_distance: [] }] }), 400);
  await refused(q(ns, ['id', 'asc'], { filters: ['s', 'Fuzzy', 'turbo', options(3, 1)] }), 400);
});

check('[144, 97, 96] booleans, uuids, datetimes', async (ns) => {
  await ns.write({
    upsert_rows: [{ id: 1, when: '2015-01-20T12:34:56-04:00', u: ['9C0B0F43-0AAF-4BB0-ABD9-0D0FB1D4A5F1'], ok: true }, { id: 2, when: '2015-01-20', ok: false }],
    schema: { when: 'datetime', u: '[]uuid' },
  });
  const rows = (await q(ns, ['id', 'asc'], { include_attributes: true })).rows;
  assert.match(rows[0].when, /^2015-01-20T16:34:56(\.0+)?Z$/);
  assert.match(rows[1].when, /^2015-01-20T00:00:00(\.0+)?Z$/);
  assert.deepEqual(await ordered(ns, ['when', 'Gt', '2015-01-20T17:00:00+01:00']), [1]);
  assert.deepEqual(await ordered(ns, ['u', 'Contains', '9c0b0f43-0aaf-4bb0-abd9-0d0fb1d4a5f1']), [1]);
  assert.deepEqual(await ordered(ns, ['ok', 'Eq', false]), [2]);
  await refused(ns.write({ upsert_rows: [{ id: 3, u: ['nonsense'] }] }), 400);
});

check('[145, 146, 147] attribute order', async (ns) => {
  await ns.write({ upsert_rows: [{ id: 1, a: 2, t: ['x'] }, { id: 2, a: 1 }, { id: 3 }, { id: 4, a: 2 }] });
  assert.deepEqual((await q(ns, ['a', 'asc'])).rows, [{ id: 3 }, { id: 2 }, { id: 1 }, { id: 4 }]);
  assert.deepEqual(ids(await q(ns, ['a', 'desc'])), [1, 4, 2, 3]);
  assert.deepEqual(ids(await q(ns, [['a', 'desc'], ['id', 'desc']])), [4, 1, 2, 3]);
  await refused(q(ns, Array.from({ length: 9 }, () => ['a', 'asc'])), 400);
  await refused(q(ns, ['t', 'asc']), 400);
});

check('[148] paging by id', async (ns) => {
  await ns.write({ upsert_columns: { id: Array.from({ length: 2500 }, (_, i) => i) } });
  const sizes = [];
  let last = -1;
  for (;;) {
    const page = ids(await ns.query({ rank_by: ['id', 'asc'], limit: 1000, ...(last >= 0 ? { filters: ['id', 'Gt', last] } : {}) }));
    sizes.push(page.length);
    last = page.at(-1);
    if (page.length < 1000) break;
  }
  assert.deepEqual(sizes, [1000, 1000, 500]);
});

check('[149, 150] limits', async (ns) => {
  await ns.write({ upsert_columns: { id: [1, 2, 3, 4, 5, 6] } });
  await refused(q(ns, ['id', 'asc'], { limit: 0 }), 400);
  await q(ns, ['id', 'asc'], { limit: 10_000 });
  await refused(q(ns, ['id', 'asc'], { limit: 10_001 }), 400);
  await refused(q(ns, ['id', 'asc'], { limit: '5' }), 422);
  const five = [{ top_k: 5, limit: undefined }, { limit: 5 }, { limit: { total: 5 } }];
  for (const limits of five) {
    assert.equal((await q(ns, ['id', 'asc'], limits)).rows.length, 5);
  }
});

check('[151] at most so many rows per value', async (ns) => {
  await ns.write({ upsert_rows: [1, 2, 3, 4, 5, 6].map((id) => ({ id, c: id < 5 ? 'a' : 'b' })) });
  const answer = await q(ns, ['id', 'asc'], { limit: { total: 10, per: { attributes: ['c'], limit: 2 } }, include_attributes: ['c'] });
  assert.deepEqual(ids(answer), [1, 2, 5, 6]);
});

check('limits per value with every ranking, and more aggregates: ours', async (ns) => {
  const rows = [1, 2, 3, 4, 5, 6].map((id) => ({ id, c: id < 5 ? 'a' : 'b', n: 7 - id, text: 'whale '.repeat(7 - id), vector: [1, id / 4] }));
  await ns.write({ upsert_rows: rows, schema: { text: { type: 'string', full_text_search: true } }, distance_metric: 'euclidean_squared' });
  const per = { limit: { total: 3, per: { attributes: ['c'], limit: 1 } }, include_attributes: ['c'] };
  assert.deepEqual(ids(await q(ns, ['text', 'BM25', 'whale'], per)), [1, 5]);
  assert.deepEqual(ids(await q(ns, ['vector', 'ANN', [1, 2]], per)), [6, 4]);
  const aggregate_by = { min: ['Min', 'n'], max: ['Max', 'c'], avg: ['Avg', 'n'], distinct: ['CountDistinct', 'c'] };
  assert.deepEqual((await ns.query({ aggregate_by })).aggregations, { min: 1, max: 'b', avg: 3.5, distinct: 2 });
  const groups = (await ns.query({ aggregate_by, group_by: ['c'] })).aggregation_groups;
  assert.deepEqual(groups, [{ c: 'a', min: 3, max: 'a', avg: 4.5, distinct: 1 }, { c: 'b', min: 1, max: 'b', avg: 1.5, distinct: 1 }]);
  assert.deepEqual(ids(await q(ns, ['id', 'asc'], { limit: 2, offset: 3 })), [4, 5]);
});

check('[152, 153, 154, 157] aggregates', async (ns) => {
  await ns.write({ upsert_rows: [{ id: 1, n: 1, x: 0.5, s: 'a' }, { id: 2, n: 2, x: 1.5, s: 'b' }, { id: 3 }], schema: { x: 'float' } });
  const answer = await ns.query({ aggregate_by: { all: ['Count'], n: ['Sum', 'n'], x: ['Sum', 'x'] } });
  assert.deepEqual(answer.aggregations, { all: 3, n: 3, x: 2 });
  assert.ok(!('rows' in answer));
  assert.deepEqual((await ns.query({ aggregate_by: { all: ['Count'] }, filters: ['n', 'Gt', 1] })).aggregations, { all: 1 });
  assert.deepEqual((await ns.query({ aggregate_by: { all: ['Count', 'id'] } })).aggregations, { all: 3 });
  await refused(ns.query({ aggregate_by: { s: ['Sum', 's'] } }), 400);
  await refused(ns.query({ aggregate_by: { s: ['Median', 'n'] } }), 422);
  await assert.rejects(ns.query({ aggregate_by: { all: ['Count'] }, rank_by: ['id', 'asc'], limit: 1 }), (error) => error.status >= 400 && error.status < 500);
});

check('[155, 156] groups', async (ns) => {
  await ns.write({ upsert_rows: [{ id: 1, c: 'red', t: ['x', 'y'] }, { id: 2, c: 'blue', t: ['x'] }, { id: 3, c: 'red' }, { id: 4 }] });
  const groups = (await ns.query({ aggregate_by: { n: ['Count'] }, group_by: ['c'] })).aggregation_groups;
  assert.deepEqual(groups, [{ c: null, n: 1 }, { c: 'blue', n: 1 }, { c: 'red', n: 2 }]);
  const tags = (await ns.query({ aggregate_by: { n: ['Count'] }, group_by: [{ tag: ['ForEachUnique', 't'] }] })).aggregation_groups;
  assert.deepEqual(tags, [{ tag: null, n: 2 }, { tag: 'x', n: 2 }, { tag: 'y', n: 1 }]);
});

check('[172, 173] scores from filters and attributes', async (ns) => {
  await ns.write({ upsert_rows: [{ id: 1, s: 'whale', n: 4 }, { id: 2, s: 'crab', n: 12 }], schema: { n: 'uint' } });
  assert.deepEqual((await q(ns, ['Product', 2, ['s', 'Eq', 'whale']])).rows, [{ $dist: 2, id: 1 }]);
  const rows = (await q(ns, ['Saturate', ['Attribute', 'n'], { midpoint: 4 }])).rows;
  assert.deepEqual(rows.map((row) => row.id), [2, 1]);
  near(rows[0].$dist, 0.75);
  near(rows[1].$dist, 0.5);
});

check('[176, 177, 178, 180] several queries on one snapshot', async (ns) => {
  await diagonal(ns);
  const answer = await ns.multiQuery({ queries: [{ rank_by: ['id', 'desc'], limit: 1 }, { aggregate_by: { n: ['Count'] } }] });
  assert.deepEqual(ids(answer.results[0]), [19]);
  assert.deepEqual(answer.results[1].aggregations, { n: 20 });
  assert.ok(answer.performance && answer.billing);
  await refused(ns.multiQuery({ queries: [] }), 400);
  await refused(ns.multiQuery({ queries: Array.from({ length: 17 }, () => ({ rank_by: ['id', 'asc'], limit: 1 })) }), 400);
  await refused(ns.multiQuery({ queries: [{ rank_by: ['id', 'asc'], limit: 1 }, { rank_by: ['absent', 'asc'], limit: 1 }] }), 400);
});

check('[179] reciprocal rank fusion', async (ns) => {
  await diagonal(ns);
  const queries = [{ rank_by: ['vector', 'ANN', [0.29, 0.29]], limit: 3 }, { rank_by: ['vector', 'ANN', [0.29, 0.29]], limit: 1 }];
  const answer = await ns.multiQuery({ queries, rerank_by: ['RRF'], limit: 2 });
  assert.equal(answer.results.length, 1);
  assert.deepEqual(ids(answer.results[0]), [3, 2]);
  near(answer.results[0].rows[0].$dist, 2 / 61);
  await refused(ns.multiQuery({ queries, rerank_by: ['RRF', { weights: [1] }] }), 400, /weights/);
});

check('[181] consistency', async (ns) => {
  await diagonal(ns);
  await q(ns, ['id', 'asc'], { consistency: { level: 'eventual' } });
  await refused(q(ns, ['id', 'asc'], { consistency: 'eventual' }), 422, /invalid type: string "eventual", expected struct Consistency/);
  await refused(q(ns, ['id', 'asc'], { consistency: { level: 'nonexistentvalue' } }), 422, /unknown variant `nonexistentvalue`, expected `strong` or `eventual`/);
});

check('[9, 10, 11] compression', async (ns) => {
  const zipping = connect({ compression: true }).namespace(ns.id);
  await zipping.write({
    upsert_rows: Array.from({ length: 10 }, (_, id) => ({ id, vector: Array.from({ length: 1024 }, (_, i) => (id * 31 + i * 7) % 997 / 997) })),
    distance_metric: 'cosine_distance',
  });
  const ask = (encoding) => fetch(`${client.baseURL}/v2/namespaces/${ns.id}/query`, {
    method: 'POST',
    headers: { authorization: 'Bearer any', 'content-type': 'application/json', 'content-encoding': 'gzip', 'accept-encoding': encoding },
    body: gzipSync('{"rank_by":["id","asc"],"limit":10,"include_attributes":true}'),
  });
  assert.equal((await ask('br, gzip')).headers.get('content-encoding'), 'gzip');
  assert.equal((await ask('identity')).headers.get('content-encoding'), null);
});
