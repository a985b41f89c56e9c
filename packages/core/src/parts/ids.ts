import { randomBytes, randomUUID } from 'node:crypto';
import type { Clock, Ids } from '@orch/coordinator';

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/** Seconds from here fit seven base32 digits until the year 3105. */
const epochMs = Date.UTC(2020, 0, 1);

/** Run ids: seven digits of seconds, so that they sort by time, and three of chance. */
export const ids: Ids = {
  run(now) {
    let seconds = Math.max(0, Math.floor((now - epochMs) / 1000));
    let time = '';
    for (let digit = 0; digit < 7; digit += 1) {
      time = `${alphabet[seconds % 32] ?? '0'}${time}`;
      seconds = Math.floor(seconds / 32);
    }
    return time + [...randomBytes(3)].map((byte) => alphabet[byte % 32]).join('');
  },
  session: () => randomUUID(),
};

export const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};
