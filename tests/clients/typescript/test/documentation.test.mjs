// The JavaScript that the documents print runs as printed; only the address is this server's.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { url, withNamespace } from './support.mjs';

const folder = new URL('..', import.meta.url);
const document = (path) => readFile(new URL(`../../../${path}`, folder), 'utf8');
const address = 'http://127.0.0.1:8080';

/** Runs a module beside this package and returns what it printed. */
const run = async (code, env = {}) =>
  (await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code], { cwd: folder, env: { ...process.env, ...env } })).stdout;

test('the block in README.md writes and finds a document', () =>
  withNamespace('docs', async () => {
    const [, code, ...more] = (await document('README.md')).split(/```js\n([^]*?)```/);
    assert.equal(more.length, 1, 'one block was expected');
    assert.ok(code.includes(address));
    const printed = await run(code.replaceAll(address, url));
    assert.match(printed, /title: 'hello'/);
    assert.match(printed, /'\$dist': 0/);
  }));

test('both ways to set the address in docs/quickstart.md', async () => {
  const text = await document('docs/quickstart.md');
  const [constructor] = text.match(/new Turbopuffer\([^`]*\)/);
  const [variable] = text.match(/TURBOPUFFER_BASE_URL=[^`]*/);
  assert.ok(constructor.includes(address) && variable.endsWith(address));
  const list = (client) => `import Turbopuffer from '@turbopuffer/turbopuffer';
    const client = ${client};
    console.log((await client.namespaces({ page_size: 1 })).namespaces.length <= 1);`;
  assert.equal(await run(list(constructor.replaceAll(address, url))), 'true\n');
  const environment = { TURBOPUFFER_BASE_URL: url, TURBOPUFFER_API_KEY: 'any' };
  assert.equal(await run(list('new Turbopuffer()'), environment), 'true\n');
});
