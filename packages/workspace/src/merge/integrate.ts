import { moveRef } from '../git/refs.js';
import { refs } from '../layout.js';
import type { Repository } from '../repository/open.js';

/** Moves the integration ref of a run from one value to the next. */
export async function integrate(
  repository: Repository,
  request: { readonly run: string; readonly from: string | null; readonly to: string },
): Promise<void> {
  await moveRef(repository, {
    ref: refs.integration(request.run),
    from: request.from,
    to: request.to,
    reason: 'orch: integrate',
  });
}
