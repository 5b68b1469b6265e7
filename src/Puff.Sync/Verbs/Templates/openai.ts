import type { Transform } from "puff-sync";
import type { {Row} } from "../../generated/{mapping}.ts";

// Any endpoint with the OpenAI API: set EMBEDDING_URL, EMBEDDING_KEY and EMBEDDING_MODEL.
const dimensions = 1536;
const maxCharacters = 24_000;

const textOf = (row: {Row}): string => Object.values(row).filter((value) => typeof value === "string").join("\n\n").slice(0, maxCharacters);

const transform: Transform<{Row}> = async (changes, ctx) => {
  const texts = [...new Set(changes.flatMap(({ row }) => (row === null ? [] : [textOf(row)])))];
  const vectors = new Map<string, number[]>();
  if (texts.length > 0) {
    const response = await ctx.fetch(`${ctx.env.EMBEDDING_URL ?? "https://api.openai.com/v1"}/embeddings`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${ctx.env.EMBEDDING_KEY}` },
      body: JSON.stringify({ model: ctx.env.EMBEDDING_MODEL ?? "text-embedding-3-small", dimensions, input: texts }),
    });
    if (!response.ok) throw new Error(`embeddings: ${response.status} ${(await response.text()).slice(0, 500)}`);
    const { data } = (await response.json()) as { data: { index: number; embedding: number[] }[] };
    for (const { index, embedding } of data) vectors.set(texts[index]!, embedding);
  }
  return changes.map(({ row }) =>
    row === null ? { action: "delete" } : { action: "upsert", document: { ...row, vector: vectors.get(textOf(row))! } },
  );
};

export default transform;
