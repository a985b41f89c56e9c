import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';

/**
 * Looks a name up as Node does, and gives its addresses only if `check` throws for none of them. The address that was
 * checked is the one that is connected to, so a name cannot mean another a moment later.
 */
export function checkedLookup(check: (address: string) => void): LookupFunction {
  return (hostname, options, done) => {
    systemLookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        done(error, '');
        return;
      }
      try {
        for (const { address } of addresses) check(address);
      } catch (refusal) {
        done(refusal as Error, '');
        return;
      }
      const [first] = addresses;
      if (options.all === true) done(null, addresses);
      else done(null, first?.address ?? '', first?.family);
    });
  };
}
