// What every suite needs: a client against the server at PUFF_URL, and a namespace of its own that is removed afterwards.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import Turbopuffer from '@turbopuffer/turbopuffer';

export const url = process.env.PUFF_URL;
if (!url) {
  throw new Error('PUFF_URL is not set: start `puff serve` and give its address, or run ./test');
}

export const client = connect();

export function connect(options = {}) {
  return new Turbopuffer({ baseURL: url, apiKey: process.env.PUFF_API_KEY ?? 'any', maxRetries: 2, ...options });
}

/** The client's handle of a namespace, which keeps its name to itself, with the name. */
export const open = (name, from = client) => Object.assign(from.namespace(name), { id: name });

/** A test with its own namespace. */
export function check(name, body) {
  test(name, async () => {
    const namespace = open(`ts-${randomUUID()}`);
    try {
      await body(namespace);
    } finally {
      await namespace.deleteAll().catch((error) => assert.equal(error.status, 404));
    }
  });
}

/** A namespace's handle that is removed when the callback ends. */
export async function withNamespace(name, body) {
  const namespace = open(name);
  try {
    return await body(namespace);
  } finally {
    await namespace.deleteAll().catch((error) => assert.equal(error.status, 404));
  }
}

/** The call must be refused with this status, an error body of the documented shape, and a text that matches. */
export async function refused(promise, status, text = /./) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.status, status, `${error}`);
    assert.equal(error.error?.status, 'error');
    assert.equal(typeof error.error?.error, 'string');
    assert.match(error.error.error, text);
    return true;
  });
}

export const ids = (result) => result.rows.map((row) => row.id);

/** Rows 0 to 19 at (i/10, i/10). */
export async function diagonal(namespace) {
  await namespace.write({
    upsert_rows: Array.from({ length: 20 }, (_, i) => ({ id: i, vector: [i / 10, i / 10], even: i % 2 === 0 })),
    distance_metric: 'euclidean_squared',
  });
}

export const near = (actual, expected, tolerance = 1e-6) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
