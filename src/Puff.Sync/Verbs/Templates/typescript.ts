import type { Transform } from "puff-sync";
import type { {Row} } from "../../generated/{mapping}.ts";

// One result for each change, in the same order.
const transform: Transform<{Row}> = (changes) =>
  changes.map(({ row }) => {
    if (row === null) return { action: "delete" };
    return { action: "upsert", document: { ...row } };
  });

export default transform;
