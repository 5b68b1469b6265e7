// Writing with the official client. The numbers in the names are lines of the conformance checklist in COMPAT.md.
import assert from 'node:assert/strict';
import { check, client, ids, refused } from './support.mjs';

const two = [{ id: 1, vector: [0.1, 0.2], a: 1 }, { id: 2, vector: [0.3, 0.4], a: 2 }];
const metric = { distance_metric: 'cosine_distance' };
const all = async (ns, extra = {}) => (await ns.query({ rank_by: ['id', 'asc'], limit: 100, include_attributes: true, ...extra })).rows;

check('[18, 53] upsert_rows answers with counts and billing', async (ns) => {
  const answer = await ns.write({ upsert_rows: two, ...metric });
  assert.equal(answer.status, 'OK');
  assert.equal(answer.rows_affected, 2);
  assert.equal(answer.rows_upserted, 2);
  assert.ok(!('rows_patched' in answer) && !('rows_deleted' in answer));
  assert.equal(typeof answer.message, 'string');
  assert.equal(typeof answer.billing.billable_logical_bytes_written, 'number');
});

check('[19, 20, 21] the first vectors need a metric, later writes may repeat it and must not change it', async (ns) => {
  await refused(ns.write({ upsert_rows: two }), 400);
  assert.equal(await ns.exists(), false);
  await ns.write({ upsert_rows: two, ...metric });
  await ns.write({ upsert_rows: [{ id: 3, vector: [1, 1] }] });
  await refused(ns.write({ upsert_rows: two, distance_metric: 'euclidean_squared' }), 400);
});

check('[22, 23] wrong shapes are unprocessable', async (ns) => {
  await refused(ns.write({ upsert_rows: two, distance_metric: 'dot_product' }), 422);
  await refused(ns.write({ upsert_rows: { id: 1 } }), 422, /invalid type: map, expected a sequence/);
});

check('[24, 27] columns give the same rows as rows, null means no value', async (ns) => {
  await ns.write({ upsert_columns: { id: [1, 2], vector: [[0.1, 0.2], [0.3, 0.4]], a: [1, null] }, ...metric });
  assert.deepEqual(await all(ns), [{ id: 1, vector: [0.1, 0.2], a: 1 }, { id: 2, vector: [0.3, 0.4] }]);
});

check('[25, 26] columns must have ids and equal lengths', async (ns) => {
  await refused(ns.write({ upsert_columns: { id: [1, 2], a: [1] } }), 400);
  await assert.rejects(ns.write({ upsert_columns: { a: [1] } }), (error) => error.status >= 400 && error.status < 500);
});

check('[28] an upsert replaces the whole document', async (ns) => {
  await ns.write({ upsert_rows: [{ id: 1, a: 1, b: 'x' }] });
  await ns.write({ upsert_rows: [{ id: 1, a: 2 }] });
  assert.deepEqual(await all(ns), [{ id: 1, a: 2 }]);
});

check('[30, 31] one wrong row refuses the whole request', async (ns) => {
  await ns.write({ upsert_rows: two, ...metric });
  await refused(ns.write({ upsert_rows: [{ id: 3, vector: [1, 1] }, { id: 4 }] }), 400);
  await refused(ns.write({ upsert_rows: [{ id: 3, vector: [1, 1] }, { id: 4, vector: [1, 2, 3] }] }), 400);
  assert.deepEqual(ids({ rows: await all(ns) }), [1, 2]);
});

check('[32, 33] base64 vectors are vectors', async (ns) => {
  await ns.write({ upsert_rows: [{ id: 1, vector: 'zczMPc3MTD6amZk+' }], ...metric });
  await ns.write({ upsert_columns: { id: [2], vector: ['zczMPc3MTD6amZk+'] } });
  assert.deepEqual((await all(ns)).map((row) => row.vector), [[0.1, 0.2, 0.3], [0.1, 0.2, 0.3]]);
});

check('[34, 35, 36, 37] patches change what they name', async (ns) => {
  await ns.write({ upsert_rows: two.map((row) => ({ ...row, b: 'keep' })), ...metric });
  const answer = await ns.write({ patch_rows: [{ id: 1, a: 9 }, { id: 2, a: null }] });
  assert.equal(answer.rows_patched, 2);
  assert.deepEqual(await all(ns), [{ id: 1, vector: [0.1, 0.2], a: 9, b: 'keep' }, { id: 2, vector: [0.3, 0.4], b: 'keep' }]);
  assert.equal((await ns.write({ patch_rows: [{ id: 7, a: 1 }] })).rows_patched, 0);
  await refused(ns.write({ patch_rows: [{ id: 1, vector: [1, 1] }] }), 400);
  assert.equal((await all(ns)).length, 2);
});

check('[38] a patch by columns can bring a new attribute', async (ns) => {
  await ns.write({ upsert_rows: [{ id: 1 }, { id: 2 }] });
  await ns.write({ patch_columns: { id: [1, 2], c: ['x', 'y'] } });
  assert.deepEqual(await all(ns), [{ id: 1, c: 'x' }, { id: 2, c: 'y' }]);
  assert.equal((await ns.schema()).c.type, 'string');
});

check('[39, 40, 43] deletes', async (ns) => {
  await ns.write({ upsert_rows: [{ id: 1 }, { id: 2 }] });
  assert.equal((await ns.write({ deletes: [1] })).rows_deleted, 1);
  assert.equal((await ns.write({ deletes: [99] })).rows_deleted, 1);
  await ns.write({ deletes: [2] });
  assert.deepEqual(await all(ns), []);
});

check('[41, 42] the same id twice is refused', async (ns) => {
  await refused(ns.write({ upsert_rows: [{ id: 1, a: 1 }, { id: 1, a: 2 }] }), 400);
  await refused(ns.write({ upsert_rows: [{ id: 1, a: 1 }], deletes: [1] }), 400);
  assert.equal(await ns.exists(), false);
});

check('[44, 45, 46] ids and names have limits', async (ns) => {
  await ns.write({ upsert_rows: [{ id: 'x'.repeat(64) }] });
  await refused(ns.write({ upsert_rows: [{ id: 'x'.repeat(65) }] }), 400);
  await refused(ns.write({ upsert_rows: [{ id: 1 }] }), 400);
  await refused(ns.write({ upsert_rows: [{ id: 'a', $x: 1 }] }), 400);
  await refused(ns.write({ upsert_rows: [{ id: 'a', ['n'.repeat(129)]: 1 }] }), 400);
});

check('[47] a filterable string has at most 4096 bytes', async (ns) => {
  const text = 'x'.repeat(4097);
  await refused(ns.write({ upsert_rows: [{ id: 1, text }] }), 400);
  await ns.write({ upsert_rows: [{ id: 1, text }], schema: { text: { type: 'string', filterable: false } } });
});

check('[48, 49] values must fit their type', async (ns) => {
  await refused(ns.write({ upsert_rows: [{ id: 1, x: 1.5 }] }), 400, /signed 64-bit integer/);
  await ns.write({ upsert_rows: [{ id: 1, x: 1.5, n: 1 }], schema: { x: 'float' } });
  await refused(ns.write({ upsert_rows: [{ id: 2, n: 'one' }] }), 400);
  assert.deepEqual(await all(ns), [{ id: 1, n: 1, x: 1.5 }]);
});

check('[51, 52] affected ids on demand', async (ns) => {
  const answer = await ns.write({ upsert_rows: [{ id: 1 }], return_affected_ids: true });
  assert.deepEqual(answer.upserted_ids, [1]);
  assert.ok(!('patched_ids' in answer));
  const nothing = await ns.write({ patch_rows: [{ id: 9, a: 1 }], return_affected_ids: true });
  assert.ok(!('upserted_ids' in nothing) && !('patched_ids' in nothing) && !('deleted_ids' in nothing));
});

check('[54] a schema alone needs a namespace', async (ns) => {
  await refused(ns.write({ schema: { a: 'int' } }), 404);
  await ns.write({ upsert_rows: [{ id: 1 }] });
  await ns.write({ schema: { a: 'int' } });
  assert.equal((await ns.schema()).a.type, 'int');
});

check('[55] writers at the same time', async (ns) => {
  await Promise.all(Array.from({ length: 8 }, (_, id) => ns.write({ upsert_rows: [{ id }] })));
  assert.equal((await all(ns)).length, 8);
});

check('[56, 57] conditional upserts', async (ns) => {
  await ns.write({ upsert_rows: [{ id: 1, version: 2 }, { id: 2, version: 5 }] });
  const answer = await ns.write({
    upsert_rows: [{ id: 1, version: 3 }, { id: 2, version: 4 }, { id: 3, version: 1 }],
    upsert_condition: ['version', 'Lt', { $ref_new: 'version' }],
  });
  assert.equal(answer.rows_affected, 2);
  assert.ok(answer.billing.query);
  assert.deepEqual(await all(ns), [{ id: 1, version: 3 }, { id: 2, version: 5 }, { id: 3, version: 1 }]);
  const insert = await ns.write({ upsert_rows: [{ id: 1, version: 9 }, { id: 4, version: 9 }], upsert_condition: ['id', 'Eq', null] });
  assert.equal(insert.rows_upserted, 1);
});

check('[58, 59, 60, 61] conditional patches and deletes', async (ns) => {
  await ns.write({ upsert_rows: [{ id: 1, a: 1 }, { id: 2, a: 2 }] });
  assert.equal((await ns.write({ patch_rows: [{ id: 1, b: 1 }], patch_condition: ['a', 'Eq', 7] })).rows_patched, 0);
  const gone = await ns.write({ deletes: [1, 2, 3], delete_condition: ['a', 'Eq', 1] });
  assert.equal(gone.rows_deleted, 1);
  assert.equal((await ns.write({ deletes: [2], delete_condition: ['a', 'Eq', { $ref_new: 'a' }] })).rows_deleted, 0);
  await refused(ns.write({ delete_by_filter: ['a', 'Eq', 1], delete_condition: ['a', 'Eq', 1] }), 400);
  assert.deepEqual(await all(ns), [{ id: 2, a: 2 }]);
});

check('[62, 63, 64, 65, 69] delete by filter', async (ns) => {
  await ns.write({ upsert_rows: [1, 2, 3, 4, 5].map((id) => ({ id, a: id > 3 ? 1 : 0 })) });
  const none = await ns.write({ delete_by_filter: ['a', 'Eq', 42] });
  assert.equal(none.rows_affected, 0);
  assert.equal(none.rows_deleted, 0);
  assert.ok(!('rows_remaining' in none));
  assert.equal((await ns.write({ delete_by_filter: ['a', 'Eq', 1] })).rows_affected, 2);
  await ns.write({ delete_by_filter: ['a', 'Eq', 0], upsert_rows: [{ id: 1, a: 0 }], patch_rows: [{ id: 2, a: 5 }] });
  assert.deepEqual(await all(ns), [{ id: 1, a: 0 }]);
});

check('[66, 67, 70] patch by filter', async (ns) => {
  await ns.write({ upsert_rows: [1, 2, 3].map((id) => ({ id, page: id === 3 ? 9 : 1, vector: [id, 1], s: 'x' })), ...metric, schema: { s: { type: 'string', filterable: false } } });
  assert.equal((await ns.write({ patch_by_filter: { filters: ['page', 'Eq', 1], patch: { page: 2 } } })).rows_patched, 2);
  assert.deepEqual((await all(ns)).map((row) => row.page), [2, 2, 9]);
  await refused(ns.write({ patch_by_filter: { filters: ['page', 'Eq', 2], patch: { vector: [1, 1] } } }), 400);
  await refused(ns.write({ delete_by_filter: ['s', 'Eq', 'x'] }), 400);
});

check('[71] racing increments: one winner per version', async (ns) => {
  await ns.write({ upsert_rows: [{ id: 1, version: 0 }] });
  const answers = await Promise.all(
    Array.from({ length: 6 }, () => ns.write({ upsert_rows: [{ id: 1, version: 1 }], upsert_condition: ['version', 'Lt', { $ref_new: 'version' }] })),
  );
  assert.equal(answers.reduce((sum, answer) => sum + answer.rows_upserted, 0), 1);
});

check('[14, 15, 16] numbers keep every digit on the wire', async (ns) => {
  const body = '{"upsert_rows":[{"id":18446744073709551615,"low":-9223372036854775808,"high":9223372036854775807,"vector":[0.7,0.7]}],"distance_metric":"cosine_distance"}';
  const post = (path, text) => fetch(`${client.baseURL}/v2/namespaces/${ns.id}${path}`, {
    method: 'POST', body: text, headers: { authorization: 'Bearer any', 'content-type': 'application/json' },
  });
  assert.equal((await post('', body)).status, 200);
  const text = await (await post('/query', '{"rank_by":["id","asc"],"limit":1,"include_attributes":true}')).text();
  for (const digits of ['18446744073709551615', '-9223372036854775808', '9223372036854775807', '[0.7,0.7]']) {
    assert.ok(text.includes(digits), text);
  }
});
