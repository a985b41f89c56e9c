/**
 * What `next()` gives: a plain object, though made by a constructor. Of a literal an engine may come to
 * think that what is made there lives long, from a few that happened to, and then keeps each with its
 * record until the next full collection: `for await` was slower by a third in some processes.
 */
function item<E>(this: { done?: false; value?: E }, value: E): void {
  this.done = false;
  this.value = value;
}
item.prototype = Object.prototype;

const Item = item as unknown as new <E>(value: E) => IteratorYieldResult<E>;

/**
 * One item at a time out of an iterator of arrays. Items of an array in hand are given without
 * another turn through a generator, which is most of the cost of `for await` over small records.
 * Like the iterator below it, it expects one `next()` at a time, as `for await` calls it.
 */
class Flattened<E> implements AsyncIterableIterator<E> {
  private readonly batches: AsyncGenerator<E[], void, undefined>;
  private batch: E[] = [];
  private index = 0;

  constructor(batches: AsyncGenerator<E[], void, undefined>) {
    this.batches = batches;
  }

  next(): Promise<IteratorResult<E, undefined>> {
    const { batch, index } = this;
    if (index >= batch.length) return this.refill();
    this.index = index + 1;
    return Promise.resolve(new Item(batch[index] as E));
  }

  async return(): Promise<IteratorResult<E, undefined>> {
    this.batch = [];
    await this.batches.return();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  private async refill(): Promise<IteratorResult<E, undefined>> {
    const next = await this.batches.next();
    if (next.done === true) return { done: true, value: undefined };
    this.batch = next.value;
    this.index = 1;
    return new Item(next.value[0] as E);
  }
}

export function flatten<E>(
  batches: AsyncGenerator<E[], void, undefined>,
): AsyncIterableIterator<E> {
  return new Flattened(batches);
}

/** The same without waiting. */
class FlattenedSync<E> implements IterableIterator<E> {
  private readonly batches: Generator<E[], void, undefined>;
  private batch: E[] = [];
  private index = 0;

  constructor(batches: Generator<E[], void, undefined>) {
    this.batches = batches;
  }

  next(): IteratorResult<E, undefined> {
    if (this.index >= this.batch.length) {
      const next = this.batches.next();
      if (next.done === true) return { done: true, value: undefined };
      this.batch = next.value;
      this.index = 0;
    }
    const value = this.batch[this.index] as E;
    this.index += 1;
    return new Item(value);
  }

  return(): IteratorResult<E, undefined> {
    this.batch = [];
    this.batches.return();
    return { done: true, value: undefined };
  }

  [Symbol.iterator](): this {
    return this;
  }
}

export function flattenSync<E>(batches: Generator<E[], void, undefined>): IterableIterator<E> {
  return new FlattenedSync(batches);
}
