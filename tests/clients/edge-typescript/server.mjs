// Starts the binary on a free loopback port with stores of its own, and loads the protos that clients load.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';

const root = fileURLToPath(new URL('../../../', import.meta.url));

export async function start(backend = 'sqlite') {
  const folder = mkdtempSync(join(tmpdir(), 'puff-edge-'));
  const binary = join(root, 'src/Puff/bin/Release/net10.0/puff.dll');
  const child = spawn('dotnet', [binary, 'edge', 'run', '127.0.0.1:0', '-b', backend], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  const address = await new Promise((resolve, reject) => {
    let text = '';
    child.stderr.on('data', (chunk) => {
      text += chunk;
      const match = /http:\/\/(127\.0\.0\.1:\d+)/.exec(text);
      if (match) resolve(match[1]);
    });
    child.on('exit', (code) => reject(new Error(`puff edge run ended with ${code}: ${text}`)));
  });
  const definition = loader.loadSync(['kv.proto', 'blob.proto', 'query.proto'], {
    includeDirs: [join(root, 'src/Puff.Edge/Protos')], keepCase: true, longs: String, defaults: true, oneofs: true,
  });
  const { buffdb } = grpc.loadPackageDefinition(definition);
  const credentials = grpc.credentials.createInsecure();
  const clients = {
    kv: new buffdb.kv.Kv(address, credentials),
    blob: new buffdb.blob.Blob(address, credentials),
    query: new buffdb.query.Query(address, credentials),
  };
  return {
    ...clients,
    async stop() {
      Object.values(clients).forEach((client) => client.close());
      child.removeAllListeners('exit');
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      const code = await ended;
      rmSync(folder, { recursive: true });
      return code;
    },
  };
}

// Sends requests on one stream and gathers the answers; a status that is not OK rejects with the answers so far in `answers`.
export function exchange(open, requests) {
  return new Promise((resolve, reject) => {
    const answers = [];
    const call = open();
    call.on('data', (answer) => answers.push(answer));
    call.on('error', (error) => reject(Object.assign(error, { answers })));
    call.on('end', () => resolve(answers));
    requests.forEach((request) => call.write(request));
    call.end();
  });
}

// Sends requests on one stream and waits for the one answer.
export function ask(open, requests) {
  return new Promise((resolve, reject) => {
    const call = open((error, answer) => (error ? reject(error) : resolve(answer)));
    call.on('error', () => {});
    requests.forEach((request) => call.write(request));
    call.end();
  });
}
