import { quote } from './describe.js';
import { checkShape } from './check-shape.js';
import { overlayLocations, type Locations } from './locations.js';
import { takeOutReserved } from './not-yet.js';
import { parseYaml } from './parse-yaml.js';
import type { Path } from './path.js';
import { readNamed, type PlanSource } from './plan-files.js';
import type { Report } from './problem.js';
import { guardScalars } from './scalar-guards.js';
import { partSchema, type PartDocument, type PlanDocument } from './schema/plan.js';

/** A plan with the gates, agents and defaults of its parts. */
export interface MergedPlan {
  readonly document: PlanDocument;
  /** A definition that came from a part is located in the part. */
  readonly locations: Locations;
  /** Whether a part could not be read whole: names may be missing that are no fault of the plan. */
  readonly isPartial: boolean;
}

/** Merges the files named by `use:`. What the plan itself defines counts; two parts must not differ. */
export async function mergeParts(
  source: PlanSource,
  document: PlanDocument,
  locations: Locations,
  report: Report,
): Promise<MergedPlan> {
  const overlays: { prefix: Path; locations: Locations }[] = [];
  const owners = new Map<string, string>();
  let merged = document;
  let isPartial = false;
  for (const [index, name] of (document.use ?? []).entries()) {
    const text = await readNamed(source, name, ['use', index], locations, report);
    const parsed = text && parseYaml(text, report);
    if (!parsed) {
      isPartial = true;
      continue;
    }
    guardScalars(parsed.value, parsed.locations, report);
    const rest = takeOutReserved(parsed.value, parsed.locations, report);
    const shape = checkShape(partSchema, 'part', rest?.document ?? null, parsed.locations, report);
    if (shape.document === undefined || shape.removed.length > 0) isPartial = true;
    for (const section of ['gates', 'agents', 'defaults'] as const) {
      const part: PartDocument = shape.document ?? {};
      for (const [key, value] of Object.entries(part[section] ?? {})) {
        const path = [section, key];
        const owner = owners.get(`${section}.${key}`);
        if (Object.hasOwn(document[section] ?? {}, key)) continue;
        if (owner !== undefined) {
          report.add(parsed.locations.key(path), path, {
            code: 'ORCH_PLAN_DUPLICATE_NAME',
            message: `${section}.${key} is defined in ${quote(owner)} already; define it in the plan to choose`,
          });
          continue;
        }
        owners.set(`${section}.${key}`, name);
        overlays.push({ prefix: path, locations: parsed.locations });
        merged = { ...merged, [section]: { ...merged[section], [key]: value } };
      }
    }
  }
  return { document: merged, locations: overlayLocations(locations, overlays), isPartial };
}
