/**
 * One item at a time out of an iterator of arrays. Items of an array in hand are given without
 * another turn through a generator, which is most of the cost of `for await` over small records.
 * Like the iterator below it, it expects one `next()` at a time, as `for await` calls it.
 */
export function flatten<E>(
  batches: AsyncGenerator<E[], void, undefined>,
): AsyncIterableIterator<E> {
  let batch: E[] = [];
  let index = 0;

  async function refill(): Promise<IteratorResult<E, undefined>> {
    const next = await batches.next();
    if (next.done === true) return { done: true, value: undefined };
    batch = next.value;
    index = 1;
    return { done: false, value: batch[0] as E };
  }

  return {
    next() {
      if (index >= batch.length) return refill();
      const value = batch[index] as E;
      index += 1;
      return Promise.resolve({ done: false, value });
    },
    async return() {
      batch = [];
      await batches.return();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** The same without waiting. */
export function flattenSync<E>(batches: Generator<E[], void, undefined>): IterableIterator<E> {
  let batch: E[] = [];
  let index = 0;

  return {
    next() {
      if (index >= batch.length) {
        const next = batches.next();
        if (next.done === true) return { done: true, value: undefined };
        batch = next.value;
        index = 0;
      }
      const value = batch[index] as E;
      index += 1;
      return { done: false, value };
    },
    return() {
      batch = [];
      batches.return();
      return { done: true, value: undefined };
    },
    [Symbol.iterator]() {
      return this;
    },
  };
}
