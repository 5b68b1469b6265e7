// The stock gRPC client for Node with protos loaded at run time, unmodified, on every engine that serves.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import { ask, exchange, start } from '../server.mjs';

for (const backend of ['sqlite', 'rocksdb', 'memory']) {
  describe(backend, () => {
    let edge;
    before(async () => { edge = await start(backend); });
    after(async () => { assert.equal(await edge.stop(), 0); });

    test('a thousand pairs go in and come out in order', async () => {
      const pairs = Array.from({ length: 1000 }, (_, n) => ({ key: `key ${n}`, value: `value ${n} ✓` }));
      assert.deepEqual((await exchange(() => edge.kv.Set(), pairs)).map((answer) => answer.key), pairs.map((pair) => pair.key));
      assert.deepEqual((await exchange(() => edge.kv.Get(), pairs)).map((answer) => answer.value), pairs.map((pair) => pair.value));
    });

    test('a missing key ends the stream with NOT_FOUND after the answers before it', async () => {
      await exchange(() => edge.kv.Set(), [{ key: 'there', value: '1' }]);
      const error = await exchange(() => edge.kv.Get(), [{ key: 'there' }, { key: 'nowhere' }, { key: 'there' }]).catch((failure) => failure);
      assert.equal(error.code, grpc.status.NOT_FOUND);
      assert.equal(error.details, 'key "nowhere" does not exist');
      assert.deepEqual(error.answers.map((answer) => answer.value), ['1']);
    });

    test('one request is answered before the next is sent', async () => {
      const call = edge.kv.Set();
      for (let n = 0; n < 10; n++) {
        const answer = new Promise((resolve, reject) => { call.once('data', resolve); call.once('error', reject); });
        call.write({ key: `step ${n}`, value: '' });
        assert.equal((await answer).key, `step ${n}`);
        call.removeAllListeners('error');
      }
      call.end();
    });

    test('get and set streams are open at once', async () => {
      const get = edge.kv.Get();
      const set = edge.kv.Set();
      set.write({ key: 'both', value: 'open' });
      await new Promise((resolve) => set.once('data', resolve));
      get.write({ key: 'both' });
      const answer = await new Promise((resolve) => get.once('data', resolve));
      assert.equal(answer.value, 'open');
      get.end();
      set.end();
    });

    test('values are compared, and a verdict may come early', async () => {
      await exchange(() => edge.kv.Set(), [{ key: 'a', value: 'x' }, { key: 'b', value: 'x' }, { key: 'c', value: 'y' }]);
      assert.equal((await ask((done) => edge.kv.Eq(done), [{ key: 'a' }, { key: 'b' }])).value, true);
      assert.equal((await ask((done) => edge.kv.Eq(done), [{ key: 'a' }, { key: 'c' }, { key: 'not there' }])).value, false);
      assert.equal((await ask((done) => edge.kv.NotEq(done), [{ key: 'a' }, { key: 'c' }])).value, true);
      assert.equal((await ask((done) => edge.kv.NotEq(done), [])).value, true);
    });

    test('blobs keep their bytes, and metadata their absence', async () => {
      const data = Buffer.from(Array.from({ length: 70_000 }, (_, n) => n % 256));
      const [first, second] = await exchange(() => edge.blob.Store(), [{ bytes: data }, { bytes: Buffer.alloc(0), metadata: '' }]);
      assert.equal(BigInt(second.id) - BigInt(first.id), 1n);
      const [plain, empty] = await exchange(() => edge.blob.Get(), [{ id: first.id }, { id: second.id }]);
      assert.ok(plain.bytes.equals(data));
      assert.equal('_metadata' in plain, false);
      assert.equal(empty.metadata, '');
      assert.equal(empty._metadata, 'metadata');
      await exchange(() => edge.blob.Update(), [{ id: first.id, should_update_metadata: true, metadata: 'named' }]);
      const [named] = await exchange(() => edge.blob.Get(), [{ id: first.id }]);
      assert.equal(named.metadata, 'named');
      assert.ok(named.bytes.equals(data));
      await exchange(() => edge.blob.Delete(), [{ id: first.id }]);
      const error = await exchange(() => edge.blob.Get(), [{ id: first.id }]).catch((failure) => failure);
      assert.equal(error.code, grpc.status.NOT_FOUND);
    });

    test('a transaction is seen outside when it is committed', async () => {
      const { transaction_id } = await new Promise((resolve, reject) =>
        edge.kv.BeginTransaction({}, (error, answer) => (error ? reject(error) : resolve(answer))));
      await exchange(() => edge.kv.Set(), [{ key: 'inside', value: '1', transaction_id }]);
      assert.equal((await exchange(() => edge.kv.Get(), [{ key: 'inside' }]).catch((failure) => failure)).code, grpc.status.NOT_FOUND);
      const committed = await new Promise((resolve, reject) =>
        edge.kv.CommitTransaction({ transaction_id }, (error, answer) => (error ? reject(error) : resolve(answer))));
      assert.equal(committed.success, true);
      assert.equal((await exchange(() => edge.kv.Get(), [{ key: 'inside' }]))[0].value, '1');
    });

    test('a message above the limit, an unknown method and a deadline have their status', async () => {
      const large = await exchange(() => edge.kv.Set(), [{ key: 'large', value: 'x'.repeat(65 << 20) }]).catch((failure) => failure);
      assert.equal(large.code, grpc.status.RESOURCE_EXHAUSTED);
      const call = edge.kv.makeBidiStreamRequest('/buffdb.kv.Kv/Nothing', (value) => value, (value) => value);
      assert.equal((await new Promise((resolve) => call.once('error', resolve))).code, grpc.status.UNIMPLEMENTED);
      const late = edge.kv.Get(new grpc.Metadata(), { deadline: Date.now() + 300 });
      assert.equal((await new Promise((resolve) => late.once('error', resolve))).code, grpc.status.DEADLINE_EXCEEDED);
    });

    test('a cancelled call harms nobody', async () => {
      const call = edge.kv.Set();
      call.write({ key: 'cancelled', value: '1' });
      await new Promise((resolve) => call.once('data', resolve));
      const ended = new Promise((resolve) => call.once('error', resolve));
      call.cancel();
      assert.equal((await ended).code, grpc.status.CANCELLED);
      assert.equal((await exchange(() => edge.kv.Get(), [{ key: 'cancelled' }]))[0].value, '1');
    });
  });
}

describe('raw SQL', () => {
  let edge;
  before(async () => { edge = await start('sqlite'); });
  after(async () => { assert.equal(await edge.stop(), 0); });

  test('rows come as wrapped values with the type names that clients know', async () => {
    const changed = await exchange(() => edge.query.Execute(), [{ query: "INSERT INTO kv VALUES('a', 'b')", target: 'KV' }]);
    assert.equal(changed[0].rows_changed, '1');
    const rows = await exchange(() => edge.query.Query(), [{ query: 'SELECT key, 42, null FROM kv', target: 'KV' }]);
    assert.deepEqual(rows[0].fields.map((field) => [field.type_url.split('/').pop(), field.value.toString('hex')]),
      [['wrappers.proto', '0a0161'], ['wrappers.proto', '082a'], ['struct.proto', '']]);
  });

  test('a wrong statement is refused with the engine\'s words', async () => {
    const error = await exchange(() => edge.query.Query(), [{ query: 'SELEC 1', target: 'KV' }]).catch((failure) => failure);
    assert.equal(error.code, grpc.status.INVALID_ARGUMENT);
    assert.match(error.details, /syntax error/);
  });
});
