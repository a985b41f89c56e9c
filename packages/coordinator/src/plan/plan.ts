import type { Json } from '../json.js';
import type { Locations } from './locations.js';
import type { PlanDocument } from './schema/plan.js';
import type { SourceText } from './source-text.js';

/** A schema file that a plan names. */
export interface SchemaFile {
  readonly value: Json;
  readonly locations: Locations;
}

/** A plan that was read and checked: its value, the files it names, and where everything stands. */
export interface Plan {
  /** As it was given to `readPlan`; problems and the graph name it. */
  readonly file: string;
  /** `use:` parts are merged in. */
  readonly document: PlanDocument;
  readonly locations: Locations;
  /** Prompt files by the path that the plan gives. */
  readonly prompts: ReadonlyMap<string, SourceText>;
  /** Schema files by the path that the plan gives. */
  readonly schemas: ReadonlyMap<string, SchemaFile>;
}
