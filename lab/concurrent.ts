/** Applies an async function to each item, at most `limit` concurrently; results are in order. Stops at the first error. */
export async function mapConcurrently<T, R>(
  all: readonly T[],
  limit: number,
  apply: (one: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < all.length) {
      const index = next++;
      results[index] = await apply(all[index] as T);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, all.length) }, worker));
  return results;
}
