/**
 * What any validator that follows the Standard Schema specification (version 1) looks like: zod,
 * valibot, arktype and others. Only its shape is used, so that none of them has to be installed.
 */
export interface StandardSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | PromiseLike<SchemaResult<Output>>;
    /** Exists in types only. */
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string }[] };

/** @throws TypeError when this is not a Standard Schema. */
export function checkSchema(schema: StandardSchema | undefined): void {
  if (schema === undefined) return;
  const standard = (schema as Partial<StandardSchema> | null)?.['~standard'];
  if (standard?.version === 1 && typeof standard.validate === 'function') return;
  throw new TypeError(
    "schema must follow Standard Schema version 1 (an object with '~standard'), as zod, valibot and arktype do",
  );
}
