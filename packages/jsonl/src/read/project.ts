import type { Projector } from './decode.js';
import type { Where } from './select-lines.js';

export function projectFields(_fields: readonly string[], _where: Where): Projector | undefined {
  return undefined;
}
