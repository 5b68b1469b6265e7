import type { Transform } from "puff-sync";
import type { {Row} } from "../../generated/{mapping}.ts";

// A local Ollama: `ollama pull nomic-embed-text`. Its vectors have 768 dimensions.
const maxCharacters = 8_000;

const textOf = (row: {Row}): string => Object.values(row).filter((value) => typeof value === "string").join("\n\n").slice(0, maxCharacters);

const transform: Transform<{Row}> = async (changes, ctx) => {
  const texts = [...new Set(changes.flatMap(({ row }) => (row === null ? [] : [textOf(row)])))];
  const vectors = new Map<string, number[]>();
  if (texts.length > 0) {
    const response = await ctx.fetch(`${ctx.env.OLLAMA_URL ?? "http://127.0.0.1:11434"}/api/embed`, {
      method: "POST",
      body: JSON.stringify({ model: ctx.env.OLLAMA_MODEL ?? "nomic-embed-text", input: texts }),
    });
    if (!response.ok) throw new Error(`embeddings: ${response.status} ${(await response.text()).slice(0, 500)}`);
    const { embeddings } = (await response.json()) as { embeddings: number[][] };
    embeddings.forEach((embedding, index) => vectors.set(texts[index]!, embedding));
  }
  return changes.map(({ row }) =>
    row === null ? { action: "delete" } : { action: "upsert", document: { ...row, vector: vectors.get(textOf(row))! } },
  );
};

export default transform;
