import { randomBytes, randomUUID } from 'node:crypto';
import type { Clock, Ids } from '@orch/coordinator';

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/** Milliseconds from here fit eight base32 digits until the year 2060. */
const epochMs = Date.UTC(2026, 0, 1);

/** Run ids: eight digits of milliseconds, so that also quick runs sort by time, and two of chance. */
export const ids: Ids = {
  run(now) {
    let rest = Math.max(0, Math.floor(now - epochMs));
    let time = '';
    for (let digit = 0; digit < 8; digit += 1) {
      time = `${alphabet[rest % 32] ?? '0'}${time}`;
      rest = Math.floor(rest / 32);
    }
    return time + [...randomBytes(2)].map((byte) => alphabet[byte % 32]).join('');
  },
  session: () => randomUUID(),
};

export const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};
