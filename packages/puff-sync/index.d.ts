/** A document's id. */
export type Id = number | bigint | string;

/** One change of a row, as a transform is given it. Changes to one id inside a call are merged: there is at most one for each id. */
export interface Change<Row = Record<string, unknown>> {
  op: "insert" | "update" | "delete" | "snapshot";
  /** The document's id as it will be written. */
  id: Id;
  /** The complete row after the change; null for deletes. */
  row: Row | null;
  /** What the server sent of the row before: its key, all of it, or nothing. */
  old: Partial<Row> | null;
  /** Columns that differ; null when that is not known. */
  changed: (keyof Row & string)[] | null;
  source: { schema: string; table: string };
  /** Fixed width, so that text order is the order of changes; "" where there is no stream. */
  position: string;
  /** ISO 8601 in UTC. */
  committedAt: string | null;
}

export interface EmbedOptions {
  /** Must be the model of `[embed]`. */
  model?: string;
  dimensions?: number;
  kind?: "document" | "query";
}

export interface Context {
  mapping: string;
  namespace: string;
  migration: string;
  /** The merged environment, without the credentials of databases. */
  env: Readonly<Record<string, string>>;
  /** 1, 2, … */
  attempt: number;
  dryRun: boolean;
  /** Fires at the timeout and at shutdown. */
  signal: AbortSignal;
  log: Record<"debug" | "info" | "warn" | "error", (message: string, fields?: object) => void>;
  /** The global one, with the signal attached. */
  fetch: typeof fetch;
  /** Vectors by the mapping's `[embed]`. */
  embed(texts: string[], options?: EmbedOptions): Promise<Float32Array[]>;
  /** Values that outlive the process, on this machine. */
  cache: { get(key: string): Promise<Uint8Array | null>; set(key: string, value: Uint8Array): Promise<void> };
  /** Rows of a `[[lookup]]` of the migration. */
  lookup(name: string, keys: unknown[]): Promise<Record<string, unknown>[]>;
}

/** What an attribute can be. NaN and infinities, functions and nested objects fail their change. */
export type AttributeValue =
  | string | number | bigint | boolean | null | undefined | Date
  | Uint8Array | Float32Array | Float64Array
  | readonly (string | number | bigint | boolean | null | Date)[]
  | readonly (readonly number[] | Float32Array)[]
  /** A sparse vector. */
  | Readonly<Record<string, number>>;

/** Vectors are number[] or Float32Array; what is undefined is not written. */
export type Document = { [attribute: string]: AttributeValue };

export type Action =
  /** The id is the change's own when it is not given. */
  | { action: "upsert"; id?: Id; document: Document }
  /** Without dense vectors. */
  | { action: "patch"; id?: Id; document: Document }
  /** All documents of one source row: those of the group that are not listed are removed. */
  | { action: "replaceGroup"; group: string; documents: { id: Id; document: Document }[] }
  | { action: "delete"; id?: Id }
  /** Leaves what is there. */
  | { action: "skip"; reason?: string }
  | { action: "fail"; message: string; retryable?: boolean };

export type Result = Action | Action[];

/** Exactly one result for each change, in the same order. */
export type Transform<Row = Record<string, unknown>> = (changes: Change<Row>[], ctx: Context) => Result[] | Promise<Result[]>;

/** Declarations of attributes, in place of [target.schema]: a type, or a type with options. */
export type Schema = Record<string, string | {
  type?: string; filterable?: boolean; full_text_search?: boolean | object; regex?: boolean; glob?: boolean; fuzzy?: boolean;
  ann?: boolean | { distance_metric?: "cosine_distance" | "euclidean_squared"; late_interaction?: boolean };
  sparse_knn?: boolean | { distance_metric?: "dot_product" };
}>;

/** The default export of an entry when it needs more than a function. */
export interface TransformModule<Row = Record<string, unknown>> {
  setup?(ctx: Context): void | Promise<void>;
  transform: Transform<Row>;
  teardown?(ctx: Context): void | Promise<void>;
  schema?: Schema;
}
