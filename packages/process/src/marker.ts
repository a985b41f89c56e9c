import { ProcessError } from './process-error.js';

/** Throws `ORCH_PROCESS_SPEC` unless `marker` can stand in an environment and be found again. */
export function checkMarker(marker: string): void {
  if (/^[A-Za-z0-9._:@-]{1,200}$/.test(marker)) return;
  throw new ProcessError(
    'ORCH_PROCESS_SPEC',
    `The owner's marker is not valid: expected 1 to 200 letters, digits or . _ : @ -, received ${JSON.stringify(marker)}.`,
    { details: { what: 'marker' } },
  );
}

/** Read once: each look at an environment of Node is a call into the system's. */
const outer = process.env['ORCH_PROCESS_TREE'] ?? '';

/**
 * The marker variables of a process. `ORCH_PROCESS_OWNER` names its owner. `ORCH_PROCESS_TREE` lists the
 * started processes that it descends from, outermost first: an owner may itself run inside the tree of
 * another, which must still be able to end everything below it.
 */
export function markersOf(
  started: { readonly marker: string; readonly branch: string } | undefined,
): Record<string, string> {
  const tree = [outer, started?.branch ?? ''].filter((part) => part !== '').join(' ');
  return {
    ...(tree === '' ? {} : { ORCH_PROCESS_TREE: tree }),
    ...(started === undefined ? {} : { ORCH_PROCESS_OWNER: started.marker }),
  };
}
