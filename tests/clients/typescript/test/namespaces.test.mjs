// Namespaces, schema and metadata with the official client. The numbers in the names are lines of the conformance checklist in COMPAT.md.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { check, client, connect, diagonal, ids, refused, withNamespace } from './support.mjs';

const rows = (ns) => ns.query({ rank_by: ['id', 'asc'], limit: 100, include_attributes: true });

test('[1, 3] a client without a header is refused where keys are needed, errors have the documented body', async () => {
  const answer = await fetch(`${client.baseURL}/v2/namespaces/absent-${randomUUID()}/metadata`, { headers: { authorization: 'Bearer any' } });
  assert.equal(answer.status, 404);
  assert.match(answer.headers.get('content-type'), /^application\/json/);
  const body = await answer.json();
  assert.equal(body.status, 'error');
  assert.equal(typeof body.error, 'string');
});

test('[4, 106, 191] what does not exist', async () => {
  const ns = client.namespace(`absent-${randomUUID()}`);
  assert.equal(await ns.exists(), false);
  await refused(ns.query({ rank_by: ['id', 'asc'], limit: 1 }), 404);
  await refused(ns.metadata(), 404);
  await refused(ns.schema(), 404);
  await refused(ns.deleteAll(), 404);
});

test('[12] malformed JSON', async () => {
  const answer = await fetch(`${client.baseURL}/v2/namespaces/any`, { method: 'POST', body: '{', headers: { authorization: 'Bearer any', 'content-type': 'application/json' } });
  assert.equal(answer.status, 400);
});

test('[13] namespace names', async () => {
  await withNamespace('n'.repeat(96) + randomUUID().slice(0, 32), (ns) => ns.write({ upsert_rows: [{ id: 1 }] }));
  for (const name of ['n'.repeat(129), 'with space', 'with@at']) {
    await refused(client.namespace(name).write({ upsert_rows: [{ id: 1 }] }), 400);
  }
});

check('[73, 74, 75, 76, 77] copies', async (ns) => {
  await diagonal(ns);
  await refused(client.namespace(`${ns.id}-x`).copyFrom({ source_namespace: `${ns.id}-absent` }), 404);
  await withNamespace(`${ns.id}-copy`, async (copy) => {
    const answer = await copy.copyFrom({ source_namespace: ns.id });
    assert.equal(answer.rows_affected, 20);
    await ns.write({ deletes: [0] });
    assert.equal((await rows(copy)).rows.length, 20);
    assert.equal((await rows(ns)).rows.length, 19);
    await refused(copy.write({ copy_from_namespace: ns.id }), 400);
  });
  await refused(client.namespace(`${ns.id}-y`).write({ copy_from_namespace: ns.id, upsert_rows: [{ id: 1 }] }), 400);
});

check('[78, 79, 80, 81, 82] branches', async (ns) => {
  await diagonal(ns);
  await withNamespace(`${ns.id}-branch`, async (branch) => {
    await branch.branchFrom({ source_namespace: ns.id });
    await branch.write({ deletes: [0] });
    await ns.write({ deletes: [1] });
    assert.deepEqual(ids(await rows(branch)).slice(0, 2), [1, 2]);
    assert.deepEqual(ids(await rows(ns)).slice(0, 2), [0, 2]);
    assert.equal((await branch.metadata()).branching.parent, ns.id);
    await refused(branch.branchFrom({ source_namespace: ns.id }, { maxRetries: 0 }), 409);
    await withNamespace(`${ns.id}-twig`, async (twig) => {
      await twig.branchFrom({ source_namespace: branch.id });
      await ns.deleteAll();
      await branch.deleteAll();
      assert.equal((await rows(twig)).rows.length, 19);
    });
  });
});

check('[83, 84] encryption', async (ns) => {
  await refused(ns.write({ upsert_rows: [{ id: 1 }], encryption: { mode: 'customer-managed', key_name: 'mykey' } }), 400, /Malformed Cloud KMS crypto key: mykey/);
  assert.equal(await ns.exists(), false);
  await ns.write({ upsert_rows: [{ id: 1 }], encryption: { mode: 'default' } });
});

check('[85, 86, 87, 88] the schema as inferred and reported', async (ns) => {
  await ns.write({
    upsert_rows: [{ id: 1, s: 'x', n: 1, b: true, ss: ['a'], nn: [1], vector: [1, 2] }],
    distance_metric: 'cosine_distance',
    schema: { vector: { type: '[2]f16', ann: true } },
  });
  const schema = await ns.schema();
  assert.deepEqual(schema.id, { type: 'uint', filterable: null, full_text_search: null });
  assert.deepEqual(schema.s, { type: 'string', filterable: true, full_text_search: null });
  assert.deepEqual(schema.vector, { type: '[2]f16', ann: true, filterable: null, full_text_search: null });
  assert.deepEqual([schema.n.type, schema.b.type, schema.ss.type, schema.nn.type], ['int', 'bool', '[]string', '[]int']);
});

check('[89] full text settings are reported in full', async (ns) => {
  await ns.write({ upsert_rows: [{ id: 1, t: 'x' }], schema: { t: { type: 'string', full_text_search: true } } });
  const { t } = await ns.schema();
  assert.equal(t.filterable, false);
  const { tokenizer, ...rest } = t.full_text_search;
  assert.equal(typeof tokenizer, 'string');
  assert.deepEqual(rest, {
    k1: 1.2, k3: 8, b: 0.75, language: 'english', stemming: false, max_token_length: 39, remove_stopwords: false, ascii_folding: false, case_sensitive: false,
  });
});

check('[91, 92, 93, 94] schema changes', async (ns) => {
  await ns.write({ upsert_rows: [{ id: 1, p: true, vector: [1, 2] }], distance_metric: 'cosine_distance' });
  const schema = await ns.updateSchema({ schema: { p: { type: 'bool', filterable: false, full_text_search: false } } });
  assert.equal(schema.p.filterable, false);
  assert.ok('vector' in schema);
  await refused(ns.query({ rank_by: ['id', 'asc'], limit: 1, filters: ['p', 'Eq', true] }), 400);
  await refused(ns.updateSchema({ schema: { p: { type: 'string' } } }), 400);
  await refused(ns.write({ upsert_rows: [{ id: 2, vector: [1, 2], w: [1, 2] }], schema: { w: { type: '[2]f32', ann: true } } }), 400);
});

check('[95] two vector columns', async (ns) => {
  await ns.write({
    upsert_rows: [{ id: 1, a: [1, 0], b: [0, 0, 1] }, { id: 2, a: [0, 1], b: [1, 0, 0] }],
    distance_metric: 'cosine_distance',
    schema: { a: { type: '[2]f32', ann: true }, b: { type: '[3]f16', ann: true } },
  });
  assert.deepEqual(ids(await ns.query({ rank_by: ['a', 'ANN', [1, 0]], limit: 1 })), [1]);
  assert.deepEqual(ids(await ns.query({ rank_by: ['b', 'ANN', [1, 0, 0]], limit: 1 })), [2]);
});

check('[98, 99, 101, 102, 103] declarations that cannot be', async (ns) => {
  const declare = (schema, row = {}) => ns.write({ upsert_rows: [{ id: 1, ...row }], schema });
  await refused(declare({ t: { type: 'string', full_text_search: { tokenizer: 'nope' } } }), 422);
  await refused(declare({ t: { type: 'string', full_text_search: { language: 'klingon' } } }), 422);
  await refused(declare({ t: { type: 'string', full_text_search: { b: 1.5 } } }), 400);
  await refused(declare({ t: { type: 'string', full_text_search: { tokenizer: 'pre_tokenized_array' } } }), 400);
  await refused(declare({ t: { type: '{}f16', sparse_knn: { distance_metric: 'cosine_distance' } } }), 422);
  await refused(ns.write({ upsert_rows: [{ id: 1, v: [1.5, 1] }], distance_metric: 'cosine_distance', schema: { v: { type: '[2]i8', ann: true } } }), 400);
});

check('[105] a new attribute is null in older rows', async (ns) => {
  await ns.write({ upsert_rows: [{ id: 1 }] });
  await ns.write({ upsert_rows: [{ id: 2, a: 1 }] });
  assert.deepEqual(ids(await ns.query({ rank_by: ['id', 'asc'], limit: 10, filters: ['a', 'Eq', null] })), [1]);
});

test('[182] listing pages through names', async () => {
  const prefix = `list-${randomUUID()}-`;
  const names = Array.from({ length: 12 }, (_, i) => `${prefix}${String(i).padStart(2, '0')}`);
  try {
    await Promise.all(names.map((name) => client.namespace(name).write({ upsert_rows: [{ id: 1 }] })));
    const sizes = [];
    const seen = [];
    for (let page = await client.namespaces({ prefix, page_size: 5 }); ; page = await page.getNextPage()) {
      sizes.push(page.namespaces.length);
      seen.push(...page.namespaces.map((one) => one.id));
      if (!page.hasNextPage()) break;
    }
    assert.deepEqual(sizes, [5, 5, 2]);
    assert.deepEqual(seen, names);
    const all = [];
    for await (const one of client.namespaces({ prefix })) all.push(one.id);
    assert.deepEqual(all, names);
  } finally {
    await Promise.all(names.map((name) => client.namespace(name).deleteAll().catch(() => {})));
  }
});

check('[184] metadata of a small namespace has exactly the documented keys', async (ns) => {
  await ns.write({ upsert_rows: [{ id: 1, p: true, vector: [1, 2] }, { id: 2, vector: [1, 3] }, { id: 3, vector: [2, 2] }], distance_metric: 'cosine_distance' });
  const metadata = await ns.metadata();
  for (const time of ['created_at', 'last_write_at', 'updated_at']) {
    assert.ok(Date.parse(metadata[time]) > 0);
    delete metadata[time];
  }
  assert.deepEqual(metadata, {
    approx_logical_bytes: 0,
    approx_row_count: 0,
    encryption: { mode: 'default' },
    index: { status: 'up-to-date' },
    schema: {
      id: { type: 'uint' },
      p: { type: 'bool', filterable: true },
      vector: { type: '[2]f32', ann: { distance_metric: 'cosine_distance' } },
    },
  });
});

check('[185] the older metadata path has the older encryption shape', async (ns) => {
  await ns.write({ upsert_rows: [{ id: 1 }] });
  const answer = await fetch(`${client.baseURL}/v1/namespaces/${ns.id}/metadata`, { headers: { authorization: 'Bearer any' } });
  assert.deepEqual((await answer.json()).encryption, { sse: true });
});

check('[186] updated_at follows schema changes, last_write_at does not', async (ns) => {
  await ns.write({ upsert_rows: [{ id: 1 }] });
  const before = await ns.metadata();
  await ns.write({ schema: { a: 'int' } });
  const after = await ns.metadata();
  assert.equal(after.last_write_at, before.last_write_at);
  assert.ok(after.updated_at >= before.updated_at);
});

check('[187, 188] pinning and read-only', async (ns) => {
  await ns.write({ upsert_rows: [{ id: 1 }] });
  await ns.updateMetadata({ pinning: { replicas: 2 } });
  assert.equal((await ns.metadata()).pinning.replicas, 2);
  await ns.updateMetadata({ pinning: null });
  assert.ok(!('pinning' in (await ns.metadata())));
  await ns.updateMetadata({ read_only: true });
  await refused(ns.write({ upsert_rows: [{ id: 2 }] }), 400, /Writes not permitted\. This namespace is read-only\./);
  assert.equal((await rows(ns)).rows.length, 1);
  await ns.updateMetadata({ read_only: false });
});

check('[189] warming', async (ns) => {
  await ns.write({ upsert_rows: [{ id: 1 }] });
  const answer = await ns.hintCacheWarm();
  assert.equal(answer.status, 'ACCEPTED');
  assert.equal(typeof answer.message, 'string');
});

check('[190] recall', async (ns) => {
  await ns.write({ upsert_rows: [{ id: 1, vector: [1, 2] }, { id: 2, vector: [1, 3] }, { id: 3, vector: [2, 2] }], distance_metric: 'cosine_distance' });
  const answer = await ns.recall({ num: 1, top_k: 2 });
  assert.equal(answer.avg_recall, 1);
  assert.equal(answer.avg_exhaustive_count, 2);
  assert.equal(answer.avg_ann_count, 2);
});

check('[191] a deleted name can be used again with another schema', async (ns) => {
  await ns.write({ upsert_rows: [{ id: 1, a: 1 }] });
  assert.deepEqual(await ns.deleteAll(), { status: 'OK' });
  await refused(ns.deleteAll(), 404);
  assert.equal(await ns.exists(), false);
  await ns.write({ upsert_rows: [{ id: 'x', a: 'text' }] });
  assert.deepEqual((await rows(ns)).rows, [{ id: 'x', a: 'text' }]);
});

check('[192] plans', async (ns) => {
  await diagonal(ns);
  const answer = await ns.explainQuery({ rank_by: ['vector', 'ANN', [1, 1]], limit: 1 });
  assert.ok(answer.plan_text.length > 0);
});

check('[193] many queries at once all succeed', async (ns) => {
  await diagonal(ns);
  const patient = connect({ maxRetries: 6 }).namespace(ns.id);
  const answers = await Promise.all(Array.from({ length: 64 }, () => patient.query({ rank_by: ['vector', 'ANN', [1, 1]], limit: 1 })));
  assert.ok(answers.every((answer) => answer.rows.length === 1));
});
