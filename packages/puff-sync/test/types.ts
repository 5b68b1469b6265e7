// Compiled, not run: what a transform may write, and what the types refuse.
import type { Action, Change, Context, Document, Result, Transform, TransformModule } from "puff-sync";

interface Post {
  id: bigint;
  title: string | null;
  tags: string[];
  vector: Float32Array;
}

const plain: Transform<Post> = (changes) => changes.map(({ row }) => (row ? { action: "upsert", document: { ...row } } : { action: "delete" }));

const later: Transform<Post> = async (changes: Change<Post>[], ctx: Context): Promise<Result[]> => {
  const vectors = await ctx.embed(changes.map(({ row }) => row?.title ?? ""), { dimensions: 3 });
  const known: Uint8Array | null = await ctx.cache.get("key");
  ctx.log.info("seen", { rows: changes.length, known: known?.length });
  if (ctx.signal.aborted) return changes.map(() => ({ action: "fail", message: "stopped", retryable: true }));
  return changes.map(({ id, changed }, i) => {
    const isRetitled: boolean = changed === null || changed.includes("title");
    return isRetitled
      ? [{ action: "replaceGroup", group: String(id), documents: [{ id: 1n, document: { v: vectors[i], at: new Date(), s: { a: 0.5 }, m: [[1], [2]] } }] }]
      : { action: "patch", document: { seen: true, big: 1n, numbers: [1, 2.5], nothing: undefined } };
  });
};

const whole: TransformModule<Post> = {
  schema: { title: "string", vector: { type: "[3]f32", ann: true } },
  setup: async (ctx) => ctx.log.debug(ctx.mapping),
  transform: later,
};

// @ts-expect-error a column that the row does not have
const wrongColumn: Transform<Post> = (changes) => changes.map(({ row }) => ({ action: "upsert", document: { x: row!.body } }));
// @ts-expect-error an action that does not exist
const wrongVerb: Action = { action: "insert", document: {} };
// @ts-expect-error an upsert without a document
const noDocument: Action = { action: "upsert" };
// @ts-expect-error no attribute can be a function
const wrongValue: Document = { f: () => 1 };
// @ts-expect-error a row may be missing: deletes have none
const noCheck: Transform<Post> = (changes) => changes.map(({ row }) => ({ action: "upsert", document: { title: row.title } }));
// @ts-expect-error one result for all changes
const wrongResult: Transform<Post> = () => ({ action: "skip" });

export { noCheck, noDocument, plain, whole, wrongColumn, wrongResult, wrongValue, wrongVerb };
