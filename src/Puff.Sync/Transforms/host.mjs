// Runs the transforms of `puff sync`. It speaks on its standard input and output in frames: four bytes of length (little-endian), then that many bytes of UTF-8
// JSON. Nothing else may reach standard output, so whatever user code prints becomes a `log` message.
import { AsyncLocalStorage } from "node:async_hooks";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

const VERSION = 1;
const MAX_FRAME = 256 * 1024 * 1024;
const MAX_LOG = 8 * 1024;
const STYLES = ["change", "rows", "columns"];

const running = new AsyncLocalStorage(); // the mapping whose code runs
const hashes = new Map(); // path of an entry -> the hash it was first imported with
const modules = new Map(); // name of a module -> { code, style, info }
const calls = new Map(); // number of a call -> its AbortController
const questions = new Map(); // number of a question to the runner -> { resolve, reject }
const env = Object.freeze({ ...process.env }); // reading it from the process is slow
let nextQuestion = 1;
let bundler = null; // esbuild, for runtimes that do not read TypeScript
let bundleFolder = null;

// ---- frames

const write = process.stdout.write.bind(process.stdout);

function send(message) {
  const text = JSON.stringify(message);
  const length = Buffer.byteLength(text);
  if (length > MAX_FRAME) throw new RangeError(`a message of ${length} bytes is too large; lower [transform] batch_rows`);
  const frame = Buffer.allocUnsafe(4 + length);
  frame.writeUInt32LE(length, 0);
  frame.write(text, 4, "utf8");
  write(frame);
}

// Stays within what has arrived: a frame is taken out once it is whole.
class FrameReader {
  #parts = [];
  #size = 0;

  add(chunk) {
    this.#parts.push(chunk);
    this.#size += chunk.length;
  }

  next() {
    if (this.#size < 4) return null;
    this.#gather(4);
    const length = this.#parts[0].readUInt32LE(0);
    if (length === 0 || length > MAX_FRAME) throw new RangeError(`a frame of ${length} bytes`);
    if (this.#size < 4 + length) return null;
    this.#gather(4 + length);
    const first = this.#parts[0];
    const text = first.toString("utf8", 4, 4 + length);
    this.#parts[0] = first.subarray(4 + length);
    if (this.#parts[0].length === 0) this.#parts.shift();
    this.#size -= 4 + length;
    return text;
  }

  // Large frames come in many parts: they are joined once, not at every part.
  #gather(wanted) {
    if (this.#parts[0].length < wanted) this.#parts = [Buffer.concat(this.#parts, this.#size)];
  }
}

// ---- what user code prints

function log(level, text, fields) {
  const line = String(text);
  const message = { t: "log", level, mapping: running.getStore() ?? null, text: line.length > MAX_LOG ? line.slice(0, MAX_LOG) + "…" : line };
  if (fields !== undefined) message.fields = plain(fields);
  send(message);
}

function plain(fields) {
  try {
    return JSON.parse(JSON.stringify(fields, (_, value) => (typeof value === "bigint" ? value.toString() : value)) ?? "null");
  } catch {
    return null;
  }
}

function show(values) {
  return values.map((value) => (typeof value === "string" ? value : value instanceof Error ? (value.stack ?? value.message) : inspect(value))).join(" ");
}

function inspect(value) {
  try {
    return typeof value === "object" && value !== null ? JSON.stringify(value, (_, v) => (typeof v === "bigint" ? v.toString() : v)) : String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}

function capture() {
  const levels = { log: "info", info: "info", debug: "debug", trace: "debug", dir: "info", table: "info", warn: "warn", error: "error" };
  for (const [name, level] of Object.entries(levels)) console[name] = (...values) => log(level, show(values));
  console.assert = (fine, ...values) => fine || log("error", show(["Assertion failed:", ...values]));
  process.stdout.write = (chunk, encoding, done) => {
    const text = typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8");
    log("info", text.endsWith("\n") ? text.slice(0, -1) : text);
    const after = typeof encoding === "function" ? encoding : done;
    if (after) process.nextTick(after);
    return true;
  };
  process.on("unhandledRejection", (reason) => log("error", `unhandled rejection: ${show([reason])}`));
}

// ---- loading

async function load(message) {
  const { module, mapping, path, style } = message;
  const started = performance.now();
  try {
    if (!STYLES.includes(style)) throw new TypeError(`unknown transform.style ${style}`);
    const info = { mapping, namespace: message.namespace, migration: message.migration, dryRun: message.dryRun };
    await running.run(mapping, async () => {
      const code = entryOf(await import(await importable(path, message.hash)), style);
      modules.set(module, { code, style, info });
      if (code.setup) await code.setup(context(info, 1, new AbortController().signal));
      send({ t: "loaded", module, schema: code.schema ?? null, ms: performance.now() - started });
    });
  } catch (error) {
    modules.delete(module);
    send({ t: "load_failed", module, message: messageOf(error), stack: stackOf(error) });
  }
}

function entryOf(module, style) {
  if (style !== "change") {
    if (typeof module.transform !== "function") throw new TypeError("the module has no export named `transform` that is a function");
    return { transform: module.transform, setup: module.setup, teardown: module.teardown, schema: module.schema };
  }
  const entry = module.default;
  if (typeof entry === "function") return { transform: entry, schema: module.schema };
  if (entry && typeof entry.transform === "function") {
    return {
      transform: entry.transform.bind(entry), setup: entry.setup?.bind(entry), teardown: entry.teardown?.bind(entry), schema: entry.schema ?? module.schema,
    };
  }
  throw new TypeError("the default export is neither a function nor an object with a function `transform`");
}

// A runtime that reads no TypeScript gets one bundle of the entry and the files it imports; packages stay outside and are found from the project.
async function importable(path, hash) {
  if (!hashes.has(path)) hashes.set(path, hash);
  const mark = hashes.get(path) === hash ? "" : `?${hash}`; // other code at the same place is another module
  if (bundler === null || /\.[cm]?js$/.test(path)) return pathToFileURL(path).href + mark;
  const { build } = (await import(pathToFileURL(bundler).href)).default;
  const result = await build({
    entryPoints: [path], bundle: true, packages: "external", format: "esm", platform: "node", target: `node${process.versions.node.split(".")[0]}`,
    sourcemap: "inline", write: false, logLevel: "silent", absWorkingDir: dirname(path),
  });
  mkdirSync(bundleFolder, { recursive: true });
  const target = join(bundleFolder, `${hash}.mjs`);
  const fresh = `${target}.${process.pid}`;
  writeFileSync(fresh, result.outputFiles[0].contents);
  renameSync(fresh, target);
  return pathToFileURL(target).href;
}

// ---- calls

function context(info, attempt, signal) {
  const levels = {};
  for (const level of ["debug", "info", "warn", "error"]) levels[level] = (message, fields) => log(level, message, fields);
  return {
    ...info, attempt, signal, env, log: levels,
    fetch: (input, init) => fetch(input, { ...init, signal: init?.signal ? AbortSignal.any([init.signal, signal]) : signal }),
    embed: async (texts, options) => (await ask("embed", info.mapping, { texts, options: options ?? null })).vectors.map(floats),
    cache: {
      get: async (key) => {
        const { value } = await ask("cache_get", info.mapping, { key });
        return value === null ? null : new Uint8Array(Buffer.from(value, "base64"));
      },
      set: async (key, value) => void (await ask("cache_set", info.mapping, { key, value: base64(value) })),
    },
    lookup: async (name, keys) => (await ask("lookup", info.mapping, { name, keys: keys.map((key) => (typeof key === "bigint" ? key.toString() : key)) })).rows,
  };
}

function ask(kind, mapping, body) {
  const q = nextQuestion++;
  return new Promise((resolve, reject) => {
    questions.set(q, { resolve, reject });
    send({ t: kind, q, mapping, ...body });
  });
}

function answered(message) {
  const waiting = questions.get(message.q);
  if (!waiting) return;
  questions.delete(message.q);
  if (message.error) waiting.reject(Object.assign(new Error(message.error), { retryable: message.retryable === true }));
  else waiting.resolve(message);
}

async function call(message) {
  const { n } = message;
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(new DOMException("the transform's time is over", "TimeoutError")), message.deadline);
  calls.set(n, stop);
  const started = performance.now();
  try {
    const module = modules.get(message.module);
    if (!module) throw new Error(`${message.module} is not loaded`);
    const changes = readChanges(message);
    const results = await running.run(module.info.mapping, () => run(module, changes, context(module.info, message.attempt, stop.signal)));
    if (!Array.isArray(results) || results.length !== changes.length) {
      const got = Array.isArray(results) ? `${results.length} results` : `a result that is no array (${results === null ? "null" : typeof results})`;
      return send({ t: "error", n, code: "transform_result_count", message: `Got ${got} for ${changes.length} changes.`, stack: null, retryable: false });
    }
    send({ t: "result", n, ms: performance.now() - started, rss: process.memoryUsage.rss(), actions: writeResults(results, message.shapes) });
  } catch (error) {
    const code = stop.signal.aborted ? "transform_timeout" : "transform_error";
    send({ t: "error", n, code, message: messageOf(error), stack: stackOf(error), retryable: error?.retryable === true });
  } finally {
    clearTimeout(timer);
    calls.delete(n);
  }
}

function messageOf(error) {
  return error instanceof Error ? `${error.name}: ${error.message}` : `thrown: ${inspect(error)}`;
}

function stackOf(error) {
  return error instanceof Error ? (error.stack ?? null) : null;
}

// ---- changes

function readChanges(message) {
  const shapes = message.shapes.map(makeShape);
  return message.changes.map(([shape, op, id, row, missing, old, changed, position, committed]) =>
    shapes[shape].change(op, readId(id), row, missing, old, changed, position, committed));
}

// Ids that a double would not hold come as [digits].
function readId(id) {
  return Array.isArray(id) ? BigInt(id[0]) : id;
}

const READERS = [
  null,
  (value) => BigInt(value),
  (value) => new Uint8Array(Buffer.from(value, "base64")),
  floats,
  (value) => value.map((element) => (element === null ? null : BigInt(element))),
  (value) => value,
];
const JSON_KIND = 5; // written as JSON text again when it is passed on

function floats(text) {
  const bytes = Buffer.from(text, "base64");
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + (bytes.length & ~3)));
}

// The kinds of one table version are the same for all its rows, so a function is made that builds a row without asking for them again.
function makeShape({ schema, table, names, kinds }) {
  const source = { schema, table };
  const fields = names.map((name, i) => {
    const key = name === "__proto__" ? '["__proto__"]' : JSON.stringify(name);
    return kinds[i] === 0 || kinds[i] === JSON_KIND ? `${key}: v[${i}]` : `${key}: v[${i}] === null ? null : read[${kinds[i]}](v[${i}])`;
  });
  const whole = new Function("read", "v", `return { ${fields.join(", ")} };`).bind(null, READERS);
  const some = (pairs) => {
    const row = {};
    for (let i = 0; i < pairs.length; i += 2) set(row, names[pairs[i]], value(pairs[i], pairs[i + 1]));
    return row;
  };
  const value = (ordinal, given) => (given === null || kinds[ordinal] === 0 ? given : READERS[kinds[ordinal]](given));
  return {
    change(op, id, row, missing, old, changed, position, committedAt) {
      const complete = row === null ? null : whole(row);
      if (missing !== null) for (const ordinal of missing) delete complete[names[ordinal]];
      return {
        op, id, row: complete, old: old === null ? null : some(old), changed: changed === null ? null : changed.map((ordinal) => names[ordinal]),
        source, position, committedAt,
      };
    },
  };
}

function set(target, name, value) {
  if (name === "__proto__") Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
  else target[name] = value;
}

// ---- the three styles

function run(module, changes, ctx) {
  if (module.style === "change") return module.code.transform(changes, ctx);
  const rows = module.style === "rows" ? changes.map(asRow) : changes.map(asColumns);
  return Promise.resolve(module.code.transform(rows, ctx)).then((results) => fromOlder(results, changes));
}

function asRow({ op, id, row, old, source, position }) {
  return { id, event: { op, schema: source.schema, table: source.table, new: row, old, lsn: position.split("/")[0] } };
}

function asColumns({ op, id, row, old }) {
  return { operation: op, id, columns: row ?? old ?? {} };
}

// The older styles return a flat list: an action belongs to the change of its id, without one to the change of its place.
function fromOlder(results, changes) {
  if (!Array.isArray(results)) return results;
  const actions = results.flat().filter((action) => action !== null && action !== undefined).map(modern);
  const places = new Map(changes.map((change, place) => [String(change.id), place]));
  if (!actions.every((action) => action.id !== undefined && places.has(String(action.id)))) {
    return results.map((result) => (Array.isArray(result) ? result.map(modern) : modern(result ?? { type: "skip" })));
  }
  const sorted = changes.map(() => []);
  for (const action of actions) sorted[places.get(String(action.id))].push(action);
  return sorted;
}

function modern(action) {
  const { type, doc, columns, ...rest } = action;
  return { ...rest, action: action.action ?? type ?? action.operation, document: action.document ?? doc ?? columns };
}

// ---- actions

class Refused extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

function writeResults(results, shapes) {
  const texts = new Set(shapes.flatMap(({ names, kinds }) => names.filter((_, i) => kinds[i] === JSON_KIND)));
  return results.map((result) => writeResult(result, texts));
}

// A value that cannot be written fails its change, not its batch.
function writeResult(result, texts) {
  try {
    return Array.isArray(result) ? result.map((action) => writeAction(action, texts)) : [writeAction(result, texts)];
  } catch (error) {
    if (error instanceof Refused) return [["f", error.message, 0, error.code]];
    throw error;
  }
}

function writeAction(action, texts) {
  if (action === null || typeof action !== "object") throw new Refused("value_type", `an action is an object, not ${inspect(action)}`);
  switch (action.action) {
    case "upsert":
      return ["u", writeId(action.id), writeDocument(action.document, texts)];
    case "patch":
      return ["p", writeId(action.id), writeDocument(action.document, texts)];
    case "replaceGroup":
      if (typeof action.group !== "string" || !Array.isArray(action.documents)) throw new Refused("value_type", "replaceGroup needs `group` and `documents`");
      return ["g", action.group, action.documents.map((each) => [writeId(each?.id ?? missingId()), writeDocument(each.document, texts)])];
    case "delete":
      return ["d", writeId(action.id)];
    case "skip":
      return ["s", action.reason === undefined ? null : String(action.reason)];
    case "fail":
      return ["f", String(action.message), action.retryable === true ? 1 : 0];
    default:
      throw new Refused("value_type", `unknown action ${inspect(action.action)}`);
  }
}

function missingId() {
  throw new Refused("id_null", "every document of replaceGroup needs an id");
}

function writeId(id) {
  if (id === undefined || id === null) return null;
  if (typeof id === "bigint") return [id.toString()];
  if (typeof id === "string" || Number.isSafeInteger(id)) return id;
  throw new Refused("value_type", `${inspect(id)} is no id: a string, an integer or a bigint`);
}

function writeDocument(document, texts) {
  if (document === null || typeof document !== "object" || Array.isArray(document)) throw new Refused("value_type", "the action has no `document`");
  let copy = null;
  for (const name in document) {
    const value = document[name];
    const kind = typeof value;
    if (texts.size > 0 && texts.has(name) && kind !== "string" && kind !== "undefined" && value !== null) {
      copy ??= { ...document };
      copy[name] = JSON.stringify(value, (_, each) => (typeof each === "bigint" ? each.toString() : each));
      continue;
    }
    if (kind === "string" || kind === "boolean" || value === null || (kind === "number" && Number.isFinite(value))) continue;
    copy ??= { ...document };
    if (value === undefined) delete copy[name];
    else copy[name] = writeValue(name, value);
  }
  return copy ?? document;
}

// Objects of the message are values that JSON does not have: b bigint, x bytes, v 32-bit floats, d 64-bit floats, s sparse vector.
function writeValue(name, value) {
  switch (typeof value) {
    case "bigint":
      return { b: value.toString() };
    case "number":
      throw new Refused("not_finite", `attribute ${name} is ${value}`);
    case "object":
      return Array.isArray(value) ? writeArray(name, value) : writeObject(name, value);
    default:
      throw new Refused("value_type", `attribute ${name} is a ${typeof value}, which cannot be written`);
  }
}

function writeObject(name, value) {
  if (value instanceof Date) return dateText(name, value);
  if (value instanceof Float32Array) return { v: base64(finite(name, value)) };
  if (value instanceof Float64Array) return { v: base64(finite(name, Float32Array.from(value))) };
  if (value instanceof Uint8Array) return { x: base64(value) };
  const prototype = Object.getPrototypeOf(value);
  if ((prototype === Object.prototype || prototype === null) && Object.values(value).every((weight) => Number.isFinite(weight))) return { s: value };
  throw new Refused("value_type", `attribute ${name} is an object; write its parts, or JSON.stringify it`);
}

function writeArray(name, values) {
  let fractions = false;
  let plainNumbers = values.length > 0;
  for (const value of values) {
    if (typeof value !== "number") plainNumbers = false;
    else if (!Number.isFinite(value)) throw new Refused("not_finite", `attribute ${name} holds ${value}`);
    else fractions ||= !Number.isInteger(value);
  }
  if (plainNumbers) return fractions && values.length >= 16 ? { d: base64(Float64Array.from(values)) } : values;
  return values.map((value) => {
    if (value === null || value === undefined) return null;
    if (value instanceof Date) return dateText(name, value);
    if (value instanceof Float32Array || value instanceof Float64Array) return Array.from(finite(name, value));
    if (typeof value === "bigint") return { b: value.toString() };
    if (Array.isArray(value) && value.every((number) => Number.isFinite(number))) return value;
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
    throw new Refused("value_type", `attribute ${name} holds ${inspect(value)}, which cannot be written`);
  });
}

function dateText(name, date) {
  if (Number.isNaN(date.getTime())) throw new Refused("not_finite", `attribute ${name} is an invalid Date`);
  return date.toISOString();
}

function finite(name, vector) {
  for (const number of vector) if (!Number.isFinite(number)) throw new Refused("not_finite", `attribute ${name} holds ${number}`);
  return vector;
}

function base64(view) {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString("base64");
}

// ---- the life of the process

async function leave() {
  for (const stop of calls.values()) stop.abort(new DOMException("the runner stops", "AbortError"));
  for (const { code, info } of modules.values()) {
    if (!code.teardown) continue;
    try {
      await running.run(info.mapping, () => code.teardown(context(info, 1, AbortSignal.abort())));
    } catch (error) {
      log("error", `teardown of ${info.mapping}: ${messageOf(error)}`);
    }
  }
  process.exit(0);
}

function hello(message) {
  if (message.version !== VERSION) throw new RangeError(`this host speaks version ${VERSION}, the runner ${message.version}`);
  bundler = message.bundler ?? null;
  bundleFolder = message.bundleFolder ?? null;
  const runtime = globalThis.Bun ? `bun ${Bun.version}` : globalThis.Deno ? `deno ${Deno.version.deno}` : `node ${process.versions.node}`;
  send({ t: "ready", version: VERSION, node: runtime, pid: process.pid });
}

const HANDLERS = {
  hello, load, call, answer: answered, stop: leave,
  abort: ({ n }) => calls.get(n)?.abort(new DOMException("the runner stops", "AbortError")),
};

function receive(text) {
  const message = JSON.parse(text);
  const handler = Object.hasOwn(HANDLERS, message?.t) ? HANDLERS[message.t] : null;
  if (!handler) throw new TypeError(`a message of type ${message?.t}`);
  return handler(message);
}

capture();
const frames = new FrameReader();
process.stdin.on("data", (chunk) => {
  try {
    frames.add(chunk);
    for (let text = frames.next(); text !== null; text = frames.next()) receive(text);
  } catch (error) {
    process.stderr.write(`protocol: ${messageOf(error)}\n`);
    process.exit(70);
  }
});
process.stdin.on("end", () => process.exit(0)); // the runner is gone
