/** What is used of https://webassembly.github.io/spec/js-api, which the types of Node leave out. */
interface WebAssembly {
  readonly Memory: new (size: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports?: Readonly<Record<string, Readonly<Record<string, object>>>>,
  ) => { readonly exports: Readonly<Record<string, unknown>> };
}

/** @throws TypeError where there is none, as with `--jitless` */
export function webAssembly(): WebAssembly {
  const { WebAssembly: api } = globalThis as { WebAssembly?: WebAssembly };
  if (api === undefined) throw new TypeError('There is no WebAssembly');
  return api;
}
